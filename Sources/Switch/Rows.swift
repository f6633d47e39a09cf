import Accounting
import Config
import ACD
import Calls
import Engine
import Events
import NetAddress
import Reports
import SIP
import Timebase

/// The objects of the outward contract, as the API gives them and the command line prints them.

struct RegistrationRow: Encodable, Sendable {
    var tenant: String
    var user: String
    var contact: String
    var transport: String
    var source: String
    @OrNull var user_agent: String?
    var registered_at: String
    var expires_at: String
    @OrNull var rtt_ms: Double?

    init(_ user: UserID, _ binding: Binding) {
        tenant = user.tenant.name
        self.user = user.number
        contact = "\(binding.contact)"
        transport = binding.source.transport.rawValue
        source = "\(binding.source.remote)"
        user_agent = binding.userAgent
        registered_at = "\(binding.registeredAt)"
        expires_at = "\(binding.expiresAt.wall)"
        rtt_ms = binding.roundTrip.map { ($0.inMilliseconds * 1000).rounded() / 1000 }
    }
}

struct CallRow: Encodable, Sendable {
    var call_id: String
    var tenant: String
    var state: String
    var from: String
    var to: String
    @OrNull var queue: String?
    @OrNull var agent: String?
    /// The slot that it is parked in.
    @OrNull var parked: String?
    var since: String
    var duration_s: Double
    @OrNull var mos_a: Double?
    @OrNull var mos_b: Double?

    init(_ call: LiveCall, now: Moment) {
        call_id = call.id.value
        tenant = call.tenant.name
        state = call.state.rawValue
        from = call.from
        to = call.to
        queue = call.queue
        agent = call.agent
        parked = call.slot
        since = "\(call.since.wall)"
        mos_a = call.mosA.map { ($0 * 1000).rounded() / 1000 }
        mos_b = call.mosB.map { ($0 * 1000).rounded() / 1000 }
        duration_s = ((now.instant - call.started.instant).inSeconds * 1000).rounded() / 1000
    }
}

struct SinkRow: Encodable, Sendable {
    var tenant: String
    var sink: String
    /// A URL without a password in it, or a file in the tenant's folder of data.
    var to: String
    /// Records that the sink is still to get; null: the tenant's file cannot be read.
    @OrNull var waiting: Int?
    /// Attempts since the start.
    var failures: UInt64
    /// Why the last attempt failed; null: it did not.
    @OrNull var reason: String?

    init(_ status: RecordDelivery.Status, waiting: Int) {
        (tenant, sink, to) = (status.tenant.name, status.sink.name, status.sink.shown)
        (self.waiting, failures, reason) = (waiting, status.failures, status.fault)
    }

    init(_ status: RecordDelivery.Status, fault: any Error) {
        self.init(status, waiting: 0)
        (waiting, reason) = (nil, status.fault ?? "\(fault)")
    }
}

struct TrunkRow: Encodable, Sendable {
    var tenant: String
    var trunk: String
    var address: String
    /// `up`, `down`, or `resting`: it asked to be left alone.
    var state: String
    @OrNull var since: String?
    @OrNull var reason: String?
    @OrNull var rtt_ms: Double?
    /// Whether it is asked by OPTIONS.
    var probed: Bool
    var active_calls: Int
    @OrNull var max_calls: Int?
    /// Of us with the carrier; null where the trunk has no `register`.
    @OrNull var registration: String?
    @OrNull var registration_reason: String?

    init(_ status: Engine.TrunkStatus) {
        tenant = status.id.tenant.name
        trunk = status.id.name
        address = status.address
        let rest = status.isUp ? status.rest : nil
        state = status.isUp ? rest == nil ? "up" : "resting" : "down"
        since = status.since.map { "\($0.wall)" }
        reason = status.isUp ? rest.map { "503: it asked to be left alone for \($0) s more" } : status.reason
        rtt_ms = status.roundTrip.map { ($0.inMilliseconds * 1000).rounded() / 1000 }
        probed = status.isProbed
        active_calls = status.activeCalls
        max_calls = status.maxCalls
        (registration, registration_reason) = Self.registration(status)
    }

    private static func registration(_ status: Engine.TrunkStatus) -> (String?, String?) {
        let word = status.isRegistered ? "registered" : nil
        return switch status.registration {
        case nil: (nil, nil)
        case .registered: (word ?? "expired", nil)
        case .registering: (word ?? "registering", nil)
        case .waiting(let why): (word ?? "waiting", why)
        case .refused(let why): ("refused", why)
        case .stopped(let why): ("stopped", why)
        case .leaving, .gone: ("leaving", nil)
        }
    }
}

struct AgentRow: Encodable, Sendable {
    var tenant: String
    var user: String
    @OrNull var name: String?
    var state: String
    @OrNull var reason: String?
    var since: String
    var queues: [String]
    /// Those of them that leave the agent out.
    var paused_in: [String]
    var calls_today: Int
    var talk_s_today: Double
    @OrNull var current_call: String?
    /// Whose phones ring for the agent.
    var device: String
    /// A pause that begins after the call and its wrap-up.
    @OrNull var pending_pause: String?
    /// A log-out that begins after the call and its wrap-up.
    var pending_logout: Bool
    /// The limit of pauses that the agent is over.
    @OrNull var alarm: String?
    /// All this in words.
    var summary: String

    init(_ agent: Dispatcher.AgentView, name: String?, today: AgentToday?) {
        tenant = agent.id.tenant.name
        user = agent.id.number
        self.name = name
        state = agent.state.rawValue
        reason = agent.reason
        since = "\(agent.since.wall)"
        queues = agent.queues
        paused_in = agent.pausedIn.keys.sorted()
        calls_today = today?.calls ?? 0
        talk_s_today = today?.talk ?? 0
        current_call = agent.currentCall?.value
        device = agent.device
        pending_pause = agent.pendingPause
        pending_logout = agent.hasPendingLogOut
        alarm = (agent.exceeded.contains(.shift) ? .shift : agent.exceeded.first)?.rawValue
        summary = agent.summary
    }
}

/// What an agent did since midnight in the tenant's zone.
struct AgentToday: Sendable {
    var calls: Int
    /// Seconds.
    var talk: Double
}

struct QueueRow: Encodable, Sendable {
    var tenant: String
    var queue: String
    var waiting: Int
    var callbacks: Int
    var longest_wait_s: Double
    var agents_available: Int
    var agents_busy: Int
    var agents_paused: Int
    var offered_today: Int
    var answered_today: Int
    var abandoned_today: Int
    @OrNull var service_level_today: Double?
    @OrNull var asa_s_today: Double?
    @OrNull var estimated_wait_s: Double?

    init(_ queue: Dispatcher.QueueView, today: QueueToday?) {
        tenant = queue.id.tenant.name
        self.queue = queue.id.name
        waiting = queue.waiting
        callbacks = queue.callbacks
        longest_wait_s = seconds(queue.longestWait)
        agents_available = queue.available
        agents_busy = queue.busy
        agents_paused = queue.paused
        offered_today = today?.offered ?? 0
        answered_today = today?.answered ?? 0
        abandoned_today = today?.abandoned ?? 0
        service_level_today = today?.serviceLevel
        asa_s_today = today?.averageSpeedOfAnswer
        estimated_wait_s = queue.expectedWait.map(seconds)
    }
}

/// A queue's figures since midnight in the tenant's zone: the report of that interval.
struct QueueToday: Sendable {
    var offered: Int
    var answered: Int
    var abandoned: Int
    /// A share from 0 to 1.
    var serviceLevel: Double?
    /// Seconds.
    var averageSpeedOfAnswer: Double?
}

/// Seconds with milliseconds.
private func seconds(_ duration: Duration) -> Double { (duration.inSeconds * 1000).rounded() / 1000 }

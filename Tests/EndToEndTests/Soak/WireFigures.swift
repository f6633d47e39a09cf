/// Something that was seen on a wire, in seconds since the beginning.
struct WireEvent {
    enum What {
        /// By a command of the administrator.
        case loggedIn, paused, unpaused
        /// Of the caller: his INVITE, his BYE, the switch's BYE.
        case arrived, left, dismissed
        /// Of the operator: an INVITE, its CANCEL, his refusal, the ACK of his answer, a BYE of either side.
        case rang, stopped, refused, answered, held, resumed, ended
    }

    var at: Double
    var caller: String
    var queue: String?
    var agent: String?
    var what: What
}

/// The figures of reports, from nothing but what was seen on the wires.
struct WireFigures {
    /// A figure that cannot be told to the millisecond from outside: a wait near a threshold may be on either side of it.
    static let blur = 0.25

    struct Queue {
        var offered = 0
        var answered = 0
        var abandoned = 0
        var overflowed = 0
        var waitsOfAnswered: [Double] = []
        var waitsOfAbandoned: [Double] = []
        var longestWait = 0.0
        /// Holds included.
        var talk = 0.0
        var hold = 0.0
        var holds = 0

        mutating func waited(_ wait: Double) { longestWait = max(longestWait, wait) }

        /// How many of these waits are within the limit, at least and at most.
        static func count(_ waits: [Double], within limit: Double) -> ClosedRange<Int> {
            waits.count { $0 <= limit - blur }...waits.count { $0 <= limit + blur }
        }
    }

    struct Agent {
        var loggedIn = 0.0
        var handled = 0
        var offers = 0
        var missed = 0
        var talk = 0.0
        var wrapUp = 0.0
        var ringing = 0.0
        var paused = 0.0
        /// Changes of state: each is seen a little before or after the switch sees it.
        var changes = 0
    }

    private struct Caller {
        var queue: String
        var arrived: Double
        var isAnswered = false
        var isGone = false
    }

    private(set) var queues: [String: Queue] = [:]
    private(set) var agents: [String: Agent] = [:]
    private var callers: [String: Caller] = [:]
    private var ringing: [String: Double] = [:]
    private var talking: [String: (queue: String, since: Double)] = [:]
    private var holding: [String: Double] = [:]
    private var pausing: [String: Double] = [:]
    private let wrapUps: [String: Double]

    init(_ log: [WireEvent], wrapUps: [String: Double]) {
        self.wrapUps = wrapUps
        for event in log { take(event) }
    }

    private mutating func take(_ event: WireEvent) {
        switch event.what {
        case .arrived:
            callers[event.caller] = Caller(queue: event.queue ?? "", arrived: event.at)
            queues[event.queue ?? "", default: Queue()].offered += 1
        case .left, .dismissed:
            callers[event.caller]?.isGone = true
            guard let caller = callers[event.caller], !caller.isAnswered else { return }
            let wait = event.at - caller.arrived
            queues[caller.queue]?.waited(wait)
            if event.what == .left {
                queues[caller.queue]?.abandoned += 1
                queues[caller.queue]?.waitsOfAbandoned.append(wait)
            } else {
                queues[caller.queue]?.overflowed += 1
            }
        case .loggedIn, .paused, .unpaused, .rang, .stopped, .refused, .answered, .held, .resumed, .ended:
            if let agent = event.agent { take(event, of: agent) }
        }
    }

    private mutating func take(_ event: WireEvent, of name: String) {
        var agent = agents[name] ?? Agent()
        agent.changes += 1
        switch event.what {
        case .loggedIn: agent.loggedIn = event.at
        case .paused: pausing[name] = event.at
        case .unpaused: agent.paused += event.at - (pausing.removeValue(forKey: name) ?? event.at)
        case .rang:
            agent.offers += 1
            ringing[name] = event.at
        case .stopped, .refused:
            let rang = event.at - (ringing.removeValue(forKey: name) ?? event.at)
            agent.ringing += rang
            // Taken back because the caller went, or missed because the time was over: the time-out is 3 s.
            let isOver = rang > 3 - Self.blur && !(callers[event.caller]?.isGone ?? true)
            if event.what == .refused || isOver { agent.missed += 1 }
        case .answered:
            agent.ringing += event.at - (ringing.removeValue(forKey: name) ?? event.at)
            agent.handled += 1
            answer(event, by: name)
        case .held: holding[name] = event.at
        case .resumed: endHold(of: name, at: event.at)
        case .ended:
            endHold(of: name, at: event.at)
            guard let talk = talking.removeValue(forKey: name) else { break }
            agent.talk += event.at - talk.since
            agent.wrapUp += wrapUps[talk.queue] ?? 0
            queues[talk.queue]?.talk += event.at - talk.since
        case .arrived, .left, .dismissed: break
        }
        agents[name] = agent
    }

    private mutating func endHold(of agent: String, at end: Double) {
        guard let since = holding.removeValue(forKey: agent), let queue = talking[agent]?.queue else { return }
        queues[queue]?.hold += end - since
        queues[queue]?.holds += 1
    }

    private mutating func answer(_ event: WireEvent, by agent: String) {
        guard let caller = callers[event.caller] else { return }
        callers[event.caller]?.isAnswered = true
        let wait = event.at - caller.arrived
        queues[caller.queue]?.answered += 1
        queues[caller.queue]?.waitsOfAnswered.append(wait)
        queues[caller.queue]?.waited(wait)
        talking[agent] = (caller.queue, event.at)
    }
}

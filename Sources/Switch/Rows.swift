import Calls
import Engine
import Events
import NetAddress
import SIP
import Timebase

/// The objects of the outward contract, as the API gives them and the command line prints them.

struct RegistrationRow: Encodable, Sendable {
    var tenant: String
    var user: String
    var contact: String
    var transport: String
    var source: String
    var user_agent: String?
    var registered_at: String
    var expires_at: String
    var rtt_ms: Double?

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
    var queue: String?
    var agent: String?
    var since: String
    var duration_s: Double
    var mos_a: Double?
    var mos_b: Double?

    init(_ call: LiveCall, now: Moment) {
        call_id = call.id.value
        tenant = call.tenant.name
        state = call.state.rawValue
        from = call.from
        to = call.to
        since = "\(call.since.wall)"
        duration_s = ((now.instant - call.started.instant).inSeconds * 1000).rounded() / 1000
    }
}

struct TrunkRow: Encodable, Sendable {
    var tenant: String
    var trunk: String
    var address: String
    var state: String
    var since: String?
    var reason: String?
    var rtt_ms: Double?
    var active_calls: Int
    var max_calls: Int?

    init(_ status: Engine.TrunkStatus) {
        tenant = status.id.tenant.name
        trunk = status.id.name
        address = status.address
        state = status.isUp ? "up" : "down"
        since = status.since.map { "\($0.wall)" }
        reason = status.isUp ? nil : status.reason
        rtt_ms = status.roundTrip.map { ($0.inMilliseconds * 1000).rounded() / 1000 }
        active_calls = status.activeCalls
        max_calls = status.maxCalls
    }
}

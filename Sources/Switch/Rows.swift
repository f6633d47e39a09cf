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
        since = "\(call.since.wall)"
        duration_s = ((now.instant - call.started.instant).inSeconds * 1000).rounded() / 1000
    }
}

struct TrunkRow: Encodable, Sendable {
    var tenant: String
    var trunk: String
    var address: String
    var state: String
    @OrNull var since: String?
    @OrNull var reason: String?
    @OrNull var rtt_ms: Double?
    var active_calls: Int
    @OrNull var max_calls: Int?

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

/// A value that is written as null when there is none: every key of a row is always there.
@propertyWrapper
struct OrNull<Value: Encodable & Sendable>: Encodable, Sendable {
    var wrappedValue: Value?

    init(wrappedValue: Value?) { self.wrappedValue = wrappedValue }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        if let wrappedValue { try container.encode(wrappedValue) } else { try container.encodeNil() }
    }
}

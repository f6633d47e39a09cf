public import Events
public import Timebase

/// What happened in one call: its SIP on both sides and its events, on one time axis.
public struct CallTrace: Codable, Equatable, Sendable {
    public var callID: CallID
    public var tenant: TenantID
    public var started: Moment
    public var from: String
    public var to: String
    public var entries: [TraceEntry] = []
    /// Entries that found no room.
    public var omitted = 0

    public init(callID: CallID, tenant: TenantID, started: Moment, from: String, to: String) {
        (self.callID, self.tenant, self.started) = (callID, tenant, started)
        (self.from, self.to) = (from, to)
    }
}

/// One moment of a call.
public struct TraceEntry: Codable, Equatable, Sendable {
    public enum Kind: Codable, Equatable, Sendable {
        case message(TracedMessage)
        /// In the words of the ladder.
        case event(String)
    }

    /// Microseconds since the call's start, by the monotonic clock.
    public var offset: Int64
    public var kind: Kind

    public init(offset: Int64, kind: Kind) { (self.offset, self.kind) = (offset, kind) }
}

/// A SIP message as it went over the wire, its secrets masked.
public struct TracedMessage: Codable, Equatable, Sendable {
    public var leg: Int
    public var isIncoming: Bool
    public var transport: String
    public var local: String
    public var remote: String
    public var text: String

    public init(leg: Int, isIncoming: Bool, transport: String, local: String, remote: String, text: String) {
        (self.leg, self.isIncoming, self.transport) = (leg, isIncoming, transport)
        (self.local, self.remote, self.text) = (local, remote, text)
    }

    init(_ seen: SIPMessageSeen) {
        self.init(
            leg: seen.leg,
            isIncoming: seen.isIncoming,
            transport: seen.transport,
            local: seen.local,
            remote: seen.remote,
            text: traceText(of: seen.bytes)
        )
    }
}

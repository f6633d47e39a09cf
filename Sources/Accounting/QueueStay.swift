public import Events

/// One stay of a call in one queue, from the entry to the end of the talk with the agent who took it, and his wrap-up.
///
/// Times are milliseconds since 1970 and RFC 3339 in UTC, durations milliseconds.
public struct QueueStay: Codable, Equatable, Sendable {
    public var callID: String
    public var queue: String
    /// The caller's.
    public var number: String
    public var priority: Int
    /// At the entry; 1: next.
    public var position: Int
    public var enteredMilliseconds: Int64
    /// Waited in queues before this one.
    public var carriedMilliseconds: Int64
    /// In this queue, to the answer or to the end of the wait; nil while it lasts.
    public var waitMilliseconds: Int64?
    /// nil while the caller waits.
    public var outcome: QueueOutcome?
    public var agent: String?
    /// How many phones rang for the caller.
    public var offers: Int
    /// For how long the phone rang that was answered.
    public var ringMilliseconds: Int64?
    public var connectedMilliseconds: Int64?
    /// From the answer to the end of the talk, holds included.
    public var talkMilliseconds: Int64?
    public var holdMilliseconds: Int64?
    /// The end of the talk, or of a wait that nobody answered; nil until then.
    public var endedMilliseconds: Int64?
    /// Of this talk; nil until it is over.
    public var wrapUpMilliseconds: Int64?
    /// Of that, what somebody has extended it by: more than the queue grants.
    public var extendedMilliseconds: Int64?
    /// Whether the wait or the talk ended because the caller hung up; nil while nobody knows.
    public var callerHungUp: Bool?

    public init(callID: String, queue: String, number: String, enteredMilliseconds: Int64) {
        (self.callID, self.queue, self.number) = (callID, queue, number)
        self.enteredMilliseconds = enteredMilliseconds
        (priority, position, carriedMilliseconds, offers) = (0, 1, 0, 0)
    }

    /// What the caller waited in all, queues before this one included; nil while he waits.
    public var totalWaitMilliseconds: Int64? { waitMilliseconds.map { $0 + carriedMilliseconds } }

    public enum CodingKeys: String, CodingKey, CaseIterable, Sendable {
        case callID = "call_id"
        case queue, number, priority, position
        case enteredMilliseconds = "entered_ms"
        case carriedMilliseconds = "carried_ms"
        case waitMilliseconds = "wait_ms"
        case outcome, agent, offers
        case ringMilliseconds = "ring_ms"
        case connectedMilliseconds = "connected_ms"
        case talkMilliseconds = "talk_ms"
        case holdMilliseconds = "hold_ms"
        case endedMilliseconds = "ended_ms"
        case wrapUpMilliseconds = "wrap_up_ms"
        case extendedMilliseconds = "wrap_up_extended_ms"
        case callerHungUp = "caller_hung_up"
    }
}

/// A ringing of an agent that was no answer: he missed it, refused it, or it was taken from him.
public struct MissedOffer: Codable, Equatable, Sendable {
    public var callID: String
    public var queue: String
    public var agent: String
    /// When the ringing ended, in milliseconds since 1970.
    public var atMilliseconds: Int64
    /// `elsewhere` and `withdrawn` are not the agent's fault.
    public var result: OfferResult
    public var rangMilliseconds: Int64

    public init(
        callID: String,
        queue: String,
        agent: String,
        atMilliseconds: Int64,
        result: OfferResult,
        rangMilliseconds: Int64
    ) {
        (self.callID, self.queue, self.agent) = (callID, queue, agent)
        (self.atMilliseconds, self.result, self.rangMilliseconds) = (atMilliseconds, result, rangMilliseconds)
    }

    public enum CodingKeys: String, CodingKey, CaseIterable, Sendable {
        case callID = "call_id"
        case queue, agent
        case atMilliseconds = "at_ms"
        case result
        case rangMilliseconds = "rang_ms"
    }
}

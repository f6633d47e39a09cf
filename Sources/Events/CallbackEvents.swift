/// How a wish to be called back stands.
public enum CallbackState: String, Codable, Sendable, CaseIterable {
    /// For its turn, or for its next attempt.
    case waiting
    /// An agent has it: he calls the number.
    case calling
    /// Somebody spoke with the caller.
    case done
    /// As many attempts as may be came to nothing, or there is no such queue any more.
    case failed
    case cancelled

    public var isOpen: Bool { self == .waiting || self == .calling }
}

/// A caller wants to be called back, or something became of it. In the call that asked for it, or the one that is the attempt.
public struct CallbackChanged: Codable, Equatable, Sendable {
    public var id: String
    public var queue: String
    public var number: String
    /// Milliseconds since 1970.
    public var requestedMilliseconds: Int64
    public var state: CallbackState
    /// Talks that were tried, this one included.
    public var attempts: Int
    /// What he demands of an agent.
    public var skill: Int
    /// Who called last.
    public var agent: String?
    /// Why the last attempt came to nothing.
    public var reason: String?
    /// When the next attempt is due, in milliseconds since 1970; nil: it is not put off.
    public var nextMilliseconds: Int64?

    public init(
        id: String,
        queue: String,
        number: String,
        requestedMilliseconds: Int64,
        state: CallbackState,
        attempts: Int,
        skill: Int,
        agent: String?,
        reason: String?,
        nextMilliseconds: Int64? = nil
    ) {
        (self.id, self.queue, self.number) = (id, queue, number)
        (self.requestedMilliseconds, self.state, self.attempts) = (requestedMilliseconds, state, attempts)
        (self.skill, self.agent, self.reason) = (skill, agent, reason)
        self.nextMilliseconds = nextMilliseconds
    }
}

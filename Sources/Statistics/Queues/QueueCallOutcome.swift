/// The limits that a service level is counted against.
public struct ServiceThresholds: Hashable, Codable, Sendable {
    /// X: an answer within this many milliseconds of entering the queue is in time.
    public var answerWithin: Int64
    /// h: who gives up within this many milliseconds did so before anybody could help. At most X.
    public var shortAbandon: Int64
    /// Y: the share of calls, in per cent, that is to be answered in time.
    public var targetPercent: Double

    /// 80 % within 20 s and short abandons up to 5 s, unless told otherwise.
    public init(answerWithin: Int64 = 20_000, shortAbandon: Int64 = 5_000, targetPercent: Double = 80) {
        self.answerWithin = max(0, answerWithin)
        self.shortAbandon = min(max(0, shortAbandon), self.answerWithin)
        self.targetPercent = targetPercent.isFinite ? min(max(targetPercent, 0), 100) : 80
    }
}

/// What became of one call in one queue. All times are milliseconds.
public struct QueueCallOutcome: Hashable, Codable, Sendable {
    /// How its stay in the queue ended.
    public enum Outcome: String, Hashable, Codable, Sendable, CaseIterable {
        case answered, abandoned, overflowed, callback
        case stillWaiting = "still-waiting"
    }

    /// From entering the queue to the answer or the end of waiting: ringing included, announcements before the queue
    /// not; time in the queue after being put back is added.
    public var wait: Int64
    public var outcome: Outcome
    /// Conversation without the time on hold.
    public var talk: Int64
    public var hold: Int64
    /// Wrap-up that a timer ended.
    public var wrapUpAuto: Int64
    /// Wrap-up that the agent ended.
    public var wrapUpManual: Int64
    /// Ringing at agents, over all offers.
    public var ring: Int64
    /// How often it was offered to an agent.
    public var offers: Int64
    /// Offers that ended because the caller gave up while an agent's telephone rang: not the agent's miss.
    public var offersAbandoned: Int64

    public init(
        wait: Int64,
        outcome: Outcome,
        talk: Int64 = 0,
        hold: Int64 = 0,
        wrapUpAuto: Int64 = 0,
        wrapUpManual: Int64 = 0,
        ring: Int64 = 0,
        offers: Int64 = 0,
        offersAbandoned: Int64 = 0
    ) {
        (self.wait, self.outcome, self.talk, self.hold) = (wait, outcome, talk, hold)
        (self.wrapUpAuto, self.wrapUpManual, self.ring) = (wrapUpAuto, wrapUpManual, ring)
        (self.offers, self.offersAbandoned) = (offers, offersAbandoned)
    }
}

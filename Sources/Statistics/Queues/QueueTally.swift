/// Counts and sums over calls of queues: a monoid, so that quarter hours add up to hours, queues to a centre, and every
/// average is Σ time ÷ Σ count, never an average of averages (contactcentrehelper.com, "Call Centre Reporting Metrics").
///
/// All times are milliseconds. Add only tallies that were counted under the same `ServiceThresholds`. Sums saturate.
public struct QueueTally: Hashable, Codable, Sendable {
    /// O = A + B + flow-outs + those still waiting.
    public var offered: Int64 = 0
    /// A.
    public var answered: Int64 = 0
    /// Of the answered, those whose talk is over: who is in talk adds no time yet.
    public var talked: Int64 = 0
    /// Of the answered, those whose wrap-up is over.
    public var wrappedUp: Int64 = 0
    /// B, short abandons included.
    public var abandoned: Int64 = 0
    /// Bₕ: abandoned with a wait of h or less.
    public var shortAbandoned: Int64 = 0
    /// Aₓ: answered with a wait of X or less.
    public var answeredWithin: Int64 = 0
    /// Bₓ: abandoned with a wait of X or less.
    public var abandonedWithin: Int64 = 0
    /// Flow-outs to another queue, a mailbox, a timeout.
    public var overflowed: Int64 = 0
    /// Flow-outs that chose to be called back: no abandons (Amazon Connect, "Metrics definitions").
    public var callbacks: Int64 = 0
    public var waiting: Int64 = 0
    /// W: still waiting, and longer than X. They are late whatever becomes of them.
    public var waitingBeyond: Int64 = 0
    /// Calls of any outcome that waited longer than X (Cisco's service level event "X elapsed").
    public var exceeded: Int64 = 0

    public var waitOfAnswered: Int64 = 0
    public var waitOfAbandoned: Int64 = 0
    public var waitOfAll: Int64 = 0
    /// The longest wait of any call; the greater of two, not their sum.
    public var longestWait: Int64 = 0
    public var talk: Int64 = 0
    public var hold: Int64 = 0
    public var wrapUpAuto: Int64 = 0
    public var wrapUpManual: Int64 = 0
    public var ring: Int64 = 0

    /// Offers to agents.
    public var offers: Int64 = 0
    public var offersAnswered: Int64 = 0
    /// Offers during which the caller gave up.
    public var offersAbandoned: Int64 = 0

    /// Nothing: the neutral element.
    public init() {}

    public var wrapUp: Int64 { wrapUpAuto.plus(wrapUpManual) }
    /// Talk, hold and wrap-up.
    public var handling: Int64 { talk.plus(hold).plus(wrapUp) }

    public static func + (lhs: QueueTally, rhs: QueueTally) -> QueueTally {
        var sum = lhs
        for path in summed { sum[keyPath: path] = lhs[keyPath: path].plus(rhs[keyPath: path]) }
        sum.longestWait = max(lhs.longestWait, rhs.longestWait)
        return sum
    }

    public static func += (lhs: inout QueueTally, rhs: QueueTally) { lhs = lhs + rhs }

    /// Counts one call. Negative times, which a stepped clock leaves behind, count as none.
    public mutating func add(_ call: QueueCallOutcome, under thresholds: ServiceThresholds) {
        let wait = max(0, call.wait)
        let isWithin = wait <= thresholds.answerWithin
        count(\.offered)
        if !isWithin { count(\.exceeded) }
        add(wait, to: \.waitOfAll)
        longestWait = max(longestWait, wait)
        switch call.outcome {
        case .answered:
            for path in [\QueueTally.answered, \.talked, \.wrappedUp] { count(path) }
            if isWithin { count(\.answeredWithin) }
            add(wait, to: \.waitOfAnswered)
        case .abandoned:
            count(\.abandoned)
            if isWithin { count(\.abandonedWithin) }
            if wait <= thresholds.shortAbandon { count(\.shortAbandoned) }
            add(wait, to: \.waitOfAbandoned)
        case .overflowed: count(\.overflowed)
        case .callback: count(\.callbacks)
        case .stillWaiting:
            count(\.waiting)
            if !isWithin { count(\.waitingBeyond) }
        }
        addHandling(of: call)
    }

    private mutating func addHandling(of call: QueueCallOutcome) {
        add(call.talk, to: \.talk)
        add(call.hold, to: \.hold)
        add(call.wrapUpAuto, to: \.wrapUpAuto)
        add(call.wrapUpManual, to: \.wrapUpManual)
        add(call.ring, to: \.ring)
        // Whoever answered was offered the call, even where offers are not told.
        let isAnswered = call.outcome == .answered
        let offered = max(call.offers, isAnswered ? 1 : 0)
        add(offered, to: \.offers)
        if isAnswered { count(\.offersAnswered) }
        add(min(call.offersAbandoned, offered), to: \.offersAbandoned)
    }

    private mutating func count(_ path: WritableKeyPath<QueueTally, Int64>) { add(1, to: path) }

    private mutating func add(_ value: Int64, to path: WritableKeyPath<QueueTally, Int64>) {
        self[keyPath: path] = self[keyPath: path].plus(max(0, value))
    }

    private static var summed: [WritableKeyPath<QueueTally, Int64>] {
        [
            \.offered, \.answered, \.talked, \.wrappedUp, \.abandoned, \.shortAbandoned, \.answeredWithin,
            \.abandonedWithin, \.overflowed,
            \.callbacks, \.waiting, \.waitingBeyond, \.exceeded, \.waitOfAnswered, \.waitOfAbandoned, \.waitOfAll,
            \.talk, \.hold, \.wrapUpAuto, \.wrapUpManual, \.ring, \.offers, \.offersAnswered, \.offersAbandoned,
        ]
    }
}

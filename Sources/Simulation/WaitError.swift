public import Timebase

/// One caller's way through a queue, as far as a foretold wait can be held against it.
public struct ForetoldWait: Sendable {
    var queue: String
    /// The moment of entry, moved back by time waited elsewhere.
    var rank: Instant
    var entered: Instant
    /// The end of the wait.
    var left: Instant
    var isAnswered: Bool
    /// What the queue lets anybody wait; nil: for ever.
    var longest: Duration?
    /// What the queue expected when he came; nil: nobody asked, or an agent was free.
    var expected: Duration?

    public init(
        queue: String,
        entered: Instant,
        left: Instant,
        carried: Duration = .zero,
        isAnswered: Bool,
        longest: Duration? = nil,
        expected: Duration?
    ) {
        (self.queue, self.entered, self.left, rank) = (queue, entered, left, entered + (.zero - carried))
        (self.isAnswered, self.longest, self.expected) = (isAnswered, longest, expected)
    }
}

/// How far the wait that callers were told of was from the wait until an agent had their turn.
///
/// Whoever gives up is counted with the wait that he would have had, by the first answer of somebody behind him, as Ibrahim and Whitt
/// measure it: those who were answered are the ones whose waits were short, and a forecast that is right for everybody would seem
/// too long for them. Left out are callers behind whom nobody was left waiting, of whom nothing is known.
public struct WaitError: CustomStringConvertible, Sendable {
    /// Of some callers.
    public struct Figures: CustomStringConvertible, Sendable {
        public let callers: Int
        public let meanWait: Duration
        public let meanExpected: Duration
        /// Of the differences, whatever their sign.
        public let mean: Duration
        public let median: Duration
        public let ninth: Duration

        init(_ forecasts: [(expected: Duration, actual: Duration)]) {
            let errors = forecasts.map { $0.expected < $0.actual ? $0.actual - $0.expected : $0.expected - $0.actual }
                .sorted()
            callers = errors.count
            let count = max(1, errors.count)
            meanWait = forecasts.reduce(.zero) { $0 + $1.actual } / count
            meanExpected = forecasts.reduce(.zero) { $0 + $1.expected } / count
            mean = errors.reduce(.zero, +) / count
            median = errors.isEmpty ? .zero : errors[errors.count / 2]
            ninth = errors.isEmpty ? .zero : errors[errors.count * 9 / 10]
        }

        public var description: String {
            "\(callers) callers, a wait of \(Self.seconds(meanWait)) in the mean, foretold \(Self.seconds(meanExpected)): off by "
                + "\(Self.seconds(mean)) in the mean, \(Self.seconds(median)) in the median, nine in ten within "
                + Self.seconds(ninth)
        }

        private static func seconds(_ duration: Duration) -> String {
            "\((duration.inSeconds * 10).rounded() / 10) s"
        }
    }

    public let everybody: Figures
    public let answered: Figures

    /// Of several days, each with its callers in any order.
    public init(_ days: [[ForetoldWait]]) {
        let outcomes = days.flatMap { day in Dictionary(grouping: day, by: \.queue).values.flatMap(Self.outcomes) }
        everybody = Figures(outcomes.map { ($0.expected, $0.actual) })
        answered = Figures(outcomes.filter(\.isAnswered).map { ($0.expected, $0.actual) })
    }

    private typealias Outcome = (expected: Duration, actual: Duration, isAnswered: Bool)

    /// Of one queue's callers.
    private static func outcomes(of queue: [ForetoldWait]) -> [Outcome] {
        var outcomes: [Outcome] = []
        // Those who gave up, until an agent takes somebody who stood behind them.
        var gone: [ForetoldWait] = []
        let entries = queue.map(\.entered).sorted()
        var entered = 0
        for (index, caller) in queue.sorted(by: { $0.left < $1.left }).enumerated() {
            if caller.isAnswered {
                for other in [caller] + gone where other.rank <= caller.rank {
                    guard let expected = other.expected else { continue }
                    let wait = caller.left - other.entered
                    outcomes.append((expected, other.longest.map { min(wait, $0) } ?? wait, other.isAnswered))
                }
                gone.removeAll { $0.rank <= caller.rank }
            } else {
                gone.append(caller)
            }
            while entered < entries.count, entries[entered] <= caller.left { entered += 1 }
            if entered == index + 1 { gone = [] }
        }
        return outcomes
    }

    public var description: String { "expected waits: \(everybody); of them answered: \(answered)" }
}

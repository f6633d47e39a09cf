import Timebase

/// How far the wait that callers were told of was from the wait that they had.
public struct WaitError: CustomStringConvertible, Sendable {
    public let callers: Int
    public let meanWait: Duration
    public let meanExpected: Duration
    /// Of the differences, whatever their sign.
    public let mean: Duration
    public let median: Duration

    /// Of callers who waited and were answered.
    public init(_ forecasts: [(expected: Duration, actual: Duration)]) {
        let errors = forecasts.map { $0.expected < $0.actual ? $0.actual - $0.expected : $0.expected - $0.actual }
            .sorted()
        callers = errors.count
        let count = max(1, errors.count)
        meanWait = forecasts.reduce(.zero) { $0 + $1.actual } / count
        meanExpected = forecasts.reduce(.zero) { $0 + $1.expected } / count
        mean = errors.reduce(.zero, +) / count
        median = errors.isEmpty ? .zero : errors[errors.count / 2]
    }

    public var description: String {
        "\(callers) callers waited \(Self.seconds(meanWait)) in the mean and were told \(Self.seconds(meanExpected)): off by "
            + "\(Self.seconds(mean)) in the mean, \(Self.seconds(median)) in the median"
    }

    private static func seconds(_ duration: Duration) -> String { "\((duration.inSeconds * 10).rounded() / 10) s" }
}

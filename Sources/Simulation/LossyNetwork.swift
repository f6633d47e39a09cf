import NetAddress
import Timebase

/// How a simulated network treats datagrams.
public struct NetworkConditions: Sendable {
    /// Shares of 0 to 1.
    public var loss: Double
    public var duplication: Double
    /// Each datagram takes a time from this range, so later ones overtake earlier ones.
    public var delay: ClosedRange<Duration>

    public init(loss: Double = 0, duplication: Double = 0, delay: ClosedRange<Duration> = .zero ... .zero) {
        (self.loss, self.duplication, self.delay) = (loss, duplication, delay)
    }

    public static let perfect = NetworkConditions(delay: .milliseconds(1) ... .milliseconds(1))
    /// Loses, repeats and reorders.
    public static let hostile = NetworkConditions(
        loss: 0.1,
        duplication: 0.05,
        delay: .milliseconds(1) ... .milliseconds(200)
    )
}

/// Datagrams under way, in the order in which they arrive: sans-IO and seeded.
struct LossyNetwork {
    struct Datagram: Sendable {
        var from: SocketAddress
        var to: SocketAddress
        var bytes: [UInt8]
    }

    private let conditions: NetworkConditions
    private var random: SeededGenerator
    private var arrivals = TimerQueue<Int>()
    private var underWay: [Int: Datagram] = [:]
    private var serial = 0

    init(_ conditions: NetworkConditions, seed: UInt64) {
        self.conditions = conditions
        random = SeededGenerator(seed: seed)
    }

    var nextArrival: Instant? { mutating get { arrivals.nextDeadline } }

    mutating func send(_ datagram: Datagram, now: Instant) {
        guard !happens(conditions.loss) else { return }
        deliver(datagram, now: now)
        if happens(conditions.duplication) { deliver(datagram, now: now) }
    }

    mutating func arrived(now: Instant) -> Datagram? {
        guard let key = arrivals.popDue(now: now) else { return nil }
        return underWay.removeValue(forKey: key)
    }

    private mutating func deliver(_ datagram: Datagram, now: Instant) {
        serial += 1
        underWay[serial] = datagram
        let range = conditions.delay.lowerBound.wholeNanoseconds...conditions.delay.upperBound.wholeNanoseconds
        arrivals.start(serial, at: now + .nanoseconds(Int64.random(in: range, using: &random)))
    }

    private mutating func happens(_ share: Double) -> Bool {
        share > 0 && Double.random(in: 0..<1, using: &random) < share
    }
}

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

/// Messages under way, in the order in which they arrive: sans-IO and seeded. What goes over TCP comes whole, once, and in order.
struct LossyNetwork {
    struct Datagram: Sendable {
        var transport = Transport.udp
        var from: SocketAddress
        var to: SocketAddress
        var bytes: [UInt8]
    }

    private let conditions: NetworkConditions
    private var random: SeededGenerator
    private var arrivals = TimerQueue<Int>()
    private var underWay: [Int: Datagram] = [:]
    private var serial = 0
    /// When the last octets of each stream come.
    private var streams: [Stream: Instant] = [:]

    private struct Stream: Hashable {
        var from: SocketAddress
        var to: SocketAddress
    }

    init(_ conditions: NetworkConditions, seed: UInt64) {
        self.conditions = conditions
        random = SeededGenerator(seed: seed)
    }

    var nextArrival: Instant? { mutating get { arrivals.nextDeadline } }

    mutating func send(_ datagram: Datagram, now: Instant) {
        guard datagram.transport == .udp else {
            let stream = Stream(from: datagram.from, to: datagram.to)
            let arrival = max(now + delay(), streams[stream] ?? now)
            streams[stream] = arrival
            return deliver(datagram, at: arrival)
        }
        guard !happens(conditions.loss) else { return }
        deliver(datagram, at: now + delay())
        if happens(conditions.duplication) { deliver(datagram, at: now + delay()) }
    }

    mutating func arrived(now: Instant) -> Datagram? {
        guard let key = arrivals.popDue(now: now) else { return nil }
        return underWay.removeValue(forKey: key)
    }

    private mutating func deliver(_ datagram: Datagram, at arrival: Instant) {
        serial += 1
        underWay[serial] = datagram
        arrivals.start(serial, at: arrival)
    }

    private mutating func delay() -> Duration {
        let range = conditions.delay.lowerBound.wholeNanoseconds...conditions.delay.upperBound.wholeNanoseconds
        return .nanoseconds(Int64.random(in: range, using: &random))
    }

    private mutating func happens(_ share: Double) -> Bool {
        share > 0 && Double.random(in: 0..<1, using: &random) < share
    }
}

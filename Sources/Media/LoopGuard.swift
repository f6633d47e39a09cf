/// Packets of our own ports that come in at one of them. A call that leaves by a proxy and comes in again makes such, as many as a voice has; two
/// ports whose descriptions name each other, or an echo at both ends, would send each other the same packets as fast as a thread can.
public struct LoopGuard: Sendable {
    /// A second's packets of 10 ms, keys between them, and as much again for what was held up.
    static let most = 400

    private var since: Int64 = .min
    private var count = 0

    public init() {}

    /// `now`: monotonic nanoseconds. False: more than a voice can have.
    public mutating func admits(now: Int64) -> Bool {
        if since == .min || now - since >= 1_000_000_000 { (since, count) = (now, 0) }
        count += 1
        return count <= Self.most
    }
}

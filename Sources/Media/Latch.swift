import RTP

/// Where a peer's media comes from and goes to (symmetric RTP, RFC 4961; against the theft of streams, "RTP bleed").
///
/// 1. Until a packet comes, ours go to the address of the description.
/// 2. The first packet from that host, whatever its port, decides: behind a NAT the port is another.
/// 3. A packet from another host decides only while the description is young (`learning`), or when its address cannot
///    be reached from here anyhow (a private one, written from a public place): then nothing else could ever come. If
///    the described host itself speaks while the description is young, or while the other is silent, it takes its
///    stream back; so does the very address and port of the description from whoever else was quicker.
/// 4. From then on everybody else is refused. The stream moves only when a new description says so, or when the same
///    source goes on with its numbers from another port of its host after two seconds of silence: its NAT has forgotten
///    it.
/// 5. A peer that describes itself anew, be it with the address that it had, may begin another stream. For five seconds one
///    from its old host takes the place of the old stream as soon as that has paused: peers send the old one until they
///    have our answer. Where the address is new, one from elsewhere does after two seconds of its silence.
public struct Latch: Sendable {
    public enum Decision: Equatable, Sendable { case accepted, latched, relatched, refused }

    static let learning: Int64 = 5_000_000_000
    static let silence: Int64 = 2_000_000_000
    /// So long nothing comes of a stream that has ended, and of one that goes on hardly ever.
    static let pause: Int64 = 200_000_000
    /// How far on the numbers of a source may be when it comes back from another port.
    private static let longestGap: UInt16 = 3_000

    private(set) var described = WireAddress.none
    private var isUnreachable = false
    public private(set) var current = WireAddress.none
    public private(set) var isLatched = false
    private var learningEnds: Int64 = 0
    /// Where the stream came from when the peer described itself last, and until when another may take its place.
    private var former = WireAddress.none
    private var renewalEnds: Int64 = 0
    private(set) var lastHeard: Int64 = 0

    /// A description names an address. The same one again changes nothing, unless the peer has described itself anew.
    mutating func describe(_ address: WireAddress, isRenewed: Bool, isUnreachable: Bool, now: Int64) {
        if isRenewed, isLatched { (former, renewalEnds) = (current, now &+ Self.learning) }
        guard address != described else { return }
        (described, self.isUnreachable, current) = (address, isUnreachable, address)
        isLatched = false
        learningEnds = now &+ Self.learning
    }

    @inline(__always)
    mutating func accept(_ source: WireAddress, _ header: RTPHeader, _ heard: StreamStatistics, now: Int64) -> Decision
    {
        if isLatched, source == current {
            lastHeard = now
            return .accepted
        }
        return decide(source, header, heard, now: now)
    }

    private mutating func decide(
        _ source: WireAddress,
        _ header: RTPHeader,
        _ heard: StreamStatistics,
        now: Int64
    ) -> Decision {
        guard !described.isNone else { return .refused }
        let isYoung = now < learningEnds
        if !isLatched {
            guard source.isSameHost(as: described) || isYoung || isUnreachable else { return .refused }
            return move(to: source, now: now, .latched)
        }
        let isQuiet = now - lastHeard > Self.silence
        if isYoung || isQuiet, nearness(of: source) > nearness(of: current) {
            return move(to: source, now: now, .relatched)
        }
        if current == former, now < renewalEnds, mayFollow(source, isYoung: isYoung, now: now) {
            return move(to: source, now: now, .relatched)
        }
        let gap = header.sequence &- heard.highest
        guard source.isSameHost(as: current), header.ssrc == heard.ssrc, gap > 0, gap < Self.longestGap,
            isQuiet
        else { return .refused }
        return move(to: source, now: now, .relatched)
    }

    /// Whether this may be the new stream of the peer whose old one is `current`.
    private func mayFollow(_ source: WireAddress, isYoung: Bool, now: Int64) -> Bool {
        if source.isSameHost(as: current) { return now - lastHeard > Self.pause }
        return isYoung && now - lastHeard > Self.silence && nearness(of: source) == nearness(of: current)
    }

    /// How sure an address is to be the described one's.
    private func nearness(of address: WireAddress) -> Int {
        if address == described { return 2 }
        return address.isSameHost(as: described) ? 1 : 0
    }

    private mutating func move(to source: WireAddress, now: Int64, _ decision: Decision) -> Decision {
        (current, isLatched, lastHeard) = (source, true, now)
        return decision
    }
}

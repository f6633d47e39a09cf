import RTP

/// What a peer's RTCP tells of the media that we send it (RFC 3550 §6.4).
struct ControlState: Sendable {
    private var described = WireAddress.none
    private var heardFrom = WireAddress.none
    /// When, in nanoseconds.
    private(set) var lastHeard: Int64 = 0
    /// Three of the intervals of RFC 3550 §6.2: a NAT may have forgotten who is silent for so long.
    private static let silence: Int64 = 15_000_000_000
    private(set) var hasReport = false
    private(set) var lost: UInt64 = 0
    private(set) var jitterMilliseconds = 0.0
    /// Of the passages between two reports, which are some five seconds long.
    private(set) var worstPassage: Passage?
    /// Milliseconds.
    private(set) var roundTrip: Double?
    /// The sender reports that went to this peer last, and when: its reports name one of them.
    private var forwarded: (UInt32, UInt32) = (0, 0)
    private var forwardedAt: (Int64, Int64) = (0, 0)
    /// The peer's last sender report, and when it came.
    private var heardReport: (middle: UInt32, at: Int64)?

    mutating func describe(_ address: WireAddress) {
        if address != described { (described, heardFrom) = (address, .none) }
    }

    /// The peer's media comes from elsewhere: the NAT that moved that has moved its RTCP too, nobody can say where to.
    mutating func forgetSource() { heardFrom = .none }

    /// Whether an address of the peer's host may speak: the described one always may, another while nobody does.
    func accepts(_ source: WireAddress, now: Int64) -> Bool {
        heardFrom.isNone || source == heardFrom || source == described || now - lastHeard > Self.silence
    }

    mutating func hear(_ packet: RTCPPacket, from source: WireAddress, clockRate: Int?, now: Int64) {
        (heardFrom, lastHeard) = (source, now)
        if let report = packet.senderReport { heardReport = (report, now) }
        guard let block = packet.block else { return }
        hasReport = true
        lost = max(lost, UInt64(max(0, block.cumulativeLost)))
        jitterMilliseconds = Self.milliseconds(block.jitter, clockRate)
        let passage = Passage(
            lossPercent: Double(block.fractionLost) * 100 / 256,
            jitterMilliseconds: jitterMilliseconds
        )
        worstPassage = passage.worse(than: worstPassage)
        guard block.lastSenderReport != 0 else { return }
        let sentAt =
            block.lastSenderReport == forwarded.0
            ? forwardedAt.0 : block.lastSenderReport == forwarded.1 ? forwardedAt.1 : 0
        guard sentAt > 0 else { return }
        let held = Double(block.delaySinceLast) / 65_536 * 1_000
        let elapsed = Double(now - sentAt) / 1_000_000 - held
        if (0..<60_000).contains(elapsed) { roundTrip = elapsed }
    }

    func lastReport(now: Int64) -> (middle: UInt32, age: Int64)? { heardReport.map { ($0.middle, now - $0.at) } }

    /// A sender report went to the peer, which may name it in its own.
    mutating func forward(_ report: UInt32?, now: Int64) {
        guard let report else { return }
        forwarded = (report, forwarded.0)
        forwardedAt = (now, forwardedAt.0)
    }

    private static func milliseconds(_ stamps: UInt32, _ clockRate: Int?) -> Double {
        guard let clockRate, clockRate > 0 else { return 0 }
        return Double(stamps) * 1_000 / Double(clockRate)
    }

    /// Where it was heard from; before, the port above the media's where that has moved, else what was described.
    func destination(latch: Latch) -> WireAddress? {
        if !heardFrom.isNone { return heardFrom }
        if latch.isLatched, !latch.current.isSameHost(as: described) {
            return WireAddress(high: latch.current.high, low: latch.current.low, port: latch.current.port &+ 1)
        }
        return described.isNone ? nil : described
    }
}

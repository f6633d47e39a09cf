import RTP
import Timebase

/// When a port's own reports are due, and what the last one said (RFC 3550 §6.2, §6.3).
///
/// Only where the switch is the other party (tones, prompts, music, mixes, an echo, a menu that waits): the reports of parties that hear
/// each other are relayed.
struct OwnReports: Sendable {
    private var due: Int64 = 0
    private var dice: SeededGenerator
    private var expected: Int64 = 0
    private var lost: Int64 = 0
    private var packets: UInt32 = 0
    private(set) var hasReported = false
    let name: (UInt64, UInt32)

    init(randomness: UInt64) {
        dice = SeededGenerator(seed: randomness)
        name = (dice.next(), UInt32(truncatingIfNeeded: dice.next()))
    }

    /// Two parties need no more than one report in 5 s, by lot between half and one and a half of it; the first comes in half
    /// the time.
    private static let interval: Int64 = 5_000_000_000

    mutating func isDue(now: Int64) -> Bool {
        if due == 0 { due = now + draw(Self.interval / 2) }
        return now >= due
    }

    private mutating func draw(_ interval: Int64) -> Int64 {
        interval / 2 + Int64.random(in: 0..<interval, using: &dice)
    }

    /// What is said now of what we sent and of what came; `middle` is the peer's last sender report and how long ago it came. `ntp` is what the wall
    /// clock said at the zero of `now`, in nanoseconds since 1900: a clock of that time which only goes forward, whatever is done to the machine's.
    mutating func report(
        voice: borrowing OwnVoice,
        received: StreamStatistics,
        answering last: (middle: UInt32, age: Int64)?,
        isLast: Bool,
        now: Int64,
        ntp: Int64
    ) -> RTCPReport {
        due = now + draw(Self.interval)
        hasReported = true
        let sent = voice.sent
        let (seconds, rest) = (now &+ ntp).quotientAndRemainder(dividingBy: 1_000_000_000)
        let sender =
            sent.packets == packets && !isLast
            ? nil
            : RTCPReport.Sender(
                ntp: UInt64(bitPattern: seconds << 32 | (rest << 32) / 1_000_000_000),
                timestamp: voice.clock,
                packets: sent.packets,
                octets: sent.octets
            )
        packets = sent.packets
        return RTCPReport(
            ssrc: voice.source,
            sender: sender,
            block: block(of: received, answering: last),
            name: name,
            isLast: isLast
        )
    }

    private mutating func block(
        of received: StreamStatistics,
        answering last: (middle: UInt32, age: Int64)?
    ) -> RTCPPacket.ReportBlock? {
        guard let source = received.source else { return nil }
        let (fresh, missing) = (source.expected - expected, source.lost - lost)
        // Another source began, or packets came late: none is lost of what is new.
        let fraction = fresh > 0 && missing > 0 ? min(255, missing &* 256 / fresh) : 0
        (expected, lost) = (source.expected, source.lost)
        return RTCPPacket.ReportBlock(
            ssrc: received.ssrc,
            fractionLost: UInt8(clamping: fraction),
            // 24 bits with a sign: packets that a peer repeats without end make it as negative as it can be (RFC 3550 A.3).
            cumulativeLost: Int32(clamping: min(max(source.lost, -0x80_0000), 0x7F_FFFF)),
            highestSequence: source.highest,
            jitter: source.jitter,
            lastSenderReport: last?.middle ?? 0,
            delaySinceLast: last.map { UInt32(clamping: $0.age / 1_000 * 65_536 / 1_000_000) } ?? 0
        )
    }
}

public import Events

/// What was received of one direction of a call, over all its sources (RFC 3550 §6.4, A.1, A.3, A.8).
public struct StreamStatistics: Sendable {
    public private(set) var packets: UInt64 = 0
    public private(set) var octets: UInt64 = 0
    public private(set) var duplicates: UInt64 = 0
    public private(set) var reordered: UInt64 = 0
    public private(set) var ssrc: UInt32 = 0
    public private(set) var highest: UInt16 = 0
    /// The source in force: extended sequence numbers of its first and latest packet, and how many different ones came.
    private var first: Int64 = 0
    private var latest: Int64 = -1
    private var unique: Int64 = 0
    /// Bit n: `latest - n` came.
    private var seen: UInt64 = 0
    private var lostBefore: Int64 = 0
    /// Of packets that are missing one after another, over all sources.
    private var bursts: UInt64 = 0
    /// What would follow the number that last fell out of the order; above 65535: none did (A.1 bad_seq).
    private var awaited: UInt32 = .max
    private var transit: Int64 = 0
    private var clockRate: UInt32 = 0
    /// A.8, in time stamp units; its mean over the packets in milliseconds is what reports show.
    private var jitter: Double = 0
    private var jitterSum: Double = 0
    private var jitterCount: UInt64 = 0
    /// What had been counted when the passage under way began, and when that was, in nanoseconds.
    private var passage: Beginning?
    private var latestAt: Int64 = 0
    private var worst: Passage?

    private struct Beginning {
        var began: Int64
        var packets: UInt64
        var lost: UInt64
        var bursts: UInt64
        var jitterSum: Double
        var jitterCount: UInt64
    }

    public init() {}

    /// Long enough for a share of lost packets, and short enough to be remembered as a bad moment.
    private static let passageLength: Int64 = 5_000_000_000

    /// How far a sequence number may jump and still be the same source's (A.1 MAX_DROPOUT).
    private static let longestJump: Int64 = 3_000
    /// How far back a number can still be told from a duplicate.
    private static let window: Int64 = 64

    /// Counts a packet in. `rate` 0: its time stamp does not follow the clock (a telephone-event's stays at the key's
    /// beginning), so that it says nothing about jitter.
    public mutating func receive(_ header: RTPHeader, clockRate rate: UInt32, at nanoseconds: Int64) {
        if passage.map({ nanoseconds &- $0.began >= Self.passageLength }) ?? true { beginPassage(at: nanoseconds) }
        latestAt = nanoseconds
        packets &+= 1
        octets &+= UInt64(truncatingIfNeeded: header.payloadLength)
        let step = Int64(Int16(bitPattern: header.sequence &- highest))
        if latest < 0 || header.ssrc != ssrc {
            begin(header)
        } else if step > Self.longestJump || step <= -Self.window {
            // One such packet is a stray; a second in sequence is the source begun anew (A.1).
            guard UInt32(header.sequence) == awaited else {
                awaited = UInt32(header.sequence &+ 1)
                if step < 0, step >= -Self.longestJump { duplicates &+= 1 }
                return
            }
            begin(header)
        } else if step > 0 {
            if step > 1 { bursts &+= 1 }
            latest += step
            highest = header.sequence
            seen = step < Self.window ? seen << UInt64(step) | 1 : 1
            unique += 1
        } else {
            let bit = UInt64(1) << UInt64(-step)
            guard seen & bit == 0 else {
                duplicates &+= 1
                return
            }
            fill(bit, at: -step)
            seen |= bit
            unique += 1
            reordered &+= 1
            first = min(first, latest + step)
        }
        measure(header, rate, nanoseconds)
    }

    private mutating func beginPassage(at nanoseconds: Int64) {
        worst = passageUnderWay?.worse(than: worst) ?? worst
        passage = Beginning(
            began: nanoseconds,
            packets: packets,
            lost: lost,
            bursts: bursts,
            jitterSum: jitterSum,
            jitterCount: jitterCount
        )
    }

    private var passageUnderWay: Passage? {
        guard let passage, packets > passage.packets else { return nil }
        // What was missing at its beginning may have come in it.
        let lost = lost > passage.lost ? lost - passage.lost : 0
        let samples = Double(jitterCount - passage.jitterCount)
        return Passage(
            lost: lost,
            of: packets - passage.packets + lost,
            in: bursts > passage.bursts ? bursts - passage.bursts : 0,
            jitterMilliseconds: samples > 0 ? (jitterSum - passage.jitterSum) / samples : 0
        )
    }

    /// All of it.
    public var whole: Passage {
        let expected = packets &- min(duplicates, packets) &+ lost
        return Passage(lost: lost, of: expected, in: bursts, jitterMilliseconds: jitterMilliseconds)
    }

    /// The worst five seconds until now. What is shorter says little: but for half of that, it counts in a short stream alone.
    public var worstPassage: Passage? {
        guard let passage, worst == nil || latestAt &- passage.began >= Self.passageLength / 2 else { return worst }
        return passageUnderWay?.worse(than: worst) ?? worst
    }

    /// One that was missing comes: its burst is over, shorter, or two.
    private mutating func fill(_ bit: UInt64, at back: Int64) {
        let isNewerMissing = seen & bit >> 1 == 0
        let isOlderMissing = back + 1 < Self.window && latest - back > first && seen & bit << 1 == 0
        if isNewerMissing, isOlderMissing { bursts &+= 1 }
        if !isNewerMissing, !isOlderMissing, latest - back > first, bursts > 0 { bursts -= 1 }
    }

    private mutating func begin(_ header: RTPHeader) {
        lostBefore += lostOfSource
        (ssrc, highest) = (header.ssrc, header.sequence)
        first = Int64(header.sequence)
        latest = first
        (unique, seen, clockRate, awaited) = (1, 1, 0, .max)
    }

    /// A.8: how unevenly packets arrive against their time stamps. A jump of the time stamp itself (a new source, a
    /// pause) is none.
    private mutating func measure(_ header: RTPHeader, _ rate: UInt32, _ nanoseconds: Int64) {
        guard rate > 0 else { return }
        let (scaled, overflow) = (nanoseconds / 1_000).multipliedReportingOverflow(by: Int64(rate))
        guard !overflow else { return }
        let arrival = Int64(UInt32(truncatingIfNeeded: scaled / 1_000_000))
        let now = Int64(Int32(truncatingIfNeeded: arrival &- Int64(header.timestamp)))
        defer { (transit, clockRate) = (now, rate) }
        guard clockRate == rate, !header.marker else { return }
        let difference = abs(Int64(Int32(truncatingIfNeeded: now &- transit)))
        guard difference < Int64(rate) else { return }
        jitter += (Double(difference) - jitter) / 16
        jitterSum += jitter * 1_000 / Double(rate)
        jitterCount &+= 1
    }

    private var lostOfSource: Int64 { latest < 0 ? 0 : max(0, latest - first + 1 - unique) }

    /// The source in force, as a report block tells of it (§6.4.1); nil before its first packet.
    public var source: (expected: Int64, lost: Int64, highest: UInt32, jitter: UInt32)? {
        guard latest >= 0 else { return nil }
        return (
            latest - first + 1, lostOfSource, UInt32(truncatingIfNeeded: latest),
            UInt32(min(jitter, Double(UInt32.max)))
        )
    }

    public var lost: UInt64 { UInt64(max(0, lostBefore + lostOfSource)) }
    public var jitterMilliseconds: Double { jitterCount == 0 ? 0 : jitterSum / Double(jitterCount) }

    public var report: StreamReport {
        StreamReport(
            packets: packets,
            octets: octets,
            lost: packets > 0 ? lost : nil,
            jitterMilliseconds: jitterCount > 0 ? jitterMilliseconds : nil,
            duplicates: duplicates,
            reordered: reordered
        )
    }
}

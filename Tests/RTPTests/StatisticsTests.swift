import RTP
import Testing

@Suite("What was received, RFC 3550 A.1, A.3, A.8")
struct StatisticsTests {
    /// Packets of 20 ms with these sequence numbers, each arriving when it should.
    private func receive(_ sequences: [UInt16]) -> StreamStatistics {
        var heard = StreamStatistics()
        for (place, sequence) in sequences.enumerated() {
            let at = Int64(place) * 20_000_000
            heard.receive(RTPHeader(sequence, timestamp: UInt32(place) * 160), clockRate: 8_000, at: at)
        }
        return heard
    }

    @Test(arguments: [10, 20, 30, 50, 60]) func `A.8: jitter is that of the arrivals, however long packets are`(
        ptime: Int
    ) {
        for late: Int64 in [0, 4_000_000] {
            var heard = StreamStatistics()
            for place in 0..<500 {
                let at = Int64(place) * Int64(ptime) * 1_000_000 + (place.isMultiple(of: 2) ? 0 : late)
                heard.receive(
                    RTPHeader(UInt16(place), timestamp: UInt32(place * ptime * 8)),
                    clockRate: 8_000,
                    at: at
                )
            }
            let expected = Double(late) / 1_000_000
            #expect(abs(heard.jitterMilliseconds - expected) < 0.2 && heard.lost == 0)
        }
    }

    @Test(arguments: [
        (name: "in order", sequences: [1, 2, 3, 4], lost: 0, duplicates: 0, reordered: 0),
        (name: "one lost", sequences: [1, 2, 4], lost: 1, duplicates: 0, reordered: 0),
        (name: "over the wrap", sequences: [65_534, 65_535, 0, 1], lost: 0, duplicates: 0, reordered: 0),
        (name: "lost at the wrap", sequences: [65_534, 1], lost: 2, duplicates: 0, reordered: 0),
        (name: "late", sequences: [1, 3, 2, 4], lost: 0, duplicates: 0, reordered: 1),
        (name: "late over the wrap", sequences: [65_535, 1, 0], lost: 0, duplicates: 0, reordered: 1),
        (name: "before the first", sequences: [10, 9, 11], lost: 0, duplicates: 0, reordered: 1),
        (name: "twice", sequences: [1, 2, 2, 3], lost: 0, duplicates: 1, reordered: 0),
        (name: "late and twice", sequences: [1, 3, 2, 2], lost: 0, duplicates: 1, reordered: 1),
        (name: "too late to tell", sequences: [1, 100, 30], lost: 98, duplicates: 1, reordered: 0),
        (name: "a stray number, A.1", sequences: [1, 2, 40_000, 3, 4], lost: 0, duplicates: 0, reordered: 0),
        (name: "begun anew, A.1", sequences: [1, 2, 40_000, 40_001, 40_002], lost: 0, duplicates: 0, reordered: 0),
        (name: "begun anew further back", sequences: [900, 901, 100, 101, 102], lost: 0, duplicates: 1, reordered: 0),
    ])
    func `A.3: lost, late and repeated`(
        _ row: (name: String, sequences: [UInt16], lost: UInt64, duplicates: UInt64, reordered: UInt64)
    ) {
        let heard = receive(row.sequences)
        #expect(heard.lost == row.lost, "\(row.name)")
        #expect(heard.duplicates == row.duplicates, "\(row.name)")
        #expect(heard.reordered == row.reordered, "\(row.name)")
        #expect(heard.packets == UInt64(row.sequences.count), "\(row.name)")
    }

    @Test func `another source begins anew and the totals stay`() {
        var heard = receive([1, 2, 5])
        heard.receive(RTPHeader(30_000, timestamp: 9, ssrc: 2), clockRate: 8_000, at: 0)
        heard.receive(RTPHeader(30_002, timestamp: 9, ssrc: 2), clockRate: 8_000, at: 0)
        #expect(heard.lost == 3 && heard.packets == 5 && heard.ssrc == 2 && heard.duplicates == 0)
        #expect(heard.octets == 5 * 160)
    }

    @Test func `A.8: an even stream has no jitter, whatever its wraps`() {
        var heard = StreamStatistics()
        for place in 0..<200 {
            let header = RTPHeader(
                UInt16(truncatingIfNeeded: 65_500 + place),
                timestamp: .max - 800 &+ UInt32(place) * 160
            )
            heard.receive(header, clockRate: 8_000, at: Int64(place) * 20_000_000)
        }
        #expect(heard.jitterMilliseconds < 0.2)
        #expect(heard.lost == 0)
    }

    @Test(arguments: [UInt32(8_000), 16_000, 48_000])
    func `A.8: every other packet 5 ms late comes near 5 ms`(rate: UInt32) {
        var heard = StreamStatistics()
        for place in 0..<1_000 {
            let late: Int64 = place % 2 == 0 ? 0 : 5_000_000
            let header = RTPHeader(UInt16(place), timestamp: UInt32(place) * (rate / 50))
            heard.receive(header, clockRate: rate, at: Int64(place) * 20_000_000 + late)
        }
        #expect(abs(heard.jitterMilliseconds - 5) < 0.3)
    }

    @Test func `RFC 4733 §2.2: a key's packets, all of one time stamp, are no jitter`() {
        var heard = StreamStatistics()
        for place in 0..<50 {
            let isKey = (10..<30).contains(place)
            let header = RTPHeader(UInt16(place), timestamp: UInt32(isKey ? 10 : place) * 160)
            heard.receive(header, clockRate: isKey ? 0 : 8_000, at: Int64(place) * 20_000_000)
        }
        #expect(heard.jitterMilliseconds < 0.2)
    }

    @Test func `a bad moment of a long talk is on record beside the mean that hides it`() throws {
        var heard = StreamStatistics()
        for place in 0..<30_000 where !(10_000..<10_250).contains(place) || place % 5 < 2 {
            let header = RTPHeader(UInt16(truncatingIfNeeded: place), timestamp: UInt32(place) * 160)
            heard.receive(header, clockRate: 8_000, at: Int64(place) * 20_000_000)
        }
        var report = heard.report
        report.rate(heard.whole, worst: heard.worstPassage)
        #expect(try #require(report.mos) > 4.3)
        let worst = try #require(heard.worstPassage)
        #expect(abs(worst.lossPercent - 60) < 1 && worst.jitterMilliseconds < 1)
        let least = Quality.mos(rFactor: Quality.rFactor(lossPercent: 60, burstRatio: 1.2))
        #expect(abs(try #require(report.leastMOS) - least) < 0.05, "\(report)")
    }

    @Test(
        arguments: [
            ([1, 2, 5, 6, 9], 2), ([1, 5], 1), ([1, 5, 3], 2), ([1, 5, 4], 1), ([1, 3, 2], 0), ([1, 5, 2, 3, 4], 0),
        ] as [([UInt16], Double)]
    )
    func `bursts of lost packets are counted, and mended by what comes late`(sequences: [UInt16], bursts: Double) {
        let heard = receive(sequences)
        let share = Double(heard.lost) / (Double(heard.lost) + Double(heard.packets))
        let ratio = bursts == 0 ? 1 : max(1, Double(heard.lost) / bursts * (1 - share))
        #expect(abs(heard.whole.burstRatio - ratio) < 1e-9, "\(heard.whole)")
    }

    @Test func `a short stream is one passage, and a lull makes none`() throws {
        let short = receive([1, 2, 4, 5])
        #expect(try #require(short.worstPassage).lossPercent == 20)
        var heard = StreamStatistics()
        for place in 0..<500 {
            let at = Int64(place) * 20_000_000 + (place < 250 ? 0 : 60_000_000_000)
            heard.receive(RTPHeader(UInt16(place), timestamp: UInt32(place) * 160), clockRate: 8_000, at: at)
        }
        #expect(try #require(heard.worstPassage).lossPercent == 0)
        #expect(StreamStatistics().worstPassage == nil)
    }

    @Test func `any headers at any time are counted without a trap`() {
        var generator = Numbers(seed: 4)
        var heard = StreamStatistics()
        for _ in 0..<50_000 {
            let header = RTPHeader(
                UInt16(truncatingIfNeeded: generator.next()),
                timestamp: UInt32(truncatingIfNeeded: generator.next()),
                ssrc: UInt32(generator.next() % 3),
                marker: generator.next() % 2 == 0
            )
            let rates: [UInt32] = [0, 1, 8_000, 48_000, .max]
            let at = Int64(truncatingIfNeeded: generator.next() >> (generator.next() % 64))
            heard.receive(header, clockRate: rates[Int(generator.next() % 5)], at: at)
        }
        #expect(heard.packets == 50_000)
        #expect(heard.whole.rFactor().isFinite && heard.jitterMilliseconds.isFinite)
        #expect(heard.worstPassage?.jitterMilliseconds.isFinite == true)
    }
}

/// SplitMix64: the same numbers for the same seed.
struct Numbers: RandomNumberGenerator {
    private var state: UInt64
    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
        return mixed ^ mixed >> 31
    }
}

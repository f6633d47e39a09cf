import Testing
import Timebase

@testable import Statistics

@Suite("Intervals")
struct IntervalTests {
    static let hour: Int64 = 3_600_000

    static func day(_ rules: ZoneRules, _ year: Int, _ month: Int, _ day: Int) -> Int64 {
        rules.instants(ofLocal: year, month, day).first ?? 0
    }

    static func hours(_ ranges: [Range<Int64>]) -> [Double] {
        ranges.map { Double($0.upperBound - $0.lowerBound) / Double(hour) }
    }

    static func labels(_ ranges: [Range<Int64>], _ rules: ZoneRules) -> [String] {
        ranges.map { rules.local(WallTime(milliseconds: $0.lowerBound)).clock }
    }

    @Test func `days are as long as the clock makes them`() {
        let rules = ZoneTests.berlin
        let spring = Intervals.intervals(
            from: Self.day(rules, 2026, 3, 28),
            to: Self.day(rules, 2026, 3, 31),
            by: .day,
            in: rules
        )
        #expect(Self.hours(spring) == [24, 23, 24])
        let autumn = Intervals.intervals(
            from: Self.day(rules, 2026, 10, 24),
            to: Self.day(rules, 2026, 10, 27),
            by: .day,
            in: rules
        )
        #expect(Self.hours(autumn) == [24, 25, 24])
    }

    @Test func `a skipped hour is none, and a repeated hour is two`() {
        let rules = ZoneTests.berlin
        let spring = Intervals.intervals(
            from: Self.day(rules, 2026, 3, 29),
            to: Self.day(rules, 2026, 3, 30),
            by: .hour,
            in: rules
        )
        #expect(spring.count == 23)
        #expect(Self.labels(spring, rules).prefix(4) == ["00:00", "01:00", "03:00", "04:00"])
        let (from, to) = (Self.day(rules, 2026, 10, 25), Self.day(rules, 2026, 10, 26))
        let autumn = Intervals.intervals(from: from, to: to, by: .hour, in: rules)
        #expect(autumn.count == 25)
        #expect(Self.labels(autumn, rules).prefix(5) == ["00:00", "01:00", "02:00", "02:00", "03:00"])
        #expect(Intervals.intervals(from: from, to: to, by: .quarterHour, in: rules).count == 100)
        #expect(Intervals.intervals(from: from, to: to, by: .halfHour, in: rules).count == 50)
    }

    @Test func `half an hour of daylight saving makes half an hour's range`() {
        guard let rules = systemZone("Australia/Lord_Howe") else { return }
        let autumn = Intervals.intervals(
            from: Self.day(rules, 2026, 4, 5),
            to: Self.day(rules, 2026, 4, 6),
            by: .hour,
            in: rules
        )
        #expect(Self.hours(autumn).reduce(0, +) == 24.5)
        #expect(Self.labels(autumn, rules).prefix(4) == ["00:00", "01:00", "01:30", "02:00"])
        let spring = Intervals.intervals(
            from: Self.day(rules, 2026, 10, 4),
            to: Self.day(rules, 2026, 10, 5),
            by: .day,
            in: rules
        )
        #expect(Self.hours(spring) == [23.5])
    }

    @Test func `weeks begin on Mondays, and the first and the last are cut to the window`() {
        let rules = ZoneTests.berlin
        // A Wednesday at noon to a Tuesday at six.
        let from = rules.instants(ofLocal: 2026, 3, 25, 12).first ?? 0
        let to = rules.instants(ofLocal: 2026, 4, 7, 6).first ?? 0
        let weeks = Intervals.intervals(from: from, to: to, by: .week, in: rules)
        #expect(Self.hours(weeks) == [107, 168, 30])
        #expect(weeks.dropFirst().allSatisfy { rules.local(WallTime(milliseconds: $0.lowerBound)).weekday == 1 })
    }

    @Test func `quarters of an hour are the local clock's, whatever its offset`() {
        guard let rules = systemZone("Asia/Kolkata") else { return }
        // 10:00 UTC is 15:30.
        let ranges = Intervals.intervals(from: 36_000_000, to: 36_000_000 + 2 * Self.hour, by: .hour, in: rules)
        #expect(Self.labels(ranges, rules) == ["15:30", "16:00", "17:00"])
    }

    @Test func `a day that a zone skipped is none, and midnight may be skipped too`() {
        if let rules = systemZone("Pacific/Apia") {
            let days = Intervals.intervals(
                from: Self.day(rules, 2011, 12, 29),
                to: Self.day(rules, 2012, 1, 1),
                by: .day,
                in: rules
            )
            #expect(Self.hours(days) == [24, 24])
            #expect(days.map { rules.local(WallTime(milliseconds: $0.lowerBound)).day } == [29, 31])
        }
        if let rules = systemZone("America/Sao_Paulo") {
            let days = Intervals.intervals(
                from: Self.day(rules, 2018, 11, 3),
                to: Self.day(rules, 2018, 11, 5),
                by: .day,
                in: rules
            )
            #expect(Self.hours(days) == [24, 23])
            #expect(Self.labels(days, rules) == ["00:00", "01:00"])
        }
    }

    @Test(arguments: zoneNames)
    func `the ranges partition any window, and are cut where the clock shows full intervals or is changed`(name: String)
    {
        guard let rules = systemZone(name) else { return }
        var random = SplitMix(state: 7)
        for _ in 0..<20 {
            let from = Int64(random.next() % 4_000_000_000_000)
            for length in IntervalLength.allCases {
                let to = from + 1 + Int64(random.next() % UInt64(length.milliseconds * 1000))
                let ranges = Intervals.intervals(from: from, to: to, by: length, in: rules)
                #expect(ranges.first?.lowerBound == from)
                #expect(ranges.last?.upperBound == to)
                #expect(zip(ranges, ranges.dropFirst()).allSatisfy { $0.upperBound == $1.lowerBound })
                #expect(ranges.allSatisfy { !$0.isEmpty })
                let isAligned = ranges.dropFirst().allSatisfy { range in
                    let local = rules.local(WallTime(milliseconds: range.lowerBound))
                    let before = rules.local(WallTime(milliseconds: range.lowerBound - 1))
                    let ofDay = Int64(local.hour * 3600 + local.minute * 60 + local.second) * 1000
                    let isFull = ofDay % min(length.milliseconds, 24 * Self.hour) == 0
                    return (isFull && (length != .week || local.weekday == 1)) || local.offset != before.offset
                }
                #expect(isAligned)
            }
        }
    }

    @Test func `an endless window is cut a bounded number of times and still adds up`() {
        let ranges = Intervals.intervals(from: .min, to: .max, by: .quarterHour, in: ZoneTests.berlin)
        #expect(ranges.count == Intervals.most)
        #expect(ranges.last?.upperBound == ZoneRules.farthest)
        #expect(Intervals.intervals(from: 5, to: 5, by: .day, in: .utc).isEmpty)
        #expect(Intervals.intervals(from: 6, to: 5, by: .week, in: .utc).isEmpty)
    }
}

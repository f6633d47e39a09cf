import Foundation
import Testing
import Timebase

@testable import Statistics

/// Zones of the system, where it has them.
func systemZone(_ name: String) -> ZoneRules? {
    guard let data = FileManager.default.contents(atPath: "/usr/share/zoneinfo/\(name)") else { return nil }
    return try? ZoneRules(tzif: [UInt8](data))
}

let zoneNames = [
    "Europe/Moscow", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "America/St_Johns",
    "Pacific/Apia", "Africa/Casablanca", "Europe/Dublin", "America/Sao_Paulo", "UTC",
]

@Suite("Time zones")
struct ZoneTests {
    /// Central Europe from its rule alone.
    static let berlin = ZoneRules(
        initial: ZoneKind(offset: 3600, isDaylightSaving: false, abbreviation: "CET"),
        footer: "CET-1CEST,M3.5.0,M10.5.0/3"
    )

    @Test(arguments: zoneNames)
    func `offsets agree with Foundation`(name: String) throws {
        guard let rules = systemZone(name), let zone = TimeZone(identifier: name) else { return }
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = zone
        var different: [Int64] = []
        // Every 5 h 37 min from 1971 to 2036, and on into what only the footer tells.
        for second in stride(from: Int64(31_536_000), to: 2_082_758_400, by: 20_220) {
            let date = Date(timeIntervalSince1970: Double(second))
            if rules.kind(at: second * 1000).offset != zone.secondsFromGMT(for: date) { different.append(second) }
        }
        #expect(different == [])
        for second in stride(from: Int64(1_000_000_000), to: 2_082_758_400, by: 2_345_678) {
            let date = Date(timeIntervalSince1970: Double(second))
            let parts = calendar.dateComponents([.year, .month, .day, .hour, .minute, .second, .weekday], from: date)
            let local = rules.local(WallTime(milliseconds: second * 1000))
            #expect([local.year, local.month, local.day] == [parts.year, parts.month, parts.day])
            #expect([local.hour, local.minute, local.second] == [parts.hour, parts.minute, parts.second])
            #expect(local.weekday == ((parts.weekday ?? 0) + 5) % 7 + 1)
            let back = rules.instants(
                ofLocal: local.year,
                local.month,
                local.day,
                local.hour,
                local.minute,
                local.second
            )
            #expect(back.contains(second * 1000))
        }
    }

    @Test(arguments: ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe"])
    func `the footer goes on where the table ends`(name: String) {
        guard let rules = systemZone(name) else { return }
        // 2026 is in the table, 2082 has the same calendar (56 years later) and only the footer.
        let shift: Int64 = 56 * 365 * 86_400_000 + 14 * 86_400_000
        for hour in 0..<8760 {
            let time = 1_767_225_600_000 + Int64(hour) * 3_600_000
            #expect(rules.kind(at: time) == rules.kind(at: time + shift), "\(hour)")
        }
    }

    @Test func `an hour that is skipped never is, and one that is repeated is twice`() {
        #expect(Self.berlin.instants(ofLocal: 2026, 3, 29, 2, 30).isEmpty)
        let autumn = Self.berlin.instants(ofLocal: 2026, 10, 25, 2, 30)
        #expect(autumn == [1_792_888_200_000, 1_792_891_800_000])
        #expect(autumn.map { Self.berlin.local(WallTime(milliseconds: $0)).offset } == [7200, 3600])
        #expect(Self.berlin.instants(ofLocal: 2026, 7, 1, 12).count == 1)
        #expect(Self.berlin.instants(ofLocal: 2026, 2, 29).isEmpty)
        #expect(Self.berlin.instants(ofLocal: .max, .max, .min).isEmpty)
    }

    @Test func `rules for a year are read as POSIX writes them`() throws {
        let kinds = { (text: String, time: Int64) in try #require(PosixZone(text.utf8)).kind(at: time) }
        // 2026-01-15 and 2026-07-15.
        let (winter, summer): (Int64, Int64) = (1_768_435_200_000, 1_784_073_600_000)
        #expect(try kinds("EST5EDT", winter).offset == -18_000)
        #expect(try kinds("EST5EDT", summer).offset == -14_400)
        #expect(try kinds("<+1030>-10:30<+11>-11,M10.1.0,M4.1.0", winter).offset == 39_600)
        #expect(try kinds("<+1030>-10:30<+11>-11,M10.1.0,M4.1.0", summer).abbreviation == "+1030")
        #expect(
            try kinds("IST-1GMT0,M10.5.0,M3.5.0/1", winter)
                == .init(offset: 0, isDaylightSaving: true, abbreviation: "GMT")
        )
        #expect(try kinds("<-02>2<-01>,M3.5.0/-1,M10.5.0/0", summer).offset == -3600)
        // Daylight saving all the year round (RFC 8536 §3.3.1).
        for month in 0..<24 {
            #expect(try kinds("XXX3EDT4,0/0,J365/23", winter + Int64(month) * 2_592_000_000).offset == -14_400)
        }
        for broken in [
            "", "A", "CET", "CET-25", "CET-1CEST,M3.5.0", "CET-1CEST,M13.5.0,M10.5.0", "CET-1CEST,M3.6.0,M10.5.0",
            "CET-1CEST,J0,J1", "CET-1CEST,366,1", "<CET-1", "CET-1x", "CET-1CEST,M3.5.0/168,M10.5.0", "CET-1CEST,,",
            "CET-1CEST,M3.5.0,M10.5.0 ", "CET-99999999999999999999",
        ] {
            #expect(PosixZone(broken.utf8) == nil, "\(broken)")
        }
    }

    @Test func `times at the ends of the clock are shown, and do not trap`() {
        for time in [Int64.min, .min + 1, -1, 0, .max - 1, .max] {
            let local = Self.berlin.local(WallTime(milliseconds: time))
            #expect((1...12).contains(local.month) && (1...31).contains(local.day))
            for length in IntervalLength.allCases {
                _ = Intervals.intervals(
                    from: time,
                    to: time.addingReportingOverflow(1).partialValue,
                    by: length,
                    in: Self.berlin
                )
            }
        }
        let local = ZoneRules.utc.local(WallTime(milliseconds: -1))
        #expect((local.date, local.clock, local.weekday) == ("1969-12-31", "23:59", 3))
    }
}

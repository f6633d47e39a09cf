import Foundation
import Testing
import Timebase

@testable import Statistics

@Suite("Compiled time zones")
struct TZifTests {
    static func big(_ value: Int64, _ width: Int) -> [UInt8] {
        (0..<width).reversed().map { UInt8(truncatingIfNeeded: value >> Int64($0 * 8)) }
    }

    static func header(_ version: UInt8, times: Int, types: Int, characters: Int, leaps: Int = 0) -> [UInt8] {
        Array("TZif".utf8) + [version] + [UInt8](repeating: 0, count: 15)
            + [0, 0, leaps, times, types, characters].flatMap { big(Int64($0), 4) }
    }

    /// Winter and summer, one change in 2001, then the rule of Central Europe.
    static func file(footer: String = "CET-1CEST,M3.5.0,M10.5.0/3", time: Int64 = 985_482_000) -> [UInt8] {
        let empty = header(50, times: 0, types: 1, characters: 1) + [UInt8](repeating: 0, count: 7)
        let types = big(3600, 4) + [0, 0] + big(7200, 4) + [1, 4]
        let block = big(time, 8) + [1] + types + Array("CET\0CEST\0".utf8)
        return empty + header(50, times: 1, types: 2, characters: 9) + block + Array("\n\(footer)\n".utf8)
    }

    @Test func `a slim file is its table and then its footer`() throws {
        let rules = try ZoneRules(tzif: Self.file())
        #expect(rules.transitions.count == 1)
        #expect(rules.kind(at: 0) == ZoneKind(offset: 3600, isDaylightSaving: false, abbreviation: "CET"))
        #expect(rules.kind(at: 985_482_000_000) == ZoneKind(offset: 7200, isDaylightSaving: true, abbreviation: "CEST"))
        #expect(rules.kind(at: 985_481_999_999).offset == 3600)
        // 2050-01-15 and 2050-07-15.
        #expect(rules.kind(at: 2_525_731_200_000).offset == 3600)
        #expect(rules.kind(at: 2_541_369_600_000).offset == 7200)
    }

    @Test func `a file of the first version has four octets a time and no footer`() throws {
        let bytes =
            Self.header(0, times: 1, types: 2, characters: 4) + Self.big(-1000, 4) + [1] + Self.big(0, 4) + [0, 0]
            + Self.big(-18_000, 4) + [0, 0] + Array("ABC\0".utf8)
        let rules = try ZoneRules(tzif: bytes)
        #expect(rules.kind(at: -1_000_001).offset == 0)
        #expect(rules.kind(at: .max).offset == -18_000)
    }

    @Test func `what breaks the format is named`() {
        #expect(throws: TZifError.notTZif) { try ZoneRules(tzif: []) }
        #expect(throws: TZifError.notTZif) { try ZoneRules(tzif: [UInt8](repeating: 7, count: 100)) }
        #expect(throws: TZifError.malformed("footer")) { try ZoneRules(tzif: Self.file(footer: "nonsense")) }
        #expect(throws: TZifError.truncated) { try ZoneRules(tzif: Self.file().dropLast()) }
        let greedy = Self.header(0, times: 0xFFFF_FFFF, types: 256, characters: 0xFFFF_FFFF)
        #expect(throws: TZifError.truncated) { try ZoneRules(tzif: greedy) }
        let leaping = Self.header(0, times: 0, types: 1, characters: 1, leaps: 1) + [UInt8](repeating: 0, count: 50)
        #expect(throws: TZifError.leapSeconds) { try ZoneRules(tzif: leaping) }
        #expect(throws: TZifError.malformed("number of types")) {
            try ZoneRules(tzif: Self.header(0, times: 0, types: 0, characters: 0))
        }
    }

    @Test func `a table that begins with the universe is read`() throws {
        for time in [Int64.min, -(1 << 59), .max] {
            let rules = try ZoneRules(tzif: Self.file(time: time))
            #expect(rules.local(WallTime(milliseconds: 1_700_000_000_000)).year == 2023)
        }
    }

    @Test func `every beginning of a file is refused, and no damage to one traps`() {
        var files = [Self.file()]
        for name in ["Europe/Berlin", "Australia/Lord_Howe"] {
            if let data = FileManager.default.contents(atPath: "/usr/share/zoneinfo/\(name)") {
                files.append([UInt8](data))
            }
        }
        var random = SplitMix(state: 42)
        for file in files {
            for count in 0..<file.count {
                #expect(throws: TZifError.self) { try ZoneRules(tzif: Array(file[..<count])) }
            }
            for _ in 0..<3000 {
                var damaged = file
                for _ in 0...Int(random.next() % 4) {
                    damaged[Int(random.next() % UInt64(file.count))] = UInt8(truncatingIfNeeded: random.next())
                }
                guard let rules = try? ZoneRules(tzif: damaged) else { continue }
                let time = Int64(bitPattern: random.next())
                _ = rules.local(WallTime(milliseconds: time))
                let local = rules.local(WallTime(milliseconds: 1_774_746_000_000))
                _ = rules.instants(ofLocal: local.year, local.month, local.day, local.hour)
                let ranges = Intervals.intervals(
                    from: 1_774_746_000_000,
                    to: 1_775_946_000_000,
                    by: IntervalLength.allCases[Int(random.next() % 5)],
                    in: rules
                )
                #expect(ranges.first?.lowerBound == 1_774_746_000_000)
            }
        }
    }
}

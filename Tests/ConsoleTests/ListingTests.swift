import Console
import Foundation
import Testing

@Suite struct ListingTests {
    private static func text(_ value: String, _ format: OutputFormat) throws -> String {
        try Listing(json: JSONEncoder().encode([["name": value]]), keys: ["name"], columns: [.init("name")]).text(
            format
        )
    }

    @Test(arguments: [
        ("=1+1", "'=1+1"), ("@SUM(A1)", "'@SUM(A1)"), ("\tx", "'\tx"), ("+cmd|' /C calc'!A0", "'+cmd|' /C calc'!A0"),
        ("-A1", "'-A1"), ("+74951112233", "+74951112233"), ("-0.5", "-0.5"), ("say \"a\", b", "\"say \"\"a\"\", b\""),
        ("two\r\nlines", "\"two\r\nlines\""), ("", ""),
    ])
    func `a spreadsheet takes no caller's name for a formula, and numbers stay numbers`(
        name: String,
        field: String
    ) throws {
        #expect(try Self.text(name, .csv) == "name\r\n\(field)\r\n")
    }

    @Test(arguments: ["\u{1B}[2J", "\u{9B}2J", "\u{202E}gnp.exe", "\u{2067}x", "a\nb", "\u{7F}"])
    func `a table's text moves no cursor and turns no writing`(name: String) throws {
        let lines = try Self.text(name, .table).split(separator: "\n", omittingEmptySubsequences: false)
        #expect(lines.count == 3 && lines[1].contains("?"))
        #expect(
            !lines[1].unicodeScalars.contains { $0.value < 32 || (127..<160).contains($0.value) || $0.value > 0x2000 }
        )
        // JSON keeps what was said, for whoever reads it.
        let json = try JSONSerialization.jsonObject(with: Data(Self.text(name, .json).utf8)) as? [[String: String]]
        #expect(json == [["name": name]])
    }

    @Test func `a table says what is so, and is silent of what is not`() throws {
        let json = Data(#"[{"name": "true", "out": true, "calls": 1}, {"name": "b", "out": false, "calls": 0}]"#.utf8)
        let columns: [Listing.Column] = [.init("name"), .init("calls"), .init("out")]
        let listing = try Listing(json: json, keys: ["name", "calls", "out"], columns: columns)
        #expect(listing.text(.table) == "NAME  CALLS  OUT\ntrue  1      yes\nb     0\n")
        #expect(listing.text(.csv) == "name,calls,out\r\ntrue,1,true\r\nb,0,false\r\n")
    }

    @Test func `dates that no calendar has are none`() throws {
        let zone = try #require(TimeZone(identifier: "Europe/Berlin"))
        for text in [
            "2026-02-31", "2026-13-01", "2026-00-10", "2026-01-00", "2025-02-29", "26-01-01", "2026-1-1",
            "2026-11-28T10:00:00+25:00", "2026-11-28T10:00:00+1:00", "2026-11-28T10:00:00+10:75",
            "2026-11-28T24:00:00Z",
            "2026-11-28T10:00:00", "2026-02-30T10:00:00Z",
        ] {
            #expect(TimeFilter(text, now: Date(), zone: zone) == nil, "\(text)")
        }
        for text in ["2026-11-28t10:00:00z", "2026-11-28T13:00:00.000+03:00", "2026-11-28T09:59:60Z"] {
            #expect(TimeFilter(text, now: Date(), zone: zone)?.date.timeIntervalSince1970 == 1_795_860_000, "\(text)")
        }
        // The clock goes from 1:59:59 to 3:00 on that day, and midnight is there all the same.
        let date = try #require(TimeFilter("2026-03-29", now: Date(), zone: zone)).date
        #expect(date.timeIntervalSince1970 == 1_774_738_800)
        #expect(TimeFilter("2024-02-29", now: Date(), zone: zone) != nil)
    }

    @Test func `what the clock shows twice is told apart, and stamps of tables say that they are in UTC`() throws {
        let clock = LocalClock(try #require(TimeZone(identifier: "America/New_York")))
        // The clock goes from 01:59:59 back to 01:00 at 06:00 UTC of that day.
        let back = 1_793_512_800.0
        let shown = [-7200, -3600, -1, 0, 3599, 3600].map { clock.text(of: Date(timeIntervalSince1970: back + $0)) }
        #expect(
            shown == [
                "2026-11-01 00:00:00", "2026-11-01 01:00:00-04:00", "2026-11-01 01:59:59-04:00",
                "2026-11-01 01:00:00-05:00", "2026-11-01 01:59:59-05:00", "2026-11-01 02:00:00",
            ]
        )
        let rows = try JSONEncoder().encode([["started_at": "2026-11-28T10:00:00.123Z"]])
        let listing = try Listing(json: rows, keys: ["started_at"], columns: [.init("started_at")])
        #expect(listing.text(.table) == "STARTED_AT\n2026-11-28 10:00:00Z\n")
    }
}

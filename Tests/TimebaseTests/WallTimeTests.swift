import Testing

@testable import Timebase

@Suite("Wall time as RFC 3339 writes it")
struct WallTimeTests {
    @Test(
        arguments: [
            (0, "1970-01-01T00:00:00.000Z"), (1_763_938_445_120, "2025-11-23T22:54:05.120Z"),
            (1_709_164_799_999, "2024-02-28T23:59:59.999Z"), (1_709_164_800_000, "2024-02-29T00:00:00.000Z"),
            (-1, "1969-12-31T23:59:59.999Z"), (-62_167_219_200_000, "0000-01-01T00:00:00.000Z"),
            (253_402_300_800_000, "10000-01-01T00:00:00.000Z"),
        ] as [(Int64, String)]
    )
    func `known moments`(milliseconds: Int64, text: String) {
        #expect("\(WallTime(milliseconds: milliseconds))" == text)
    }

    @Test(
        arguments: [
            (0, "Thu, 01 Jan 1970 00:00:00 GMT"), (1_763_938_445_120, "Sun, 23 Nov 2025 22:54:05 GMT"),
            (1_709_164_800_000, "Thu, 29 Feb 2024 00:00:00 GMT"), (-1, "Wed, 31 Dec 1969 23:59:59 GMT"),
        ] as [(Int64, String)]
    )
    func `RFC 3261 §20.17: as the header Date has it`(milliseconds: Int64, text: String) {
        #expect(WallTime(milliseconds: milliseconds).rfc1123 == text)
    }

    @Test func `no moment is too far to be written`() {
        #expect("\(WallTime(milliseconds: .max))".hasSuffix("Z"))
        #expect("\(WallTime(milliseconds: .min))".hasPrefix("-"))
    }

    @Test(arguments: ["2026-02-31", "2026-02-29", "2026-04-31", "2026-00-10", "2026-13-01", "2026-01-00"])
    func `a day that no month has is no time`(day: String) {
        #expect(WallTime("\(day)T00:00:00Z") == nil)
    }

    @Test func `what is written is read back`() {
        var generator = SeededGenerator(seed: 3)
        for _ in 0..<10_000 {
            let time = WallTime(milliseconds: Int64.random(in: 0..<253_402_300_800_000, using: &generator))
            #expect(WallTime(time.description) == time)
        }
    }
}

import Testing
import Timebase

@testable import Calls

@Suite struct HeardKeysTests {
    /// Each entry: the key, how it was told, and when in milliseconds; returned are those that count.
    private func counted(_ told: [(String, HeardKeys.Source, Int64)]) -> [String] {
        var keys = HeardKeys()
        return told.filter { keys.isNew($0.0, by: $0.1, at: Instant(nanoseconds: $0.2 * 1_000_000)) }.map(\.0)
    }

    @Test func `a key told both ways counts once, whichever comes first`() {
        #expect(counted([("5", .telephoneEvent, 0), ("5", .info, 400)]) == ["5"])
        #expect(counted([("5", .info, 0), ("5", .telephoneEvent, 90)]) == ["5"])
    }

    @Test func `a key pressed twice is two keys, told one way or both`() {
        #expect(counted([("5", .info, 0), ("5", .info, 200)]) == ["5", "5"])
        let both: [(String, HeardKeys.Source, Int64)] = [
            ("5", .telephoneEvent, 0), ("5", .telephoneEvent, 200), ("5", .info, 250), ("5", .info, 450),
        ]
        #expect(counted(both) == ["5", "5"])
    }

    @Test func `another key, and the same key later, count`() {
        #expect(counted([("5", .telephoneEvent, 0), ("6", .info, 50)]) == ["5", "6"])
        #expect(counted([("5", .telephoneEvent, 0), ("5", .info, 1_100)]) == ["5", "5"])
    }

    @Test func `a storm of keys is bounded, and still counted`() {
        #expect(counted((0..<1_000).map { ("\($0 % 10)", .info, Int64($0) / 100) }).count == 1_000)
    }
}

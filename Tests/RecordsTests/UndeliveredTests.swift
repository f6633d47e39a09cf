import Accounting
import Foundation
import Testing

@testable import Records

@Suite struct UndeliveredTests {
    private static func record(_ id: String, endedAt: String? = nil) -> CallRecord {
        var record = CallRecord(
            callID: id,
            tenant: "demo",
            direction: .inbound,
            from: "+7",
            to: "600",
            startedAt: "2027-01-15T08:00:00.000Z"
        )
        record.endedAt = endedAt
        return record
    }

    @Test func `each sink gets each call once it is over, in the order of the ends, from its own beginning on`() throws
    {
        let folder = FileManager.default.temporaryDirectory.appending(path: "sinks-\(UUID().uuidString.prefix(8))")
        defer { try? FileManager.default.removeItem(at: folder) }
        let database = try TenantDatabase(folder: folder, tenant: "demo")
        let end = "2027-01-15T08:01:00.000Z"
        func waiting(_ sink: String, limit: Int = 10) throws -> [String] {
            try database.undelivered(to: sink, limit: limit)?.records.map(\.callID) ?? []
        }
        try database.write([.call(Self.record("before", endedAt: end))])
        #expect(try database.setSinks(["a"]).isEmpty)
        try database.write(["1", "2", "3"].map { .call(Self.record($0)) })
        #expect(try waiting("a").isEmpty)
        try database.write([.call(Self.record("3", endedAt: end))])
        #expect(try database.setSinks(["a", "b"]).isEmpty)
        // A call that is over before its beginning is written.
        try database.write([.call(Self.record("short", endedAt: end)), .call(Self.record("1", endedAt: end))])
        // What is said of it later is no second end.
        try database.write([.call(Self.record("3", endedAt: end))])
        #expect(try waiting("a") == ["3", "short", "1"])
        #expect(try waiting("b") == ["short", "1"])
        let batch = try #require(try database.undelivered(to: "a", limit: 2))
        try database.delivered(batch, to: "a")
        #expect(try waiting("a") == ["1"])
        #expect(try waiting("b") == ["short", "1"])
        #expect(try database.undeliveredCounts() == ["a": 1, "b": 2])
        // A crash ends what was left open.
        _ = try database.closeInterrupted()
        #expect(try waiting("a") == ["1", "2"])
        #expect(try database.setSinks(["a"]) == ["b": 3])
        #expect(try database.undeliveredCounts() == ["a": 2])
    }

    @Test func `what is settled late takes nothing with it that came since`() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "sinks-\(UUID().uuidString.prefix(8))")
        defer { try? FileManager.default.removeItem(at: folder) }
        let database = try TenantDatabase(folder: folder, tenant: "demo")
        let end = "2027-01-15T08:01:00.000Z"
        _ = try database.setSinks(["a"])
        try database.write(["1", "2", "3"].map { .call(Self.record($0, endedAt: end)) })
        let slow = try #require(try database.undelivered(to: "a", limit: 10))
        // Whoever serves the sink by now has handed all of it over; then another call ends.
        try database.delivered(slow, to: "a")
        try database.write([.call(Self.record("4", endedAt: end))])
        try database.delivered(slow, to: "a")
        #expect(try database.undelivered(to: "a", limit: 10)?.records.map(\.callID) == ["4"])
    }
}

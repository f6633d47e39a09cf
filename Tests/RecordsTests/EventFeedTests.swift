import Events
import Foundation
import Testing
import Timebase

@testable import Records

/// What followers of the stream may be told, and in which order.
@Suite struct EventFeedTests {
    private static let wall: Int64 = 1_800_000_000_000

    private static func folder() -> URL {
        FileManager.default.temporaryDirectory.appending(path: "events-\(UUID().uuidString.prefix(8))")
    }

    private static func tell(_ bus: EventBus, _ tenant: TenantID, _ number: Int, at wall: Int64 = wall) {
        let moment = Moment(instant: Instant(nanoseconds: 1), wall: WallTime(milliseconds: wall))
        bus.publish(.trunkUp(name: "\(number)"), tenant: tenant, at: moment)
    }

    /// As a follower of all tenants reads.
    private static func names(
        _ folder: URL,
        _ tenants: [TenantID],
        after known: Int64,
        _ feed: EventFeed
    ) throws -> [String] {
        var found: [JournalEntry] = []
        for tenant in tenants {
            guard let database = try TenantDatabase(reading: folder, tenant: tenant) else { continue }
            found += try database.events(after: known, through: feed.horizon(of: nil), limit: 1_000)
        }
        return found.sorted { $0.id < $1.id }.compactMap {
            $0.json.firstMatch(of: /"name":"(\d+)"/).map { String($0.1) }
        }
    }

    private static func eventually(_ condition: () throws -> Bool) rethrows -> Bool {
        let deadline = Date(timeIntervalSinceNow: 20)
        while try !condition() {
            guard Date() < deadline else { return false }
            _ = DispatchSemaphore(value: 0).wait(timeout: .now() + .milliseconds(10))
        }
        return true
    }

    @Test func `a tenant whose file fails holds up those who follow all, and nobody who follows another`() throws {
        let (folder, feed) = (Self.folder(), EventFeed())
        defer { try? FileManager.default.removeItem(at: folder) }
        let bus = EventBus(node: "n")
        let writer = RecordWriter(folder: folder, onCommitted: { _ in }, feed: feed) { _ in }
        bus.subscribe(writer)
        Self.tell(bus, "a", 1)
        Self.tell(bus, "b", 2)
        #expect(try Self.eventually { try Self.names(folder, ["a", "b"], after: 0, feed) == ["1", "2"] })
        let before = feed.horizon(of: nil)

        // A tenant that has no file yet, and cannot get one: a file is where its folder should be.
        let place = folder.appending(path: "tenants/c")
        try Data("x".utf8).write(to: place)
        for number in 3...8 { Self.tell(bus, number % 2 == 0 ? "a" : "c", number) }
        #expect(
            Self.eventually {
                feed.horizon(of: "a") > before && writer.status(now: Instant(nanoseconds: 1)).failures > 2
            }
        )
        Self.tell(bus, "b", 9)
        #expect(Self.eventually { feed.horizon(of: "b") > feed.horizon(of: "a") })
        // Those of a and b are on disk, and not told: 3 is to come before them.
        #expect(try Self.names(folder, ["a", "b", "c"], after: before, feed).isEmpty)
        #expect(feed.horizon(of: "c") <= before)

        try FileManager.default.removeItem(at: place)
        let whole = (3...9).map { "\($0)" }
        #expect(try Self.eventually { try Self.names(folder, ["a", "b", "c"], after: before, feed) == whole })
        writer.stop()
    }

    @Test func `numbers rise over a restart, though the clock was set back`() throws {
        let folder = Self.folder()
        defer { try? FileManager.default.removeItem(at: folder) }
        for (number, wall) in [(1, Self.wall), (2, Self.wall - 3_600_000)] {
            let feed = try EventFeed(after: RecordFolder(folder).lastEvent())
            let writer = RecordWriter(folder: folder, onCommitted: { _ in }, feed: feed) { _ in }
            let bus = EventBus(node: "n")
            bus.subscribe(writer)
            Self.tell(bus, number == 1 ? "a" : "b", number, at: wall)
            writer.stop()
            #expect(try RecordFolder(folder).lastEvent() == feed.horizon(of: nil))
            #expect(try Self.names(folder, ["a", "b"], after: 0, feed) == (1...number).map { "\($0)" })
        }
    }

    @Test func `whoever waits is woken by more, by his patience, and by the end`() async throws {
        let feed = EventFeed(after: 5)
        #expect(await feed.wait(beyond: 4, of: "a", atMost: .seconds(60)) == .advanced)
        #expect(await feed.wait(beyond: 5, of: nil, atMost: .milliseconds(1)) == .timedOut)
        async let all = feed.wait(beyond: 5, of: nil, atMost: .seconds(60))
        async let one = feed.wait(beyond: 5, of: "a", atMost: .seconds(60))
        feed.advance(["a": 7], all: 6)
        #expect(await all == .advanced)
        #expect(await one == .advanced)
        feed.advance([:], all: 3)
        #expect(feed.horizon(of: nil) == 6 && feed.horizon(of: "b") == 5)
        let late = Task { await feed.wait(beyond: 9, of: nil, atMost: .seconds(60)) }
        late.cancel()
        #expect(await late.value == .closed)
        feed.close()
        #expect(await feed.wait(beyond: 9, of: nil, atMost: .seconds(60)) == .closed)
    }
}

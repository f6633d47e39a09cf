import Events
import Testing
import Timebase

@testable import Records

/// What is written next.
@Suite struct RecordQueueTests {
    private static func item(_ event: Int64, _ tenant: TenantID = "a", opening: CallID? = nil) -> RecordQueue.Item {
        let draft = JournalDraft(
            id: event,
            event: .trunkUp(name: "t"),
            tenant: tenant,
            call: opening,
            at: WallTime(milliseconds: event)
        )
        let at = Instant(nanoseconds: event)
        return RecordQueue.Item(rows: [.event(draft)], tenant: tenant, opening: opening, queuedAt: at)
    }

    private static func events(_ items: [RecordQueue.Item]) -> [Int64] { items.flatMap(\.rows).compactMap(\.eventID) }

    private func queue(_ items: RecordQueue.Item...) -> RecordQueue {
        var queue = RecordQueue()
        for item in items { queue.add(item) }
        return queue
    }

    @Test func `a call's start does not wait, and the rest of its story until it is due`() {
        var queue = queue(Self.item(1), Self.item(2, opening: "c"), Self.item(3))
        let first = queue.take(.nothing)
        #expect(Self.events(first.openings) == [2] && first.items.isEmpty)
        // 1 is still to come, and 2 would be told before it.
        queue.settle(first, failed: [])
        #expect(queue.horizon == 0 && queue.horizon(of: "a", last: 2) == 0)
        let second = queue.take(.records)
        #expect(Self.events(second.records) == [1, 3])
        queue.settle(second, failed: [])
        #expect(queue.horizon == 3 && queue.isEmpty && queue.oldest == nil)
    }

    @Test func `what is due is taken some at a time, and calls' starts between`() {
        var queue = RecordQueue()
        let many = Int64(RecordQueue.itemsAtOnce + 5)
        for number in 1...many { queue.add(Self.item(number)) }
        #expect(queue.take(.records).items.count == RecordQueue.itemsAtOnce)
        #expect(queue.isAnythingDue)
        queue.add(Self.item(many + 1, opening: "c"))
        queue.add(Self.item(many + 2))
        let next = queue.take(.nothing)
        #expect(next.openings.count == 1 && next.items.count == 5)
        // What came later is gathered anew.
        #expect(!queue.isAnythingDue && queue.count == 1)
        #expect(queue.take(.everything).items.count == 1)
    }

    @Test func `a tenant whose disk is full keeps his order, and keeps nobody else waiting`() {
        var queue = queue(Self.item(1), Self.item(2, "b"), Self.item(3), Self.item(4, opening: "c"))
        let first = queue.take(.records)
        queue.add(Self.item(5))
        queue.add(Self.item(6, "b"))
        queue.settle(first, failed: ["a"])
        #expect(queue.horizon == 0 && queue.horizon(of: "b", last: 2) == 2)
        let second = queue.take(.records, besides: ["a"])
        #expect(Self.events(second.records) == [6])
        queue.settle(second, failed: [])
        #expect(!queue.isAnythingDue && queue.horizon == 0 && queue.horizon(of: "b", last: 6) == 6)
        #expect(queue.oldest == Instant(nanoseconds: 1))
        let third = queue.take(.records)
        #expect(Self.events(third.openings) == [4] && Self.events(third.items) == [1, 3, 5])
        queue.settle(third, failed: [])
        #expect(queue.horizon == 6)
    }
}

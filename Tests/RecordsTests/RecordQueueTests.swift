import Events
import Testing
import Timebase
import Trace

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

    // MARK: traces

    private static func trace(_ call: CallID, _ tenant: TenantID = "a") -> CallTrace {
        let start = Moment(instant: Instant(nanoseconds: 0), wall: WallTime(milliseconds: 0))
        return CallTrace(callID: call, tenant: tenant, started: start, from: "1", to: "2")
    }

    private static func whole(_ call: CallID, _ tenant: TenantID = "a") -> TraceDraft { .whole(trace(call, tenant)) }

    private static func part(_ call: CallID, _ tenant: TenantID = "a") -> TraceDraft {
        .part(TracePart(trace: trace(call, tenant), first: 0))
    }

    /// `c` for the whole, `c…` for a part.
    private static func names(_ traces: [TraceDraft]) -> [String] {
        traces.map { draft in
            switch draft {
            case .whole(let trace): trace.callID.value
            case .part(let part): "\(part.trace.callID.value)…"
            }
        }
    }

    @Test func `the parts of a trace that found no room are written before its whole`() {
        var queue = queue(Self.item(1), Self.item(2, "b"))
        for trace in [Self.part("x"), Self.part("y", "b")] { _ = queue.add(trace, most: 10) }
        let first = queue.take(.recordsAndTraces)
        #expect(Self.names(first.traces).sorted() == ["x…", "y…"])
        queue.settle(first, failed: ["a"])
        for trace in [Self.whole("x"), Self.whole("y", "b")] { _ = queue.add(trace, most: 10) }
        // In the turn in which his records find room his traces wait still: what they were before comes first.
        let second = queue.take(.recordsAndTraces)
        #expect(Self.events(second.items) == [1] && Self.names(second.traces) == ["y"])
        queue.settle(second, failed: [])
        #expect(!queue.isEmpty && queue.count == 0 && queue.unwrittenTraces == 2)
        let third = queue.take(.everything)
        #expect(Self.names(third.traces) == ["x…", "x"])
        queue.settle(third, failed: [])
        #expect(queue.isEmpty)
    }

    @Test func `traces are gathered for longer than records, and taken some at a time`() {
        var queue = RecordQueue()
        for number in 0..<10 { _ = queue.add(Self.whole(CallID("\(number)")), most: 100) }
        let taken = [RecordQueue.Due.records, .recordsAndTraces, .nothing].map { queue.take($0).traces.count }
        #expect(taken == [0, RecordQueue.tracesAtOnce, 2] && !queue.isAnythingDue)
        for number in 0..<RecordQueue.manyTraces { _ = queue.add(Self.whole(CallID("\(number)")), most: 1_000) }
        let many = queue.take(.nothing).traces
        #expect(many.count == RecordQueue.tracesAtOnce)
    }

    @Test func `a disk without room costs its own tenant traces, the oldest`() {
        var queue = queue(Self.item(1))
        queue.settle(queue.take(.records), failed: ["a"])
        let kept = (1...5).map { queue.add(Self.whole(CallID("\($0)")), most: 4) }
        let others = (["6", "7"] as [CallID]).map { queue.add(Self.whole($0, "b"), most: 4) }
        #expect(kept == [true, true, true, true, false] && others == [false, false] && queue.unwrittenTraces == 4)
        let written = queue.take(.everything, besides: ["a"])
        #expect(Self.names(written.traces) == ["6", "7"])
        queue.settle(queue.take(.records), failed: [])
        let found = queue.take(.everything)
        #expect(Self.names(found.traces) == ["4", "5"])
    }

    @Test func `who was served last comes last`() {
        var queue = RecordQueue()
        let many = Int64(RecordQueue.itemsAtOnce * 2)
        for number in 1...many { queue.add(Self.item(number)) }
        queue.add(Self.item(many + 1, "b"))
        let turns = [queue.take(.records), queue.take(.nothing)].map { Set($0.items.map(\.tenant)) }
        #expect(turns.contains { $0.contains("b") })
    }

    @Test func `a long backlog that comes and goes, and is put back, keeps its order`() {
        var (backlog, next, expected) = (Backlog<Int>(), 0, 0)
        for turn in 1...200 {
            for _ in 0..<(turn % 7) {
                backlog.append(next)
                next += 1
            }
            backlog.makeAllDue()
            let taken = backlog.takeDue(atMost: turn % 5, in: turn)
            if turn % 3 == 0 {
                backlog.putBack(taken)
                #expect(backlog.due == 0)
            } else {
                #expect(taken == Array(expected..<(expected + taken.count)))
                expected += taken.count
            }
            #expect(Array(backlog.elements) == Array(expected..<next) && backlog.count == next - expected)
        }
    }
}

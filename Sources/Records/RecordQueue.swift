import Events
import Timebase
import Trace

/// What waits to be written, and what of it is to be written next. Sans-IO.
///
/// Calls wait for their starts to be on disk; nobody waits for the rest of their stories, which is gathered: rows that are written
/// together share pages, and the log takes each page of each transaction.
struct RecordQueue: Sendable {
    /// Rows that are written in one transaction.
    struct Item: Sendable {
        var rows: [HistoryRow]
        var tenant: TenantID
        /// The call whose start this is.
        var opening: CallID?
        var queuedAt: Instant

        var isOpening: Bool { opening != nil }
        var firstEvent: Int64? { rows.lazy.compactMap { $0.eventID }.first }
    }

    /// What is written at once.
    struct Batch: Sendable {
        /// Before the others: a call's start goes before the rest of its story, however long the two queues are.
        var openings: [Item] = []
        var items: [Item] = []
        var traces: [TraceDraft] = []

        var records: [Item] { openings + items }
    }

    /// What has been gathered for long enough.
    enum Due { case nothing, records, recordsAndTraces, everything }

    /// What is due is written so many at a time, between the starts of calls.
    static let (itemsAtOnce, tracesAtOnce) = (100, 8)
    /// Traces are large: so many are due at once, however short they have waited.
    static let manyTraces = 200

    /// What waits of one tenant: what finds no room on his disk is in nobody else's way.
    private struct Line {
        var openings = Backlog<Item>()
        var items = Backlog<Item>()
        var traces = Backlog<TraceDraft>()
        /// His disk had no room for his records, and his traces wait for it with them.
        var isStuck = false
    }

    private var lines: [TenantID: Line] = [:]
    private var turn = 0
    private var traceCount = 0
    /// When the oldest record of the batch under way was queued.
    private var inHand: Instant?
    /// The last event that was taken, written or not.
    private var lastEvent: Int64 = 0

    /// Of records.
    var count: Int { lines.values.reduce(0) { $0 + $1.openings.count + $1.items.count } }
    var unwrittenTraces: Int { traceCount }
    var isEmpty: Bool { traceCount == 0 && count == 0 }
    var isAnythingDue: Bool { lines.values.contains { $0.items.due > 0 || $0.traces.due > 0 } }
    var rows: [HistoryRow] {
        lines.values.flatMap { line in [line.openings, line.items].flatMap(\.elements).flatMap(\.rows) }
    }
    var oldest: Instant? {
        let waiting = lines.values.flatMap { [$0.openings.first?.queuedAt, $0.items.first?.queuedAt] }
        return (waiting + [inHand]).compactMap(\.self).min()
    }

    mutating func add(_ item: Item) {
        let kind = item.isOpening ? \Line.openings : \Line.items
        lines[item.tenant, default: Line()][keyPath: kind].append(item)
    }

    /// False: `most` waited already, and the first of whoever has the most is given up. A disk without room costs nobody else his traces.
    mutating func add(_ trace: TraceDraft, most: Int) -> Bool {
        lines[trace.tenant, default: Line()].traces.append(trace)
        guard traceCount >= most, let longest = lines.max(by: { $0.value.traces.count < $1.value.traces.count })?.key
        else {
            traceCount += 1
            return true
        }
        lines[longest]?.traces.dropFirst()
        return false
    }

    /// The starts of calls, and some of what is due; nothing of the tenants in `waiting`, whose disk has no room, and whose time to be tried
    /// again has not come.
    mutating func take(_ due: Due, besides waiting: Set<TenantID> = []) -> Batch {
        turn += 1
        let tenants = lines.keys.filter { !waiting.contains($0) }
        let areTracesDue = due == .recordsAndTraces || due == .everything || traceCount >= Self.manyTraces
        for tenant in tenants {
            lines[tenant]?.openings.makeAllDue()
            if due != .nothing { lines[tenant]?.items.makeAllDue() }
            if areTracesDue, lines[tenant]?.isStuck == false { lines[tenant]?.traces.makeAllDue() }
        }
        let isAll = due == .everything
        let batch = Batch(
            openings: takeDue(\.openings, of: tenants, atMost: .max),
            items: takeDue(\.items, of: tenants, atMost: isAll ? .max : Self.itemsAtOnce),
            traces: takeDue(\.traces, of: tenants, atMost: isAll ? .max : Self.tracesAtOnce)
        )
        traceCount -= batch.traces.count
        inHand = batch.records.map(\.queuedAt).min()
        return batch
    }

    /// Who was not served for longest comes first.
    private mutating func takeDue<Element>(
        _ kind: WritableKeyPath<Line, Backlog<Element>>,
        of tenants: [TenantID],
        atMost most: Int
    ) -> [Element] {
        let due = tenants.compactMap { tenant in
            lines[tenant].flatMap { $0[keyPath: kind].due > 0 ? (tenant, $0[keyPath: kind].served) : nil }
        }
        var taken: [Element] = []
        for (tenant, _) in due.sorted(by: { ($0.1, $0.0) < ($1.1, $1.0) }) where taken.count < most {
            taken += lines[tenant]?[keyPath: kind].takeDue(atMost: most - taken.count, in: turn) ?? []
        }
        return taken
    }

    /// The batch was tried: what the disk of the `failed` tenants would not have is queued again, before whatever came meanwhile, and so
    /// are their traces: the parts of one are to be on disk before the whole.
    mutating func settle(_ batch: Batch, failed: Set<TenantID>) {
        inHand = nil
        let last = batch.records.lazy.flatMap(\.rows).compactMap(\.eventID).max()
        lastEvent = max(lastEvent, last ?? 0)
        for tenant in Set(batch.records.lazy.map(\.tenant)) { lines[tenant]?.isStuck = failed.contains(tenant) }
        for tenant in failed {
            let traces = batch.traces.filter { $0.tenant == tenant }
            lines[tenant]?.openings.putBack(batch.openings.filter { $0.tenant == tenant })
            lines[tenant]?.items.putBack(batch.items.filter { $0.tenant == tenant })
            lines[tenant]?.traces.putBack(traces)
            traceCount += traces.count
        }
    }

    /// The last event before the first that waits: up to it all are on disk, or never will be. Events are queued in the order of their
    /// numbers.
    var horizon: Int64 { lines.values.compactMap(Self.firstUnwritten).min().map { $0 - 1 } ?? lastEvent }

    /// The same of one tenant, whose last event on disk is `last`.
    func horizon(of tenant: TenantID, last: Int64) -> Int64 {
        min(last, lines[tenant].flatMap(Self.firstUnwritten).map { $0 - 1 } ?? last)
    }

    private static func firstUnwritten(of line: Line) -> Int64? {
        [line.openings, line.items].compactMap { queue in
            queue.elements.first { $0.firstEvent != nil }?.firstEvent
        }.min()
    }
}

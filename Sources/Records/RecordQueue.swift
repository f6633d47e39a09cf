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

    private var openings: [Item] = []
    private var items: [Item] = []
    private var dueItems = 0
    private var traces: [TraceDraft] = []
    private var dueTraces = 0
    /// When the oldest record of the batch under way was queued.
    private var inHand: Instant?
    /// The last event that was taken, written or not.
    private var lastEvent: Int64 = 0

    var count: Int { openings.count + items.count }
    var isEmpty: Bool { count == 0 }
    var isAnythingDue: Bool { dueItems > 0 || dueTraces > 0 }
    var rows: [HistoryRow] { (openings + items).flatMap(\.rows) }
    var oldest: Instant? { [inHand, openings.first?.queuedAt, items.first?.queuedAt].compactMap { $0 }.min() }

    mutating func add(_ item: Item) {
        if item.isOpening { openings.append(item) } else { items.append(item) }
    }

    /// False: `most` wait already.
    mutating func add(_ trace: TraceDraft, most: Int) -> Bool {
        guard traces.count < most else { return false }
        traces.append(trace)
        return true
    }

    /// Traces that were held back, before those that came meanwhile.
    mutating func giveBack(_ held: [TraceDraft], most: Int) { traces = Array((held + traces).prefix(most)) }

    /// The starts of calls, and some of what is due; nothing of the tenants in `stuck`, whose disk has no room, but for their traces.
    mutating func take(_ due: Due, besides stuck: Set<TenantID> = []) -> Batch {
        if due != .nothing { dueItems = items.count }
        if due == .recordsAndTraces || due == .everything || traces.count >= Self.manyTraces {
            dueTraces = traces.count
        }
        let isAll = due == .everything
        let count = isAll ? dueItems : min(dueItems, Self.itemsAtOnce)
        let traceCount = isAll ? dueTraces : min(dueTraces, Self.tracesAtOnce)
        let batch = Batch(
            openings: Self.take(&openings, atMost: openings.count, besides: stuck),
            items: Self.take(&items, atMost: count, besides: stuck),
            traces: Array(traces.prefix(traceCount))
        )
        // Fewer than were asked for: there are no more.
        dueItems = batch.items.count < count ? 0 : dueItems - count
        traces.removeFirst(traceCount)
        dueTraces -= traceCount
        inHand = [batch.openings.first?.queuedAt, batch.items.first?.queuedAt].compactMap { $0 }.min()
        return batch
    }

    private static func take(_ items: inout [Item], atMost count: Int, besides stuck: Set<TenantID>) -> [Item] {
        guard !stuck.isEmpty else {
            defer { items.removeFirst(count) }
            return Array(items.prefix(count))
        }
        var (taken, left) = ([Item](), [Item]())
        for item in items {
            if taken.count < count, !stuck.contains(item.tenant) { taken.append(item) } else { left.append(item) }
        }
        items = left
        return taken
    }

    /// The batch was tried: what the disk of the `failed` tenants would not have is queued again, before whatever came meanwhile.
    mutating func settle(_ batch: Batch, failed: Set<TenantID>) {
        inHand = nil
        let last = batch.records.lazy.flatMap(\.rows).compactMap(\.eventID).max()
        lastEvent = max(lastEvent, last ?? 0)
        guard !failed.isEmpty else { return }
        openings = batch.openings.filter { failed.contains($0.tenant) } + openings
        items = batch.items.filter { failed.contains($0.tenant) } + items
    }

    /// The last event before the first that waits: up to it all are on disk, or never will be. Events are queued in the order of their
    /// numbers.
    var horizon: Int64 { firstUnwritten(of: nil).map { $0 - 1 } ?? lastEvent }

    /// The same of one tenant, whose last event on disk is `last`.
    func horizon(of tenant: TenantID, last: Int64) -> Int64 {
        min(last, firstUnwritten(of: tenant).map { $0 - 1 } ?? last)
    }

    private func firstUnwritten(of tenant: TenantID?) -> Int64? {
        [openings, items].compactMap { queue -> Int64? in
            for item in queue where tenant == nil || item.tenant == tenant {
                if let event = item.rows.lazy.compactMap(\.eventID).first { return event }
            }
            return nil
        }.min()
    }
}

import Accounting
import Events
import Foundation
import Synchronization
import Timebase
import Trace

/// The writer's thread and its queue.
final class RecordWorker: Sendable {
    private struct Item: Sendable {
        var rows: [HistoryRow]
        var tenant: TenantID
        /// The call whose start this is.
        var opening: CallID?
        var queuedAt: Instant
    }

    private struct State: Sendable {
        var items: [Item] = []
        var traces: [TraceDraft] = []
        /// How many of them are due to be written.
        var dueTraces = 0
        /// The thread was woken for what is queued.
        var isUrgent = false
        /// Until when what waits is tried to be written before the thread ends.
        var endsBy: Date?
        /// When it was last said that a tenant's records find no room.
        var toldOfDisk: [TenantID: Date] = [:]
        var written: UInt64 = 0
        var droppedTraces: UInt64 = 0
        var failures: UInt64 = 0
        var setAside: UInt64 = 0
        /// When the oldest record of the batch under way was queued.
        var inHand: Instant?
        /// The last event that was taken from the queue, written or not.
        var lastEvent: Int64 = 0
    }

    /// Traces are large and nobody waits for them: a few times a second they are due, or when there are many; and then they are written a
    /// few at a time, between the records that calls wait for.
    private static let (manyTraces, tracesAtOnce) = (200, 4)
    private let folder: URL
    private let settings: RecordWriter.Settings
    private let onCommitted: @Sendable ([CallID]) -> Void
    private let onTrouble: @Sendable (String) -> Void
    private let feed: EventFeed
    private let state = Mutex(State())
    private let wake = DispatchSemaphore(value: 0)
    private let over = DispatchSemaphore(value: 0)
    private let checkpoints: Checkpoints

    init(
        folder: URL,
        settings: RecordWriter.Settings,
        onCommitted: @escaping @Sendable ([CallID]) -> Void,
        feed: EventFeed,
        onTrouble: @escaping @Sendable (String) -> Void
    ) {
        (self.folder, self.settings) = (folder, settings)
        (self.onCommitted, self.onTrouble, self.feed) = (onCommitted, onTrouble, feed)
        checkpoints = Checkpoints(folder: folder, onTrouble: onTrouble)
    }

    func start() {
        let thread = Thread { [self] in run() }
        thread.name = "gudok-records"
        thread.start()
    }

    /// Rows that are added together are written in one transaction.
    func add(_ rows: [HistoryRow], of tenant: TenantID, opening: CallID?, at now: Instant) {
        let isUrgent = state.withLock { state in
            state.items.append(Item(rows: rows, tenant: tenant, opening: opening, queuedAt: now))
            // A call waits for its start to be on disk; the rest of its story goes with the next, or in a moment.
            guard opening != nil, !state.isUrgent else { return false }
            state.isUrgent = true
            return true
        }
        if isUrgent { wake.signal() }
    }

    func add(_ trace: TraceDraft) {
        state.withLock { state in
            if state.traces.count < settings.queuedTraces {
                state.traces.append(trace)
            } else {
                state.droppedTraces &+= 1
            }
        }
    }

    func status(now: Instant) -> RecordWriter.Status {
        state.withLock { state in
            let oldest = [state.inHand, state.items.first?.queuedAt].compactMap { $0 }.min()
            return RecordWriter.Status(
                queued: state.items.count,
                written: state.written,
                droppedTraces: state.droppedTraces,
                failures: state.failures,
                setAside: state.setAside,
                lag: oldest.map { now - $0 } ?? .zero
            )
        }
    }

    func stop(patience: Double) {
        state.withLock { $0.endsBy = Date(timeIntervalSinceNow: patience) }
        wake.signal()
        // A disk that hangs would keep the thread for ever.
        _ = over.wait(timeout: .now() + patience + 2)
    }

    // MARK: the thread

    private func run() {
        var databases: [TenantID: TenantDatabase] = [:]
        var lastPruned = Date.distantPast
        var lastTraced = Date.distantPast
        var lastBeat = Date.distantPast
        var open: [TenantID: OpenThings] = [:]
        // Whose disk has no room, and when that is tried again; the others' records do not wait for it.
        var stuck: [TenantID: Date] = [:]
        var heldTraces: [TraceDraft] = []
        while true {
            if state.withLock({ $0.dueTraces == 0 }) { _ = wake.wait(timeout: .now() + 0.05) }
            let isTraceDue = Date().timeIntervalSince(lastTraced) > 0.4
            if isTraceDue { lastTraced = Date() }
            let (items, traces, endsBy) = take(isTraceDue: isTraceDue)
            write(items, &databases, &open, &stuck)
            heldTraces += traces.filter { stuck[$0.tenant] != nil }
            heldTraces.removeFirst(max(0, heldTraces.count - settings.queuedTraces))
            write(traces.filter { stuck[$0.tenant] == nil }, &databases)
            giveBack(&heldTraces, besides: stuck)
            if Date().timeIntervalSince(lastPruned) > 60 {
                lastPruned = Date()
                prune(databases)
            }
            if endsBy != nil || Date().timeIntervalSince(lastBeat) > 2 {
                lastBeat = Date()
                beat(databases, open)
            }
            if let endsBy, state.withLock({ $0.items.isEmpty }) || !stuck.isEmpty && Date() > endsBy { break }
        }
        tellUnwritten()
        checkpoints.stop()
        over.signal()
    }

    /// The traces of a tenant whose records found room again.
    private func giveBack(_ held: inout [TraceDraft], besides stuck: [TenantID: Date]) {
        let back = held.filter { stuck[$0.tenant] == nil }
        guard !back.isEmpty else { return }
        held.removeAll { stuck[$0.tenant] == nil }
        state.withLock { $0.traces = Array((back + $0.traces).prefix(settings.queuedTraces)) }
    }

    /// What found no room to the end is told in full: whoever keeps the log can still make its calls out.
    private func tellUnwritten() {
        for row in HistoryRow.latest(of: state.withLock { $0.items.flatMap(\.rows) }) {
            guard case .call(let record) = row, let json = try? JSONEncoder().encode(record) else { continue }
            onTrouble("not on disk, the record of a call: \(String(decoding: json, as: UTF8.self))")
        }
    }

    private func take(isTraceDue: Bool) -> ([Item], [TraceDraft], endsBy: Date?) {
        state.withLock { state in
            defer { (state.items, state.isUrgent) = ([], false) }
            state.inHand = state.items.first?.queuedAt
            if isTraceDue || state.endsBy != nil || state.traces.count >= Self.manyTraces {
                state.dueTraces = state.traces.count
            }
            let count = state.endsBy == nil ? min(state.dueTraces, Self.tracesAtOnce) : state.dueTraces
            let traces = Array(state.traces.prefix(count))
            state.traces.removeFirst(count)
            state.dueTraces -= count
            return (state.items, traces, state.endsBy)
        }
    }

    /// What the disk would not have is queued again, before whatever came meanwhile, and so is what a tenant's disk is not to be asked for yet.
    private func write(
        _ items: [Item],
        _ databases: inout [TenantID: TenantDatabase],
        _ open: inout [TenantID: OpenThings],
        _ stuck: inout [TenantID: Date]
    ) {
        guard !items.isEmpty else { return }
        var (failed, hasFailed) = ([Item](), false)
        var horizons: [TenantID: Int64] = [:]
        for (tenant, group) in Dictionary(grouping: items, by: \.tenant) {
            if let again = stuck[tenant], again > Date() {
                failed += group
                continue
            }
            do {
                // Of several states of one call the last says it all.
                let rows = HistoryRow.latest(of: group.flatMap(\.rows))
                try write(rows, to: database(of: tenant, &databases), of: tenant)
                for row in rows { open[tenant, default: OpenThings()].note(row) }
                horizons[tenant] = rows.compactMap(\.eventID).max()
                let opened = group.compactMap(\.opening)
                if !opened.isEmpty { onCommitted(opened) }
                state.withLock { $0.written &+= UInt64(rows.count) }
                checkpoints.note(rows.count, of: tenant)
                stuck[tenant] = nil
            } catch {
                databases[tenant] = nil
                stuck[tenant] = Date(timeIntervalSinceNow: Self.pause)
                failed += group
                hasFailed = true
                if isNews(of: tenant) {
                    onTrouble("records of tenant \(tenant) cannot be written, \(group.count) wait: \(error)")
                }
            }
        }
        state.withLock { state in
            state.inHand = nil
            if hasFailed { state.failures &+= 1 }
            state.items = failed + state.items
        }
        tell(of: items, failed, horizons)
    }

    /// A full disk is tried again after so many seconds.
    private static let pause = 0.2

    /// A disk that stays full is tried five times a second, and told of every ten seconds.
    private func isNews(of tenant: TenantID) -> Bool {
        state.withLock { state in
            guard Date().timeIntervalSince(state.toldOfDisk[tenant] ?? .distantPast) > 10 else { return false }
            state.toldOfDisk[tenant] = Date()
            return true
        }
    }

    /// Events may be told up to the first one that is not on disk: later ones are, but a follower who had them would never ask for it.
    private func tell(of items: [Item], _ failed: [Item], _ horizons: [TenantID: Int64]) {
        let events = { (items: [Item]) in items.lazy.flatMap(\.rows).compactMap(\.eventID) }
        let last = state.withLock { state in
            state.lastEvent = max(state.lastEvent, events(items).max() ?? 0)
            return state.lastEvent
        }
        feed.advance(horizons, all: events(failed).min().map { $0 - 1 } ?? last)
    }

    /// What the database refuses for what it says, and not for want of room, would be refused for ever: it is set aside, where nothing of
    /// it is lost, and does not hold up the rest.
    private func write(_ rows: [HistoryRow], to database: TenantDatabase, of tenant: TenantID) throws {
        do {
            // What begins right before a crash is to have lasted until it was written.
            try database.write(rows, at: Self.now)
        } catch  where !TenantDatabase.mayPass(error) {
            let place = SetAside(in: folder, of: tenant)
            var refused: [SetAside.Refused] = []
            try database.writeSingly(rows, at: Self.now) {
                try place.add($0, at: Self.now)
                refused = $0
            }
            state.withLock { $0.setAside &+= UInt64(refused.count) }
            for refusal in refused {
                onTrouble(
                    "a record of tenant \(tenant) is refused, and set aside in \(place.place.path): \(refusal.why)"
                )
            }
        }
    }

    private static var now: WallTime { WallTime(milliseconds: Int64(Date().timeIntervalSince1970 * 1000)) }

    /// A beat that fails needs no second try: the next is due soon, and records that cannot be written are told of anyway.
    private func beat(_ databases: [TenantID: TenantDatabase], _ open: [TenantID: OpenThings]) {
        let now = Self.now
        for (tenant, database) in databases where !(open[tenant]?.isEmpty ?? true) { try? database.beat(at: now) }
    }

    private func write(_ traces: [TraceDraft], _ databases: inout [TenantID: TenantDatabase]) {
        for (tenant, group) in Dictionary(grouping: traces, by: \.tenant) {
            do {
                try database(of: tenant, &databases).write(group)
            } catch {
                state.withLock { $0.droppedTraces &+= UInt64(group.count) }
                onTrouble("\(group.count) traces of tenant \(tenant) are lost: \(error)")
            }
        }
    }

    private func prune(_ databases: [TenantID: TenantDatabase]) {
        let age = Double(settings.traceDays) * 86_400
        let limit = WallTime(milliseconds: Int64((Date().timeIntervalSince1970 - age) * 1000))
        for (tenant, database) in databases {
            do {
                try database.pruneTraces(before: limit, octets: settings.traceOctets)
                try database.pruneEvents(before: limit)
            } catch {
                onTrouble("old traces of tenant \(tenant) cannot be dropped: \(error)")
            }
        }
    }

    private func database(
        of tenant: TenantID,
        _ databases: inout [TenantID: TenantDatabase]
    ) throws -> TenantDatabase {
        if let open = databases[tenant] { return open }
        let database = try TenantDatabase(folder: folder, tenant: tenant, durability: settings.durability)
        databases[tenant] = database
        return database
    }
}

import Accounting
import Events
import Foundation
import Synchronization
import Threading
import Timebase
import Trace

/// The writer's thread and its queue.
final class RecordWorker: Sendable {
    fileprivate struct Item: Sendable {
        var rows: [HistoryRow]
        var tenant: TenantID
        /// The call whose start this is.
        var opening: CallID?
        var queuedAt: Instant

        var isOpening: Bool { opening != nil }
    }

    private struct State: Sendable {
        /// The starts of calls, which wait for them to be on disk.
        var openings: [Item] = []
        /// Everything else.
        var items: [Item] = []
        /// How many of them are due to be written.
        var dueItems = 0
        var traces: [TraceDraft] = []
        var dueTraces = 0
        /// The thread was woken for the starts that are queued.
        var isWoken = false
        /// Until when what waits is tried to be written before the thread ends.
        var endsBy: Time?
        /// When it was last said that a tenant's records find no room.
        var toldOfDisk: [TenantID: Time] = [:]
        var written: UInt64 = 0
        var droppedTraces: UInt64 = 0
        var failures: UInt64 = 0
        var setAside: UInt64 = 0
        /// When the oldest record of the batch under way was queued.
        var inHand: Instant?
        /// The last event that was taken from the queues, written or not.
        var lastEvent: Int64 = 0

        var isEmpty: Bool { openings.isEmpty && items.isEmpty }
        var isAnythingDue: Bool { dueItems > 0 || dueTraces > 0 }

        /// The first event that waits to be written, of one tenant or of all; events are queued in the order of their numbers.
        func firstUnwritten(of tenant: TenantID? = nil) -> Int64? {
            [openings, items].compactMap { $0.firstEvent(of: tenant) }.min()
        }
    }

    /// The wall clock may be set while the thread waits.
    private typealias Time = ContinuousClock.Instant

    /// A call waits for its start to be on disk; nobody waits for the rest of its story. It is gathered for so long: rows that are written
    /// together share pages, and the log takes each page of each transaction.
    private static let gathering: Duration = .milliseconds(50)
    /// Traces are large: a few times a second they are due, or when there are many.
    private static let (traceGathering, manyTraces): (Duration, Int) = (.milliseconds(400), 200)
    /// What is due is written so many at a time, between the starts of calls.
    private static let (itemsAtOnce, tracesAtOnce) = (100, 8)
    private let folder: URL
    private let settings: RecordWriter.Settings
    private let onCommitted: @Sendable ([CallID]) -> Void
    private let onTrouble: @Sendable (String) -> Void
    private let feed: EventFeed
    private let state = Mutex(State())
    private let wake = Doorbell()
    private let over = Doorbell()
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
    func add(_ rows: [HistoryRow], of tenant: TenantID, opening: CallID? = nil, at now: Instant) {
        let item = Item(rows: rows, tenant: tenant, opening: opening, queuedAt: now)
        let isToWake = state.withLock { state in
            guard opening != nil else {
                state.items.append(item)
                return false
            }
            state.openings.append(item)
            defer { state.isWoken = true }
            return !state.isWoken
        }
        if isToWake { wake.ring() }
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
            let oldest = [state.inHand, state.openings.first?.queuedAt, state.items.first?.queuedAt]
            return RecordWriter.Status(
                queued: state.openings.count + state.items.count,
                written: state.written,
                droppedTraces: state.droppedTraces,
                failures: state.failures,
                setAside: state.setAside,
                lag: oldest.compactMap { $0 }.min().map { now - $0 } ?? .zero
            )
        }
    }

    func stop(patience: Double) {
        state.withLock { $0.endsBy = .now + .seconds(patience) }
        wake.ring()
        // A disk that hangs would keep the thread for ever.
        over.wait(atMost: .seconds(patience + 2))
    }

    // MARK: the thread

    private func run() {
        var databases: [TenantID: TenantDatabase] = [:]
        var (gathered, traced, beaten) = (Time.now, Time.now, Time.now)
        var pruned: Time?
        var open: [TenantID: OpenThings] = [:]
        // Whose disk has no room, and when that is tried again; the others' records do not wait for it.
        var stuck: [TenantID: Time] = [:]
        var heldTraces: [TraceDraft] = []
        while true {
            if !state.withLock(\.isAnythingDue) {
                wake.wait(atMost: Self.gathering - min(Self.gathering, .now - gathered))
            }
            let now = Time.now
            let (isDue, isTraceDue) = (now - gathered >= Self.gathering, now - traced >= Self.traceGathering)
            if isDue { gathered = now }
            if isTraceDue { traced = now }
            let waiting = Set(stuck.lazy.filter { $1 > now }.map(\.key))
            let (openings, items, traces, endsBy) = take(isDue: isDue, isTraceDue: isTraceDue, besides: waiting)
            write(openings, items, &databases, &open, &stuck)
            heldTraces += traces.filter { stuck[$0.tenant] != nil }
            heldTraces.removeFirst(max(0, heldTraces.count - settings.queuedTraces))
            write(traces.filter { stuck[$0.tenant] == nil }, &databases)
            giveBack(&heldTraces, besides: stuck)
            if pruned.map({ now - $0 > .seconds(60) }) ?? true {
                pruned = now
                prune(databases)
            }
            if endsBy != nil || now - beaten > .seconds(2) {
                beaten = now
                beat(databases, open)
            }
            if let endsBy, state.withLock(\.isEmpty) || !stuck.isEmpty && .now > endsBy { break }
        }
        tellUnwritten()
        checkpoints.stop()
        over.ring()
    }

    /// The traces of a tenant whose records found room again.
    private func giveBack(_ held: inout [TraceDraft], besides stuck: [TenantID: Time]) {
        let back = held.filter { stuck[$0.tenant] == nil }
        guard !back.isEmpty else { return }
        held.removeAll { stuck[$0.tenant] == nil }
        state.withLock { $0.traces = Array((back + $0.traces).prefix(settings.queuedTraces)) }
    }

    /// What found no room to the end is told in full: whoever keeps the log can still make its calls out.
    private func tellUnwritten() {
        for row in HistoryRow.latest(of: state.withLock { ($0.openings + $0.items).flatMap(\.rows) }) {
            guard case .call(let record) = row, let json = try? JSONEncoder().encode(record) else { continue }
            onTrouble("not on disk, the record of a call: \(String(decoding: json, as: UTF8.self))")
        }
    }

    /// What is to be written now, of tenants whose records find room.
    private func take(
        isDue: Bool,
        isTraceDue: Bool,
        besides stuck: Set<TenantID>
    ) -> (openings: [Item], items: [Item], traces: [TraceDraft], endsBy: Time?) {
        state.withLock { state in
            let isEnding = state.endsBy != nil
            if isDue || isEnding { state.dueItems = state.items.count }
            if isTraceDue || isEnding || state.traces.count >= Self.manyTraces { state.dueTraces = state.traces.count }
            let openings = Self.take(&state.openings, atMost: state.openings.count, besides: stuck)
            let count = isEnding ? state.items.count : min(state.dueItems, Self.itemsAtOnce)
            let items = Self.take(&state.items, atMost: count, besides: stuck)
            // Fewer than were asked for: there are no more.
            state.dueItems = items.count < count ? 0 : state.dueItems - count
            let traceCount = isEnding ? state.traces.count : min(state.dueTraces, Self.tracesAtOnce)
            let traces = Array(state.traces.prefix(traceCount))
            state.traces.removeFirst(traceCount)
            state.dueTraces -= traceCount
            state.isWoken = false
            state.inHand = [openings.first?.queuedAt, items.first?.queuedAt].compactMap { $0 }.min()
            return (openings, items, traces, state.endsBy)
        }
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

    /// What the disk would not have is queued again, before whatever came meanwhile.
    ///
    /// A call's start is written before the rest of its story, whichever of the two queues was longer.
    private func write(
        _ openings: [Item],
        _ items: [Item],
        _ databases: inout [TenantID: TenantDatabase],
        _ open: inout [TenantID: OpenThings],
        _ stuck: inout [TenantID: Time]
    ) {
        guard !openings.isEmpty || !items.isEmpty else { return }
        var (written, failed) = ([TenantID: Int64](), Set<TenantID>())
        for (tenant, group) in Dictionary(grouping: openings + items, by: \.tenant) {
            do {
                // Of several states of one call the last says it all.
                let rows = HistoryRow.latest(of: group.flatMap(\.rows))
                try write(
                    rows,
                    to: database(of: tenant, &databases),
                    of: tenant,
                    isBeating: !group.allSatisfy(\.isOpening)
                )
                for row in rows { open[tenant, default: OpenThings()].note(row) }
                let opened = group.compactMap(\.opening)
                if !opened.isEmpty { onCommitted(opened) }
                state.withLock { $0.written &+= UInt64(rows.count) }
                checkpoints.note(rows.count, of: tenant)
                stuck[tenant] = nil
                written[tenant] = rows.compactMap(\.eventID).max()
            } catch {
                databases[tenant] = nil
                stuck[tenant] = .now + Self.pause
                failed.insert(tenant)
                state.withLock { $0.failures &+= 1 }
                if isNews(of: tenant) {
                    onTrouble("records of tenant \(tenant) cannot be written, \(group.count) wait: \(error)")
                }
            }
        }
        giveBack(openings, items, failed)
        tell(written)
    }

    /// A full disk is tried again after so long.
    private static let pause: Duration = .milliseconds(200)

    /// A disk that stays full is tried five times a second, and told of every ten seconds.
    private func isNews(of tenant: TenantID) -> Bool {
        state.withLock { state in
            if let told = state.toldOfDisk[tenant], .now - told <= .seconds(10) { return false }
            state.toldOfDisk[tenant] = .now
            return true
        }
    }

    private func giveBack(_ openings: [Item], _ items: [Item], _ failed: Set<TenantID>) {
        let isBack = { (item: Item) in failed.contains(item.tenant) }
        state.withLock { state in
            state.inHand = nil
            let last = (openings + items).lazy.flatMap(\.rows).compactMap(\.eventID).max()
            state.lastEvent = max(state.lastEvent, last ?? 0)
            guard !failed.isEmpty else { return }
            state.openings = openings.filter(isBack) + state.openings
            state.items = items.filter(isBack) + state.items
        }
    }

    /// Events may be told up to the first one that is not on disk: later ones are, but a follower who had them would never ask for it.
    ///
    /// - Parameter written: the last event of each tenant that is on disk now.
    private func tell(_ written: [TenantID: Int64]) {
        let (tenants, all) = state.withLock { state in
            let tenants = written.map { tenant, last in
                (tenant, min(last, state.firstUnwritten(of: tenant).map { $0 - 1 } ?? last))
            }
            return (tenants, state.firstUnwritten().map { $0 - 1 } ?? state.lastEvent)
        }
        feed.advance(Dictionary(uniqueKeysWithValues: tenants), all: all)
    }

    /// What the database refuses for what it says, and not for want of room, would be refused for ever: it is set aside, where nothing of
    /// it is lost, and does not hold up the rest.
    private func write(
        _ rows: [HistoryRow],
        to database: TenantDatabase,
        of tenant: TenantID,
        isBeating: Bool
    ) throws {
        do {
            // What begins right before a crash is to have lasted until it was written.
            try database.write(rows, at: isBeating ? Self.now : nil)
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

extension [RecordWorker.Item] {
    fileprivate func firstEvent(of tenant: TenantID?) -> Int64? {
        for item in self where tenant == nil || item.tenant == tenant {
            if let event = item.rows.lazy.compactMap(\.eventID).first { return event }
        }
        return nil
    }
}

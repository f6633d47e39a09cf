import Accounting
import Events
import Foundation
import Synchronization
import Threading
import Timebase
import Trace

/// The writer's thread and its queue.
final class RecordWorker: Sendable {
    private struct State: Sendable {
        var queue = RecordQueue()
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
        /// Tenants whose files could not be used since the start.
        var owing: Int
    }

    /// The wall clock may be set while the thread waits.
    private typealias Time = ContinuousClock.Instant

    private static let gathering: Duration = .milliseconds(50)
    /// How often a file is tried again that could not be used at the start.
    private static let settling: Duration = .seconds(10)
    private static let traceGathering: Duration = .milliseconds(400)
    private let folder: URL
    private let settings: RecordWriter.Settings
    private let onCommitted: @Sendable ([CallID]) -> Void
    private let onTrouble: @Sendable (String) -> Void
    private let feed: EventFeed
    private let owed: [TenantID: RecordWriter.Recovery]
    private let state: Mutex<State>
    private let wake = Doorbell()
    private let over = Doorbell()
    private let checkpoints: Checkpoints

    init(
        folder: URL,
        settings: RecordWriter.Settings,
        owed: [TenantID: RecordWriter.Recovery],
        onCommitted: @escaping @Sendable ([CallID]) -> Void,
        feed: EventFeed,
        onTrouble: @escaping @Sendable (String) -> Void
    ) {
        (self.folder, self.settings, self.owed) = (folder, settings, owed)
        (self.onCommitted, self.onTrouble, self.feed) = (onCommitted, onTrouble, feed)
        state = Mutex(State(owing: owed.count))
        checkpoints = Checkpoints(folder: folder, onTrouble: onTrouble)
    }

    func start() {
        let thread = Thread { [self] in run() }
        thread.name = "gudok-records"
        thread.start()
    }

    /// Rows that are added together are written in one transaction.
    func add(_ rows: [HistoryRow], of tenant: TenantID, opening: CallID? = nil, at now: Instant) {
        let item = RecordQueue.Item(rows: rows, tenant: tenant, opening: opening, queuedAt: now)
        let isToWake = state.withLock { state in
            state.queue.add(item)
            guard item.isOpening, !state.isWoken else { return false }
            state.isWoken = true
            return true
        }
        if isToWake { wake.ring() }
    }

    func add(_ trace: TraceDraft) {
        state.withLock { state in
            if !state.queue.add(trace, most: settings.queuedTraces) { state.droppedTraces &+= 1 }
        }
    }

    func status(now: Instant) -> RecordWriter.Status {
        state.withLock { state in
            RecordWriter.Status(
                queued: state.queue.count,
                written: state.written,
                droppedTraces: state.droppedTraces,
                failures: state.failures,
                setAside: state.setAside,
                owing: state.owing,
                lag: state.queue.oldest.map { now - $0 } ?? .zero
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
        var files = TenantFiles(folder, durability: settings.durability, owed: owed, onTrouble: onTrouble)
        var (gathered, traced, beaten, settled) = (Time.now, Time.now, Time.now, Time.now)
        var pruned: Time?
        var open: [TenantID: OpenThings] = [:]
        // Whose disk has no room, and when that is tried again; the others' records do not wait for it.
        var stuck: [TenantID: Time] = [:]
        while true {
            if !state.withLock(\.queue.isAnythingDue) {
                wake.wait(atMost: Self.gathering - min(Self.gathering, .now - gathered))
            }
            let now = Time.now
            var due = RecordQueue.Due.nothing
            if now - gathered >= Self.gathering { (gathered, due) = (now, .records) }
            if now - traced >= Self.traceGathering { (gathered, traced, due) = (now, now, .recordsAndTraces) }
            let (batch, endsBy) = take(due, besides: Set(stuck.lazy.filter { $1 > now }.map(\.key)))
            write(batch, &files, &open, &stuck)
            // Those of whoever is stuck are in the queue again.
            write(batch.traces.filter { stuck[$0.tenant] == nil }, &files)
            if pruned.map({ now - $0 > .seconds(60) }) ?? true {
                pruned = now
                prune(files.all)
            }
            if endsBy != nil || now - beaten > .seconds(2) {
                beaten = now
                beat(files.all, open)
            }
            if now - settled > Self.settling {
                settled = now
                files.settle()
            }
            let owing = files.owing.count
            state.withLock { $0.owing = owing }
            if let endsBy, state.withLock(\.queue.isEmpty) || !stuck.isEmpty && .now > endsBy { break }
        }
        tellUnwritten()
        checkpoints.stop()
        over.ring()
    }

    /// What found no room to the end is told in full: whoever keeps the log can still make its calls out.
    private func tellUnwritten() {
        for row in HistoryRow.latest(of: state.withLock(\.queue.rows)) {
            guard case .call(let record) = row, let json = try? JSONEncoder().encode(record) else { continue }
            onTrouble("not on disk, the record of a call: \(String(decoding: json, as: UTF8.self))")
        }
        let traces = state.withLock { state in
            state.droppedTraces &+= UInt64(state.queue.unwrittenTraces)
            return state.queue.unwrittenTraces
        }
        if traces > 0 { onTrouble("\(traces) traces found no room on disk, and are lost") }
    }

    private func take(_ due: RecordQueue.Due, besides stuck: Set<TenantID>) -> (RecordQueue.Batch, endsBy: Time?) {
        state.withLock { state in
            state.isWoken = false
            return (state.queue.take(state.endsBy == nil ? due : .everything, besides: stuck), state.endsBy)
        }
    }

    private func write(
        _ batch: RecordQueue.Batch,
        _ files: inout TenantFiles,
        _ open: inout [TenantID: OpenThings],
        _ stuck: inout [TenantID: Time]
    ) {
        guard !batch.records.isEmpty else { return }
        var (written, failed) = ([TenantID: Int64](), Set<TenantID>())
        for (tenant, group) in Dictionary(grouping: batch.records, by: \.tenant) {
            do {
                // Of several states of one call the last says it all.
                let rows = HistoryRow.latest(of: group.flatMap(\.rows))
                // Starts are to cost one page; what follows them at once has the beat.
                let isBeating = !group.allSatisfy(\.isOpening)
                try write(rows, to: files(tenant), of: tenant, isBeating: isBeating)
                for row in rows { open[tenant, default: OpenThings()].note(row) }
                let opened = group.compactMap(\.opening)
                if !opened.isEmpty { onCommitted(opened) }
                state.withLock { $0.written &+= UInt64(rows.count) }
                checkpoints.note(rows.count, of: tenant)
                stuck[tenant] = nil
                written[tenant] = rows.compactMap(\.eventID).max()
            } catch {
                files.close(tenant)
                stuck[tenant] = .now + Self.pause
                failed.insert(tenant)
                state.withLock { $0.failures &+= 1 }
                if isNews(of: tenant) {
                    onTrouble("records of tenant \(tenant) cannot be written, \(group.count) wait: \(error.inWords)")
                }
            }
        }
        // Later events than the first that is not on disk may be there, but a follower who had them would never ask for it.
        let (tenants, all) = state.withLock { [written, failed] state in
            state.queue.settle(batch, failed: failed)
            let horizons = written.map { ($0, state.queue.horizon(of: $0, last: $1)) }
            return (Dictionary(uniqueKeysWithValues: horizons), state.queue.horizon)
        }
        feed.advance(tenants, all: all)
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

    private func write(_ traces: [TraceDraft], _ files: inout TenantFiles) {
        for (tenant, group) in Dictionary(grouping: traces, by: \.tenant) {
            do {
                try files(tenant).write(group)
            } catch {
                state.withLock { $0.droppedTraces &+= UInt64(group.count) }
                onTrouble("\(group.count) traces of tenant \(tenant) are lost: \(error.inWords)")
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
                onTrouble("old traces of tenant \(tenant) cannot be dropped: \(error.inWords)")
            }
        }
    }
}

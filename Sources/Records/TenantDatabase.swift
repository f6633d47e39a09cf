public import Accounting
public import Events
public import Foundation
import GRDB
import Timebase
public import Trace

/// One tenant's file, `tenants/NAME/cdr.sqlite`: its calls and their traces, and nothing of anybody else. The schema is in
/// `docs/schema.md`.
public final class TenantDatabase: Sendable {
    let queue: DatabaseQueue
    let tenant: TenantID
    /// Of the file that was opened.
    private let number: FileNumber?

    /// Opens or makes the tenant's file. `patience`: seconds for which it waits where another program writes there.
    public init(
        folder: URL,
        tenant: TenantID,
        durability: RecordDurability = .process,
        patience: Double = 5
    ) throws {
        self.tenant = tenant
        let place = Self.path(in: folder, of: tenant)
        queue = try OpeningFault.guarding(place) { try Self.open(place, durability, patience) }
        number = FileNumber(of: place.path)
    }

    /// False: the file was moved away, and another one may be in its place.
    public var isInPlace: Bool { FileNumber(of: queue.path) == number }

    private static func open(
        _ place: URL,
        _ durability: RecordDurability,
        _ patience: Double
    ) throws -> DatabaseQueue {
        try FileManager.default.createDirectory(
            at: place.deletingLastPathComponent(),
            withIntermediateDirectories: true,
            attributes: [.posixPermissions: 0o700]
        )
        var configuration = Configuration()
        configuration.busyMode = .timeout(patience)
        configuration.prepareDatabase { database in
            try database.execute(sql: "PRAGMA journal_mode = WAL")
            // In WAL mode NORMAL survives the process's death, FULL loss of power too.
            try database.execute(sql: "PRAGMA synchronous = \(durability == .power ? "FULL" : "NORMAL")")
            try database.execute(sql: "PRAGMA wal_autocheckpoint = \(Checkpoints.mostPages)")
        }
        if !FileManager.default.fileExists(atPath: place.path) { try make(place, configuration) }
        let queue = try DatabaseQueue(path: place.path, configuration: configuration)
        try queue.read { try SchemaCheck.refuseLater($0, migrator) }
        try migrator.migrate(queue)
        return queue
    }

    /// Makes the file beside its place and moves it there when it is whole: whoever reads finds all tables or no file.
    private static func make(_ place: URL, _ configuration: Configuration) throws {
        let draft = place.deletingLastPathComponent().appending(path: "cdr.\(UUID().uuidString).new")
        defer { try? FileManager.default.removeItem(at: draft) }
        let queue = try DatabaseQueue(path: draft.path, configuration: configuration)
        try migrator.migrate(queue)
        try queue.close()
        // Who called whom, and what they said in SIP.
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: draft.path)
        do {
            try FileManager.default.moveItem(at: draft, to: place)
        } catch CocoaError.fileWriteFileExists {
            // Somebody else was quicker, and his is as whole.
        }
    }

    /// Opens the file to be read beside a running switch; nil when the tenant has none yet.
    public init?(reading folder: URL, tenant: TenantID) throws {
        let place = Self.path(in: folder, of: tenant)
        guard try OpeningFault.isThere(place) else { return nil }
        self.tenant = tenant
        var configuration = Configuration()
        configuration.busyMode = .timeout(5)
        configuration.prepareDatabase { try $0.execute(sql: "PRAGMA query_only = 1") }
        queue = try OpeningFault.guarding(place) { try DatabaseQueue(path: place.path, configuration: configuration) }
        number = FileNumber(of: place.path)
    }

    /// The history of a tenant that has none yet, in memory.
    public init(emptyOf tenant: TenantID) throws {
        self.tenant = tenant
        queue = try DatabaseQueue()
        number = nil
        try Self.migrator.migrate(queue)
    }

    static func path(in folder: URL, of tenant: TenantID) -> URL {
        folder.appending(path: "tenants").appending(path: tenant.name).appending(path: "cdr.sqlite")
    }

    static var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("calls and traces") { database in
            try database.execute(sql: CallRow.schema)
            try database.execute(sql: TraceRow.schema)
        }
        migrator.registerMigration("queues and agents") { try $0.execute(sql: HistorySchema.text) }
        migrator.registerMigration("events") { try $0.execute(sql: JournalEntry.schema) }
        migrator.registerMigration("marks of recordings") { try $0.execute(sql: HistorySchema.recordingMarks) }
        migrator.registerMigration("attempts of callbacks") { try $0.execute(sql: CallbackRow.attempts) }
        migrator.registerMigration("calls by number") { try CallRow.storeByNumber($0) }
        migrator.registerMigration("events by number") { try $0.execute(sql: JournalEntry.followedByNumber) }
        migrator.registerMigration("indexes that cover") { try $0.execute(sql: HistorySchema.covering) }
        migrator.registerMigration("sums of agents") { try $0.execute(sql: HistorySchema.agentSums) }
        migrator.registerMigration("talks of agents") { try $0.execute(sql: HistorySchema.ownTalks) }
        migrator.registerMigration("callbacks put off") { try $0.execute(sql: CallbackRow.due) }
        migrator.registerMigration("sinks of records") { try $0.execute(sql: Undelivered.schema) }
        migrator.registerMigration("manifest of recordings") { try RecordingLink.begin($0) }
        migrator.registerMigration("lost frames of recordings") { try $0.execute(sql: HistorySchema.lostFrames) }
        migrator.registerMigration("legs over trunks") { try TrunkLegRow.fill($0) }
        migrator.registerMigration("traces by number") { try $0.execute(sql: TraceRow.byNumber) }
        migrator.registerMigration("parts of traces") { try $0.execute(sql: TraceRow.parts) }
        migrator.registerMigration("extended wrap-ups") { try $0.execute(sql: HistorySchema.extendedWrapUps) }
        migrator.registerMigration("speakers of recordings") { try $0.execute(sql: HistorySchema.speakers) }
        migrator.registerMigration("parts of traces by number") { try $0.execute(sql: TraceRow.partsByNumber) }
        migrator.registerMigration("lost and returning callers") { try $0.execute(sql: HistorySchema.lostAndReturning) }
        return migrator
    }

    /// Whether the file has all tables and columns of this version; one that is only read may be older, or newer.
    public var isOfThisVersion: Bool {
        get throws {
            try read { database in
                try Self.requireTables(database)
                return try Self.migrator.hasCompletedMigrations(database)
            }
        }
    }

    /// Throws for a file that is none of gudok's.
    private static func requireTables(_ database: Database) throws {
        guard try migrator.appliedMigrations(database).isEmpty else { return }
        let tables = try Int.fetchOne(database, sql: "SELECT count(*) FROM sqlite_master") ?? 0
        let what = tables > 0 ? "it holds other tables" : "it is empty"
        throw DatabaseError(resultCode: .SQLITE_ERROR, message: what)
    }

    /// Reads; a fault of the file names it.
    func read<T>(_ body: (Database) throws -> T) throws -> T {
        try guarding { try queue.read(body) }
    }

    // MARK: writing

    /// Writes the rows in one transaction and in their order; with `now`, the switch is known to live then.
    func write(_ rows: [HistoryRow], at now: WallTime? = nil) throws {
        try queue.write { database in
            for row in rows { try row.write(to: database) }
            if let now { try Self.beat(database, at: now) }
        }
    }

    /// Writes the rows one by one in one transaction, so that one which the database refuses takes no other with it.
    ///
    /// `setAside` keeps those that were refused elsewhere; what it throws undoes all.
    ///
    /// - Throws: what may pass, of which no row is the cause. Nothing was written then.
    func writeSingly(
        _ rows: [HistoryRow],
        at now: WallTime,
        setAside: ([SetAside.Refused]) throws -> Void
    ) throws {
        try queue.write { database in
            // A file that does not even take this is itself at fault, and not what was to be written into it.
            try Self.beat(database, at: now)
            var refused: [SetAside.Refused] = []
            for row in rows {
                do {
                    try database.inSavepoint {
                        try row.write(to: database)
                        return .commit
                    }
                } catch  where !Self.mayPass(error) {
                    refused.append(SetAside.Refused(row: row, why: "\(error)"))
                }
            }
            try setAside(refused)
        }
    }

    /// Whether the same row may be taken later: when the disk has room, is well or is free again, or the file was replaced.
    static func mayPass(_ error: any Error) -> Bool {
        guard let code = (error as? DatabaseError)?.resultCode else { return false }
        return [
            .SQLITE_BUSY, .SQLITE_LOCKED, .SQLITE_PROTOCOL, .SQLITE_INTERRUPT, .SQLITE_FULL, .SQLITE_IOERR,
            .SQLITE_NOMEM,
            .SQLITE_CANTOPEN, .SQLITE_READONLY, .SQLITE_PERM, .SQLITE_AUTH, .SQLITE_CORRUPT, .SQLITE_NOTADB,
        ].contains(code)
    }

    /// Notes that the switch lives: what a crash leaves open ends at the last such time.
    func beat(at wall: WallTime) throws {
        try queue.write { try Self.beat($0, at: wall) }
    }

    private static func beat(_ database: Database, at wall: WallTime) throws {
        try database.cachedStatement(sql: "INSERT OR REPLACE INTO clock (id, at_ms) VALUES (1, ?)")
            .execute(arguments: [wall.milliseconds])
    }

    private static func lastKnown(_ database: Database) throws -> Int64 {
        try Int64.fetchOne(database, sql: "SELECT at_ms FROM clock") ?? 0
    }

    /// When the switch that writes the file is last known to have lived, in milliseconds since 1970; 0: it says nothing of that.
    public var lastKnown: Int64 { get throws { try read(Self.lastKnown) } }

    func write(_ traces: [TraceDraft]) throws {
        try queue.write { database in
            for trace in traces { try TraceRow.write(trace, to: database) }
        }
    }

    /// Drops the traces that began before `limit`, and the oldest ones of those that together are larger than `octets`.
    func pruneTraces(before limit: WallTime, octets: Int64) throws {
        try queue.write { try TraceRow.prune($0, before: limit, octets: octets) }
    }

    /// What the last run left open.
    public struct Interrupted: Equatable, Sendable {
        /// How transfers, stays, calls and agents' work ended, as nobody was there to tell it; of each call its own end last.
        public var ends: [CutOff]
        /// Whose agents may go on with their wrap-ups.
        public var stays: [QueueStayAssembler.Unsettled]

        /// Ids.
        public var calls: [String] {
            ends.compactMap { if case .callEnded = $0.event { $0.call } else { nil } }
        }
    }

    /// Closes what the last run left open, at the last time at which it is known to have lived: calls, stays in queues, agents' intervals,
    /// recordings. `lived`: when it lived by other signs, in milliseconds since 1970.
    public func closeInterrupted(lived: Int64 = 0) throws -> Interrupted {
        try guarding { try closeOpen(lived) }
    }

    /// Throws what is wrong with a file that is no database, somebody else's, damaged, or not whole.
    func probe() throws {
        let place = URL(fileURLWithPath: queue.path)
        try read { database in
            try Self.requireTables(database)
            try OpeningFault.guarding(place) { try SchemaCheck.requireWhole(database, Self.migrator) }
            try DatabaseCopy.checkStructure(database)
        }
    }

    /// What `body` does to the file; its fault names the file.
    func guarding<T>(_ body: () throws -> T) throws -> T {
        try OpeningFault.naming(queue.path, body)
    }

    private func closeOpen(_ lived: Int64) throws -> Interrupted {
        try queue.write { database in
            let known = max(try Self.lastKnown(database), lived)
            if lived == known { try Self.beat(database, at: WallTime(milliseconds: known)) }
            try JournalEntry.recordStarts(of: tenant, database)
            let agents = try AgentRow.atWork(database)
            let transfers = try JournalEntry.openTransfers(database, at: known)
            let left = try StayRow.closeInterrupted(database, at: known)
            let out = try AgentRow.closeInterrupted(database, at: known)
            try OwnTalkRow.closeInterrupted(database, at: known)
            let ended = try CallRow.closeInterrupted(database, at: known)
            try TraceRow.closeInterrupted(database, ended)
            return Interrupted(
                ends: transfers + left + ended + out,
                stays: try agents.compactMap { try StayRow.unsettled(of: $0, database) }
            )
        }
    }

    /// Moves what the log holds into the file as far as nobody reads or writes there; nobody waits for it.
    ///
    /// - Returns: whether nothing is left, so that the log begins anew.
    func checkpoint() throws -> Bool {
        do {
            let (pages, moved) = try queue.writeWithoutTransaction { try $0.checkpoint(.passive) }
            return moved == pages
        } catch let error as DatabaseError where error.resultCode == .SQLITE_BUSY {
            return false
        }
    }

    // MARK: reading

    public func calls(_ query: CallQuery) throws -> [CallRecord] {
        let (sql, arguments) = query.statement
        return try read { database in
            try Row.fetchAll(database, sql: sql, arguments: arguments).map(CallRow.record)
        }
    }

    public func call(_ id: String) throws -> CallRecord? {
        try read { database in
            try Row.fetchOne(database, sql: "SELECT * FROM calls WHERE call_id = ?", arguments: [id])
                .map(CallRow.record)
        }
    }

    public func trace(of id: String) throws -> CallTrace? {
        try read { database in
            try Row.fetchOne(database, sql: "SELECT * FROM traces WHERE call_id = ?", arguments: [id])
                .map(TraceRow.trace)
        }
    }

    /// What is on disk of the trace of a call that is not over.
    func unfinishedTrace(of id: String) throws -> CallTrace? { try read { try TraceRow.unfinished(id, $0) } }
}

/// How sure a row is once it is said to be written.
public enum RecordDurability: Sendable {
    /// Survives the process's death.
    case process
    /// Survives loss of power.
    case power
}

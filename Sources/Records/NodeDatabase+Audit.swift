public import Events
import GRDB
public import Timebase

/// The audit log: entries are added and read, never changed.
extension NodeDatabase {
    public struct AuditQuery: Sendable {
        public var since: WallTime?
        public var until: WallTime?
        public var tenant: String?
        public var actor: String?
        /// The action itself, or the family before its dot: `agent` finds `agent.login`.
        public var action: String?
        public var outcome: AuditedAct.Outcome?
        /// After this entry, the oldest first.
        public var after: Int64?
        /// Before this one.
        public var before: Int64?
        public var limit: Int?

        public init() {}
    }

    /// What `verifyAudit` found.
    public struct AuditVerdict: Equatable, Sendable {
        public var entries: Int
        /// Of the last entry: whoever keeps it elsewhere can tell later whether the log was cut off and written anew.
        public var head: String
        /// nil: the chain is whole.
        public var fault: String?
    }

    /// What is to be said of a file that is not there any more, though these tenants have records.
    static func loss(_ tenants: [TenantID]) -> String {
        let named = tenants.map(\.name).joined(separator: ", ")
        return
            "gudok.sqlite is not there, though tenants have records (\(named)): the audit log, what was applied, registrations "
            + "and agents' states were in it; take it from a backup (gudok restore)"
    }

    /// Where this file is in the place of one that was lost, its audit log begins with that.
    ///
    /// - Returns: what is to be said of it; nil: nothing is lost.
    public func noteLoss(at moment: WallTime) throws -> String? {
        guard !survivors.isEmpty, try auditEntries(AuditQuery()).isEmpty else { return nil }
        let loss = Self.loss(survivors)
        try audit([AuditedAct(by: .init(.switch, "start"), "audit.begin", "gudok.sqlite", detail: loss)], at: moment)
        return loss
    }

    /// Adds acts at the end, in their order and in one transaction.
    public func audit(_ acts: [AuditedAct], at moment: WallTime) throws {
        try write { database in
            for act in acts { try Self.append(act, at: "\(moment)", to: database) }
        }
    }

    /// Within the transaction that also does what is noted: neither is without the other.
    static func append(_ act: AuditedAct, at stamp: String, to database: Database) throws {
        let last = try Row.fetchOne(database, sql: "SELECT id, hash FROM audit ORDER BY id DESC LIMIT 1")
        let entry = AuditEntry(
            act,
            id: (last?["id"] ?? 0) + 1,
            at: stamp,
            after: last?["hash"] ?? ChainHash.first
        )
        try database.cachedStatement(sql: AuditEntry.insertion).execute(arguments: entry.arguments)
    }

    /// Newest first; with `after`, oldest first.
    public func auditEntries(_ query: AuditQuery) throws -> [AuditEntry] {
        var conditions: [String] = []
        var arguments: [any DatabaseValueConvertible] = []
        func add(_ condition: String, _ values: (any DatabaseValueConvertible)?...) {
            let present = values.compactMap { $0 }
            guard present.count == values.count else { return }
            conditions.append(condition)
            arguments += present
        }
        add("at >= ?", query.since.map { "\($0)" })
        add("at < ?", query.until.map { "\($0)" })
        add("tenant = ?", query.tenant)
        add("actor = ?", query.actor)
        add("(action = ? OR substr(action, 1, length(?) + 1) = ? || '.')", query.action, query.action, query.action)
        add("outcome = ?", query.outcome?.rawValue)
        add("id > ?", query.after)
        add("id < ?", query.before)
        let filter = conditions.isEmpty ? "" : " WHERE " + conditions.joined(separator: " AND ")
        let order = query.after == nil ? "DESC" : "ASC"
        let limit = query.limit.map { " LIMIT \(max(0, $0))" } ?? ""
        let sql = "SELECT * FROM audit\(filter) ORDER BY id \(order)\(limit)"
        return try read {
            try Row.fetchAll($0, sql: sql, arguments: StatementArguments(arguments)).map(AuditEntry.init)
        }
    }

    /// Walks the whole chain.
    public func verifyAudit() throws -> AuditVerdict {
        try read { database in
            var verdict = AuditVerdict(entries: 0, head: ChainHash.first, fault: nil)
            let rows = try Row.fetchCursor(database, sql: "SELECT * FROM audit ORDER BY id")
            while let row = try rows.next() {
                let entry = AuditEntry(row)
                let expected = Int64(verdict.entries + 1)
                guard entry.id == expected else {
                    verdict.fault = "entry \(expected) is missing: \(entry.id) follows \(verdict.entries)"
                    return verdict
                }
                guard entry.hash == entry.expectedHash(after: verdict.head) else {
                    verdict.fault = "entry \(entry.id) of \(entry.at) is not what was written: its hash does not fit"
                    return verdict
                }
                verdict.entries += 1
                verdict.head = entry.hash
            }
            let made = try Int64.fetchOne(database, sql: "SELECT seq FROM sqlite_sequence WHERE name = 'audit'") ?? 0
            if made > verdict.entries {
                verdict.fault = "the last \(made - Int64(verdict.entries)) entries are gone"
            }
            return verdict
        }
    }

    /// Whether an entry with this hash is in the log: whoever noted a head some time ago asks for it.
    public func hasAuditHead(_ hash: String) throws -> Bool {
        try read { database in
            try Bool.fetchOne(database, sql: "SELECT EXISTS (SELECT 1 FROM audit WHERE hash = ?)", arguments: [hash])
                ?? false
        }
    }

    /// The log of earlier versions, which had no chain, becomes the beginning of the chain.
    static func chainAudit(_ database: Database) throws {
        let rows = try Row.fetchAll(database, sql: "SELECT at, actor, action, detail FROM audit ORDER BY id")
        try database.execute(sql: "DROP TABLE audit; DELETE FROM sqlite_sequence WHERE name = 'audit'")
        try database.execute(sql: AuditEntry.schema)
        for row in rows {
            let channel: AuditedAct.Channel = row["actor"] == "command line" ? .commandLine : .controlSocket
            let act = AuditedAct(by: .init(channel, row["actor"]), row["action"], "", detail: row["detail"])
            try append(act, at: row["at"], to: database)
        }
    }
}

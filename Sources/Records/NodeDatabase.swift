public import Events
public import Foundation
import GRDB
public import SIP
public import Timebase

/// The node's own file, `gudok.sqlite`: the applied configuration, registrations, the audit log, and the key of its nonces.
public final class NodeDatabase: Sendable {
    /// One applied file: a tenant's, under its name, or a dial plan's, under its file's name.
    public struct AppliedFile: Codable, Equatable, Sendable {
        public enum Kind: String, Codable, Sendable { case tenant, dialPlan = "dialplan" }

        public var kind: Kind
        public var name: String
        public var text: String
        /// The mark (SHA-256) of the folders' file in whose place it was applied; nil: there was none.
        public var replacing: String?

        public init(kind: Kind, name: String, text: String, replacing: String?) {
            (self.kind, self.name, self.text, self.replacing) = (kind, name, text, replacing)
        }
    }

    private let queue: DatabaseQueue
    /// Of the file that was opened.
    private let number: FileNumber?
    /// Tenants who had records when this file was made: it is in the place of one that was lost, with all that was in it.
    public let survivors: [TenantID]

    /// Opens or makes the file.
    public init(folder: URL) throws {
        let place = folder.appending(path: "gudok.sqlite")
        let isNew: Bool
        (queue, isNew) = try OpeningFault.guarding(place) { try Self.open(place) }
        number = FileNumber(of: place.path)
        survivors = isNew ? try RecordFolder(folder).tenantsOnRecord : []
    }

    /// The file, and whether it holds nothing from before.
    private static func open(_ place: URL) throws -> (DatabaseQueue, isNew: Bool) {
        try FileManager.default.createDirectory(
            at: place.deletingLastPathComponent(),
            withIntermediateDirectories: true,
            attributes: [.posixPermissions: 0o700]
        )
        var configuration = Configuration()
        configuration.busyMode = .timeout(5)
        configuration.prepareDatabase { database in
            try database.execute(sql: "PRAGMA journal_mode = WAL")
            try database.execute(sql: "PRAGMA synchronous = NORMAL")
        }
        let queue = try DatabaseQueue(path: place.path, configuration: configuration)
        // It holds the hashes of passwords, and the nonces' key.
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: place.path)
        let migrator = migrator
        try queue.read { try SchemaCheck.refuseLater($0, migrator) }
        let isNew = try queue.read { try migrator.appliedMigrations($0).isEmpty }
        try migrator.migrate(queue)
        return (queue, isNew)
    }

    private static var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("node") { try $0.execute(sql: schema) }
        migrator.registerMigration("agents") { try $0.execute(sql: agentSchema) }
        migrator.registerMigration("audit chain") { try chainAudit($0) }
        migrator.registerMigration("applied over files") {
            try $0.execute(sql: "ALTER TABLE applied ADD COLUMN replacing TEXT")
        }
        migrator.registerMigration("queues") { try $0.execute(sql: queueSchema) }
        return migrator
    }

    /// Opens the file only to read it, beside a running switch or without one; nil when there is none yet.
    public init?(reading folder: URL) throws {
        let place = folder.appending(path: "gudok.sqlite")
        guard try OpeningFault.isThere(place) else { return nil }
        var configuration = Configuration()
        configuration.busyMode = .timeout(5)
        configuration.prepareDatabase { try $0.execute(sql: "PRAGMA query_only = 1") }
        queue = try OpeningFault.guarding(place) { try DatabaseQueue(path: place.path, configuration: configuration) }
        number = FileNumber(of: place.path)
        survivors = []
    }

    /// Throws what is wrong with the file: it is damaged, not gudok's, or not whole.
    public func probe() throws {
        try read { database in
            // Its oldest table.
            _ = try Int.fetchOne(database, sql: "SELECT count(*) FROM applied")
            try OpeningFault.guarding(URL(fileURLWithPath: queue.path)) {
                try SchemaCheck.requireWhole(database, Self.migrator)
            }
            try DatabaseCopy.checkStructure(database)
        }
    }

    /// What is written into a file that was taken away nobody reads ever again: better it waits, and whoever asks for it is told.
    func write<T>(_ body: (Database) throws -> T) throws -> T {
        guard FileNumber(of: queue.path) == number else {
            throw OpeningFault(place: URL(fileURLWithPath: queue.path), cause: FileNumber.Changed())
        }
        return try OpeningFault.naming(queue.path) { try queue.write(body) }
    }

    func read<T>(_ body: (Database) throws -> T) throws -> T {
        try OpeningFault.naming(queue.path) { try queue.read(body) }
    }

    private static let agentSchema = """
        CREATE TABLE agents (
          tenant TEXT NOT NULL,
          user TEXT NOT NULL,
          memory TEXT NOT NULL,
          PRIMARY KEY (tenant, user)
        ) WITHOUT ROWID;
        """

    private static let queueSchema = """
        CREATE TABLE queues (
          tenant TEXT NOT NULL,
          name TEXT NOT NULL,
          memory TEXT NOT NULL,
          PRIMARY KEY (tenant, name)
        ) WITHOUT ROWID;
        """

    private static let schema = """
        CREATE TABLE registrations (
          tenant TEXT NOT NULL,
          user TEXT NOT NULL,
          contact TEXT NOT NULL,
          expires_at INTEGER NOT NULL,
          binding TEXT NOT NULL,
          PRIMARY KEY (tenant, user, contact)
        ) WITHOUT ROWID;
        CREATE TABLE applied (
          kind TEXT NOT NULL,
          name TEXT NOT NULL,
          text TEXT NOT NULL,
          PRIMARY KEY (kind, name)
        ) WITHOUT ROWID;
        CREATE TABLE audit (
          id INTEGER PRIMARY KEY AUTOINCREMENT,
          at TEXT NOT NULL,
          actor TEXT NOT NULL,
          action TEXT NOT NULL,
          detail TEXT NOT NULL
        );
        CREATE TABLE secrets (name TEXT NOT NULL PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
        """

    // MARK: registrations

    public func put(_ registrations: [StoredRegistration]) throws {
        try write { database in
            for registration in registrations {
                let text = String(decoding: try JSONEncoder().encode(registration), as: UTF8.self)
                try database.execute(
                    sql: "INSERT OR REPLACE INTO registrations VALUES (?, ?, ?, ?, ?)",
                    arguments: [
                        registration.user.tenant.name, registration.user.number, registration.contact,
                        registration.expiresAt.milliseconds, text,
                    ]
                )
            }
        }
    }

    public func remove(_ registrations: [StoredRegistration]) throws {
        try write { database in
            for registration in registrations {
                try database.execute(
                    sql: "DELETE FROM registrations WHERE tenant = ? AND user = ? AND contact = ?",
                    arguments: [registration.user.tenant.name, registration.user.number, registration.contact]
                )
            }
        }
    }

    public func registrations() throws -> [StoredRegistration] {
        let rows = try read { try String.fetchAll($0, sql: "SELECT binding FROM registrations") }
        return try rows.map { try JSONDecoder().decode(StoredRegistration.self, from: Data($0.utf8)) }
    }

    // MARK: agents and queues

    /// Whose memory is kept, for the time after a restart.
    public enum Remembered: Hashable, Sendable {
        case agent(UserID)
        case queue(QueueID)

        fileprivate var table: String {
            switch self {
            case .agent: "agents"
            case .queue: "queues"
            }
        }

        fileprivate var key: (tenant: TenantID, column: String, name: String) {
            switch self {
            case .agent(let id): (id.tenant, "user", id.number)
            case .queue(let id): (id.tenant, "name", id.name)
            }
        }
    }

    /// Keeps what an agent or a queue was; with no `json` it is forgotten.
    public func saveMemory(of subject: Remembered, json: String?) throws {
        let (tenant, column, name) = subject.key
        try write { database in
            guard let json else {
                return try database.execute(
                    sql: "DELETE FROM \(subject.table) WHERE tenant = ? AND \(column) = ?",
                    arguments: [tenant.name, name]
                )
            }
            try database.execute(
                sql: "INSERT OR REPLACE INTO \(subject.table) VALUES (?, ?, ?)",
                arguments: [tenant.name, name, json]
            )
        }
    }

    public func memories() throws -> [Remembered: String] {
        let (agents, queues) = try read { database in
            (
                try Row.fetchAll(database, sql: "SELECT tenant, user, memory FROM agents"),
                try Row.fetchAll(database, sql: "SELECT tenant, name, memory FROM queues")
            )
        }
        let both =
            agents.map { (Remembered.agent(UserID(tenant: TenantID($0["tenant"]), number: $0["user"])), $0) }
            + queues.map { (Remembered.queue(QueueID(tenant: TenantID($0["tenant"]), name: $0["name"])), $0) }
        return Dictionary(both.map { ($0, $1["memory"]) }) { first, _ in first }
    }

    // MARK: configuration

    /// Replaces what is applied, and notes who did it, in one transaction.
    public func apply(_ files: [AppliedFile], noting acts: [AuditedAct], at moment: WallTime) throws {
        try write { database in
            try database.execute(sql: "DELETE FROM applied")
            for file in files {
                try database.execute(
                    sql: "INSERT INTO applied (kind, name, text, replacing) VALUES (?, ?, ?, ?)",
                    arguments: [file.kind.rawValue, file.name, file.text, file.replacing]
                )
            }
            for act in acts { try Self.append(act, at: "\(moment)", to: database) }
        }
    }

    public func applied() throws -> [AppliedFile] {
        try read { database in
            // A file of before, which is only read, has no marks.
            try Row.fetchAll(database, sql: "SELECT * FROM applied ORDER BY kind, name").map { row in
                let kind: String = row["kind"]
                return AppliedFile(
                    kind: AppliedFile.Kind(rawValue: kind) ?? .tenant,
                    name: row["name"],
                    text: row["text"],
                    replacing: row["replacing"]
                )
            }
        }
    }

    // MARK: the key

    /// 32 random octets that are made once and stay: the nonces' key survives a restart.
    public func nonceKey() throws -> [UInt8] {
        let select = "SELECT value FROM secrets WHERE name = 'nonce-key'"
        // A full disk can be read.
        if let known = try read({ try Data.fetchOne($0, sql: select) }) { return Array(known) }
        return try write { database in
            if let known = try Data.fetchOne(database, sql: select) { return Array(known) }
            var generator = SystemRandomNumberGenerator()
            let made = (0..<32).map { _ in UInt8.random(in: 0...255, using: &generator) }
            try database.execute(
                sql: "INSERT INTO secrets (name, value) VALUES ('nonce-key', ?)",
                arguments: [Data(made)]
            )
            return made
        }
    }
}

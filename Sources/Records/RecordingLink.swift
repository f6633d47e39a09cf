public import Events
import GRDB
public import Timebase

/// One line of the manifest of a tenant's recordings: what one came to when it ended, chained to the one that ended before it.
///
/// The rows of recordings change all the time (pauses, holds, deletions); these never do. The audit log notes the manifest's head each
/// hour, so that it cannot be written anew as a whole either.
public struct RecordingLink: Equatable, Sendable {
    /// 1, 2, 3, … without a hole.
    public var place: Int64
    public var id: String
    public var callID: String
    public var octets: Int64
    /// Hexadecimal; nil where nothing could be hashed.
    public var sha256: String?
    public var hash: String

    private init(_ id: String, callID: String, octets: Int64, sha256: String?, after last: (place: Int64, hash: String))
    {
        place = last.place + 1
        (self.id, self.callID, self.octets, self.sha256) = (id, callID, octets, sha256)
        hash = ""
        hash = expectedHash(after: last.hash)
    }

    init(_ row: Row) {
        (place, id, callID) = (row["place"], row["id"], row["call_id"])
        (octets, sha256, hash) = (row["octets"], row["sha256"], row["hash"])
    }

    func expectedHash(after previous: String) -> String {
        ChainHash.of([previous, "\(place)", id, callID, "\(octets)", sha256])
    }

    static let schema = """
        CREATE TABLE recording_links (
          place INTEGER PRIMARY KEY AUTOINCREMENT,
          id TEXT NOT NULL,
          call_id TEXT NOT NULL,
          octets INTEGER NOT NULL,
          sha256 TEXT,
          hash TEXT NOT NULL
        );
        CREATE TRIGGER recording_links_stay BEFORE UPDATE ON recording_links
        BEGIN SELECT RAISE(ABORT, 'recording_links: what was written is not changed'); END;
        CREATE TRIGGER recording_links_keep BEFORE DELETE ON recording_links
        BEGIN SELECT RAISE(ABORT, 'recording_links: what was written is not removed'); END;
        """

    /// Recordings of earlier versions stand at the beginning of the chain, as their rows are now.
    static func begin(_ database: Database) throws {
        try database.execute(sql: schema)
        let ended = try String.fetchAll(
            database,
            sql: "SELECT id FROM recordings WHERE milliseconds IS NOT NULL ORDER BY started_ms, id"
        )
        for id in ended { try append(id, to: database) }
    }

    /// Adds what the recording's row says now, in the transaction that says so.
    static func append(_ id: String, to database: Database) throws {
        let ended = try database.cachedStatement(sql: "SELECT call_id, octets, sha256 FROM recordings WHERE id = ?")
        guard let row = try Row.fetchOne(ended, arguments: [id]) else { return }
        let last = try head(database)
        let link = RecordingLink(
            id,
            callID: row["call_id"],
            octets: row["octets"] ?? 0,
            sha256: row["sha256"],
            after: (Int64(last.count), last.hash)
        )
        try database.cachedStatement(
            sql: "INSERT INTO recording_links (place, id, call_id, octets, sha256, hash) VALUES (?, ?, ?, ?, ?, ?)"
        ).execute(arguments: [link.place, link.id, link.callID, link.octets, link.sha256, link.hash])
    }

    static func head(_ database: Database) throws -> RecordingManifest.Head {
        let last = try database.cachedStatement(
            sql: "SELECT place, hash FROM recording_links ORDER BY place DESC LIMIT 1"
        )
        guard let row = try Row.fetchOne(last) else { return RecordingManifest.Head(count: 0, hash: ChainHash.first) }
        return RecordingManifest.Head(count: row["place"], hash: row["hash"])
    }
}

/// A tenant's manifest as it was read, and whether it is what was written.
public struct RecordingManifest: Sendable {
    /// So many links, of which the last has this hash.
    public struct Head: Equatable, Sendable, CustomStringConvertible {
        public var count: Int
        public var hash: String

        /// As the audit log has it: `12 5feceb66…`.
        public var description: String { "\(count) \(hash)" }

        init(count: Int, hash: String) { (self.count, self.hash) = (count, hash) }

        /// Nil when the text is none.
        init?(_ text: String) {
            let parts = text.split(separator: " ")
            guard parts.count == 2, let count = Int(parts[0]) else { return nil }
            self.init(count: count, hash: String(parts[1]))
        }
    }

    /// The link of each recording: it ends once, and what a second one says is not believed.
    public private(set) var links: [String: RecordingLink] = [:]
    public private(set) var head = Head(count: 0, hash: ChainHash.first)
    /// Why it is not as it was written; nil: it is.
    public private(set) var fault: String?

    /// `noted`: heads that the audit log knows.
    init(_ database: Database, noted: [Head]) throws {
        var open = Dictionary(noted.map { ($0.count, $0.hash) }) { $1 }
        let rows = try Row.fetchCursor(database, sql: "SELECT * FROM recording_links ORDER BY place")
        while let row = try rows.next() {
            let link = RecordingLink(row)
            if links[link.id] == nil { links[link.id] = link }
            guard fault == nil else { continue }
            if link.place != Int64(head.count) + 1 {
                fault = "link \(head.count + 1) is missing: \(link.place) follows \(head.count)"
            } else if link.hash != link.expectedHash(after: head.hash) {
                fault = "link \(link.place), of recording \(link.id), is not what was written: its hash does not fit"
            } else if let hash = open.removeValue(forKey: head.count + 1), hash != link.hash {
                fault = "link \(link.place) is not the one that the audit log noted: the manifest was written anew"
            }
            head = Head(count: Int(link.place), hash: link.hash)
        }
        let last = open.keys.max() ?? 0
        if fault == nil, last > head.count {
            fault = "the last \(last - head.count) links are gone, says the audit log"
        }
    }
}

extension TenantDatabase {
    /// The manifest's head now; nil in a file of before.
    public func recordingHead() throws -> RecordingManifest.Head? {
        try read { try $0.tableExists("recording_links") ? RecordingLink.head($0) : nil }
    }

    /// All that is kept of recordings, of one moment.
    public struct RecordingBooks: Sendable {
        /// Of those whose file is gone, too; newest first.
        public var rows: [RecordingRow]
        /// Nil in a file of before, which has none.
        public var manifest: RecordingManifest?
        /// What a call or the manifest names and has no row: the recording's id, and its call's.
        public var removed: [(id: String, callID: String)]
    }

    /// Walks the whole chain; `noted` are the heads that the audit log knows.
    public func recordingBooks(noted: [RecordingManifest.Head]) throws -> RecordingBooks {
        var query = RecordingQuery()
        query.includesDeleted = true
        let (sql, arguments) = query.statement
        return try read { database in
            let rows = try Row.fetchAll(database, sql: sql, arguments: arguments).map { RecordingRow($0) }
            let hasManifest = try database.tableExists("recording_links")
            let manifest = hasManifest ? try RecordingManifest(database, noted: noted) : nil
            let named = try Row.fetchAll(
                database,
                sql: "SELECT recording, call_id FROM calls WHERE recording IS NOT NULL ORDER BY call_id"
            ).map { (id: $0["recording"] as String, callID: $0["call_id"] as String) }
            let links = manifest?.links.values.sorted { $0.place < $1.place }.map { ($0.id, $0.callID) } ?? []
            var known = Set(rows.map(\.id))
            // Each once, though calls and the manifest name it.
            let removed = (named + links).filter { known.insert($0.id).inserted }
            return RecordingBooks(rows: rows, manifest: manifest, removed: removed)
        }
    }
}

extension NodeDatabase {
    private static let noting = "recording.manifest"

    /// Notes the head of a tenant's manifest of recordings in the audit log, unless it is the one that was noted last.
    public func note(_ head: RecordingManifest.Head, of tenant: TenantID, at moment: WallTime) throws {
        guard head.count > 0, try notedHeads(of: tenant, limit: 1) != [head] else { return }
        let actor = AuditedAct.Actor(.switch, "retention")
        try audit([AuditedAct(by: actor, Self.noting, "recordings", tenant: tenant, after: "\(head)")], at: moment)
    }

    /// What was noted so, the newest first.
    public func notedHeads(of tenant: TenantID, limit: Int? = nil) throws -> [RecordingManifest.Head] {
        var query = AuditQuery()
        (query.tenant, query.action, query.limit) = (tenant.name, Self.noting, limit)
        return try auditEntries(query).compactMap { $0.after.flatMap(RecordingManifest.Head.init) }
    }
}

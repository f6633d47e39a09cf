import Events
import GRDB

/// One line of the audit log, chained to the one before it: whoever changes, removes or inserts one breaks every hash from there on.
public struct AuditEntry: Codable, Equatable, Sendable {
    /// 1, 2, 3, … without a hole.
    public var id: Int64
    /// RFC 3339.
    public var at: String
    public var channel: String
    public var actor: String
    public var tenant: String?
    public var action: String
    public var object: String
    public var outcome: String
    public var before: String?
    public var after: String?
    public var detail: String?
    /// SHA-256 in hexadecimal of the hash before and this entry's fields.
    public var hash: String

    public enum CodingKeys: String, CodingKey, CaseIterable, Sendable {
        case id, at, channel, actor, tenant, action, object, outcome, before, after, detail, hash
    }

    /// Every key is there, null where there is nothing.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(id, forKey: .id)
        let texts: [(CodingKeys, String?)] = [
            (.at, at), (.channel, channel), (.actor, actor), (.tenant, tenant), (.action, action), (.object, object),
            (.outcome, outcome), (.before, before), (.after, after), (.detail, detail), (.hash, hash),
        ]
        for (key, text) in texts { try container.encode(text, forKey: key) }
    }

    /// A longer text says no more to anybody who reads the log, and a peer's name may be of any length.
    static let longestText = 16_384
    /// What was named in a request may be no name at all, and each is as wide as a column of the listing.
    static let longestName = 200

    init(_ act: AuditedAct, id: Int64, at stamp: String, after previous: String) {
        let cut = { (text: String) in String(text.prefix(Self.longestText)) }
        let name = { (text: String) in
            text.count > Self.longestName ? text.prefix(Self.longestName) + "…" : text
        }
        (self.id, at) = (id, stamp)
        (channel, actor) = (act.actor.channel.rawValue, name(act.actor.name))
        (tenant, action, object) = (act.tenant.map { name($0.name) }, name(act.action), name(act.object))
        (outcome, before, after) = (act.outcome.rawValue, act.before.map(cut), act.after.map(cut))
        detail = act.detail.map(cut)
        hash = ""
        hash = expectedHash(after: previous)
    }

    init(_ row: Row) {
        (id, at, channel, actor) = (row["id"], row["at"], row["channel"], row["actor"])
        (tenant, action, object, outcome) = (row["tenant"], row["action"], row["object"], row["outcome"])
        (before, after, detail, hash) = (row["before"], row["after"], row["detail"], row["hash"])
    }

    /// Of the hash before, the id and the texts in the order of the columns.
    func expectedHash(after previous: String) -> String {
        ChainHash.of([previous, "\(id)", at, channel, actor, tenant, action, object, outcome, before, after, detail])
    }

    static let schema = """
        CREATE TABLE audit (
          id INTEGER PRIMARY KEY AUTOINCREMENT,
          at TEXT NOT NULL,
          channel TEXT NOT NULL,
          actor TEXT NOT NULL,
          tenant TEXT,
          action TEXT NOT NULL,
          object TEXT NOT NULL,
          outcome TEXT NOT NULL CHECK (outcome IN ('done', 'refused', 'failed')),
          before TEXT,
          after TEXT,
          detail TEXT,
          hash TEXT NOT NULL
        );
        CREATE INDEX audit_by_time ON audit (at);
        CREATE TRIGGER audit_stays BEFORE UPDATE ON audit
        BEGIN SELECT RAISE(ABORT, 'audit: what was written is not changed'); END;
        CREATE TRIGGER audit_keeps BEFORE DELETE ON audit
        BEGIN SELECT RAISE(ABORT, 'audit: what was written is not removed'); END;
        CREATE TRIGGER audit_follows BEFORE INSERT ON audit
        WHEN NEW.id <= (SELECT coalesce(max(id), 0) FROM audit)
        BEGIN SELECT RAISE(ABORT, 'audit: entries are added at the end'); END;
        """

    static let insertion = """
        INSERT INTO audit (id, at, channel, actor, tenant, action, object, outcome, before, after, detail, hash)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
        """

    var arguments: StatementArguments {
        [id, at, channel, actor, tenant, action, object, outcome, before, after, detail, hash]
    }
}

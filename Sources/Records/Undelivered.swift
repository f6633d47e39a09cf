public import Accounting
import GRDB

/// What a tenant's sinks are still to get of the calls that are over: a row for each sink and call, made with the record of the call's end, in
/// one transaction, and gone when the sink has the record.
enum Undelivered {
    /// A number is never used twice: what is settled late, of a batch of long ago, takes no newer row with it.
    static let schema = """
        CREATE TABLE sinks (name TEXT NOT NULL PRIMARY KEY) WITHOUT ROWID;
        CREATE TABLE undelivered (seq INTEGER PRIMARY KEY AUTOINCREMENT, sink TEXT NOT NULL, call_id TEXT NOT NULL);
        CREATE INDEX undelivered_by_sink ON undelivered (sink, seq);
        CREATE TRIGGER calls_made_over AFTER INSERT ON calls WHEN NEW.ended_at IS NOT NULL BEGIN
          INSERT INTO undelivered (sink, call_id) SELECT name, NEW.call_id FROM sinks;
        END;
        CREATE TRIGGER calls_over AFTER UPDATE OF ended_at ON calls
        WHEN NEW.ended_at IS NOT NULL AND OLD.ended_at IS NULL BEGIN
          INSERT INTO undelivered (sink, call_id) SELECT name, NEW.call_id FROM sinks;
        END;
        """
}

/// Records that a sink is to get next, the one of the call that ended first first.
public struct SinkBatch: Sendable {
    public var records: [CallRecord]
    /// The last row's number.
    let last: Int64
}

extension TenantDatabase {
    /// From now on these get the records of calls that end; what others had not yet got is given up.
    ///
    /// - Returns: how many records are given up, by sink.
    public func setSinks(_ names: [String]) throws -> [String: Int] {
        try queue.write { database in
            let known = try String.fetchSet(database, sql: "SELECT name FROM sinks")
            var givenUp: [String: Int] = [:]
            for name in known.subtracting(names) {
                try database.execute(sql: "DELETE FROM sinks WHERE name = ?", arguments: [name])
                try database.execute(sql: "DELETE FROM undelivered WHERE sink = ?", arguments: [name])
                if database.changesCount > 0 { givenUp[name] = database.changesCount }
            }
            for name in Set(names).subtracting(known).sorted() {
                try database.execute(sql: "INSERT INTO sinks (name) VALUES (?)", arguments: [name])
            }
            return givenUp
        }
    }

    /// From now on this one does too, if it does not already.
    public func addSink(_ name: String) throws {
        try queue.write { try $0.execute(sql: "INSERT OR IGNORE INTO sinks (name) VALUES (?)", arguments: [name]) }
    }

    /// nil: the sink has everything.
    public func undelivered(to sink: String, limit: Int) throws -> SinkBatch? {
        try read { database in
            let rows = try Row.fetchAll(
                database,
                sql: """
                    SELECT seq, calls.* FROM undelivered LEFT JOIN calls USING (call_id)
                    WHERE sink = ? ORDER BY seq LIMIT ?
                    """,
                arguments: [sink, limit]
            )
            guard let last = rows.last else { return nil }
            let records = rows.filter { $0["tenant"] != nil }.map(CallRow.record)
            return SinkBatch(records: records, last: last["seq"])
        }
    }

    /// The sink has these, and all before them.
    public func delivered(_ batch: SinkBatch, to sink: String) throws {
        try queue.write {
            try $0.execute(
                sql: "DELETE FROM undelivered WHERE sink = ? AND seq <= ?",
                arguments: [sink, batch.last]
            )
        }
    }

    /// How many records each sink is still to get; of a file that is older than sinks, none.
    public func undeliveredCounts() throws -> [String: Int] {
        try read { database in
            guard try database.tableExists("undelivered") else { return [:] }
            let rows = try Row.fetchAll(database, sql: "SELECT sink, count(*) AS count FROM undelivered GROUP BY sink")
            return Dictionary(uniqueKeysWithValues: rows.map { ($0["sink"], $0["count"]) })
        }
    }
}

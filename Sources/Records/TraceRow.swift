import Events
import Foundation
import GRDB
import Timebase
import Trace

/// A trace on its way to the disk.
enum TraceDraft: Sendable {
    case whole(CallTrace)
    case part(TracePart)

    var tenant: TenantID {
        switch self {
        case .whole(let trace): trace.tenant
        case .part(let part): part.trace.tenant
        }
    }
}

/// A call's trace as a row of `traces`.
enum TraceRow {
    private static let columns = """
        call_id TEXT NOT NULL PRIMARY KEY, tenant TEXT NOT NULL, started_at TEXT NOT NULL, "from" TEXT NOT NULL, "to" TEXT NOT NULL,
        omitted INTEGER NOT NULL, octets INTEGER NOT NULL, entries TEXT NOT NULL
        """

    static let schema = """
        CREATE TABLE traces (
          \(columns)
        ) WITHOUT ROWID;
        CREATE INDEX traces_by_start ON traces (started_at, octets);
        """

    /// Traces are too long for a table that is the index of its key, as calls are: each new one moved its neighbours over three pages.
    static let byNumber = """
        CREATE TABLE traces_by_number (
          \(columns)
        );
        INSERT INTO traces_by_number SELECT * FROM traces ORDER BY call_id;
        DROP TABLE traces;
        ALTER TABLE traces_by_number RENAME TO traces;
        CREATE INDEX traces_by_start ON traces (started_at, octets);
        """

    /// What the traces of living calls have so far, piece by piece: the whole takes their place when the call is over.
    static let parts = """
        CREATE TABLE trace_parts (
          call_id TEXT NOT NULL,
          first INTEGER NOT NULL,
          tenant TEXT NOT NULL,
          started_at TEXT NOT NULL,
          "from" TEXT NOT NULL,
          "to" TEXT NOT NULL,
          omitted INTEGER NOT NULL,
          entries TEXT NOT NULL,
          PRIMARY KEY (call_id, first)
        ) WITHOUT ROWID;
        """

    private static let insert = """
        INSERT OR REPLACE INTO traces (call_id, tenant, started_at, "from", "to", omitted, octets, entries)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?)
        """
    /// They are as long as traces, and as ill at ease in the index of a key.
    static let partsByNumber = """
        CREATE TABLE trace_parts_by_number (
          call_id TEXT NOT NULL,
          first INTEGER NOT NULL,
          omitted INTEGER NOT NULL,
          entries TEXT NOT NULL
        );
        INSERT INTO trace_parts_by_number SELECT call_id, first, omitted, entries FROM trace_parts;
        DROP TABLE trace_parts;
        ALTER TABLE trace_parts_by_number RENAME TO trace_parts;
        CREATE UNIQUE INDEX trace_parts_by_call ON trace_parts (call_id, first);
        """

    private static let insertPart = """
        INSERT OR REPLACE INTO trace_parts (call_id, first, omitted, entries) VALUES (?, ?, ?, ?)
        """

    static func write(_ draft: TraceDraft, to database: Database) throws {
        switch draft {
        case .whole(let trace):
            try write(trace, to: database)
            try database.cachedStatement(sql: "DELETE FROM trace_parts WHERE call_id = ?")
                .execute(arguments: [trace.callID.value])
        case .part(let part):
            try database.write(insertPart) { row in
                row.add(part.trace.callID.value)
                row.add(part.first)
                row.add(part.trace.omitted)
                row.add(utf8: part.trace.stored)
            }
        }
    }

    private static func write(_ trace: CallTrace, to database: Database) throws {
        let stored = trace.stored
        try database.write(insert) { row in
            for text in [trace.callID.value, trace.tenant.name, "\(trace.started.wall)", trace.from, trace.to] {
                row.add(text)
            }
            row.add(trace.omitted)
            row.add(stored.count)
            row.add(utf8: stored)
        }
    }

    /// What is known of the trace of a call that is not over; nil: nothing.
    static func unfinished(_ call: String, _ database: Database) throws -> CallTrace? {
        guard try database.tableExists("trace_parts") else { return nil }
        let sql = """
            SELECT calls.tenant, calls.started_at, calls."from", calls."to", trace_parts.* FROM trace_parts
            JOIN calls USING (call_id) WHERE call_id = ? ORDER BY first
            """
        let parts = try Row.fetchAll(database, sql: sql, arguments: [call]).map(trace)
        guard var whole = parts.last else { return nil }
        whole.entries = parts.flatMap(\.entries)
        return whole
    }

    /// The traces of calls that a crash cut off are what was put out of them, and that end, which is in `ends`.
    static func closeInterrupted(_ database: Database, _ ends: [CutOff]) throws {
        // Whose whole is there has nothing to be made of what is left of the parts.
        let calls = try String.fetchAll(
            database,
            sql: "SELECT DISTINCT call_id FROM trace_parts WHERE call_id NOT IN (SELECT call_id FROM traces)"
        )
        let last = Dictionary(ends.map { ($0.call, $0) }) { $1 }
        for call in calls {
            guard var trace = try unfinished(call, database) else { continue }
            if let end = last[call], let kind = TraceEntry.Kind(end.event) {
                let known = (end.at.milliseconds - trace.started.wall.milliseconds) * 1_000
                trace.entries.append(TraceEntry(offset: max(known, trace.entries.last?.offset ?? 0), kind: kind))
            }
            try write(trace, to: database)
        }
        try database.execute(sql: "DELETE FROM trace_parts")
    }

    static func trace(_ row: Row) -> CallTrace {
        let stamp: String = row["started_at"]
        let started = Moment(instant: Instant(nanoseconds: 0), wall: WallTime(stamp) ?? WallTime(milliseconds: 0))
        var trace = CallTrace(
            callID: CallID(row["call_id"]),
            tenant: TenantID(row["tenant"]),
            started: started,
            from: row["from"],
            to: row["to"]
        )
        trace.omitted = row["omitted"]
        let entries: String = row["entries"]
        trace.restore(Array(entries.utf8))
        return trace
    }

    static func prune(_ database: Database, before limit: WallTime, octets: Int64) throws {
        try database.execute(sql: "DELETE FROM traces WHERE started_at < ?", arguments: ["\(limit)"])
        let total = try Int64.fetchOne(database, sql: "SELECT sum(octets) FROM traces") ?? 0
        guard total > octets else { return }
        // The oldest go until the rest fits.
        try database.execute(
            sql: """
                DELETE FROM traces WHERE call_id IN (
                  SELECT call_id FROM (
                    SELECT call_id, sum(octets) OVER (ORDER BY started_at DESC, call_id DESC) AS kept FROM traces
                  ) WHERE kept > ?
                )
                """,
            arguments: [octets]
        )
    }
}

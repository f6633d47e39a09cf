import Events
import Foundation
import GRDB
import Timebase
import Trace

/// A call's trace as a row of `traces`.
enum TraceRow {
    static let schema = """
        CREATE TABLE traces (
          call_id TEXT NOT NULL PRIMARY KEY,
          tenant TEXT NOT NULL,
          started_at TEXT NOT NULL,
          "from" TEXT NOT NULL,
          "to" TEXT NOT NULL,
          omitted INTEGER NOT NULL,
          octets INTEGER NOT NULL,
          entries TEXT NOT NULL
        ) WITHOUT ROWID;
        CREATE INDEX traces_by_start ON traces (started_at, octets);
        """

    /// Traces are too long for a table that is the index of its key, as calls are: each new one moved its neighbours over three pages.
    static let byNumber = """
        CREATE TABLE traces_by_number (
          call_id TEXT NOT NULL PRIMARY KEY,
          tenant TEXT NOT NULL,
          started_at TEXT NOT NULL,
          "from" TEXT NOT NULL,
          "to" TEXT NOT NULL,
          omitted INTEGER NOT NULL,
          octets INTEGER NOT NULL,
          entries TEXT NOT NULL
        );
        INSERT INTO traces_by_number SELECT * FROM traces ORDER BY call_id;
        DROP TABLE traces;
        ALTER TABLE traces_by_number RENAME TO traces;
        CREATE INDEX traces_by_start ON traces (started_at, octets);
        """

    static let insert = """
        INSERT OR REPLACE INTO traces (call_id, tenant, started_at, "from", "to", omitted, octets, entries)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?)
        """

    static func write(_ trace: CallTrace, to database: Database) throws {
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

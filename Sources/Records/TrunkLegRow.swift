import Accounting
import Events
import GRDB
import Timebase

/// What a call used of a trunk, as rows of `trunk_legs`: each attempt to reach somebody over it, and the call that came by it.
///
/// A carrier bills legs, not calls, and a list of trunks hides the one that refuses everything behind the next. The report of trunks reads
/// these in one index; the legs of the calls themselves are JSON.
enum TrunkLegRow {
    static let schema = """
        CREATE TABLE trunk_legs (
          call_id TEXT NOT NULL,
          leg INTEGER NOT NULL,
          trunk TEXT NOT NULL,
          direction TEXT NOT NULL,
          started_at TEXT NOT NULL,
          answered INTEGER NOT NULL,
          failed INTEGER NOT NULL,
          talk_ms INTEGER NOT NULL,
          duration_ms INTEGER NOT NULL,
          PRIMARY KEY (call_id, leg)
        ) WITHOUT ROWID;
        CREATE INDEX trunk_legs_totals ON trunk_legs
          (started_at, trunk, direction, answered, failed, talk_ms, duration_ms, call_id);
        CREATE TRIGGER trunk_legs_go AFTER DELETE ON calls BEGIN
          DELETE FROM trunk_legs WHERE call_id = OLD.call_id;
        END;
        """

    /// For the calls of before.
    static func fill(_ database: Database) throws {
        try database.execute(sql: schema)
        let ended = "disposition IS NOT NULL AND (trunk IS NOT NULL OR legs LIKE '%\"trunk\":\"%')"
        let calls = try Row.fetchCursor(database, sql: "SELECT * FROM calls WHERE \(ended)")
        while let call = try calls.next() { try write(CallRow.record(call), to: database) }
    }

    /// Of a call that is over.
    static func write(_ record: CallRecord, to database: Database) throws {
        for use in uses(of: record) {
            try database.write("INSERT OR REPLACE INTO trunk_legs VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)") { row in
                row.add(record.callID)
                row.add(use.leg)
                row.add(use.trunk)
                row.add(use.direction.rawValue)
                row.add(record.startedAt)
                row.add(use.isAnswered ? 1 : 0)
                row.add(use.isFailed ? 1 : 0)
                row.add(use.talk)
                row.add(use.duration)
            }
        }
    }

    private struct Use {
        var leg: Int
        var trunk: String
        var direction: CallDirection
        var isAnswered: Bool
        var isFailed: Bool
        /// Milliseconds.
        var talk: Int64
        var duration: Int64
    }

    private static func uses(of record: CallRecord) -> [Use] {
        let attempts = record.legs.enumerated().compactMap { index, leg in
            leg.target == LegRecord.caller ? nil : leg.trunk.map { attempt(index, leg, over: $0, of: record) }
        }
        // The call's own trunk is that by which it came; of one that went out it is the one that an attempt names.
        guard let trunk = record.trunk, record.direction == .inbound || attempts.isEmpty else { return attempts }
        let own = Use(
            leg: 0,
            trunk: trunk,
            direction: record.direction,
            isAnswered: record.disposition == .answered,
            isFailed: record.disposition == .failed,
            talk: milliseconds(record.talk),
            duration: milliseconds(record.duration)
        )
        return [own] + attempts
    }

    /// From the answer to the end the carrier counts it.
    private static func attempt(_ index: Int, _ leg: LegRecord, over trunk: String, of record: CallRecord) -> Use {
        let started = CallRow.time(leg.startedAt) ?? 0
        let ended = CallRow.time(leg.endedAt ?? record.endedAt) ?? started
        return Use(
            leg: index,
            trunk: trunk,
            direction: .outbound,
            isAnswered: leg.answeredAt != nil,
            isFailed: leg.result == .failed || leg.result == .unavailable,
            talk: CallRow.time(leg.answeredAt).map { max(0, ended - $0) } ?? 0,
            duration: max(0, ended - started)
        )
    }

    private static func milliseconds(_ seconds: Double?) -> Int64 { Int64(((seconds ?? 0) * 1000).rounded()) }
}

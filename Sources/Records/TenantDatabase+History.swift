public import Accounting
public import Events
import GRDB

/// The story of one call in queues, recordings, and wishes to be called back.
extension TenantDatabase {
    /// The first first.
    public func stays(of call: String) throws -> [QueueStay] {
        try read { database in
            try Row.fetchAll(
                database,
                sql: "SELECT * FROM queue_stays WHERE call_id = ? ORDER BY entered_ms",
                arguments: [call]
            ).map(StayRow.stay)
        }
    }

    /// Everybody who entered in a window (milliseconds since 1970), the first first.
    public func stays(from: Int64, until: Int64, queue: String? = nil, agent: String? = nil) throws -> [QueueStay] {
        try read { database in
            let names = try queue.map { [$0] } ?? Self.names("queue", in: "queue_stays", database)
            return try names.flatMap { name in
                try Row.fetchAll(
                    database,
                    sql: """
                        SELECT * FROM queue_stays WHERE queue = :queue AND entered_ms >= :from AND entered_ms < :until
                          AND outcome IS NOT 'called-back' AND (:agent IS NULL OR agent = :agent) ORDER BY entered_ms
                        """,
                    arguments: ["queue": name, "from": from, "until": until, "agent": agent]
                ).map(StayRow.stay)
            }
        }
    }

    /// How many entered in a window.
    public func stayCount(from: Int64, until: Int64) throws -> Int {
        try read { database in
            try Self.names("queue", in: "queue_stays", database).reduce(0) { sum, name in
                sum
                    + (try Int.fetchOne(
                        database,
                        sql: "SELECT count(*) FROM queue_stays WHERE queue = ? AND entered_ms >= ? AND entered_ms < ?",
                        arguments: [name, from, until]
                    ) ?? 0)
            }
        }
    }

    /// Every queue that somebody entered.
    public func queueNames() throws -> [String] {
        try read { try Self.names("queue", in: "queue_stays", $0) }
    }

    /// Whether a call ever came by this trunk, or went out over it.
    public func isOnRecord(trunk: String) throws -> Bool {
        let sql = "SELECT EXISTS (SELECT 1 FROM trunk_legs WHERE trunk = ?)"
        return try read { try Bool.fetchOne($0, sql: sql, arguments: [trunk]) ?? false }
    }

    /// Every agent who has a history.
    public func agentNames() throws -> [String] {
        try read { try Self.names("agent", in: "agent_states", $0) }
    }

    /// The ringings of this call that were no answer, the first first.
    public func missedOffers(of call: String) throws -> [MissedOffer] {
        try read { database in
            try Row.fetchAll(
                database,
                sql: "SELECT * FROM missed_offers WHERE call_id = ? ORDER BY at_ms, agent",
                arguments: [call]
            ).map(StayRow.offer)
        }
    }

    // MARK: recordings

    /// What the recordings that are over, and whose files are there, amount to together.
    public struct Shelf: Equatable, Sendable {
        public var octets: Int64
        /// When the oldest that is not on legal hold began, in milliseconds since 1970.
        public var oldestDeletable: Int64?
    }

    public func shelf() throws -> Shelf {
        try read { database in
            let row = try Row.fetchOne(
                database,
                sql: """
                    SELECT coalesce(sum(octets), 0) AS octets, min(CASE legal_hold WHEN 0 THEN started_ms END) AS oldest
                    FROM recordings WHERE deleted_ms IS NULL AND state <> 'recording'
                    """
            )
            return Shelf(octets: row?["octets"] ?? 0, oldestDeletable: row?["oldest"])
        }
    }

    public func recordings(_ query: RecordingQuery) throws -> [RecordingRow] {
        let (sql, arguments) = query.statement
        return try read { try Row.fetchAll($0, sql: sql, arguments: arguments).map { RecordingRow($0) } }
    }

    /// Those that the last run did not end. (Versions before closed their rows and then repaired their files.) What has its link in the manifest
    /// has ended, whatever its row says by now.
    public func interruptedRecordings() throws -> [RecordingRow] {
        try read {
            try Row.fetchAll(
                $0,
                sql: """
                    SELECT * FROM recordings
                    WHERE (state = 'recording' OR state = 'failed' AND fault = 'engine-restart' AND milliseconds IS NULL)
                      AND NOT EXISTS (SELECT 1 FROM recording_links WHERE recording_links.id = recordings.id)
                    """
            ).map { RecordingRow($0) }
        }
    }

    /// What became of a recording that the last run did not end: its file was repaired, or could not be.
    public func finish(_ recording: RecordingEnded) throws {
        try queue.write { try RecordingRow.end(recording, in: $0) }
    }

    /// - Returns: false: there is no such recording, or it was to be held and is deleted.
    public func setLegalHold(_ isOn: Bool, recording id: String) throws -> Bool {
        try queue.write { database in
            try database.execute(
                sql: "UPDATE recordings SET legal_hold = :on WHERE id = :id AND (deleted_ms IS NULL OR NOT :on)",
                arguments: ["on": isOn, "id": id]
            )
            return database.changesCount > 0
        }
    }

    /// Deletes a recording's file by `remove`, and notes when (milliseconds since 1970); never of one on legal hold, whenever that was put
    /// on, or that is being written. What `remove` throws leaves it as it was.
    ///
    /// - Returns: false: nothing was removed.
    public func delete(recording id: String, at moment: Int64, _ remove: () throws -> Void) throws -> Bool {
        try guarding {
            try queue.write { database in
                // From here on whoever wants to put it on hold waits, and then learns that it is gone. A process that dies before the
                // commit leaves a row without its file, which the next try mends.
                try database.execute(
                    sql: """
                        UPDATE recordings SET deleted_ms = ?
                        WHERE id = ? AND legal_hold = 0 AND deleted_ms IS NULL AND state <> 'recording'
                        """,
                    arguments: [moment, id]
                )
                guard database.changesCount > 0 else { return false }
                try remove()
                return true
            }
        }
    }

    // MARK: callbacks

    public func callbacks(_ query: CallbackQuery) throws -> [CallbackRow] {
        try read { database in
            try Row.fetchAll(
                database,
                sql: """
                    SELECT * FROM callbacks WHERE requested_ms >= :since AND requested_ms < :until
                      AND (NOT :open OR done_ms IS NULL) AND (:queue IS NULL OR queue = :queue)
                      AND (:before IS NULL OR id < :before) ORDER BY id DESC LIMIT :limit
                    """,
                arguments: [
                    "since": query.since ?? .min, "until": query.until ?? .max, "open": query.isOnlyOpen,
                    "queue": query.queue, "before": query.before, "limit": query.limit,
                ]
            ).map(CallbackRow.init)
        }
    }

    /// Those that were open at some moment of a window, the first first.
    public func callbacksStanding(from: Int64, until: Int64) throws -> [CallbackRow] {
        try read { database in
            try Row.fetchAll(
                database,
                sql: """
                    SELECT * FROM callbacks WHERE requested_ms < :until AND coalesce(done_ms, :until) >= :from ORDER BY id
                    """,
                arguments: ["from": from, "until": until]
            ).map(CallbackRow.init)
        }
    }

    /// The talks of agents who called somebody back, the first first.
    public func calledBackStays(from: Int64, until: Int64) throws -> [QueueStay] {
        try read { database in
            try Self.names("queue", in: "queue_stays", database).flatMap { name in
                try Row.fetchAll(
                    database,
                    sql: """
                        SELECT * FROM queue_stays WHERE queue = ? AND entered_ms >= ? AND entered_ms < ?
                          AND outcome = 'called-back' ORDER BY entered_ms
                        """,
                    arguments: [name, from, until]
                ).map(StayRow.stay)
            }
        }
    }

    /// Who left the line of which queue, and was called back for it.
    public struct CallbackAsker: Equatable, Sendable {
        public var callback: String
        public var callID: String
        public var queue: String
        public var enteredMilliseconds: Int64
    }

    public func callbackAskers(from: Int64, until: Int64) throws -> [CallbackAsker] {
        try read { database in
            try Self.names("queue", in: "queue_stays", database).flatMap { name in
                try Row.fetchAll(
                    database,
                    sql: """
                        SELECT stay.call_id, stay.entered_ms, json_extract(calls.variables, '$.callback') AS callback
                        FROM queue_stays AS stay JOIN calls ON calls.call_id = stay.call_id
                        WHERE stay.queue = ? AND stay.entered_ms >= ? AND stay.entered_ms < ?
                          AND stay.outcome IN ('key', 'callback', 'timeout') AND callback IS NOT NULL ORDER BY stay.entered_ms
                        """,
                    arguments: [name, from, until]
                ).map { row in
                    CallbackAsker(
                        callback: row["callback"],
                        callID: row["call_id"],
                        queue: name,
                        enteredMilliseconds: row["entered_ms"]
                    )
                }
            }
        }
    }
}

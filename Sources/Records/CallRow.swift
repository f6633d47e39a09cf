import Accounting
import Events
import Foundation
import GRDB
import Timebase

/// A call record as a row of `calls`: a column for each key of the contract, lists as JSON.
enum CallRow {
    /// Column and type, in the order of the contract, as the first version had them.
    private static let firstColumns: [(name: String, type: String)] = [
        ("call_id", "TEXT NOT NULL PRIMARY KEY"), ("tenant", "TEXT NOT NULL"), ("direction", "TEXT NOT NULL"),
        ("from", "TEXT NOT NULL"), ("from_name", "TEXT"), ("to", "TEXT NOT NULL"), ("trunk", "TEXT"),
        ("user", "TEXT"), ("queue", "TEXT"), ("agent", "TEXT"), ("started_at", "TEXT NOT NULL"),
        ("ringing_at", "TEXT"), ("answered_at", "TEXT"), ("ended_at", "TEXT"), ("setup_s", "REAL"),
        ("ring_s", "REAL"), ("queue_wait_s", "REAL"), ("talk_s", "REAL"), ("hold_s", "REAL"),
        ("duration_s", "REAL"), ("disposition", "TEXT"), ("hangup_by", "TEXT"), ("sip_code", "INTEGER"),
        ("q850_cause", "INTEGER"), ("reason", "TEXT"), ("codec_a", "TEXT"), ("codec_b", "TEXT"),
        ("mos_a", "REAL"), ("mos_b", "REAL"), ("packets_lost_a", "INTEGER"), ("packets_lost_b", "INTEGER"),
        ("jitter_ms_a", "REAL"), ("jitter_ms_b", "REAL"), ("recording", "TEXT"), ("legs", "TEXT NOT NULL"),
        ("sip_call_ids", "TEXT NOT NULL"),
    ]

    private static let names = firstColumns.map(\.name) + ["variables", "not_recorded"]

    static var schema: String {
        let list = firstColumns.map { "\"\($0.name)\" \($0.type)" }.joined(separator: ",\n  ")
        return """
            CREATE TABLE calls (
              \(list)
            ) WITHOUT ROWID;
            CREATE INDEX calls_by_start ON calls (started_at);
            CREATE INDEX calls_open ON calls (call_id) WHERE ended_at IS NULL;
            """
    }

    /// Rows of calls are too long for a table that is the index of its key: SQLite put nearly each of them on a page of its own beside the
    /// tree's. By row number three fit on a page.
    static func storeByNumber(_ database: Database) throws {
        let indexes = try String.fetchAll(
            database,
            sql: "SELECT sql FROM sqlite_master WHERE type = 'index' AND tbl_name = 'calls' AND sql IS NOT NULL"
        )
        let columns =
            firstColumns.map { "\"\($0.name)\" \($0.type)" } + [
                "variables TEXT NOT NULL DEFAULT '{}'", "not_recorded TEXT",
            ]
        let list = names.map { "\"\($0)\"" }.joined(separator: ", ")
        try database.execute(
            sql: """
                CREATE TABLE calls_by_number (
                  \(columns.joined(separator: ",\n  "))
                );
                INSERT INTO calls_by_number (\(list)) SELECT \(list) FROM calls ORDER BY call_id;
                DROP TABLE calls;
                ALTER TABLE calls_by_number RENAME TO calls;
                """
        )
        for sql in indexes where !sql.hasPrefix("CREATE INDEX calls_by_start ") { try database.execute(sql: sql) }
        // The order of listings.
        try database.execute(sql: "CREATE INDEX calls_by_start ON calls (started_at, call_id)")
    }

    static let upsert: String = {
        let list = names.map { "\"\($0)\"" }.joined(separator: ", ")
        let marks = names.map { _ in "?" }.joined(separator: ", ")
        // What never changes is left out: SQLite would write every index anew that has it.
        let sets = names.filter { !["call_id", "tenant", "started_at"].contains($0) }
            .map { "\"\($0)\" = excluded.\"\($0)\"" }.joined(separator: ", ")
        return "INSERT INTO calls (\(list)) VALUES (\(marks)) ON CONFLICT (call_id) DO UPDATE SET \(sets)"
    }()

    static func write(_ record: CallRecord, to database: Database) throws {
        try database.write(upsert) { row in
            for text in [
                record.callID, record.tenant, record.direction.rawValue, record.from, record.fromName, record.to,
                record.trunk, record.user, record.queue, record.agent, record.startedAt, record.ringingAt,
                record.answeredAt, record.endedAt,
            ] { row.add(text) }
            for seconds in [
                record.setup, record.ring, record.queueWait, record.talk, record.hold, record.duration,
            ] { row.add(seconds) }
            row.add(record.disposition?.rawValue)
            row.add(record.hangupBy?.rawValue)
            row.add(record.sipCode)
            row.add(record.q850Cause)
            for text in [record.reason, record.codecA, record.codecB] { row.add(text) }
            for score in [record.mosA, record.mosB] { row.add(score) }
            for lost in [record.packetsLostA, record.packetsLostB] { row.add(lost.map { Int64(clamping: $0) }) }
            for jitter in [record.jitterA, record.jitterB] { row.add(jitter) }
            row.add(record.recording)
            row.add(utf8: record.legs.json)
            row.add(utf8: record.sipCallIDs.json)
            row.add(utf8: record.variables.json)
            row.add(record.notRecorded?.rawValue)
        }
        if record.disposition != nil { try TrunkLegRow.write(record, to: database) }
    }

    static func record(_ row: Row) -> CallRecord {
        var record = CallRecord(
            callID: row["call_id"],
            tenant: row["tenant"],
            direction: CallDirection(rawValue: row["direction"]) ?? .internal,
            from: row["from"],
            to: row["to"],
            startedAt: row["started_at"]
        )
        (record.fromName, record.trunk, record.user) = (row["from_name"], row["trunk"], row["user"])
        (record.queue, record.agent, record.recording) = (row["queue"], row["agent"], row["recording"])
        (record.ringingAt, record.answeredAt, record.endedAt) = (row["ringing_at"], row["answered_at"], row["ended_at"])
        (record.setup, record.ring, record.queueWait) = (row["setup_s"], row["ring_s"], row["queue_wait_s"])
        (record.talk, record.hold, record.duration) = (row["talk_s"], row["hold_s"], row["duration_s"])
        record.disposition = (row["disposition"] as String?).flatMap { Disposition(rawValue: $0) }
        record.hangupBy = (row["hangup_by"] as String?).flatMap { Party(rawValue: $0) }
        (record.sipCode, record.q850Cause, record.reason) = (row["sip_code"], row["q850_cause"], row["reason"])
        (record.codecA, record.codecB) = (row["codec_a"], row["codec_b"])
        (record.mosA, record.mosB) = (row["mos_a"], row["mos_b"])
        record.packetsLostA = (row["packets_lost_a"] as Int64?).map { UInt64(max(0, $0)) }
        record.packetsLostB = (row["packets_lost_b"] as Int64?).map { UInt64(max(0, $0)) }
        (record.jitterA, record.jitterB) = (row["jitter_ms_a"], row["jitter_ms_b"])
        let decoder = JSONDecoder()
        let legs: String = row["legs"]
        let ids: String = row["sip_call_ids"]
        record.legs = (try? decoder.decode([LegRecord].self, from: Data(legs.utf8))) ?? []
        record.sipCallIDs = (try? decoder.decode([String].self, from: Data(ids.utf8))) ?? []
        // A file that is only read may be of a version before the variables.
        let variables: String? = row["variables"]
        if let variables, variables != "{}" {
            record.variables = (try? decoder.decode([String: String].self, from: Data(variables.utf8))) ?? [:]
        }
        record.notRecorded = (row["not_recorded"] as String?).flatMap { NotRecorded(rawValue: $0) }
        return record
    }

    /// The row of a call knows of queues at its answer and its end alone; what its last stay, which is closed already, says holds.
    private static func adopt(lastStayOf record: inout CallRecord, _ database: Database) throws {
        let stay = try Row.fetchOne(
            database,
            sql: "SELECT queue, agent, outcome FROM queue_stays WHERE call_id = ? ORDER BY entered_ms DESC LIMIT 1",
            arguments: [record.callID]
        )
        guard let stay else { return }
        let agent: String? = stay["agent"]
        if agent != nil || record.agent == nil { (record.queue, record.agent) = (stay["queue"], agent) }
        // Nobody has spoken with who still waited, whatever the switch itself said to him, unless somebody had before.
        let isWaiting = stay["outcome"] as String? == "engine-restart"
        guard isWaiting, record.answeredAt != nil, try !hasSpoken(record, database) else { return }
        record.disposition = .abandoned
        if record.recording == nil { record.notRecorded = .noTalk }
    }

    /// Somebody past the queues answered the caller: of their agents, who may have heard a whisper alone, the stays tell.
    private static func isReached(_ record: CallRecord) -> Bool {
        record.legs.contains { $0.target != LegRecord.caller && $0.queue == nil && $0.answeredAt != nil }
    }

    private static func hasSpoken(_ record: CallRecord, _ database: Database) throws -> Bool {
        if isReached(record) { return true }
        let talk = try Row.fetchOne(
            database,
            sql: "SELECT 1 FROM queue_stays WHERE call_id = ? AND talk_ms > 0",
            arguments: [record.callID]
        )
        return talk != nil
    }

    /// Milliseconds since 1970 of a stamp.
    static func time(_ stamp: String?) -> Int64? { stamp.flatMap { WallTime($0)?.milliseconds } }

    /// What is known of the lengths of a call that was cut off: up to its end as it is recorded. How long it was on hold is not.
    private static func measure(_ record: inout CallRecord, _ database: Database) throws {
        func seconds(_ milliseconds: Int64) -> Double { Double(max(0, milliseconds)) / 1000 }
        guard let started = time(record.startedAt), let ended = time(record.endedAt) else { return }
        let (ringing, answered) = (time(record.ringingAt), time(record.answeredAt))
        let waits = try Row.fetchOne(
            database,
            sql: """
                SELECT sum(wait_ms) AS all_ms, sum(max(0, entered_ms + wait_ms - max(entered_ms, :answered))) AS answered_ms
                FROM queue_stays WHERE call_id = :call
                """,
            arguments: ["answered": answered ?? ended, "call": record.callID]
        )
        let (waited, waitedAnswered): (Int64?, Int64?) = (waits?["all_ms"], waits?["answered_ms"])
        let callerCame = record.legs.first { $0.target == LegRecord.caller && $0.answeredAt != nil }?.answeredAt
        record.setup = [ringing, answered].compactMap { $0 }.min().map { sign in
            seconds(sign - (time(callerCame).flatMap { $0 < sign ? $0 : nil } ?? started))
        }
        record.ring = ringing.map { ringing in
            let pickedUp = record.legs.compactMap { time($0.answeredAt) }.filter { $0 >= ringing }.min()
            return seconds((pickedUp ?? ended) - ringing)
        }
        record.queueWait = seconds(waited ?? 0)
        let talk = answered.map { ended - $0 - (waitedAnswered ?? 0) } ?? 0
        record.talk = seconds(record.disposition?.isTalk ?? true ? talk : 0)
        record.duration = seconds(ended - started)
    }

    /// A call whose process died lived until `now`, the last known time in milliseconds since 1970, at least.
    static func closeInterrupted(_ database: Database, at now: Int64) throws -> [CutOff] {
        let rows = try Row.fetchAll(database, sql: "SELECT * FROM calls WHERE ended_at IS NULL")
        return try rows.map { row in
            var record = record(row)
            let wasAnswered = record.answeredAt != nil
            // A clock that was set back lets nothing end before it began. Stamps sort as their texts do.
            let known = [record.startedAt, record.ringingAt, record.answeredAt, "\(WallTime(milliseconds: now))"]
            record.endedAt = (known + record.legs.flatMap { [$0.startedAt, $0.answeredAt] }).compactMap { $0 }.max()
            let disposition = wasAnswered ? Disposition.answered : .failed
            let (status, cause, reason) = (wasAnswered ? 200 : 503, 41, "engine-restart")
            (record.disposition, record.hangupBy, record.reason) = (disposition, .switch, reason)
            (record.sipCode, record.q850Cause) = (status, cause)
            try adopt(lastStayOf: &record, database)
            try measure(&record, database)
            if wasAnswered, record.recording == nil, record.notRecorded == nil { record.notRecorded = .engineRestart }
            for index in record.legs.indices where record.legs[index].endedAt == nil {
                record.legs[index].endedAt = record.endedAt
                record.legs[index].result = record.legs[index].answeredAt == nil ? .failed : .answered
                record.legs[index].reason = "engine-restart"
            }
            try write(record, to: database)
            let end = CallEnded(
                // Who waited is an abandoned caller, whoever answered for the queue.
                disposition: record.disposition ?? disposition,
                hangupBy: .switch,
                sipCode: status,
                q850Cause: cause,
                reason: reason
            )
            return CutOff(call: record.callID, event: .callEnded(end), at: WallTime(milliseconds: now))
        }
    }
}

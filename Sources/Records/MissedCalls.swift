public import Events
import GRDB
import Timebase

/// A call from outside that nobody took.
public struct MissedCall: Codable, Equatable, Sendable {
    /// The call with that number afterwards that makes it good, one of ours that went out to it or one of its own that somebody took: the
    /// first that came to a talk, or where none did, the first.
    public struct Return: Codable, Equatable, Sendable {
        public var callID: String
        public var direction: CallDirection
        /// Who called, or who answered.
        public var by: String?
        /// From the end of the missed call to the beginning of this one, milliseconds.
        public var afterMilliseconds: Int64
        /// Whether it came to a talk.
        public var wasAnswered: Bool

        public enum CodingKeys: String, CodingKey, CaseIterable, Sendable {
            case callID = "call_id"
            case direction, by
            case afterMilliseconds = "after_ms"
            case wasAnswered = "answered"
        }
    }

    public var callID: String
    public var number: String
    /// In which it was given up, or which let it go last; nil: it was in none.
    public var queue: String?
    /// When it entered the queue, or began, milliseconds since 1970.
    public var atMilliseconds: Int64
    /// In queues, or from its beginning when it was in none.
    public var waitedMilliseconds: Int64
    /// nil: nobody yet.
    public var returned: Return?

    public enum CodingKeys: String, CodingKey, CaseIterable, Sendable {
        case callID = "call_id"
        case number, queue
        case atMilliseconds = "at_ms"
        case waitedMilliseconds = "waited_ms"
        case returned
    }
}

extension TenantDatabase {
    /// Abandoned calls of queues and unanswered inbound calls that entered or began from `from` on and before `until`
    /// (milliseconds since 1970), the first first.
    ///
    /// Numbers are the same when their last ten characters are: people dial `8` or `+7` for the same place.
    public func missedCalls(from: Int64, until: Int64) throws -> [MissedCall] {
        try read { database in
            var missed: [(call: MissedCall, over: Int64)] = []
            let stays = try Row.fetchAll(database, sql: Self.abandoned, arguments: [from, until])
            for row in stays {
                let waited: Int64 = row["wait_ms"]
                let carried: Int64 = row["carried_ms"]
                let entered: Int64 = row["entered_ms"]
                let call = MissedCall(
                    callID: row["call_id"],
                    number: row["number"],
                    queue: row["queue"],
                    atMilliseconds: entered,
                    waitedMilliseconds: waited + carried
                )
                missed.append((call, entered + waited))
            }
            let calls = try Row.fetchAll(database, sql: Self.unanswered, arguments: Self.stamps(from, until))
            for row in calls {
                if try Self.hasCallback(row["call_id"], database) { continue }
                guard let began = WallTime(row["started_at"] as String)?.milliseconds else { continue }
                let duration: Double = row["duration_s"] ?? 0
                let length = Int64((duration * 1000).rounded())
                var call = MissedCall(
                    callID: row["call_id"],
                    number: row["from"],
                    queue: nil,
                    atMilliseconds: began,
                    waitedMilliseconds: length
                )
                try Self.adopt(lastStayOf: &call, database)
                missed.append((call, began + length))
            }
            missed.sort { ($0.call.atMilliseconds, $0.call.callID) < ($1.call.atMilliseconds, $1.call.callID) }
            return try missed.map { entry in
                var call = entry.call
                call.returned = try Self.returned(call.number, after: entry.over, database)
                return call
            }
        }
    }

    /// A colleague who asks a queue, and gives up, is nobody to call back.
    static let abandoned = """
        SELECT call_id, number, queue, entered_ms, carried_ms, coalesce(wait_ms, 0) AS wait_ms
        FROM queue_stays INDEXED BY queue_stays_lost
        WHERE \(HistorySchema.lost) AND entered_ms >= ? AND entered_ms < ? AND NOT \(isColleague)
        """

    /// Whether a stay is one of ours who asks a queue, and not a caller whom he hands on.
    static let isColleague = """
        EXISTS (
          SELECT 1 FROM calls WHERE calls.call_id = queue_stays.call_id AND direction = 'internal' AND "from" = number
        )
        """

    /// One that was given up in a queue is there already.
    static let unanswered = """
        SELECT call_id, "from", started_at, duration_s
        FROM calls INDEXED BY calls_unanswered
        WHERE \(HistorySchema.unanswered) AND started_at >= ? AND started_at < ? AND NOT EXISTS (
          SELECT 1 FROM queue_stays WHERE queue_stays.call_id = calls.call_id AND \(HistorySchema.lost)
        )
        """

    /// A caller who was led out of a queue waited there, and not for what he heard afterwards.
    private static func adopt(lastStayOf call: inout MissedCall, _ database: Database) throws {
        let statement = try database.cachedStatement(
            sql: """
                SELECT queue, entered_ms, coalesce(wait_ms, 0) + carried_ms AS waited FROM queue_stays
                WHERE call_id = ? ORDER BY entered_ms DESC LIMIT 1
                """
        )
        guard let stay = try Row.fetchOne(statement, arguments: [call.callID]) else { return }
        (call.queue, call.atMilliseconds, call.waitedMilliseconds) = (stay["queue"], stay["entered_ms"], stay["waited"])
    }

    /// Who is to be called back, or was, missed nothing; a wish that was cancelled or failed makes good nothing.
    private static func hasCallback(_ call: String, _ database: Database) throws -> Bool {
        let statement = try database.cachedStatement(
            sql: """
                SELECT 1 FROM calls JOIN callbacks ON callbacks.id = json_extract(calls.variables, '$.callback')
                WHERE calls.call_id = ? AND callbacks.state IN ('waiting', 'calling', 'done')
                """
        )
        return try Row.fetchOne(statement, arguments: [call]) != nil
    }

    static let returning = returning(where: "")
    static let reaching = returning(where: "AND disposition = '\(Disposition.answered.rawValue)'")

    /// Without a trunk nothing went out: the agent who was to call back did not answer, say.
    private static func returning(where condition: String) -> String {
        """
        SELECT call_id, direction, user, agent, started_at, disposition FROM calls INDEXED BY calls_returning
        WHERE \(HistorySchema.returning) AND \(HistorySchema.numberOutside) = ? AND started_at >= ?
          AND (direction = 'inbound' OR trunk IS NOT NULL) \(condition)
        ORDER BY started_at, direction DESC LIMIT 1
        """
    }

    private static func returned(
        _ number: String,
        after over: Int64,
        _ database: Database
    ) throws -> MissedCall.Return? {
        // Without a number nobody can be recognised.
        guard number.contains(where: \.isNumber) else { return nil }
        let arguments: StatementArguments = [String(number.suffix(10)), "\(WallTime(milliseconds: over))"]
        let find = { try Row.fetchOne(try database.cachedStatement(sql: $0), arguments: arguments) }
        guard var row = try find(returning) else { return nil }
        if row["disposition"] as String? != Disposition.answered.rawValue { row = try find(reaching) ?? row }
        guard let began = WallTime(row["started_at"] as String) else { return nil }
        let direction = CallDirection(rawValue: row["direction"]) ?? .outbound
        return MissedCall.Return(
            callID: row["call_id"],
            direction: direction,
            by: direction == .outbound ? row["user"] : row["agent"] ?? row["user"],
            afterMilliseconds: began.milliseconds - over,
            wasAnswered: (row["disposition"] as String?) == Disposition.answered.rawValue
        )
    }
}

import Accounting
import Events
import GRDB

/// An interval of an agent as a row of `agent_states`.
enum AgentRow {
    /// The reason of the interval in which the engine was down.
    static let downReason = "engine-restart"

    /// Opens an interval where the last one ends, and closes that.
    ///
    /// The time between the last run's end and the first word of this one is an interval of its own: logged out. A beginning
    /// before the last known end (the clock was set back between two runs) moves to that end. What has no whole millisecond is
    /// no row.
    static func begin(_ interval: AgentInterval, in database: Database) throws {
        var start = interval.sinceMilliseconds
        let last = try database.cachedStatement(
            sql: "SELECT since_ms, until_ms FROM agent_states WHERE agent = ? ORDER BY since_ms DESC LIMIT 1"
        )
        if let row = try Row.fetchOne(last, arguments: [interval.agent]) {
            let since: Int64 = row["since_ms"]
            if let until: Int64 = row["until_ms"] {
                if start > until { try insert(interval.agent, from: until, to: start, in: database) }
                start = max(start, until)
            } else if start > since {
                try database.cachedStatement(
                    sql: "UPDATE agent_states SET until_ms = ? WHERE agent = ? AND until_ms IS NULL"
                ).execute(arguments: [start, interval.agent])
            } else {
                try database.cachedStatement(sql: "DELETE FROM agent_states WHERE agent = ? AND until_ms IS NULL")
                    .execute(arguments: [interval.agent])
                start = since
            }
        }
        let arguments: StatementArguments = [
            interval.agent, start, nil, interval.state.rawValue, interval.reason, interval.queue, interval.callID,
        ]
        try database.cachedStatement(sql: insertion).execute(arguments: arguments)
    }

    private static let insertion = """
        INSERT INTO agent_states (agent, since_ms, until_ms, state, reason, queue, call_id) VALUES (?, ?, ?, ?, ?, ?, ?)
        """

    private static func insert(_ agent: String, from start: Int64, to end: Int64, in database: Database) throws {
        let arguments: StatementArguments = [
            agent, start, end, AgentState.loggedOut.rawValue, downReason, nil, nil,
        ]
        try database.cachedStatement(sql: insertion).execute(arguments: arguments)
    }

    /// The state is what it was; its end is the last known time.
    static func closeInterrupted(_ database: Database, at now: Int64) throws {
        try database.execute(
            sql: "DELETE FROM agent_states WHERE until_ms IS NULL AND since_ms >= ?",
            arguments: [now]
        )
        try database.execute(sql: "UPDATE agent_states SET until_ms = ? WHERE until_ms IS NULL", arguments: [now])
    }

    static func interval(_ row: Row) -> AgentInterval {
        AgentInterval(
            agent: row["agent"],
            state: AgentState(rawValue: row["state"]) ?? .unreachable,
            reason: row["reason"],
            queue: row["queue"],
            callID: row["call_id"],
            sinceMilliseconds: row["since_ms"],
            untilMilliseconds: row["until_ms"]
        )
    }
}

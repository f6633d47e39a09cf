import Accounting
import Events
import GRDB
import Timebase

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
        let agent = interval.agent
        var start = interval.sinceMilliseconds
        var previous: Int64?
        if let row = try last(of: agent, in: database) {
            let since: Int64 = row["since_ms"]
            if let until: Int64 = row["until_ms"] {
                previous = since
                if start > until {
                    let down = AgentInterval(
                        agent: agent,
                        state: .loggedOut,
                        reason: downReason,
                        sinceMilliseconds: until,
                        untilMilliseconds: start
                    )
                    try insert(down, after: since, in: database)
                    previous = until
                }
                start = max(start, until)
            } else if start > since {
                try database.cachedStatement(
                    sql: "UPDATE agent_states SET until_ms = ? WHERE agent = ? AND until_ms IS NULL"
                ).execute(arguments: [start, agent])
                previous = since
            } else {
                try database.cachedStatement(sql: "DELETE FROM agent_states WHERE agent = ? AND until_ms IS NULL")
                    .execute(arguments: [agent])
                start = since
                previous = try last(of: agent, in: database)?["since_ms"]
            }
        }
        var opened = interval
        (opened.sinceMilliseconds, opened.untilMilliseconds) = (start, nil)
        try insert(opened, after: previous, in: database)
    }

    private static func last(of agent: String, in database: Database) throws -> Row? {
        try Row.fetchOne(
            database.cachedStatement(
                sql: "SELECT since_ms, until_ms FROM agent_states WHERE agent = ? ORDER BY since_ms DESC LIMIT 1"
            ),
            arguments: [agent]
        )
    }

    /// Nothing of the agent begins later; the interval before it began at `previous`.
    private static func insert(_ interval: AgentInterval, after previous: Int64?, in database: Database) throws {
        let start = interval.sinceMilliseconds
        let sums = try AgentSums.kept(at: start, after: previous, of: interval.agent, database)
        let arguments: StatementArguments = [
            interval.agent, start, interval.untilMilliseconds, interval.state.rawValue, interval.reason, interval.queue,
            interval.callID, sums,
        ]
        try database.cachedStatement(
            sql: """
                INSERT INTO agent_states (agent, since_ms, until_ms, state, reason, queue, call_id, sums)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?)
                """
        ).execute(arguments: arguments)
    }

    /// Who is in a state that lasts, and not logged out.
    static func atWork(_ database: Database) throws -> [String] {
        try String.fetchAll(
            database,
            sql: "SELECT agent FROM agent_states WHERE until_ms IS NULL AND state <> ? ORDER BY agent",
            arguments: [AgentState.loggedOut.rawValue]
        )
    }

    /// Whoever was at work was so until the last known time, and is logged out from there until his next word.
    ///
    /// - Returns: what would have been told of it.
    static func closeInterrupted(_ database: Database, at now: Int64) throws -> [CutOff] {
        try atWork(database).map { agent in
            let down = AgentInterval(
                agent: agent,
                state: .loggedOut,
                reason: downReason,
                sinceMilliseconds: now
            )
            try begin(down, in: database)
            let change = AgentChanged(agent: agent, state: .loggedOut, reason: downReason, queue: nil, device: agent)
            return CutOff(call: nil, event: .agentChanged(change), at: WallTime(milliseconds: now))
        }
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

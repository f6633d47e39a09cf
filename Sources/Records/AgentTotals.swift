public import Accounting
import Events
public import Foundation
import GRDB

/// What one agent did in a window of time. Times are milliseconds.
public struct AgentTotalsRow: Codable, Equatable, Sendable {
    public var agent: String
    /// Within the window, by the state's name.
    public var states: [String: Int64] = [:]
    /// The time in `paused`, by its reason; without one: an empty text.
    public var pauses: [String: Int64] = [:]
    /// In any state but logged out and blocked.
    public var loggedIn: Int64 = 0
    /// Calls of queues that he took within the window.
    public var handled = 0
    /// Of these, those whose talk is over.
    public var talked = 0
    public var talk: Int64 = 0
    /// Within the talk.
    public var hold: Int64 = 0
    public var wrapUp: Int64 = 0
    /// Of that, what went beyond the time that the queues grant.
    public var extended: Int64 = 0
    /// Calls in which he talked past the queues, and for how long: from both answers to the end of his leg.
    public var ownCalls = 0
    public var ownTalk: Int64 = 0
    /// Calls offered to him: taken, missed, and taken from him.
    public var offers = 0
    /// Not answered, refused, busy, or not reached.
    public var missed = 0
    /// From his first interval to his last, within the window: the states' sum, or there is a gap or an overlap.
    public var covered: Int64 = 0

    public var sumOfStates: Int64 { states.values.reduce(0, +) }
    public var isWhole: Bool { sumOfStates == covered }

    public enum CodingKeys: String, CodingKey, CaseIterable, Sendable {
        case agent
        case states = "states_ms"
        case pauses = "pauses_ms"
        case loggedIn = "logged_in_ms"
        case handled, talked
        case talk = "talk_ms"
        case hold = "hold_ms"
        case wrapUp = "wrap_up_ms"
        case extended = "wrap_up_extended_ms"
        case ownCalls = "own_calls"
        case ownTalk = "own_talk_ms"
        case offers, missed
        case covered = "covered_ms"
    }

    public init(agent: String) { self.agent = agent }
}

extension TenantDatabase {
    /// The totals of each agent who has a history, in the order of their numbers. States are clipped to the window; a call belongs
    /// to the window in which its agent took it.
    ///
    /// Times are milliseconds since 1970: from `from` on and before `until`; an interval that lasts is cut at `now`.
    public func agentTotals(
        from: Int64,
        until: Int64,
        agent: String? = nil,
        now: Int64 = Int64(Date().timeIntervalSince1970 * 1000)
    ) throws -> [AgentTotalsRow] {
        guard from < until else { return [] }
        return try read { database in
            try (agent.map { [$0] } ?? Self.names("agent", in: "agent_states", database)).map { name in
                var totals = AgentTotalsRow(agent: name)
                let window: StatementArguments = ["agent": name, "from": from, "until": until]
                try totals.addStates(database, from..<until, now: now)
                try totals.addCalls(database, window)
                try totals.addOwnCalls(database, window)
                return totals
            }
        }
    }

    /// When an agent was logged in within a window: spans that neither touch nor overlap, cut to the window, the first first. One that lasts
    /// ends at `now`; milliseconds since 1970. Whom a restart of the switch found logged in, and left so, has not gone, and
    /// neither has who is blocked meanwhile.
    public func presence(of agent: String, from: Int64, until: Int64, now: Int64) throws -> [Range<Int64>] {
        guard from < until else { return [] }
        let arguments: StatementArguments = ["agent": agent, "from": from, "until": until, "now": now]
        return try read { database in
            guard
                let row = try Row.fetchOne(database.cachedStatement(sql: AgentTotalsRow.bounds), arguments: arguments),
                let first: Int64 = row["first"], let last: Int64 = row["last"]
            else { return [] }
            let end = min(last, until)
            var since = max(first, from)
            var spans: [Range<Int64>] = []
            for gap in try Row.fetchAll(database.cachedStatement(sql: Self.absence), arguments: arguments) {
                let (left, back): (Int64, Int64) = (gap["since_ms"], gap["until_ms"])
                if left > since { spans.append(since..<min(left, end)) }
                since = max(since, back)
            }
            if since < end { spans.append(since..<end) }
            return spans
        }
    }

    private static let absence = """
        SELECT since_ms, coalesce(until_ms, max(since_ms, :now)) AS until_ms FROM agent_states
        WHERE agent = :agent AND since_ms < :until
          AND since_ms >= \(AgentSums.holding) AND (until_ms IS NULL OR until_ms > :from)
          AND (
            state = 'logged-out' AND NOT (reason IS '\(AgentRow.downReason)' AND EXISTS (
              SELECT 1 FROM agent_states AS next
              WHERE next.agent = :agent AND next.since_ms = agent_states.until_ms AND next.state <> 'logged-out'
            ))
            OR state = 'blocked' AND coalesce((
              SELECT before.state = 'logged-out' AND before.reason IS NOT '\(AgentRow.downReason)'
              FROM agent_states AS before WHERE before.agent = :agent AND before.since_ms < agent_states.since_ms
              ORDER BY before.since_ms DESC LIMIT 1
            ), 1)
          )
        ORDER BY since_ms
        """

    /// An agent's intervals that touch the window, the first first; whole, not clipped.
    public func agentIntervals(of agent: String, from: Int64, until: Int64) throws -> [AgentInterval] {
        try read { database in
            try Row.fetchAll(
                database,
                sql: """
                    SELECT * FROM agent_states WHERE agent = :agent AND since_ms < :until
                      AND since_ms >= \(AgentSums.holding) AND (until_ms IS NULL OR until_ms > :from) ORDER BY since_ms
                    """,
                arguments: ["agent": agent, "from": from, "until": until]
            ).map(AgentRow.interval)
        }
    }
}

extension AgentTotalsRow {
    fileprivate mutating func addStates(_ database: Database, _ window: Range<Int64>, now: Int64) throws {
        let edges = [window.lowerBound, window.upperBound]
        guard let sums = try AgentSums.between(edges, of: agent, now: now, database).first else { return }
        (states, pauses) = (sums.states, sums.pauses)
        loggedIn = states.reduce(0) { sum, state in
            let isOut = [AgentState.loggedOut.rawValue, AgentState.blocked.rawValue].contains(state.key)
            return isOut ? sum : sum + state.value
        }
        let bounds = try database.cachedStatement(sql: Self.bounds)
        let arguments: StatementArguments = ["agent": agent, "until": window.upperBound, "now": now]
        guard let row = try Row.fetchOne(bounds, arguments: arguments), let first: Int64 = row["first"],
            let last: Int64 = row["last"]
        else { return }
        covered = max(0, min(last, window.upperBound) - max(first, window.lowerBound))
    }

    /// His first interval's beginning, and the end of the last one that began before the window's end.
    fileprivate static let bounds = """
        SELECT (SELECT min(since_ms) FROM agent_states WHERE agent = :agent) AS first,
          (SELECT coalesce(until_ms, max(since_ms, :now)) FROM agent_states WHERE agent = :agent AND since_ms < :until
            ORDER BY since_ms DESC LIMIT 1) AS last
        """

    fileprivate mutating func addCalls(_ database: Database, _ window: StatementArguments) throws {
        let calls = try database.cachedStatement(
            sql: """
                SELECT count(*) AS calls, count(talk_ms) AS talked, coalesce(sum(talk_ms), 0) AS talk, coalesce(sum(hold_ms), 0) AS hold,
                  coalesce(sum(wrap_up_ms), 0) AS wrap_up,
                  (SELECT coalesce(sum(wrap_up_extended_ms), 0)
                    FROM queue_stays INDEXED BY queue_stays_extended_by_agent
                    WHERE wrap_up_extended_ms > 0
                      AND agent = :agent AND connected_ms >= :from AND connected_ms < :until) AS extended
                FROM queue_stays INDEXED BY queue_stays_by_agent
                WHERE agent = :agent AND agent IS NOT NULL AND connected_ms >= :from AND connected_ms < :until
                """
        )
        if let row = try Row.fetchOne(calls, arguments: window) {
            talked = row["talked"]
            (handled, talk, hold, wrapUp) = (row["calls"], row["talk"], row["hold"], row["wrap_up"])
            extended = row["extended"]
        }
        let offered = try database.cachedStatement(
            sql: """
                SELECT count(*) AS offers, coalesce(sum(result NOT IN ('elsewhere', 'withdrawn')), 0) AS missed
                FROM missed_offers WHERE agent = :agent AND at_ms >= :from AND at_ms < :until
                """
        )
        if let row = try Row.fetchOne(offered, arguments: window) {
            missed = row["missed"]
            offers = handled + (row["offers"] as Int)
        }
    }

    fileprivate mutating func addOwnCalls(_ database: Database, _ window: StatementArguments) throws {
        let statement = try database.cachedStatement(
            sql: """
                SELECT count(DISTINCT call_id) AS calls, coalesce(sum(talk_ms), 0) AS talk FROM own_talks
                WHERE agent = :agent AND began_ms >= :from AND began_ms < :until AND talk_ms IS NOT NULL
                """
        )
        guard let row = try Row.fetchOne(statement, arguments: window) else { return }
        (ownCalls, ownTalk) = (row["calls"], row["talk"])
    }
}

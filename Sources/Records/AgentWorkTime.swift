import Events
import GRDB

/// What occupancy is made of, of one agent in one window. Milliseconds.
public struct AgentWorkTime: Equatable, Sendable {
    public var onCall: Int64 = 0
    public var wrapUp: Int64 = 0
    public var ringing: Int64 = 0
    public var available: Int64 = 0

    fileprivate mutating func add(_ length: Int64, in state: String) {
        switch AgentState(rawValue: state) {
        case .onCall: onCall += length
        case .wrapUp: wrapUp += length
        case .ringing: ringing += length
        case .available: available += length
        case .loggedOut, .paused, .unreachable, .blocked, nil: break
        }
    }
}

extension TenantDatabase {
    /// An agent's times from each edge to the next: what `agentTotals` says of these states, for many windows at once. Edges rise;
    /// an interval that lasts is cut at `now`. All in milliseconds since 1970.
    public func workTimes(of agent: String, edges: [Int64], now: Int64) throws -> [AgentWorkTime] {
        try queue.read { database in
            let sums = try database.cachedStatement(sql: Self.begun)
            let crossing = try database.cachedStatement(sql: Self.crossing)
            // As intervals tile time, only the one that crosses an edge is not in one window whole.
            let overhangs = try edges.map { edge -> (state: String, length: Int64)? in
                let arguments: StatementArguments = ["agent": agent, "edge": edge, "now": now]
                guard let row = try Row.fetchOne(crossing, arguments: arguments) else { return nil }
                let end: Int64 = row["until_ms"]
                return end > edge ? (row["state"], end - edge) : nil
            }
            return try zip(edges, edges.dropFirst()).enumerated().map { index, window in
                var time = AgentWorkTime()
                let arguments: StatementArguments = [
                    "agent": agent, "from": window.0, "until": window.1, "now": now,
                ]
                if let row = try Row.fetchOne(sums, arguments: arguments) {
                    (time.onCall, time.wrapUp) = (row["on_call"], row["wrap_up"])
                    (time.ringing, time.available) = (row["ringing"], row["available"])
                }
                if let before = overhangs[index] { time.add(before.length, in: before.state) }
                if let after = overhangs[index + 1] { time.add(-after.length, in: after.state) }
                return time
            }
        }
    }

    private static let begun = """
        SELECT coalesce(sum(CASE state WHEN 'on-call' THEN ms END), 0) AS on_call,
          coalesce(sum(CASE state WHEN 'wrap-up' THEN ms END), 0) AS wrap_up,
          coalesce(sum(CASE state WHEN 'ringing' THEN ms END), 0) AS ringing,
          coalesce(sum(CASE state WHEN 'available' THEN ms END), 0) AS available
        FROM (
          SELECT state, coalesce(until_ms, max(since_ms, :now)) - since_ms AS ms FROM agent_states
          WHERE agent = :agent AND since_ms >= :from AND since_ms < :until
        )
        """

    private static let crossing = """
        SELECT state, coalesce(until_ms, max(since_ms, :now)) AS until_ms FROM agent_states
        WHERE agent = :agent AND since_ms < :edge ORDER BY since_ms DESC LIMIT 1
        """
}

import Events
import GRDB

/// A call that counts in an agent's totals: one of a queue that he took, or one in which he talked past the queues.
public struct AgentCall: Equatable, Sendable {
    public var agent: String
    public var callID: String
    /// nil: his own.
    public var queue: String?
    /// When he took it, or began to talk; milliseconds since 1970.
    public var atMilliseconds: Int64
    /// nil: it is not over.
    public var talkMilliseconds: Int64?
}

extension TenantDatabase {
    /// What `agentTotals` counts as handled and as own calls, agent by agent, the first first.
    public func agentCalls(from: Int64, until: Int64, agent: String? = nil) throws -> [AgentCall] {
        try read { database in
            try (agent.map { [$0] } ?? Self.names("agent", in: "agent_states", database)).flatMap { name in
                try Row.fetchAll(
                    database.cachedStatement(sql: Self.agentCalls),
                    arguments: ["agent": name, "from": from, "until": until]
                ).map { row in
                    AgentCall(
                        agent: name,
                        callID: row["call_id"],
                        queue: row["queue"],
                        atMilliseconds: row["at_ms"],
                        talkMilliseconds: row["talk_ms"]
                    )
                }
            }
        }
    }

    private static let agentCalls = """
        SELECT call_id, queue, connected_ms AS at_ms, talk_ms FROM queue_stays
        WHERE agent = :agent AND agent IS NOT NULL AND connected_ms >= :from AND connected_ms < :until
        UNION ALL
        SELECT call_id, NULL, min(began_ms), sum(talk_ms) FROM own_talks
        WHERE agent = :agent AND began_ms >= :from AND began_ms < :until AND talk_ms IS NOT NULL
        GROUP BY call_id
        ORDER BY at_ms, call_id
        """
}

import Events
import GRDB

/// A call that counts in an agent's totals: one of a queue that he took or was offered, or one in which he talked past the queues.
public struct AgentCall: Equatable, Sendable {
    public var agent: String
    public var callID: String
    /// nil: his own.
    public var queue: String?
    /// When he took it, began to talk, or rang no more; milliseconds since 1970.
    public var atMilliseconds: Int64
    /// `answered`, or what else became of the offer.
    public var result: String
    /// With the time on hold; nil: it is not over, or there was none.
    public var talkMilliseconds: Int64?
    public var holdMilliseconds: Int64?
    public var wrapUpMilliseconds: Int64?
}

extension TenantDatabase {
    /// What `agentTotals` counts as handled, offered and missed, and as own calls, agent by agent, the first first.
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
                        result: row["result"],
                        talkMilliseconds: row["talk_ms"],
                        holdMilliseconds: row["hold_ms"],
                        wrapUpMilliseconds: row["wrap_up_ms"]
                    )
                }
            }
        }
    }

    private static let agentCalls = """
        SELECT call_id, queue, connected_ms AS at_ms, 'answered' AS result, talk_ms, hold_ms, wrap_up_ms FROM queue_stays
        WHERE agent = :agent AND agent IS NOT NULL AND connected_ms >= :from AND connected_ms < :until
        UNION ALL
        SELECT call_id, queue, at_ms, result, NULL, NULL, NULL FROM missed_offers
        WHERE agent = :agent AND at_ms >= :from AND at_ms < :until
        UNION ALL
        SELECT call_id, NULL, min(began_ms), 'answered', sum(talk_ms), NULL, NULL FROM own_talks
        WHERE agent = :agent AND began_ms >= :from AND began_ms < :until AND talk_ms IS NOT NULL
        GROUP BY call_id
        ORDER BY at_ms, call_id
        """
}

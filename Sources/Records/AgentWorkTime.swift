import Events
import GRDB

/// What occupancy is made of, of one agent in one window. Milliseconds.
public struct AgentWorkTime: Equatable, Sendable {
    public var onCall: Int64 = 0
    public var wrapUp: Int64 = 0
    public var ringing: Int64 = 0
    public var available: Int64 = 0

    fileprivate init(_ states: [String: Int64]) {
        let length = { (state: AgentState) in states[state.rawValue] ?? 0 }
        (onCall, wrapUp) = (length(.onCall), length(.wrapUp))
        (ringing, available) = (length(.ringing), length(.available))
    }
}

extension TenantDatabase {
    /// An agent's times from each edge to the next: what `agentTotals` says of these states, for many windows at once. Edges rise;
    /// an interval that lasts is cut at `now`. All in milliseconds since 1970.
    public func workTimes(of agent: String, edges: [Int64], now: Int64) throws -> [AgentWorkTime] {
        try read { database in
            try AgentSums.between(edges, of: agent, now: now, database).map { AgentWorkTime($0.states) }
        }
    }
}

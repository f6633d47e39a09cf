public import Events
import GRDB
public import Timebase

/// Which calls are asked for, newest first.
public struct CallQuery: Sendable {
    public var since: WallTime?
    public var until: WallTime?
    public var from: String?
    public var to: String?
    /// It came by it, or an attempt went out over it.
    public var trunk: String?
    public var user: String?
    /// One that it was in.
    public var queue: String?
    /// One who served it for a queue.
    public var agent: String?
    public var disposition: Disposition?
    /// Only calls that ended.
    public var isOver = false
    /// Only calls that came by a trunk, or of which a leg went out over one.
    public var isOverTrunk = false
    /// Only what comes after this call in the listing.
    public var before: Place?
    public var limit: Int?

    /// Where a call stands in the listing, whatever is written meanwhile.
    public struct Place: Sendable {
        public var startedAt: String
        public var callID: String

        public init(startedAt: String, callID: String) { (self.startedAt, self.callID) = (startedAt, callID) }
    }

    public init() {}

    /// Calls that began from `from` on and before `until`, milliseconds since 1970.
    public init(from: Int64, until: Int64) {
        (since, self.until) = (WallTime(milliseconds: from), WallTime(milliseconds: until))
    }

    /// What comes after WHERE; empty: every call is meant.
    var conditions: (sql: String, arguments: StatementArguments) {
        var conditions: [String] = []
        var arguments: [any DatabaseValueConvertible] = []
        func add(_ condition: String, _ value: (any DatabaseValueConvertible)?) {
            guard let value else { return }
            conditions.append(condition)
            arguments.append(value)
        }
        func addUsed(_ column: String, _ value: String?, _ table: String) {
            guard let value else { return }
            let used = "SELECT 1 FROM \(table) AS used WHERE used.call_id = calls.call_id AND used.\(column) = ?"
            conditions.append("(calls.\(column) = ? OR EXISTS (\(used)))")
            arguments += [value, value]
        }
        add("started_at >= ?", since.map { "\($0)" })
        add("started_at < ?", until.map { "\($0)" })
        add("\"from\" = ?", from)
        add("\"to\" = ?", to)
        addUsed("trunk", trunk, "trunk_legs")
        add("user = ?", user)
        // The row has the last queue, agent and own trunk alone; whatever a call came by is asked for.
        addUsed("queue", queue, "queue_stays")
        addUsed("agent", agent, "queue_stays")
        add("disposition = ?", disposition?.rawValue)
        if isOver { conditions.append("disposition IS NOT NULL") }
        if isOverTrunk, trunk == nil {
            conditions.append("EXISTS (SELECT 1 FROM trunk_legs WHERE trunk_legs.call_id = calls.call_id)")
        }
        if let before {
            conditions.append("(started_at, call_id) < (?, ?)")
            arguments += [before.startedAt, before.callID]
        }
        return (conditions.joined(separator: " AND "), StatementArguments(arguments))
    }

    var statement: (sql: String, arguments: StatementArguments) {
        let (conditions, arguments) = conditions
        let filter = conditions.isEmpty ? "" : " WHERE " + conditions
        let limiting = limit.map { " LIMIT \(max(0, $0))" } ?? ""
        let sql = "SELECT * FROM calls\(filter) ORDER BY started_at DESC, call_id DESC\(limiting)"
        return (sql, arguments)
    }
}

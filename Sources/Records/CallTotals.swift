public import Events
import GRDB
import Timebase

/// The calls of one direction that ended one way.
public struct CallTotalsRow: Codable, Equatable, Sendable {
    public var direction: CallDirection
    public var disposition: Disposition
    public var calls: Int
    public var answered: Int
    /// Seconds.
    public var talk: Double
    /// Seconds, from the first message to the end.
    public var duration: Double

    public enum CodingKeys: String, CodingKey, CaseIterable, Sendable {
        case direction, disposition, calls, answered
        case talk = "talk_s"
        case duration = "duration_s"
    }
}

/// What calls used of one trunk: each leg that went out over it, or each call that came by it.
public struct TrunkTotalsRow: Codable, Equatable, Sendable {
    public var trunk: String
    public var direction: CallDirection
    public var calls: Int
    public var answered: Int
    /// The peer or the way to it failed.
    public var failed: Int
    /// Seconds.
    public var talk: Double
    public var duration: Double

    public enum CodingKeys: String, CodingKey, CaseIterable, Sendable {
        case trunk, direction, calls, answered, failed
        case talk = "talk_s"
        case duration = "duration_s"
    }
}

extension TenantDatabase {
    /// The index holds trunks and dispositions too; who asks for numbers, queues or agents has the rows themselves visited.
    private static func ended(_ query: CallQuery) -> (sql: String, arguments: StatementArguments) {
        var query = query
        query.isOver = true
        let (conditions, arguments) = query.conditions
        return ("FROM calls INDEXED BY calls_totals WHERE \(conditions)", arguments)
    }

    /// By direction and disposition: calls that ended, of those asked for.
    public func callTotals(_ query: CallQuery) throws -> [CallTotalsRow] {
        let (ended, arguments) = Self.ended(query)
        let sql = """
            SELECT direction, disposition, count(*) AS calls, coalesce(sum(talk_s), 0) AS talk,
              coalesce(sum(duration_s), 0) AS duration
            \(ended) GROUP BY direction, disposition ORDER BY direction, disposition
            """
        return try read { database in
            try Row.fetchAll(database, sql: sql, arguments: arguments).compactMap { row in
                guard let direction = CallDirection(rawValue: row["direction"]),
                    let disposition = Disposition(rawValue: row["disposition"])
                else { return nil }
                return CallTotalsRow(
                    direction: direction,
                    disposition: disposition,
                    calls: row["calls"],
                    answered: disposition == .answered ? row["calls"] : 0,
                    talk: Self.rounded(row["talk"]),
                    duration: Self.rounded(row["duration"])
                )
            }
        }
    }

    /// By trunk and direction: what the calls that ended, of those asked for, used of each trunk.
    public func trunkTotals(_ query: CallQuery) throws -> [TrunkTotalsRow] {
        let (legs, arguments) = Self.legs(query)
        let sql = """
            SELECT trunk, direction, count(*) AS calls, sum(answered) AS answered, sum(failed) AS failed,
              sum(talk_ms) / 1000.0 AS talk, sum(duration_ms) / 1000.0 AS duration
            \(legs) GROUP BY trunk, direction ORDER BY trunk, direction
            """
        return try read { database in
            try Row.fetchAll(database, sql: sql, arguments: arguments).compactMap { row in
                guard let direction = CallDirection(rawValue: row["direction"]) else { return nil }
                return TrunkTotalsRow(
                    trunk: row["trunk"],
                    direction: direction,
                    calls: row["calls"],
                    answered: row["answered"],
                    failed: row["failed"],
                    talk: Self.rounded(row["talk"]),
                    duration: Self.rounded(row["duration"])
                )
            }
        }
    }

    /// A filter by anything but time and trunk has the calls themselves looked up.
    private static func legs(_ query: CallQuery) -> (sql: String, arguments: StatementArguments) {
        var conditions: [String] = []
        var arguments = StatementArguments()
        for (condition, value) in [
            ("started_at >= ?", query.since.map { "\($0)" }), ("started_at < ?", query.until.map { "\($0)" }),
            ("trunk = ?", query.trunk),
        ] {
            guard let value else { continue }
            conditions.append(condition)
            arguments += [value]
        }
        var rest = query
        (rest.since, rest.until, rest.trunk, rest.isOver, rest.isOverTrunk) = (nil, nil, nil, false, false)
        let (ofCall, more) = rest.conditions
        if !ofCall.isEmpty {
            conditions.append("EXISTS (SELECT 1 FROM calls WHERE calls.call_id = trunk_legs.call_id AND \(ofCall))")
            arguments += more
        }
        let filter = conditions.isEmpty ? "" : " WHERE " + conditions.joined(separator: " AND ")
        return ("FROM trunk_legs INDEXED BY trunk_legs_totals\(filter)", arguments)
    }

    static func stamps(_ from: Int64, _ until: Int64) -> StatementArguments {
        ["\(WallTime(milliseconds: from))", "\(WallTime(milliseconds: until))"]
    }

    /// Whole milliseconds: what adding many seconds up leaves behind them is noise.
    private static func rounded(_ seconds: Double) -> Double { (seconds * 1000).rounded() / 1000 }
}

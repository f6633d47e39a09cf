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

/// The calls over one trunk.
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
        return try queue.read { database in
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

    /// By trunk and direction: calls that ended, of those asked for.
    public func trunkTotals(_ query: CallQuery) throws -> [TrunkTotalsRow] {
        var query = query
        query.isOverTrunk = true
        let (ended, arguments) = Self.ended(query)
        let sql = """
            SELECT trunk, direction, count(*) AS calls, sum(disposition = 'answered') AS answered,
              sum(disposition = 'failed') AS failed, coalesce(sum(talk_s), 0) AS talk,
              coalesce(sum(duration_s), 0) AS duration
            \(ended) GROUP BY trunk, direction ORDER BY trunk, direction
            """
        return try queue.read { database in
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

    static func stamps(_ from: Int64, _ until: Int64) -> StatementArguments {
        ["\(WallTime(milliseconds: from))", "\(WallTime(milliseconds: until))"]
    }

    /// Whole milliseconds: what adding many seconds up leaves behind them is noise.
    private static func rounded(_ seconds: Double) -> Double { (seconds * 1000).rounded() / 1000 }
}

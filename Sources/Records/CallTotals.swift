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
    private static let window = """
        FROM calls INDEXED BY calls_totals WHERE disposition IS NOT NULL AND started_at >= ? AND started_at < ?
        """

    /// By direction and disposition: calls that ended, and that began from `from` on and before `until` (milliseconds since 1970).
    public func callTotals(from: Int64, until: Int64) throws -> [CallTotalsRow] {
        let sql = """
            SELECT direction, disposition, count(*) AS calls, coalesce(sum(talk_s), 0) AS talk,
              coalesce(sum(duration_s), 0) AS duration
            \(Self.window) GROUP BY direction, disposition ORDER BY direction, disposition
            """
        return try queue.read { database in
            try Row.fetchAll(database, sql: sql, arguments: Self.stamps(from, until)).compactMap { row in
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

    /// By trunk and direction: calls that ended, and that began from `from` on and before `until` (milliseconds since 1970).
    public func trunkTotals(from: Int64, until: Int64) throws -> [TrunkTotalsRow] {
        let sql = """
            SELECT trunk, direction, count(*) AS calls, sum(disposition = 'answered') AS answered,
              sum(disposition = 'failed') AS failed, coalesce(sum(talk_s), 0) AS talk,
              coalesce(sum(duration_s), 0) AS duration
            \(Self.window) AND trunk IS NOT NULL GROUP BY trunk, direction ORDER BY trunk, direction
            """
        return try queue.read { database in
            try Row.fetchAll(database, sql: sql, arguments: Self.stamps(from, until)).compactMap { row in
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

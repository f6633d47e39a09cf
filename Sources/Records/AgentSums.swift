import Events
import Foundation
import GRDB

/// How long an agent was in each state, in milliseconds.
///
/// The first of an agent's intervals that begin in one hour (UTC) keeps, in `agent_states.sums`, the sums of those before it. What was
/// between two moments is the difference of what was before each: two seeks, where a month has thousands of intervals.
struct AgentSums: Equatable {
    /// By state; the time in `paused` by its reason too, as `kind` names it.
    private var lengths: [String: Int64] = [:]

    private static let kind = "CASE state WHEN 'paused' THEN 'paused ' || coalesce(reason, '') ELSE state END"
    private static let hour: Int64 = 3_600_000

    private init() {}

    private init(json: String) throws {
        lengths = try JSONDecoder().decode([String: Int64].self, from: Data(json.utf8))
    }

    /// By the state's name.
    var states: [String: Int64] {
        // A reason may begin with a mark that joins the blank before it to one character: cut between octets.
        Dictionary(lengths.map { (Self.text($0.key.utf8.prefix { $0 != Self.blank }), $0.value) }, uniquingKeysWith: +)
    }

    /// By the reason; without one: an empty text.
    var pauses: [String: Int64] {
        let prefix = (AgentState.paused.rawValue + " ").utf8
        return Dictionary(
            lengths.filter { $0.key.utf8.starts(with: prefix) }.map {
                (Self.text($0.key.utf8.dropFirst(prefix.count)), $0.value)
            },
            uniquingKeysWith: +
        )
    }

    private static let blank = UInt8(ascii: " ")

    private static func text(_ octets: Substring.UTF8View) -> String { String(decoding: octets, as: UTF8.self) }

    // MARK: reading

    /// Of windows shorter than this the intervals are gone through: there are not many.
    private static let short = 4 * hour

    /// What was from each edge to the next. Edges rise; an interval that lasts is cut at `now`. All in milliseconds since 1970.
    static func between(
        _ edges: [Int64],
        of agent: String,
        now: Int64,
        _ database: Database
    ) throws -> [AgentSums] {
        let windows = zip(edges, edges.dropFirst())
        if windows.allSatisfy({ $1 &- $0 < short }) { return try counted(edges, of: agent, now: now, database) }
        let before = try edges.map { try Self.before($0, of: agent, now: now, database) }
        return try windows.enumerated().map { index, window in
            if let first = before[index], let last = before[index + 1] { return last.less(first) }
            // Or of a time when no sums were kept yet.
            return try read(
                database,
                detail,
                ["agent": agent, "from": window.0, "until": window.1, "now": now]
            )
        }
    }

    /// The same, of each interval between the first edge and the last.
    private static func counted(
        _ edges: [Int64],
        of agent: String,
        now: Int64,
        _ database: Database
    ) throws -> [AgentSums] {
        guard let first = edges.first, let last = edges.last else { return [] }
        var windows = [AgentSums](repeating: AgentSums(), count: edges.count - 1)
        var window = 0
        let statement = try database.cachedStatement(sql: intervals)
        let rows = try Row.fetchCursor(
            statement,
            arguments: ["agent": agent, "from": first, "until": last, "now": now]
        )
        while let row = try rows.next() {
            let kind: String = row[0]
            var start: Int64 = max(row[1], first)
            let end: Int64 = min(row[2], last)
            while start < end {
                while edges[window + 1] <= start { window += 1 }
                let cut = min(end, edges[window + 1])
                windows[window].lengths[kind, default: 0] += cut - start
                start = cut
            }
        }
        return windows
    }

    private static let intervals = """
        SELECT \(kind), since_ms, coalesce(until_ms, max(since_ms, :now)) FROM agent_states
        WHERE agent = :agent AND since_ms < :until AND since_ms >= \(holding) ORDER BY since_ms
        """

    /// From some moment of his history on, the same for all edges; nil: no sums are kept before it.
    private static func before(_ edge: Int64, of agent: String, now: Int64, _ database: Database) throws -> AgentSums? {
        let place: StatementArguments = ["agent": agent, "edge": edge]
        // At a full hour, as most edges are, the interval that begins next has them: all but what lies between.
        if let row = try Row.fetchOne(database.cachedStatement(sql: next), arguments: place),
            let json: String = row["sums"]
        {
            var sums = try AgentSums(json: json)
            let since: Int64 = row["since_ms"]
            if let crossing: String = row["crossing"] { sums.lengths[crossing, default: 0] -= since - edge }
            return sums
        }
        guard let row = try Row.fetchOne(database.cachedStatement(sql: kept), arguments: place) else { return nil }
        var sums = try AgentSums(json: row["sums"])
        let since: Int64 = row["since_ms"]
        let rest = try read(database, begun, place + ["from": since, "now": now])
        sums.lengths.merge(rest.lengths, uniquingKeysWith: +)
        return sums
    }

    private func less(_ other: AgentSums) -> AgentSums {
        var difference = AgentSums()
        difference.lengths = lengths.merging(other.lengths.mapValues { -$0 }, uniquingKeysWith: +).filter {
            $0.value != 0
        }
        return difference
    }

    private static func read(_ database: Database, _ sql: String, _ arguments: StatementArguments) throws -> AgentSums {
        var sums = AgentSums()
        for row in try Row.fetchAll(database.cachedStatement(sql: sql), arguments: arguments) {
            let length: Int64 = row["ms"]
            // SQL tells spellings of one text apart (é, and e with its accent), which are one key here.
            if length != 0 { sums.lengths[row["kind"], default: 0] += length }
        }
        return sums
    }

    private static let next = """
        SELECT since_ms, sums, (
            SELECT \(kind) FROM agent_states WHERE agent = :agent AND since_ms < :edge ORDER BY since_ms DESC LIMIT 1
          ) AS crossing
        FROM agent_states WHERE agent = :agent AND since_ms >= :edge ORDER BY since_ms LIMIT 1
        """

    private static let kept = """
        SELECT since_ms, sums FROM agent_states INDEXED BY agent_states_summed
        WHERE agent = :agent AND since_ms <= :edge AND sums IS NOT NULL ORDER BY since_ms DESC LIMIT 1
        """

    private static let begun = """
        SELECT \(kind) AS kind, sum(min(coalesce(until_ms, max(since_ms, :now)), :edge) - since_ms) AS ms
        FROM agent_states WHERE agent = :agent AND since_ms >= :from AND since_ms < :edge GROUP BY kind
        """

    private static let detail = """
        SELECT \(kind) AS kind,
          sum(max(0, min(coalesce(until_ms, max(since_ms, :now)), :until) - max(since_ms, :from))) AS ms
        FROM agent_states
        WHERE agent = :agent AND since_ms < :until AND since_ms >= \(holding) AND (until_ms IS NULL OR until_ms > :from)
        GROUP BY kind
        """

    /// Where the interval began that holds the window's beginning: what ended before is not looked at.
    static let holding = """
        coalesce((SELECT max(since_ms) FROM agent_states WHERE agent = :agent AND since_ms <= :from), :from)
        """

    // MARK: writing

    /// The sums that an interval keeps which begins at `start`, as JSON; nil: none. All before it have ended, the last of them
    /// began at `previous`.
    static func kept(at start: Int64, after previous: Int64?, of agent: String, _ database: Database) throws -> String?
    {
        if let previous, previous / hour == start / hour { return nil }
        // Whoever has a history without sums begins with them here.
        let sums = try before(start, of: agent, now: start, database) ?? AgentSums()
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(sums.lengths), as: UTF8.self)
    }
}

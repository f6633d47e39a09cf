import GRDB

/// What happened in one queue to the callers who entered it in one interval.
///
/// Times are milliseconds. A wait counts from the entry into the first queue of the call, to the answer or to its end in this
/// one (`wait_ms + carried_ms`). Call-backs are no callers of the queue: they are in none of these.
public struct QueueTotalsRow: Codable, Equatable, Sendable {
    public var queue: String
    /// Milliseconds since 1970, inclusive and exclusive.
    public var from: Int64
    public var until: Int64
    /// Everybody who entered: answered + abandoned + overflowed + waiting.
    public var offered = 0
    public var answered = 0
    /// Of the answered, those whose talk is over, and those whose wrap-up is.
    public var talked = 0
    public var wrappedUp = 0
    /// Gave up, or lost the line to the engine's death before anybody answered.
    public var abandoned = 0
    /// Of the abandoned, those who waited no longer than `short`.
    public var shortAbandoned = 0
    /// Sent elsewhere: time-out, empty, full, callback, a key, a queue that was closed.
    public var overflowed = 0
    /// Still there.
    public var waiting = 0
    /// Of these, those who have waited longer than `threshold`.
    public var waitingBeyond = 0
    /// No later than `threshold`.
    public var answeredWithin = 0
    public var abandonedWithin = 0
    /// Longer than `threshold`, whatever became of them.
    public var exceeded = 0
    public var waitAnswered: Int64 = 0
    public var waitAbandoned: Int64 = 0
    /// Of all, those who wait now included.
    public var waitAll: Int64 = 0
    /// Of all, those who wait now included.
    public var maxWait: Int64 = 0
    public var talk: Int64 = 0
    /// Within the talk.
    public var hold: Int64 = 0
    public var wrapUp: Int64 = 0
    /// Of that, what went beyond the time that the queue grants.
    public var extended: Int64 = 0
    /// Of the phones that were answered.
    public var ring: Int64 = 0

    public enum CodingKeys: String, CodingKey, CaseIterable, Sendable {
        case queue, from, until, offered, answered, talked, abandoned
        case wrappedUp = "wrapped_up"
        case shortAbandoned = "short_abandoned"
        case overflowed, waiting
        case waitingBeyond = "waiting_beyond"
        case answeredWithin = "answered_within"
        case abandonedWithin = "abandoned_within"
        case exceeded
        case waitAnswered = "wait_answered_ms"
        case waitAbandoned = "wait_abandoned_ms"
        case waitAll = "wait_all_ms"
        case maxWait = "max_wait_ms"
        case talk = "talk_ms"
        case hold = "hold_ms"
        case wrapUp = "wrap_up_ms"
        case extended = "wrap_up_extended_ms"
        case ring = "ring_ms"
    }

    public init(queue: String, from: Int64, until: Int64) { (self.queue, self.from, self.until) = (queue, from, until) }
}

extension TenantDatabase {
    /// The totals of each queue that somebody entered, in the order of their names and of the intervals; what had no caller has
    /// no row. A call belongs to the interval in which it entered the queue.
    ///
    /// Everything is in milliseconds, times since 1970: from `from` on and before `until`; `threshold` is the service level's,
    /// `short` the longest wait of a short abandon, with `fromCall` since the call's start; a wait that lasts is as long as it is at `now`. With `agent` only what this one
    /// took counts.
    ///
    /// `boundaries`, rising, are where one interval ends and the next begins: the caller knows how long the days of his time
    /// zone are. nil: the whole time in one.
    public func queueTotals(
        from: Int64,
        until: Int64,
        queue: String? = nil,
        agent: String? = nil,
        threshold: Int64,
        short: Int64,
        fromCall: Bool = false,
        now: Int64,
        groupedBy boundaries: [Int64]? = nil
    ) throws -> [QueueTotalsRow] {
        guard from < until else { return [] }
        let edges = [from] + (boundaries ?? []).filter { $0 > from && $0 < until } + [until]
        return try read { database in
            // A seek for each queue and interval needs no sorting, which costs more than the sums themselves.
            let statement = try database.cachedStatement(sql: Self.totals(ofAgent: agent != nil))
            var rows: [QueueTotalsRow] = []
            for name in try queue.map({ [$0] }) ?? Self.names("queue", in: "queue_stays", database) {
                for (start, end) in zip(edges, edges.dropFirst()) where start < end {
                    var arguments: StatementArguments = [
                        "threshold": threshold, "short": short, "now": now, "queue": name, "from": start, "until": end,
                        "by_call": fromCall,
                    ]
                    if let agent { arguments += ["agent": agent] }
                    guard let found = try Row.fetchOne(statement, arguments: arguments) else { continue }
                    let row = QueueTotalsRow(name, start, end, found)
                    if row.offered > 0 { rows.append(row) }
                }
            }
            return rows
        }
    }

    /// The agents who answered in a queue from `from` on and before `until` (milliseconds since 1970), in the order of their numbers:
    /// whoever left it since is among them.
    public func agents(ofQueue name: String, from: Int64, until: Int64) throws -> [String] {
        try read { database in
            try String.fetchAll(
                database,
                sql: """
                    SELECT DISTINCT agent FROM queue_stays INDEXED BY queue_stays_totals
                    WHERE queue = ? AND entered_ms >= ? AND entered_ms < ? AND outcome = 'answered' AND agent IS NOT NULL
                    ORDER BY agent
                    """,
                arguments: [name, from, until]
            )
        }
    }

    /// Of the calls that entered a queue from `from` on and before `until` and were answered in it (by `agent`), how many there were, and how many of
    /// their callers came into it again within so long. Times are milliseconds, since 1970; who withholds his number cannot be known again, and
    /// a colleague who asks is no customer.
    public func contacts(
        from: Int64,
        until: Int64,
        queue name: String,
        agent: String? = nil,
        within: Int64
    ) throws -> (answered: Int, repeated: Int) {
        try read { database in
            let row = try Row.fetchOne(
                database,
                sql: """
                    WITH contacts AS (
                      SELECT number, min(entered_ms) AS at_ms,
                        max(outcome = 'answered' AND (:agent IS NULL OR agent = :agent)) AS is_answered
                      FROM queue_stays
                      WHERE queue = :queue AND entered_ms >= :from AND entered_ms < :until + :within
                        AND outcome IS NOT 'called-back' AND number NOT IN ('', 'anonymous')
                        AND NOT \(Self.isColleague)
                      GROUP BY call_id, number
                    ), followed AS (
                      SELECT *, lead(at_ms) OVER (PARTITION BY number ORDER BY at_ms) - at_ms AS after_ms FROM contacts
                    )
                    SELECT count(*) AS answered, total(after_ms <= :within) AS repeated FROM followed
                    WHERE is_answered AND at_ms < :until
                    """,
                arguments: ["agent": agent, "queue": name, "from": from, "until": until, "within": within]
            )
            let repeated: Double = row?["repeated"] ?? 0
            return (row?["answered"] ?? 0, Int(repeated))
        }
    }

    /// Of those who entered queues from one edge on and before the next, how many were led on without an agent and entered another queue, or
    /// that one again: their work is done there.
    public func ledOn(between edges: [Int64]) throws -> [Int] {
        try read { database in
            let names = try Self.names("queue", in: "queue_stays", database)
            let statement = try database.cachedStatement(sql: Self.countLedOn)
            return try zip(edges, edges.dropFirst()).map { from, until in
                try names.reduce(0) { sum, name in
                    try sum + (Int.fetchOne(statement, arguments: ["queue": name, "from": from, "until": until]) ?? 0)
                }
            }
        }
    }

    private static let countLedOn = """
        SELECT count(*) FROM queue_stays INDEXED BY queue_stays_totals
        WHERE queue = :queue AND entered_ms >= :from AND entered_ms < :until
          AND outcome NOT IN ('answered', 'abandoned', 'engine-restart', 'called-back') AND EXISTS (
            SELECT 1 FROM queue_stays AS later
            WHERE later.call_id = queue_stays.call_id AND later.entered_ms > queue_stays.entered_ms
          )
        """

    private static let isLost = HistorySchema.lost
    private static let waited = "coalesce(wait_ms, max(0, :now - entered_ms)) + carried_ms"

    /// Whoever was short in the queue may have been long in the call. A call whose start is gone counts from its entry.
    private static let sinceStart = """
        coalesce((
          SELECT entered_ms + wait_ms - CAST(round((julianday(started_at) - 2440587.5) * 86400000) AS INTEGER)
          FROM calls WHERE calls.call_id = queue_stays.call_id
        ), 0)
        """

    private static func totals(ofAgent: Bool) -> String {
        let window = """
            queue = :queue AND entered_ms >= :from AND entered_ms < :until
            AND outcome IS NOT 'called-back'\(ofAgent ? " AND agent = :agent" : "")
            """
        return """
            SELECT count(*) AS offered,
              sum(outcome = 'answered') AS answered,
              sum(outcome = 'answered' AND talk_ms IS NOT NULL) AS talked,
              sum(outcome = 'answered' AND wrap_up_ms IS NOT NULL) AS wrapped_up,
              sum(\(isLost)) AS abandoned,
              sum(\(isLost) AND wait_ms + carried_ms <= :short AND (NOT :by_call OR \(sinceStart) <= :short))
                AS short_abandoned,
              sum(outcome NOT IN ('answered', 'abandoned', 'engine-restart')) AS overflowed,
              sum(outcome IS NULL) AS waiting,
              sum(outcome IS NULL AND \(waited) > :threshold) AS waiting_beyond,
              sum(outcome = 'answered' AND wait_ms + carried_ms <= :threshold) AS answered_within,
              sum(\(isLost) AND wait_ms + carried_ms <= :threshold) AS abandoned_within,
              sum(\(waited) > :threshold) AS exceeded,
              sum(CASE outcome WHEN 'answered' THEN wait_ms + carried_ms END) AS wait_answered,
              sum(CASE WHEN \(isLost) THEN wait_ms + carried_ms END) AS wait_abandoned,
              sum(\(waited)) AS wait_all,
              max(\(waited)) AS max_wait,
              sum(talk_ms) AS talk, sum(hold_ms) AS hold, sum(wrap_up_ms) AS wrap_up,
              sum(CASE outcome WHEN 'answered' THEN ring_ms END) AS ring,
              (SELECT sum(wrap_up_extended_ms) FROM queue_stays INDEXED BY queue_stays_extended
                WHERE wrap_up_extended_ms > 0 AND \(window)) AS extended
            FROM queue_stays INDEXED BY queue_stays_totals WHERE \(window)
            """
    }

    /// The different values of the first column of an index: a seek each, however many rows there are.
    static func names(_ column: String, in table: String, _ database: Database) throws -> [String] {
        try String.fetchAll(
            database,
            sql: """
                WITH RECURSIVE found(name) AS (
                  SELECT min(\(column)) FROM \(table)
                  UNION ALL
                  SELECT (SELECT min(\(column)) FROM \(table) WHERE \(column) > name) FROM found WHERE name IS NOT NULL
                ) SELECT name FROM found WHERE name IS NOT NULL
                """
        )
    }
}

extension QueueTotalsRow {
    fileprivate init(_ queue: String, _ from: Int64, _ until: Int64, _ row: Row) {
        self.init(queue: queue, from: from, until: until)
        offered = row["offered"]
        guard offered > 0 else { return }
        // A sum over nothing but unknowns is null.
        func number(_ name: String) -> Int64 { row[name] ?? 0 }
        func count(_ name: String) -> Int { row[name] ?? 0 }
        (answered, abandoned, shortAbandoned) = (count("answered"), count("abandoned"), count("short_abandoned"))
        (talked, wrappedUp) = (count("talked"), count("wrapped_up"))
        (overflowed, waiting, waitingBeyond) = (count("overflowed"), count("waiting"), count("waiting_beyond"))
        (answeredWithin, abandonedWithin) = (count("answered_within"), count("abandoned_within"))
        exceeded = count("exceeded")
        (waitAnswered, waitAbandoned) = (number("wait_answered"), number("wait_abandoned"))
        (waitAll, maxWait) = (number("wait_all"), number("max_wait"))
        (talk, hold, wrapUp, ring) = (number("talk"), number("hold"), number("wrap_up"), number("ring"))
        extended = number("extended")
    }
}

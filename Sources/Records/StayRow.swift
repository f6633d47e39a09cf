import Accounting
import Events
import GRDB
import Timebase

/// A stay as a row of `queue_stays`, and an offer as one of `missed_offers`.
enum StayRow {
    private static let columns = QueueStay.CodingKeys.allCases.map(\.rawValue)

    static let upsert: String = {
        let names = columns.joined(separator: ", ")
        let marks = columns.map { _ in "?" }.joined(separator: ", ")
        let sets = columns.filter { $0 != "call_id" && $0 != "entered_ms" }.map { "\($0) = excluded.\($0)" }
            .joined(separator: ", ")
        return "INSERT INTO queue_stays (\(names)) VALUES (\(marks)) ON CONFLICT DO UPDATE SET \(sets)"
    }()

    /// In the order of the keys.
    static func arguments(_ stay: QueueStay) -> StatementArguments {
        let values: [(any DatabaseValueConvertible)?] = [
            stay.callID, stay.queue, stay.number, stay.priority, stay.position, stay.enteredMilliseconds,
            stay.carriedMilliseconds, stay.waitMilliseconds, stay.outcome?.rawValue, stay.agent, stay.offers,
            stay.ringMilliseconds, stay.connectedMilliseconds, stay.talkMilliseconds, stay.holdMilliseconds,
            stay.endedMilliseconds, stay.wrapUpMilliseconds, stay.extendedMilliseconds, stay.callerHungUp,
        ]
        return StatementArguments(values)
    }

    static func stay(_ row: Row) -> QueueStay {
        var stay = QueueStay(
            callID: row["call_id"],
            queue: row["queue"],
            number: row["number"],
            enteredMilliseconds: row["entered_ms"]
        )
        (stay.priority, stay.position, stay.offers) = (row["priority"], row["position"], row["offers"])
        (stay.carriedMilliseconds, stay.waitMilliseconds) = (row["carried_ms"], row["wait_ms"])
        stay.outcome = (row["outcome"] as String?).flatMap { QueueOutcome(rawValue: $0) }
        (stay.agent, stay.ringMilliseconds) = (row["agent"], row["ring_ms"])
        (stay.connectedMilliseconds, stay.talkMilliseconds) = (row["connected_ms"], row["talk_ms"])
        (stay.holdMilliseconds, stay.endedMilliseconds) = (row["hold_ms"], row["ended_ms"])
        (stay.wrapUpMilliseconds, stay.callerHungUp) = (row["wrap_up_ms"], row["caller_hung_up"])
        stay.extendedMilliseconds = row["wrap_up_extended_ms"]
        return stay
    }

    /// Two offers of one call to one agent never end in the same millisecond; a row that is there already says the same.
    static let insertOffer = """
        INSERT OR IGNORE INTO missed_offers (agent, at_ms, call_id, queue, result, rang_ms) VALUES (?, ?, ?, ?, ?, ?)
        """

    static func arguments(_ offer: MissedOffer) -> StatementArguments {
        [
            offer.agent, offer.atMilliseconds, offer.callID, offer.queue, offer.result.rawValue,
            offer.rangMilliseconds,
        ]
    }

    static func offer(_ row: Row) -> MissedOffer {
        MissedOffer(
            callID: row["call_id"],
            queue: row["queue"],
            agent: row["agent"],
            atMilliseconds: row["at_ms"],
            result: OfferResult(rawValue: row["result"]) ?? .withdrawn,
            rangMilliseconds: row["rang_ms"]
        )
    }

    /// The agent's last stay, where it does not say yet how long he wrapped up after it.
    static func unsettled(of agent: String, _ database: Database) throws -> QueueStayAssembler.Unsettled? {
        let last = try Row.fetchOne(
            database,
            sql: "SELECT * FROM queue_stays WHERE agent = ? ORDER BY connected_ms DESC LIMIT 1",
            arguments: [agent]
        )
        guard let last = last.map(stay), last.wrapUpMilliseconds == nil, let ended = last.endedMilliseconds else {
            return nil
        }
        let sum = try Int64.fetchOne(
            database,
            sql: """
                SELECT sum(until_ms - max(since_ms, :ended)) FROM agent_states
                WHERE agent = :agent AND until_ms > :ended AND state = 'wrap-up' AND queue = :queue
                """,
            arguments: ["agent": agent, "ended": ended, "queue": last.queue]
        )
        // The party may have been handed on to him in another call than the stay began in.
        let call = try String.fetchOne(
            database,
            sql: """
                SELECT call_id FROM agent_states WHERE agent = ? AND queue = ? AND state IN ('on-call', 'wrap-up')
                ORDER BY since_ms DESC LIMIT 1
                """,
            arguments: [agent, last.queue]
        )
        return QueueStayAssembler.Unsettled(stay: last, wrapUpMilliseconds: sum ?? 0, talkedIn: call ?? last.callID)
    }

    /// With who is called back nobody speaks before his call's answer.
    private static let talkBegan = """
        CASE outcome WHEN 'called-back' THEN coalesce((
          SELECT \(milliseconds(of: "answered_at")) FROM calls
          WHERE calls.call_id = queue_stays.call_id
        ), :now) ELSE connected_ms END
        """

    /// A caller who waited has a wait up to the last known time; a talk stays answered, and has ended then.
    ///
    /// - Returns: what the queues would have told of it.
    static func closeInterrupted(_ database: Database, at now: Int64) throws -> [CutOff] {
        let rung = try endRinging(database, at: now)
        let open = try Row.fetchAll(database, sql: "SELECT * FROM queue_stays WHERE ended_ms IS NULL").map(stay)
        try database.execute(
            sql: """
                UPDATE queue_stays SET
                  outcome = coalesce(outcome, 'engine-restart'),
                  wait_ms = coalesce(wait_ms, max(0, :now - entered_ms)),
                  talk_ms = CASE WHEN connected_ms IS NULL THEN NULL ELSE max(0, :now - \(talkBegan)) END,
                  caller_hung_up = 0,
                  ended_ms = max(:now, coalesce(connected_ms, entered_ms))
                WHERE ended_ms IS NULL
                """,
            arguments: ["now": now]
        )
        // Of who was handed on, the end of his call would have told.
        try database.execute(
            sql: """
                UPDATE queue_stays SET caller_hung_up = 0
                WHERE caller_hung_up IS NULL AND call_id IN (SELECT call_id FROM calls WHERE ended_at IS NULL)
                """
        )
        return rung + open.map { CutOff(call: $0.callID, event: end(of: $0, at: now), at: WallTime(milliseconds: now)) }
    }

    /// The agent in a row of `agent_states` hears whose call it is, and has the caller not yet.
    private static let isIntroduced = """
        state = 'on-call' AND EXISTS (
          SELECT 1 FROM queue_stays AS stay
          WHERE stay.call_id = agent_states.call_id AND stay.queue = agent_states.queue
            AND stay.ended_ms IS NULL AND stay.connected_ms IS NULL
        )
        """

    /// How long his phone had rung before that.
    private static let rangBefore = """
        coalesce((
          SELECT rung.until_ms - rung.since_ms FROM agent_states AS rung
          WHERE rung.agent = agent_states.agent AND rung.until_ms = agent_states.since_ms AND rung.state = 'ringing'
        ), 0)
        """

    /// Whom a phone rang for then is known from its agent's state, and how many phones had rung from what became of them.
    private static func endRinging(_ database: Database, at now: Int64) throws -> [CutOff] {
        let offers = try Row.fetchAll(
            database,
            sql: """
                SELECT agent, max(:now, since_ms) AS at_ms, call_id, queue, :result AS result,
                  CASE state WHEN 'ringing' THEN max(0, :now - since_ms) ELSE \(rangBefore) END AS rang_ms
                FROM agent_states
                WHERE until_ms IS NULL AND (state = 'ringing' OR \(isIntroduced)) AND call_id IS NOT NULL AND queue IS NOT NULL
                ORDER BY agent
                """,
            arguments: ["now": now, "result": OfferResult.withdrawn.rawValue]
        ).map(offer)
        for offer in offers { try database.execute(sql: insertOffer, arguments: arguments(offer)) }
        try database.execute(
            sql: """
                UPDATE queue_stays SET offers = (
                  SELECT count(*) FROM missed_offers AS offer
                  WHERE offer.call_id = queue_stays.call_id AND offer.queue = queue_stays.queue AND offer.at_ms >= entered_ms
                ) WHERE ended_ms IS NULL AND connected_ms IS NULL
                """
        )
        return offers.map { offer in
            let end = QueueOfferEnded(
                queue: offer.queue,
                agent: offer.agent,
                result: offer.result,
                rangMilliseconds: offer.rangMilliseconds
            )
            return CutOff(call: offer.callID, event: .queueOfferEnded(end), at: WallTime(milliseconds: now))
        }
    }

    private static func end(of stay: QueueStay, at now: Int64) -> Event {
        if stay.outcome != nil, let agent = stay.agent { return .queueTalkEnded(queue: stay.queue, agent: agent) }
        let waited = max(0, now - stay.enteredMilliseconds) + stay.carriedMilliseconds
        return .queueLeft(
            QueueLeft(
                queue: stay.queue,
                outcome: .restart,
                waitMilliseconds: waited,
                agent: nil,
                offers: stay.offers
            )
        )
    }
}

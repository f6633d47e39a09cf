public import Accounting
import Config
import Events
import Records
import Statistics
public import WhatIf

/// A queue's figures as they were, as the replay of the same day has them, and as they would be.
public struct WhatIfRow: ReportRow, Sendable {
    /// `recorded`, `replayed`, `what-if`.
    public var figures: String
    public var queue: String
    public var offered: Int
    public var answered: Int
    public var abandoned: Int
    public var overflowed: Int
    /// Not served, and there to the end.
    public var waiting: Int
    @OrNull public var service_level: Double?
    @OrNull public var asa_s: Double?
    @OrNull public var abandon_rate: Double?
    @OrNull public var occupancy: Double?
    /// Times that an agent took a caller to call him back, and how long these had waited for it in the mean: no part of the other figures.
    public var called_back: Int
    @OrNull public var callback_wait_s: Double?

    var place: String { "\(queue) \(figures)" }

    static let keys = [
        "queue", "figures", "offered", "answered", "abandoned", "overflowed", "waiting", "service_level", "asa_s",
        "abandon_rate", "occupancy", "called_back", "callback_wait_s",
    ]
}

extension Reporter {
    /// Who entered queues, in one replay.
    static let mostArrivals = 200_000
    /// Milliseconds by which a stay's clocks (one for lengths, one for points) may be apart.
    private static let clockSlack: Int64 = 2_000

    /// Replays the request's window as it was and with alterations. The difference between the two replays is what the alterations do;
    /// the difference between the recorded and the first replay is what the replay does not know.
    /// `mayGoOn` is asked now and then.
    public func whatIf(
        _ request: Request,
        _ alterations: [Alteration],
        while mayGoOn: () -> Bool = { true }
    ) throws -> Report {
        try check(request)
        for alteration in alterations {
            guard let name = alteration.queue, tenant.queues[name] == nil else { continue }
            throw Fault(
                description:
                    "there is no queue '\(name)'; there are: \(tenant.queues.keys.sorted().joined(separator: ", "))"
            )
        }
        for alteration in alterations {
            let queues = alteration.queue == nil ? tenant.queues.count : 1
            guard let agents = alteration.agents, agents * queues > Replay.mostAgents else { continue }
            throw Fault(
                description:
                    "\(agents) agents in each of \(queues) queues are more than \(Replay.mostAgents); name a queue"
            )
        }
        let arrivals = try database.stayCount(from: request.window.from, until: request.window.until)
        guard arrivals <= Self.mostArrivals else {
            throw Fault(
                description:
                    "\(arrivals) callers are more than the \(Self.mostArrivals) that are replayed at once; "
                    + "shorten the time with --since and --until"
            )
        }
        let day = try recordedDay(request.window)
        guard !day.arrivals.isEmpty else {
            throw Fault(description: "nobody entered a queue in that time; give another with --since and --until")
        }
        let formula = try formula(request)
        var wanted = request
        wanted.grouping = nil
        let recorded = try queueRows(wanted)
        let asWas: Replay.Outcome
        let altered: Replay.Outcome
        do {
            asWas = try Replay(day, tenant: tenant).run(while: mayGoOn)
            altered = try Replay(day, tenant: tenant, alterations: alterations).run(while: mayGoOn)
        } catch {
            throw Fault(description: "the replay takes too long; shorten the time with --since and --until")
        }
        let called = Dictionary(grouping: day.callbacks, by: \.queue)
        var rows: [WhatIfRow] = []
        for name in Set(day.arrivals.map(\.queue)).sorted() where request.queue == nil || request.queue == name {
            rows += recorded.filter { $0.queue == name }.map { WhatIfRow($0, calledBack: called[name] ?? []) }
            rows.append(row("replayed", name, asWas, formula))
            rows.append(row("what-if", name, altered, formula))
        }
        let notes = [
            "service level \(formula.rawValue) = \(formula.formula); \(ServiceLevelFormula.legend)",
            "replayed: the same arrivals, patience, talks and agents' hours through the queues' own code; what-if: with what is altered",
            "of whoever was answered it is not known how long he would have waited: he gives up as others of his queue did (Kaplan–Meier)",
            "a caller who goes on to another queue enters that one when he did; those who still wait are not replayed",
            "whom nobody serves in a replay, and who would not give up, waits to its end: offered, and late once beyond X (W)",
            "whoever left the line to be called back does so again, unless he is answered before; his place stands, and attempts go as they did",
            "occupancy = \(AgentMetric.occupancy.formula); ringing counts as available",
        ]
        return try Report(rows: rows, keys: WhatIfRow.keys, notes: notes, page: request.page)
    }

    private func row(
        _ figures: String,
        _ queue: String,
        _ outcome: Replay.Outcome,
        _ formula: ServiceLevelFormula
    ) -> WhatIfRow {
        var tally = QueueTally()
        let calledBack = outcome.stays.filter { $0.queue == queue && $0.outcome == .calledBack }.map(\.wait)
        for stay in outcome.stays where stay.queue == queue && stay.outcome != .calledBack {
            let ended: QueueCallOutcome.Outcome =
                switch stay.outcome {
                case .answered, .calledBack: .answered
                case .abandoned, .restart: .abandoned
                case .callback, .timeout, .empty, .full, .key, .transferred, .closed: .overflowed
                case nil: .stillWaiting
                }
            tally.add(
                QueueCallOutcome(wait: stay.wait + stay.carried, outcome: ended, talk: stay.talk),
                under: thresholds(of: queue)
            )
        }
        var time = AgentTime()
        for agent in outcome.agents[queue] ?? [] {
            let states = outcome.states[agent] ?? [:]
            time.talk += states[.onCall] ?? 0
            time.wrapUp += states[.wrapUp] ?? 0
            time.ringing += states[.ringing] ?? 0
            time.available += states[.available] ?? 0
        }
        return WhatIfRow(
            figures: figures,
            queue: queue,
            offered: Int(tally.offered),
            answered: Int(tally.answered),
            abandoned: Int(tally.abandoned),
            overflowed: Int(tally.overflowed),
            waiting: Int(tally.waiting),
            service_level: rounded(formula.value(of: tally)),
            asa_s: toMillisecond(QueueMetric.averageSpeedOfAnswer.value(of: tally)),
            abandon_rate: rounded(QueueMetric.abandonRate.value(of: tally)),
            occupancy: rounded(AgentMetric.occupancy.value(of: time)),
            called_back: calledBack.count,
            callback_wait_s: WhatIfRow.mean(calledBack)
        )
    }

    // MARK: the day

    func recordedDay(_ window: Window) throws -> RecordedDay {
        let arrivals = try database.stays(from: window.from, until: window.until).compactMap {
            stay -> RecordedDay.Arrival? in
            guard let outcome = stay.outcome, outcome != .calledBack, let wait = stay.waitMilliseconds,
                tenant.queues[stay.queue] != nil
            else { return nil }
            return RecordedDay.Arrival(
                // A call may enter more than one queue.
                call: Self.arrival(stay.callID, stay.enteredMilliseconds),
                queue: stay.queue,
                number: stay.number,
                priority: stay.priority,
                entered: stay.enteredMilliseconds,
                carried: stay.carriedMilliseconds,
                wait: wait,
                outcome: outcome,
                talk: stay.talkMilliseconds,
                wrapUp: stay.wrapUpMilliseconds,
                ring: stay.ringMilliseconds
            )
        }
        let users = Set(tenant.queues.values.flatMap { $0.agents.map(\.user) }).sorted()
        return RecordedDay(
            from: window.from,
            until: window.until,
            arrivals: arrivals.sorted { ($0.entered, $0.call.value) < ($1.entered, $1.call.value) },
            agents: try users.map { try recorded($0, window) },
            callbacks: try callbacks(window)
        )
    }

    private static func arrival(_ call: String, _ entered: Int64) -> CallID { CallID("\(call)/\(entered)") }

    /// Who wanted to be called back, and each time that an agent took him. A stay does not name the wish: it is that of the same number
    /// in the same queue, made when the stay says.
    private func callbacks(_ window: Window) throws -> [RecordedDay.Callback] {
        let wishes = try database.callbacksStanding(from: window.from, until: window.until)
            .filter { tenant.queues[$0.callback.queue] != nil }
        guard !wishes.isEmpty else { return [] }
        let taken = Dictionary(
            grouping: try database.calledBackStays(from: window.from, until: window.until),
            by: { [$0.queue, $0.number] }
        )
        let askers = try database.callbackAskers(from: window.from, until: window.until)
        return wishes.map { row in
            let wish = row.callback
            let attempts = (taken[[wish.queue, wish.number]] ?? []).filter { stay in
                let requested = stay.enteredMilliseconds - stay.carriedMilliseconds
                return abs(requested - wish.requestedMilliseconds) <= Self.clockSlack
            }
            let asker = askers.last { $0.callback == wish.id && $0.queue == wish.queue }
            return RecordedDay.Callback(
                id: wish.id,
                queue: wish.queue,
                number: wish.number,
                skill: wish.skill,
                requested: wish.requestedMilliseconds,
                askedBy: asker.map { Self.arrival($0.callID, $0.enteredMilliseconds) },
                attempts: attempts.map {
                    RecordedDay.Callback.Attempt(
                        began: $0.enteredMilliseconds,
                        ring: $0.ringMilliseconds ?? 0,
                        // As long as it kept its agent busy, the ringing of whom he called included.
                        talk: max(0, ($0.endedMilliseconds ?? 0) - ($0.connectedMilliseconds ?? 0)),
                        wrapUp: $0.wrapUpMilliseconds
                    )
                },
                cancelled: wish.state == .cancelled ? row.doneMilliseconds : nil
            )
        }
    }

    private func recorded(_ user: String, _ window: Window) throws -> RecordedDay.Agent {
        var presence: [(since: Int64, RecordedDay.Presence)] = []
        for interval in try database.agentIntervals(of: user, from: window.from, until: window.until) {
            let next = Self.presence(interval)
            if presence.last?.1 != next { presence.append((interval.sinceMilliseconds, next)) }
        }
        let totals = try database.agentTotals(from: window.from, until: window.until, agent: user, now: lastKnown).first
        let rang = (totals?.handled ?? 0) + (totals?.missed ?? 0)
        return RecordedDay.Agent(
            user: user,
            presence: presence,
            missRate: rang == 0 ? 0 : Double(totals?.missed ?? 0) / Double(rang)
        )
    }

    private static func presence(_ interval: AgentInterval) -> RecordedDay.Presence {
        switch interval.state {
        case .loggedOut, .blocked: .away
        case .available, .ringing, .wrapUp: .here
        case .onCall: interval.queue == nil ? .engaged : .here
        case .paused: .paused(interval.reason ?? "")
        case .unreachable: .unreachable
        }
    }
}

extension WhatIfRow {
    fileprivate static func mean(_ waits: [Int64]) -> Double? {
        waits.isEmpty ? nil : milli(Double(waits.reduce(0, +)) / 1000 / Double(waits.count))
    }

    init(_ row: QueueReportRow, calledBack: [RecordedDay.Callback]) {
        let waits = calledBack.flatMap { wish in wish.attempts.map { $0.began - wish.requested } }
        self.init(
            figures: "recorded",
            queue: row.queue,
            offered: row.offered,
            answered: row.answered,
            abandoned: row.abandoned,
            overflowed: row.overflowed,
            waiting: row.waiting,
            service_level: row.service_level,
            asa_s: row.asa_s,
            abandon_rate: row.abandon_rate,
            occupancy: row.occupancy,
            called_back: waits.count,
            callback_wait_s: Self.mean(waits)
        )
    }
}

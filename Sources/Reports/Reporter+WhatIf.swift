import Accounting
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
    @OrNull public var service_level: Double?
    @OrNull public var asa_s: Double?
    @OrNull public var abandon_rate: Double?
    @OrNull public var occupancy: Double?

    var place: String { "\(queue) \(figures)" }

    static let keys = [
        "queue", "figures", "offered", "answered", "abandoned", "overflowed", "service_level", "asa_s", "abandon_rate",
        "occupancy",
    ]
}

extension Reporter {
    /// Replays the request's window as it was and with alterations. The difference between the two replays is what the alterations do;
    /// the difference between the recorded and the first replay is what the replay does not know.
    public func whatIf(_ request: Request, _ alterations: [Alteration]) throws -> Report {
        for alteration in alterations {
            guard let name = alteration.queue, tenant.queues[name] == nil else { continue }
            throw Fault(
                description:
                    "there is no queue '\(name)'; there are: \(tenant.queues.keys.sorted().joined(separator: ", "))"
            )
        }
        let day = try recordedDay(request.window)
        guard !day.arrivals.isEmpty else {
            throw Fault(description: "nobody entered a queue in that time; give another with --since and --until")
        }
        let formula = try formula(request)
        var wanted = request
        wanted.grouping = .queue
        let recorded = try queueRows(wanted)
        let asWas = Replay(day, tenant: tenant).run()
        let altered = Replay(day, tenant: tenant, alterations: alterations).run()
        var rows: [WhatIfRow] = []
        for name in Set(day.arrivals.map(\.queue)).sorted() where request.queue == nil || request.queue == name {
            rows += recorded.filter { $0.queue == name }.map(WhatIfRow.init)
            rows.append(row("replayed", name, asWas, formula))
            rows.append(row("what-if", name, altered, formula))
        }
        let notes = [
            "service level \(formula.rawValue) = \(formula.formula); \(ServiceLevelFormula.legend)",
            "replayed: the same arrivals, patience, talks and agents' hours through the queues' own code; what-if: with what is altered",
            "of whoever was answered it is not known how long he would have waited: he gives up as others of his queue did (Kaplan–Meier)",
            "a caller who goes on to another queue enters that one when he did; call-backs and those who still wait are left out",
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
        for stay in outcome.stays where stay.queue == queue {
            let ended: QueueCallOutcome.Outcome =
                switch stay.outcome {
                case .answered, .calledBack: .answered
                case .abandoned: .abandoned
                case .callback, .timeout, .empty, .full, .key, .closed, .restart: .overflowed
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
            service_level: rounded(formula.value(of: tally)),
            asa_s: rounded(QueueMetric.averageSpeedOfAnswer.value(of: tally)),
            abandon_rate: rounded(QueueMetric.abandonRate.value(of: tally)),
            occupancy: rounded(AgentMetric.occupancy.value(of: time))
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
                call: CallID("\(stay.callID)/\(stay.enteredMilliseconds)"),
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
            agents: try users.map { try recorded($0, window) }
        )
    }

    private func recorded(_ user: String, _ window: Window) throws -> RecordedDay.Agent {
        var presence: [(since: Int64, RecordedDay.Presence)] = []
        for interval in try database.agentIntervals(of: user, from: window.from, until: window.until) {
            let next = Self.presence(interval)
            if presence.last?.1 != next { presence.append((interval.sinceMilliseconds, next)) }
        }
        let totals = try database.agentTotals(from: window.from, until: window.until, agent: user, now: now).first
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
    init(_ row: QueueReportRow) {
        self.init(
            figures: "recorded",
            queue: row.queue,
            offered: row.offered,
            answered: row.answered,
            abandoned: row.abandoned,
            overflowed: row.overflowed,
            service_level: row.service_level,
            asa_s: row.asa_s,
            abandon_rate: row.abandon_rate,
            occupancy: row.occupancy
        )
    }
}

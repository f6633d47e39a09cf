import Accounting
import Config
import Events
import Foundation
import Records
public import Statistics
import Timebase

/// What became of the callers of queues.
extension Reporter {
    /// The letters of a queue: its own thresholds.
    func thresholds(of queue: String) -> ServiceThresholds {
        guard let settings = tenant.queues[queue] else { return ServiceThresholds() }
        return ServiceThresholds(
            answerWithin: Int64(settings.serviceLevelSeconds) * 1000,
            shortAbandon: Int64(settings.abandonThreshold.inMilliseconds.rounded()),
            targetPercent: Double(settings.serviceLevelTarget)
        )
    }

    func formula(_ request: Request) throws -> ServiceLevelFormula {
        try request.filters[.formula].map { try ServiceLevelFormula(named: $0) } ?? .standard
    }

    public func queueRows(_ request: Request) throws -> [QueueReportRow] {
        let formula = try formula(request)
        let days = try fcrDays(request)
        let edges = try request.grouping?.length.map { length in
            try intervals(of: request.window, by: length).map(\.lowerBound)
        }
        let known = try database.queueNames()
        let names = request.queue.map { [$0] } ?? Set(tenant.queues.keys).union(known).sorted()
        var rows: [QueueReportRow] = []
        // An agent of many queues is looked up once.
        var times: [String: [AgentTime]] = [:]
        let all = [request.window.from] + (edges ?? []).filter { $0 > request.window.from } + [request.window.until]
        for name in names {
            let limits = thresholds(of: name)
            for agent in try agents(for: request, in: name) {
                let totals = try database.queueTotals(
                    from: request.window.from,
                    until: request.window.until,
                    queue: name,
                    agent: agent,
                    threshold: limits.answerWithin,
                    short: limits.shortAbandon,
                    fromCall: tenant.queues[name]?.abandonFrom == .call,
                    now: lastKnown,
                    groupedBy: edges
                )
                for row in totals {
                    var made = try self.row(row, agent: agent, formula, all, &times)
                    made.first_contact_resolution = try days.flatMap { try resolution(within: $0, row, agent) }
                    rows.append(made)
                }
            }
        }
        return rows
    }

    /// nil: all together.
    private func agents(for request: Request, in queue: String) throws -> [String?] {
        if let agent = request.agent { return [agent] }
        guard request.grouping == .agent else { return [nil] }
        return try database.agents(ofQueue: queue, from: request.window.from, until: request.window.until)
    }

    private func row(
        _ totals: QueueTotalsRow,
        agent: String?,
        _ formula: ServiceLevelFormula,
        _ edges: [Int64],
        _ times: inout [String: [AgentTime]]
    ) throws -> QueueReportRow {
        let tally = QueueTally(totals)
        return QueueReportRow(
            queue: totals.queue,
            agent: agent,
            from: stamp(totals.from),
            to: stamp(totals.until),
            offered: totals.offered,
            answered: totals.answered,
            abandoned: totals.abandoned,
            short_abandoned: totals.shortAbandoned,
            overflowed: totals.overflowed,
            waiting: totals.waiting,
            service_level: rounded(formula.value(of: tally)),
            service_level_formula: formula.rawValue,
            asa_s: toMillisecond(QueueMetric.averageSpeedOfAnswer.value(of: tally)),
            aht_s: toMillisecond(QueueMetric.averageHandleTime.value(of: tally)),
            acw_s: toMillisecond(QueueMetric.averageWrapUp.value(of: tally)),
            max_wait_s: seconds(totals.maxWait),
            abandon_rate: rounded(QueueMetric.abandonRate.value(of: tally)),
            occupancy: try occupancy(
                of: agent.map { [$0] } ?? tenant.queues[totals.queue]?.agents.map(\.user) ?? [],
                totals,
                edges,
                &times
            ),
            talk_s: seconds(totals.talk - totals.hold),
            hold_s: seconds(totals.hold),
            average_delay_s: toMillisecond(QueueMetric.averageDelay.value(of: tally)),
            average_time_to_abandon_s: toMillisecond(QueueMetric.averageTimeToAbandon.value(of: tally)),
            abandon_rate_of_offered: rounded(QueueMetric.abandonRateOfOffered.value(of: tally)),
            short_abandon_rate: rounded(QueueMetric.shortAbandonRate.value(of: tally)),
            acw_auto_s: toMillisecond(QueueMetric.averageAutomaticWrapUp.value(of: tally)),
            acw_manual_s: toMillisecond(QueueMetric.averageManualWrapUp.value(of: tally))
        )
    }

    /// Whether a caller comes again is waited for so many days.
    public static let fcrDays = 1...90

    /// nil: it is not asked for.
    private func fcrDays(_ request: Request) throws -> Int? {
        guard let text = request.filters[.fcrDays] else { return nil }
        if let days = Int(text), Self.fcrDays.contains(days) { return days }
        throw Fault(description: "'\(text)' are no days to wait whether a caller comes again; write 1 to 90")
    }

    private func resolution(within days: Int, _ row: QueueTotalsRow, _ agent: String?) throws -> Double? {
        let contacts = try database.contacts(
            from: row.from,
            until: row.until,
            queue: row.queue,
            agent: agent,
            within: Int64(days) * 86_400_000
        )
        return rounded(firstContactResolution(answered: contacts.answered, repeated: contacts.repeated))
    }

    /// Of the queue's agents together, in whatever queue they worked: nobody is idle for one queue alone.
    private func occupancy(
        of agents: [String],
        _ totals: QueueTotalsRow,
        _ edges: [Int64],
        _ times: inout [String: [AgentTime]]
    ) throws -> Double? {
        guard let place = edges.firstIndex(of: totals.from) else { return nil }
        var sum = AgentTime()
        for agent in agents {
            let own =
                try times[agent] ?? database.workTimes(of: agent, edges: edges, now: lastKnown).map(AgentTime.init)
            times[agent] = own
            if own.indices.contains(place) { sum = sum + own[place] }
        }
        return rounded(AgentMetric.occupancy.value(of: sum))
    }

    func queues(_ request: Request) throws -> Report {
        let formula = try formula(request)
        let limits = request.queue.map(thresholds) ?? ServiceThresholds()
        let isFromCall = request.queue.flatMap { tenant.queues[$0]?.abandonFrom } == .call
        let origin = isFromCall ? "call's start" : "entry into the queue"
        var notes = [
            "service level \(formula.rawValue) = \(formula.formula); \(ServiceLevelFormula.legend)",
            request.queue == nil
                ? "X and h are each queue's own service_level and abandon_threshold; h counts as its abandon_from says"
                : "X = \(limits.answerWithin / 1000) s, h = \(limits.shortAbandon / 1000) s from the \(origin)",
        ]
        notes += [QueueMetric.averageSpeedOfAnswer, .averageHandleTime, .averageWrapUp, .abandonRate].map {
            "\($0.rawValue) = \($0.formula)"
        }
        notes.append("occupancy = \(AgentMetric.occupancy.formula); ringing counts as available")
        notes += QueueReportRow.variants.sorted { $0.key < $1.key }.map { "\($0.value.rawValue) = \($0.value.formula)" }
        if let days = try fcrDays(request) {
            notes.append(
                "first_contact_resolution = \(firstContactResolutionFormula), N = \(days); withheld numbers and colleagues left out"
            )
        }
        notes.append("a call belongs to the interval in which it entered the queue")
        return try Report(
            rows: try queueRows(request),
            keys: QueueReportRow.keys,
            extras: QueueReportRow.variants.keys.sorted(),
            notes: notes,
            page: request.page
        )
    }
}

extension ServiceLevelFormula {
    /// - Throws: `Reporter.Fault` where there is none of that name.
    public init(named name: String) throws {
        let known = Self.allCases
        guard let formula = known.first(where: { $0.rawValue.lowercased() == name.lowercased() }) else {
            let names = known.map(\.rawValue).joined(separator: ", ")
            throw Reporter.Fault(description: "there is no formula '\(name)'; use \(names)")
        }
        self = formula
    }
}

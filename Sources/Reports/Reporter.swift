import Accounting
public import Config
import Events
public import Foundation
import Records
import Statistics
import Timebase

/// Makes the reports of one tenant from its history. The command line, the HTTP interface and the live view's "today" are this.
public struct Reporter {
    public enum Kind: String, CaseIterable, Sendable {
        case queues, agents, calls, trunks, worktime, missed

        /// What a report of this kind can be narrowed to; it has no other filter.
        public var filters: [Filter] {
            switch self {
            case .queues: [.queue, .agent, .formula, .fcrDays]
            case .agents, .worktime: [.agent]
            case .calls, .trunks: [.queue, .agent, .trunk, .from, .to, .disposition]
            case .missed: [.queue]
            }
        }

        /// What it can have a row for each of.
        public var groupings: [Grouping] {
            switch self {
            case .queues: Grouping.allCases
            case .agents, .worktime: Grouping.times + [.agent]
            case .calls, .trunks: Grouping.times
            case .missed: []
            }
        }
    }

    /// By the name that the command line and HTTP give it.
    public enum Filter: String, CaseIterable, Sendable {
        case queue, agent
        /// A name of `ServiceLevelFormula`; without one: the standard one.
        case formula
        /// Within how many days who comes again was not helped: asks for the first-contact resolution.
        case fcrDays = "fcr-days"
        case trunk, from, to
        /// A name of `Disposition`.
        case disposition
    }

    public enum Grouping: String, CaseIterable, Sendable {
        case quarter = "15m"
        case halfHour = "30m"
        case hour, day, week, queue, agent

        public static let times = allCases.filter { $0.length != nil }

        var length: IntervalLength? {
            switch self {
            case .quarter: .quarterHour
            case .halfHour: .halfHour
            case .hour: .hour
            case .day: .day
            case .week: .week
            case .queue, .agent: nil
            }
        }
    }

    public struct Window: Sendable {
        /// Milliseconds since 1970; the end is excluded.
        public var from: Int64
        public var until: Int64

        public init(from: Int64, until: Int64) { (self.from, self.until) = (from, until) }
    }

    public struct Request: Sendable {
        public var window: Window
        /// nil: the rows that the report has by itself.
        public var grouping: Grouping?
        public var filters: [Filter: String] = [:]
        public var page = Page()

        public init(window: Window) { self.window = window }

        var queue: String? { filters[.queue] }
        var agent: String? { filters[.agent] }
    }

    public struct Fault: Error, CustomStringConvertible { public var description: String }

    let tenant: Tenant
    let database: TenantDatabase
    let zone: ZoneRules
    let now: Int64
    /// Until when things that lasted then are known to have lasted.
    let lastKnown: Int64

    /// A tenant whose first call has not come yet has reports without a figure. Where no switch is up, what the last one left open
    /// ended when that is last known to have lived, as it will at the next start.
    public init(tenant: Tenant, folder: URL, now: Date, isSwitchUp: Bool) throws {
        self.tenant = tenant
        database = try TenantDatabase(reading: folder, tenant: tenant.id) ?? TenantDatabase(emptyOf: tenant.id)
        guard try database.isOfThisVersion else {
            throw Fault(
                description: """
                    the records of tenant \(tenant.id) are of another version; a start of this version's switch brings them up to date
                    """
            )
        }
        zone = try Self.rules(of: tenant.timeZone)
        self.now = Int64((now.timeIntervalSince1970 * 1000).rounded())
        lastKnown = isSwitchUp ? self.now : min(self.now, try database.lastKnown)
    }

    /// The machine's own rules of a zone (RFC 8536). A report in another zone's days would be wrong without a word.
    static func rules(of zone: String) throws -> ZoneRules {
        if ["UTC", "GMT"].contains(zone) { return .utc }
        let place = "/usr/share/zoneinfo/\(zone)"
        guard !zone.contains(".."), let data = FileManager.default.contents(atPath: place),
            let rules = try? ZoneRules(tzif: Array(data))
        else {
            throw Fault(description: "the rules of the time zone \(zone) cannot be read from \(place); install tzdata")
        }
        return rules
    }

    /// From midnight in the tenant's zone to now.
    public var today: Window {
        let parts = Intervals.intervals(from: now - 90_000_000, to: now, by: .day, in: zone)
        return Window(from: parts.last?.lowerBound ?? now, until: now + 1)
    }

    public func report(_ kind: Kind, _ request: Request) throws -> Report {
        try check(request, of: kind)
        return switch kind {
        case .queues: try queues(request)
        case .agents: try agents(request, AgentReportRow.keys)
        case .worktime: try agents(request, AgentReportRow.workTimeKeys)
        case .calls: try calls(request)
        case .trunks: try trunks(request)
        case .missed: try missed(request)
        }
    }

    // MARK: queues

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
        guard let name = request.filters[.formula] else { return .standard }
        let known = ServiceLevelFormula.allCases
        guard let formula = known.first(where: { $0.rawValue.lowercased() == name.lowercased() }) else {
            throw Fault(
                description: "there is no formula '\(name)'; use \(known.map(\.rawValue).joined(separator: ", "))"
            )
        }
        return formula
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
            asa_s: rounded(QueueMetric.averageSpeedOfAnswer.value(of: tally)),
            aht_s: rounded(QueueMetric.averageHandleTime.value(of: tally)),
            acw_s: rounded(QueueMetric.averageWrapUp.value(of: tally)),
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
            average_delay_s: rounded(QueueMetric.averageDelay.value(of: tally)),
            average_time_to_abandon_s: rounded(QueueMetric.averageTimeToAbandon.value(of: tally)),
            abandon_rate_of_offered: rounded(QueueMetric.abandonRateOfOffered.value(of: tally)),
            short_abandon_rate: rounded(QueueMetric.shortAbandonRate.value(of: tally))
        )
    }

    /// nil: it is not asked for.
    private func fcrDays(_ request: Request) throws -> Int? {
        guard let text = request.filters[.fcrDays] else { return nil }
        if let days = Int(text), (1...90).contains(days) { return days }
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

    private func queues(_ request: Request) throws -> Report {
        let formula = try formula(request)
        let limits = request.queue.map(thresholds) ?? ServiceThresholds()
        var notes = [
            "service level \(formula.rawValue) = \(formula.formula); \(ServiceLevelFormula.legend)",
            request.queue == nil
                ? "X and h are each queue's own service_level and abandon_threshold"
                : "X = \(limits.answerWithin / 1000) s, h = \(limits.shortAbandon / 1000) s",
        ]
        notes += [QueueMetric.averageSpeedOfAnswer, .averageHandleTime, .averageWrapUp, .abandonRate].map {
            "\($0.rawValue) = \($0.formula)"
        }
        notes.append("occupancy = \(AgentMetric.occupancy.formula); ringing counts as available")
        notes += QueueReportRow.variants.sorted { $0.key < $1.key }.map { "\($0.value.rawValue) = \($0.value.formula)" }
        if let days = try fcrDays(request) {
            notes.append(
                "first_contact_resolution = \(firstContactResolutionFormula), N = \(days); withheld numbers left out"
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

    // MARK: the rest

    public func agentRows(_ request: Request) throws -> [AgentReportRow] {
        let windows = try request.grouping?.length.map { length in
            try intervals(of: Window(from: request.window.from, until: min(request.window.until, now + 1)), by: length)
                .map { Window(from: $0.lowerBound, until: $0.upperBound) }
        }
        return try (windows ?? [request.window]).flatMap { window in
            let totals = try database.agentTotals(
                from: window.from,
                until: window.until,
                agent: request.agent,
                now: lastKnown
            )
            // Who was to work and never came is in no history.
            let absent = tenant.users.keys.sorted().filter { user in
                tenant.shift(of: user) != nil && request.agent ?? user == user && !totals.contains { $0.agent == user }
            }
            return try (totals + absent.map { AgentTotalsRow(agent: $0) }).compactMap { try row($0, window) }
        }
    }

    /// nil: he was not there, and was not to be.
    private func row(_ totals: AgentTotalsRow, _ window: Window) throws -> AgentReportRow? {
        let adherence = try adherence(of: totals.agent, in: window)
        guard totals.covered > 0 || totals.handled > 0 || adherence?.planned ?? 0 > 0 else { return nil }
        let presence = try database.presence(
            of: totals.agent,
            from: window.from,
            until: window.until,
            now: lastKnown
        )
        let state = { (state: AgentState) in totals.states[state.rawValue] ?? 0 }
        var time = AgentTime()
        (time.talk, time.wrapUp) = (state(.onCall), state(.wrapUp))
        (time.ringing, time.available) = (state(.ringing), state(.available))
        let handling = totals.talk + totals.wrapUp
        let unpaid = totals.pauses.reduce(0) { sum, pause in
            tenant.pauseReason(pause.key)?.isPaid ?? true ? sum : sum + pause.value
        }
        (time.offPhone, time.paid) = (state(.paused) - unpaid, totals.loggedIn - unpaid)
        return AgentReportRow(
            agent: totals.agent,
            name: tenant.users[totals.agent]?.name,
            from: stamp(window.from),
            to: stamp(window.until),
            handled: totals.handled,
            offers: totals.offers,
            missed: totals.missed,
            answer_rate: totals.handled + totals.missed == 0
                ? nil : rounded(Double(totals.handled) / Double(totals.handled + totals.missed)),
            talk_s: seconds(totals.talk - totals.hold),
            hold_s: seconds(totals.hold),
            acw_s: seconds(totals.wrapUp),
            aht_s: totals.talked == 0 ? nil : rounded(Double(handling) / 1000 / Double(totals.talked)),
            direct_calls: totals.ownCalls,
            direct_talk_s: seconds(totals.ownTalk),
            first_login: presence.first.map { stamp($0.lowerBound) },
            last_logout: presence.last.flatMap {
                $0.upperBound < min(window.until, lastKnown) ? stamp($0.upperBound) : nil
            },
            logins: presence.count,
            logged_in_s: seconds(totals.loggedIn),
            available_s: seconds(state(.available)),
            ringing_s: seconds(state(.ringing)),
            on_call_s: seconds(state(.onCall)),
            wrap_up_s: seconds(state(.wrapUp)),
            paused_s: seconds(state(.paused)),
            unreachable_s: seconds(state(.unreachable)),
            blocked_s: seconds(state(.blocked)),
            logged_out_s: seconds(state(.loggedOut)),
            pauses_s: totals.pauses.mapValues(seconds),
            paid_pause_s: seconds(state(.paused) - unpaid),
            unpaid_pause_s: seconds(unpaid),
            paid_s: seconds(totals.loggedIn - unpaid),
            occupancy: rounded(AgentMetric.occupancy.value(of: time)),
            occupancy_formula: AgentMetric.occupancy.rawValue,
            check_s: seconds(totals.sumOfStates - totals.covered),
            planned_s: adherence.map { seconds($0.planned) },
            adherence: rounded(adherence?.value),
            conformance: rounded(adherence?.conformance),
            occupancy_ringing_as_work: rounded(AgentMetric.occupancyWithRinging.value(of: time)),
            occupancy_with_off_phone: rounded(AgentMetric.occupancyWithOffPhone.value(of: time)),
            utilisation: rounded(AgentMetric.utilisation.value(of: time)),
            utilisation_on_phone: rounded(AgentMetric.utilisationOnPhone.value(of: time)),
            answer_rate_of_offers: totals.offers == 0
                ? nil : rounded(Double(totals.handled) / Double(totals.offers))
        )
    }

    private func agents(_ request: Request, _ keys: [String]) throws -> Report {
        let notes =
            [
                "each moment from the first log-in on is in exactly one state; check_s is their sum less the time covered",
                "paid = logged in less pauses whose reasons are unpaid today; a reason that the tenant does not name is paid",
                "occupancy = \(AgentMetric.occupancy.formula); ringing counts as available",
                "adherence = \(Adherence.formula); conformance = \(Adherence.conformanceFormula)",
                "aht = Σ (talk + hold + wrap-up) ÷ handled calls whose talk is over; answer_rate = handled ÷ (handled + missed)",
                "answer_rate_of_offers = handled ÷ offers, those included during which the caller gave up",
                "a call belongs whole to the interval in which its agent took it; states are cut where the interval ends",
                "off-phone work is paid pauses; talk and hold are the time on calls, past the queues too",
            ] + AgentReportRow.variants.sorted { $0.key < $1.key }.map { "\($0.value.rawValue) = \($0.value.formula)" }
        return try Report(
            rows: try agentRows(request),
            keys: keys,
            extras: AgentReportRow.variants.keys.sorted() + ["answer_rate_of_offers"],
            notes: notes,
            page: request.page
        )
    }

    private func calls(_ request: Request) throws -> Report {
        let rows = try windows(request).flatMap { window in
            try database.callTotals(query(request, in: window)).map { row in
                CallReportRow(
                    direction: row.direction.rawValue,
                    disposition: row.disposition.rawValue,
                    trunk: nil,
                    from: stamp(window.from),
                    to: stamp(window.until),
                    calls: row.calls,
                    answered: row.answered,
                    answer_rate: nil,
                    talk_s: milli(row.talk),
                    duration_s: milli(row.duration)
                )
            }
        }
        return try Report(
            rows: rows,
            keys: CallReportRow.keys,
            notes: ["a call belongs to the interval in which it began"],
            page: request.page
        )
    }

    private func trunks(_ request: Request) throws -> Report {
        let rows = try windows(request).flatMap { window in
            try database.trunkTotals(query(request, in: window)).map { row in
                CallReportRow(
                    direction: row.direction.rawValue,
                    disposition: nil,
                    trunk: row.trunk,
                    from: stamp(window.from),
                    to: stamp(window.until),
                    calls: row.calls,
                    answered: row.answered,
                    answer_rate: row.calls == 0 ? nil : rounded(Double(row.answered) / Double(row.calls)),
                    talk_s: milli(row.talk),
                    duration_s: milli(row.duration)
                )
            }
        }
        return try Report(
            rows: rows,
            keys: CallReportRow.keys,
            notes: [
                "answer_rate = answered ÷ calls; outbound: each attempt over the trunk, with the seconds from its answer to its end",
                "a call may use several trunks, and one several times; it belongs to the interval in which it began",
            ],
            page: request.page
        )
    }

    private func missed(_ request: Request) throws -> Report {
        let rows = try database.missedCalls(from: request.window.from, until: request.window.until)
            .filter { request.queue == nil || $0.queue == request.queue }
            .map { call in
                MissedReportRow(
                    call_id: call.callID,
                    number: call.number,
                    queue: call.queue,
                    at: stamp(call.atMilliseconds),
                    waited_s: seconds(call.waitedMilliseconds),
                    called_back: call.returned != nil,
                    called_back_by: call.returned?.by,
                    called_back_answered: call.returned?.wasAnswered,
                    called_back_after_s: call.returned.map { seconds($0.afterMilliseconds) },
                    called_back_call: call.returned?.callID
                )
            }
        let notes = [
            "called back: the first call that went out to that number, or was answered from it, after the caller was gone",
            "not listed: who asked a queue to be called back, while that is to be done and when it is done",
        ]
        return try Report(rows: rows, keys: MissedReportRow.keys, notes: notes, page: request.page)
    }

    /// The calls behind a queue report's numbers.
    func stays(_ request: Request) throws -> Report {
        let rows = try database.stays(
            from: request.window.from,
            until: request.window.until,
            queue: request.queue,
            agent: request.agent
        ).map { stay in
            StayReportRow(
                call_id: stay.callID,
                queue: stay.queue,
                number: stay.number,
                entered_at: stamp(stay.enteredMilliseconds),
                outcome: stay.outcome?.rawValue,
                agent: stay.agent,
                wait_s: stay.totalWaitMilliseconds.map(seconds),
                talk_s: stay.talkMilliseconds.map { seconds($0 - (stay.holdMilliseconds ?? 0)) },
                hold_s: stay.holdMilliseconds.map(seconds),
                acw_s: stay.wrapUpMilliseconds.map(seconds),
                offers: stay.offers
            )
        }
        return try Report(rows: rows, keys: StayReportRow.keys, notes: [], page: request.page)
    }

    private func windows(_ request: Request) throws -> [Window] {
        guard let length = request.grouping?.length else { return [request.window] }
        return try intervals(of: request.window, by: length)
            .map { Window(from: $0.lowerBound, until: $0.upperBound) }
    }
}

extension AgentTime {
    init(_ time: AgentWorkTime) {
        self.init()
        (talk, wrapUp, ringing, available) = (time.onCall, time.wrapUp, time.ringing, time.available)
    }
}

extension QueueTally {
    /// What the database counted.
    init(_ row: QueueTotalsRow) {
        self.init()
        (offered, answered, abandoned) = (Int64(row.offered), Int64(row.answered), Int64(row.abandoned))
        (talked, wrappedUp) = (Int64(row.talked), Int64(row.wrappedUp))
        (shortAbandoned, answeredWithin) = (Int64(row.shortAbandoned), Int64(row.answeredWithin))
        (abandonedWithin, overflowed) = (Int64(row.abandonedWithin), Int64(row.overflowed))
        (waiting, waitingBeyond, exceeded) = (Int64(row.waiting), Int64(row.waitingBeyond), Int64(row.exceeded))
        (waitOfAnswered, waitOfAbandoned) = (row.waitAnswered, row.waitAbandoned)
        (waitOfAll, longestWait) = (row.waitAll, row.maxWait)
        // The history's talk holds the time on hold.
        (talk, hold, wrapUpAuto, ring) = (row.talk - row.hold, row.hold, row.wrapUp, row.ring)
    }
}

func stamp(_ milliseconds: Int64) -> String { "\(WallTime(milliseconds: milliseconds))" }
func seconds(_ milliseconds: Int64) -> Double { Double(milliseconds) / 1000 }
func milli(_ value: Double) -> Double { (value * 1000).rounded() / 1000 }
func rounded(_ value: Double?) -> Double? { value.map { ($0 * 10_000).rounded() / 10_000 } }

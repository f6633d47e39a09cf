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

    // MARK: calls

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
            "called back: the first call that went out to that number, or from it that somebody took, after the caller was gone",
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
        (talk, hold, ring) = (row.talk - row.hold, row.hold, row.ring)
        (wrapUpAuto, wrapUpManual) = (row.wrapUp - row.extended, row.extended)
    }
}

func stamp(_ milliseconds: Int64) -> String { "\(WallTime(milliseconds: milliseconds))" }
func seconds(_ milliseconds: Int64) -> Double { Double(milliseconds) / 1000 }
func milli(_ value: Double) -> Double { (value * 1000).rounded() / 1000 }
/// Seconds, with the milliseconds that all lengths have.
func toMillisecond(_ value: Double?) -> Double? { value.map(milli) }
/// A share, to the six decimals with which formulas are compared.
func rounded(_ value: Double?) -> Double? { value.map { ($0 * 1_000_000).rounded() / 1_000_000 } }

public import Accounting
import Records
import Statistics
import Timebase

/// What an interval with so many calls needs, or how so many agents do in it, by Erlang C.
public struct StaffingRow: ReportRow, Sendable {
    /// The interval on the tenant's clock, of a forecast from history.
    @OrNull public var from: String?
    public var calls: Double
    public var aht_s: Double
    public var traffic_erlangs: Double
    public var agents: Int
    public var wait_probability: Double
    public var service_level: Double
    /// nil: more work than agents, and the wait has no end.
    @OrNull public var asa_s: Double?
    public var occupancy: Double

    var place: String { from ?? "" }

    static let keys = [
        "from", "calls", "aht_s", "traffic_erlangs", "agents", "wait_probability", "service_level", "asa_s",
        "occupancy",
    ]
}

/// How a forecast is made.
public struct StaffingGoal: Sendable {
    /// Seconds.
    public var interval: Double
    /// nil: as few as the target needs.
    public var agents: Int?
    /// Seconds.
    public var threshold: Double
    /// A share from 0 to 1.
    public var target: Double

    public init(interval: Double, agents: Int?, threshold: Double, target: Double) {
        (self.interval, self.agents, self.threshold, self.target) = (interval, agents, threshold, target)
    }

    public var notes: [String] {
        let asked =
            agents.map { "with \($0) agents" }
            ?? "the fewest agents for \(plain(target * 100)) % within \(plain(threshold)) s"
        return [
            "\(asked); service level within \(plain(threshold)) s, interval \(plain(interval)) s",
            "Erlang C: Poisson arrivals, exponential handling times, nobody gives up; it overstates waits when callers do",
        ]
    }

    /// Without the `.0` of what is whole.
    private func plain(_ value: Double) -> String {
        Int(exactly: value).map { "\($0)" } ?? "\(milli(value))"
    }

    /// nil: no number of agents does, or the figures are none.
    public func row(calls: Double, handle: Double, from: String? = nil) -> StaffingRow? {
        let needed =
            agents
            ?? ErlangC.agentsNeeded(
                calls: calls,
                interval: interval,
                handle: handle,
                threshold: threshold,
                target: target
            )
        guard let needed, let system = ErlangC(calls: calls, interval: interval, handle: handle, agents: needed) else {
            return nil
        }
        let six = { (value: Double) in (value * 1e6).rounded() / 1e6 }
        return StaffingRow(
            from: from,
            calls: milli(calls),
            aht_s: milli(handle),
            traffic_erlangs: six(system.traffic),
            agents: needed,
            wait_probability: six(system.waitProbability),
            service_level: six(system.serviceLevel(within: threshold)),
            asa_s: system.averageWait.isFinite ? six(system.averageWait) : nil,
            occupancy: six(system.occupancy)
        )
    }

    /// One interval of given figures.
    public func report(calls: Double, handle: Double) throws -> Report {
        guard let row = row(calls: calls, handle: handle) else {
            throw Reporter.Fault(
                description: agents == nil
                    ? "no number of agents reaches \(plain(target * 100)) % in \(plain(threshold)) s; lower --target"
                    : "\(agents ?? 0) agents cannot be reckoned with; write 0 to \(ErlangC.mostAgents)"
            )
        }
        return try Report(rows: [row], keys: StaffingRow.keys, notes: notes, page: Page())
    }
}

/// What is asked of a forecast, by the command line or over HTTP. Lengths are seconds, the target per cent.
public struct ForecastQuestion: Sendable {
    /// Of one interval; nil: of the intervals of a usual day, from the history.
    public var calls: Double?
    public var handle: Double?
    public var interval: Double = 1_800
    public var agents: Int?
    public var threshold: Double = 20
    public var target: Double = 80

    public init() {}

    public var goal: StaffingGoal {
        StaffingGoal(interval: interval, agents: agents, threshold: threshold, target: target / 100)
    }

    public func check() throws(Misreading) {
        for (name, value) in [("calls", calls), ("interval", interval), ("handle", handle), ("threshold", threshold)] {
            guard let value, !value.isFinite || value < 0 else { continue }
            throw Misreading(name: name, what: "is \(value)", mend: "write a number of 0 or more")
        }
        if !(0...100).contains(target) {
            throw Misreading(name: "target", what: "is \(target)", mend: "write per cent, 0 to 100")
        }
        if interval == 0 {
            throw Misreading(name: "interval", what: "is 0", mend: "write the seconds of the interval")
        }
        if (calls == nil) != (handle == nil) {
            throw Misreading(
                name: "calls",
                what: "goes together with handle",
                mend: "give both, or neither: then it is from the history"
            )
        }
    }
}

extension Reporter {
    /// What a usual day of the window needs, interval by interval on the tenant's clock: the mean of the calls of all intervals at that
    /// time, and their mean handling time. Intervals without a call are left out.
    public func forecast(_ request: Request, _ goal: StaffingGoal) throws -> Report {
        guard let length = request.grouping?.length, length.milliseconds < 86_400_000 else {
            throw Fault(description: "a forecast is made of the intervals of a day; use --by 15m, 30m or hour")
        }
        try check(request)
        // Half an interval has half the calls.
        let whole = try intervals(of: request.window, by: length).filter {
            $0.upperBound - $0.lowerBound == length.milliseconds
        }
        guard let first = whole.first, let last = whole.last else {
            throw Fault(description: "no whole interval of \(length.rawValue) lies in that time; ask for a longer one")
        }
        var request = request
        request.window = Window(from: first.lowerBound, until: last.upperBound)
        var goal = goal
        goal.interval = Double(length.milliseconds) / 1000
        var sums: [String: (calls: Int, answered: Int, handling: Double)] = [:]
        // On the day that a clock is set a time comes twice, or not at all.
        var times: [String: Int] = [:]
        for interval in whole {
            times[zone.local(WallTime(milliseconds: interval.lowerBound)).clock, default: 0] += 1
        }
        for row in try queueRows(request) {
            let clock = zone.local(WallTime(row.from) ?? WallTime(milliseconds: 0)).clock
            var sum = sums[clock] ?? (0, 0, 0)
            sum.calls += row.offered
            // While all are in their first talk nobody knows how long it takes.
            if let handle = row.aht_s {
                sum.answered += row.answered
                sum.handling += handle * Double(row.answered)
            }
            sums[clock] = sum
        }
        // Of all queues together a caller is one, however many of them he was led through.
        if request.queue == nil {
            let edges = whole.map(\.lowerBound) + [last.upperBound]
            for (interval, count) in zip(whole, try database.ledOn(between: edges)) {
                sums[zone.local(WallTime(milliseconds: interval.lowerBound)).clock]?.calls -= count
            }
        }
        let all = sums.values.reduce((0, 0.0)) { ($0.0 + $1.answered, $0.1 + $1.handling) }
        guard all.0 > 0 else {
            throw Fault(
                description:
                    "no call was answered in that time: give another with --since and --until, or --calls and --handle"
            )
        }
        let days = Intervals.intervals(from: request.window.from, to: request.window.until, by: .day, in: zone).count
        let rows = sums.keys.sorted().compactMap { clock -> StaffingRow? in
            guard let sum = sums[clock], sum.calls > 0 else { return nil }
            // Where nobody was answered, a call takes what calls take.
            let handle = sum.answered > 0 ? sum.handling / Double(sum.answered) : all.1 / Double(all.0)
            return goal.row(calls: Double(sum.calls) / Double(max(1, times[clock] ?? 0)), handle: handle, from: clock)
        }
        let notes =
            goal.notes + [
                "calls: the mean of all whole intervals at that time in \(days) day\(days == 1 ? "" : "s"); aht: Σ handling ÷ answered of the same intervals"
            ]
        return try Report(rows: rows, keys: StaffingRow.keys, notes: notes, page: request.page)
    }
}

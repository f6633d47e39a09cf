public import Accounting
import Events
import Records
import Timebase

/// A call behind a number of the reports of calls and trunks.
public struct CallListRow: ReportRow, Sendable {
    public var call_id: String
    public var started_at: String
    public var direction: String
    public var from: String
    public var to: String
    @OrNull public var trunk: String?
    @OrNull public var disposition: String?
    @OrNull public var talk_s: Double?
    @OrNull public var duration_s: Double?

    var place: String { call_id }

    static let keys = [
        "call_id", "started_at", "direction", "from", "to", "trunk", "disposition", "talk_s", "duration_s",
    ]
}

/// A call behind a number of the reports of agents.
public struct AgentCallRow: ReportRow, Sendable {
    public var agent: String
    public var call_id: String
    /// nil: one of his own.
    @OrNull public var queue: String?
    public var at: String
    /// `answered`, or why he had not taken it.
    public var result: String
    @OrNull public var talk_s: Double?
    @OrNull public var hold_s: Double?
    @OrNull public var acw_s: Double?

    var place: String { "\(agent) \(call_id) \(at)" }

    static let keys = ["agent", "call_id", "queue", "at", "result", "talk_s", "hold_s", "acw_s"]
}

extension Reporter {
    /// The calls behind the numbers of a report.
    public func calls(behind kind: Kind, _ request: Request) throws -> Report {
        try check(request, of: kind)
        return switch kind {
        case .queues: try stays(request)
        case .agents: try agentCalls(request)
        case .worktime: try agentStates(request)
        case .calls: try ended(request, overTrunks: false)
        case .trunks: try ended(request, overTrunks: true)
        // Each of its rows is a call.
        case .missed: try report(.missed, request)
        }
    }

    /// The calls that reports of calls and trunks tell of.
    func query(_ request: Request, in window: Window) -> CallQuery {
        var query = CallQuery(from: window.from, until: window.until)
        query.isOver = true
        (query.queue, query.agent, query.trunk) = (request.queue, request.agent, request.filters[.trunk])
        (query.from, query.to) = (request.filters[.from], request.filters[.to])
        query.disposition = request.filters[.disposition].flatMap { Disposition(rawValue: $0) }
        return query
    }

    /// The times in each state that work time is the sum of, cut to the report's.
    private func agentStates(_ request: Request) throws -> Report {
        let (from, until) = (request.window.from, request.window.until)
        let agents = try request.agent.map { [$0] } ?? database.agentNames()
        let rows = try agents.flatMap { agent in
            try database.agentIntervals(of: agent, from: from, until: until).map { interval in
                let end = interval.untilMilliseconds ?? max(interval.sinceMilliseconds, lastKnown)
                return StateReportRow(
                    agent: agent,
                    from: stamp(max(interval.sinceMilliseconds, from)),
                    to: interval.untilMilliseconds.map { stamp(min($0, until)) },
                    state: interval.state.rawValue,
                    reason: interval.reason,
                    queue: interval.queue,
                    call_id: interval.callID,
                    duration_s: seconds(max(0, min(end, until) - max(interval.sinceMilliseconds, from)))
                )
            }
        }
        let note = "each moment from the first log-in on is in exactly one row"
        return try Report(rows: rows, keys: StateReportRow.keys, notes: [note], page: request.page)
    }

    private func agentCalls(_ request: Request) throws -> Report {
        let rows = try database.agentCalls(from: request.window.from, until: request.window.until, agent: request.agent)
            .map { call in
                AgentCallRow(
                    agent: call.agent,
                    call_id: call.callID,
                    queue: call.queue,
                    at: stamp(call.atMilliseconds),
                    result: call.result,
                    talk_s: call.talkMilliseconds.map { seconds($0 - (call.holdMilliseconds ?? 0)) },
                    hold_s: call.holdMilliseconds.map(seconds),
                    acw_s: call.wrapUpMilliseconds.map(seconds)
                )
            }
        let notes = [
            "a call without a queue is the agent's own, and counts when it is over",
            "handled: answered ones with a queue; missed: the rest but for elsewhere and withdrawn; offers: all with a queue",
        ]
        return try Report(rows: rows, keys: AgentCallRow.keys, notes: notes, page: request.page)
    }

    /// Newest first, read page by page: a month may hold a million.
    private func ended(_ request: Request, overTrunks: Bool) throws -> Report {
        var query = query(request, in: request.window)
        query.isOverTrunk = overTrunks
        if let last = request.page.after {
            guard let call = try database.call(last) else { throw Fault(description: "there is no call '\(last)'") }
            query.before = CallQuery.Place(startedAt: call.startedAt, callID: call.callID)
        }
        let limit = request.page.limit ?? 10_000
        query.limit = limit + 1
        let rows = try database.calls(query).map { call in
            CallListRow(
                call_id: call.callID,
                started_at: call.startedAt,
                direction: call.direction.rawValue,
                from: call.from,
                to: call.to,
                trunk: call.trunk,
                disposition: call.disposition?.rawValue,
                talk_s: call.talk,
                duration_s: call.duration
            )
        }
        return try Report(rows: rows, keys: CallListRow.keys, notes: [], page: Page(limit: limit))
    }
}

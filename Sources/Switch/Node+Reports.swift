import Config
import ControlAPI
import Engine
import Events
import Foundation
import Reports
import Timebase
import WhatIf

/// What a report answers, as `/api/v1/stats/…` names it.
enum ReportQuestion: RawRepresentable, Sendable {
    case figures(Reporter.Kind)
    case forecast, whatIf

    init?(rawValue: String) {
        switch rawValue {
        case "forecast": self = .forecast
        case "what-if": self = .whatIf
        default:
            guard let kind = Reporter.Kind(rawValue: rawValue) else { return nil }
            self = .figures(kind)
        }
    }

    var rawValue: String {
        switch self {
        case .figures(let kind): kind.rawValue
        case .forecast: "forecast"
        case .whatIf: "what-if"
        }
    }
}

/// Reports as the command line prints them, by the same code. They are made beside the node's own work: a long one delays nobody.
extension Node {
    /// For one replay.
    private static let replayPatience: Duration = .seconds(30)

    private typealias Making = @Sendable (Reporter, Reporter.Request) throws -> Report

    func report(_ question: ReportQuestion, for request: ControlRequest) async throws -> ControlReply {
        var query = QueryReader(request.query)
        let report: Report
        switch question {
        case .forecast where request.query["calls"] != nil || request.query["handle"] != nil:
            let wanted = try query.forecast(isOfHistory: false)
            try query.finish()
            report = try wanted.goal.report(calls: wanted.calls ?? 0, handle: wanted.handle ?? 0)
        case .forecast:
            let goal = try query.forecast(isOfHistory: true).goal
            let job = try await job(query, [.queue], Reporter.Grouping.times) { reporter, wanted in
                var wanted = wanted
                wanted.grouping = wanted.grouping ?? .halfHour
                return try reporter.forecast(wanted, goal)
            }
            report = try await planning.run(job)
        case .whatIf:
            let alterations = try Alteration.read(
                agents: query.list("agents"),
                strategies: query.list("strategy"),
                wrapUps: query.list("wrap_up")
            )
            let job = try await job(query, [.queue, .formula], []) { reporter, wanted in
                let end = ContinuousClock.now + Self.replayPatience
                return try reporter.whatIf(wanted, alterations) { ContinuousClock.now < end }
            }
            report = try await planning.run(job)
        case .figures(let kind):
            let showsCalls = try query.flag("show_calls")
            let job = try await job(query, kind.filters, kind.groupings) { reporter, wanted in
                showsCalls ? try reporter.calls(behind: kind, wanted) : try reporter.report(kind, wanted)
            }
            report = try await reporting.run(job)
        }
        var reply = ControlReply(contentType: "application/json", body: report.json)
        reply.next = report.next.map { request.with("after", $0).target }
        return reply
    }

    /// Reads the report's own filters and those that all reports have, and is ready to make it.
    private func job(
        _ query: QueryReader,
        _ filters: [Reporter.Filter],
        _ groupings: [Reporter.Grouping],
        _ make: @escaping Making
    ) async throws -> @Sendable () throws -> Report {
        var query = query
        let name = query.text("tenant")
        let (since, until) = (try query.time("since"), try query.time("until"))
        var chosen: [Reporter.Filter: String] = [:]
        for filter in filters { chosen[filter] = query.text(filter.rawValue) }
        let grouping: Reporter.Grouping? = groupings.isEmpty ? nil : try query.choice("by", among: groupings)
        let page = Page(after: query.text("after"), limit: try query.limit(standard: 10_000))
        try query.finish()
        let tenant = try await handle.ask { core in try core.engine.chooseTenant(name) }
        let folder = files.dataFolder
        return { [chosen] in
            let reporter = try Reporter(tenant: tenant, folder: folder, now: Date(), isSwitchUp: true)
            var window = reporter.today
            if let since { window.from = since.milliseconds }
            if let until { window.until = until.milliseconds }
            var wanted = Reporter.Request(window: window)
            (wanted.grouping, wanted.filters, wanted.page) = (grouping, chosen, page)
            return try make(reporter, wanted)
        }
    }
}

extension QueryReader {
    /// Values that one name has, with commas between.
    fileprivate mutating func list(_ name: String) -> [String] {
        text(name)?.split(separator: ",", omittingEmptySubsequences: false).map(String.init) ?? []
    }

    fileprivate mutating func forecast(isOfHistory: Bool) throws -> ForecastQuestion {
        var question = ForecastQuestion()
        if !isOfHistory {
            (question.calls, question.handle) = (try decimal("calls"), try decimal("handle"))
            if let interval = try decimal("interval") { question.interval = interval }
        }
        question.agents = try number("agents").map { Int($0) }
        if let threshold = try decimal("threshold") { question.threshold = threshold }
        if let target = try decimal("target") { question.target = target }
        try question.check()
        return question
    }
}

import ArgumentParser
import Foundation
import Records
import Reports
import WhatIf

/// How many operators an interval needs, by Erlang C.
struct Forecast: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Service level, waits and occupancy by Erlang C; or the agents that a target needs.",
        discussion: """
            With --calls and --handle: of one interval. Without them: of each interval of a usual day, from the history of --since to \
            --until, of one --queue or of all together.
            """
    )

    @Option(name: .long, help: "Calls in the interval.") var calls: Double?
    @Option(name: .long, help: "The mean handling time in seconds.") var handle: Double?
    @Option(name: .long, help: "The interval's length in seconds, with --calls; 1800 if left out.") var interval:
        Double?
    @Option(name: .long, help: "The intervals' length, from history: 15m, 30m or hour; 30m if left out.")
    var by: Reporter.Grouping?
    @Option(name: .long, help: "Agents; left out: as few as the target needs.") var agents: Int?
    @Option(name: .long, help: "Answered within so many seconds.") var threshold: Double = 20
    @Option(name: .long, help: "The target in per cent.") var target: Double = 80
    @OptionGroup var format: FormatOption
    @OptionGroup var history: HistoryOptions

    private var question: ForecastQuestion {
        var question = ForecastQuestion()
        (question.calls, question.handle) = (calls, handle)
        if let interval { question.interval = interval }
        (question.agents, question.threshold, question.target) = (agents, threshold, target)
        return question
    }

    func validate() throws {
        do { try question.check() } catch { throw ValidationError(error) }
        let ofHistory = [
            ("since", history.since), ("until", history.until), ("queue", history.queue), ("by", by?.rawValue),
        ]
        if let by, ![.quarter, .halfHour, .hour].contains(by) {
            throw ValidationError("a forecast is made of the intervals of a day; use --by 15m, 30m or hour")
        }
        if calls == nil, interval != nil {
            throw ValidationError(
                "--interval is of a forecast with --calls; from the history --by says how long one is"
            )
        }
        if calls != nil, let given = ofHistory.first(where: { $0.1 != nil }) {
            throw ValidationError(
                "--\(given.0) is of a forecast from the history, --calls of one without it: give one of them"
            )
        }
    }

    func run() async throws {
        let goal = question.goal
        if let calls, let handle {
            do { return try format.show(try goal.report(calls: calls, handle: handle)) } catch {
                throw Failure("\(error.inWords)")
            }
        }
        let report = try await history.report { reporter, request in
            var request = request
            request.grouping = by ?? .halfHour
            return try reporter.forecast(request, goal)
        }
        try format.show(report)
    }
}

/// A recorded day with other agents, strategies or wrap-ups.
struct WhatIfReport: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "what-if",
        abstract: "Replays a recorded time through the queues' own code, as it was and with what is altered.",
        discussion: """
            Each alteration is VALUE, of every queue, or QUEUE=VALUE, and may be given several times: --agents sales=12 --strategy \
            fewest-calls --wrap-up sales=10s
            """
    )

    @Option(name: .long, help: "So many agents: fewer of those who were there, or more like them.") var agents:
        [String] = []
    @Option(name: .long, help: "ring-all, longest-idle, round-robin, …") var strategy: [String] = []
    @Option(name: .long, help: "How long the wrap-up lasts: 10s, 1m.") var wrapUp: [String] = []
    @OptionGroup var format: FormatOption
    @OptionGroup var history: HistoryOptions
    @OptionGroup var formula: FormulaOption

    func validate() throws { _ = try alterations() }

    private func alterations() throws -> [Alteration] {
        do { return try Alteration.read(agents: agents, strategies: strategy, wrapUps: wrapUp) } catch {
            throw ValidationError(error)
        }
    }

    func run() async throws {
        let changes = try alterations()
        let report = try await history.report { reporter, request in
            var request = request
            request.filters[.formula] = formula.formula
            return try reporter.whatIf(request, changes)
        }
        try format.show(report)
    }
}

extension ValidationError {
    fileprivate init(_ fault: Misreading) { self.init("--\(fault.name) \(fault.what): \(fault.mend)") }
}

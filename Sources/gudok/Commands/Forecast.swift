import ArgumentParser
import Config
import Foundation
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
    @Option(name: .long, help: "The interval's length in seconds, with --calls.") var interval: Double = 1_800
    @Option(name: .long, help: "The intervals' length, from history: 15m, 30m or hour.") var by: Reporter.Grouping =
        .halfHour
    @Option(name: .long, help: "Agents; left out: as few as the target needs.") var agents: Int?
    @Option(name: .long, help: "Answered within so many seconds.") var threshold: Double = 20
    @Option(name: .long, help: "The target in per cent.") var target: Double = 80
    @OptionGroup var format: FormatOption
    @OptionGroup var history: HistoryOptions

    func validate() throws {
        for (name, value) in [("calls", calls), ("interval", interval), ("handle", handle), ("threshold", threshold)] {
            guard let value, !value.isFinite || value < 0 else { continue }
            throw ValidationError("--\(name) is \(value): write a number of 0 or more")
        }
        if !(0...100).contains(target) { throw ValidationError("--target is \(target): write per cent, 0 to 100") }
        if interval == 0 { throw ValidationError("--interval is 0: write the seconds of the interval") }
        if (calls == nil) != (handle == nil) {
            throw ValidationError("--calls and --handle go together; without both: from history")
        }
    }

    func run() async throws {
        let goal = StaffingGoal(interval: interval, agents: agents, threshold: threshold, target: target / 100)
        if let calls, let handle {
            do { return try format.show(try goal.report(calls: calls, handle: handle)) } catch {
                throw Failure("\(error)")
            }
        }
        let report = try history.report { reporter, request in
            var request = request
            request.grouping = by
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

    func validate() throws { _ = try alterations() }

    private func alterations() throws -> [Alteration] {
        try agents.map { text in
            let (queue, value) = Self.split(text)
            guard let count = Int(value), (0...Replay.mostAgents).contains(count) else {
                throw ValidationError("--agents is '\(text)': write 12 or sales=12, at most \(Replay.mostAgents)")
            }
            return Alteration(queue: queue, agents: count)
        }
            + strategy.map { text in
                let (queue, value) = Self.split(text)
                guard let strategy = Queue.Strategy(rawValue: value) else {
                    let known = Queue.Strategy.allCases.map(\.rawValue).joined(separator: ", ")
                    throw ValidationError("--strategy is '\(text)': use one of \(known)")
                }
                return Alteration(queue: queue, strategy: strategy)
            }
            + wrapUp.map { text in
                let (queue, value) = Self.split(text)
                guard let length = Duration(written: value) else {
                    throw ValidationError("--wrap-up is '\(text)': write 10s or sales=1m")
                }
                return Alteration(queue: queue, wrapUp: length)
            }
    }

    private static func split(_ text: String) -> (queue: String?, value: String) {
        guard let mark = text.firstIndex(of: "=") else { return (nil, text) }
        return (String(text[..<mark]), String(text[text.index(after: mark)...]))
    }

    func run() async throws {
        let changes = try alterations()
        let report = try history.report { reporter, request in try reporter.whatIf(request, changes) }
        try format.show(report)
    }
}

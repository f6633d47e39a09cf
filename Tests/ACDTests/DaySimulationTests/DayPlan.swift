import Config
import Events
import Timebase

@testable import ACD

/// What a day is made of, by its seed.
enum DayPlan {
    static func queues(_ random: inout SeededGenerator) -> [String: Queue] {
        var queues: [String: Queue] = [:]
        let strategies = Queue.Strategy.allCases.shuffled(using: &random)
        for (index, strategy) in strategies.prefix(5).enumerated() {
            var queue = Queue(name: "q\(index)")
            queue.strategy = strategy
            vary(&queue, &random)
            queue.agents = agents(&random)
            queues[queue.name] = queue
        }
        return queues
    }

    /// A reload: rules, strategies and members change; a queue may go, another come.
    static func change(_ queues: inout [String: Queue], _ random: inout SeededGenerator) {
        guard let name = queues.keys.sorted().randomElement(using: &random), var queue = queues[name] else { return }
        vary(&queue, &random)
        queue.strategy = Queue.Strategy.allCases.randomElement(using: &random) ?? .linear
        if Bool.random(using: &random) { queue.agents = agents(&random) }
        queues[name] = queue
        guard Int.random(in: 0..<4, using: &random) == 0 else { return }
        queues[name] = nil
        queue.name += "x"
        queues[queue.name] = queue
    }

    private static func agents(_ random: inout SeededGenerator) -> [Queue.Agent] {
        Day.agents.shuffled(using: &random).prefix(20).map {
            Queue.Agent(
                user: $0.number,
                penalty: Int.random(in: 0...2, using: &random),
                skill: Int.random(in: 0...5, using: &random),
                wrapUp: Bool.random(using: &random) ? nil : .seconds(Int.random(in: 0...20, using: &random))
            )
        }
    }

    private static func vary(_ queue: inout Queue, _ random: inout SeededGenerator) {
        let coin = { (random: inout SeededGenerator) in Bool.random(using: &random) }
        queue.wrapUp = .seconds(Int.random(in: 0...30, using: &random))
        queue.maxWait = coin(&random) ? .seconds(Int.random(in: 60...600, using: &random)) : nil
        queue.maxLength = coin(&random) ? Int.random(in: 5...40, using: &random) : nil
        queue.maxExpectedWait = coin(&random) ? .seconds(600) : nil
        queue.onEmpty = coin(&random) ? .wait : .refuse
        queue.emptyWhen = coin(&random) ? [.noAgents] : [.noAgents, .allPaused]
        queue.maxWaitEmpty = coin(&random) ? .seconds(Int.random(in: 10...120, using: &random)) : nil
        queue.weight = Int.random(in: 0...3, using: &random)
        queue.noAnswerDelay = .seconds(Int.random(in: 0...10, using: &random))
        queue.busyDelay = .seconds(Int.random(in: 0...10, using: &random))
        queue.pauseAfterMisses = coin(&random) ? 3 : nil
        queue.announcePosition = coin(&random) ? .seconds(30) : nil
        queue.minimumSkill = coin(&random) ? 0 : 2
        queue.sticky = coin(&random) ? Queue.Sticky(remember: .seconds(3600), wait: .seconds(20)) : nil
        queue.widening =
            coin(&random)
            ? []
            : [
                Queue.Widening(after: .seconds(10), penalty: 1, skill: 2),
                Queue.Widening(after: .seconds(40), penalty: 2, skill: 0),
            ]
    }

    /// What an agent thinks of doing next; mostly to be at work.
    static func command(_ random: inout SeededGenerator) -> Dispatcher.AgentCommand {
        switch Int.random(in: 0..<20, using: &random) {
        case 0..<4: .pause(reason: "tea")
        case 4: .logOut
        case 5: .endWrapUp
        case 6: .extendWrapUp(.seconds(20))
        case 7: .block
        case 8..<10: .unblock
        case 10..<15: .unpause
        case 15: .logIn(device: Day.agents.randomElement(using: &random)?.number)
        default: .logIn(device: nil)
        }
    }
}

/// The agents' time and the callers' ends, folded from events alone.
struct Ledger {
    private var states: [UserID: (state: AgentState, since: Instant)] = [:]
    private var sums: [UserID: Duration] = [:]
    private var faults: [String] = []
    private var open: Set<CallID> = []
    private var entries = 0
    private var exits = 0

    func state(of agent: UserID) -> AgentState { states[agent]?.state ?? .loggedOut }

    mutating func change(_ agent: UserID, to state: AgentState, at now: Instant) {
        if let last = states[agent] {
            if now < last.since { faults.append("\(agent) goes back in time") }
            sums[agent, default: .zero] += now - last.since
        } else if state != .loggedOut {
            // Before the first event he was logged out, from the day's first moment.
            states[agent] = (.loggedOut, now)
        }
        if !Self.mayFollow(states[agent]?.state ?? .loggedOut, state) {
            faults.append("\(agent) goes from \(states[agent]?.state ?? .loggedOut) to \(state)")
        }
        states[agent] = (state, now)
    }

    /// The table of moves (docs/agents.md): what cannot follow what.
    static func mayFollow(_ before: AgentState, _ after: AgentState) -> Bool {
        switch (before, after) {
        case (_, .ringing): before == .available
        case (.loggedOut, .wrapUp): true
        case (.available, .wrapUp), (.ringing, .wrapUp), (.paused, .wrapUp), (.unreachable, .wrapUp): false
        default: true
        }
    }

    mutating func entered(_ call: CallID) -> [String] {
        entries += 1
        return open.insert(call).inserted ? [] : ["\(call) enters twice"]
    }

    mutating func left(_ call: CallID) -> [String] {
        exits += 1
        return open.remove(call) != nil ? [] : ["\(call) leaves twice"]
    }

    mutating func close(at now: Instant, since start: Instant, agents: [UserID]) -> [String] {
        for agent in agents {
            change(agent, to: state(of: agent), at: now)
            if sums[agent] != now - start { faults.append("\(agent)'s day has \(sums[agent] ?? .zero)") }
        }
        if entries != exits || !open.isEmpty { faults.append("\(entries) entered and \(exits) left") }
        return faults
    }
}

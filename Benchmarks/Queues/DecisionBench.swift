import ACD
import Config
import Events
import Foundation
import SIP
import Timebase

let tenantID = TenantID("bench")

func userID(_ index: Int) -> UserID { UserID(tenant: tenantID, number: String(1_000 + index)) }
func queueID(_ index: Int) -> QueueID { QueueID(tenant: tenantID, name: "q\(index)") }

/// A tenant with these queues, each agent in `memberships` of them.
func tenant(_ queues: [Queue], agents: Int, memberships: Int) -> [TenantID: Tenant] {
    let credentials = Credentials(username: "u", realm: "r", ha1: [:])
    var tenant = Tenant(id: tenantID, domains: ["bench.example"])
    for (index, queue) in queues.enumerated() {
        var queue = queue
        queue.name = "q\(index)"
        tenant.queues[queue.name] = queue
    }
    var random = SeededGenerator(seed: 1)
    for agent in 0..<agents {
        let number = userID(agent).number
        tenant.users[number] = User(number: number, name: nil, role: .operator, credentials: credentials)
        for step in 0..<min(memberships, queues.count) {
            let skill = Int.random(in: 0...5, using: &random)
            let place = "q\((agent + step * 7) % queues.count)"
            tenant.queues[place]?.agents.append(Queue.Agent(user: number, skill: skill))
        }
    }
    return [tenantID: tenant]
}

/// Times single decisions: an agent becomes free → the offer; a caller enters → the offer.
struct DecisionBench {
    enum Mix: String {
        /// Every strategy but ring-all, everybody may take everybody.
        case mixed = "any agent"
        /// Callers who demand skills that relax, and agents who have few.
        case skilled = "skills"
    }

    static let target = 100.0
    let queues: Int
    let agents: Int
    let callers: Int
    let mix: Mix

    func report() {
        let all = Queue.Strategy.allCases.filter { $0 != .ringAll }
        let settings = (0..<queues).map { index in
            var queue = Queue(name: "")
            queue.strategy = all[index % all.count]
            if mix == .skilled { queue.widening = [Queue.Widening(after: .seconds(3600), penalty: nil, skill: 0)] }
            return queue
        }
        let freed = Samples()
        let entered = Samples()
        measure(settings, freed, entered)
        let size = "\(queues) queues, \(agents) agents, \(callers) waiting, \(mix.rawValue)"
        freed.report("agent free    " + size)
        entered.report("caller enters " + size)
    }

    private func measure(_ settings: [Queue], _ freed: Samples, _ entered: Samples) {
        var now = Moment(instant: Instant(nanoseconds: 0), wall: WallTime(milliseconds: 0))
        var random = SeededGenerator(seed: 2)
        let dispatcher = Dispatcher(generator: SeededGenerator(seed: 3), now: now)
        _ = dispatcher.configure(tenant(settings, agents: agents, memberships: 5), at: now)
        for agent in 0..<agents { _ = dispatcher.reachable(true, device: userID(agent), at: now) }
        var calls = 0
        let enter = { (now: Moment) -> [Dispatcher.Action] in
            calls += 1
            let skill = mix == .skilled ? calls % 6 : 0
            let queue = queueID(Int.random(in: 0..<queues, using: &random))
            let entry = Dispatcher.Entry(call: CallID("c\(calls)"), queue: queue, number: "", requiredSkill: skill)
            return dispatcher.enter(entry, at: now)
        }
        let pass = { now.instant = now.instant + .milliseconds(10) }
        for agent in 0..<agents {
            pass()
            _ = dispatcher.perform(.logIn(device: nil), by: userID(agent), at: now)
        }
        // Everybody free: one enters, is answered, and is gone.
        for _ in 0..<2_000 {
            pass()
            let actions = entered.time { enter(now) }
            guard let (call, agent) = offer(actions) else { continue }
            _ = dispatcher.answered(call, by: agent, at: now)
            pass()
            _ = dispatcher.ended(call, at: now)
        }
        // Everybody talks, and so many wait: one is free, and the next enters behind.
        var talks: [CallID] = []
        var waiting = 0
        while waiting < callers {
            pass()
            if let (call, agent) = offer(enter(now)) {
                _ = dispatcher.answered(call, by: agent, at: now)
                talks.append(call)
            } else {
                waiting += 1
            }
        }
        for index in 0..<5_000 where !talks.isEmpty {
            pass()
            let place = index % talks.count
            let actions = freed.time { dispatcher.ended(talks[place], at: now) }
            if let (call, agent) = offer(actions) {
                _ = dispatcher.answered(call, by: agent, at: now)
                talks[place] = call
            } else {
                talks.remove(at: place)
            }
            _ = enter(now)
        }
    }

    private func offer(_ actions: [Dispatcher.Action]) -> (CallID, UserID)? {
        for case .offer(let call, _, let agent, _) in actions { return (call, agent) }
        return nil
    }
}

/// Wall time of single turns, in microseconds.
final class Samples {
    private var values: [Double] = []

    func time<Result>(_ body: () -> Result) -> Result {
        let start = ContinuousClock.now
        let result = body()
        values.append(Double((ContinuousClock.now - start).components.attoseconds) / 1e12)
        return result
    }

    func report(_ what: String) {
        guard !values.isEmpty else { return }
        values.sort()
        let (half, most) = (values[values.count / 2], values[values.count * 99 / 100])
        let verdict = most <= DecisionBench.target ? "met" : "MISSED"
        let text = String(
            format: "p50 %7.1f µs   p99 %7.1f µs   target p99 %5.0f µs   ",
            half,
            most,
            DecisionBench.target
        )
        print(what.padding(toLength: 64, withPad: " ", startingAt: 0) + text + verdict)
    }
}

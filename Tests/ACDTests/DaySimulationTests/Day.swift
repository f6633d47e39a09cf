import Config
import Events
import SIP
import Timebase

@testable import ACD

/// A day of 50 agents in five queues: callers who lose patience, agents who answer, miss, decline, talk, pause and leave, phones
/// that are lost, answers that come too late, reloads and restarts. What the dispatcher says is held against the world's truth.
final class Day {
    enum Happening: Hashable, Sendable {
        case arrival, hangUp(CallID), key(CallID)
        case answer(CallID, UserID), failure(CallID, UserID, OfferResult), talkEnds(CallID)
        case doing(UserID), ownCall(UserID), ownCallEnds(UserID, CallID), phoneBack(UserID)
        case reload, restart
    }

    static let tenant = TenantID("demo")
    static let agents = (100..<150).map { UserID(tenant: tenant, number: String($0)) }
    let start = Moment(instant: Instant(nanoseconds: 1_000_000_000), wall: WallTime(milliseconds: 1_800_000_000_000))
    private(set) var now: Moment
    var random: SeededGenerator
    private var dispatcher: Dispatcher
    private var world = TimerQueue<Happening>()
    private var queues: [String: Queue] = [:]
    private var unborn: Int
    private var calls = 0
    private(set) var failures: [String] = []
    /// Every action in words: what a replay is compared by.
    private(set) var trail: [String] = []

    // The world's truth.
    private var waiting: Set<CallID> = []
    private var talks: [CallID: (agent: UserID, since: Instant)] = [:]
    private var phones: [UserID: CallID] = [:]
    private var ownCalls: [UserID: Set<CallID>] = [:]
    private var reachable: Set<UserID> = []
    private var ledger = Ledger()
    private var talked: [UserID: Duration] = [:]
    private var handled: [UserID: Int] = [:]

    init(seed: UInt64, callers: Int) {
        (random, unborn, now) = (SeededGenerator(seed: seed), callers, start)
        dispatcher = Dispatcher(generator: SeededGenerator(seed: seed), now: start)
        queues = DayPlan.queues(&random)
    }

    func run() {
        absorb(dispatcher.configure(configuration, at: now))
        for agent in Self.agents {
            reachable.insert(agent)
            absorb(dispatcher.reachable(true, device: agent, at: now))
            absorb(dispatcher.perform(.logIn(device: nil), by: agent, at: now) ?? [])
            world.start(.doing(agent), at: later(60...3600))
            world.start(.ownCall(agent), at: later(10...1800))
        }
        world.start(.arrival, at: later(0...1))
        world.start(.reload, at: later(30...600))
        world.start(.restart, at: later(300...6000))
        while failures.count < 5, step() {}
        settle()
    }

    /// One thing happens: the dispatcher's timer, or the world's; false when the day is over.
    private func step() -> Bool {
        let isOver = unborn == 0 && waiting.isEmpty && talks.isEmpty
        let own = dispatcher.nextDeadline()
        guard !isOver, let next = world.nextDeadline else { return false }
        if let own, own <= next {
            set(max(own, now.instant))
            absorb(dispatcher.fire(at: now))
        } else {
            set(next)
            if let happening = world.popDue(now: next) { happen(happening) }
        }
        failures += dispatcher.faults()
        return true
    }

    private func happen(_ happening: Happening) {
        switch happening {
        case .arrival: arrive()
        case .hangUp(let call): leave(call, .abandoned)
        case .key(let call): leave(call, .key)
        case .answer(let call, let agent):
            // Late ones come too: to a caller who is gone, by an agent whose phone was stopped.
            absorb(dispatcher.answered(call, by: agent, at: now))
        case .failure(let call, let agent, let result):
            if phones[agent] == call { phones[agent] = nil }
            absorb(dispatcher.offerFailed(call, agent: agent, result, at: now))
        case .talkEnds(let call): endTalk(call)
        case .doing(let agent):
            absorb(dispatcher.perform(DayPlan.command(&random), by: agent, at: now) ?? [])
            if chance(10), reachable.remove(agent) != nil {
                absorb(dispatcher.reachable(false, device: agent, at: now))
                world.start(.phoneBack(agent), at: later(10...600))
            }
            world.start(.doing(agent), at: later(30...1800))
        case .ownCall(let agent):
            beginOwnCall(agent)
            world.start(.ownCall(agent), at: later(60...1800))
        case .ownCallEnds(let agent, let call):
            for owner in ownCalls.keys { ownCalls[owner]?.remove(call) }
            absorb(dispatcher.disengaged(agent, from: call, at: now))
        case .phoneBack(let agent):
            reachable.insert(agent)
            absorb(dispatcher.reachable(true, device: agent, at: now))
        case .reload:
            if chance(70) { DayPlan.change(&queues, &random) }
            absorb(dispatcher.configure(configuration, at: now))
            world.start(.reload, at: later(30...600))
        case .restart:
            restart()
            world.start(.restart, at: later(300...6000))
        }
    }

    private func beginOwnCall(_ agent: UserID) {
        let call = newCall()
        absorb(dispatcher.engaged(agent, in: call, at: now))
        // His whose desk it is now, till its end; nobody's where its own agent works at another.
        if let owner = dispatcher.engagements[Dispatcher.DeviceCall(device: agent, call: call)] {
            ownCalls[owner, default: []].insert(call)
        }
        world.start(.ownCallEnds(agent, call), at: later(5...300))
    }

    private func arrive() {
        unborn -= 1
        let call = newCall()
        waiting.insert(call)
        enter(call, carried: .zero)
        world.start(.hangUp(call), at: later(chance(30) ? 1...30 : 30...900))
        if chance(3) { world.start(.key(call), at: later(5...120)) }
        if unborn > 0 { world.start(.arrival, at: later(0...(chance(20) ? 30 : 8))) }
    }

    private func enter(_ call: CallID, carried: Duration) {
        guard let name = queues.keys.sorted().randomElement(using: &random) else { return }
        let isCallback = chance(5)
        if isCallback { callbacks.insert(call) } else { callbacks.remove(call) }
        let entry = Dispatcher.Entry(
            call: call,
            queue: QueueID(tenant: Self.tenant, name: name),
            number: "+7495\(Int.random(in: 0..<200, using: &random))",
            priority: Int.random(in: 0...5, using: &random),
            requiredSkill: chance(80) ? 0 : Int.random(in: 1...5, using: &random),
            carried: carried,
            isCallback: isCallback
        )
        absorb(dispatcher.enter(entry, at: now))
    }

    private func leave(_ call: CallID, _ outcome: QueueOutcome) {
        // The hang-up of one who talks already ends the talk; the queue's word for it comes after, and says nothing.
        if talks[call] != nil, chance(20) { endTalk(call) }
        if talks[call] == nil { waiting.remove(call) }
        absorb(dispatcher.leave(call, outcome, at: now))
    }

    private func endTalk(_ call: CallID) {
        guard let talk = talks.removeValue(forKey: call) else { return }
        talked[talk.agent, default: .zero] += now.instant - talk.since
        handled[talk.agent, default: 0] += 1
        absorb(dispatcher.ended(call, at: now))
    }

    /// The process ends and comes again: calls are gone, agents stay as they were.
    private func restart() {
        checkSums()
        var memories: [UserID: Dispatcher.AgentMemory] = [:]
        for agent in Self.agents { memories[agent] = dispatcher.memory(of: agent) }
        for call in waiting where !callbacks.contains(call) { failures += ledger.left(call) }
        (waiting, talks, phones, ownCalls, talked, handled) = ([], [:], [:], [:], [:], [:])
        for agent in Self.agents { ledger.change(agent, to: .loggedOut, at: now.instant) }
        dispatcher = Dispatcher(generator: SeededGenerator(seed: random.next()), now: now)
        absorb(dispatcher.configure(configuration, at: now))
        absorb(dispatcher.restore(memories, at: now))
        for agent in Self.agents where reachable.contains(agent) {
            absorb(dispatcher.reachable(true, device: agent, at: now))
        }
    }

    // MARK: what the dispatcher says

    private func absorb(_ actions: [Dispatcher.Action]) {
        for action in actions {
            trail.append("\(now.instant.nanoseconds) \(action)")
            switch action {
            case .offer(let call, _, let agent, _): offered(call, agent)
            case .withdraw(let call, let agent, _):
                if phones[agent] != call { fail("\(agent) is to stop ringing for \(call), and does not ring") }
                phones[agent] = nil
            case .leave(let call, _, let outcome):
                if !waiting.contains(call) { fail("\(call) is to leave and does not wait") }
                overflow(call, outcome)
            case .announce(let call, _, let position, _):
                if !waiting.contains(call) || position < 1 { fail("\(call) is told of place \(position)") }
            case .publish(.agentChanged(let change), _, _):
                let agent = UserID(tenant: Self.tenant, number: change.agent)
                ledger.change(agent, to: change.state, at: now.instant)
            case .publish(.queueEntered, _, let call?): failures += ledger.entered(call)
            case .publish(.queueLeft(let left), _, let call?):
                if callbacks.contains(call), left.outcome == .calledBack, let number = left.agent {
                    answered(call, number)
                    continue
                }
                failures += ledger.left(call)
                if left.outcome == .answered, let number = left.agent { answered(call, number) }
            default: break
            }
        }
    }

    private func offered(_ call: CallID, _ agent: UserID) {
        if let other = phones[agent] { fail("\(agent) rings for \(other) and for \(call)") }
        if !waiting.contains(call) { fail("\(agent) rings for \(call), who is gone") }
        if talks.values.contains(where: { $0.agent == agent }) { fail("\(agent) talks, and rings for \(call)") }
        if !(ownCalls[agent] ?? []).isEmpty { fail("\(agent) is in a call of his own, and rings for \(call)") }
        phones[agent] = call
        switch Int.random(in: 0..<100, using: &random) {
        case 0..<70: world.start(.answer(call, agent), at: later(1...14))
        case 70..<78: world.start(.answer(call, agent), at: later(15...20))
        case 78..<85: world.start(.failure(call, agent, .declined), at: later(1...5))
        case 85..<90: world.start(.failure(call, agent, .busy), at: later(0...1))
        case 90..<92: world.start(.failure(call, agent, .unavailable), at: later(0...3))
        default: break
        }
    }

    private func answered(_ call: CallID, _ number: String) {
        let agent = UserID(tenant: Self.tenant, number: number)
        if phones[agent] != call { fail("\(agent) answers \(call), and does not ring") }
        if waiting.remove(call) == nil { fail("\(agent) answers \(call), who is gone") }
        phones[agent] = nil
        talks[call] = (agent, now.instant)
        world.start(.talkEnds(call), at: later(10...400))
    }

    private func overflow(_ call: CallID, _ outcome: QueueOutcome) {
        // Deferred: a turn's actions are taken in before the next turn.
        guard outcome == .timeout, chance(50) else {
            waiting.remove(call)
            return
        }
        pending.append(call)
    }

    private var pending: [CallID] = []
    /// Who of those who wait is not on the line: their places are no stays.
    private var callbacks: Set<CallID> = []

    private func set(_ instant: Instant) {
        while let call = pending.popLast() { enter(call, carried: .seconds(60)) }
        now = Moment(instant: instant, wall: now.wall.advanced(by: instant - now.instant))
    }

    // MARK: the books

    private func settle() {
        checkSums()
        failures += ledger.close(at: now.instant, since: start.instant, agents: Self.agents)
    }

    private func checkSums() {
        for id in Self.agents {
            guard let agent = dispatcher.agents[id] else { continue }
            if agent.state != ledger.state(of: id) { fail("\(id) is \(agent.state), the ledger says otherwise") }
            if agent.handled != handled[id] ?? 0 { fail("\(id) handled \(agent.handled), not \(handled[id] ?? 0)") }
            if agent.talked != talked[id] ?? .zero { fail("\(id) talked \(agent.talked)") }
        }
        if dispatcher.callers.count != waiting.count { fail("\(waiting.count) wait, not \(dispatcher.callers.count)") }
        if dispatcher.talking.count != talks.count { fail("\(talks.count) talk, not \(dispatcher.talking.count)") }
    }

    private func fail(_ words: String) { failures.append("\((now.instant - start.instant).inSeconds) s: \(words)") }

    private var configuration: [TenantID: Tenant] {
        let credentials = Credentials(username: "u", realm: "r", ha1: [:])
        var tenant = Tenant(id: Self.tenant, domains: ["demo.example"])
        tenant.queues = queues
        for agent in Self.agents {
            tenant.users[agent.number] = User(
                number: agent.number,
                name: nil,
                role: .operator,
                credentials: credentials
            )
        }
        return [Self.tenant: tenant]
    }

    private func newCall() -> CallID {
        calls += 1
        return CallID("c\(calls)")
    }

    private func chance(_ percent: Int) -> Bool { Int.random(in: 0..<100, using: &random) < percent }

    private func later(_ seconds: ClosedRange<Int64>) -> Instant {
        let range = (seconds.lowerBound * 1000)...(seconds.upperBound * 1000)
        return now.instant + .milliseconds(Int64.random(in: range, using: &random))
    }
}

import Config
import Events
import SIP
import Testing
import Timebase

import ACD

/// A tenant's queues on a virtual clock, and what the dispatcher did. Every turn is held against `faults()`.
final class Floor {
    static let tenant = TenantID("demo")
    let dispatcher: Dispatcher
    private(set) var now = Moment(
        instant: Instant(nanoseconds: 1_000_000_000_000),
        wall: WallTime(milliseconds: 1_800_000_000_000)
    )
    var queues: [String: Queue] = [:]
    var users: Set<String> = []
    var reasons: [PauseReason] = []
    /// Of the last turn.
    private(set) var actions: [Dispatcher.Action] = []
    /// All that was published.
    private(set) var events: [Event] = []
    private var calls = 0

    init(seed: UInt64 = 1) { dispatcher = Dispatcher(generator: SeededGenerator(seed: seed), now: now) }

    /// One queue, and agents who are logged in and have their phones, one second apart: the first is idle longest.
    convenience init(
        _ name: String = "sales",
        agents: [Queue.Agent],
        seed: UInt64 = 1,
        _ change: (inout Queue) -> Void = { _ in }
    ) {
        self.init(seed: seed)
        add(name, agents, change)
        apply()
        for agent in agents { start(agent.user) }
    }

    static func id(_ number: String) -> UserID { UserID(tenant: tenant, number: number) }
    static func queue(_ name: String) -> QueueID { QueueID(tenant: tenant, name: name) }

    func add(_ name: String, _ agents: [Queue.Agent], _ change: (inout Queue) -> Void = { _ in }) {
        var queue = Queue(name: name)
        queue.agents = agents
        change(&queue)
        queues[name] = queue
        users.formUnion(agents.map(\.user))
    }

    func apply() {
        let credentials = Credentials(username: "u", realm: "r", ha1: [:])
        var tenant = Tenant(id: Self.tenant, domains: ["demo.example"])
        tenant.queues = queues
        tenant.pauseReasons = reasons
        for number in users {
            tenant.users[number] = User(number: number, name: nil, role: .operator, credentials: credentials)
        }
        turn { $0.configure([Self.tenant: tenant], at: now) }
    }

    func turn(_ body: (Dispatcher) -> [Dispatcher.Action]) {
        actions = body(dispatcher)
        for case .publish(let event, _, _) in actions { events.append(event) }
        #expect(dispatcher.faults() == [])
    }

    /// Lets time pass, and fires what is due on the way; the actions are those of all turns.
    func pass(_ duration: Duration) {
        let end = now.instant + duration
        var all: [Dispatcher.Action] = []
        while let deadline = dispatcher.nextDeadline(), deadline <= end {
            set(max(deadline, now.instant))
            turn { $0.fire(at: now) }
            all += actions
        }
        set(end)
        actions = all
    }

    private func set(_ instant: Instant) {
        now = Moment(instant: instant, wall: now.wall.advanced(by: instant - now.instant))
    }

    func start(_ number: String, device: String? = nil) {
        turn { $0.reachable(true, device: Self.id(device ?? number), at: now) }
        perform(.logIn(device: device), number)
        pass(.seconds(1))
    }

    func perform(_ command: Dispatcher.AgentCommand, _ number: String) {
        turn { $0.perform(command, by: Self.id(number), at: now) ?? [] }
    }

    @discardableResult
    func enter(
        _ queue: String = "sales",
        number: String = "",
        priority: Int = 0,
        skill: Int = 0,
        carried: Duration = .zero,
        isCallback: Bool = false,
        place: Dispatcher.Place? = nil
    ) -> CallID {
        calls += 1
        let call = CallID("c\(calls)")
        let entry = Dispatcher.Entry(
            call: call,
            queue: Self.queue(queue),
            number: number,
            priority: priority,
            requiredSkill: skill,
            carried: carried,
            isCallback: isCallback,
            place: place
        )
        turn { $0.enter(entry, at: now) }
        return call
    }

    func answer(_ call: CallID, _ number: String, isConnected: Bool = true) {
        turn { $0.answered(call, by: Self.id(number), isConnected: isConnected, at: now) }
    }
    func connect(_ call: CallID) { turn { $0.connected(call, at: now) } }
    /// The agent who answered is gone at once.
    func drop(_ call: CallID, _ queue: String = "sales") {
        turn { $0.dropped(call, queue: Self.queue(queue), at: now) }
    }
    func end(_ call: CallID) { turn { $0.ended(call, at: now) } }
    func leave(_ call: CallID) { turn { $0.leave(call, .abandoned, at: now) } }
    func fail(_ call: CallID, _ number: String, _ result: OfferResult) {
        turn { $0.offerFailed(call, agent: Self.id(number), result, at: now) }
    }
    func engage(_ number: String, _ call: CallID) { turn { $0.engaged(Self.id(number), in: call, at: now) } }
    func disengage(_ number: String, _ call: CallID) { turn { $0.disengaged(Self.id(number), from: call, at: now) } }
    func reachable(_ isReachable: Bool, _ number: String) {
        turn { $0.reachable(isReachable, device: Self.id(number), at: now) }
    }

    /// A whole call: answered at once by whom it is offered to, and over after so long.
    @discardableResult
    func serve(_ queue: String = "sales", number: String = "", for talk: Duration = .seconds(60)) -> String? {
        let call = enter(queue, number: number)
        guard let agent = offered.first else { return nil }
        answer(call, agent)
        pass(talk)
        end(call)
        return agent
    }

    /// Whose phones began to ring in the last turn.
    var offered: [String] {
        actions.compactMap {
            guard case .offer(_, _, let agent, _) = $0 else { return nil }
            return agent.number
        }
    }

    var offeredCalls: [CallID] {
        actions.compactMap {
            guard case .offer(let call, _, _, _) = $0 else { return nil }
            return call
        }
    }

    /// Whose phones stopped, and why.
    var withdrawn: [String: OfferResult] {
        var withdrawn: [String: OfferResult] = [:]
        for case .withdraw(_, let agent, let result) in actions { withdrawn[agent.number] = result }
        return withdrawn
    }

    var left: [QueueOutcome] {
        actions.compactMap {
            guard case .leave(_, _, let outcome) = $0 else { return nil }
            return outcome
        }
    }

    /// Whose phones ring for a caller.
    func ringing(_ call: CallID) -> [String] {
        dispatcher.caller(call, at: now)?.ringing.map(\.number) ?? []
    }

    func state(_ number: String) -> AgentState? { dispatcher.agentView(Self.id(number))?.state }
}

/// An agent of a queue.
func agent(_ user: String, penalty: Int = 0, skill: Int = 0, wrapUp: Duration? = nil) -> Queue.Agent {
    Queue.Agent(user: user, penalty: penalty, skill: skill, wrapUp: wrapUp)
}

let three = [agent("1"), agent("2"), agent("3")]

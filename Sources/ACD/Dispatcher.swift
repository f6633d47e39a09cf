public import Config
public import Events
public import Timebase

/// Queues and agents of every tenant: who is offered whose call. Sans-IO: calls and agents' doings in, actions out.
///
/// Whatever changes ends in `schedule`, so that a free eligible agent and an eligible waiting caller never outlive one call of
/// this class together. An agent has one offer or one queue's call at a time, whatever queues and tenants he serves.
public final class Dispatcher {
    public enum Action: Equatable, Sendable {
        /// Ring the agent's device for this caller.
        case offer(CallID, queue: QueueID, agent: UserID, device: String)
        /// Stop ringing him at once.
        case withdraw(CallID, agent: UserID, OfferResult)
        /// The caller is to go elsewhere.
        case leave(CallID, queue: QueueID, QueueOutcome)
        /// The caller may be told where he stands.
        case announce(CallID, queue: QueueID, position: Int, expectedWait: Duration?)
        case publish(Event, tenant: TenantID, call: CallID?)
    }

    enum TimerKey: Hashable, Sendable {
        case rest(UserID), wrapUp(UserID)
        case ring(CallID, UserID), longest(CallID), announcement(CallID), widening(CallID)
    }

    var queues: [QueueID: QueueLine] = [:]
    var agents: [UserID: Agent] = [:]
    var callers: [CallID: WaitingCaller] = [:]
    /// Calls of queues that are being talked in, by the agent who has them.
    var talking: [CallID: UserID] = [:]
    var timers = TimerQueue<TimerKey>()
    var now: Moment
    private var random: any RandomNumberGenerator & Sendable
    private var actions: [Action] = []
    private var order: UInt64 = 0
    private var changedQueues: [QueueLine] = []
    private var freed: [Agent] = []

    public init(generator: any RandomNumberGenerator & Sendable, now: Moment) {
        (random, self.now) = (generator, now)
    }

    // MARK: configuration

    /// Puts the tenants' queues in force. What agents do, their clocks, counters and pauses stay; only who serves which queue changes.
    public func configure(_ tenants: [TenantID: Tenant], at moment: Moment) -> [Action] {
        now = moment
        for (tenantID, tenant) in tenants {
            for user in tenant.users.keys {
                let id = UserID(tenant: tenantID, number: user)
                if agents[id] == nil { agents[id] = Agent(id: id, now: now) }
            }
            for (name, settings) in tenant.queues {
                let id = QueueID(tenant: tenantID, name: name)
                let queue = queues[id] ?? QueueLine(id: id, settings: settings)
                queue.settings = settings
                queues[id] = queue
                assign(settings.agents, to: queue)
            }
        }
        for (id, queue) in queues where tenants[id.tenant]?.queues[id.name] == nil { close(queue) }
        for (id, agent) in agents where tenants[id.tenant]?.users[id.number] == nil { dismiss(agent) }
        for agent in agents.values {
            agent.memberships.sort { ($0.queue.id.name, $0.order) < ($1.queue.id.name, $1.order) }
            refresh(agent, always: true)
        }
        changedQueues += queues.values
        return finish()
    }

    private func assign(_ list: [Queue.Agent], to queue: QueueLine) {
        let previous = queue.members
        queue.members = [:]
        for (order, entry) in list.enumerated() {
            let id = UserID(tenant: queue.id.tenant, number: entry.user)
            guard let agent = agents[id] else { continue }
            let member =
                previous[id]
                ?? Membership(agent: agent, queue: queue, penalty: 0, skill: 0, order: 0, wrapUp: nil)
            (member.penalty, member.skill, member.order) = (entry.penalty, entry.skill, order)
            member.wrapUp = entry.wrapUp
            queue.members[id] = member
            if previous[id] == nil { agent.memberships.append(member) }
        }
        for (id, member) in previous where queue.members[id] == nil {
            member.agent.memberships.removeAll { $0 === member }
            queue.free.remove(id)
        }
    }

    private func close(_ queue: QueueLine) {
        for call in queue.waiting.ordered + queue.offered.ordered { eject(call, .closed) }
        assign([], to: queue)
        queues[queue.id] = nil
        changedQueues.removeAll { $0 === queue }
    }

    private func dismiss(_ agent: Agent) {
        if let offer = agent.offer { endOffer(offer.call, agent, .withdrawn) }
        agent.isLoggedIn = false
        agent.pause = nil
        for member in agent.memberships {
            member.queue.free.remove(agent.id)
            member.queue.members[agent.id] = nil
        }
        agent.memberships = []
        refresh(agent)
        // One who still talks is forgotten when that is over.
        if agent.talk == nil, agent.ownCalls.isEmpty { agents[agent.id] = nil }
    }

    // MARK: time

    public func nextDeadline() -> Instant? { timers.nextDeadline }

    public func fire(at moment: Moment) -> [Action] {
        now = moment
        while let key = timers.popDue(now: now.instant) {
            switch key {
            case .rest(let id):
                agents[id]?.restsUntil = nil
                if let agent = agents[id] { refresh(agent, always: true) }
            case .wrapUp(let id): if let agent = agents[id] { endWrapUp(agent) }
            case .ring(let call, let id): if let agent = agents[id] { missed(call, agent, .noAnswer) }
            case .longest(let call): eject(call, .timeout)
            case .announcement(let call): announce(call)
            case .widening(let call): widen(call)
            }
        }
        return finish()
    }

    // MARK: bookkeeping

    func emit(_ action: Action) { actions.append(action) }

    func publish(_ event: Event, _ tenant: TenantID, call: CallID? = nil) {
        actions.append(.publish(event, tenant: tenant, call: call))
    }

    func nextOrder() -> UInt64 {
        order &+= 1
        return order
    }

    func draw() -> Int64 { Int64.random(in: 0...Int64.max, using: &random) }

    func draw(below count: Int64) -> Int64 { Int64.random(in: 0..<max(1, count), using: &random) }

    func touch(_ queue: QueueLine) { changedQueues.append(queue) }

    /// Ends a turn: whoever can be brought together is.
    func finish() -> [Action] {
        schedule()
        defer { actions = [] }
        return actions
    }

    /// Tells of a changed state, and puts the agent where the free ones stand, or takes him out.
    func refresh(_ agent: Agent, always: Bool = false) {
        let state = agent.state
        let reason = state == .paused ? agent.pause : nil
        if state != agent.told || reason != agent.toldReason {
            if state == .available { agent.idleSince = now.instant }
            let engagement = agent.talk ?? agent.offer
            publish(
                .agentChanged(
                    AgentChanged(
                        agent: agent.id.number,
                        state: state,
                        reason: reason,
                        queue: engagement?.queue.name ?? (state == .wrapUp ? agent.wrapUp?.queue.name : nil),
                        device: agent.device
                    )
                ),
                agent.id.tenant,
                call: engagement?.call ?? agent.ownCalls.first
            )
            (agent.told, agent.toldReason, agent.toldSince) = (state, reason, now)
        } else if !always {
            return
        }
        let isFree = agent.isFree
        for member in agent.memberships {
            if isFree {
                member.queue.free.insert(agent.id, member.queue.rank(of: member, random: draw()))
            } else {
                member.queue.free.remove(agent.id)
            }
        }
        if isFree { freed.append(agent) }
    }

    // MARK: bringing together

    private func schedule() {
        while !freed.isEmpty || !changedQueues.isEmpty {
            if let agent = freed.popLast() {
                if agent.isFree, let call = bestCall(for: agent) { offer(call, to: agent) }
                continue
            }
            guard let queue = changedQueues.popLast() else { continue }
            while let (call, agent) = bestPair(in: queue) { offer(call, to: agent) }
        }
    }

    /// The caller who stands first of all that this agent may take, in whichever of his queues.
    private func bestCall(for agent: Agent) -> WaitingCaller? {
        var best: WaitingCaller?
        for member in agent.memberships {
            guard let caller = firstCaller(for: member) else { continue }
            if best.map({ caller.rank < $0.rank }) ?? true { best = caller }
        }
        return best ?? joinable(by: agent)
    }

    /// A ring-all caller for whom others ring already: this one rings too.
    private func joinable(by agent: Agent) -> WaitingCaller? {
        var best: WaitingCaller?
        for member in agent.memberships where member.queue.settings.strategy == .ringAll {
            for call in member.queue.offered.ordered {
                guard let caller = callers[call], !caller.isCallback, mayTake(member, caller) else { continue }
                if best.map({ caller.rank < $0.rank }) ?? true { best = caller }
                break
            }
        }
        return best
    }

    private func firstCaller(for member: Membership) -> WaitingCaller? {
        guard let first = member.queue.waiting.first.flatMap({ callers[$0] }) else { return nil }
        if mayTake(member, first) { return first }
        for call in member.queue.waiting.ordered.dropFirst() {
            if let caller = callers[call], mayTake(member, caller) { return caller }
        }
        return nil
    }

    private func bestPair(in queue: QueueLine) -> (WaitingCaller, Agent)? {
        guard !queue.free.isEmpty, let first = queue.waiting.first.flatMap({ callers[$0] }) else { return nil }
        if let agent = bestAgent(for: first) { return (first, agent) }
        for call in queue.waiting.ordered.dropFirst() {
            if let caller = callers[call], let agent = bestAgent(for: caller) { return (caller, agent) }
        }
        return nil
    }

    private func bestAgent(for caller: WaitingCaller) -> Agent? {
        let queue = caller.queue
        if let preferred = caller.preferred, caller.preferredUntil.map({ now.instant < $0 }) ?? false {
            return queue.free.contains(preferred) ? agents[preferred] : nil
        }
        switch queue.settings.strategy {
        case .random, .weightedRandom: return drawAgent(for: caller)
        default: break
        }
        guard let first = queue.free.first.flatMap({ queue.members[$0] }) else { return nil }
        if mayTake(first, caller) { return first.agent }
        for id in queue.free.ordered.dropFirst() {
            if let member = queue.members[id], mayTake(member, caller) { return member.agent }
        }
        return nil
    }

    private func drawAgent(for caller: WaitingCaller) -> Agent? {
        let queue = caller.queue
        var candidates: [Membership] = []
        for (_, id) in queue.free.entries {
            guard let member = queue.members[id], mayTake(member, caller) else { continue }
            if let lowest = candidates.first?.penalty, member.penalty != lowest {
                if member.penalty > lowest { continue }
                candidates = []
            }
            candidates.append(member)
        }
        let weights = candidates.map { queue.settings.strategy == .weightedRandom ? Int64(max(1, $0.skill)) : 1 }
        var drawn = draw(below: weights.reduce(0, +))
        for (member, weight) in zip(candidates, weights) {
            drawn -= weight
            if drawn < 0 { return member.agent }
        }
        return candidates.last?.agent
    }

    func mayTake(_ member: Membership, _ caller: WaitingCaller) -> Bool {
        if let preferred = caller.preferred, let until = caller.preferredUntil, now.instant < until {
            return preferred == member.agent.id
        }
        let waited = caller.waited(at: now.instant)
        let settings = caller.queue.settings
        return member.penalty <= settings.allowedPenalty(after: waited)
            && member.skill >= settings.demandedSkill(caller.requiredSkill, after: waited)
    }
}

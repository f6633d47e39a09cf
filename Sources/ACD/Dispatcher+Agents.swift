public import Events
public import Timebase

/// What agents do, and what happens to them.
extension Dispatcher {
    public enum AgentCommand: Equatable, Sendable {
        /// `device`: the extension whose phones ring for him; nil: his own.
        case logIn(device: String?)
        case logOut
        case pause(reason: String)
        case unpause
        /// nil ends the wrap-up now; else it lasts so much longer.
        case endWrapUp
        case extendWrapUp(Duration)
        case block, unblock
    }

    /// nil: there is no such agent.
    public func perform(_ command: AgentCommand, by id: UserID, at moment: Moment) -> [Action]? {
        now = moment
        guard let agent = agents[id] else { return nil }
        switch command {
        case .logIn(let device):
            agent.isLoggedIn = true
            agent.device = device ?? id.number
            agent.missesInARow = 0
        case .logOut:
            agent.isLoggedIn = false
            agent.pause = nil
            if let offer = agent.offer { takeBack(offer.call, agent) }
        case .pause(let reason):
            agent.pause = reason
            // A phone that rings is no call yet: it stops, and the next agent's rings.
            if let offer = agent.offer { takeBack(offer.call, agent) }
        case .unpause:
            agent.pause = nil
            agent.missesInARow = 0
            agent.restsUntil = nil
            timers.stop(.rest(id))
        case .endWrapUp: if agent.wrapUp != nil { endWrapUp(agent) }
        case .extendWrapUp(let more): extendWrapUp(agent, by: more)
        case .block:
            agent.isBlocked = true
            if let offer = agent.offer { takeBack(offer.call, agent) }
        case .unblock: agent.isBlocked = false
        }
        refresh(agent, always: true)
        return finish()
    }

    private func takeBack(_ call: CallID, _ agent: Agent) {
        emit(.withdraw(call, agent: agent.id, .withdrawn))
        endOffer(call, agent, .withdrawn)
    }

    /// Feature codes turn round what is.
    public func isLoggedIn(_ id: UserID) -> Bool { agents[id]?.isLoggedIn ?? false }
    public func isPaused(_ id: UserID) -> Bool { agents[id]?.pause != nil }

    /// The registrar: a user's first phone came, or the last is gone.
    public func reachable(_ isReachable: Bool, device: UserID, at moment: Moment) -> [Action] {
        now = moment
        for agent in agents.values where agent.device == device.number && agent.id.tenant == device.tenant {
            guard agent.isReachable != isReachable else { continue }
            agent.isReachable = isReachable
            refresh(agent)
        }
        return finish()
    }

    /// A call of his own begins (he dials, or is dialled past the queues): it keeps him busy.
    public func engaged(_ id: UserID, in call: CallID, at moment: Moment) -> [Action] {
        now = moment
        guard let agent = agent(atDevice: id), talking[call] == nil, agent.offer?.call != call else { return [] }
        agent.ownCalls.insert(call)
        if var wrapUp = agent.wrapUp, let ends = wrapUp.ends {
            wrapUp.remaining = ends - now.instant
            wrapUp.ends = nil
            agent.wrapUp = wrapUp
            timers.stop(.wrapUp(agent.id))
        }
        // He speaks elsewhere: his phone need not ring for a queue.
        if let offer = agent.offer { takeBack(offer.call, agent) }
        refresh(agent)
        return finish()
    }

    public func disengaged(_ id: UserID, from call: CallID, at moment: Moment) -> [Action] {
        now = moment
        guard let agent = agent(atDevice: id), agent.ownCalls.remove(call) != nil else { return [] }
        if agent.ownCalls.isEmpty, agent.talk == nil, let wrapUp = agent.wrapUp, wrapUp.ends == nil {
            beginWrapUp(agent, queue: wrapUp.queue, for: wrapUp.remaining)
        }
        refresh(agent)
        return finish()
    }

    /// Who sits at a device: whoever logged in there, else its own user.
    private func agent(atDevice id: UserID) -> Agent? {
        if let own = agents[id], own.device == id.number { return own }
        return agents.values.first { $0.id.tenant == id.tenant && $0.device == id.number } ?? agents[id]
    }

    // MARK: wrap-up

    func beginWrapUp(_ agent: Agent, queue: QueueID, for duration: Duration) {
        // Never shortened by another queue's.
        let ends = max(agent.wrapUp?.ends ?? now.instant, now.instant + duration)
        agent.wrapUp = Agent.WrapUp(queue: queue, ends: ends, remaining: .zero)
        timers.start(.wrapUp(agent.id), at: ends)
    }

    func endWrapUp(_ agent: Agent) {
        agent.wrapUp = nil
        timers.stop(.wrapUp(agent.id))
        refresh(agent)
    }

    private func extendWrapUp(_ agent: Agent, by more: Duration) {
        guard let wrapUp = agent.wrapUp else { return }
        guard let ends = wrapUp.ends else {
            agent.wrapUp?.remaining += more
            return
        }
        beginWrapUp(agent, queue: wrapUp.queue, for: ends + more - now.instant)
    }

    // MARK: restart

    /// What outlives a restart: log-in, pause and the rest of a wrap-up.
    public struct AgentMemory: Equatable, Codable, Sendable {
        public var isLoggedIn: Bool
        public var pause: String?
        public var device: String
        public var isBlocked: Bool
        public var wrapUpQueue: String?
        /// On the wall clock.
        public var wrapUpEnds: WallTime?

        public init(
            isLoggedIn: Bool,
            pause: String?,
            device: String,
            isBlocked: Bool = false,
            wrapUpQueue: String? = nil,
            wrapUpEnds: WallTime? = nil
        ) {
            (self.isLoggedIn, self.pause, self.device) = (isLoggedIn, pause, device)
            (self.isBlocked, self.wrapUpQueue, self.wrapUpEnds) = (isBlocked, wrapUpQueue, wrapUpEnds)
        }
    }

    public func memory(of id: UserID) -> AgentMemory? {
        guard let agent = agents[id] else { return nil }
        let left = agent.wrapUp.map { $0.ends.map { $0 - now.instant } ?? $0.remaining }
        return AgentMemory(
            isLoggedIn: agent.isLoggedIn,
            pause: agent.pause,
            device: agent.device,
            isBlocked: agent.isBlocked,
            wrapUpQueue: agent.wrapUp?.queue.name,
            wrapUpEnds: left.map { now.wall.advanced(by: $0) }
        )
    }

    public func restore(_ memories: [UserID: AgentMemory], at moment: Moment) -> [Action] {
        now = moment
        for (id, memory) in memories.sorted(by: { $0.key.number < $1.key.number }) {
            guard let agent = agents[id] else { continue }
            agent.isLoggedIn = memory.isLoggedIn
            agent.pause = memory.pause
            agent.device = memory.device
            agent.isBlocked = memory.isBlocked
            if let queue = memory.wrapUpQueue, let ends = memory.wrapUpEnds, ends > now.wall {
                let left = Duration.milliseconds(min(ends.milliseconds - now.wall.milliseconds, 86_400_000))
                beginWrapUp(agent, queue: QueueID(tenant: id.tenant, name: queue), for: left)
            }
            refresh(agent)
        }
        return finish()
    }
}

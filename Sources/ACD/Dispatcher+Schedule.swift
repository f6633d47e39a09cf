import Config
import Events
import Timebase

/// Brings callers and agents together.
///
/// Nobody who may take a caller was free beside him when the turn began. So only those who became free in this turn, and callers
/// whose demands changed in it, are looked at: the cost of a decision does not grow with those who wait.
extension Dispatcher {
    func schedule() {
        while true {
            if let agent = freed.popLast() {
                settle(agent)
            } else if let caller = changed.popFirstInOrder() {
                guard caller.queue.waiting.contains(caller), let agent = bestAgent(for: caller) else { continue }
                offer(caller, to: agent)
            } else {
                return
            }
        }
    }

    /// The caller who stands first of all that this agent may take goes to whom the queue's rule names: him, or another who is
    /// free, unless for that one somebody stands before; each turn of the loop looks at an earlier caller.
    private func settle(_ agent: Agent) {
        guard agent.isFree else { return }
        guard var caller = firstWaiting(for: agent) else {
            if let caller = firstJoinable(for: agent) { ring(agent, for: caller) }
            return
        }
        while let chosen = bestAgent(for: caller) {
            if chosen !== agent, let earlier = firstWaiting(for: chosen), earlier.rank < caller.rank {
                caller = earlier
                continue
            }
            offer(caller, to: chosen)
            break
        }
        if agent.isFree { freed.append(agent) }
    }

    /// The caller who stands first of all that this agent may take, in whichever of his queues.
    func firstWaiting(for agent: Agent) -> WaitingCaller? {
        first(of: agent.memberships) { $0.queue.waiting.first(for: $0) }
    }

    /// A ring-all caller for whom others ring already: this one rings too.
    private func firstJoinable(for agent: Agent) -> WaitingCaller? {
        first(of: agent.memberships) {
            $0.queue.settings.strategy == .ringAll ? $0.queue.offered.first(for: $0, callbacks: false) : nil
        }
    }

    private func first(of members: [Membership], _ find: (Membership) -> WaitingCaller?) -> WaitingCaller? {
        var best: WaitingCaller?
        for member in members {
            guard let caller = find(member) else { continue }
            if best.map({ caller.rank < $0.rank }) ?? true { best = caller }
        }
        return best
    }

    /// Whom the queue's rule names among the free.
    private func bestAgent(for caller: WaitingCaller) -> Agent? {
        let queue = caller.queue
        let demand: Demand
        switch caller.heading {
        case .awaiting(let id):
            guard let member = queue.members[id], member.freeLevel != nil else { return nil }
            return member.agent
        case .open(let open): demand = open
        }
        let strategy = queue.settings.strategy
        if strategy == .random || strategy == .weightedRandom {
            let isWeighted = strategy == .weightedRandom
            return queue.free.drawn(for: demand, besides: caller.tried, isWeighted: isWeighted, below: draw)?.agent
        }
        guard let first = queue.free.first(for: demand) else { return nil }
        guard caller.tried.contains(first.agent.id) else { return first.agent }
        return (queue.free.first(for: demand, besides: caller.tried) ?? first).agent
    }

    private func offer(_ caller: WaitingCaller, to agent: Agent) {
        let queue = caller.queue
        queue.observe(at: now.instant)
        queue.waiting.remove(caller)
        queue.offered.insert(caller)
        ring(agent, for: caller)
        ringOthers(for: caller)
        tellPassedOver(for: caller)
    }

    /// Ring-all: everybody else who is free and may take him.
    func ringOthers(for caller: WaitingCaller) {
        guard caller.queue.settings.strategy == .ringAll, !caller.isCallback, case .open(let demand) = caller.heading
        else { return }
        for member in caller.queue.free.all(for: demand) {
            if let earlier = firstWaiting(for: member.agent), earlier.rank < caller.rank {
                freed.append(member.agent)
            } else {
                ring(member.agent, for: caller)
            }
        }
    }

    /// By the rules alone, without the lines: what `faults` holds them against.
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

extension [WaitingCaller] {
    /// Takes out whoever stands first; mostly there is one.
    fileprivate mutating func popFirstInOrder() -> WaitingCaller? {
        guard let place = indices.min(by: { self[$0].rank < self[$1].rank }) else { return nil }
        swapAt(place, count - 1)
        return removeLast()
    }
}

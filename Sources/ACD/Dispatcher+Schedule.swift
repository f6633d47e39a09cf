import Config
import Events
import Timebase

/// Brings callers and agents together.
///
/// Nobody who may take a caller was free beside him when the turn began. So only those who became free in this turn, and callers
/// whose demands changed in it, are looked at: the cost of a decision does not grow with those who wait.
extension Dispatcher {
    func schedule() {
        // Who is free and who waits is looked for anew when there is room.
        guard room != 0 else { return (freed, changed) = ([], []) }
        while room != 0 {
            if let agent = freed.popLast() {
                settle(agent)
            } else if let caller = changed.popFirstInOrder() {
                if caller.queue.offered.contains(caller) { ringOthers(for: caller) }
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
            guard let caller = firstJoinable(for: agent) else { return }
            guard caller.queue.settings.strategy == .ringProgressively else { return ring(agent, for: caller) }
            let due = caller.due
            ringThoseDue(for: caller)
            // Another was before him; somebody else may have him.
            if agent.isFree, caller.due < due { freed.append(agent) }
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

    /// A caller for whom others ring already, and whom more phones may ring for: this one rings too.
    private func firstJoinable(for agent: Agent) -> WaitingCaller? {
        first(of: agent.memberships) { member in
            switch member.queue.settings.strategy {
            case .ringAll: member.queue.offered.first(for: member, callbacks: false)
            case .ringProgressively:
                member.queue.offered.callers.filter { isJoinable($0) && mayTake(member, $0) }.min { $0.rank < $1.rank }
            default: nil
            }
        }
    }

    /// Whether whoever is free is to ring for him beside those who do.
    func isJoinable(_ caller: WaitingCaller) -> Bool {
        guard !caller.isCallback else { return false }
        return switch caller.queue.settings.strategy {
        case .ringAll: true
        case .ringProgressively: caller.due > 0
        default: false
        }
    }

    private func first(of members: [Membership], _ find: (Membership) -> WaitingCaller?) -> WaitingCaller? {
        var best: WaitingCaller?
        for member in members where member.pause == nil {
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
        if now.instant > caller.inLineSince { caller.hasWaited = true }
        ring(agent, for: caller)
        watchJoining(caller)
        ringOthers(for: caller)
        tellPassedOver(for: caller)
    }

    /// Who rings beside whoever was asked first: with ring-all everybody else who is free and may take him, with ring-progressively as
    /// many as it is time for.
    func ringOthers(for caller: WaitingCaller) {
        guard room != 0, isJoinable(caller), case .open(let demand) = caller.heading else { return }
        guard caller.queue.settings.strategy == .ringAll else { return ringThoseDue(for: caller) }
        for member in caller.queue.free.all(for: demand) where room != 0 {
            if let earlier = firstWaiting(for: member.agent), earlier.rank < caller.rank {
                freed.append(member.agent)
            } else {
                ring(member.agent, for: caller)
            }
        }
    }

    private func ringThoseDue(for caller: WaitingCaller) {
        while caller.due > 0, room != 0, let agent = bestAgent(for: caller) {
            if let earlier = firstWaiting(for: agent), earlier.rank < caller.rank {
                // He is the earlier one's; whom that leaves may ring here.
                freed.append(agent)
                return changed.append(caller)
            }
            caller.due -= 1
            ring(agent, for: caller)
        }
    }

    // MARK: ring-progressively

    /// Its clock runs while phones ring for a caller, but not while one agent alone is waited for.
    func watchJoining(_ caller: WaitingCaller) {
        let key = TimerKey.joining(caller.call)
        guard isProgressive(caller) else {
            caller.due = 0
            return timers.stop(key)
        }
        guard !timers.contains(key) else { return }
        timers.start(key, at: now.instant + max(caller.queue.settings.ringStep, Self.shortestPace))
    }

    func isProgressive(_ caller: WaitingCaller) -> Bool {
        guard caller.queue.settings.strategy == .ringProgressively, !caller.isCallback, !caller.ringing.isEmpty else {
            return false
        }
        return if case .open = caller.heading { true } else { false }
    }

    /// It is time for one more phone.
    func ringAnother(for call: CallID) {
        guard let caller = callers[call] else { return }
        caller.due = min(caller.due + 1, caller.queue.members.count)
        watchJoining(caller)
        ringOthers(for: caller)
        tellPassedOver(for: caller)
    }

    /// By the rules alone, without the lines: what `faults` holds them against.
    func mayTake(_ member: Membership, _ caller: WaitingCaller) -> Bool {
        guard member.pause == nil else { return false }
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

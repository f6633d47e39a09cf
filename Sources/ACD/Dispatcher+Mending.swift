import Config
import Events
public import Timebase

/// What `faults` finds is brought back to a state that can go on.
///
/// A fact that one side alone knows is ended, with the phone that may ring by it; except a talk and a call of an agent's own, which
/// are believed until the calls say that they are over (`gone`): nobody is rung in the middle of a talk because a table lost it.
/// Lines and counts are made anew from the facts, and clocks that were lost are started again.
extension Dispatcher {
    /// Mends whatever is wrong: `found` in words, and what of it is `left`.
    public func mend(at moment: Moment) -> (found: [String], left: [String], actions: [Action]) {
        // What is due is no fault.
        let due = fire(at: moment)
        let found = faults()
        guard !found.isEmpty else { return ([], [], due) }
        let everybody = agents.values.sorted { $0.id < $1.id }
        for agent in everybody { mendOffer(of: agent) }
        mendTalks(of: everybody)
        mendOwnCalls(of: everybody)
        for agent in everybody { mendClocks(of: agent) }
        for queue in queues.values { queue.clearLines() }
        for caller in callers.values.sorted(by: { $0.rank < $1.rank }) { mend(caller) }
        for agent in everybody { refresh(agent, always: true) }
        for queue in queues.values.sorted(by: { $0.id < $1.id }) {
            queue.staff = queue.recount
            watchEmptiness(of: queue)
        }
        let actions = due + finish()
        return (found, faults(), actions)
    }

    /// A phone stops that rings for nobody, or for somebody else than its owner speaks with.
    private func mendOffer(of agent: Agent) {
        guard let offer = agent.offer else { return }
        let caller = callers[offer.call]
        if caller?.ringing[agent.id] == nil || agent.talk != nil || !agent.ownCalls.isEmpty {
            takeBack(offer.call, agent)
        }
    }

    private func mendTalks(of everybody: [Agent]) {
        for (call, ids) in talking {
            let sure = ids.filter { agents[$0]?.talk?.call == call }
            talking[call] = sure.isEmpty ? nil : sure
        }
        for agent in everybody {
            guard let talk = agent.talk else { continue }
            if talking[talk.call] == nil { talking[talk.call] = [agent.id] }
            if !hasTalk(agent.id, in: talk.call) { agent.talk = nil }
        }
    }

    private func mendOwnCalls(of everybody: [Agent]) {
        for (key, id) in engagements {
            if let agent = agents[id] { agent.ownCalls.insert(key.call) } else { engagements[key] = nil }
        }
        let known = engaged
        for agent in everybody {
            agent.ownCalls.formIntersection(known[agent.id] ?? [])
            if let offer = agent.offer, !agent.ownCalls.isEmpty { takeBack(offer.call, agent) }
        }
    }

    private func mendClocks(of agent: Agent) {
        if let offer = agent.offer, !timers.contains(.ring(offer.call, agent.id)) {
            let timeout = max(queues[offer.queue]?.settings.ringTimeout ?? .zero, Self.shortestPace)
            timers.start(.ring(offer.call, agent.id), at: offer.since + timeout)
        }
        if let ends = agent.restsUntil, !timers.contains(.rest(agent.id)) { timers.start(.rest(agent.id), at: ends) }
        agent.awaitedBy = agent.awaitedBy.filter { callers[$0]?.preferred == agent.id }
        if !agent.ownCalls.isEmpty {
            interruptWrapUp(of: agent)
        } else if let wrapUp = agent.wrapUp, !timers.contains(.wrapUp(agent.id)) {
            beginWrapUp(agent, queue: wrapUp.queue, for: .zero)
        }
    }

    /// Puts him in the line where he belongs: whether somebody's phone rings for him is what that phone's owner says too.
    private func mend(_ caller: WaitingCaller) {
        let queue = caller.queue
        guard queues[queue.id] === queue else { return eject(caller.call, .closed) }
        for id in caller.ringing.keys.sorted(by: <) where agents[id]?.offer?.call != caller.call {
            caller.ringing[id] = nil
            emit(.withdraw(caller.call, agent: id, .withdrawn))
        }
        caller.updateHeading(at: now.instant)
        if caller.ringing.isEmpty { queue.waiting.insert(caller) } else { queue.offered.insert(caller) }
        watchJoining(caller)
    }

    /// Calls that keep each agent busy, as they were told of.
    var engaged: [UserID: Set<CallID>] {
        engagements.reduce(into: [:]) { $0[$1.value, default: []].insert($1.key.call) }
    }
}

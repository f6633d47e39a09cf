public import ACD
import Config
public import DialPlan
public import Events
import Media
import Timebase

/// What goes between the calls and the dispatcher of queues and agents.
extension CallCore {
    /// Tells the dispatcher something, and does what it wants.
    public func dispatch(_ body: (Dispatcher) -> [Dispatcher.Action]) { carryOut(body(acd)) }

    func engage(_ user: String, in call: Call) {
        dispatch { $0.engaged(UserID(tenant: call.tenant.id, number: user), in: call.id, at: now) }
    }

    func disengage(_ user: String, from call: Call) {
        dispatch { $0.disengaged(UserID(tenant: call.tenant.id, number: user), from: call.id, at: now) }
    }

    /// Nothing could be sent to an agent's phones. Where we ourselves had no port for it, that is no miss of his.
    func offerFailed(_ call: CallID, agent: UserID) {
        guard lacksPorts else { return dispatch { $0.offerFailed(call, agent: agent, .unavailable, at: now) } }
        dispatch { $0.offerNotMade(call, agent: agent, at: now) }
        timers.start(.room, at: now.instant + .seconds(1))
    }

    /// As many agents are asked again as there are ports; when some are left a second later, there is enough of them.
    func lookForRoom() {
        let free = acd.lacksRoom ? media.pairsFree : nil
        timers.stop(.room)
        if free != nil { timers.start(.room, at: now.instant + .seconds(1)) }
        dispatch { $0.makeRoom(free, at: now) }
    }

    /// The queue's agent has the caller: from here on a wrap-up follows, be it after a restart.
    func connected(_ call: Call) {
        dispatch { $0.connected(call.id, at: now) }
        if let agent = call.served?.agent { remember(agent) }
    }

    /// A call ends: nobody rings or waits for it any more, and its agent wraps up.
    func leave(_ call: Call) {
        dispatch { $0.leave(call.id, .abandoned, at: now) }
        // What a queue's talk leaves behind comes after all that its agent had in this call.
        for user in Set(call.legs.compactMap(\.user)) { disengage(user, from: call) }
        for service in [call.served, call.servedNext].compactMap({ $0 }) { end(service, in: call) }
    }

    /// The agent of a queue's call has nothing more to do with it: he wraps up, be it after what else he has in that call.
    func end(_ service: Call.Service, in call: Call) {
        let leg = call.legs[service.leg]
        if let user = leg.user, !leg.isOver, !call.isEnding { engage(user, in: call) }
        call.publish(.queueTalkEnded(queue: service.queue.name, agent: service.agent.number))
        dispatch { $0.ended(call.id, by: service.agent, at: now) }
        remember(service.queue)
    }

    /// False: there is no such agent.
    @discardableResult
    public func perform(_ command: Dispatcher.AgentCommand, by agent: UserID) -> Bool {
        guard let actions = acd.perform(command, by: agent, at: now) else { return false }
        carryOut(actions)
        remember(agent)
        return true
    }

    /// Has what the agent is kept for the time after a restart, or forgotten where there is no such agent any more: the next one of
    /// his extension is somebody else.
    public func remember(_ agent: UserID) { surroundings?.remember(agent, acd.memory(of: agent)) }

    /// The same of a queue, after each of its talks.
    public func remember(_ queue: QueueID) { surroundings?.remember(queue, acd.memory(of: queue)) }

    /// What a URL said about a call; nil: nothing usable in time.
    public func answered(_ id: CallID, _ steps: [Step]?) { call(id)?.consulted(steps) }

    private func carryOut(_ actions: [Dispatcher.Action]) {
        wanted += actions
        guard !isCarryingOut else { return }
        isCarryingOut = true
        defer { isCarryingOut = false }
        var index = 0
        while index < wanted.count {
            carryOut(wanted[index])
            index += 1
        }
        wanted.removeAll(keepingCapacity: true)
    }

    private func carryOut(_ action: Dispatcher.Action) {
        switch action {
        case .offer(let id, _, let agent, let device):
            if let call = call(id) { return call.offered(to: agent, device: device) }
            if !beginAttempt(id, by: agent, device: device) { dispatch { $0.leave(id, .abandoned, at: now) } }
        case .withdraw(let id, let agent, let result): call(id)?.withdrawn(from: agent, result)
        case .leave(let id, let queue, let outcome):
            if let call = call(id) { return call.mustLeave(queue, outcome) }
            attemptFailed(id, because: outcome.rawValue)
        case .announce(let id, _, let position, let wait):
            call(id)?.announced(position: position, expectedWait: wait)
        case .publish(let event, let tenant, let id):
            bus.publish(event, tenant: tenant, call: id, at: now)
            if case .agentChanged(let change) = event { remember(UserID(tenant: tenant, number: change.agent)) }
            if case .queuePauseChanged(let change) = event { remember(UserID(tenant: tenant, number: change.agent)) }
        }
    }
}

extension Call {
    /// Who speaks at a user's phone in this call: whoever is logged in there.
    func speaker(at device: String?) -> UserID? {
        device.flatMap { core.acd.speaker(at: UserID(tenant: tenant.id, number: $0), in: id) }
    }

    func speaker(at leg: Int) -> UserID? { speaker(at: legs[leg].user) }
}

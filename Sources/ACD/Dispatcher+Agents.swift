import Config
public import Events
public import Timebase

/// What agents do, and what happens to them.
extension Dispatcher {
    public enum AgentCommand: Equatable, Sendable {
        /// `device`: the extension whose phones ring for him; nil: his own. `by`: the call at that device by which he logs in.
        case logIn(device: String?, by: CallID? = nil)
        case logOut
        case pause(reason: String)
        case unpause
        /// Of one queue, while he serves his others.
        case pauseIn(queue: String, reason: String)
        case unpauseIn(queue: String)
        /// nil ends the wrap-up now; else it lasts so much longer.
        case endWrapUp
        case extendWrapUp(Duration)
        case block, unblock
    }

    /// nil: there is no such agent.
    public func perform(_ command: AgentCommand, by id: UserID, at moment: Moment) -> [Action]? {
        now = moment
        guard let agent = agents[id], !agent.isDismissed else { return nil }
        switch command {
        case .logIn(let device, let call): logIn(agent, at: device ?? id.number, by: call)
        case .logOut: logOut(agent)
        case .pause(let reason):
            agent.pause = reason
            // A phone that rings is no call yet: it stops, and the next agent's rings.
            if let offer = agent.offer { takeBack(offer.call, agent) }
        case .unpause:
            agent.pause = nil
            agent.pauses.end(now.instant)
            takeIn(agent)
            agent.restsUntil = nil
            timers.stop(.rest(id))
        case .pauseIn(let queue, let reason):
            guard let member = agent.memberships.first(where: { $0.queue.id.name == queue }) else { return nil }
            leaveOut(member, because: reason)
            if let offer = agent.offer, offer.queue == member.queue.id { takeBack(offer.call, agent) }
        case .unpauseIn(let queue): takeIn(agent, of: queue)
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

    // MARK: pauses of one queue

    /// This queue asks him no more, until that is taken back.
    func leaveOut(_ member: Membership, because reason: String?) {
        guard member.pause != reason else { return }
        let agent = member.agent
        mark(member, as: reason)
        member.missesInARow = 0
        if reason != nil { release(agent, from: member.queue) }
        let change = QueuePauseChanged(queue: member.queue.id.name, agent: agent.id.number, reason: reason)
        publish(.queuePauseChanged(change), agent.id.tenant)
    }

    func mark(_ member: Membership, as pause: String?) {
        let before = member.standing(as: member.agent.told)
        member.pause = pause
        count(member, as: member.standing(as: member.agent.told), before: before)
    }

    /// The queue asks him again: all of his where none is named.
    private func takeIn(_ agent: Agent, of queue: String? = nil) {
        for member in agent.memberships where queue == nil || member.queue.id.name == queue {
            leaveOut(member, because: nil)
        }
        if queue == nil { forgetMisses(of: agent) }
    }

    func forgetMisses(of agent: Agent) {
        agent.missesInARow = 0
        for member in agent.memberships { member.missesInARow = 0 }
    }

    // MARK: devices

    private func logIn(_ agent: Agent, at device: String, by call: CallID?) {
        // A device has one operator: whoever worked there before goes.
        let seat = UserID(tenant: agent.id.tenant, number: device)
        if let before = self.agent(at: seat), before !== agent, before.isLoggedIn, before.device == device {
            logOut(before)
            refresh(before, always: true)
        }
        if agent.device != device, let offer = agent.offer { takeBack(offer.call, agent) }
        agent.isLoggedIn = true
        forgetMisses(of: agent)
        sit(agent, at: device)
        guard let key = call.map({ DeviceCall(device: seat, call: $0) }), engagements[key] != agent.id else { return }
        // Until that call is over his phone is busy, as it is after a log-in at his own.
        disengage(key)
        engage(agent, key)
    }

    private func logOut(_ agent: Agent) {
        agent.isLoggedIn = false
        agent.pause = nil
        agent.pauses.end(now.instant)
        takeIn(agent)
        if let offer = agent.offer { takeBack(offer.call, agent) }
        sit(agent, at: agent.id.number)
    }

    /// From now on this extension's phones ring for him.
    func sit(_ agent: Agent, at device: String) {
        let before = UserID(tenant: agent.id.tenant, number: agent.device)
        if visitors[before] == agent.id { visitors[before] = nil }
        let seat = UserID(tenant: agent.id.tenant, number: device)
        if seat != agent.id { visitors[seat] = agent.id }
        agent.device = device
        agent.isReachable = reachableDevices.contains(seat)
    }

    /// Who sits at a device: whoever logged in there, else its own user, unless he works at another.
    private func agent(at device: UserID) -> Agent? {
        if let visitor = visitors[device].flatMap({ agents[$0] }) { return visitor }
        guard let owner = agents[device], owner.device == device.number else { return nil }
        return owner
    }

    /// The same, for whoever dials a feature code there; nil: an agent's own phone that he has left for another.
    public func occupant(of device: UserID) -> UserID? {
        agent(at: device)?.id ?? (agents[device] == nil ? device : nil)
    }

    /// Who speaks at a device in this call: whoever sat there when it began, else whoever sits there now.
    public func speaker(at device: UserID, in call: CallID) -> UserID? {
        engagements[DeviceCall(device: device, call: call)] ?? occupant(of: device)
    }

    /// The extension whose phones ring for a user: where he is logged in, else his own.
    public func device(of id: UserID) -> UserID { UserID(tenant: id.tenant, number: agents[id]?.device ?? id.number) }

    /// Of a pause for which none is named: that of the pause he is in, or is to have, else the first of the tenant's that he may take by
    /// himself.
    public func pauseReason(of id: UserID) -> String {
        agents[id]?.pause ?? pauseReasons[id.tenant]?.first { $0.grantedBy == .operator }?.name ?? "break"
    }

    /// Feature codes turn round what is.
    public func isLoggedIn(_ id: UserID) -> Bool { agents[id]?.isLoggedIn ?? false }
    public func isPaused(_ id: UserID) -> Bool { agents[id]?.pause != nil }

    /// The registrar: a user's first phone came, or the last is gone.
    public func reachable(_ isReachable: Bool, device: UserID, at moment: Moment) -> [Action] {
        now = moment
        if isReachable { reachableDevices.insert(device) } else { reachableDevices.remove(device) }
        for id in [visitors[device], device] {
            guard let agent = id.flatMap({ agents[$0] }), agent.device == device.number else { continue }
            guard agent.isReachable != isReachable else { continue }
            agent.isReachable = isReachable
            // What rings there is heard by nobody.
            if !isReachable, let offer = agent.offer { takeBack(offer.call, agent) }
            refresh(agent)
        }
        return finish()
    }

    // MARK: calls past the queues

    /// A call of his own begins (he dials, or is dialled past the queues): it keeps him busy. So does another leg of the call that he has
    /// of a queue: it may outlast what the queue gave him.
    public func engaged(_ id: UserID, in call: CallID, at moment: Moment) -> [Action] {
        now = moment
        let key = DeviceCall(device: id, call: call)
        // Whoever sits there when it rings again, or ends, may be another: it is his who sat there when it began.
        guard engagements[key] == nil, let agent = agent(at: id), agent.offer?.call != call else { return [] }
        engage(agent, key)
        // He speaks elsewhere: his phone need not ring for a queue.
        if let offer = agent.offer { takeBack(offer.call, agent) }
        refresh(agent)
        return finish()
    }

    private func engage(_ agent: Agent, _ key: DeviceCall) {
        engagements[key] = agent.id
        agent.ownCalls.insert(key.call)
        interruptWrapUp(of: agent)
    }

    public func disengaged(_ id: UserID, from call: CallID, at moment: Moment) -> [Action] {
        now = moment
        disengage(DeviceCall(device: id, call: call))
        return finish()
    }

    /// The call is no more, whatever anybody did in it: the watchdog's word for what `knownCalls` names and no call has.
    public func gone(_ call: CallID, at moment: Moment) -> [Action] {
        now = moment
        if let caller = callers[call] { drop(caller, .abandoned) }
        endTalks(in: call)
        for key in engagements.keys.filter({ $0.call == call }).sorted(by: { $0.device < $1.device }) {
            disengage(key)
        }
        return finish()
    }

    private func disengage(_ key: DeviceCall) {
        guard let agent = engagements.removeValue(forKey: key).flatMap({ agents[$0] }) else { return }
        // At two devices the same call may be his.
        guard !engagements.contains(where: { $0.key.call == key.call && $0.value == agent.id }) else { return }
        agent.ownCalls.remove(key.call)
        if agent.ownCalls.isEmpty, let wrapUp = agent.wrapUp, wrapUp.ends == nil {
            beginWrapUp(agent, queue: wrapUp.queue, for: .zero)
        }
        refresh(agent, always: agent.isDismissed)
    }

    // MARK: wrap-up

    /// Never shortened: by another queue's, nor by a call of his own, which it outlives. `granted`: by the queue; nil: it did that before.
    func beginWrapUp(_ agent: Agent, queue: QueueID, for duration: Duration, granted: Duration? = nil) {
        let before = agent.wrapUp.map { $0.ends.map { $0 - now.instant } ?? $0.remaining } ?? .zero
        let length = max(before, duration)
        let granted = granted ?? agent.wrapUp?.granted ?? length
        guard agent.ownCalls.isEmpty else {
            agent.wrapUp = Agent.WrapUp(queue: queue, ends: nil, remaining: length, granted: granted)
            return
        }
        agent.wrapUp = Agent.WrapUp(queue: queue, ends: now.instant + length, remaining: .zero, granted: granted)
        timers.start(.wrapUp(agent.id), at: now.instant + length)
    }

    /// A call of his own stops the clock.
    func interruptWrapUp(of agent: Agent) {
        guard let wrapUp = agent.wrapUp, let ends = wrapUp.ends else { return }
        agent.wrapUp?.ends = nil
        agent.wrapUp?.remaining = ends - now.instant
        timers.stop(.wrapUp(agent.id))
    }

    func endWrapUp(_ agent: Agent) {
        agent.wrapUp = nil
        timers.stop(.wrapUp(agent.id))
        refresh(agent)
    }

    private func extendWrapUp(_ agent: Agent, by more: Duration) {
        guard let wrapUp = agent.wrapUp, more > .zero else { return }
        let left = wrapUp.ends.map { $0 - now.instant } ?? wrapUp.remaining
        beginWrapUp(agent, queue: wrapUp.queue, for: left + more)
    }
}

public import Config
public import Events
public import Timebase

/// The tenants' queues as they are put in force.
extension Dispatcher {
    /// Puts the tenants' queues in force. What agents do, their clocks, counters and pauses stay; only who serves which queue changes.
    ///
    /// Everything is walked through by name: a seed replays a run.
    public func configure(_ tenants: [TenantID: Tenant], at moment: Moment) -> [Action] {
        now = moment
        pauseReasons = tenants.mapValues(\.pauseReasons)
        for (tenantID, tenant) in tenants.sorted(by: { $0.key < $1.key }) {
            for user in tenant.users.keys { admit(UserID(tenant: tenantID, number: user)) }
            for (name, settings) in tenant.queues.sorted(by: { $0.key < $1.key }) {
                let id = QueueID(tenant: tenantID, name: name)
                let queue = queues[id] ?? QueueLine(id: id, settings: settings)
                queue.settings = settings
                queues[id] = queue
                assign(settings.agents, to: queue)
            }
        }
        for queue in queues.values.sorted(by: { $0.id < $1.id })
        where tenants[queue.id.tenant]?.queues[queue.id.name] == nil {
            close(queue)
        }
        let everybody = agents.values.sorted { $0.id < $1.id }
        for agent in everybody where tenants[agent.id.tenant]?.users[agent.id.number] == nil { dismiss(agent) }
        for caller in callers.values.sorted(by: { $0.rank < $1.rank }) { review(caller) }
        for agent in everybody where !agent.isDismissed {
            agent.memberships.sort { ($0.queue.id.name, $0.order) < ($1.queue.id.name, $1.order) }
            refresh(agent, always: true)
            watchPause(of: agent)
        }
        for queue in queues.values.sorted(by: { $0.id < $1.id }) { watchEmptiness(of: queue) }
        return finish()
    }

    private func admit(_ id: UserID) {
        if let agent = agents[id] {
            agent.isDismissed = false
        } else {
            let agent = Agent(id: id, now: now)
            agent.isReachable = reachableDevices.contains(id)
            agents[id] = agent
        }
    }

    private func assign(_ list: [Queue.Agent], to queue: QueueLine) {
        let previous = queue.members
        (queue.members, queue.roster) = ([:], [])
        for (order, entry) in list.enumerated() {
            let id = UserID(tenant: queue.id.tenant, number: entry.user)
            guard let agent = agents[id], queue.members[id] == nil else { continue }
            let member = previous[id] ?? Membership(agent: agent, queue: queue, terms: entry, order: order)
            (member.terms, member.order) = (entry, order)
            queue.members[id] = member
            queue.roster.append(member)
            if previous[id] == nil {
                agent.memberships.append(member)
                queue.staff.add(member.standing(as: agent.told), 1)
            }
        }
        for member in previous.values.sorted(by: { $0.order < $1.order }) where queue.members[member.agent.id] == nil {
            resign(member)
        }
    }

    /// He serves the queue no more: his phone stops ringing for it; a call that he has goes on.
    private func resign(_ member: Membership) {
        let agent = member.agent
        agent.memberships.removeAll { $0 === member }
        member.queue.free.remove(member)
        member.queue.staff.add(member.standing(as: agent.told), -1)
        member.queue.members[agent.id] = nil
        member.queue.roster.removeAll { $0 === member }
        if let offer = agent.offer, offer.queue == member.queue.id { takeBack(offer.call, agent) }
    }

    private func close(_ queue: QueueLine) {
        for caller in queue.waiting.ordered + queue.offered.ordered { eject(caller.call, .closed) }
        assign([], to: queue)
        timers.stop(.empty(queue.id))
        queues[queue.id] = nil
    }

    private func dismiss(_ agent: Agent) {
        if let offer = agent.offer { takeBack(offer.call, agent) }
        agent.isLoggedIn = false
        agent.pause = nil
        agent.isBlocked = false
        agent.wrapUp = nil
        agent.restsUntil = nil
        timers.stop(.wrapUp(agent.id))
        timers.stop(.rest(agent.id))
        sit(agent, at: agent.id.number)
        for member in agent.memberships { resign(member) }
        // One who still talks is forgotten when that is over.
        agent.isDismissed = true
        refresh(agent, always: true)
    }

    /// New rules for one who waits: what he demands, when that changes next, how long he may wait, when he is told where he stands.
    private func review(_ caller: WaitingCaller) {
        if let preferred = caller.preferred, caller.queue.members[preferred] == nil { forgetPreference(caller) }
        restand(caller)
        startWidening(caller)
        followRules(caller)
    }
}

extension QueueID {
    static func < (a: QueueID, b: QueueID) -> Bool { (a.tenant, a.name) < (b.tenant, b.name) }
}

extension UserID {
    static func < (a: UserID, b: UserID) -> Bool { (a.tenant, a.number) < (b.tenant, b.number) }
}

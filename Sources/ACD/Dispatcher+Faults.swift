import Config
import Events
import Timebase

/// What must hold after every turn.
extension Dispatcher {
    /// Broken invariants, in words; none in a sound switch.
    public func faults() -> [String] {
        let known = engaged
        return queues.values.flatMap(faults) + agents.values.flatMap { faults(of: $0, engaged: known[$0.id] ?? []) }
            + callers.values.flatMap(faults)
            + talking.flatMap { call, ids in
                ids.filter { agents[$0]?.talk?.call != call }.map { "\(call) is talked in by \($0), who does not" }
            }
            + engagements.compactMap { key, id in
                agents[id]?.ownCalls.contains(key.call) ?? false ? nil : "\(key.call) keeps \(id) busy, who is not"
            }
    }

    /// Whether the table says so too.
    func hasTalk(_ id: UserID, in call: CallID) -> Bool { talking[call]?.contains(id) ?? false }

    private func faults(of queue: QueueLine) -> [String] {
        var faults: [String] = []
        let free = queue.free.members
        let idle = lacksRoom ? [] : free
        for caller in queue.waiting.isEmpty ? [] : queue.waiting.callers {
            if callers[caller.call] !== caller { faults.append("\(queue.id): \(caller.call) waits and is nobody's") }
            if !caller.ringing.isEmpty { faults.append("\(queue.id): \(caller.call) waits while phones ring for him") }
            for member in idle where mayTake(member, caller) {
                faults.append("\(queue.id): \(caller.call) waits while \(member.agent.id) is free")
            }
        }
        for caller in queue.offered.isEmpty ? [] : queue.offered.callers {
            if callers[caller.call] !== caller {
                faults.append("\(queue.id): \(caller.call) is offered and is nobody's")
            }
            if caller.ringing.isEmpty { faults.append("\(queue.id): \(caller.call) is offered to nobody") }
            if isProgressive(caller) != timers.contains(.joining(caller.call)) {
                faults.append(
                    "\(queue.id): the clock by which more phones ring for \(caller.call) is not as it should be"
                )
            }
            guard isJoinable(caller) else { continue }
            for member in idle where mayTake(member, caller) {
                faults.append("\(queue.id): \(member.agent.id) is free and does not ring for \(caller.call)")
            }
        }
        for member in free where !member.isFree || queue.members[member.agent.id] !== member {
            faults.append("\(queue.id): \(member.agent.id) stands among the free and is not")
        }
        for member in queue.members.values where member.isFree && member.freeLevel == nil {
            faults.append("\(queue.id): \(member.agent.id) is free and does not stand there")
        }
        let staff = queue.recount
        if staff != queue.staff { faults.append("\(queue.id): agents are miscounted, \(queue.staff) for \(staff)") }
        let isWatched = queue.settings.maxWaitEmpty != nil && queue.isEmpty(of: queue.settings.emptyWhen)
        if isWatched != (queue.emptySince != nil) {
            faults.append("\(queue.id): since when nobody is there is not as it should be")
        }
        if isWatched, !timers.contains(.empty(queue.id)), queue.waiting.callers.contains(where: { !$0.isCallback }) {
            faults.append("\(queue.id): callers wait without anybody and without an end")
        }
        return faults
    }

    private func faults(of caller: WaitingCaller) -> [String] {
        let queue = caller.queue
        var faults: [String] = []
        if queues[queue.id] !== queue || !(queue.waiting.contains(caller) || queue.offered.contains(caller)) {
            faults.append("\(queue.id): \(caller.call) waits and stands in no line")
        }
        for id in caller.ringing.keys where agents[id]?.offer?.call != caller.call {
            faults.append("\(queue.id): \(id) is to ring for \(caller.call), and does not")
        }
        return faults
    }

    /// `engaged`: the calls of his own that it was told of.
    private func faults(of agent: Agent, engaged: Set<CallID>) -> [String] {
        var faults: [String] = []
        if let offer = agent.offer, callers[offer.call]?.ringing[agent.id] == nil {
            faults.append("\(agent.id) rings for \(offer.call), who is gone")
        }
        if agent.offer != nil, agent.talk != nil { faults.append("\(agent.id) rings and talks") }
        if agent.offer != nil, !agent.ownCalls.isEmpty { faults.append("\(agent.id) rings and speaks elsewhere") }
        if let talk = agent.talk, !hasTalk(agent.id, in: talk.call) {
            faults.append("\(agent.id) talks in \(talk.call), which is not his")
        }
        if agent.told != agent.state { faults.append("\(agent.id) is \(agent.state) and was told \(agent.told)") }
        if let wrapUp = agent.wrapUp, (wrapUp.ends == nil) == agent.ownCalls.isEmpty {
            faults.append("\(agent.id) wraps up without an end")
        }
        for call in agent.ownCalls.subtracting(engaged) {
            faults.append("\(agent.id) is kept busy by \(call), which nobody knows")
        }
        // No state without somebody or a clock that ends it.
        if let offer = agent.offer, !timers.contains(.ring(offer.call, agent.id)) {
            faults.append("\(agent.id) rings without an end")
        }
        if agent.wrapUp?.ends != nil, !timers.contains(.wrapUp(agent.id)) {
            faults.append("\(agent.id) wraps up without a clock")
        }
        if agent.restsUntil != nil, !timers.contains(.rest(agent.id)) {
            faults.append("\(agent.id) rests without an end")
        }
        if agent.isDismissed, agent.talk == nil, agent.ownCalls.isEmpty { faults.append("\(agent.id) is nobody") }
        for call in agent.awaitedBy where callers[call]?.preferred != agent.id {
            faults.append("\(agent.id) is awaited by \(call), who does not")
        }
        return faults
    }
}

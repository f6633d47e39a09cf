import Config
import Events
import Timebase

/// What must hold after every turn.
extension Dispatcher {
    /// Broken invariants, in words; none in a sound switch.
    public func faults() -> [String] {
        queues.values.flatMap(faults) + agents.values.flatMap(faults)
            + talking.compactMap { call, id in
                agents[id]?.talk?.call == call ? nil : "\(call) is talked in by \(id), who does not"
            }
            + engagements.compactMap { key, id in
                agents[id]?.ownCalls.contains(key.call) ?? false ? nil : "\(key.call) keeps \(id) busy, who is not"
            }
    }

    private func faults(of queue: QueueLine) -> [String] {
        var faults: [String] = []
        let free = queue.free.members
        for caller in queue.waiting.isEmpty ? [] : queue.waiting.callers {
            if callers[caller.call] !== caller { faults.append("\(queue.id): \(caller.call) waits and is nobody's") }
            if !caller.ringing.isEmpty { faults.append("\(queue.id): \(caller.call) waits while phones ring for him") }
            for member in free where mayTake(member, caller) {
                faults.append("\(queue.id): \(caller.call) waits while \(member.agent.id) is free")
            }
        }
        for caller in queue.offered.isEmpty ? [] : queue.offered.callers {
            if callers[caller.call] !== caller {
                faults.append("\(queue.id): \(caller.call) is offered and is nobody's")
            }
            if caller.ringing.isEmpty { faults.append("\(queue.id): \(caller.call) is offered to nobody") }
            guard queue.settings.strategy == .ringAll, !caller.isCallback else { continue }
            for member in free where mayTake(member, caller) {
                faults.append("\(queue.id): \(member.agent.id) is free and does not ring for \(caller.call)")
            }
        }
        for member in free where !member.agent.isFree || queue.members[member.agent.id] !== member {
            faults.append("\(queue.id): \(member.agent.id) stands among the free and is not")
        }
        var staff = QueueLine.Staff()
        for member in queue.members.values {
            staff.add(member.agent.state, 1)
            if member.agent.isFree, member.freeLevel == nil {
                faults.append("\(queue.id): \(member.agent.id) is free and does not stand there")
            }
        }
        if staff != queue.staff { faults.append("\(queue.id): agents are miscounted, \(queue.staff) for \(staff)") }
        return faults
    }

    private func faults(of agent: Agent) -> [String] {
        var faults: [String] = []
        if let offer = agent.offer, callers[offer.call]?.ringing[agent.id] == nil {
            faults.append("\(agent.id) rings for \(offer.call), who is gone")
        }
        if agent.offer != nil, agent.talk != nil { faults.append("\(agent.id) rings and talks") }
        if agent.offer != nil, !agent.ownCalls.isEmpty { faults.append("\(agent.id) rings and speaks elsewhere") }
        if let talk = agent.talk, talking[talk.call] != agent.id {
            faults.append("\(agent.id) talks in \(talk.call), which is not his")
        }
        if agent.told != agent.state { faults.append("\(agent.id) is \(agent.state) and was told \(agent.told)") }
        if let wrapUp = agent.wrapUp, (wrapUp.ends == nil) == agent.ownCalls.isEmpty {
            faults.append("\(agent.id) wraps up without an end")
        }
        if agent.restsUntil.map({ $0 < now.instant }) ?? false { faults.append("\(agent.id) rests and has rested") }
        if agent.isDismissed, agent.talk == nil, agent.ownCalls.isEmpty { faults.append("\(agent.id) is nobody") }
        for call in agent.awaitedBy where callers[call]?.preferred != agent.id {
            faults.append("\(agent.id) is awaited by \(call), who does not")
        }
        return faults
    }
}

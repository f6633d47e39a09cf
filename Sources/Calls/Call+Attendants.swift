import DialPlan
import Events
import Media
import SDP
import SIP

/// Supervisors in a call's talk, seen from that call: its record, its recording and its talk time do not know of them.
extension Call {
    /// Two parties who hear each other.
    var isTalk: Bool { if case .talking = stage { true } else { false } }

    /// The leg of the two whose user is at work: the agent of a queue, the caller of a call that goes out, the callee of others.
    func operatorsLeg(speakingWith peer: Int) -> Int {
        if served != nil { return peer }
        return legs[peer].user == nil && legs[anchor].user != nil ? anchor : peer
    }

    /// What an attendant's mode asks for.
    func follow(_ supervisor: CallID, _ mode: SupervisionMode) {
        guard let index = attendants.firstIndex(where: { $0.call == supervisor }) else { return }
        attendants[index].mode = mode
        guard attendants[index].isPresent else { return }
        switch mode {
        case .listen, .whisper, .barge: mix(with: attendants.filter(\.isPresent))
        case .takeOver: takeOver(by: supervisor)
        }
    }

    func mix(with present: [Attendant]) {
        var talk: SupervisedTalk
        switch stage {
        case .talking(let peer):
            let works = operatorsLeg(speakingWith: peer)
            talk = SupervisedTalk(
                customer: audiblePort(works == anchor ? peer : anchor),
                operatorsPort: audiblePort(works),
                listeners: []
            )
        case .takenOver(let party, let supervisor):
            talk = SupervisedTalk(
                customer: audiblePort(party),
                operatorsPort: core.call(supervisor)?.servedPort?.id,
                listeners: []
            )
        case .deciding, .answering, .dialing, .echoing, .telling, .asking, .queued, .introducing, .consulting,
            .supervising, .parked, .sounding, .ending:
            return
        }
        talk.listeners = present.compactMap { attendant in
            guard attendant.mode != .takeOver, let port = core.call(attendant.call)?.servedPort else { return nil }
            return SupervisedTalk.Listener(port: port.id, mode: attendant.mode)
        }
        if talk.listeners.isEmpty, let customer = talk.customer, let operatorsPort = talk.operatorsPort {
            return core.media.perform(.bridge(customer, operatorsPort))
        }
        core.media.perform(.mix(talk.members))
    }

    /// nil while the leg is on hold: it hears music, and says nothing.
    private func audiblePort(_ index: Int) -> MediaID? {
        let isHeld = legs.indices.contains { $0 != index && legs[$0].holds && !legs[$0].isOver }
        return isHeld || legs[index].isOver ? nil : legs[index].port?.id
    }

    func forget(_ supervisor: CallID) { attendants.removeAll { $0.call == supervisor } }

    /// A supervisor's own call is over.
    func supervisorLeft(_ supervisor: CallID) {
        guard !isEnding, let attendant = attendants.first(where: { $0.call == supervisor }) else { return }
        forget(supervisor)
        if case .takenOver(let party, supervisor) = stage {
            return end(.answered, by: legs[party].side.opposite, cause: .normal, reason: "normal")
        }
        guard attendant.isPresent else { return }
        publish(.note("\(attendant.user) left the talk"))
        guard case .talking(let peer) = stage else { return }
        bridge(anchor, peer)
        // On hold the music goes on.
        if legs[anchor].holds || legs[peer].holds { followHold() }
    }

    /// The supervisor takes the operator's place: the operator is released and wraps up, the call, its record and its recording
    /// go on.
    private func takeOver(by supervisor: CallID) {
        guard case .talking(let peer) = stage, let own = core.call(supervisor), let port = own.servedPort else {
            return
        }
        let works = operatorsLeg(speakingWith: peer)
        let party = works == anchor ? peer : anchor
        enter(.takenOver(party, by: supervisor))
        publish(.note("leg \(works) is released: \(own.user ?? own.from) took over (call \(supervisor))"))
        if let recording {
            core.media.perform(.record(port.id, recording: recording.number, channel: works == anchor ? 0 : 1))
        }
        finishLeg(works, .answered, status: 200, reason: "taken-over")
        // His hold ended with him, and with it the music.
        stopHolding(works)
        mix(with: attendants.filter(\.isPresent))
        if let released = legs[works].port { core.closePort(released.id) }
        act(on: works) { $0.hangUp(reason: "Q.850;cause=16;text=\"Taken over\"", now: $1) }
        release(works)
        endService()
        takeBack(party, from: works)
    }
}

import DialPlan
import Events
import Media
import SDP
import SIP

/// Supervisors in a call's talk, seen from that call: its record and its talk time do not know of them, and its recording of those whom both hear.
extension Call {
    /// Two parties who hear each other.
    var isTalk: Bool { if case .talking = stage { true } else { false } }

    /// The leg of the two whose user is at work: the agent of a queue, the caller of a call that goes out, the callee of others.
    func operatorsLeg(speakingWith peer: Int) -> Int {
        if let served, served.leg == anchor || served.leg == peer { return served.leg }
        return legs[peer].user == nil && legs[anchor].user != nil ? anchor : peer
    }

    /// The one of the two whom an attendant came to hear.
    func operatorsLeg(of attendant: Attendant, speakingWith peer: Int) -> Int {
        guard let index = attendant.operatorsLeg, index == anchor || index == peer else {
            return operatorsLeg(speakingWith: peer)
        }
        return index
    }

    /// What an attendant's mode asks for.
    func follow(_ supervisor: CallID, _ mode: SupervisionMode) {
        guard let index = attendants.firstIndex(where: { $0.call == supervisor }) else { return }
        attendants[index].mode = mode
        guard attendants[index].isPresent else { return }
        switch mode {
        case .listen, .whisper, .barge: mix(with: attendants.filter(\.isPresent))
        case .takeOver: takeOver(by: attendants[index])
        }
    }

    /// An attendant asks for the call where he asked for an operator, or the other way round.
    ///
    /// - Returns: whether it is the other of the two whom he came to hear.
    func follow(_ supervisor: CallID, _ admission: CallCore.Admission) -> Bool {
        guard let index = attendants.firstIndex(where: { $0.call == supervisor }) else { return false }
        let before = attendants[index]
        attendants[index].operatorsLeg = admission.operatorsLeg
        if before.isPresent || admission.operatorsLeg != nil { attendants[index].hears = admission.agent }
        guard case .talking(let peer) = stage else { return false }
        return operatorsLeg(of: before, speakingWith: peer)
            != operatorsLeg(of: attendants[index], speakingWith: peer)
    }

    func mix(with present: [Attendant]) {
        guard case .talking(let peer) = stage else { return }
        var talk = SupervisedTalk(parties: [anchor, peer].compactMap(audiblePort), listeners: [])
        talk.listeners = present.compactMap { attendant in
            guard let port = core.call(attendant.call)?.servedPort else { return nil }
            let works = operatorsLeg(of: attendant, speakingWith: peer)
            return SupervisedTalk.Listener(port: port.id, mode: attendant.mode, operatorsPort: legs[works].port?.id)
        }
        core.media.perform(talk.command)
        recordVoices()
    }

    /// Somebody is in the talk who is heard there: what the two hear is a mix.
    var isMixed: Bool { attendants.contains { $0.isPresent && $0.mode != .listen } }

    // MARK: what is mixed

    private func isMixable(_ index: Int) -> Bool { codec(of: index).map(Self.spokenCodecs.contains) ?? false }

    /// A talk that somebody is to be let into changes over to G.711 where it is relayed without being understood.
    func changeOver() {
        guard !attendants.isEmpty, relayed == nil, case .talking(let peer) = stage else { return }
        let strangers = [anchor, peer].filter { !isMixable($0) && reoffers[$0] == nil }
        changing.formUnion(strangers)
        for index in strangers { reoffer(index, Reoffer()) }
    }

    /// A leg that was asked to change over did, or would not.
    func changedOver(_ index: Int) {
        guard changing.remove(index) != nil, case .talking(let peer) = stage else { return }
        let parties = [anchor, peer]
        guard changing.isDisjoint(with: parties), let stranger = parties.first(where: { !isMixable($0) }) else {
            return
        }
        let refused = attendants
        attendants = []
        let codec = codec(of: stranger) ?? "nothing known"
        for attendant in refused { core.call(attendant.call)?.cannotHear(codec, in: self, attendant.mode) }
        if refused.contains(where: \.isPresent) { bridge(anchor, peer) }
        if !speakAlike(anchor, peer) { reoffer(stranger == peer ? anchor : peer, Reoffer(isNeeded: true)) }
    }

    /// nil while the leg is on hold: it hears music, and says nothing.
    func audiblePort(_ index: Int) -> MediaID? {
        let isHeld = legs.indices.contains { $0 != index && legs[$0].holds && !legs[$0].isOver }
        return isHeld || legs[index].isOver ? nil : legs[index].port?.id
    }

    /// The operator's number, whoever of the two he is; empty: none of them is a user.
    var operatorsNumber: String {
        if let served { return served.agent.number }
        guard case .talking(let peer) = stage else { return user ?? "" }
        return legs[operatorsLeg(speakingWith: peer)].user ?? ""
    }

    /// Whom a supervisor of this talk is shown to call: the operator, or where there is none whoever was called.
    var shownToSupervisors: String {
        let number = operatorsNumber
        guard number.isEmpty, case .talking(let peer) = stage else { return number }
        return legs[peer].number ?? from
    }

    /// The leg of a talk that this user is heard at.
    func leg(of number: String) -> Int? {
        guard case .talking(let peer) = stage else { return nil }
        if served?.agent.number == number { return operatorsLeg(speakingWith: peer) }
        // At another's phone he is himself, and that phone's user is not.
        return [anchor, peer].first { speaker(at: $0)?.number == number }
            ?? [anchor, peer].first { legs[$0].user == number } ?? operatorsLeg(speakingWith: peer)
    }

    /// An operator left a call that goes on: whoever came to hear him leaves with him, unless he is up at another leg.
    func dismissListeners(of index: Int) {
        let next = legs[index].user.flatMap { user in
            legs.indices.last { $0 != index && legs[$0].user == user && legs[$0].progress == .answered }
        }
        guard next == nil else {
            for place in attendants.indices where attendants[place].operatorsLeg == index {
                attendants[place].operatorsLeg = next
            }
            return
        }
        let leaving = attendants.filter { $0.operatorsLeg == index }
        attendants.removeAll { $0.operatorsLeg == index }
        for attendant in leaving {
            publish(.note("\(attendant.user) left the talk with \(word(of: index))"))
            core.call(attendant.call)?.supervisedCallEnded("supervised-agent-left")
        }
    }

    /// The call goes on with another operator: whoever follows the call hears him from now on, if he may.
    func leadListeners() {
        changeOver()
        let number = operatorsNumber
        let led = attendants.filter { $0.isPresent && $0.operatorsLeg == nil && $0.hears != number }
        for place in attendants.indices where attendants[place].operatorsLeg == nil { attendants[place].hears = number }
        // Who may not leaves, and is no attendant any more.
        for attendant in led { core.call(attendant.call)?.hears(number, in: self) }
    }

    func forget(_ supervisor: CallID) { attendants.removeAll { $0.call == supervisor } }

    /// A supervisor's own call is over.
    func supervisorLeft(_ supervisor: CallID) {
        guard !isEnding, let attendant = attendants.first(where: { $0.call == supervisor }) else { return }
        forget(supervisor)
        guard attendant.isPresent else { return }
        publish(.note("\(attendant.user) left the talk"))
        guard case .talking(let peer) = stage else { return }
        bridge(anchor, peer)
        // On hold the music goes on.
        if legs[anchor].holds || legs[peer].holds { followHold() }
    }

    /// The supervisor's leg comes here in the operator's place: the operator is released and wraps up, the call, its record and its
    /// recording go on.
    private func takeOver(by attendant: Attendant) {
        guard case .talking(let peer) = stage, let own = core.call(attendant.call), own.servedPort != nil else {
            return
        }
        let works = operatorsLeg(of: attendant, speakingWith: peer)
        let party = works == anchor ? peer : anchor
        publish(.note("leg \(works) is released: \(attendant.user) took over (call \(own.id))"))
        forget(own.id)
        link(with: own)
        let new = own.takeSeat(in: self)
        legs[new].side = legs[works].side
        tellAnswer(new)
        if works == anchor { anchor = new }
        enter(.talking(works == peer ? new : peer))
        if recording?.left == works { recording?.left = new }
        noteSpeaker(speaker(at: new))
        recordVoices()
        letGo(works, .answered, "Taken over", reason: "taken-over")
        askForVoice(of: party)
        bridge(new, party)
        noteHold(new)
        followHold()
        talkBegan()
    }
}

import ACD
import Config
import DialPlan
import Events
import Media
import SIP
import Timebase

/// Two calls of one who speaks in both, or rings in one, become one call without him: attended transfer (RFC 5589 §7).
///
/// The call that was asked goes on with whoever the other call had reached; the other one ends there. Each keeps its own record,
/// and names the other.
extension Call {
    func join(
        with reference: DialogReference,
        by index: Int,
        outside: OutsideReferral? = nil
    ) throws(TransferRefusal) {
        try checkTransfer(by: index)
        guard let (other, seat) = core.leg(of: reference), other !== self, other.tenant.id == tenant.id,
            !other.isEnding, !other.legs[seat].isOver
        else { throw .noDialog }
        guard other.legs[seat].isSameParty(as: legs[index]) else {
            throw TransferRefusal(
                .notAllowed,
                "leg \(seat) of call \(other.id) is not \(word(of: index))",
                mend: "name a dialog of whoever transfers"
            )
        }
        guard other.transfer == nil else { throw .busy }
        switch other.stage {
        case .talking(let peer) where seat == other.anchor || seat == peer:
            guard !reference.isEarlyOnly else {
                throw TransferRefusal(.isAnswered, "call \(other.id) is answered", mend: "leave early-only out")
            }
            try join(
                other,
                seat: seat,
                speakingWith: seat == peer ? other.anchor : peer,
                by: index,
                outside: outside
            )
        case .dialing(let dial) where seat == other.anchor && !dial.attempts.isEmpty:
            join(other, seat: seat, ringing: dial, by: index, outside: outside)
        case .queued(let stay) where seat == other.anchor && other.queueRequest != nil:
            join(other, seat: seat, waiting: stay, by: index, outside: outside)
        case .deciding, .answering, .dialing, .echoing, .telling, .asking, .queued, .consulting, .sounding:
            // Nobody is there yet: the party goes where the other call was going.
            guard seat == other.anchor else { throw .busy }
            try transfer(by: index, to: other.to, word: word(of: index), outside: outside)
            link(with: other)
            other.endJoined(by: seat)
        case .talking, .introducing, .supervising, .parked, .ending: throw .busy
        }
    }

    private func join(
        _ other: Call,
        seat: Int,
        speakingWith peer: Int,
        by index: Int,
        outside: OutsideReferral?
    ) throws(TransferRefusal) {
        guard other.relayed == nil, other.legs[peer].session.isSettled else { throw .busy }
        let leg = LegID(call: id, index: legs.count)
        guard let port = core.openPort(for: leg, near: anyPort, isV6: other.legs[peer].isV6) else { throw .noPort }
        beginTransfer(
            .attended,
            by: index,
            to: other.party(at: peer).number,
            word: word(of: index),
            with: other.id,
            outside: outside
        )
        for leg in [seat, peer] { other.stopHolding(leg) }
        let joined = core.move(peer, of: other, to: self, port: port, sentBy: index)
        tellAnswer(joined)
        link(with: other)
        if wayBack?.leg != anchor, var way = other.wayBack, way.leg == peer {
            way.leg = joined
            wayBack = way
        }
        if other.served?.leg == peer { takeService(of: other, at: joined) }
        // Of the two calls the party's is the one whose caller comes here, or which led outside.
        if seat != other.anchor || legs[joined].user == nil { keepRecording(of: other) }
        other.endJoined(by: seat)
        enter(.talking(joined))
        // What it still sends goes to its old port: until it knows the new one the party hears music.
        hand(to: joined) {
            configureMedia(joined)
            reoffer(joined, Reoffer(isNeeded: true))
        }
    }

    /// Whom `other` reached is a queue's agent: his talk goes on with the party.
    private func takeService(of other: Call, at joined: Int) {
        guard let service = other.served else { return }
        let (queue, agent) = (service.queue.name, service.agent.number)
        let number = servedParty.number
        publish(.queueTalkMoved(QueueTalkMoved(queue: queue, agent: agent, from: other.id, number: number)))
        core.dispatch { [self] in $0.moved(other.id, to: id, by: service.agent, number: number, at: now) }
        other.served = nil
        servedNext = Service(queue: service.queue, agent: service.agent, leg: joined)
    }

    /// Whoever was being recorded brings that along: in which of the two dialogs a phone asks for the transfer is its own affair.
    private func keepRecording(of other: Call) {
        if other.isRecordingDeclined { isRecordingDeclined = true }
        guard transfer?.policy == nil, served == nil || other.isToBeRecorded == .plan else { return }
        transfer?.policy = other.isToBeRecorded
    }

    /// The party is his who was asked first.
    func beginNextService() {
        guard let service = servedNext else { return }
        servedNext = nil
        guard served == nil else { return core.end(service, in: self) }
        served = service
        noteWayBack(to: service.queue, waited: .zero)
        leaveRecordingToQueue()
    }

    /// From here on the party is led by the plan that `other` was led by.
    private func takePlan(of other: Call, _ kind: TransferKind, by index: Int, outside: OutsideReferral?) {
        beginTransfer(kind, by: index, to: other.to, word: word(of: index), with: other.id, outside: outside)
        plan = other.plan
        plan.serve(servedParty.variables, sentBy: legs[index].user)
    }

    /// Its phones go on ringing, for the party now.
    private func join(_ other: Call, seat: Int, ringing dial: Dial, by index: Int, outside: OutsideReferral?) {
        takePlan(of: other, .semiAttended, by: index, outside: outside)
        var dial = dial
        let moved = dial.attempts.map { ($0, core.move($0, of: other, to: self, port: nil, sentBy: index)) }
        dial.attempts = moved.map(\.1)
        let places = Dictionary(moved) { $1 }
        for search in dial.searches.indices {
            dial.searches[search].ringing = dial.searches[search].ringing.compactMap { places[$0] }
        }
        dial.early = nil
        enter(.dialing(dial))
        core.timers.rename(.call(other.id, .dialTimeout), to: .call(id, .dialTimeout))
        let isRung = other.isRinging
        link(with: other)
        other.endJoined(by: seat)
        guard isRung else { return }
        isRinging = true
        play(.ringback)
        reportTransfer(180)
    }

    /// The party waits in the place of whoever stood in the line for it, with the wait that he has behind him.
    private func join(_ other: Call, seat: Int, waiting stay: QueueStay, by index: Int, outside: OutsideReferral?) {
        guard let request = other.queueRequest else { return }
        takePlan(of: other, .attended, by: index, outside: outside)
        waitedInQueues += other.waitedInQueues + (now.instant - stay.entered.instant)
        settleTransfer()
        join(request, inPlaceOf: other.id)
        other.leaveQueue(stay)
        other.isUnserved = false
        link(with: other)
        other.endJoined(by: seat)
    }

    // MARK: whose the party is

    /// Somebody is there for whoever is served, and is brought together with him. A party that is handed on is his only when both have taken the
    /// media for it; whoever sends it is told, and let go, no sooner.
    func hand(to index: Int, by seating: () -> Void) {
        guard transfer != nil else {
            seating()
            return talkBegan()
        }
        transfer?.taker = index
        seating()
        mediaTaken()
    }

    /// Nobody has to take anything any more.
    func mediaTaken() {
        guard let taker = transfer?.taker, !isEnding, !reoffers.values.contains(where: \.isNeeded) else { return }
        transfer?.taker = nil
        bridge(anchor, taker)
        talkBegan()
    }

    /// Who was to have the party cannot, or will not: it goes back.
    func takerFailed(_ index: Int, _ status: Int, reason: String) {
        transfer?.taker = nil
        for leg in [anchor, index] where reoffers[leg]?.isNeeded == true { reoffers[leg] = nil }
        letGo(index, .answered, "No media", reason: reason)
        if let service = servedNext {
            servedNext = nil
            core.end(service, in: self)
        }
        transferFailed(HangupCause(status: status))
    }

    /// Each record names the other call.
    func link(with other: Call) {
        publish(.variable(name: "joined_call", value: other.id.value))
        other.publish(.variable(name: "joined_call", value: id.value))
    }

    private func endJoined(by seat: Int) {
        let isAnswered = callerIsAnswered
        end(
            isAnswered ? .answered : .cancelled,
            by: legs[seat].side,
            cause: isAnswered ? .normal : .cancelled,
            reason: "transferred"
        )
    }
}

extension Leg {
    /// Whether both are of one user, or of one trunk.
    func isSameParty(as other: Leg) -> Bool {
        if let user { return user == other.user }
        return trunk != nil && trunk == other.trunk
    }
}

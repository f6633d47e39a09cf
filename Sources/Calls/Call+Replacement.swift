import Config
import DialPlan
import Events
import Media
import SDP
import SIP
import Timebase

/// Somebody takes the place of a leg by an INVITE with Replaces (RFC 3891): he picks up a call that rings elsewhere, or goes on with a
/// talk at another phone.
extension Call {
    /// `newcomer`, whose offer stands in his leg, comes in the place of leg `seat`. Nothing has changed when it throws.
    func replace(_ seat: Int, with newcomer: Leg, isEarlyOnly: Bool) throws(TransferRefusal) {
        let session = legs[seat].session
        guard !isEnding, !legs[seat].isOver, session.isConfirmed || session.isEarly else {
            throw TransferRefusal(.isOver, "leg \(seat) of call \(id) is over", mend: "call anew")
        }
        guard !isEarlyOnly || session.isEarly else {
            throw TransferRefusal(.isAnswered, "leg \(seat) of call \(id) is answered", mend: "leave early-only out")
        }
        // Whoever calls us has not been answered: there is no place that he could give away (RFC 3891 §3).
        guard session.isConfirmed || session.ownsCallID else { throw .noDialog }
        guard hasRoomForLegs else {
            throw TransferRefusal(.tooManyLegs, "call \(id) has had \(legs.count) legs", mend: "call anew")
        }
        switch stage {
        case .dialing(let dial) where dial.attempts.contains(seat):
            let shared = sharedCodecs(with: newcomer, settled: callerIsAnswered || legs[0].described.local != nil)
            let new = try admit(newcomer, inPlaceOf: seat, codecs: shared)
            pickUp(new, dial, codecs: shared)
        case .talking(let peer) where seat == anchor || seat == peer:
            guard transfer == nil, relayed == nil else { throw .busy }
            let shared = sharedCodecs(with: newcomer, settled: true, of: seat == peer ? anchor : peer)
            let new = try admit(newcomer, inPlaceOf: seat, codecs: shared)
            goOn(new, inPlaceOf: seat, peer)
        case .queued:
            throw TransferRefusal(
                .notAllowed,
                "call \(id) rings for a queue, which gives its calls itself",
                mend: "let the agent transfer it"
            )
        case .deciding, .answering, .dialing, .echoing, .telling, .asking, .introducing, .consulting, .talking,
            .supervising, .parked, .sounding, .ending:
            throw TransferRefusal(.notTalking, "nobody talks by leg \(seat) of call \(id)", mend: "call anew")
        }
    }

    /// What both sides understand: G.711 where each speaks some of it, else what they have in common; where that is nothing, G.711 too if the
    /// party (nil: whoever is served) can change over to it.
    func sharedCodecs(with newcomer: Leg, settled isSettled: Bool, of party: Int? = nil) -> [String] {
        let party = party ?? anchor
        let offered = newcomer.described.theirs?.formats.map { $0.encoding.uppercased() }
        let known: [String]
        if isSettled {
            known = [codec(of: party)?.uppercased()].compactMap { $0 }
        } else {
            known =
                legs[party].described.theirs?.formats.map { $0.encoding.uppercased() } ?? Self.spokenCodecs
        }
        let isSpoken = known.contains(where: Self.spokenCodecs.contains)
        guard let offered else { return isSpoken ? Self.spokenCodecs : known }
        if isSpoken, offered.contains(where: Self.spokenCodecs.contains) { return Self.spokenCodecs }
        let shared = known.filter(offered.contains)
        guard shared.isEmpty, Self.spokenCodecs.contains(where: { knows(party, $0) }) else { return shared }
        return Self.spokenCodecs.filter(offered.contains)
    }

    /// Makes the newcomer's leg and answers him.
    func admit(_ newcomer: Leg, inPlaceOf seat: Int?, codecs: [String]) throws(TransferRefusal) -> Int {
        guard newcomer.isServed(by: core.media) else {
            throw TransferRefusal(
                .notAcceptable,
                "we have no media address of its family",
                mend: "add one to media.address"
            )
        }
        guard let port = core.openPort(for: newcomer.id, near: anyPort, isV6: newcomer.isV6) else { throw .noPort }
        var leg = newcomer
        let media = leg.described.media(port)
        let own: SessionDescription?
        if let offer = leg.described.remote {
            own = try? ownAnswer(to: offer, codecs: codecs, as: media, direction: .sendrecv)
        } else {
            own =
                codecs.isEmpty
                ? nil : ownOffer(codecs: codecs, as: media, direction: .sendrecv, theirs: formats(of: anchor))
        }
        guard let own else {
            core.closePort(port.id)
            throw TransferRefusal(.notAcceptable, "there is no codec in common", mend: "offer PCMA or PCMU")
        }
        let description = leg.described.versions.stamp(own)
        leg.described.local = description
        (leg.port, leg.awaitsReport, leg.progress, leg.side) = (
            port, true, .answered, seat.map { legs[$0].side } ?? legs[anchor].side.opposite
        )
        let index = leg.id.index
        legs.append(leg)
        core.register(leg, call: self)
        if let user = leg.user { core.engage(user, in: self) }
        publish(
            .legStarted(
                LegStarted(
                    leg: index,
                    target: leg.target,
                    user: leg.user,
                    trunk: nil,
                    address: leg.address,
                    sipCallID: leg.sipCallID
                )
            )
        )
        if let seat {
            publish(.note("leg \(index) (\(word(of: index))) takes the place of leg \(seat) (\(word(of: seat)))"))
        }
        configureMedia(index)
        act(on: index) { $0.accept(sdp: description.write(), now: $1) }
        tellAnswer(index)
        return index
    }

    private func pickUp(_ new: Int, _ dial: Dial, codecs: [String]) {
        core.timers.stop(.call(id, .dialTimeout))
        enter(.talking(new))
        for ringing in dial.attempts { cancel(ringing, .answeredElsewhere, Session.completedElsewhere) }
        stopTone()
        guard !callerIsAnswered else {
            seat(new)
            if !isEnding { talkBegan() }
            return
        }
        // Whoever heard somebody's early media has had his answer.
        guard let answer = legs[0].described.local ?? describeLocally(codecs) else {
            return end(.failed, by: .switch, cause: .notAcceptable, reason: "no-common-codec")
        }
        if !speakAlike(0, new) { reoffers[0] = Reoffer(isNeeded: true) }
        bridge(anchor, new)
        answerCaller(answer)
        talkBegan()
    }

    private func goOn(_ new: Int, inPlaceOf seat: Int, _ peer: Int) {
        let policy = isToBeRecorded
        let party = seat == peer ? anchor : peer
        // An agent who goes on at another phone still serves this caller.
        let isSameAgent = legs[new].user == legs[seat].user || served?.agent == speaker(at: new)
        if served?.leg == seat, isSameAgent { served?.leg = new }
        if wayBack?.leg == seat { wayBack?.leg = new }
        stopRecording()
        if seat == anchor { anchor = new } else { enter(.talking(new)) }
        letGo(seat, reason: "replaced")
        self.seat(anchor == new ? peer : new)
        guard !isEnding else { return }
        askForVoice(of: party)
        followHold()
        isToBeRecorded = policy
        talkBegan()
    }
}

import DialPlan
import Events
import Media
import SDP
import SIP
import Timebase

/// An offer that the switch makes a leg by itself: for its voice again after somebody else's hold, or for another port.
struct Reoffer {
    /// nil while the leg is busy with another offer.
    var offer: SessionDescription?
    /// Without it the leg would speak to nobody.
    var isNeeded = false
    /// For what the switch itself says, and not for what another party does.
    var isForVoice = false
    var attempts = 0
}

extension Call {
    /// A leg that is busy is asked again so often, a second apart.
    private static let mostReoffers = 8

    /// A leg is over, and the call goes on: what it was being asked, and what it asked of the other side, comes to nothing.
    func dropOffers(of index: Int) {
        reoffers[index] = nil
        changing.remove(index)
        guard let relay = relayed, isInOffer(index) else { return }
        relayed = nil
        if relay.to == index {
            act(on: relay.from) { $0.refuseOffer(488, now: $1) }
        } else {
            // The answer to what it asked is on its way: two offers at once are none (RFC 3261 §14.1).
            reoffers[relay.to] = Reoffer()
        }
    }

    /// An offer is under way to this leg, or from it.
    func isInOffer(_ index: Int) -> Bool {
        relayed?.from == index || relayed?.to == index || reoffers[index] != nil
    }

    /// An offer is under way with a leg that is over.
    var hasLostOffer: Bool { legs.indices.contains { legs[$0].isOver && isInOffer($0) } }

    /// Asks a party for its voice again that was put on hold by somebody who is gone.
    func askForVoice(of party: Int) {
        let described = legs[party].described
        guard reoffers[party] == nil, described.local != nil, described.ours?.direction != .sendrecv else { return }
        reoffer(party, Reoffer())
    }

    /// Offers a leg what its counterpart and the switch speak, at the port that it has now.
    func reoffer(_ index: Int, _ wanted: Reoffer) {
        guard let port = legs[index].port, !legs[index].isOver else { return reoffers[index] = nil }
        let media = legs[index].described.media(port)
        let isChanging = wanted.isForVoice || changing.contains(index)
        let own = ownOffer(
            codecs: isChanging ? Self.spokenCodecs : codecs(towards: index),
            as: media,
            // Whoever is on hold stays there.
            direction: isChanging ? legs[index].described.ours?.direction ?? .sendrecv : .sendrecv,
            theirs: counterpart(of: index).map(formats) ?? [],
            numbers: legs[index].described.numbers
        )
        let offer = legs[index].described.versions.stamp(own)
        var next = wanted
        (next.offer, next.attempts) = (offer, wanted.attempts + 1)
        reoffers[index] = next
        act(on: index) { $0.reoffer(offer.write(), now: $1) }
    }

    func reofferAgain(_ index: Int) {
        guard !isEnding, let waiting = reoffers[index], waiting.offer == nil else { return }
        reoffer(index, waiting)
    }

    /// What the other party speaks, or the switch can translate it from; and G.711, where the other party can change over to that.
    private func codecs(towards index: Int) -> [String] {
        guard let other = counterpart(of: index) else { return Self.spokenCodecs }
        let understood = codecsUnderstood(by: other)
        guard understood != Self.spokenCodecs, !legs[other].keepsCodec else { return understood }
        return understood + Self.spokenCodecs.filter { knows(other, $0) }
    }

    /// What means something to a party as long as it speaks what it speaks now, be it translated.
    func codecsUnderstood(by index: Int) -> [String] {
        guard let codec = codec(of: index), !Self.spokenCodecs.contains(codec) else { return Self.spokenCodecs }
        return [codec]
    }

    /// The leg answered an offer; false: it was not one of ours.
    func reofferSettled(_ index: Int, _ description: SessionDescription?, status: Int = 200) -> Bool {
        guard let own = reoffers[index] else { return false }
        guard let offer = own.offer else {
            // It was busy with the other side's.
            guard relayed?.to != index else { return false }
            // What was waited for is over. Where it was agreed to, that was with somebody who is gone.
            if let description { legs[index].described.remote = description }
            reoffers[index] = nil
            let isChanged = description != nil
            if isChanged || own.isNeeded || changing.contains(index) {
                reoffer(index, own)
            } else {
                askForVoice(of: index)
            }
            return true
        }
        guard let description else {
            refused(index, own, status: status)
            return true
        }
        reoffers[index] = nil
        legs[index].described.remote = description
        legs[index].described.local = offer
        configureMedia(index)
        moveFamily(of: index, attempts: own.attempts)
        noteHold(index)
        followCodec()
        changedOver(index)
        if own.isForVoice { followVoice(index) }
        followNeeded(own, of: index)
        mediaTaken()
        return true
    }

    /// The leg took what the other party does not speak yet, and knows.
    private func followNeeded(_ own: Reoffer, of index: Int) {
        guard own.isNeeded, own.attempts < Self.mostReoffers, let other = counterpart(of: index),
            reoffers[other] == nil, !speakAlike(index, other)
        else { return }
        reoffer(other, Reoffer(isNeeded: true, attempts: own.attempts))
    }

    /// A refresh is an offer, and its answer is in force (RFC 3264 §8): the leg's media moved, and the other party is asked to follow a codec
    /// that means nothing to it.
    func answerChanged(_ index: Int, _ description: SessionDescription) {
        legs[index].described.remote = description
        configureMedia(index)
        moveFamily(of: index)
        noteHold(index)
        followCodec()
        changeOver()
        guard let other = counterpart(of: index), reoffers[other] == nil, !speakAlike(index, other) else { return }
        reoffer(other, Reoffer(isNeeded: true))
    }

    private func refused(_ index: Int, _ own: Reoffer, status: Int) {
        let isBusy = status == 491 || status == 500
        if isBusy, own.attempts < Self.mostReoffers {
            reoffers[index]?.offer = nil
            core.timers.start(.call(id, .reoffer(index)), at: now.instant + .seconds(1))
            return
        }
        reoffers[index] = nil
        if own.isForVoice { legs[index].keepsCodec = true }
        if own.isNeeded, let taker = transfer?.taker {
            publish(.note("leg \(index) does not take the media of the transfer (\(status))"))
            return takerFailed(taker, status, reason: "no-common-codec")
        }
        guard own.isNeeded, isTalking(to: index) || index == anchor else {
            publish(.note("leg \(index) keeps its media as it is (\(status))"))
            return changedOver(index)
        }
        end(.answered, by: .switch, cause: HangupCause(status: status), reason: "no-common-codec")
    }

    // MARK: what the switch says itself

    /// Whoever is served and came by a talk in another codec is asked to change over to what the switch speaks.
    func makeUnderstood() {
        guard !isTalk, !legs[anchor].keepsCodec, !isInOffer(anchor), isToldToListen(anchor),
            let codec = codec(of: anchor),
            !Self.spokenCodecs.contains(codec)
        else { return }
        legs[anchor].spoke = codec
        reoffer(anchor, Reoffer(isForVoice: true))
    }

    /// Somebody may have him meanwhile, who speaks what he spoke before.
    private func followVoice(_ index: Int) {
        guard isTalk, let other = counterpart(of: index), !legs[other].holds else { return }
        speakAgain(index, with: other)
    }

    /// Asks a party to go back to what the other one speaks.
    func speakAgain(_ index: Int, with other: Int) {
        if !speakAlike(index, other) { reoffer(index, Reoffer(isNeeded: true)) }
    }

    // MARK: two legs that were not made for each other

    /// Brings a leg that answered together with whoever is served: one that began in another call may be served by another thread, or
    /// speak what the other side does not.
    func seat(_ index: Int) {
        guard let port = legs[index].port, let partner = legs[anchor].port else { return }
        guard core.media.areTogether(port.id, partner.id), !legs[index].isOutOfReach(of: core.media) else {
            guard changePort(of: index, near: partner) else {
                return end(.answered, by: .switch, cause: .congestion, reason: "no-media-port")
            }
            return moveMedia(index)
        }
        guard !speakAlike(anchor, index) else { return bridge(anchor, index) }
        let answered = codec(of: index)
        let isCommon = answered.map(Self.spokenCodecs.contains) ?? false
        let isWilling = !legs[anchor].keepsCodec && (isCommon || knows(anchor, answered))
        moveMedia(index, asking: isWilling ? anchor : index)
    }

    /// Another port in the place of the one that a leg has, of the family that its party speaks.
    private func changePort(of index: Int, near partner: MediaPort?) -> Bool {
        guard let port = legs[index].port,
            let next = core.openPort(for: legs[index].id, near: partner, isV6: legs[index].isV6)
        else { return false }
        core.closePort(port.id)
        legs[index].retired.insert(port.id)
        legs[index].port = next
        return true
    }

    /// Gives a leg whose party answered with an address of the other family a port of that. False: it has one.
    @discardableResult
    func changeFamily(of index: Int) -> Bool {
        legs[index].isOutOfReach(of: core.media) && changePort(of: index, near: anyPort)
    }

    /// The same of a party that hears the switch before it hears anybody.
    func followFamily(of index: Int) {
        guard changeFamily(of: index) else { return }
        configureMedia(index)
        reoffer(index, Reoffer(isNeeded: true))
    }

    /// The same of a party of a talk, in an answer that it gives later on: it is heard at the new port, and recorded.
    func moveFamily(of index: Int, attempts: Int = 0) {
        guard case .talking(let peer) = stage, index == anchor || index == peer, attempts < Self.mostReoffers,
            changeFamily(of: index)
        else { return }
        configureMedia(index)
        followHold()
        recordVoices()
        reoffer(index, Reoffer(isNeeded: true, attempts: attempts))
    }

    /// The same of a party that is heard before it answers, where it may be offered something then; another is when it answers.
    func moveEarlyFamily(of index: Int) {
        guard let told = legs[index].described.local, reoffers[index] == nil, !legs[index].session.mustNotBeOfferedYet,
            changeFamily(of: index), let port = legs[index].port,
            let moved = try? relayOffer(told, as: legs[index].described.media(port), preferring: [], previous: told)
        else { return }
        let offer = legs[index].described.versions.stamp(moved)
        reoffers[index] = Reoffer(offer: offer, attempts: 1)
        act(on: index) { $0.reoffer(offer.write(), now: $1) }
    }

    /// The leg's port or its partner is another now: it is told, or its partner is who can change over, and it is heard meanwhile.
    func moveMedia(_ index: Int, asking asked: Int? = nil) {
        configureMedia(index)
        bridge(anchor, index)
        reoffer(asked ?? index, Reoffer(isNeeded: true))
    }

    /// Whether what one says means something to the other, as it is or translated.
    func speakAlike(_ a: Int, _ b: Int) -> Bool {
        guard let first = codec(of: a), let second = codec(of: b) else { return false }
        return first == second || [first, second].allSatisfy(Self.spokenCodecs.contains)
    }

    /// Answers an offer that came in a 2xx ourselves, for a caller who is connected already.
    func answerLateOffer(of index: Int, _ offer: SessionDescription) -> Bool {
        guard let port = legs[index].port else { return false }
        let media = legs[index].described.media(port)
        let spoken = codec(of: anchor).map { [$0] + Self.spokenCodecs } ?? Self.spokenCodecs
        guard let own = try? ownAnswer(to: offer, codecs: spoken, as: media, direction: .sendrecv) else { return false }
        let answer = legs[index].described.versions.stamp(own)
        legs[index].described.local = answer
        act(on: index) { $0.acknowledge(answer: answer.write(), now: $1) }
        return true
    }
}

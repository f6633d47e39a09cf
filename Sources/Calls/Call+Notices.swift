import DialPlan
import Events
import Media
import SDP
import SIP
import SIPMessage
import Timebase

/// What the legs' sessions and the media plane tell the call.
extension Call {
    func receive(_ notice: Session.Notice, from index: Int) {
        guard !isEnding else { return receiveAtTheEnd(notice, from: index) }
        switch notice {
        case .progress(let status, let description): progressed(index, status: status, description: description)
        case .answered(let description, let isOffer): answered(index, description: description, isOffer: isOffer)
        case .rejected(let rejection): rejected(index, rejection)
        case .cancelled(let reason):
            end(.cancelled, by: .caller, cause: HangupCause(status: 487), reason: "cancelled", header: reason)
        // Who comes in another's place is let in by whom he finds.
        case .accepted: if index == 0 { accepted() }
        case .acknowledged(let answer): acknowledged(index, answer: answer)
        case .offered(let offer): offered(index, offer: offer)
        case .offerWithdrawn: offerWithdrawn(index)
        case .reofferAnswered(let description, let isOffer):
            reofferAnswered(index, description: description, isOffer: isOffer)
        case .reofferRefused(let status): reofferRefused(index, status: status)
        case .answerChanged(let description): answerChanged(index, description)
        case .info(let contentType, let body): informed(index, contentType: contentType, body: body)
        case .referred(let referral): referred(index, referral)
        case .hungUp(let reason): hungUp(index, reason: reason)
        case .failed(let failure): failed(index, failure)
        case .ended: ended(index)
        }
    }

    /// The call is over: legs are only led out.
    private func receiveAtTheEnd(_ notice: Session.Notice, from index: Int) {
        switch notice {
        // A 2xx that crossed our CANCEL, or an ACK that our BYE waited for: the session sees to it.
        case .answered:
            let isElsewhere = if case .over(.answeredElsewhere, _, _) = legs[index].progress { true } else { false }
            act(on: index) { $0.hangUp(reason: isElsewhere ? Session.completedElsewhere : nil, now: $1) }
        case .offered: act(on: index) { $0.refuseOffer(487, now: $1) }
        case .referred: act(on: index) { session, _ in session.refuseReferral(487) }
        case .info: act(on: index) { session, _ in session.answerInfo(isTaken: true) }
        case .ended: ended(index)
        case .progress, .rejected, .cancelled, .accepted, .acknowledged, .offerWithdrawn, .reofferAnswered,
            .reofferRefused, .answerChanged, .hungUp, .failed:
            break
        }
    }

    private func acknowledged(_ index: Int, answer: SessionDescription?) {
        guard let answer else {
            if let relayed, relayed.offer == nil, relayed.from == index { leaveUnanswered(relayed) }
            return reofferAgain(index)
        }
        if let relayed, relayed.offer == nil, relayed.from == index {
            return lateReofferAnswered(relayed, answer: answer)
        }
        legs[index].described.remote = answer
        configureMedia(index)
        guard index == 0 else { return }
        if lateOffer == nil, legs[index].described.local.map({ !answer.takes($0) }) ?? false {
            return failed(index, .badAnswer)
        }
        if let late = lateOffer {
            lateOffer = nil
            return lateOfferAnswered(by: answer, of: late.leg, offer: late.offer)
        }
        callerConnected()
    }

    private func hungUp(_ index: Int, reason: String?) {
        let failed = transferUnheard(by: index)
        let result: LegResult = transfer?.from == index || failed != nil ? .transferred : .answered
        finishLeg(index, result, status: 200, reason: reason ?? "normal")
        if transfer?.from == index { return transferorLeft() }
        if let failed { return leftUnheard(failed) }
        if transfer?.taker == index { return takerFailed(index, 480, reason: "normal") }
        let party = legs[index].side
        if servedNobody(index) { return agentLeft(index) }
        dropCallback(by: index)
        switch stage {
        case .ending: break
        case .talking(let peer):
            guard index == anchor || index == peer else { return }
            end(.answered, by: party, cause: HangupCause(reasonHeader: reason) ?? .normal, reason: "normal")
        case .deciding, .answering, .dialing, .echoing, .sounding, .telling, .asking, .queued, .introducing,
            .consulting, .supervising, .parked:
            guard index == anchor else { return }
            // Whom he had called is told that by CANCEL.
            end(standing, by: party, cause: awaitsCallee ? HangupCause(status: 487) : .normal, reason: "normal")
        }
    }

    private func failed(_ index: Int, _ failure: Session.Failure) {
        publish(.note("leg \(index): \(failure.inWords(by: core.settings.session))"))
        // A talk that somebody vanished from was one, be it that his ACK alone was lost.
        let isLost =
            failure == .sessionExpired || failure == .peerGone
            || failure == .acknowledgementMissing && legs[index].isHeard
        let wasAnswered = isLost && legs[index].progress == .answered
        finishLeg(index, wasAnswered ? .answered : .failed, status: wasAnswered ? 200 : nil, reason: failure.rawValue)
        if transfer?.from == index { return transferorLeft() }
        if transfer?.taker == index { return takerFailed(index, 480, reason: failure.rawValue) }
        if servedNobody(index) { return agentLeft(index) }
        dropCallback(by: index)
        guard index == anchor || isTalking(to: index) else { return }
        // Whoever spoke to him spoke to nobody.
        if index == 0, !wasAnswered { hasSpoken = false }
        let disposition: Disposition = callerIsAnswered && wasAnswered ? .answered : .failed
        let status =
            switch failure {
            case .badAnswer: 488
            case .prackMissing: 504
            case .acknowledgementMissing, .sessionExpired, .peerGone: 408
            }
        end(disposition, by: .switch, cause: HangupCause(status: status), reason: failure.rawValue)
    }

    private func ended(_ index: Int) {
        legs[index].hasEnded = true
        if case .ending = stage { closeWhenOver() }
    }

    func isTalking(to index: Int) -> Bool {
        switch stage {
        case .talking(let peer), .introducing(let peer): peer == index
        default: false
        }
    }

    /// The leg that hears what this one says.
    func counterpart(of index: Int) -> Int? {
        switch stage {
        case .talking(let peer): return index == anchor ? peer : (index == peer ? anchor : nil)
        case .dialing(let dial):
            guard let early = dial.early else { return nil }
            return index == anchor ? early : (index == early ? anchor : nil)
        case .deciding, .answering, .echoing, .sounding, .ending, .telling, .asking, .queued, .introducing, .consulting,
            .supervising, .parked:
            return nil
        }
    }

    func receive(_ event: MediaEvent, on index: Int) {
        // A port that was opened for a leg which then was not made.
        guard legs.indices.contains(index) else { return }
        switch event {
        case .firstPacket: legs[index].isHeard = true
        case .relatched(_, let address):
            publish(.note("leg \(index): media now comes from \(address)"))
        case .digit(_, let digit, _, let isInBand): pressed(index, digit: digit, isInBand: isInBand)
        case .said(_, let token): said(token, on: index)
        case .quality(let port, let mos): if legs[index].port?.id == port { legs[index].mos = mos }
        // Whoever has given the other party away need not say anything more, nor hear.
        case .inactive where transfer?.from == index: break
        // Nor may he be heard who does not know his new port yet.
        case .inactive where transfer?.taker == index: break
        case .inactive(_, let silence):
            publish(.note("leg \(index): neither RTP nor RTCP for \(silence.inWords) (calls.rtp_timeout)"))
            finishLeg(index, .answered, status: 200, reason: "rtp-timeout")
            end(.answered, by: .switch, cause: HangupCause(status: 408), reason: "rtp-timeout")
        case .closed(let port, let report):
            legs[index].retired.remove(port)
            if legs[index].port?.id == port {
                legs[index].mediaReport = report
                legs[index].awaitsReport = false
                publish(.legMedia(leg: index, report))
            }
            if case .ending = stage { closeWhenOver() }
        }
    }
}

extension Leg.Progress {
    /// Keeps the first ending: what comes later is only its echo.
    mutating func finish(_ result: LegResult, status: Int?, reason: String) {
        if case .over = self { return }
        self = .over(result, status: status, reason: reason)
    }
}

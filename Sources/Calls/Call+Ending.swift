import DialPlan
import Events
import Media
import SDP
import SIP
import SIPMessage
import Timebase

/// How a call ends: both legs always torn down, the ports returned, the record closed.
extension Call {
    /// The dial plan hangs up.
    func finish(_ planned: HangupCause) {
        guard !isEnding else { return }
        guard detours.isEmpty else { return detourEnded(planned) }
        let cause = planned.passingOn(lastRejection)
        if transfer != nil { return transferFailed(cause) }
        if comesBack() { return }
        if callerIsAnswered {
            guard cause.isFailure, let tone = cause.tone, let port = legs[anchor].port else {
                let disposition = awaitsCallee ? cause.disposition : standing
                return end(disposition, by: .switch, cause: cause, reason: cause.name)
            }
            // A caller who is connected already hears why, and then is let go.
            enter(.sounding(cause))
            core.media.perform(.play(port.id, tone))
            core.timers.start(.call(id, .toneEnds), at: now.instant + core.settings.toneDuration)
            return
        }
        // A plan may say "busy" of its own accord.
        let isTheirs = lastRejection.map { !$0.isLocal && HangupCause($0.outcome) == planned } ?? false
        end(cause.disposition, by: isTheirs ? .callee : .switch, cause: cause, reason: cause.name)
    }

    /// What the call is when it ends now, whichever side ends it (docs/schema.md): the switch's own answer to somebody who waits for an
    /// agent is no agent's, and who has spoken with somebody was answered, whatever becomes of him later.
    var standing: Disposition {
        if callerIsAnswered, hasSpoken || isTalk { return .answered }
        // The callee went before the caller had his answer, which waits for the record or a PRACK.
        if isTalk { return .failed }
        if case .sounding(let cause) = stage { return cause.disposition }
        guard callerIsAnswered, !awaitsCallee else { return .cancelled }
        guard isUnserved else { return .answered }
        switch stage {
        case .queued, .introducing: return .abandoned
        default: return .noAnswer
        }
    }

    /// Ends the call in whatever state it is. The first ending counts. `header`: another Reason for the parties than what `cause` says.
    func end(_ disposition: Disposition, by party: Party, cause: HangupCause, reason: String, header: String? = nil) {
        guard !isEnding else { return }
        if case .introducing = stage { answeredInVain() }
        let status = callerIsAnswered && !awaitsCallee ? 200 : cause.status
        let summary = CallEnded(
            disposition: disposition == .answered || callerIsAnswered && hasSpoken ? standing : disposition,
            hangupBy: party,
            sipCode: status,
            q850Cause: cause.q850,
            reason: reason
        )
        if case .queued(let stay) = stage {
            stopMessages(of: stay.queue)
            for agent in stay.ringing.keys { core.timers.stop(.call(id, .signOfLife(agent))) }
        }
        enter(.ending(summary, at: now))
        // With whoever was called back they have talked, if not for `short_talk`.
        let isCallbackTalk = core.timers.contains(.call(id, .calledBack))
        for timer in CallTimer.ofLivingCalls { core.timers.stop(.call(id, timer)) }
        stopRecording()
        core.leave(self)
        if isAttempt {
            core.attemptFailed(id, because: reason)
        } else if isCallbackTalk {
            core.attemptSucceeded(self)
        }
        endSupervision()
        let header = header ?? "Q.850;cause=\(cause.q850);text=\"\(cause.text)\""
        for index in legs.indices {
            let isRefused = index == 0 && legs[0].target == Leg.caller
            let otherwise: LegResult = isRefused ? LegResult(refusedWith: disposition) : .cancelled
            let result = legs[index].progress == .answered ? .answered : otherwise
            finishLeg(index, result, status: result == .answered ? 200 : index == 0 ? status : nil, reason: reason)
            if let port = legs[index].port { core.closePort(port.id) }
        }
        // Whoever asked for it is told before his BYE, and had nobody again.
        abandonTransfer()
        for index in legs.indices where index > 0 { act(on: index) { $0.hangUp(reason: header, now: $1) } }
        if callerIsAnswered || startsUponAnswer {
            act(on: 0) { $0.hangUp(reason: header, now: $1) }
        } else {
            rejectCaller(cause, header: header)
        }
        core.timers.start(.call(id, .linger), at: now.instant + .milliseconds(500))
        closeWhenOver()
    }

    private func rejectCaller(_ cause: HangupCause, header: String) {
        guard !legs[0].hasEnded else { return }
        var headers: [(HeaderName, String)] = [(.reason, header)]
        // A peer's Retry-After with 503 is of his whole server, which ours is not; without it a 503 is but a 500 (RFC 3261 §21.5.4).
        if let last = lastRejection, last.isLocal || last.status != 503, let retryAfter = last.retryAfter {
            headers.append((.retryAfter, "\(retryAfter)"))
        }
        // What is wrong with his description itself, and not with what the callee made of it (RFC 3261 §21.4.26).
        if cause.status == 488, let offer = legs[0].described.remote {
            if AudioStream(of: offer) == nil { headers.append((.warning, .warning(offer.unusableReason))) }
            if !legs[0].isServed(by: core.media) { headers.append((.warning, .incompatibleAddress)) }
        }
        guard isRecorded else {
            heldAnswer = .reject(cause.status, headers)
            return
        }
        act(on: 0) { $0.reject(cause.status, headers: headers, now: $1) }
    }

    /// An attempt to reach somebody, or a talk with him, is over, whatever becomes of the call. The first ending counts.
    func finishLeg(_ index: Int, _ result: LegResult, status: Int?, reason: String) {
        legs[index].progress.finish(result, status: status, reason: reason)
        leaveTrunk(index)
        tellEnd(of: index)
    }

    /// Its place on the trunk is free for another call, whatever becomes of this one.
    func leaveTrunk(_ index: Int) {
        guard let trunk = legs[index].occupies else { return }
        legs[index].occupies = nil
        core.surroundings?.release(trunk)
    }

    /// Tells of a leg's end once.
    func tellEnd(of index: Int) {
        guard case .over(let result, let status, let reason) = legs[index].progress, !legs[index].endIsTold else {
            return
        }
        legs[index].endIsTold = true
        publish(.legEnded(LegEnded(leg: legs[index].id.index, result: result, sipCode: status, reason: reason)))
    }

    /// Closes the record when every leg has said its last word and every port has reported.
    func closeWhenOver() {
        guard legs.allSatisfy({ $0.hasEnded && !$0.awaitsReport && $0.retired.isEmpty }) else { return }
        core.finish(self)
    }

    /// The watchdog's word: what legs and ports still owe will not come.
    func abandonLegs() {
        for index in legs.indices { legs[index].abandon() }
        core.finish(self)
    }

    /// Writes the call's end: at the latest half a second after it, whatever the peers still owe us.
    func close() {
        guard case .ending(let summary, let moment) = stage, !isClosed else { return }
        guard legs.allSatisfy({ !$0.awaitsReport }) else {
            core.timers.start(.call(id, .linger), at: now.instant + .milliseconds(500))
            return
        }
        isClosed = true
        core.timers.stop(.call(id, .linger))
        publish(.callEnded(summary), at: moment)
    }
}

extension LegResult {
    /// What became of a caller whom nothing answered.
    fileprivate init(refusedWith disposition: Disposition) {
        switch disposition {
        case .busy: self = .busy
        case .noAnswer: self = .noAnswer
        case .rejected, .blocked: self = .declined
        case .failed: self = .failed
        case .answered, .cancelled, .abandoned: self = .cancelled
        }
    }
}

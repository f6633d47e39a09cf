import Config
import DialPlan
import Events
import Media
import NetAddress
import SDP
import SIP
import SIPMessage
import Timebase

/// One `dial` step: every way to the target at once, the first answer wins (RFC 3261 §16.7 for a B2BUA).
extension Call {
    func dial(_ request: DialRequest) {
        var dial = Dial(request: request)
        var servers = 1
        if detours.isEmpty { redirects = 0 }
        switch reach(request) {
        case .unreachable(let outcome, let status, let retryAfter, let why):
            publish(.note("\(request.target): \(why)"))
            core.log(.info, "\(request.target) cannot be reached: \(why)", call: id)
            lastRejection = Rejection(
                status: status,
                phrase: ReasonPhrase.standard(status),
                retryAfter: retryAfter,
                isLocal: true
            )
            return conclude(dial, outcome)
        case .resolving:
            enter(.dialing(dial))
            core.waitForNames(id)
        case .routes(let routes):
            servers = routes.map { Set($0.flows.map(\.remote)).count }.max() ?? 1
            enter(.dialing(dial))
            // He hears music until the first 180.
            if transfer != nil { makeUnderstood() }
            for route in routes {
                guard !isLoop(route.user, history) else {
                    lastRejection = Rejection(status: 482, phrase: ReasonPhrase.standard(482), isLocal: true)
                    continue
                }
                if let index = invite(route) { dial.attempts.append(index) }
            }
            enter(.dialing(dial))
            guard !dial.attempts.isEmpty else {
                return proceed(.dialled(DialOutcome(status: lastRejection?.status ?? 503)))
            }
            for index in dial.attempts { act(on: index) { session, _ in session.start() } }
        }
        let patience =
            request.hasAlternative ? min(request.timeout, core.settings.trunkPatience * servers) : request.timeout
        dial.rest = request.hasAlternative ? request.timeout - patience : nil
        enter(.dialing(dial))
        core.timers.start(.call(id, .dialTimeout), at: now.instant + patience)
    }

    /// Where a target can be reached; an attempt that a trunk cannot take is a leg of the record all the same.
    func reach(_ request: DialRequest) -> Reach {
        let reach = look(for: request)
        if case .unreachable(let outcome, _, _, let why) = reach,
            case .trunk(let name, let number) = request.target
        {
            let label = "trunk \(name) \(number)"
            noteAttempt(over: TrunkID(tenant: tenant.id, name: name), label, number, LegResult(outcome), why)
        }
        return reach
    }

    private func look(for request: DialRequest) -> Reach {
        let reach = core.reach(request.target, of: tenant)
        guard let callerID = request.callerID, case .routes(var routes) = reach else { return reach }
        for place in routes.indices { routes[place].callerID = callerID }
        return .routes(routes)
    }

    /// The names that a dial waited for are known, or known not to be.
    func namesResolved() {
        guard case .dialing(let pending) = stage, pending.attempts.isEmpty else { return }
        dial(pending.request)
    }

    /// Somebody responds to an attempt: where it went first, or another server of the same name (RFC 3263 §4.3).
    func reached(_ index: Int, at server: SocketAddress) {
        guard legs[index].server != server, !legs[index].isOver else { return }
        legs[index].server = server
        legs[index].address = "\(server)"
        publish(.legReached(leg: index, address: legs[index].address))
    }

    func progressed(_ index: Int, status: Int, description: SessionDescription?) {
        guard case .dialing(var dial) = stage, dial.attempts.contains(index) else { return }
        publish(.legProvisional(leg: index, status: status, earlyMedia: description != nil))
        // One early dialog of several is over (RFC 6228); the caller has one with us, which is not.
        guard status != 199 else { return }
        reportTransfer(status)
        defer { if case .dialing = stage { stage = .dialing(dial) } }
        if !isRinging {
            isRinging = true
            publish(.callRinging)
        }
        guard !callerIsAnswered else {
            if let description, dial.early == nil || dial.early == index, hearEarly(index, description) {
                dial.early = index
            } else if status == 180, dial.early == nil {
                play(.ringback)
            }
            return
        }
        if let description, legs[0].described.remote != nil, dial.early == nil || dial.early == index {
            legs[index].described.remote = description
            let told = legs[0].described.local
            let answer = answerForCaller(description, of: index)
            // His first answer is the one that counts, and the 200 will say it too.
            if let told { legs[0].described.repeats(told) }
            if let answer, told == nil || speakAlike(0, index) {
                dial.early = index
                stage = .dialing(dial)
                moveEarlyFamily(of: index)
                configureMedia(index)
                configureMedia(0)
                bridge(0, index)
                // Early media that is lost would be lost for good (RFC 3262 §3).
                act(on: 0) { $0.ring(status, sdp: (told ?? answer).write(), isReliable: true, now: $1) }
                return
            }
        }
        // A phone that has had early media has no ringback of its own any more.
        if status == 180, dial.early == nil, legs[0].described.local != nil { play(.ringback) }
        // Of several phones that ring, the caller hears of the first.
        guard dial.attempts.count == 1 || !dial.announced.contains(status) else { return }
        dial.announced.insert(status)
        act(on: 0) { $0.ring(status, now: $1) }
    }

    /// Lets a caller who is connected already hear what comes before the answer, in the place of our tone (RFC 3960 §3.2). False: he would
    /// not understand it.
    private func hearEarly(_ index: Int, _ description: SessionDescription) -> Bool {
        guard let port = legs[index].port, let partner = legs[anchor].port,
            core.media.areTogether(port.id, partner.id)
        else { return false }
        legs[index].described.remote = description
        guard legs[index].described.theirs != nil, speakAlike(anchor, index) else { return false }
        moveEarlyFamily(of: index)
        configureMedia(index)
        bridge(anchor, index)
        return true
    }

    /// An attempt that is over is not heard any more by a caller for whom others may still ring, and who may hear them then.
    private func stopEarly(in dial: inout Dial) {
        guard let early = dial.early, !dial.attempts.contains(early) else { return }
        dial.early = nil
        unbridge(early)
        if !dial.attempts.isEmpty { play(.ringback) }
    }

    func answered(_ index: Int, description: SessionDescription?, isOffer: Bool) {
        if case .queued(let stay) = stage, let description {
            return agentAnswered(index, description: description, isOffer: isOffer, stay: stay)
        }
        if startsUponAnswer { return originated(index, description) }
        guard case .dialing(let dial) = stage, dial.attempts.contains(index), let description else {
            // Two answered at once, or the caller has gone: this one is told where the call went.
            finishLeg(index, .answeredElsewhere, status: 200, reason: "answered elsewhere")
            return act(on: index) { $0.hangUp(reason: Session.completedElsewhere, now: $1) }
        }
        core.timers.stop(.call(id, .dialTimeout))
        legs[index].progress = .answered
        legs[index].described.remote = description
        enter(.talking(index))
        for other in dial.attempts where other != index {
            cancel(other, .answeredElsewhere, Session.completedElsewhere)
        }
        tellAnswer(index)
        connect(index, description: description, isOffer: isOffer)
    }

    private func connect(_ index: Int, description: SessionDescription, isOffer: Bool) {
        if callerIsAnswered {
            stopTone()
            if isOffer {
                changeFamily(of: index)
                guard answerLateOffer(of: index, description) else { return incompatible(index) }
            }
            configureMedia(index)
            return hand(to: index) { seat(index) }
        }
        if isOffer {
            // Late offer end to end: the callee's offer goes to the caller in our 200, the caller's ACK brings the answer.
            guard let offer = offerForCaller(description) else { return incompatible(index) }
            lateOffer = (index, description)
            return answerCaller(offer)
        }
        guard openCallerPort() != nil else {
            return end(.failed, by: .switch, cause: .congestion, reason: "no-media-port")
        }
        let told = legs[0].described.local
        guard let answer = answerForCaller(description, of: index) else { return incompatible(index) }
        configureMedia(index)
        let kept = keep(told, insteadOf: answer) { speakAlike(0, index) }
        if legs[index].isOutOfReach(of: core.media) {
            seat(index)
        } else {
            bridge(0, index)
            // An offer of another port before the answer was refused, or it was not understood.
            if !legs[index].knowsItsPort, reoffers[index] == nil { reoffer(index, Reoffer(isNeeded: true)) }
        }
        guard !isEnding else { return }
        answerCaller(kept)
        talkBegan()
    }

    /// A caller who has an answer already, by a provisional, has to keep it (RFC 3261 §13.2.1): he is told that one again, and offered the
    /// other when he has acknowledged it.
    func keep(
        _ told: SessionDescription?,
        insteadOf answer: SessionDescription,
        isUnderstood: () -> Bool
    ) -> SessionDescription {
        guard let told else { return answer }
        legs[0].described.repeats(told)
        let isUnderstood = isUnderstood()
        if !isUnderstood || AudioStream(of: told)?.direction != AudioStream(of: answer)?.direction {
            reoffers[0] = Reoffer(isNeeded: !isUnderstood)
        }
        return told
    }

    private func incompatible(_ index: Int) {
        publish(.note("leg \(index) answered with media that the caller did not offer"))
        if transfer != nil { return takerFailed(index, 488, reason: "no-common-codec") }
        end(.failed, by: .switch, cause: HangupCause(status: 488), reason: "no-common-codec")
    }

    func lateOfferAnswered(by answer: SessionDescription, of index: Int, offer: SessionDescription) {
        changeFamily(of: index)
        guard let relayed = answerForCallee(answer, offer: offer, index: index) else { return incompatible(index) }
        act(on: index) { $0.acknowledge(answer: relayed.write(), now: $1) }
        configureMedia(index)
        bridge(0, index)
        talkBegan()
    }

    func rejected(_ index: Int, _ rejection: Rejection) {
        let outcome = rejection.outcome
        legs[index].progress.finish(LegResult(outcome), status: rejection.status, reason: rejection.phrase)
        // Told last, as a redirect that is followed is another ending.
        defer { tellEnd(of: index) }
        leaveTrunk(index)
        if rejection.status == 503, !rejection.isLocal, let wait = rejection.retryAfter, let trunk = legs[index].trunk {
            core.surroundings?.leave(trunk, aloneFor: wait)
        }
        if startsUponAnswer, callback == nil { return originationFailed(index, rejection) }
        release(index)
        if case .queued(let stay) = stage {
            if rejection.isRedirect, followAgent(rejection, of: index, stay: stay) { return }
            return agentRejected(index, rejection, stay: stay)
        }
        guard case .dialing(var dial) = stage, dial.attempts.contains(index) else { return }
        dial.attempts.removeAll { $0 == index }
        stopEarly(in: &dial)
        if rejection.isRedirect, follow(rejection, of: index, in: &dial) {
            legs[index].progress = .over(.redirected, status: rejection.status, reason: rejection.phrase)
            stage = .dialing(dial)
            return concludeWhenOver(dial)
        }
        if dial.best.map({ rejection.isBetter(than: $0.rejection) }) ?? true { dial.best = (outcome, rejection) }
        // A global failure ends the search: nobody else will do (§16.7 step 5).
        if rejection.status >= 600 {
            for other in dial.attempts { cancel(other, .cancelled, rejection.reasonForOthers) }
            (dial.attempts, dial.searches) = ([], [])
            dial.onward.removeAll { $0.first != nil }
            stopEarly(in: &dial)
        }
        stage = .dialing(dial)
        searchOn(after: index, in: &dial)
        concludeWhenOver(dial)
    }

    /// Nobody rings any more: the plan that a 3xx led into goes on, or the one that wanted somebody rung.
    private func concludeWhenOver(_ dial: Dial) {
        guard dial.attempts.isEmpty, dial.best != nil || !dial.onward.isEmpty else { return }
        core.timers.stop(.call(id, .dialTimeout))
        lastRejection = dial.best?.rejection
        conclude(dial, dial.best?.outcome ?? .unavailable)
    }

    private func conclude(_ dial: Dial, _ outcome: DialOutcome) {
        missed = nil
        guard !dial.onward.isEmpty else {
            if case .user(let number) = dial.request.target, let reason = outcome.reasonOfDiversion {
                missed = (number, lastRejection?.status ?? 480, reason)
            }
            return proceed(.dialled(outcome))
        }
        detours.append(Detour(plan: plan, history: history, later: dial.onward))
        detour(after: outcome)
    }

    func dialTimedOut() {
        if startsUponAnswer {
            publish(.note("nobody answered within \(core.settings.originationTimeout.inWords)"))
            return failOrigination(Rejection(status: 480, phrase: ReasonPhrase.standard(480), isLocal: true))
        }
        guard case .dialing(var dial) = stage else { return }
        let isRinging = dial.attempts.contains { legs[$0].session.isProceeding }
        if isRinging, let rest = dial.rest {
            dial.rest = nil
            stage = .dialing(dial)
            core.timers.start(.call(id, .dialTimeout), at: now.instant + rest)
            return
        }
        // A trunk without a sign of life is out of order; a phone may be silent and ring.
        let isDead = if case .trunk = dial.request.target { !isRinging } else { false }
        tellTimeOut(of: dial.request, isDead: isDead)
        for index in dial.attempts { cancel(index, isDead ? .unavailable : .noAnswer, nil) }
        dial.attempts = []
        stopEarly(in: &dial)
        lastRejection = Rejection(status: 480, phrase: ReasonPhrase.standard(480), isLocal: true)
        conclude(dial, isDead ? .unavailable : .noAnswer)
    }

    func cancel(_ index: Int, _ result: LegResult, _ reason: String?) {
        finishLeg(index, result, status: nil, reason: result.rawValue)
        release(index)
        act(on: index) { $0.hangUp(reason: reason, now: $1) }
    }

    /// A leg is over, and the call goes on: its port is for others, and unless another of his still is up, its user is free for the queues
    /// again.
    func release(_ index: Int) {
        dropOffers(of: index)
        if let port = legs[index].port { core.closePort(port.id) }
        guard let user = legs[index].user else { return }
        let isElsewhere = legs.indices.contains { $0 != index && legs[$0].user == user && !legs[$0].isOver }
        if !isElsewhere { core.disengage(user, from: self) }
    }
}

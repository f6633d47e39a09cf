import NetAddress
import SDP
import SIPMessage
public import Timebase

/// Changing the session while it runs: re-INVITE (RFC 3261 §14), UPDATE (RFC 3311), PRACK (RFC 3262).
extension Session {
    /// Offers other media to the peer, or asks it for an offer (nil). Answered by `reofferAnswered` or `reofferRefused`.
    public mutating func reoffer(_ sdp: [UInt8]?, now: Instant) -> [Action] {
        switch phase {
        case .confirmed:
            guard case .none = renegotiation else { return [.tell(.reofferRefused(status: 491))] }
            return sendReinvite(sdp, attempts: 0, now: now)
        case .received where reliable.heldAcceptance != nil:
            // Our 2xx waits for a PRACK: in a moment the dialog is confirmed.
            return [.tell(.reofferRefused(status: 491))]
        case .calling, .received:
            guard case .none = renegotiation, let sdp, !mustNotBeOfferedYet else {
                return [.tell(.reofferRefused(status: 488))]
            }
            if let early = heardDialog { dialog = early.dialog }
            return sendUpdate(sdp, attempts: 0)
        case .accepted, .answering: return [.tell(.reofferRefused(status: 491))]
        case .cancelling, .leaving, .ended: return [.tell(.reofferRefused(status: 481))]
        }
    }

    /// Before the final answer only UPDATE may carry an offer, to a peer that takes it, and when the first offer has an answer that surely
    /// arrived (RFC 3311 §5.1).
    public var mustNotBeOfferedYet: Bool {
        switch phase {
        case .calling: !peerAllows(.update) || !(heardDialog?.isAnswered ?? false)
        case .received: reliable.heldAcceptance == nil && (!peerAllows(.update) || owesAnswer)
        case .accepted, .answering, .confirmed, .cancelling, .leaving, .ended: false
        }
    }

    /// Of several early dialogs the one whose media is heard.
    private var heardDialog: EarlyDialog? { describedTag.flatMap { earlyDialogs[$0] } }

    /// Answers the peer's `offered` with our description.
    public mutating func answerOffer(_ sdp: [UInt8], now: Instant) -> [Action] {
        guard case .theirs(let transaction, let request, let flow) = renegotiation else { return [] }
        localDescription = sdp
        return stopsAwaiting(request) + acceptRenegotiation(transaction, request, over: flow, body: sdp, now: now)
    }

    /// Refuses the peer's `offered`: the session goes on as it was (§14.1).
    public mutating func refuseOffer(_ status: Int, now: Instant) -> [Action] {
        guard case .theirs(let transaction, let request, _) = renegotiation else { return [] }
        renegotiation = .none
        // Nobody who does not ask by INVITE is told 408 (RFC 4320 §4.2): he has timed out by then.
        let status = status == 408 && request.method != .invite ? 504 : status
        var response = makeResponse(status, to: request, body: nil)
        if status == 500 { response.headers.append(.retryAfter, "\(Int.random(in: 0...10, using: &random))") }
        return stopsAwaiting(request) + [.respond(transaction, response)]
            + (request.method == .prack ? afterPrack(now: now) : [])
    }

    /// Nobody has decided upon the peer's UPDATE, whose sender is about to give up (Timer F, RFC 3261 §17.1.2.2).
    mutating func updateOverdue(now: Instant) -> [Action] {
        guard case .theirs(_, let request, _) = renegotiation, request.method == .update else { return [] }
        return refuseOffer(504, now: now) + [.tell(.offerWithdrawn)]
    }

    private func stopsAwaiting(_ request: SIPRequest) -> [Action] {
        request.method == .update ? [.stop(.updateOverdue)] : []
    }

    /// An offer of the peer waits for our answer: it has not been taken back.
    public var hasOfferOfPeer: Bool { if case .theirs = renegotiation { true } else { false } }

    /// The peer took its re-INVITE back.
    public mutating func renegotiationCancelled(_ transaction: ServerTransactionID) -> [Action] {
        guard case .theirs(transaction, let request, _) = renegotiation else { return [] }
        renegotiation = .none
        return [.respond(transaction, makeResponse(487, to: request, body: nil)), .tell(.offerWithdrawn)]
    }

    /// Takes our re-INVITE back (RFC 3261 §9.1); how it ends is told by `reofferRefused`, or `reofferAnswered` where the answer crosses this.
    public mutating func cancelReoffer() -> [Action] {
        guard case .confirmed = phase, !isRefreshing else { return [] }
        switch renegotiation {
        case .ours: return [.cancelInvite(reason: nil)]
        case .backingOff:
            renegotiation = .none
            return [.stop(.backOff), .tell(.reofferRefused(status: 487))]
        case .none, .theirs, .theirsAccepted, .answering: return []
        }
    }

    mutating func receiveReinvite(
        _ request: SIPRequest,
        transaction: ServerTransactionID,
        over flow: Flow,
        now: Instant
    ) -> [Action] {
        switch phase {
        case .confirmed: break
        case .received:
            // §14.2: the first INVITE has no final answer yet.
            var response = makeResponse(500, to: request, body: nil)
            response.headers.append(.retryAfter, "\(Int.random(in: 0...10, using: &random))")
            return [.respond(transaction, response)]
        case .accepted, .calling, .answering: return [.respond(transaction, makeResponse(491, to: request, body: nil))]
        case .cancelling, .leaving, .ended: return [.respond(transaction, makeResponse(481, to: request, body: nil))]
        }
        return beginTheirs(request, transaction: transaction, over: flow, now: now)
    }

    mutating func receiveUpdate(
        _ request: SIPRequest,
        transaction: ServerTransactionID,
        over flow: Flow,
        now: Instant
    ) -> [Action] {
        guard request.sdpBody() != nil else {
            if let refusal = refuseBrief(request) { return [.respond(transaction, refusal)] }
            // Without a description it refreshes target and timer, and nothing else (RFC 3311 §5.2).
            dialog?.refreshTarget((try? request.contacts())?.first?.uri, over: flow)
            var response = makeResponse(200, to: request, body: nil)
            addContact(to: &response)
            let actions = timer.agree(answering: request, with: &response, settings: settings, now: now)
            return actions + [.respond(transaction, response)]
        }
        // Our offer has no answer yet (RFC 3311 §5.2).
        if case .calling(let attempt) = phase, !attempt.request.body.isEmpty,
            earlyDialogs[(try? request.from().tag) ?? ""]?.description == nil
        {
            return [.respond(transaction, makeResponse(491, to: request, body: nil))]
        }
        if case .received = phase, !reliable.hasAnswered {
            // Its first offer has no answer yet that it surely has (RFC 3311 §5.2).
            var response = makeResponse(500, to: request, body: nil)
            response.headers.append(.retryAfter, "\(Int.random(in: 0...10, using: &random))")
            return [.respond(transaction, response)]
        }
        return beginTheirs(request, transaction: transaction, over: flow, now: now)
    }

    /// The 422 to a refresh that asks for a shorter interval than we accept; to lengthen it is not ours (RFC 4028 §9).
    private func refuseBrief(_ request: SIPRequest) -> SIPResponse? {
        guard SessionTimer.isTooBrief(request, settings: settings) else { return nil }
        var response = makeResponse(422, to: request, body: nil)
        response.headers.append(.minSE, "\(settings.minimumExpires)")
        return response
    }

    private mutating func beginTheirs(
        _ request: SIPRequest,
        transaction: ServerTransactionID,
        over flow: Flow,
        now: Instant
    ) -> [Action] {
        switch renegotiation {
        case .none: break
        case .theirs:
            var response = makeResponse(500, to: request, body: nil)
            response.headers.append(.retryAfter, "\(Int.random(in: 0...10, using: &random))")
            return [.respond(transaction, response)]
        case .theirsAccepted, .ours, .answering:
            return [.respond(transaction, makeResponse(491, to: request, body: nil))]
        case .backingOff(let offer, _):
            // Theirs came while ours waits to try again: theirs goes first, and ours is given up to the one who asked.
            renegotiation = .none
            let rest = beginTheirs(request, transaction: transaction, over: flow, now: now)
            return [.stop(.backOff)] + (offer == nil ? [] : [.tell(.reofferRefused(status: 491))]) + rest
        }
        if let refusal = refuseBrief(request) { return [.respond(transaction, refusal)] }
        guard let body = request.sdpBody() else {
            renegotiation = .theirs(transaction, request, over: flow)
            return [.tell(.offered(nil))]
        }
        let offer: SessionDescription
        do throws(SDPFault) {
            offer = try SessionDescription(parsing: body)
        } catch {
            return [.respond(transaction, makeResponse(error.status, to: request, body: nil))]
        }
        if body == remoteDescription, let localDescription,
            (try? SessionDescription(parsing: localDescription))?.mayAnswer(offer) ?? true
        {
            // The same description again is a refresh (RFC 4028 §7.4): the other leg need not hear of it. Where it answered our offer, that
            // may be no answer to it.
            return acceptRenegotiation(transaction, request, over: flow, body: localDescription, now: now)
        }
        renegotiation = .theirs(transaction, request, over: flow)
        // Some time before 64·T1, so that a repetition of the request finds the answer if it is lost.
        let patience: [Action] =
            request.method == .update ? [.start(.updateOverdue, at: now + settings.timers.t1 * 56)] : []
        return patience + [.tell(.offered(offer))]
    }

    private mutating func acceptRenegotiation(
        _ transaction: ServerTransactionID,
        _ request: SIPRequest,
        over flow: Flow,
        body: [UInt8],
        now: Instant
    ) -> [Action] {
        // A request that is refused moves nothing (RFC 6141 §4).
        dialog?.refreshTarget((try? request.contacts())?.first?.uri, over: flow)
        var response = makeResponse(200, to: request, body: body)
        addContact(to: &response)
        response.headers.append(.allow, SessionSettings.allow)
        response.headers.append(.supported, SessionSettings.supported)
        var actions = timer.agree(answering: request, with: &response, settings: settings, now: now)
        if let offer = request.sdpBody() {
            remoteDescription = offer
            describe((try? request.from().tag) ?? "", theirs: offer, ours: body)
        }
        actions.append(.respond(transaction, response))
        guard request.method == .invite else {
            renegotiation = .none
            return request.method == .prack ? actions + afterPrack(now: now) : actions
        }
        renegotiation = .theirsAccepted(response, request: request)
        return actions + startRetransmission(now: now)
    }

    mutating func receivePrack(
        _ request: SIPRequest,
        transaction: ServerTransactionID,
        over flow: Flow,
        now: Instant
    ) -> [Action] {
        guard reliable.acknowledge(request.headers[.rack], random: &random) else {
            return [.respond(transaction, makeResponse(481, to: request, body: nil))]
        }
        let stops: [Action] = [.stop(.retransmitReliable), .stop(.prackMissing)]
        if request.sdpBody() != nil, reliable.hasAnswered {
            // Our provisional answered its first offer, so this is another one (RFC 3262 §5): its 200 waits for the answer.
            return stops + beginTheirs(request, transaction: transaction, over: flow, now: now)
        }
        return stops + [.respond(transaction, makeResponse(200, to: request, body: nil))] + afterPrack(now: now)
    }

    /// What waited for the PRACK: our 2xx, or the next provisional.
    private mutating func afterPrack(now: Instant) -> [Action] {
        if let held = reliable.heldAcceptance {
            reliable.heldAcceptance = nil
            return accept(sdp: held.sdp, now: now)
        }
        guard case .received(let invite, _) = phase, let next = reliable.next(random: &random) else { return [] }
        return sendReliable(next, over: invite, now: now)
    }

    mutating func sendReliable(_ response: SIPResponse, over transaction: ServerTransactionID, now: Instant) -> [Action]
    {
        retransmitAfter = settings.timers.t1
        return [
            .respond(transaction, response), .start(.retransmitReliable, at: now + retransmitAfter),
            .start(.prackMissing, at: now + settings.timers.t1 * 64),
        ]
    }

    mutating func sendReinvite(_ sdp: [UInt8]?, attempts: Int, now: Instant) -> [Action] {
        guard var dialog else { return [] }
        let contact = dialog.flow.contact(user: settings.contactUser)
        var request = dialog.request(.invite, branch: random.branch(), contact: contact)
        self.dialog = dialog
        request.headers.append(.allow, SessionSettings.allow)
        if let sdp {
            request.headers.append(.contentType, "application/sdp")
            request.body = sdp
        }
        timer.describe(&request)
        renegotiation = .ours(own(.reinvite, in: dialog, offer: sdp, attempts: attempts))
        reofferReliable = nil
        return remembering([.send(request, .reinvite, over: dialog.ways)])
            + [.start(.reinviteUnanswered, at: now + settings.reinvitePatience)]
    }

    private func own(_ purpose: Purpose, in dialog: Dialog, offer: [UInt8]?, attempts: Int) -> OwnRequest {
        OwnRequest(
            purpose: purpose,
            offer: offer,
            sequence: dialog.localSequence,
            remoteTag: dialog.remoteTag,
            attempts: attempts
        )
    }

    /// The answer came from this dialog of a forked INVITE. What was under way in another one comes to nothing, and that one's end is not the
    /// session's.
    mutating func leaveOtherDialogs(than remoteTag: String) -> [Action] {
        switch renegotiation {
        case .ours(let own) where own.remoteTag != remoteTag:
            renegotiation = .none
            return [.tell(.reofferRefused(status: 488))]
        case .theirs(let pending, let request, _) where (try? request.from().tag) ?? "" != remoteTag:
            renegotiation = .none
            return stopsAwaiting(request) + [
                .respond(pending, makeResponse(487, to: request, body: nil)), .tell(.offerWithdrawn),
            ]
        case .none, .theirs, .theirsAccepted, .ours, .backingOff, .answering: return []
        }
    }

    private mutating func sendUpdate(_ sdp: [UInt8]?, attempts: Int) -> [Action] {
        guard var dialog else { return [] }
        let contact = dialog.flow.contact(user: settings.contactUser)
        var request = dialog.request(.update, branch: random.branch(), contact: contact)
        self.dialog = dialog
        if let sdp {
            request.headers.append(.contentType, "application/sdp")
            request.body = sdp
        }
        timer.describe(&request)
        renegotiation = .ours(own(.update, in: dialog, offer: sdp, attempts: attempts))
        return remembering([.send(request, .update, over: dialog.ways)])
    }

    /// Refreshes the session timer (RFC 4028 §10): by UPDATE without body where the peer takes it, else by the same offer again.
    mutating func refresh(now: Instant) -> [Action] {
        guard case .confirmed = phase, case .none = renegotiation else { return [] }
        isRefreshing = true
        return peerAllows(.update)
            ? sendUpdate(nil, attempts: 0) : sendReinvite(localDescription, attempts: 0, now: now)
    }

    mutating func receiveReofferResponse(
        _ response: SIPResponse,
        to purpose: Purpose,
        over flow: Flow,
        now: Instant
    ) -> [Action] {
        guard case .ours(let own) = renegotiation, own.purpose == purpose,
            (try? response.cSeq().number) ?? own.sequence == own.sequence
        else {
            // Of an earlier one, whose ACK was lost, or who took his time.
            return response.status < 200 ? [] : repeatAcknowledgement(response, purpose: purpose)
        }
        guard response.status >= 200 else { return takeReliable(response, to: purpose) }
        let actions = receiveReofferFinal(response, to: purpose, over: flow, now: now)
        if case .ours = renegotiation { return actions }
        return [.stop(.reinviteUnanswered)] + actions
    }

    /// A reliable provisional to our re-INVITE, which did not invite it, is acknowledged as one to the first INVITE is; its description is the
    /// answer, which the 2xx then leaves out (RFC 3262 §4, §5).
    private mutating func takeReliable(_ response: SIPResponse, to purpose: Purpose) -> [Action] {
        guard purpose == .reinvite, case .ours(let own) = renegotiation, var dialog,
            response.headers.has("100rel", in: .require),
            let number = response.headers[.rseq].flatMap({ UInt32($0) }),
            number == (reofferReliable?.number).map({ $0 &+ 1 }) ?? number
        else { return [] }
        reofferReliable = (number, (own.offer == nil ? nil : response.sdpBody()) ?? reofferReliable?.answer)
        var prack = dialog.request(.prack, branch: random.branch(), contact: nil)
        self.dialog = dialog
        prack.headers.append(.rack, "\(number) \(own.sequence) INVITE")
        return remembering([.send(prack, .prack, over: dialog.ways)])
    }

    private mutating func receiveReofferFinal(
        _ response: SIPResponse,
        to purpose: Purpose,
        over flow: Flow,
        now: Instant
    ) -> [Action] {
        guard case .ours(let own) = renegotiation else { return [] }
        let (offer, attempts) = (own.offer, own.attempts)
        if response.status < 300 { return receiveReofferAcceptance(response, to: own, over: flow, now: now) }
        if let retry = answerChallenge(response, purpose: purpose) { return retry }
        let (status, retryAfter) = (response.status, response.headers[.retryAfter])
        switch status {
        case 491 where attempts < Self.maximumGlareRetries && purpose == .reinvite && !isRefreshing:
            renegotiation = .backingOff(offer: offer, attempts: attempts + 1)
            return [.start(.backOff, at: now + glareBackOff())]
        case 422 where attempts < Self.maximumGlareRetries:
            guard let minimum = SessionTimer.seconds(response.headers[.minSE]), timer.raise(to: minimum) else {
                return renegotiationRefused(purpose, status: status, now: now)
            }
            return purpose == .update
                ? sendUpdate(offer, attempts: attempts + 1) : sendReinvite(offer, attempts: attempts + 1, now: now)
        case 408, 481: return renegotiationLost(purpose, status: status, now: now)
        default: return renegotiationRefused(purpose, status: status, retryAfter: retryAfter, now: now)
        }
    }

    /// It found no way to the peer, which says nothing of the peer: a dialog outlives that, and §12.2.1.2 has but 408 and 481 end it.
    mutating func renegotiationUnsent(_ purpose: Purpose, now: Instant) -> [Action] {
        guard case .ours(let own) = renegotiation, own.purpose == purpose else { return [] }
        return [.stop(.reinviteUnanswered)] + renegotiationRefused(purpose, status: 503, now: now)
    }

    private mutating func renegotiationRefused(
        _ purpose: Purpose,
        status: Int,
        retryAfter: String? = nil,
        now: Instant
    ) -> [Action] {
        renegotiation = .none
        guard isRefreshing else { return [.tell(.reofferRefused(status: status))] }
        isRefreshing = false
        // Tried again as the refusal lets us (RFC 4028 §10), until the session's end, whose timer runs on.
        switch status {
        case 405, 501:
            guard purpose == .update else { fallthrough }
            peerAllows.remove(Method.update.name)
            return refresh(now: now)
        case 491: return [.start(.refresh, at: now + glareBackOff())]
        default:
            let seconds = retryAfter.flatMap { Int($0.prefix { $0.isNumber }) } ?? 5
            return [.start(.refresh, at: now + .seconds(max(1, min(seconds, 10))))]
        }
    }

    private mutating func receiveReofferAcceptance(
        _ response: SIPResponse,
        to own: OwnRequest,
        over flow: Flow,
        now: Instant
    ) -> [Action] {
        let (purpose, offer, sequence) = (own.purpose, own.offer, own.sequence)
        dialog?.refreshTarget((try? response.contacts())?.first?.uri, over: flow)
        var actions = timer.learn(from: response, settings: settings, now: now)
        let body = response.sdpBody() ?? (purpose == .reinvite ? reofferReliable?.answer : nil)
        let description = body.flatMap { try? SessionDescription(parsing: $0) }
        if purpose == .reinvite, offer == nil, let description {
            remoteDescription = body
            renegotiation = .answering(sequence: sequence)
            return actions + [.tell(.reofferAnswered(description, isOffer: true))]
        }
        renegotiation = .none
        if purpose == .reinvite { actions += sendAcknowledgement(sequence: sequence, answer: nil) }
        if isRefreshing {
            isRefreshing = false
            // One that takes nothing of what was offered leaves the media as it is.
            guard purpose == .reinvite, body != remoteDescription, let description,
                let offer = offer.flatMap({ try? SessionDescription(parsing: $0) }), description.takes(offer)
            else { return actions }
            remoteDescription = body
            return actions + [.tell(.answerChanged(description))]
        }
        guard let body, let description else { return actions + [.tell(.reofferRefused(status: 488))] }
        if let offer {
            localDescription = offer
            describe(own.remoteTag, theirs: body, ours: offer)
        }
        remoteDescription = body
        return actions + [.tell(.reofferAnswered(description, isOffer: false))]
    }

    /// What an UPDATE before the answer agreed upon is in force in its dialog from then on, and a 2xx may be silent of it (RFC 3311 §5.2).
    private mutating func describe(_ tag: String, theirs: [UInt8], ours: [UInt8]) {
        earlyDialogs[tag]?.description = theirs
        earlyDialogs[tag]?.own = ours
    }

    /// Of an earlier re-INVITE of ours, or of one that our BYE crossed: each 2xx is acknowledged (§14.1).
    private mutating func repeatAcknowledgement(_ response: SIPResponse, purpose: Purpose) -> [Action] {
        guard purpose == .reinvite, response.status < 300, let sequence = try? response.cSeq().number else { return [] }
        if let ack = acknowledgements[sequence] { return again(acknowledgement: ack) }
        switch phase {
        case .leaving, .ended: return sendAcknowledgement(sequence: sequence, answer: nil)
        case .received, .accepted, .calling, .cancelling, .answering, .confirmed: return []
        }
    }

    /// The peer knows nothing of this dialog any more, or is silent: the session is over (§12.2.1.2).
    mutating func renegotiationLost(_ purpose: Purpose, status: Int, now: Instant) -> [Action] {
        guard case .ours(let own) = renegotiation, own.purpose == purpose else { return [] }
        renegotiation = .none
        let wasRefreshing = isRefreshing
        isRefreshing = false
        guard case .confirmed = phase else { return [.tell(.reofferRefused(status: status))] }
        let told: [Action] = wasRefreshing ? [] : [.tell(.reofferRefused(status: status))]
        return told + [.tell(.failed(.peerGone))] + leave(reason: "SIP;cause=\(status)")
    }

    /// §14.1: the owner of the Call-ID waits 2.1 to 4 s, the other side 0 to 2 s, both in steps of 10 ms.
    private mutating func glareBackOff() -> Duration {
        let range = ownsCallID ? 210...400 : 0...200
        return .milliseconds(Int.random(in: range, using: &random) * 10)
    }

    static let maximumGlareRetries = 4
}

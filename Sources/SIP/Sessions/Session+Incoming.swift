public import NetAddress
import SDP
public import SIPMessage
public import Timebase

/// The side that was called (RFC 3261 §13.3).
extension Session {
    /// Sends a provisional answer: 180, 181, 182 or 183, with early media when there is a description.
    ///
    /// `isReliable` asks for its PRACK also where the caller only supports that (RFC 3262 §3).
    public mutating func ring(
        _ status: Int,
        sdp: [UInt8]? = nil,
        isReliable: Bool = false,
        now: Instant
    ) -> [Action] {
        guard case .received(let transaction, let request) = phase else { return [] }
        // The first reliable answer to an INVITE without offer would have to make one (RFC 3262 §5): ours comes with the 2xx.
        if reliable.callerRequires, sdp == nil, request.sdpBody() == nil { return [] }
        var response = makeResponse(status, to: request, body: sdp)
        addContact(to: &response)
        let isWanted = isReliable && request.supports("100rel")
        guard reliable.callerRequires || isWanted else {
            if sdp != nil { localDescription = sdp }
            lastProgress = (response, false)
            return [.respond(transaction, response), .start(.progressRepeat, at: now + Self.longestSilence)]
        }
        if sdp != nil { localDescription = sdp }
        lastProgress = (response, true)
        let ahead: [Action] = [.start(.progressRepeat, at: now + Self.longestSilence)]
        guard let first = reliable.queue(response, random: &random) else { return ahead }
        return sendReliable(first, over: transaction, now: now) + ahead
    }

    private static let longestSilence: Duration = .seconds(60)

    /// The last provisional again; of a reliable one, which was acknowledged, another without its body (RFC 3262 §3).
    mutating func repeatProgress(now: Instant) -> [Action] {
        guard case .received(let transaction, let request) = phase, let last = lastProgress else { return [] }
        let ahead: [Action] = [.start(.progressRepeat, at: now + Self.longestSilence)]
        guard last.isReliable else { return [.respond(transaction, last.response)] + ahead }
        guard reliable.outstanding == nil else { return ahead }
        var response = makeResponse(last.response.status, to: request, body: nil)
        addContact(to: &response)
        return reliable.queue(response, random: &random).map { sendReliable($0, over: transaction, now: now) + ahead }
            ?? ahead
    }

    /// Answers the INVITE with 200 and our description: the answer to its offer, or our offer when it had none.
    public mutating func accept(sdp: [UInt8]?, now: Instant) -> [Action] {
        guard case .received(let transaction, let request) = phase else { return [] }
        if let outstanding = reliable.outstanding, !outstanding.body.isEmpty {
            reliable.heldAcceptance = ReliableProvisionals.HeldAcceptance(sdp: sdp)
            return []
        }
        // An answer already given in a reliable provisional is not repeated as another one (RFC 3262 §5).
        var response = makeResponse(200, to: request, body: reliable.hasAnswered ? nil : sdp)
        addContact(to: &response)
        response.headers.append(.allow, SessionSettings.allow)
        response.headers.append(.supported, SessionSettings.supported)
        var actions: [Action] = reliable.stop()
        actions += timer.agree(answering: request, with: &response, settings: settings, now: now)
        if let sdp { localDescription = sdp }
        phase = .accepted(response, request: request)
        actions.append(.respond(transaction, response))
        return actions + startRetransmission(now: now) + [.tell(.accepted)]
    }

    /// Refuses the INVITE.
    public mutating func reject(_ status: Int, headers: [(HeaderName, String)] = [], now: Instant) -> [Action] {
        guard case .received(let transaction, let request) = phase else { return [] }
        var response = makeResponse(status, to: request, body: nil)
        for (name, value) in headers { response.headers.append(name, value) }
        phase = .ended
        return dismissRenegotiation() + reliable.stop() + [.respond(transaction, response), .tell(.ended)]
    }

    /// The peer's CANCEL; its own answer is the transaction layer's (§9.2).
    public mutating func cancelled(reason: String? = nil, now: Instant) -> [Action] {
        guard case .received(let transaction, let request) = phase else { return [] }
        phase = .ended
        let response = makeResponse(487, to: request, body: nil)
        return dismissRenegotiation() + reliable.stop()
            + [.respond(transaction, response), .tell(.cancelled(reason: reason)), .tell(.ended)]
    }

    /// A request of the peer in this dialog other than the first INVITE and ACK.
    public mutating func receive(
        _ request: SIPRequest,
        transaction: ServerTransactionID,
        over flow: Flow,
        now: Instant
    ) -> [Action] {
        // Of a dialog that was hung up a REFER's subscription may be left.
        let isOfSubscription = subscription != nil && request.method == .subscribe
        if case .ended = phase, !isOfSubscription, !(hasReferred && request.method == .notify) {
            return [.respond(transaction, makeResponse(481, to: request, body: nil))]
        }
        guard let sequence = try? request.cSeq(), var dialog, matches(request) else {
            return [.respond(transaction, makeResponse(481, to: request, body: nil))]
        }
        // Each dialog of a forked INVITE counts for itself (RFC 3261 §12.2.2).
        let tag = (try? request.from().tag) ?? ""
        if let early = earlyDialogs[tag]?.dialog { dialog = early }
        let order = dialog.receive(sequence.number)
        self.dialog = dialog
        guard order == .inOrder else {
            return [.respond(transaction, makeResponse(500, to: request, body: nil))]
        }
        switch request.method {
        case .bye:
            if case .calling(let attempt) = phase { return receiveEarlyBye(request, transaction, attempt) }
            return receiveBye(request, transaction: transaction)
        case .invite: return receiveReinvite(request, transaction: transaction, over: flow, now: now)
        case .update: return receiveUpdate(request, transaction: transaction, over: flow, now: now)
        case .prack: return receivePrack(request, transaction: transaction, over: flow, now: now)
        case .info: return receiveInfo(request, transaction: transaction)
        case .refer: return receiveRefer(request, transaction: transaction)
        case .notify: return receiveNotify(request, transaction: transaction)
        case .subscribe: return receiveSubscribe(request, transaction: transaction)
        case .options:
            var response = makeResponse(200, to: request, body: nil)
            response.headers.append(.allow, SessionSettings.allow)
            response.headers.append(.accept, "application/sdp")
            response.headers.append(.supported, SessionSettings.supported)
            return [.respond(transaction, response)]
        default:
            var response = makeResponse(405, to: request, body: nil)
            response.headers.append(.allow, SessionSettings.allow)
            return [.respond(transaction, response)]
        }
    }

    /// The ACK for a 2xx of ours.
    public mutating func acknowledged(by ack: SIPRequest, now: Instant) -> [Action] {
        guard let number = try? ack.cSeq().number else { return [] }
        switch (phase, renegotiation) {
        case (.accepted(_, let request), _):
            guard (try? request.cSeq().number) == number else { return [] }
            phase = .confirmed
            let stops: [Action] = [.stop(.retransmitAccept), .stop(.acknowledgementMissing)]
            if let reason = reasonAfterAcknowledgement {
                reasonAfterAcknowledgement = nil
                return stops + leave(reason: reason)
            }
            return stops + deliverAnswer(ack, expected: request.sdpBody() == nil)
        case (_, .theirsAccepted(_, let request)):
            guard (try? request.cSeq().number) == number else { return [] }
            renegotiation = .none
            return [.stop(.retransmitAccept), .stop(.acknowledgementMissing)]
                + deliverAnswer(ack, expected: request.sdpBody() == nil, isFirst: false)
        default: return []
        }
    }

    private mutating func deliverAnswer(_ ack: SIPRequest, expected: Bool, isFirst: Bool = true) -> [Action] {
        guard expected else { return [.tell(.acknowledged(nil))] }
        guard let body = ack.sdpBody(), let answer = try? SessionDescription(parsing: body) else {
            // Our offer was never answered: there is no media to speak of (§13.2.1), but what there was before (§14.1).
            return isFirst ? [.tell(.acknowledged(nil)), .tell(.failed(.badAnswer))] : [.tell(.acknowledged(nil))]
        }
        remoteDescription = body
        return [.tell(.acknowledged(answer))]
    }

    private mutating func receiveBye(_ request: SIPRequest, transaction: ServerTransactionID) -> [Action] {
        var actions: [Action] = [.respond(transaction, makeResponse(200, to: request, body: nil))]
        // Whatever of theirs is still unanswered dies with the dialog (§15.1.2): a caller takes his call back so as by CANCEL.
        var notice = Notice.hungUp(reason: request.reasons)
        if case .received(let invite, let original) = phase {
            actions.append(.respond(invite, makeResponse(487, to: original, body: nil)))
            notice = .cancelled(reason: request.reasons)
        }
        actions += dismissRenegotiation()
        let wasLeaving = if case .leaving = phase { true } else { false }
        phase = .ended
        actions += Timer.ofInvite.map { .stop($0) }
        if !wasLeaving { actions.append(.tell(notice)) }
        return actions + [.tell(.ended)]
    }

    /// A callee ends an early dialog by BYE, which is not his to do (§15), and has nothing more to say in it: that is his refusal. Where the
    /// INVITE was forked the other dialogs go on.
    private mutating func receiveEarlyBye(
        _ request: SIPRequest,
        _ transaction: ServerTransactionID,
        _ attempt: Attempt
    ) -> [Action] {
        let answer: [Action] = [.respond(transaction, makeResponse(200, to: request, body: nil))]
        earlyDialogs[(try? request.from().tag) ?? ""] = nil
        // Any of them, and the same in every run of a seed.
        if let other = earlyDialogs.min(by: { $0.key < $1.key }) {
            dialog = other.value.dialog
            return answer
        }
        var attempt = attempt
        attempt.isGivenUp = true
        phase = .cancelling(attempt)
        let rejection = Rejection(
            status: 480,
            phrase: ReasonPhrase.standard(480),
            reason: request.reasons,
            isLocal: true
        )
        return answer + dismissRenegotiation() + [.cancelInvite(reason: nil), .tell(.rejected(rejection))]
    }

    private mutating func receiveInfo(_ request: SIPRequest, transaction: ServerTransactionID) -> [Action] {
        guard !request.headers.contains(HeaderName("Info-Package")) else {
            // We never said that we take any (RFC 6086 §4.2.2); a header without a value says so once more.
            var refusal = makeResponse(469, to: request, body: nil)
            refusal.headers.append(HeaderName("Recv-Info"), "")
            return [.respond(transaction, refusal)]
        }
        guard !request.body.isEmpty, let type = request.contentType() else {
            return [.respond(transaction, makeResponse(200, to: request, body: nil))]
        }
        pendingInfo = (request, transaction)
        return [.tell(.info(contentType: type, body: request.body))]
    }

    /// Answers the peer's INFO. `isTaken`: here, or by the other party; what nobody takes is 415, unless it need not be understood
    /// (RFC 3261 §8.2.3).
    public mutating func answerInfo(isTaken: Bool) -> [Action] {
        guard let (request, transaction) = pendingInfo else { return [] }
        pendingInfo = nil
        let disposition = request.headers[HeaderName("Content-Disposition")] ?? ""
        let isOptional = disposition.split(separator: ";").contains { parameter in
            parameter.filter { !$0.isWhitespace }.lowercased() == "handling=optional"
        }
        guard !isTaken, !isOptional else { return [.respond(transaction, makeResponse(200, to: request, body: nil))] }
        var refusal = makeResponse(415, to: request, body: nil)
        refusal.headers.append(.accept, "application/sdp, application/dtmf-relay, application/dtmf")
        return [.respond(transaction, refusal)]
    }

    /// The peer's own offer has no answer yet that it acknowledged.
    var owesAnswer: Bool {
        guard case .received = phase else { return false }
        return !reliable.hasAnswered || reliable.outstanding != nil
    }

    func matches(_ request: SIPRequest) -> Bool {
        guard let to = try? request.to(), let from = try? request.from(), to.tag == localTag else { return false }
        if let dialog, dialog.recognises(remoteTag: from.tag) { return true }
        return earlyDialogs[from.tag ?? ""] != nil
    }

    func makeResponse(_ status: Int, to request: SIPRequest, body: [UInt8]?) -> SIPResponse {
        var response = SIPResponse(status: status, to: request, toTag: localTag)
        if request.method == .invite, status > 100, status < 300 {
            for route in request.headers.all(.recordRoute) { response.headers.append(.recordRoute, route) }
        }
        response.headers.append(.server, settings.product)
        if let body {
            response.headers.append(.contentType, "application/sdp")
            response.body = body
        }
        return response
    }

    func addContact(to response: inout SIPResponse) {
        guard let dialog else { return }
        response.headers.append(.contact, "<\(dialog.flow.contact(user: settings.contactUser))>")
    }

    mutating func startRetransmission(now: Instant) -> [Action] {
        retransmitAfter = settings.timers.t1
        return [
            .start(.retransmitAccept, at: now + retransmitAfter),
            .start(.acknowledgementMissing, at: now + settings.timers.t1 * 64),
        ]
    }
}

public import NetAddress
import SDP
public import SIPMessage
public import Timebase

/// Whom we call and what we say (RFC 3261 §8.1.1, §13.2.1).
public struct Invitation: Sendable {
    /// The Request-URI: the callee's Contact, or the trunk's address with the number.
    public var target: SIPURI
    /// Without tag.
    public var from: NameAddress
    public var to: NameAddress
    /// Where to send it; the next one is tried when the transport of one fails.
    public var flows: [Flow]
    public var maxForwards: Int
    public var callID: String
    /// Our offer; nil asks the callee for one (late offer).
    public var sdp: [UInt8]?
    public var headers: [(HeaderName, String)]
    /// What answers a challenge of this peer.
    public var credentials: Credentials?

    public init(
        target: SIPURI,
        from: NameAddress,
        to: NameAddress,
        flows: [Flow],
        maxForwards: Int,
        callID: String,
        sdp: [UInt8]?,
        headers: [(HeaderName, String)] = [],
        credentials: Credentials? = nil
    ) {
        (self.target, self.from, self.to, self.flows) = (target, from, to, flows)
        (self.maxForwards, self.callID, self.sdp) = (maxForwards, callID, sdp)
        (self.headers, self.credentials) = (headers, credentials)
    }
}

/// The side that calls (RFC 3261 §13.2).
extension Session {
    public init(inviting invitation: Invitation, settings: SessionSettings, seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let tag = random.token()
        var request = SIPRequest(method: .invite, uri: invitation.target.asRequestURI)
        if let flow = invitation.flows.first {
            request.headers.append(.via, Via.ours(over: flow, branch: random.branch()))
        }
        request.headers.append(.maxForwards, "\(invitation.maxForwards)")
        var from = invitation.from
        from.tag = tag
        request.headers.append(.from, "\(from)")
        request.headers.append(.to, "\(invitation.to)")
        request.headers.append(.callID, invitation.callID)
        request.headers.append(.cSeq, "1 INVITE")
        if let flow = invitation.flows.first {
            request.headers.append(.contact, "<\(flow.contact(user: settings.contactUser))>")
        }
        request.headers.append(.userAgent, settings.product)
        request.headers.append(.allow, SessionSettings.allow)
        request.headers.append(
            .supported,
            invitation.sdp == nil ? SessionSettings.supportedWithoutOffer : SessionSettings.supported
        )
        if let expires = settings.sessionExpires {
            request.headers.append(.sessionExpires, "\(expires)")
            request.headers.append(.minSE, "\(settings.minimumExpires)")
        }
        for (name, value) in invitation.headers { request.headers.append(name, value) }
        if let sdp = invitation.sdp {
            request.headers.append(.contentType, "application/sdp")
            request.body = sdp
        }
        self.init(
            phase: .calling(Attempt(request: request)),
            localTag: tag,
            flows: invitation.flows,
            credentials: invitation.credentials,
            settings: settings,
            random: random
        )
        localDescription = invitation.sdp
    }

    /// Sends the INVITE.
    public mutating func start() -> [Action] {
        guard case .calling(let attempt) = phase else { return [] }
        return remembering([.send(attempt.request, .invite, over: flows)])
    }

    /// Our answer to the offer that came in a 2xx: it goes out in the ACK (§13.2.2.4).
    public mutating func acknowledge(answer: [UInt8]?, now: Instant) -> [Action] {
        switch (phase, renegotiation) {
        case (.answering(let sequence), _):
            phase = .confirmed
            localDescription = answer
            return sendAcknowledgement(sequence: sequence, answer: answer)
        case (_, .answering(let sequence)):
            renegotiation = .none
            localDescription = answer
            return sendAcknowledgement(sequence: sequence, answer: answer)
        default: return []
        }
    }

    /// A response to a request of ours; `over` is the flow it came on.
    public mutating func receive(
        _ response: SIPResponse,
        to purpose: Purpose,
        over flow: Flow,
        now: Instant
    ) -> [Action] {
        switch purpose {
        case .invite: return receiveInviteResponse(response, over: flow, now: now)
        case .reinvite, .update: return receiveReofferResponse(response, to: purpose, over: flow, now: now)
        case .bye:
            guard response.status >= 200 else { return [] }
            if let retry = answerChallenge(response, purpose: .bye) { return retry }
            return finish()
        case .notify: return answerChallenge(response, purpose: .notify) ?? notified(response.status, now: now)
        case .refer, .prack, .info: return answerChallenge(response, purpose: purpose) ?? []
        case .cancelledBye: return []
        }
    }

    /// No final answer came (`status` 408), or the transport failed (503).
    public mutating func requestFailed(_ purpose: Purpose, status: Int, now: Instant) -> [Action] {
        switch purpose {
        case .invite:
            switch phase {
            case .calling(let attempt), .cancelling(let attempt):
                phase = .ended
                let rejection = Rejection(status: status, phrase: ReasonPhrase.standard(status), isLocal: true)
                return dismissRenegotiation() + attempt.told(.rejected(rejection)) + [.tell(.ended)]
            case .received, .accepted, .answering, .confirmed, .leaving, .ended: return []
            }
        case .reinvite, .update:
            return status == 503
                ? renegotiationUnsent(purpose, now: now) : renegotiationLost(purpose, status: status, now: now)
        case .bye: return finish()
        case .notify: return notified(status, now: now)
        case .refer: return []
        case .prack, .info, .cancelledBye: return []
        }
    }

    private mutating func receiveInviteResponse(_ response: SIPResponse, over flow: Flow, now: Instant) -> [Action] {
        if response.status >= 200, response.status < 300 { return receiveAcceptance(response, over: flow, now: now) }
        // What comes of this answer goes to the server that gave it (RFC 3263 §4.3).
        if flows.first?.remote != flow.remote { flows = flows.led(by: flow) }
        switch phase {
        case .calling(var attempt):
            if response.status < 200 {
                attempt.isProceeding = true
                phase = .calling(attempt)
                return receiveProvisional(response, to: attempt.request, over: flow, now: now)
            }
            if let retry = answerChallenge(response, purpose: .invite) { return retry }
            if response.status == 422, let retry = retryWithLongerInterval(response, attempt: attempt) { return retry }
            phase = .ended
            return dismissRenegotiation() + [.tell(.rejected(Rejection(response))), .tell(.ended)]
        case .cancelling(let attempt):
            guard response.status >= 300 else { return [] }
            phase = .ended
            return dismissRenegotiation() + attempt.told(.rejected(Rejection(response))) + [.tell(.ended)]
        case .received, .accepted, .answering, .confirmed, .leaving, .ended: return []
        }
    }

    private mutating func receiveProvisional(
        _ response: SIPResponse,
        to request: SIPRequest,
        over flow: Flow,
        now: Instant
    ) -> [Action] {
        guard response.status > 100 else { return [] }
        let tag = (try? response.to().tag) ?? ""
        if earlyDialogs[tag] == nil, earlyDialogs.count < Self.maximumEarlyDialogs,
            let dialog = try? Dialog(request: request, answeredBy: response, over: flow)
        {
            earlyDialogs[tag] = EarlyDialog(dialog: dialog)
        }
        guard var early = earlyDialogs[tag] else { return [] }
        learnMethods(of: response)
        var actions: [Action] = []
        var isReliable = false
        if response.headers.has("100rel", in: .require),
            let number = response.headers[.rseq].flatMap({ UInt32($0) })
        {
            if let last = early.lastReliable {
                // A repeated one is answered already; one out of order waits for its predecessor's retransmission (§4).
                guard number == last &+ 1 else { return [] }
            }
            early.lastReliable = number
            isReliable = true
            let branch = random.branch()
            var prack = early.dialog.request(.prack, branch: branch, contact: nil)
            let cSeq = (try? request.cSeq().number) ?? 1
            prack.headers.append(.rack, "\(number) \(cSeq) INVITE")
            actions += remembering([.send(prack, .prack, over: early.dialog.ways)])
        }
        var description: SessionDescription?
        // Without an offer of ours only a reliable response may bring one (§13.2.1), and we invite none before the 2xx.
        if !request.body.isEmpty, let body = response.sdpBody(), let parsed = try? SessionDescription(parsing: body) {
            description = parsed
            early.description = body
            if isReliable { early.isAnswered = true }
            remoteDescription = body
            describedTag = tag
        }
        earlyDialogs[tag] = early
        dialog = early.dialog
        return actions + [.tell(.progress(status: response.status, sdp: description))]
    }

    private mutating func receiveAcceptance(_ response: SIPResponse, over flow: Flow, now: Instant) -> [Action] {
        let tag = (try? response.to().tag) ?? ""
        switch phase {
        case .calling(let attempt):
            guard let accepted = confirm(attempt.request, by: response, tag: tag, over: flow) else {
                phase = .ended
                return dismissRenegotiation() + [
                    .tell(.rejected(Rejection(status: 502, phrase: "Bad Gateway", isLocal: true))), .tell(.ended),
                ]
            }
            return acceptAnswer(response, to: attempt.request, dialog: accepted, now: now)
        case .cancelling(let attempt):
            // The answer crossed our CANCEL (§9.1, §15): take it, and leave.
            guard let accepted = confirm(attempt.request, by: response, tag: tag, over: flow) else { return finish() }
            dialog = accepted
            let sequence = (try? attempt.request.cSeq().number) ?? 1
            return sendAcknowledgement(sequence: sequence, answer: nil) + leave(reason: attempt.reason)
        case .answering, .confirmed, .leaving, .ended:
            guard let sequence = try? response.cSeq().number else { return [] }
            if tag == dialog?.remoteTag {
                // Our ACK was lost (§13.2.2.4). While our answer is not known there is nothing to repeat.
                return acknowledgements[sequence].map { again(acknowledgement: $0) } ?? []
            }
            return refuseFork(response, tag: tag, sequence: sequence, over: flow)
        case .received, .accepted: return []
        }
    }

    private mutating func confirm(
        _ request: SIPRequest,
        by response: SIPResponse,
        tag: String,
        over flow: Flow
    ) -> Dialog? {
        guard var confirmed = try? Dialog(request: request, answeredBy: response, over: flow) else { return nil }
        if let early = earlyDialogs[tag] { confirmed.goOn(from: early.dialog) }
        return confirmed
    }

    private mutating func acceptAnswer(
        _ response: SIPResponse,
        to request: SIPRequest,
        dialog accepted: Dialog,
        now: Instant
    ) -> [Action] {
        let early = earlyDialogs[accepted.remoteTag]
        earlyDialogs = [:]
        dialog = accepted
        learnMethods(of: response)
        let sequence = (try? request.cSeq().number) ?? 1
        // §13.2.1 has the first description of a dialog be the answer, and the rest be passed over. Carriers whose 183 was an
        // announcement's describe the callee's own media after it, and mean that; those who said all in a 183 leave it out here.
        let body = response.sdpBody() ?? early?.description
        let description = body.flatMap { try? SessionDescription(parsing: $0) }
        let left = leaveOtherDialogs(than: accepted.remoteTag)
        let actions = left + timer.learn(from: response, settings: settings, now: now)
        let own = early?.own ?? request.body
        let offer = try? SessionDescription(parsing: own)
        guard let body, let description, offer.map(description.takes) ?? true else {
            // A 2xx that describes no media, garbage, or none of what was offered, cannot become a call: acknowledge it and leave.
            let ack = sendAcknowledgement(sequence: sequence, answer: nil)
            return left + ack + [.tell(.rejected(Rejection(status: 488, phrase: "No usable media", isLocal: true)))]
                + leave(reason: "SIP;cause=488;text=\"No usable session description\"")
        }
        remoteDescription = body
        if !own.isEmpty { localDescription = own }
        if request.body.isEmpty {
            phase = .answering(sequence: sequence)
            return actions + [.tell(.answered(description, isOffer: true))]
        }
        phase = .confirmed
        return actions + sendAcknowledgement(sequence: sequence, answer: nil)
            + [.tell(.answered(description, isOffer: false))]
    }

    /// Another branch of a forked INVITE answered too: it gets its ACK and a BYE (§13.2.2.4).
    private mutating func refuseFork(
        _ response: SIPResponse,
        tag: String,
        sequence: UInt32,
        over flow: Flow
    ) -> [Action] {
        guard let ours = dialog, sequence == 1 || acknowledgements[sequence] != nil else { return [] }
        var request = SIPRequest(method: .invite, uri: ours.remoteTarget)
        request.headers.append(.from, "\(ours.local)")
        request.headers.append(.callID, ours.callID)
        request.headers.append(.cSeq, "\(sequence) INVITE")
        guard var fork = try? Dialog(request: request, answeredBy: response, over: flow) else { return [] }
        let ack = fork.acknowledgement(sequence: sequence, branch: random.branch(), contact: nil)
        var bye = fork.request(.bye, branch: random.branch(), contact: nil)
        bye.headers.append(.reason, Self.completedElsewhere)
        return [
            .sendStateless(.request(ack), over: fork.nextHop),
            .send(bye, .cancelledBye, over: fork.ways),
        ]
    }

    /// RFC 3326 §3.1's way to say that the phone need not list a missed call.
    public static let completedElsewhere = "SIP;cause=200;text=\"Call completed elsewhere\""
    /// A downstream proxy may fork wide, but not without end.
    private static let maximumEarlyDialogs = 16

    mutating func sendAcknowledgement(sequence: UInt32, answer: [UInt8]?) -> [Action] {
        guard let dialog else { return [] }
        var ack = dialog.acknowledgement(sequence: sequence, branch: random.branch(), contact: nil)
        addCredentials(to: &ack, ofInvite: sequence)
        if let answer {
            ack.headers.append(.contentType, "application/sdp")
            ack.body = answer
        }
        acknowledgements = acknowledgements.filter { $0.key &+ 4 >= sequence }
        acknowledgements[sequence] = ack
        return again(acknowledgement: ack)
    }

    func again(acknowledgement ack: SIPRequest) -> [Action] {
        guard let dialog else { return [] }
        return [.sendStateless(.request(ack), over: dialog.nextHop)]
    }

    private mutating func retryWithLongerInterval(_ response: SIPResponse, attempt: Attempt) -> [Action]? {
        guard let minimum = SessionTimer.seconds(response.headers[.minSE]),
            let current = SessionTimer.seconds(attempt.request.headers[.sessionExpires]), minimum > current,
            attempt.raises < Self.mostRaises
        else { return nil }
        timer.raise(to: minimum)
        var request = attempt.request
        request.headers[.sessionExpires] = "\(minimum)"
        request.headers[.minSE] = "\(minimum)"
        return resend(request, raises: attempt.raises + 1)
    }

    /// A peer knows which interval it wants, and does not haggle (RFC 4028 §7.3).
    private static let mostRaises = 3

    mutating func resend(_ request: SIPRequest, raises: Int = 0) -> [Action] {
        guard let cSeq = try? request.cSeq(), let flow = flows.first else { return [] }
        var request = request
        request.headers[.cSeq] = "\(cSeq.number &+ 1) \(cSeq.method.name)"
        request.headers[.via] = Via.ours(over: flow, branch: random.branch())
        phase = .calling(Attempt(request: request, raises: raises))
        earlyDialogs = [:]
        dialog = nil
        return remembering([.send(request, .invite, over: flows)])
    }
}

extension Rejection {
    init(_ response: SIPResponse) {
        // An address for another method than INVITE is none for a call (RFC 3261 §19.1.1).
        let contacts = (response.status < 400 ? (try? response.contacts()) ?? [] : []).filter {
            $0.uri.parameters["method"].map { $0.uppercased() == "INVITE" } ?? true
        }
        self.init(
            status: response.status,
            phrase: response.reason,
            reason: response.reasons,
            contacts: Dictionary(grouping: contacts, by: \.quality).sorted { $0.key > $1.key }.map {
                $0.value.map(\.uri)
            },
            retryAfter: (try? response.retryAfter()).flatMap { $0 }.map { Int($0) }
        )
        if response.status < 400 { diversions = DiversionHistory.usable(response.headers.list(.diversion)) }
    }
}

extension NameAddress {
    /// The `q` of a Contact, 0 to 1; 1 where there is none (RFC 3261 §20.10).
    var quality: Double { parameters["q"].flatMap { Double($0) }.flatMap { (0...1).contains($0) ? $0 : nil } ?? 1 }
}

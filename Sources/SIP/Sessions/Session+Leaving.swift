import SIPMessage
public import Timebase

/// Ending the session, and what its timers do.
extension Session {
    /// Ends the session in whatever state it is: CANCEL, BYE, or `status` to a peer whose INVITE still waits. `reason` is a
    /// Reason header (RFC 3326).
    public mutating func hangUp(status: Int = 480, reason: String? = nil, now: Instant) -> [Action] {
        switch phase {
        case .received:
            return reject(status, headers: reason.map { [(HeaderName.reason, $0)] } ?? [], now: now)
        case .accepted:
            // No BYE before the ACK (§15.1.1): it goes out when that comes, or is given up.
            reasonAfterAcknowledgement = .some(reason)
            return []
        case .calling(var attempt):
            attempt.reason = reason
            phase = .cancelling(attempt)
            return [.cancelInvite(reason: reason)]
        case .answering(let sequence):
            phase = .confirmed
            return sendAcknowledgement(sequence: sequence, answer: nil) + leave(reason: reason)
        case .confirmed: return leave(reason: reason)
        case .cancelling, .leaving, .ended: return []
        }
    }

    /// Passes a body to the peer in an INFO.
    public mutating func sendInfo(contentType: String, body: [UInt8]) -> [Action] {
        guard case .confirmed = phase, var dialog else { return [] }
        var request = dialog.request(.info, branch: random.branch(), contact: nil)
        self.dialog = dialog
        request.headers.append(.contentType, contentType)
        request.body = body
        return remembering([.send(request, .info, over: dialog.ways)])
    }

    public mutating func fired(_ timer: Timer, now: Instant) -> [Action] {
        switch timer {
        case .retransmitAccept: return repeatAcceptance(now: now)
        case .acknowledgementMissing: return acknowledgementMissing()
        case .retransmitReliable:
            guard case .received(let transaction, _) = phase, let response = reliable.outstanding else { return [] }
            retransmitAfter = retransmitAfter * 2
            return [.respond(transaction, response), .start(.retransmitReliable, at: now + retransmitAfter)]
        case .prackMissing:
            guard case .received = phase, reliable.outstanding != nil else { return [] }
            return [.tell(.failed(.prackMissing))] + reject(504, now: now)
        case .progressRepeat: return repeatProgress(now: now)
        case .reinviteUnanswered:
            guard case .ours = renegotiation, case .confirmed = phase else { return [] }
            return [.cancelInvite(reason: "SIP;cause=408;text=\"Request Timeout\"")]
        case .updateOverdue: return updateOverdue(now: now)
        case .backOff:
            guard case .backingOff(let offer, let attempts) = renegotiation, case .confirmed = phase else { return [] }
            renegotiation = .none
            return sendReinvite(offer, attempts: attempts, now: now)
        case .refresh:
            guard case .none = renegotiation else { return [.start(.refresh, at: now + .seconds(5))] }
            return refresh(now: now)
        case .subscriptionExpired: return subscriptionExpired()
        case .sessionExpired:
            guard case .confirmed = phase else { return [] }
            return [.tell(.failed(.sessionExpired))] + leave(reason: "SIP;cause=408;text=\"Session timer expired\"")
        }
    }

    private mutating func repeatAcceptance(now: Instant) -> [Action] {
        let response: SIPResponse
        if case .accepted(let accepted, _) = phase {
            response = accepted
        } else if case .theirsAccepted(let accepted, _) = renegotiation {
            response = accepted
        } else {
            return []
        }
        guard let dialog else { return [] }
        retransmitAfter = min(retransmitAfter * 2, settings.timers.t2)
        return [
            .sendStateless(.response(response), over: dialog.flow),
            .start(.retransmitAccept, at: now + retransmitAfter),
        ]
    }

    private mutating func acknowledgementMissing() -> [Action] {
        switch phase {
        case .accepted:
            phase = .confirmed
            let wanted = reasonAfterAcknowledgement
            reasonAfterAcknowledgement = nil
            let told: [Action] = wanted == nil ? [.tell(.failed(.acknowledgementMissing))] : []
            return [.stop(.retransmitAccept)] + told + leave(reason: "SIP;cause=408;text=\"ACK missing\"")
        case .confirmed:
            guard case .theirsAccepted = renegotiation else { return [] }
            renegotiation = .none
            return [.stop(.retransmitAccept), .tell(.failed(.peerGone))]
                + leave(reason: "SIP;cause=408;text=\"ACK missing\"")
        case .received, .calling, .cancelling, .answering, .leaving, .ended: return []
        }
    }

    mutating func leave(reason: String?) -> [Action] {
        guard var dialog else { return finish() }
        var bye = dialog.request(.bye, branch: random.branch(), contact: nil)
        self.dialog = dialog
        if let reason { bye.headers.append(.reason, reason) }
        var actions = dismissRenegotiation()
        phase = .leaving
        actions += Timer.ofInvite.map { .stop($0) }
        return actions + remembering([.send(bye, .bye, over: dialog.ways)])
    }

    /// What is left of a session that somebody else goes on with: over, and silent.
    public var surrendered: Session {
        var rest = self
        rest.phase = .ended
        rest.subscription = nil
        return rest
    }

    /// Of an attempt that nothing was sent for: over before it began.
    public static func unsent(settings: SessionSettings) -> Session {
        let nobody = NameAddress(uri: SIPURI(user: nil, host: ""))
        let invitation = Invitation(
            target: nobody.uri,
            from: nobody,
            to: nobody,
            flows: [],
            maxForwards: 0,
            callID: "",
            sdp: nil
        )
        return Session(inviting: invitation, settings: settings, seed: 0).surrendered
    }

    mutating func finish() -> [Action] {
        guard !isEnded else { return [] }
        phase = .ended
        return dismissRenegotiation() + Timer.ofInvite.map { .stop($0) } + [.tell(.ended)]
    }

    /// No session ends with a request of the peer unanswered (RFC 3261 §15.1.2): its transaction would wait for ever.
    mutating func dismissRenegotiation() -> [Action] {
        defer { renegotiation = .none }
        guard case .theirs(let pending, let request, _) = renegotiation else { return [] }
        return [.respond(pending, makeResponse(487, to: request, body: nil))]
    }
}

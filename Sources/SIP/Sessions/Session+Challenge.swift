import SIPMessage

/// Challenges to requests of ours (RFC 3261 §22.2, RFC 7616): answered once each, and only on a leg that has credentials of its
/// own for the realm that asks. Credentials of one peer are never shown to another.
extension Session {
    /// The same request again with an answer to the challenge; nil when there is none to give.
    mutating func answerChallenge(_ response: SIPResponse, purpose: Purpose) -> [Action]? {
        guard response.status == 401 || response.status == 407, let credentials, let sent = lastRequests[purpose],
            (try? sent.cSeq()) == (try? response.cSeq())
        else { return nil }
        let (asked, answers): (HeaderName, HeaderName) =
            response.status == 401 ? (.wwwAuthenticate, .authorization) : (.proxyAuthenticate, .proxyAuthorization)
        let challenges = response.headers.all(asked)
        // A second challenge to an answered request means that our password is wrong, unless only the nonce was too old.
        if sent.headers[answers] == nil {
            staleAnswered.remove(purpose)
        } else {
            guard DigestClient.isStale(challenges), staleAnswered.insert(purpose).inserted else { return nil }
        }
        guard
            let authorization = try? digest.answer(
                challenges: challenges,
                credentials: credentials,
                method: sent.method,
                uri: sent.uri.description,
                body: sent.body,
                cnonce: random.token()
            )
        else { return nil }
        var request = sent
        request.headers[answers] = authorization
        return resend(request, for: purpose)
    }

    private mutating func resend(_ request: SIPRequest, for purpose: Purpose) -> [Action] {
        if purpose == .invite { return resend(request) }
        let early = request.toTag.flatMap { earlyDialogs[$0]?.dialog }
        guard var dialog = early ?? dialog, let cSeq = try? request.cSeq() else { return [] }
        // The retry takes the next number of the dialog (§22.2: a new request with a higher CSeq).
        let next = dialog.request(cSeq.method, branch: random.branch(), contact: nil)
        earlyDialogs[dialog.remoteTag]?.dialog = dialog
        if self.dialog?.remoteTag == dialog.remoteTag { self.dialog = dialog }
        var request = request
        request.headers[.cSeq] = next.headers[.cSeq]
        request.headers[.via] = next.headers[.via]
        if case .ours(let offer, _, let attempts, let tag) = renegotiation, purpose == .reinvite || purpose == .update {
            renegotiation = .ours(offer: offer, sequence: dialog.localSequence, attempts: attempts, tag: tag)
        }
        return remembering([.send(request, purpose, over: dialog.ways)])
    }

    /// The ACK for a 2xx carries what its INVITE was let in with (§13.2.2.4): nobody can challenge it.
    func addCredentials(to ack: inout SIPRequest, ofInvite sequence: UInt32) {
        let invite = [lastRequests[.invite], lastRequests[.reinvite]].lazy.compactMap { $0 }
            .first { (try? $0.cSeq().number) == sequence }
        for name in [HeaderName.authorization, .proxyAuthorization] {
            for value in invite?.headers.all(name) ?? [] { ack.headers.append(name, value) }
        }
    }

    /// Keeps what was sent, for the case that it is challenged.
    mutating func remembering(_ actions: [Action]) -> [Action] {
        guard credentials != nil else { return actions }
        for case .send(let request, let purpose, _) in actions { lastRequests[purpose] = request }
        return actions
    }
}

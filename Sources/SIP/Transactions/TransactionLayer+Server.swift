public import NetAddress
public import SIPMessage
public import Timebase

/// Requests of peers.
extension TransactionLayer {
    /// A message that was parsed without fault.
    public mutating func receive(_ message: SIPMessage, over flow: Flow, now: Instant) -> [TransactionAction] {
        switch message {
        case .request(let request): receive(request, over: flow, now: now)
        case .response(let response): receive(response, over: flow, now: now)
        }
        return takeActions()
    }

    /// A request with a fault: it gets the answer that the fault deserves, without a transaction (RFC 3261 §8.2.7).
    public mutating func receiveFaulty(
        _ request: SIPRequest,
        _ fault: SIPFault,
        over flow: Flow,
        now: Instant
    ) -> [TransactionAction] {
        guard let status = fault.status, request.method != .ack, var via = try? request.topVia() else {
            return [.dropped(reason: "faulty-\(fault.kind.rawValue)")]
        }
        var request = request
        ResponseRouting.stamp(&request, via: &via, source: flow)
        var response = SIPResponse(status: status, to: request, toTag: Self.statelessTag(request, via: via))
        if status == 415 { response.headers.append(.accept, "application/sdp") }
        response.headers.append(.warning, .warning(fault.description))
        let replyFlow = ResponseRouting.replyFlow(via: via, source: flow)
        return [.refused(status: status), .transmit(response.write(), over: replyFlow)]
    }

    private mutating func receive(_ request: SIPRequest, over flow: Flow, now: Instant) {
        guard var via = try? request.topVia() else { return actions.append(.dropped(reason: "no-via")) }
        var request = request
        ResponseRouting.stamp(&request, via: &via, source: flow)
        switch request.method {
        case .ack: return acknowledge(request, via: via, over: flow, now: now)
        case .cancel: return cancel(request, via: via, over: flow)
        default: break
        }
        let key = ServerKey(request, via: via, method: request.method)
        if let id = serverKeys[key] {
            if let effects = servers[id]?.repeated() { perform(effects, of: id, now: now) }
            return
        }
        let replyFlow = ResponseRouting.replyFlow(via: via, source: flow)
        let merge = MergeKey(request)
        if let merge, merges[merge] != nil {
            return refuse(request, via: via, RequestPolicy.Refusal(482), over: replyFlow)
        }
        if let refusal = policy.refusal(of: request) { return refuse(request, via: via, refusal, over: replyFlow) }
        // What ends calls finds room for longer than what begins them.
        let most =
            request.toTag == nil
            ? maximumServerTransactions : maximumServerTransactions + max(maximumServerTransactions / 2, 1)
        guard servers.count < most else {
            return refuse(request, via: via, RequestPolicy.Refusal(503, [(.retryAfter, "10")]), over: replyFlow)
        }
        let id = ServerTransactionID(nextSerial())
        servers[id] = ServerTransaction(key: key, mergeKey: merge, replyFlow: replyFlow, timers: timers)
        serverKeys[key] = id
        if let merge { merges[merge] = id }
        // At once: the caller stops repeating, whatever the callee does (§17.2.1).
        if request.method == .invite { answer(id, with: SIPResponse(status: 100, to: request, toTag: nil), now: now) }
        actions.append(.request(id, request, flow))
    }

    /// Answers a peer's request. Beyond the final answer nothing more goes out.
    public mutating func respond(
        _ id: ServerTransactionID,
        with response: SIPResponse,
        now: Instant
    ) -> [TransactionAction] {
        answer(id, with: response, now: now)
        return takeActions()
    }

    private mutating func answer(_ id: ServerTransactionID, with response: SIPResponse, now: Instant) {
        if let effects = servers[id]?.respond(response) { perform(effects, of: id, now: now) }
    }

    private mutating func acknowledge(_ ack: SIPRequest, via: Via, over flow: Flow, now: Instant) {
        let key = ServerKey(ack, via: via, method: .invite)
        if let id = serverKeys[key], let (isAbsorbed, effects) = servers[id]?.acknowledge(), isAbsorbed {
            return perform(effects, of: id, now: now)
        }
        actions.append(.acknowledged(ack, flow))
    }

    /// §9.2. The answer to the CANCEL says only that it found its INVITE.
    private mutating func cancel(_ cancel: SIPRequest, via: Via, over flow: Flow) {
        let replyFlow = ResponseRouting.replyFlow(via: via, source: flow)
        let key = ServerKey(cancel, via: via, method: .invite)
        guard let id = serverKeys[key] ?? readdressed(cancel, key, over: replyFlow), let invite = servers[id] else {
            return refuse(cancel, via: via, RequestPolicy.Refusal(481), over: replyFlow)
        }
        let tag = invite.toTag ?? Self.statelessTag(cancel, via: via)
        actions.append(.transmit(SIPResponse(status: 200, to: cancel, toTag: tag).write(), over: replyFlow))
        if invite.awaitsFinal { actions.append(.cancelled(id, cancel)) }
    }

    /// The INVITE that a CANCEL is for whose client has learnt another address of its own meanwhile: all but the sent-by is the same, and it
    /// comes from where that came from.
    private func readdressed(_ cancel: SIPRequest, _ key: ServerKey, over flow: Flow) -> ServerTransactionID? {
        guard let merge = MergeKey(cancel, method: .invite), let id = merges[merge], let invite = servers[id],
            invite.key.branch == key.branch, invite.replyFlow.remote.ip == flow.remote.ip
        else { return nil }
        return id
    }

    /// Answers without a transaction: asked again, the same comes out again.
    private mutating func refuse(
        _ request: SIPRequest,
        via: Via,
        _ refusal: RequestPolicy.Refusal,
        over flow: Flow
    ) {
        var response = SIPResponse(
            status: refusal.status,
            to: request,
            toTag: Self.statelessTag(request, via: via)
        )
        for (name, value) in refusal.headers { response.headers.append(name, value) }
        actions += [.refused(status: refusal.status), .transmit(response.write(), over: flow)]
    }

    /// The same tag for the same request (§8.2.7), from FNV-1a over what identifies it.
    static func statelessTag(_ request: SIPRequest, via: Via) -> String {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for text in [via.branch ?? "", request.headers[.callID] ?? "", request.fromTag ?? ""] {
            for octet in text.utf8 { hash = (hash ^ UInt64(octet)) &* 0x100_0000_01B3 }
        }
        return String(hash, radix: 36)
    }
}

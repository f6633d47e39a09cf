public import NetAddress
public import SIPMessage
public import Timebase

/// Requests of ours.
extension TransactionLayer {
    /// A request longer than this does not fit a datagram safely (RFC 3261 §18.1.1).
    static let longestDatagram = 1_300

    /// Sends a request over the first of `flows`, and over the next when the transport fails. Its top Via is written anew
    /// for each; the branch that it came with stays recognisable.
    ///
    /// A long one prefers a flow of a reliable transport, where there is one (§18.1.1).
    public mutating func send(
        _ request: SIPRequest,
        over flows: [Flow],
        now: Instant
    ) -> (ClientTransactionID, [TransactionAction]) {
        let branch = (try? request.topVia())?.branch ?? "z9hG4bK\(nextSerial())"
        var flows = flows
        if flows.first?.transport == .udp, let stream = flows.firstIndex(where: { $0.transport.isReliable }),
            request.write().count > Self.longestDatagram
        {
            flows.insert(flows.remove(at: stream), at: 0)
        }
        guard !flows.isEmpty else {
            let id = ClientTransactionID(nextSerial())
            return (id, [.transportFailed(id), .ended(id)])
        }
        let key = ClientKey(branch: branch, method: request.method)
        let id = begin(request, key: key, over: flows[...], now: now)
        return (id, takeActions())
    }

    @discardableResult
    mutating func begin(
        _ request: SIPRequest,
        key: ClientKey,
        over flows: ArraySlice<Flow>,
        as known: ClientTransactionID? = nil,
        now: Instant
    ) -> ClientTransactionID {
        let id = known ?? ClientTransactionID(nextSerial())
        guard let flow = flows.first else { return id }
        var request = request
        let via = Via.ours(over: flow, branch: key.branch)
        if !request.headers.contains(.via) { request.headers.prepend(.via, via) }
        if request.headers[.via] != via { request.headers[.via] = via }
        var transaction = ClientTransaction(
            request,
            key: key,
            flows: flows.dropFirst(),
            flow: flow,
            timers: timers
        )
        let effects = transaction.start()
        clients[id] = transaction
        clientKeys[key] = id
        perform(effects, of: id, now: now)
        return id
    }

    /// Takes an INVITE back (§9.1): CANCEL goes out once a provisional answer says that somebody has it, and when no final
    /// answer follows within 64·T1 the transaction times out.
    public mutating func cancel(
        _ id: ClientTransactionID,
        headers: [(HeaderName, String)] = [],
        now: Instant
    ) -> [TransactionAction] {
        if let effects = clients[id]?.cancel(headers) { perform(effects, of: id, now: now) }
        return takeActions()
    }

    /// Sends what belongs to no transaction: the ACK for a 2xx, a 2xx once more.
    public mutating func sendStateless(_ message: SIPMessage, over flow: Flow) -> [TransactionAction] {
        [.transmit(message.write(), over: flow)]
    }

    mutating func receive(_ response: SIPResponse, over flow: Flow, now: Instant) {
        guard response.headers.list(.via).count == 1 else {
            // More than one Via: it was meant for somebody before us (§8.1.3.3).
            return actions.append(.dropped(reason: "response-with-several-vias"))
        }
        guard let branch = (try? response.topVia())?.branch, let method = (try? response.cSeq())?.method else {
            return actions.append(.dropped(reason: "response-without-branch"))
        }
        guard let id = clientKeys[ClientKey(branch: branch, method: method)],
            let effects = clients[id]?.receive(response)
        else {
            guard method == .invite, (200..<300).contains(response.status) else {
                return actions.append(.dropped(reason: "stray-response"))
            }
            return actions.append(.strayResponse(response, flow))
        }
        perform(effects, of: id, now: now)
    }

    /// Nothing can be sent over this flow: its transactions go another way where they have one, and fail where not.
    public mutating func transportFailed(_ flow: Flow, now: Instant) -> [TransactionAction] {
        let hit = clients.filter { $0.value.awaitsFinal && $0.value.flow.isSameWay(as: flow) }
        for id in hit.keys.sorted(by: { $0.serial < $1.serial }) { fail(id, now: now) }
        return takeActions()
    }

    private mutating func fail(_ id: ClientTransactionID, now: Instant) {
        guard let failed = clients[id] else { return }
        if !failed.alternatives.isEmpty {
            clients[id] = nil
            clientKeys[failed.key] = nil
            for timer in [ClientTransaction.Timer.retransmit, .giveUp, .linger] { queue.stop(.client(id, timer)) }
            // Another way is another transaction on the wire (§8.1.3.1), and the same one to the layer above.
            let key = ClientKey(branch: failed.key.branch + "n", method: failed.key.method)
            begin(failed.request, key: key, over: failed.alternatives, as: id, now: now)
            return
        }
        if !failed.isCancel { actions.append(.transportFailed(id)) }
        remove(id)
    }
}

extension Flow {
    /// The same connection, or the same way to the same peer.
    fileprivate func isSameWay(as other: Flow) -> Bool {
        guard transport == other.transport, remote == other.remote else { return false }
        return connection == other.connection || connection == 0 || other.connection == 0
    }
}

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
        if flows.contains(where: { !$0.transport.isReliable }), flows.contains(where: \.transport.isReliable) {
            let isLong = request.write().count > Self.longestDatagram
            flows = isLong ? flows.streamsFirst() : flows.filter { !$0.isForLongRequests }
        }
        guard !flows.isEmpty else {
            let id = ClientTransactionID(nextSerial())
            return (id, [.transportFailed(id, why: "there is no way there"), .ended(id)])
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
        let known = clientKeys[ClientKey(branch: branch, method: method)]
        if response.status == 503, let known, giveWay(known, after: response, now: now) { return }
        guard let id = known, let effects = clients[id]?.receive(response) else {
            guard method == .invite, (200..<300).contains(response.status) else {
                return actions.append(.dropped(reason: "stray-response"))
            }
            return actions.append(.strayResponse(response, flow))
        }
        perform(effects, of: id, now: now)
    }

    /// Nothing can be sent over this flow: its transactions go another way where they have one, and fail where not.
    public mutating func transportFailed(_ flow: Flow, why: String, now: Instant) -> [TransactionAction] {
        let hit = clients.filter { $0.value.awaitsFinal && $0.value.flow.isSameWay(as: flow) }
        for id in hit.keys.sorted(by: { $0.serial < $1.serial }) { fail(id, why: why, now: now) }
        return takeActions()
    }

    /// A stream has ended. Whoever it rang at may register anew and answer: his INVITE ends by its own time, or by CANCEL.
    public mutating func connectionClosed(_ flow: Flow, now: Instant) -> [TransactionAction] {
        let hit = clients.filter {
            $0.value.awaitsFinal && !$0.value.mayBeAnswered && $0.value.flow.isSameWay(as: flow)
        }
        for id in hit.keys.sorted(by: { $0.serial < $1.serial }) { fail(id, why: "its connection is closed", now: now) }
        return takeActions()
    }

    /// The network says that a datagram arrived nowhere, and quotes how it began (§18.4). Its transaction goes another way or fails, if
    /// nobody has answered it yet: a dialog outlives a moment without a way, and its requests are tried to their end.
    ///
    /// Anybody can send ICMP in another's name, but none but who saw the request knows its branch: what quotes less is not believed.
    public mutating func returned(
        _ quote: [UInt8],
        over flow: Flow,
        why: String,
        now: Instant
    ) -> [TransactionAction] {
        guard let key = ClientKey(quoting: quote), let id = clientKeys[key], let transaction = clients[id],
            transaction.isUnheard, transaction.request.toTag == nil, transaction.flow.isSameWay(as: flow),
            transaction.bytes.starts(with: quote)
        else { return [] }
        fail(id, why: why, now: now)
        return takeActions()
    }

    private mutating func fail(_ id: ClientTransactionID, why: String, now: Instant) {
        guard let failed = clients[id] else { return }
        guard !failed.alternatives.isEmpty, !failed.isTakenBack else {
            if !failed.isCancel, !failed.isAbandoned { actions.append(.transportFailed(id, why: why)) }
            return remove(id)
        }
        if failed.alternatives.first?.remote != failed.flow.remote {
            actions.append(.gaveWay(id, from: failed.flow, nil))
        }
        _ = takeOut(id)
        goOn(with: failed, over: failed.alternatives, as: id, now: now)
    }

    // MARK: the next server

    /// Hands the request on to the next server, because this one was silent or answered 503; false: there is none (RFC 3263
    /// §4.3).
    mutating func giveWay(_ id: ClientTransactionID, after response: SIPResponse?, now: Instant) -> Bool {
        guard clients[id]?.mayGiveWay == true, var failed = takeOut(id) else { return false }
        actions.append(.gaveWay(id, from: failed.flow, response))
        goOn(with: failed, over: failed.otherServers, as: id, now: now)
        // The answer to anything but an INVITE binds nobody. An INVITE may still be accepted, and wants its ACK in any case.
        guard failed.isInvite else { return true }
        let orphan = ClientTransactionID(nextSerial())
        let effects = failed.abandon() + (response.map { failed.receive($0) } ?? [])
        clients[orphan] = failed
        clientKeys[failed.key] = orphan
        perform(effects, of: orphan, now: now)
        return true
    }

    /// Another way is another transaction on the wire (RFC 3261 §8.1.3.1), and the same one to the layer above.
    private mutating func goOn(
        with failed: ClientTransaction,
        over flows: ArraySlice<Flow>,
        as id: ClientTransactionID,
        now: Instant
    ) {
        guard let next = flows.first else { return }
        let key = ClientKey(branch: failed.key.branch + "n", method: failed.key.method)
        begin(failed.request.moved(from: failed.flow, to: next), key: key, over: flows, as: id, now: now)
    }

    mutating func receiveTooLate(_ response: SIPResponse, of transaction: ClientTransaction) {
        guard (200..<300).contains(response.status) else { return }
        let isFirst = transaction.acceptances == 1
        actions.append(.acceptedTooLate(transaction.request, response, transaction.flow, isFirst: isFirst))
    }
}

extension SIPRequest {
    /// As it leaves from another address of ours: the Contact must be one that the next server can reach.
    fileprivate func moved(from old: Flow, to new: Flow) -> SIPRequest {
        guard old.local.ip != new.local.ip, var contact = (try? contacts())?.first,
            contact.uri.hostAddress == old.local.ip
        else { return self }
        contact.uri.host = "\(new.local.ip)"
        contact.uri.port = new.local.port
        var request = self
        request.headers[.contact] = "\(contact)"
        return request
    }
}

public import NetAddress
public import SIPMessage
public import Timebase

/// What the transaction layer wants done, in this order.
public enum TransactionAction: Sendable {
    case transmit([UInt8], over: Flow)
    /// A new request for the layer above, which answers it with `respond`.
    case request(ServerTransactionID, SIPRequest, Flow)
    /// The peer takes its INVITE back; the CANCEL itself is answered already.
    case cancelled(ServerTransactionID, SIPRequest)
    /// The ACK for a 2xx.
    case acknowledged(SIPRequest, Flow)
    case response(ClientTransactionID, SIPResponse, Flow)
    /// A 2xx to an INVITE whose transaction is gone.
    case strayResponse(SIPResponse, Flow)
    /// A server did not answer, could not be reached or said 503, and the request went on to the next one.
    case gaveWay(ClientTransactionID, from: Flow, SIPResponse?)
    /// A server accepted an INVITE that another has by now: to be acknowledged, and left when it comes for the first time.
    case acceptedTooLate(SIPRequest, SIPResponse, Flow, isFirst: Bool)
    /// No final answer in time.
    case timedOut(ClientTransactionID)
    /// `why` in words: what the sockets or the network said.
    case transportFailed(ClientTransactionID, why: String)
    /// No ACK came for a final answer other than 2xx.
    case unacknowledged(ServerTransactionID)
    case ended(ClientTransactionID)
    case terminated(ServerTransactionID)
    /// A request got its refusal here, and nobody above hears of it.
    case refused(status: Int)
    /// A message that leads nowhere; `reason` is stable, for counting.
    case dropped(reason: String)
}

/// Every transaction of the node: matches messages to them, keeps their timers, and refuses what no layer above should see.
///
/// Values in, actions out; the time is passed in.
public struct TransactionLayer: Sendable {
    enum TimerKey: Hashable, Sendable {
        case client(ClientTransactionID, ClientTransaction.Timer)
        case server(ServerTransactionID, ServerTransaction.Timer)
    }

    let timers: SIPTimers
    let policy: RequestPolicy
    /// More transactions of peers than this at once, and new calls get 503 (RFC 3261 §21.5.4); half as many more, and all else does.
    let maximumServerTransactions: Int
    var clients: [ClientTransactionID: ClientTransaction] = [:]
    var clientKeys: [ClientKey: ClientTransactionID] = [:]
    var servers: [ServerTransactionID: ServerTransaction] = [:]
    var serverKeys: [ServerKey: ServerTransactionID] = [:]
    var merges: [MergeKey: ServerTransactionID] = [:]
    var queue = TimerQueue<TimerKey>()
    private var serial: UInt64 = 0
    /// What the input under way has led to so far.
    var actions: [TransactionAction] = []

    public init(timers: SIPTimers, accepting policy: RequestPolicy, maximumServerTransactions: Int = 200_000) {
        (self.timers, self.policy) = (timers, policy)
        self.maximumServerTransactions = maximumServerTransactions
    }

    /// Transactions that have not ended.
    public var count: Int { clients.count + servers.count }

    mutating func nextSerial() -> UInt64 {
        serial &+= 1
        return serial
    }

    mutating func takeActions() -> [TransactionAction] {
        defer { actions = [] }
        return actions
    }

    // MARK: time

    public var nextDeadline: Instant? { mutating get { queue.nextDeadline } }

    public mutating func fire(now: Instant) -> [TransactionAction] {
        while let key = queue.popDue(now: now) {
            switch key {
            case .client(let id, let timer):
                if timer == .giveUp, giveWay(id, after: nil, now: now) { continue }
                if let effects = clients[id]?.fired(timer) { perform(effects, of: id, now: now) }
            case .server(let id, let timer):
                if let effects = servers[id]?.fired(timer) { perform(effects, of: id, now: now) }
            }
        }
        return takeActions()
    }

    // MARK: effects

    mutating func perform(_ effects: [ClientTransaction.Effect], of id: ClientTransactionID, now: Instant) {
        guard let transaction = clients[id] else { return }
        let flow = transaction.flow
        for effect in effects {
            switch effect {
            case .transmit: actions.append(.transmit(transaction.bytes, over: flow))
            case .tell(let response) where transaction.isAbandoned: receiveTooLate(response, of: transaction)
            case .tell(let response):
                if !transaction.isCancel { actions.append(.response(id, response, flow)) }
            case .acknowledge(let response):
                actions.append(.transmit(transaction.acknowledgement(of: response).write(), over: flow))
            case .sendCancel(let headers):
                let cancel = transaction.cancelRequest(headers)
                begin(cancel, key: ClientKey(branch: transaction.key.branch, method: .cancel), over: [flow], now: now)
            case .start(let timer, let delay): queue.start(.client(id, timer), at: now + delay)
            case .stop(let timer): queue.stop(.client(id, timer))
            case .timedOut: if !transaction.isCancel, !transaction.isAbandoned { actions.append(.timedOut(id)) }
            case .terminated: remove(id)
            }
        }
    }

    mutating func perform(_ effects: [ServerTransaction.Effect], of id: ServerTransactionID, now: Instant) {
        guard let transaction = servers[id] else { return }
        for effect in effects {
            switch effect {
            case .transmit(let bytes): actions.append(.transmit(bytes, over: transaction.replyFlow))
            case .start(let timer, let delay): queue.start(.server(id, timer), at: now + delay)
            case .stop(let timer): queue.stop(.server(id, timer))
            case .unacknowledged: actions.append(.unacknowledged(id))
            case .terminated: remove(id)
            }
        }
    }

    /// A client transaction is over and forgotten; the layer above is told last.
    mutating func remove(_ id: ClientTransactionID) {
        guard let gone = takeOut(id) else { return }
        if !gone.isCancel, !gone.isAbandoned { actions.append(.ended(id)) }
    }

    /// Forgets a client transaction without a word.
    mutating func takeOut(_ id: ClientTransactionID) -> ClientTransaction? {
        guard let gone = clients.removeValue(forKey: id) else { return nil }
        if clientKeys[gone.key] == id { clientKeys[gone.key] = nil }
        for timer in [ClientTransaction.Timer.retransmit, .giveUp, .linger] { queue.stop(.client(id, timer)) }
        return gone
    }

    private mutating func remove(_ id: ServerTransactionID) {
        guard let gone = servers.removeValue(forKey: id) else { return }
        if serverKeys[gone.key] == id { serverKeys[gone.key] = nil }
        if let merge = gone.mergeKey, merges[merge] == id { merges[merge] = nil }
        for timer in [ServerTransaction.Timer.retransmit, .giveUp, .linger] { queue.stop(.server(id, timer)) }
        actions.append(.terminated(id))
    }
}

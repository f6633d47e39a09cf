import ACD
import Calls
public import Config
public import Events
public import Media
public import NetAddress
public import SIP
public import SIPMessage
public import Timebase

/// The whole switch without its sockets: messages, packet events, timers and random bytes in; bytes and events out.
///
/// One writer: everything here happens on the core's loop, in the order it was handed in, so a contact centre can be run in a
/// test under a virtual clock, from a seed.
///
/// The way of a message: `receive` → `TransactionLayer` → `Engine+Requests` (who is it, what does it want) → `CallCore` or
/// `Registrar` → sessions → `TransactionLayer` → `EngineOutlet.transmit`.
public final class Engine {
    /// What a client transaction that belongs to no call is for.
    enum Errand {
        case probe(TrunkID)
        /// OPTIONS to a server that failed of late.
        case retry(TrunkID, ServerTarget)
        case keepAlive(RegistrarProbe)
        /// A REGISTER of ours: the serial number of the registration.
        case register(Int)
        case notify(Notifier.SubscriptionID)
    }

    public let bus: EventBus
    private let media: any MediaControl
    unowned let outlet: any EngineOutlet
    public internal(set) var configuration: Configuration
    var transactions: TransactionLayer
    var registrar: Registrar
    var digest: DigestServer
    var perplexed = PerplexedPhones()
    var notifier: Notifier
    /// Whose phones came or went in this turn.
    var registrationsTouched: Set<UserID> = []
    var trunks: [TrunkID: TrunkMonitor] = [:]
    /// Where trunks call from, made when the configuration changes: looked through for every request of a stranger.
    var trunkSources: [TrunkSource] = []
    var nextTrunkProbe: Instant?
    /// Ours with carriers, by serial number; those that are being taken back too.
    var registrations: [Int: TrunkRegistration] = [:]
    var registrationSerial = 0
    var nextRegistration: Instant?
    var errands: [ClientTransactionID: Errand] = [:]
    var names = NameCache()
    /// When a name of a trunk must be looked up again.
    var nextNameDue: Instant?
    public internal(set) var counters = EngineCounters()
    public internal(set) var isDraining = false
    let calls: CallCore
    var ids: IdentifierSource
    public internal(set) var now: Moment
    /// Where we listen: requests of our own leave from here.
    public var listeners: [Listener] = []
    /// Actions of the transaction layer that wait for the turn's end, so that nothing is re-entered.
    private var pending: [TransactionAction] = []
    var trace = TraceTap()
    var strangersLog = LogAllowance()
    var streamless = StreamlessPeers()

    /// `secret` signs nonces: the same after a restart, so that phones need not be challenged again. Tags, branches,
    /// Call-IDs and nonces come from `generator`.
    public init(
        configuration: Configuration,
        secret: [UInt8],
        media: any MediaControl,
        outlet: any EngineOutlet,
        bus: EventBus,
        generator: any RandomNumberGenerator & Sendable,
        now: Moment
    ) {
        self.configuration = configuration
        self.bus = bus
        self.media = media
        self.outlet = outlet
        self.now = now
        ids = IdentifierSource(generator)
        let settings = CallSettings(configuration.node)
        transactions = TransactionLayer(timers: settings.session.timers, accepting: .gudok)
        registrar = Registrar(limits: RegistrarLimits(configuration.node))
        digest = DigestServer(key: secret, start: now.wall)
        notifier = Notifier(
            limits: configuration.node.subscriptions,
            settings: settings.session,
            seed: ids.bits()
        )
        calls = CallCore(
            settings: settings,
            bus: bus,
            media: media,
            ids: IdentifierSource(generator),
            now: now,
            generator: generator,
            logger: { [unowned outlet] level, text, call in outlet.log(level, text, call: call) }
        )
        calls.surroundings = self
        trackTrunks()
        calls.dispatch { $0.configure(configuration.tenants, at: now) }
    }

    // MARK: what comes in

    /// One datagram, or one message cut out of a stream.
    public func receive(_ bytes: [UInt8], over flow: Flow, at moment: Moment) {
        receive(parseDatagram(bytes), bytes: bytes, over: flow, at: moment)
    }

    public func receive(_ outcome: ParseOutcome, bytes: [UInt8], over flow: Flow, at moment: Moment) {
        enter(moment)
        defer { settle() }
        counters.messagesReceived &+= 1
        switch outcome {
        case .message(let message):
            trace.received(bytes, message: message, over: flow, by: self)
            perform(transactions.receive(message, over: flow, now: now.instant))
        case .faulty(let request, let fault):
            perform(transactions.receiveFaulty(request, fault, over: flow, now: now.instant))
        case .unusable(let fault): countDrop("unusable-\(fault.kind.rawValue)")
        case .keepAlive: break
        }
    }

    public func receive(_ events: [MediaEvent], at moment: Moment) {
        enter(moment)
        defer { settle() }
        for event in events { calls.receive(event) }
    }

    /// The starts of these calls are on disk.
    public func recorded(_ ids: [CallID], at moment: Moment) {
        enter(moment)
        defer { settle() }
        for id in ids { calls.recorded(id) }
    }

    public func connectionClosed(_ flow: Flow, at moment: Moment) {
        enter(moment)
        defer { settle() }
        perform(transactions.connectionClosed(flow, now: now.instant))
        apply(registrar.connectionClosed(flow.connection, now: now))
    }

    public func transportFailed(_ flow: Flow, why: String, at moment: Moment) {
        enter(moment)
        defer { settle() }
        outlet.log(.info, "cannot reach \(flow): \(why)", call: nil)
        if flow.isForLongRequests { streamless.add(flow.remote, now: now.instant) }
        perform(transactions.transportFailed(flow, why: why, now: now.instant))
    }

    /// A datagram of ours arrived nowhere; `quote` is how it began.
    public func returned(_ quote: [UInt8], over flow: Flow, why: String, at moment: Moment) {
        enter(moment)
        defer { settle() }
        let actions = transactions.returned(quote, over: flow, why: why, now: now.instant)
        // Of what is answered to strangers nobody wants to read.
        guard !actions.isEmpty else { return }
        outlet.log(.info, "cannot reach \(flow): \(why)", call: nil)
        perform(actions)
    }

    /// Whether somebody is to be reached over a stream: one who registered over it, is in a call or subscribes, or a trunk.
    public func needs(_ flow: Flow) -> Bool {
        registrar.reaches(over: flow) || calls.hasParty(over: flow) || notifier.tells(over: flow)
            || trunks.values.contains { $0.hasServer(at: flow.remote.ip, now: now.instant) }
    }

    /// Something of strangers for the log, of which it takes so much as it can bear.
    public func warnOfStranger(_ text: String, at moment: Moment) {
        enter(moment)
        logStranger(.warning, text)
    }

    // MARK: time

    /// When `fire` wants to be called next.
    public func nextDeadline() -> Instant? {
        var next = transactions.nextDeadline
        let others = [
            calls.nextDeadline(), registrar.nextDeadline, notifier.nextDeadline, nextTrunkProbe, nextRegistration,
            nextNameDue,
        ]
        for other in others {
            if let other, next.map({ other < $0 }) ?? true { next = other }
        }
        return next
    }

    public func fire(at moment: Moment) {
        enter(moment)
        defer { settle() }
        perform(transactions.fire(now: now.instant))
        calls.fire()
        apply(registrar.fire(now: now))
        expireSubscriptions()
        refreshNames()
        probeTrunks()
        renewRegistrations()
    }

    func enter(_ moment: Moment) {
        now = moment
        calls.now = moment
    }

    // MARK: what transactions say

    /// Puts actions in the turn's queue: whoever asked for them has remembered their transaction before anything comes of it.
    func perform(_ actions: [TransactionAction]) { pending += actions }

    /// Ends a turn: performs what is queued, and what that leads to, in order.
    func settle() {
        repeat {
            var index = 0
            while index < pending.count {
                let action = pending[index]
                index += 1
                perform(action)
            }
            pending.removeAll(keepingCapacity: true)
            tellWatchers()
        } while !pending.isEmpty
        calls.closeFinished()
        trace.settle()
        media.flush()
    }

    private func perform(_ action: TransactionAction) {
        switch action {
        case .transmit(let bytes, let flow):
            counters.messagesSent &+= 1
            // A peer may speak as soon as it has this: its port is to know of it before.
            media.flush()
            trace.sent(bytes, over: flow, by: self)
            outlet.transmit(bytes, over: flow)
        case .request(let transaction, let request, let flow): receive(request, transaction: transaction, over: flow)
        case .cancelled(let transaction, let cancel):
            calls.cancelled(transaction, reason: cancel.reasons)
        case .acknowledged(let ack, _): if !calls.acknowledged(ack) { countDrop("stray-ack") }
        case .response(let transaction, let response, let flow):
            guard !calls.receive(response, to: transaction, over: flow) else { return }
            let isAcceptance = (200..<300).contains(response.status) && (try? response.cSeq().method) == .invite
            if isAcceptance { return leaveStray(response, over: flow) }
            finishErrand(transaction, response, over: flow)
        case .strayResponse(let response, let flow):
            guard isOurs(response, over: flow) else { return countDrop("foreign-via") }
            if !calls.receiveStray(response, over: flow) { leaveStray(response, over: flow) }
        case .gaveWay(_, let flow, let response): gaveWay(from: flow, response)
        case .acceptedTooLate(let request, let response, let flow, let isFirst):
            leave(request, acceptedBy: response, over: flow, isFirst: isFirst)
        case .timedOut(let transaction):
            if !calls.failed(transaction, .timedOut) { finishErrand(transaction, nil) }
        case .transportFailed(let transaction, let why):
            if !calls.failed(transaction, .unreachable(why)) { finishErrand(transaction, nil) }
        case .unacknowledged: break
        case .ended(let transaction): calls.ended(transaction)
        case .terminated(let transaction): calls.ended(transaction)
        case .refused(let status): countRefusal(status)
        case .dropped(let reason): countDrop(reason)
        }
    }

    public func respond(_ transaction: ServerTransactionID, with response: SIPResponse) {
        if response.status >= 300 { countRefusal(response.status) }
        perform(transactions.respond(transaction, with: response, now: now.instant))
    }

    private func countRefusal(_ status: Int) { counters.refused[status, default: 0] &+= 1 }

    func countDrop(_ reason: String) { counters.dropped[reason, default: 0] &+= 1 }
}

/// An address we take messages on.
public struct Listener: Hashable, Sendable {
    public var transport: Transport
    public var address: SocketAddress

    public init(transport: Transport, address: SocketAddress) { (self.transport, self.address) = (transport, address) }
}

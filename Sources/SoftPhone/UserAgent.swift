public import NetAddress
public import SIP
public import SIPMessage
public import Timebase

/// A phone without sockets or a clock: sessions and transactions of one user, for the test phone and for simulations.
public final class UserAgent {
    /// One call of this phone.
    public struct CallHandle: Hashable, Sendable { public let serial: Int }

    public enum Event: Sendable {
        /// Somebody calls; `act` with `ring`, `accept` or `reject`.
        case incoming(CallHandle, SIPRequest)
        case notice(CallHandle, Session.Notice)
        /// How a REGISTER ended; nil: unanswered.
        case registered(status: Int?)
        /// A NOTIFY of what a colleague's calls are, and whether it is the last one.
        case notified(document: [UInt8], isLast: Bool)
    }

    private enum Use { case session(CallHandle, Session.Purpose), register(SIPRequest), watch(SIPRequest) }

    private struct TimerKey: Hashable, Sendable {
        var call: Int
        var timer: Session.Timer
    }

    /// From us to the switch.
    public let flow: Flow
    public let credentials: Credentials
    private let domain: String
    private let settings: SessionSettings
    private var layer: TransactionLayer
    private var sessions: [Int: Session] = [:]
    private var invites: [Int: ClientTransactionID] = [:]
    private var uses: [ClientTransactionID: Use] = [:]
    private var timers = TimerQueue<TimerKey>()
    private var serial = 0
    private var registrations: RegisterSequence
    private var watched: Watch?
    private var ids: IdentifierSource
    private var now = Instant(nanoseconds: 0)
    private var output: [(bytes: [UInt8], flow: Flow)] = []
    private var events: [Event] = []

    public init(
        flow: Flow,
        domain: String,
        credentials: Credentials,
        timers: SIPTimers = SIPTimers(),
        sessionExpires: Int? = nil,
        generator: any RandomNumberGenerator & Sendable
    ) {
        (self.flow, self.domain, self.credentials) = (flow, domain, credentials)
        var settings = SessionSettings(timers: timers, product: "Gudok phone", contactUser: credentials.username)
        settings.sessionExpires = sessionExpires
        self.settings = settings
        layer = TransactionLayer(timers: timers, accepting: .gudok)
        ids = IdentifierSource(generator)
        registrations = RegisterSequence(
            account: RegisterSequence.Account(
                addressOfRecord: SIPURI(user: credentials.username, host: domain),
                registrar: SIPURI(host: domain),
                credentials: credentials
            ),
            callID: "register-\(flow.local.port)@\(flow.local.ip.uriHost)",
            seed: ids.bits()
        )
    }

    public var nextDeadline: Instant? { [layer.nextDeadline, timers.nextDeadline].compactMap { $0 }.min() }
    /// Calls, transactions and timers that have not ended.
    public var residue: Int { sessions.count + layer.count + uses.count }

    /// What is to be sent since the last call.
    public func takeOutput() -> [(bytes: [UInt8], flow: Flow)] {
        defer { output = [] }
        return output
    }

    /// What happened since the last call.
    public func takeEvents() -> [Event] {
        defer { events = [] }
        return events
    }

    // MARK: what the user does

    /// `caller`: another number to call from, where the switch lets this phone (a trunk).
    public func call(
        _ number: String,
        from caller: String? = nil,
        offer: [UInt8]?,
        headers: [(HeaderName, String)] = [],
        at now: Instant
    ) -> CallHandle {
        self.now = now
        let invitation = Invitation(
            target: SIPURI(user: number, host: domain),
            from: NameAddress(uri: SIPURI(user: caller ?? credentials.username, host: domain)),
            to: NameAddress(uri: SIPURI(user: number, host: domain)),
            flows: [flow],
            maxForwards: 70,
            callID: ids.callID(),
            sdp: offer,
            headers: headers,
            credentials: credentials
        )
        let handle = insert(Session(inviting: invitation, settings: settings, seed: ids.bits()))
        act(handle, at: now) { session, _ in session.start() }
        return handle
    }

    public func act(_ call: CallHandle, at now: Instant, _ body: (inout Session, Instant) -> [Session.Action]) {
        self.now = now
        guard var session = sessions[call.serial] else { return }
        let actions = body(&session, now)
        sessions[call.serial] = session
        for action in actions { perform(action, call) }
    }

    /// Sends a REGISTER for this phone's address; 0 seconds takes it back.
    public func register(seconds: Int, at now: Instant) {
        self.now = now
        send(registrations.request(contact: flow.contact(user: credentials.username), seconds: seconds, over: flow))
    }

    /// Watches a colleague's calls for so long; 0 seconds end it.
    public func watch(_ number: String, seconds: Int, at now: Instant) {
        self.now = now
        var watch =
            watched
            ?? Watch(
                of: SIPURI(user: number, host: domain),
                by: SIPURI(user: credentials.username, host: domain),
                credentials: credentials,
                ids: IdentifierSource(SeededGenerator(seed: ids.bits()))
            )
        subscribe(watch.request(seconds: seconds, over: flow))
        watched = watch
    }

    private func subscribe(_ request: SIPRequest) {
        let (id, actions) = layer.send(request, over: [flow], now: now)
        uses[id] = .watch(request)
        perform(actions)
    }

    private func notified(_ request: SIPRequest, _ id: ServerTransactionID) {
        let isLast = request.headers[.subscriptionState]?.hasPrefix("terminated") == true
        events.append(.notified(document: request.body, isLast: isLast))
        perform(layer.respond(id, with: SIPResponse(status: 200, to: request, toTag: nil), now: now))
    }

    private func send(_ register: SIPRequest) {
        let (id, actions) = layer.send(register, over: [flow], now: now)
        uses[id] = .register(register)
        perform(actions)
    }

    // MARK: what comes

    public func receive(_ bytes: [UInt8], from remote: SocketAddress, at now: Instant) {
        self.now = now
        guard case .message(let message) = parseDatagram(bytes) else { return }
        perform(
            layer.receive(message, over: Flow(transport: flow.transport, local: flow.local, remote: remote), now: now)
        )
    }

    public func fire(at now: Instant) {
        self.now = now
        perform(layer.fire(now: now))
        while let key = timers.popDue(now: now) {
            act(CallHandle(serial: key.call), at: now) { $0.fired(key.timer, now: $1) }
        }
    }

    private func insert(_ session: Session) -> CallHandle {
        serial += 1
        sessions[serial] = session
        return CallHandle(serial: serial)
    }

    private func perform(_ action: Session.Action, _ call: CallHandle) {
        switch action {
        case .send(let request, let purpose, let flows):
            let (id, actions) = layer.send(request, over: flows, now: now)
            uses[id] = .session(call, purpose)
            if purpose == .invite || purpose == .reinvite { invites[call.serial] = id }
            perform(actions)
        case .respond(let id, let response): perform(layer.respond(id, with: response, now: now))
        case .sendStateless(let message, let flow): perform(layer.sendStateless(message, over: flow))
        case .cancelInvite(let reason):
            let headers = reason.map { [(HeaderName.reason, $0)] } ?? []
            if let id = invites[call.serial] { perform(layer.cancel(id, headers: headers, now: now)) }
        case .start(let timer, let deadline): timers.start(TimerKey(call: call.serial, timer: timer), at: deadline)
        case .stop(let timer): timers.stop(TimerKey(call: call.serial, timer: timer))
        case .tell(let notice):
            events.append(.notice(call, notice))
            if case .info = notice { act(call, at: now) { session, _ in session.answerInfo(isTaken: true) } }
            if notice == .ended {
                sessions[call.serial] = nil
                if let id = invites.removeValue(forKey: call.serial) { perform(layer.cancel(id, now: now)) }
                for timer in Session.Timer.allCases { timers.stop(TimerKey(call: call.serial, timer: timer)) }
            }
        }
    }

    private func perform(_ actions: [TransactionAction]) {
        for action in actions {
            switch action {
            case .transmit(let bytes, let flow): output.append((bytes, flow))
            case .response(let id, let response, let flow):
                switch uses[id] {
                case .session(let call, let purpose):
                    act(call, at: now) { $0.receive(response, to: purpose, over: flow, now: $1) }
                case .register(let request): answered(request, response)
                case .watch(let request):
                    if let retry = watched?.answer(response, to: request, over: flow) { subscribe(retry) }
                case nil: break
                }
            case .timedOut(let id), .transportFailed(let id, _):
                switch uses[id] {
                case .session(let call, let purpose):
                    act(call, at: now) { $0.requestFailed(purpose, status: 408, now: $1) }
                case .register: events.append(.registered(status: nil))
                case .watch, nil: break
                }
            case .request(let id, let request, let flow): receive(request, id, flow)
            case .acknowledged(let ack, _):
                if let call = call(of: ack) { act(call, at: now) { $0.acknowledged(by: ack, now: $1) } }
            case .cancelled(let id, let cancel):
                guard let call = call(ofCallID: cancel.headers[.callID]) else { continue }
                act(call, at: now) { session, now in
                    session.isConfirmed ? session.renegotiationCancelled(id) : session.cancelled(now: now)
                }
            case .strayResponse(let response, let flow):
                guard let call = call(ofCallID: response.headers[.callID]), let number = try? response.cSeq().number
                else { continue }
                act(call, at: now) { $0.receive(response, to: number == 1 ? .invite : .reinvite, over: flow, now: $1) }
            case .ended(let id): uses[id] = nil
            // It has one server, and asks no other.
            case .gaveWay, .acceptedTooLate: break
            case .unacknowledged, .terminated, .refused, .dropped: break
            }
        }
    }

    private func receive(_ request: SIPRequest, _ id: ServerTransactionID, _ flow: Flow) {
        if request.toTag != nil {
            if request.method == .notify, let watched, request.headers[.callID] == watched.callID {
                return notified(request, id)
            }
            guard let call = call(of: request) else {
                return perform(layer.respond(id, with: SIPResponse(status: 481, to: request, toTag: nil), now: now))
            }
            return act(call, at: now) { $0.receive(request, transaction: id, over: flow, now: $1) }
        }
        guard request.method == .invite,
            let session = try? Session(
                answering: request,
                transaction: id,
                over: flow,
                settings: settings,
                seed: ids.bits()
            )
        else {
            let status = request.method == .options ? 200 : 405
            return perform(layer.respond(id, with: SIPResponse(status: status, to: request, toTag: "phone"), now: now))
        }
        events.append(.incoming(insert(session), request))
    }

    private func answered(_ request: SIPRequest, _ response: SIPResponse) {
        guard response.status >= 200 else { return }
        guard let retry = (try? registrations.answer(response, to: request, over: flow)).flatMap({ $0 }) else {
            return events.append(.registered(status: response.status))
        }
        send(retry)
    }

    private func call(of request: SIPRequest) -> CallHandle? {
        sessions.first { $0.value.callID == request.headers[.callID] && $0.value.tag == request.toTag }
            .map { CallHandle(serial: $0.key) }
    }

    private func call(ofCallID callID: String?) -> CallHandle? {
        sessions.first { $0.value.callID == callID }.map { CallHandle(serial: $0.key) }
    }
}

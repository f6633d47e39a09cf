public import ACD
import Config
public import DialPlan
public import Events
public import Media
public import NetAddress
import SDP
public import SIP
public import SIPMessage
public import Timebase

/// Every call of the node: finds the leg a message, a packet event or a timer belongs to, and performs what the sessions ask for.
///
/// Lives on the core's loop; the one writer of all call state. `now` is set by whoever enters.
public final class CallCore {
    enum TimerKey: Hashable, Sendable {
        case session(LegID, Session.Timer)
        case call(CallID, CallTimer)
        /// The next attempt to call somebody back.
        case callback(String)
        /// Agents are looked for again whose phones could not be rung for want of ports.
        case room
    }

    /// A dialog as a message names it: its Call-ID and our tag (RFC 3261 §12).
    private struct DialogKey: Hashable {
        var callID: String
        var tag: String
    }

    public var settings: CallSettings
    let bus: EventBus
    let media: any MediaControl
    /// The engine, which owns this core.
    public weak var surroundings: (any CallSurroundings)?
    private let logger: (LogLevel, String, CallID?) -> Void
    public internal(set) var ids: IdentifierSource
    public var now: Moment
    var timers = TimerQueue<TimerKey>()
    /// The last port that was asked for could not be had.
    var lacksPorts = false
    private var calls: [CallID: Call] = [:]
    /// Calls that there have been, each of which has a record.
    public private(set) var opened: UInt64 = 0
    var callbacks = CallbackBook()
    var areCallbacksSuspended = false
    private var dialogs: [DialogKey: LegID] = [:]
    private var clientTransactions: [ClientTransactionID: (leg: LegID, purpose: Session.Purpose)] = [:]
    private var inviteTransactions: [LegID: ClientTransactionID] = [:]
    var serverTransactions: [ServerTransactionID: LegID] = [:]
    var ports: [MediaID: LegID] = [:]
    private var legsByCallID: [String: LegID] = [:]
    /// The calls that a user has, or had, a leg in.
    var callsOfUsers: [UserID: Set<CallID>] = [:]
    /// Somebody is told of what users do: what happens to calls is noted.
    public var isWatched = false
    var touched: Set<CallID> = []
    private var waitingForNames: Set<CallID> = []
    private var finished: [Call] = []
    /// Queues and agents.
    public let acd: Dispatcher
    /// PINs at others' phones.
    var logIns = LogInGuard()
    /// What the dispatcher wants, in order: doing it may make it want more.
    /// Recordings that are not final yet, by their numbers.
    private var recordings: [UInt64: (id: String, call: CallID, tenant: TenantID)] = [:]
    private var recordingCount: UInt64 = 0
    var wanted: [Dispatcher.Action] = []
    var isCarryingOut = false

    public init(
        settings: CallSettings,
        bus: EventBus,
        media: any MediaControl,
        ids: IdentifierSource,
        now: Moment,
        generator: any RandomNumberGenerator & Sendable,
        logger: @escaping (LogLevel, String, CallID?) -> Void
    ) {
        acd = Dispatcher(generator: generator, now: now)
        (self.settings, self.bus, self.media) = (settings, bus, media)
        (self.ids, self.now, self.logger) = (ids, now, logger)
    }

    // MARK: what comes in

    /// A new INVITE of somebody the engine knows; `opening` stands in the place of the plan's rules.
    ///
    /// `turnedAwayFor`: his trunk has no place for it, and may try again after so many seconds.
    public func receiveInvite(
        _ request: SIPRequest,
        transaction: ServerTransactionID,
        over flow: Flow,
        from identity: CallerIdentity,
        opening: Instruction? = nil,
        turnedAwayFor wait: Int? = nil
    ) throws(SIPFault) {
        let session = try Session(
            answering: request,
            transaction: transaction,
            over: flow,
            settings: settings.session,
            seed: ids.bits()
        )
        let to = identity.called ?? request.uri.dialled
        let forwards = (try request.maxForwards() ?? 70) - 1
        let call = Call(
            id: CallID(ids.sortable(at: now.wall)),
            core: self,
            identity: identity,
            to: to,
            maxForwards: max(0, forwards),
            at: now
        )
        // A carrier knows by whom its calls came; what a phone says of that could be anything.
        if identity.trunk != nil { call.history = DiversionHistory(of: request) }
        var leg = Leg(
            id: LegID(call: call.id, index: 0),
            session: session,
            target: Leg.caller,
            user: identity.user,
            trunk: identity.trunk,
            address: "\(flow.remote)",
            sipCallID: session.callID,
            described: Leg.Description(sessionID: makeSessionID())
        )
        leg.side = .caller
        if let body = request.sdpBody() { leg.described.remote = try describe(body) }
        call.opening = opening ?? (leg.isServed(by: media) ? nil : .hangup(.notAcceptable))
        if let wait {
            leg.occupies = nil
            call.opening = .hangup(.trunkLimit)
            call.lastRejection = Rejection(
                status: 503,
                phrase: ReasonPhrase.standard(503),
                retryAfter: wait,
                isLocal: true
            )
        }
        call.legs.append(leg)
        serverTransactions[transaction] = leg.id
        open(call, source: "\(flow)")
        // How long the caller's invitation holds (RFC 3261 §13.3.1); one that would be over at once is a mistake.
        if let seconds = (try? request.expires()) ?? nil, seconds > 0 {
            timers.start(.call(call.id, .invitationExpires), at: now.instant + .seconds(Int(seconds)))
        }
        call.begin()
    }

    func describe(_ body: [UInt8]) throws(SIPFault) -> SessionDescription {
        do throws(SDPFault) {
            return try SessionDescription(parsing: body)
        } catch {
            throw SIPFault(kind: .malformedBody, where: "SDP", what: error.what, status: error.status)
        }
    }

    /// A number for the `o=` lines of one leg, below 2^53 so that no peer's reader loses digits.
    func makeSessionID() -> UInt64 { ids.bits() >> 12 }

    /// Rings `route`, and upon its answer runs the dial plan for `to` with it as the caller.
    ///
    /// `opening` stands in the place of the plan's rules; a call that is to join another's media is opened `near` it.
    public func originate(
        from identity: CallerIdentity,
        over routes: [TargetRoute],
        to: String,
        opening: Instruction? = nil,
        near neighbour: MediaPort? = nil
    ) -> CallID? {
        guard let first = routes.first else { return nil }
        let call = Call(
            id: CallID(ids.sortable(at: now.wall)),
            core: self,
            identity: identity,
            to: to,
            maxForwards: 70,
            at: now
        )
        call.startsUponAnswer = true
        call.opening = opening
        guard originate(call, over: first, source: "api", near: neighbour) else { return nil }
        for route in routes.dropFirst() { _ = call.invite(route) }
        timers.start(.call(call.id, .dialTimeout), at: now.instant + settings.originationTimeout)
        for index in call.legs.indices { call.act(on: index) { session, _ in session.start() } }
        return call.id
    }

    /// Opens a call that we begin, with the leg of whoever is to be its caller; it does not ring yet. False: no port is free.
    func originate(_ call: Call, over route: TargetRoute, source: String, near neighbour: MediaPort? = nil) -> Bool {
        guard let leg = call.makeLeg(route, near: neighbour) else { return false }
        call.legs.append(leg)
        open(call, source: source)
        return true
    }

    private func open(_ call: Call, source: String) {
        calls[call.id] = call
        opened &+= 1
        let caller = call.legs[0]
        call.publish(
            .callStarted(
                CallStarted(
                    direction: call.expectedDirection,
                    from: call.from,
                    fromName: call.fromName,
                    to: call.to,
                    trunk: call.trunk?.name,
                    user: call.user,
                    source: source,
                    sipCallID: caller.sipCallID
                )
            )
        )
        register(caller, call: call)
        // Whoever calls somebody back is busy with that for his queue, not past it.
        if let user = caller.user ?? call.user, call.callback == nil { engage(user, in: call) }
        timers.start(.call(call.id, .recordGrace), at: now.instant + settings.recordGrace)
    }

    /// A request inside a dialog; false when no dialog of ours is meant (481).
    public func receive(_ request: SIPRequest, transaction: ServerTransactionID, over flow: Flow) -> Bool {
        guard let (call, index) = leg(of: request) else { return false }
        serverTransactions[transaction] = call.legs[index].id
        call.act(on: index) { $0.receive(request, transaction: transaction, over: flow, now: $1) }
        return true
    }

    /// An ACK for a 2xx. False: no leg is left that it is for.
    public func acknowledged(_ ack: SIPRequest) -> Bool {
        guard let (call, index) = leg(of: ack) else { return false }
        call.act(on: index) { $0.acknowledged(by: ack, now: $1) }
        return true
    }

    /// `reason`: the CANCEL's Reason header.
    public func cancelled(_ transaction: ServerTransactionID, reason: String?) {
        guard let legID = serverTransactions[transaction], let call = calls[legID.call] else { return }
        call.act(on: legID.index) { session, now in
            session.isConfirmed
                ? session.renegotiationCancelled(transaction) : session.cancelled(reason: reason, now: now)
        }
    }

    /// False: no call of ours asked, or it is gone.
    public func receive(_ response: SIPResponse, to transaction: ClientTransactionID, over flow: Flow) -> Bool {
        guard let (legID, purpose) = clientTransactions[transaction], let call = calls[legID.call] else { return false }
        if purpose == .invite, response.status > 100 { call.reached(legID.index, at: flow.remote) }
        call.act(on: legID.index) { $0.receive(response, to: purpose, over: flow, now: $1) }
        return true
    }

    /// A 2xx whose transaction is gone: its ACK was lost, or it comes from a branch nobody knew. False: no leg is left that it is for.
    public func receiveStray(_ response: SIPResponse, over flow: Flow) -> Bool {
        guard let callID = response.headers[.callID], let tag = try? response.from().tag,
            let legID = dialogs[DialogKey(callID: callID, tag: tag)], let cSeq = try? response.cSeq(),
            cSeq.method == .invite
        else { return false }
        calls[legID.call]?.act(on: legID.index) {
            $0.receive(response, to: cSeq.number == 1 ? .invite : .reinvite, over: flow, now: $1)
        }
        return true
    }

    /// False: no call of ours asked, or it is gone.
    public func failed(_ transaction: ClientTransactionID, _ fault: RequestFault) -> Bool {
        guard let (legID, purpose) = clientTransactions[transaction] else { return false }
        calls[legID.call]?.tell(fault, of: purpose, on: legID.index)
        calls[legID.call]?.act(on: legID.index) { $0.requestFailed(purpose, status: fault.status, now: $1) }
        clientTransactions[transaction] = nil
        return true
    }

    /// A user's phone is reached over another stream now: what is said in its calls goes by that one.
    public func goOn(_ user: UserID, over new: Flow, insteadOf old: Flow) {
        for id in callsOfUsers[user] ?? [] {
            guard let call = calls[id] else { continue }
            for index in call.legs.indices where call.legs[index].user == user.number {
                call.legs[index].session.goOn(over: new, insteadOf: old)
            }
        }
    }

    /// Whether a party of a call is reached over this stream.
    public func hasParty(over flow: Flow) -> Bool {
        calls.values.contains { $0.legs.contains { $0.session.isReached(over: flow) } }
    }

    public func ended(_ transaction: ServerTransactionID) { serverTransactions[transaction] = nil }
    public func ended(_ transaction: ClientTransactionID) { clientTransactions[transaction] = nil }

    public func receive(_ event: MediaEvent) {
        let legID = ports[event.port]
        if case .closed = event { ports[event.port] = nil }
        if let legID { calls[legID.call]?.receive(event, on: legID.index) }
        if case .closed = event, acd.lacksRoom { lookForRoom() }
    }

    /// The call's start is on disk: its final answer may go out.
    public func recorded(_ id: CallID) { calls[id]?.recorded() }

    public func targetsChanged() {
        let waiting = waitingForNames
        waitingForNames = []
        for id in waiting.sorted() { calls[id]?.namesResolved() }
    }

    /// Ends a call by the switch's or the administrator's word; `actor` is who gave that. False when there is none with this id.
    public func hangUp(_ id: CallID, reason: String, by actor: AuditedAct.Actor? = nil) -> Bool {
        guard let call = calls[id], !call.isEnding else { return false }
        if let actor { call.publish(.note("hung up by \(actor.name) (\(actor.channel.rawValue))")) }
        call.end(
            call.callerIsAnswered ? .answered : .failed,
            by: .switch,
            cause: call.callerIsAnswered ? .normal : HangupCause(status: 503),
            reason: reason
        )
        return true
    }

    // MARK: time

    public func nextDeadline() -> Instant? {
        guard let next = acd.nextDeadline() else { return timers.nextDeadline }
        return timers.nextDeadline.map { min($0, next) } ?? next
    }

    public func fire() {
        if let next = acd.nextDeadline(), next <= now.instant { dispatch { $0.fire(at: now) } }
        while let key = timers.popDue(now: now.instant) {
            switch key {
            case .session(let leg, let timer): calls[leg.call]?.act(on: leg.index) { $0.fired(timer, now: $1) }
            case .call(let id, let timer): calls[id]?.fired(timer)
            case .callback(let id): callbackDue(id)
            case .room: lookForRoom()
            }
        }
    }

    // MARK: what calls ask for

    func perform(_ actions: [Session.Action], leg: LegID, call: Call) {
        if isWatched { touched.insert(call.id) }
        for action in actions {
            switch action {
            case .send(let request, let purpose, let flows):
                guard let transaction = surroundings?.send(request, over: flows) else { continue }
                clientTransactions[transaction] = (leg, purpose)
                if purpose == .invite || purpose == .reinvite { inviteTransactions[leg] = transaction }
            case .respond(let transaction, let response): surroundings?.respond(transaction, with: response)
            case .sendStateless(let message, let flow): surroundings?.sendStateless(message, over: flow)
            case .cancelInvite(let reason):
                if let transaction = inviteTransactions[leg] { surroundings?.cancel(transaction, reason: reason) }
            case .start(let timer, let deadline): timers.start(.session(leg, timer), at: deadline)
            case .stop(let timer): timers.stop(.session(leg, timer))
            case .tell(let notice): call.receive(notice, from: leg.index)
            }
        }
    }

    func register(_ leg: Leg, call: Call) {
        dialogs[DialogKey(callID: leg.sipCallID, tag: leg.session.tag)] = leg.id
        note(leg, of: call)
        legsByCallID[leg.sipCallID] = leg.id
        surroundings?.legAppeared(leg.sipCallID)
    }

    private func note(_ leg: Leg, of call: Call) {
        guard let user = leg.user else { return }
        callsOfUsers[UserID(tenant: call.tenant.id, number: user), default: []].insert(call.id)
        if isWatched { touched.insert(call.id) }
    }

    private func forgetUsers(of call: Call) {
        for number in Set(call.legs.compactMap(\.user)) {
            let user = UserID(tenant: call.tenant.id, number: number)
            callsOfUsers[user]?.remove(call.id)
            if callsOfUsers[user]?.isEmpty == true { callsOfUsers[user] = nil }
        }
    }

    /// Whatever of SIP and time belongs to a leg belongs to it under its new name.
    func rename(_ old: LegID, to leg: Leg) {
        if let call = calls[leg.id.call] { note(leg, of: call) }
        dialogs[DialogKey(callID: leg.sipCallID, tag: leg.session.tag)] = leg.id
        legsByCallID[leg.sipCallID] = leg.id
        for (transaction, owner) in clientTransactions where owner.leg == old {
            clientTransactions[transaction] = (leg.id, owner.purpose)
        }
        for (transaction, owner) in serverTransactions where owner == old { serverTransactions[transaction] = leg.id }
        inviteTransactions[leg.id] = inviteTransactions.removeValue(forKey: old)
        for timer in Session.Timer.allCases { timers.rename(.session(old, timer), to: .session(leg.id, timer)) }
    }

    func waitForNames(_ call: CallID) { waitingForNames.insert(call) }

    func log(_ level: LogLevel, _ text: String, call: CallID?) { logger(level, text, call) }

    /// A call is over: it is closed when the turn has sent what it still has to send.
    func finish(_ call: Call) { finished.append(call) }

    func nextRecording(of call: CallID) -> UInt64 {
        recordingCount &+= 1
        return recordingCount
    }

    func name(_ number: UInt64, id: String, call: CallID, tenant: TenantID) {
        recordings[number] = (id, call, tenant)
    }

    /// A recording is final, or failed; its call is over by then, or goes on.
    public func recordingEnded(_ number: UInt64, _ end: (String) -> RecordingEnded) {
        guard let (id, call, tenant) = recordings.removeValue(forKey: number) else { return }
        bus.publish(.recordingEnded(end(id)), tenant: tenant, call: call, at: now)
    }

    /// Pauses or resumes a call's recording; false when it has none, or it is so already.
    public func pauseRecording(of id: CallID, _ isPaused: Bool) -> Bool { calls[id]?.pauseRecording(isPaused) ?? false }

    public func isUp(_ id: CallID) -> Bool { calls[id] != nil }

    func call(_ id: CallID) -> Call? { calls[id] }
    var everyCall: some Sequence<Call> { calls.values }

    /// The turn's end: closes the records of the calls that ended in it.
    public func closeFinished() {
        guard !finished.isEmpty else { return }
        let calls = finished
        finished = []
        for call in calls {
            call.close()
            remove(call)
        }
    }

    /// Forgets a call whose legs are all over: nothing of it is left in any table.
    private func remove(_ call: Call) {
        guard calls.removeValue(forKey: call.id) != nil else { return }
        for timer in CallTimer.ofLivingCalls + [.recordGrace, .linger] {
            timers.stop(.call(call.id, timer))
        }
        for leg in call.legs where !leg.hasMoved {
            for timer in Session.Timer.allCases { timers.stop(.session(leg.id, timer)) }
            dialogs[DialogKey(callID: leg.sipCallID, tag: leg.session.tag)] = nil
            legsByCallID[leg.sipCallID] = nil
            // Whatever the leg came to, an INVITE that nobody has answered yet is taken back.
            if let invite = inviteTransactions.removeValue(forKey: leg.id) { surroundings?.cancel(invite, reason: nil) }
        }
        waitingForNames.remove(call.id)
        forgetUsers(of: call)
    }

    private func leg(of request: SIPRequest) -> (Call, Int)? {
        guard let callID = request.headers[.callID], let tag = try? request.to().tag else { return nil }
        return leg(callID: callID, tag: tag)
    }

    /// By our tag (RFC 3261 §12).
    func leg(callID: String, tag: String) -> (Call, Int)? {
        guard let legID = dialogs[DialogKey(callID: callID, tag: tag)], let call = calls[legID.call] else { return nil }
        return (call, legID.index)
    }

    // MARK: what others may look at

    /// The leg that a SIP message belongs to, for the trace.
    public func leg(ofCallID callID: String) -> LegID? { legsByCallID[callID] }
    public func tenant(of call: CallID) -> TenantID? { calls[call]?.tenant.id }
    public var callCount: Int { calls.count }
    /// Entries in every table that a leak would fill; all zero when no call is left.
    public var residue: [String: Int] {
        [
            "calls": calls.count, "dialogs": dialogs.count, "clientTransactions": clientTransactions.count,
            "inviteTransactions": inviteTransactions.count, "serverTransactions": serverTransactions.count,
            "ports": ports.count, "callIDs": legsByCallID.count, "timers": timers.count,
            "callbacks": callbacks.count, "callsOfUsers": callsOfUsers.count,
        ]
    }
}

import NetAddress
import SIPMessage
import Timebase

/// The client's two machines (RFC 3261 §17.1, with Accepted of RFC 6026 §7.2).
///
/// ```
///  calling ──1xx──▶ proceeding ──300–699──▶ completed ──D or K──▶ terminated
///     └────────2xx to INVITE────────▶ accepted ──M──▶ terminated
/// ```
struct ClientTransaction: Sendable {
    enum State: Sendable { case calling, proceeding, completed, accepted, terminated }

    /// How far taking back an INVITE has come (§9.1).
    enum Cancellation: Sendable {
        case none
        /// No provisional answer yet: a CANCEL now could overtake the INVITE.
        case wanted([(HeaderName, String)])
        case sent
    }

    enum Timer: Hashable, Sendable {
        /// A or E.
        case retransmit
        /// B or F; after a CANCEL, the wait for the final answer that RFC 3261 §9.1 bounds.
        case giveUp
        /// D, K or M.
        case linger
    }

    enum Effect: Sendable {
        case transmit
        case tell(SIPResponse)
        /// ACK a final answer other than 2xx (§17.1.1.3).
        case acknowledge(SIPResponse)
        case sendCancel([(HeaderName, String)])
        case start(Timer, after: Duration)
        case stop(Timer)
        case timedOut
        case terminated
    }

    let request: SIPRequest
    let key: ClientKey
    let flow: Flow
    /// Where to try next when the transport fails.
    let alternatives: ArraySlice<Flow>
    /// A CANCEL of ours: its answer tells nobody anything.
    let isCancel: Bool
    let bytes: [UInt8]
    private let timers: SIPTimers
    private(set) var state: State = .calling
    private var interval: Duration
    private var cancellation: Cancellation = .none
    /// Another server has the request now: whatever comes of it here is nobody's.
    private(set) var isAbandoned = false
    /// Somebody is being reached by this server: nobody else is to be rung.
    private var hasRung = false
    /// 2xx to an INVITE.
    private(set) var acceptances = 0

    init(_ request: SIPRequest, key: ClientKey, flows: ArraySlice<Flow>, flow: Flow, timers: SIPTimers) {
        (self.request, self.key, self.flow, self.timers) = (request, key, flow, timers)
        alternatives = flows
        isCancel = request.method == .cancel
        bytes = request.write()
        interval = timers.t1
    }

    var isInvite: Bool { key.method == .invite }
    var awaitsFinal: Bool { state == .calling || state == .proceeding }
    /// Somebody's phone rings: he may still answer, and over another connection (RFC 3261 §18.2.2).
    var mayBeAnswered: Bool { isInvite && hasRung && awaitsFinal }
    /// Nobody has answered anything.
    var isUnheard: Bool { state == .calling }
    var isTakenBack: Bool { if case .none = cancellation { false } else { true } }

    /// The ways to other servers than this one.
    var otherServers: ArraySlice<Flow> { alternatives.drop { $0.remote == flow.remote } }
    /// Another server may have the request in this one's place (RFC 3263 §4.3).
    var mayGiveWay: Bool { awaitsFinal && !isTakenBack && !isAbandoned && !hasRung && !otherServers.isEmpty }

    mutating func start() -> [Effect] {
        let patience = otherServers.isEmpty ? timers.giveUp : timers.patience
        var effects: [Effect] = [.transmit, .start(.giveUp, after: patience)]
        if !flow.transport.isReliable { effects.append(.start(.retransmit, after: interval)) }
        return effects
    }

    mutating func receive(_ response: SIPResponse) -> [Effect] {
        switch (state, response.status) {
        case (.calling, ..<200), (.proceeding, ..<200): receiveProvisional(response)
        case (.calling, _), (.proceeding, _): receiveFinal(response)
        case (.completed, 300...) where isInvite: [.acknowledge(response)]
        // A 2xx again, or another branch's: each needs its ACK from above (RFC 6026 §7.2).
        case (.accepted, 200..<300): repeated(response)
        default: []
        }
    }

    private mutating func repeated(_ acceptance: SIPResponse) -> [Effect] {
        acceptances += 1
        return [.tell(acceptance)]
    }

    private mutating func receiveProvisional(_ response: SIPResponse) -> [Effect] {
        var effects: [Effect] = [.tell(response)]
        if isInvite, response.status > 100 { hasRung = true }
        if state == .calling {
            state = .proceeding
            // Timer B ends with the first provisional; E goes on at T2 and F stays (§17.1.2.2).
            if isInvite { effects += [.stop(.retransmit), .stop(.giveUp)] }
        }
        if case .wanted(let headers) = cancellation { effects += sendCancel(headers) }
        return effects
    }

    private mutating func receiveFinal(_ response: SIPResponse) -> [Effect] {
        let stops: [Effect] = [.stop(.retransmit), .stop(.giveUp)]
        if isInvite, response.status < 300 {
            state = .accepted
            acceptances += 1
            return stops + [.tell(response), .start(.linger, after: timers.giveUp)]
        }
        state = .completed
        let acknowledgement: [Effect] = isInvite ? [.acknowledge(response)] : []
        guard !flow.transport.isReliable else {
            state = .terminated
            return stops + acknowledgement + [.tell(response), .terminated]
        }
        let linger = isInvite ? timers.giveUp : timers.t4
        return stops + acknowledgement + [.tell(response), .start(.linger, after: linger)]
    }

    /// Another server gets the request. What this one says of an INVITE after all must be taken back, for 64·T1 from now.
    mutating func abandon() -> [Effect] {
        isAbandoned = true
        guard state == .calling else { return [] }
        cancellation = .wanted([])
        return [.start(.giveUp, after: timers.giveUp)]
    }

    /// Takes the INVITE back, now or as soon as somebody has it.
    mutating func cancel(_ headers: [(HeaderName, String)]) -> [Effect] {
        guard isInvite, case .none = cancellation else { return [] }
        switch state {
        case .calling:
            cancellation = .wanted(headers)
            return []
        case .proceeding: return sendCancel(headers)
        case .completed, .accepted, .terminated: return []
        }
    }

    private mutating func sendCancel(_ headers: [(HeaderName, String)]) -> [Effect] {
        cancellation = .sent
        return [.sendCancel(headers), .start(.giveUp, after: timers.giveUp)]
    }

    mutating func fired(_ timer: Timer) -> [Effect] {
        switch timer {
        case .retransmit:
            guard awaitsFinal else { return [] }
            interval = state == .proceeding && !isInvite ? timers.t2 : interval * 2
            if !isInvite { interval = min(interval, timers.t2) }
            return [.transmit, .start(.retransmit, after: interval)]
        case .giveUp:
            guard awaitsFinal else { return [] }
            state = .terminated
            return [.stop(.retransmit), .timedOut, .terminated]
        case .linger:
            state = .terminated
            return [.terminated]
        }
    }

    /// The ACK for a final answer other than 2xx: same branch, same Request-URI, To of the answer (§17.1.1.3).
    func acknowledgement(of response: SIPResponse) -> SIPRequest {
        hopByHop(.ack, to: response.headers[.to])
    }

    /// The CANCEL: what identifies the INVITE, and nothing else of it (§9.1).
    func cancelRequest(_ headers: [(HeaderName, String)]) -> SIPRequest {
        var cancel = hopByHop(.cancel, to: request.headers[.to])
        for (name, value) in headers { cancel.headers.append(name, value) }
        return cancel
    }

    private func hopByHop(_ method: Method, to: String?) -> SIPRequest {
        var message = SIPRequest(method: method, uri: request.uri)
        if let via = request.headers[.via] { message.headers.append(.via, via) }
        for route in request.headers.all(.route) { message.headers.append(.route, route) }
        message.headers.append(.maxForwards, "70")
        message.headers.append(.from, request.headers[.from] ?? "")
        message.headers.append(.to, to ?? "")
        message.headers.append(.callID, request.headers[.callID] ?? "")
        message.headers.append(.cSeq, "\((try? request.cSeq().number) ?? 1) \(method.name)")
        return message
    }
}

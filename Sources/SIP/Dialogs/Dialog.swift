public import NetAddress
public import SIPMessage

/// A peer-to-peer SIP relationship (RFC 3261 §12): what routes, numbers and recognises the requests after the first.
///
/// A value without timers: early and confirmed differ only in who holds it (`Session`).
public struct Dialog: Sendable {
    /// Whether a request came in the order its CSeq says (§12.2.2).
    public enum Order: Equatable, Sendable { case inOrder, stale }

    public let callID: String
    /// Ours, with our tag.
    public let local: NameAddress
    /// The peer's, with its tag when it has one (RFC 2543 peers and B045 send none).
    public private(set) var remote: NameAddress
    public private(set) var remoteTarget: SIPURI
    public let routeSet: [NameAddress]
    public private(set) var localSequence: UInt32
    public private(set) var remoteSequence: UInt32?
    /// Where the peer's messages come from; ours go there whenever its Contact cannot be reached (NAT).
    public var flow: Flow
    /// No proxy stood between us and the peer, so a private Contact means a NAT and the source address wins.
    private let isDirect: Bool
    /// A NAT gave its port another number, so that its Contact's leads nowhere.
    private let isMapped: Bool

    /// The dialog that a request from the peer creates (§12.1.1).
    public init(
        answering request: SIPRequest,
        localTag: String,
        over flow: Flow,
        localSequence: UInt32
    ) throws(SIPFault) {
        var local = try request.to()
        local.tag = localTag
        guard let contact = try request.contacts().first else {
            throw SIPFault(
                kind: .missingHeader,
                where: "Contact",
                what: "the request creates a dialog but has no Contact",
                status: 400
            )
        }
        callID = try request.callID()
        self.local = local
        remote = try request.from()
        remoteTarget = contact.uri
        routeSet = try request.recordRoutes()
        self.localSequence = localSequence
        remoteSequence = try request.cSeq().number
        self.flow = flow
        isDirect = try request.vias().count == 1
        isMapped = request.isMapped(contact.uri, over: flow)
    }

    /// The dialog that a response to our request creates (§12.1.2). A response without a Contact that can be read keeps the target the request
    /// went to.
    public init(request: SIPRequest, answeredBy response: SIPResponse, over flow: Flow) throws(SIPFault) {
        callID = try request.callID()
        local = try request.from()
        remote = try response.to()
        remoteTarget = (try? response.contacts())?.first?.uri ?? request.uri
        // Who is answered has to acknowledge, whatever a proxy wrote.
        routeSet = (try? response.recordRoutes())?.reversed() ?? []
        localSequence = try request.cSeq().number
        remoteSequence = nil
        self.flow = flow
        isDirect = routeSet.isEmpty
        // It names the place that we asked for, and was reached at another port, by no proxy.
        isMapped =
            flow.leadsBeside(remoteTarget) && remoteTarget.port == request.uri.port
            && remoteTarget.hostAddress == request.uri.hostAddress && !request.headers.contains(.route)
    }

    public var localTag: String { local.tag ?? "" }
    public var remoteTag: String { remote.tag ?? "" }

    /// The next request of ours in this dialog, without body (§12.2.1.1). ACK and CANCEL do not count up: see `acknowledgement`.
    public mutating func request(_ method: Method, branch: String, contact: SIPURI?) -> SIPRequest {
        localSequence = localSequence == .max ? 1 : localSequence + 1
        return build(method, sequence: localSequence, branch: branch, contact: contact)
    }

    /// Of a dialog that was forgotten nobody knows what was sent in it before the answer: PRACK, UPDATE. A number that is not above theirs is
    /// refused, and a gap is allowed (§12.2.2).
    public mutating func passOverUnknownRequests() {
        let (many, last) = (UInt32(1_000), UInt32(Int32.max) - 1)
        localSequence = localSequence < last - many ? localSequence + many : max(localSequence, last)
    }

    /// The ACK for a 2xx to our INVITE with the given CSeq number (§13.2.2.4).
    public func acknowledgement(sequence: UInt32, branch: String, contact: SIPURI?) -> SIPRequest {
        build(.ack, sequence: sequence, branch: branch, contact: contact)
    }

    private func build(_ method: Method, sequence: UInt32, branch: String, contact: SIPURI?) -> SIPRequest {
        let hop = nextHop
        var target = remoteTarget
        var routes = routeSet
        if let first = routeSet.first, !first.uri.isLooseRouting {
            // A strict router wants itself in the Request-URI and the target last (§12.2.1.1).
            target = first.uri
            routes = Array(routeSet.dropFirst()) + [NameAddress(uri: remoteTarget)]
        }
        var request = SIPRequest(method: method, uri: target.asRequestURI)
        request.headers.append(.via, Via.ours(over: hop, branch: branch))
        for route in routes { request.headers.append(.route, "\(route)") }
        request.headers.append(.maxForwards, "70")
        request.headers.append(.from, "\(local)")
        request.headers.append(.to, "\(remote)")
        request.headers.append(.callID, callID)
        request.headers.append(.cSeq, "\(sequence) \(method.name)")
        if let contact { request.headers.append(.contact, "<\(contact)>") }
        return request
    }

    /// Where requests of this dialog go: the first route or the remote target, or the flow that the peer uses when that
    /// names nothing reachable. A stream that has ended is opened anew where that URI says.
    public var nextHop: Flow { ways.first { !$0.isForLongRequests } ?? hop }

    private var hop: Flow {
        let uri = nextURI
        if isMapped, isDirect, routeSet.isEmpty, flow.leadsBeside(uri) { return flow }
        var hop = flow.leading(to: uri, directly: isDirect && routeSet.isEmpty)
        if hop.transport.isReliable, uri.hostAddress?.unmapped == hop.remote.ip.unmapped {
            hop.returnPort = uri.port ?? hop.transport.defaultPort
        }
        return hop
    }

    /// The ways there, each to be tried when the one before fails: over a stream that the peer once used though its URI names no transport,
    /// which is UDP (RFC 3263 §4.1), and by that.
    public var ways: [Flow] {
        var hop = hop
        guard let datagrams = hop.datagrams(to: nextURI, directly: isDirect && routeSet.isEmpty) else { return [hop] }
        hop.isTrial = true
        return [hop, datagrams]
    }

    private var nextURI: SIPURI { routeSet.first?.uri ?? remoteTarget }

    /// Counts a request of the peer in: stale ones earn a 500 (§12.2.2). ACK and CANCEL carry the INVITE's number and are not asked.
    public mutating func receive(_ sequence: UInt32) -> Order {
        if let last = remoteSequence, sequence <= last { return .stale }
        remoteSequence = sequence
        return .inOrder
    }

    /// The peer moved (§12.2.2: target refresh by re-INVITE or UPDATE and their 2xx).
    public mutating func refreshTarget(_ contact: SIPURI?, over flow: Flow) {
        if let contact { remoteTarget = contact }
        self.flow = flow
    }

    /// Whether a message with this remote tag belongs here. A peer that gave no tag at first may give one later.
    public func recognises(remoteTag tag: String?) -> Bool { (tag ?? "") == remoteTag }

    /// Confirms an early dialog: both sides count on (§12.2).
    public mutating func goOn(from early: Dialog) {
        localSequence = max(localSequence, early.localSequence)
        remoteSequence = early.remoteSequence
    }
}

extension Via {
    /// Our Via's text for a request that goes out over `flow`, asking for symmetric response routing (RFC 3581).
    public static func ours(over flow: Flow, branch: String) -> String {
        "SIP/2.0/\(flow.transport.viaName) \(flow.local);branch=\(branch);rport"
    }
}

extension SIPRequest {
    /// Whether a peer that names this Contact is where it wrote from, and not at the Contact's port: it believes to be there, as its Via says, and is
    /// at another port of that address, which a NAT gave it. A peer that asks for `rport` takes what comes there (RFC 3581 §4); one that does
    /// not may write from a passing port.
    func isMapped(_ contact: SIPURI, over flow: Flow) -> Bool {
        guard flow.leadsBeside(contact), let vias = try? vias(), vias.count == 1, vias[0].hasRport else { return false }
        return IPAddress(vias[0].host)?.unmapped == contact.hostAddress?.unmapped
            && vias[0].sentByPort == contact.port ?? flow.transport.defaultPort
    }
}

extension Flow {
    /// Whether `uri` names another port of the address that its datagrams go to.
    func leadsBeside(_ uri: SIPURI) -> Bool {
        !transport.isReliable && uri.hostAddress?.unmapped == remote.ip.unmapped
            && uri.port ?? transport.defaultPort != remote.port
    }

    /// The flow that reaches `uri` from here: the same listener or connection, another address where the URI names one.
    /// `directly`: no proxy is between the peer and us, so its private address lies behind a NAT and this flow is the way back.
    public func leading(to uri: SIPURI, directly: Bool) -> Flow {
        guard let ip = reachableAddress(of: uri, directly: directly) else { return self }
        if ip.unmapped == remote.ip.unmapped, transport.isReliable { return self }
        let wanted = uri.transport ?? transport
        guard wanted == transport else { return self }
        var flow = moved(to: SocketAddress(ip, uri.port ?? transport.defaultPort))
        flow.isNamed = uri.transport == nil
        return flow
    }

    /// What `uri` names, where it can be reached from here.
    private func reachableAddress(of uri: SIPURI, directly: Bool) -> IPAddress? {
        guard let ip = uri.hostAddress, ip.isV6 == local.ip.isV6 else { return nil }
        if ip.isUnspecified || (ip.isLoopback && !remote.ip.isLoopback) { return nil }
        if directly, ip.isPrivate, ip.unmapped != remote.ip.unmapped { return nil }
        return ip
    }

    /// By datagrams to where `uri` says, beside this stream; nil: it asks for a stream, or says nothing that can be reached.
    func datagrams(to uri: SIPURI, directly: Bool) -> Flow? {
        guard transport.isReliable, uri.transport ?? .udp == .udp,
            let ip = reachableAddress(of: uri, directly: directly)
        else { return nil }
        var flow = Flow(transport: .udp, local: local, remote: SocketAddress(ip, uri.port ?? Transport.udp.defaultPort))
        flow.leavesFromAnywhere = true
        return flow
    }

    /// From the same place of ours to another of the peer's, over no connection that there is.
    func moved(to remote: SocketAddress) -> Flow {
        var flow = Flow(transport: transport, local: local, remote: remote)
        flow.leavesFromAnywhere = leavesFromAnywhere
        return flow
    }

    /// The Contact we give a peer that talks to us over this flow.
    public func contact(user: String?) -> SIPURI {
        var uri = SIPURI(user: user, host: "\(local.ip)", port: local.port)
        if transport != .udp { uri.parameters.set("transport", transport.rawValue) }
        return uri
    }
}

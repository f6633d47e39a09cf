public import ACD
public import Calls
public import Config
public import DialPlan
public import Events
public import Media
public import NetAddress
public import SIP
public import SIPMessage
public import Timebase

/// What the calls see of the engine: the way out for their SIP.
extension Engine: SIPOutlet {
    public func send(_ request: SIPRequest, over flows: [Flow]) -> ClientTransactionID {
        let (id, actions) = transactions.send(request, over: flows.flatMap(ways), now: now.instant)
        perform(actions)
        return id
    }

    public func cancel(_ transaction: ClientTransactionID, reason: String?) {
        let headers = reason.map { [(HeaderName.reason, $0)] } ?? []
        perform(transactions.cancel(transaction, headers: headers, now: now.instant))
    }

    public func sendStateless(_ message: SIPMessage, over flow: Flow) {
        perform(transactions.sendStateless(message, over: flow))
    }

    public func legAppeared(_ callID: String) { trace.legAppeared(callID, by: self) }
}

/// And what the world outside knows.
extension Engine: CallOracle {
    public func prompt(_ name: String, language: String) -> PromptClip? { outlet.prompt(name, language: language) }
    public func localTime(in zone: String, at moment: WallTime) -> LocalTime { outlet.localTime(in: zone, at: moment) }
    public func ask(_ url: String, timeout: Duration, for call: CallID) { outlet.ask(url, timeout: timeout, for: call) }
    public func tenant(_ id: TenantID) -> Tenant? { configuration.tenants[id] }
    public func isOwn(_ uri: SIPURI, of tenant: Tenant) -> Bool { isLookedUp(uri, in: tenant) }
    public func record(_ order: RecordingOrder) { outlet.record(order) }
    public func remember(_ agent: UserID, _ memory: Dispatcher.AgentMemory?) { outlet.remember(agent, memory) }
    public func remember(_ queue: QueueID, _ memory: Dispatcher.QueueMemory?) { outlet.remember(queue, memory) }
}

/// And where a target can be reached now.
extension Engine: TargetDirectory {
    public func reach(_ target: DialTarget, of tenant: Tenant) -> Reach {
        switch target {
        case .user(let number): reachUser(number, of: tenant)
        case .trunk(let name, let number): reachTrunk(name, number: number, of: tenant)
        case .group(let numbers): reachGroup(numbers, of: tenant)
        }
    }

    public func release(_ trunk: TrunkID) { trunks[trunk]?.release() }

    public func leave(_ trunk: TrunkID, aloneFor seconds: Int) {
        trunks[trunk]?.leaveAlone(for: seconds, now: now.instant)
        guard let rest = trunks[trunk]?.rest(now: now.instant) else { return }
        outlet.log(
            .warning,
            "trunk \(trunk) answers 503 with Retry-After: \(seconds): it gets no calls for \(rest) s",
            call: nil
        )
    }

    public func phones(of extension: String, of tenant: Tenant) -> Reach {
        phones(of: `extension`, for: `extension`, of: tenant)
    }

    private func reachUser(_ number: String, of tenant: Tenant) -> Reach {
        let desk = calls.acd.device(of: UserID(tenant: tenant.id, number: number)).number
        return phones(of: desk, for: number, of: tenant)
    }

    /// `number`: the user who is to be reached there.
    private func phones(of device: String, for number: String, of tenant: Tenant) -> Reach {
        guard tenant.users[number] != nil else {
            return .unreachable(.notFound, status: 404, retryAfter: nil, why: "no user \(number)")
        }
        let domain = tenant.domains.first ?? "localhost"
        let bindings = registrar.bindings(for: UserID(tenant: tenant.id, number: device), now: now.instant)
        let routes = bindings.map { binding in
            TargetRoute(
                uri: binding.contact,
                to: NameAddress(uri: SIPURI(user: number, host: domain)),
                fromHost: domain,
                flows: [binding.target],
                path: binding.path,
                label: "user \(number)",
                user: device
            )
        }
        guard !routes.isEmpty else {
            return .unreachable(.unavailable, status: 480, retryAfter: nil, why: "no phone is registered")
        }
        return .routes(routes)
    }

    /// Everybody of a group who can be reached.
    private func reachGroup(_ numbers: [String], of tenant: Tenant) -> Reach {
        var routes: [TargetRoute] = []
        var refusal = Reach.unreachable(.notFound, status: 404, retryAfter: nil, why: "the group is empty")
        for number in numbers {
            switch reachUser(number, of: tenant) {
            // Two of them may be reached at one phone.
            case .routes(let more): routes += more.filter { new in !routes.contains { $0.isSamePhone(as: new) } }
            case let other: refusal = other
            }
        }
        return routes.isEmpty ? refusal : .routes(routes)
    }

    private func reachTrunk(_ name: String, number: String, of tenant: Tenant) -> Reach {
        let id = TrunkID(tenant: tenant.id, name: name)
        // No URI has an empty user (RFC 3261 §25.1), and no carrier an empty number.
        guard !number.isEmpty else {
            return .unreachable(.notFound, status: 404, retryAfter: nil, why: "there is no number to dial")
        }
        guard let trunk = tenant.trunks[name], let monitor = trunks[id] else {
            return .unreachable(.failed, status: 500, retryAfter: nil, why: "no trunk '\(name)'")
        }
        guard monitor.isUp else {
            return .unreachable(
                .congestion,
                status: 503,
                retryAfter: 30,
                why: "the trunk is down: \(monitor.lastFailure ?? "")"
            )
        }
        if let wait = monitor.rest(now: now.instant) {
            return .unreachable(
                .congestion,
                status: 503,
                retryAfter: wait,
                why: "the trunk asked to be left alone for \(wait) s more"
            )
        }
        guard monitor.location != nil else {
            askForName(monitor.query)
            return .resolving
        }
        let ways: [Flow]
        switch self.ways(to: id) {
        case .failure(let fault): return .unreachable(.failed, status: 503, retryAfter: 30, why: fault.why)
        case .success(let found): ways = found
        }
        let proxies = serviceRoute(of: id)
        if let wait = trunks[id]?.admit(now: now.instant) {
            return .unreachable(.congestion, status: 503, retryAfter: wait, why: "the trunk is over its limit")
        }
        let flows = hops(ways, by: proxies.first)
        return .routes([
            TargetRoute(
                uri: trunk.uri(user: number),
                to: NameAddress(uri: SIPURI(user: number, host: trunk.host)),
                // Whom we are a customer of knows us by its own domain.
                fromHost: trunk.registration == nil ? flows.first.map { "\($0.local.ip)" } ?? trunk.host : trunk.host,
                flows: flows,
                path: proxies.map { "\($0)" },
                label: "trunk \(name) \(number)",
                trunk: id,
                credentials: trunk.credentials,
                takesIdentity: trunk.takesIdentity
            )
        ])
    }

    /// By whom calls to a trunk go that we are registered with (RFC 3608 §5).
    private func serviceRoute(of id: TrunkID) -> [NameAddress] {
        let client = registrations.values.first { $0.id == id && $0.isWanted }?.client
        return client.flatMap { $0.isRegistered(at: now.instant) ? $0.serviceRoute : nil } ?? []
    }

    /// The first of these is where a request goes that has a route; one whose host is a name is among the trunk's own servers.
    private func hops(_ ways: [Flow], by proxy: NameAddress?) -> [Flow] {
        guard let proxy else { return ways }
        return ways.reduce(into: []) { hops, way in
            let hop = way.leading(to: proxy.uri, directly: false)
            if !hops.contains(where: { $0.remote == hop.remote }) { hops.append(hop) }
        }
    }

    /// A flow from one of our listeners to a peer; nil when no listener has the transport and the address family.
    func flow(to remote: SocketAddress, transport: Transport) -> Flow? {
        let candidates = listeners.filter { $0.transport == transport && $0.address.ip.isV6 == remote.ip.isV6 }
        // A loopback listener cannot reach the world, nor should the world be told of it.
        let best = candidates.first { $0.address.ip.isLoopback == remote.ip.isLoopback } ?? candidates.first
        guard let best else { return nil }
        var flow = Flow(transport: transport, local: best.address, remote: remote)
        flow.leavesFromAnywhere = true
        flow.isNamed = true
        return flow
    }

    /// A flow, and what may stand in its place: requests too long for a datagram go over TCP, where the peer has it and a listener of
    /// ours (RFC 3261 §18.1.1).
    private func ways(_ flow: Flow) -> [Flow] {
        guard flow.transport == .udp else { return [flow] }
        // It goes on where a stream ended, which has another place of ours.
        guard listeners.contains(where: { $0.transport == .udp && $0.address.port == flow.local.port }) else {
            return [self.flow(to: flow.remote, transport: .udp) ?? flow]
        }
        guard flow.isNamed, !streamless.has(flow.remote, now: now.instant),
            var stream = self.flow(to: flow.remote, transport: .tcp)
        else { return [flow] }
        (stream.isTrial, stream.isForLongRequests) = (true, true)
        return [flow, stream]
    }

    func askForName(_ query: ServerQuery) {
        if names.shouldAsk(query, now: now.instant) { outlet.locate(query) }
    }
}

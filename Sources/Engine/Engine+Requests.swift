import Calls
import Config
import DialPlan
import Events
import NetAddress
import SIP
import SIPMessage
import Timebase

/// Who sent a request, and who deals with it.
extension Engine {
    func receive(_ request: SIPRequest, transaction: ServerTransactionID, over flow: Flow) {
        let isInDialog = (try? request.to().tag) != nil
        switch request.method {
        case .register: register(request, transaction: transaction, over: flow)
        case _ where isInDialog:
            guard calls.receive(request, transaction: transaction, over: flow) else {
                if request.method == .subscribe {
                    return refreshSubscription(request, transaction: transaction, over: flow)
                }
                return respond(transaction, with: SIPResponse(status: 481, to: request, toTag: nil))
            }
        case .invite: invite(request, transaction: transaction, over: flow)
        case .options: answerOptions(request, transaction: transaction)
        case .refer: refer(request, transaction: transaction, over: flow)
        case .subscribe: subscribe(request, transaction: transaction, over: flow)
        case .message, .publish, .notify:
            refuseAfterChallenge(request, transaction: transaction, over: flow)
        case .bye, .prack, .update, .info, .cancel, .ack:
            respond(transaction, with: SIPResponse(status: 481, to: request, toTag: ids.token()))
        default:
            respond(transaction, with: SIPResponse(status: 405, to: request, toTag: ids.token()))
        }
    }

    // MARK: INVITE

    private func invite(_ request: SIPRequest, transaction: ServerTransactionID, over flow: Flow) {
        guard !isDraining else { return refuse(transaction, request, 503, [(.retryAfter, "30")]) }
        if calls.settings.session.asksTooBrief(request) {
            return refuse(transaction, request, 422, [(.minSE, "\(calls.settings.session.minimumExpires)")])
        }
        guard (try? request.contacts().first) != nil else {
            return refuse(transaction, request, 400, [(.warning, .warning("the INVITE has no usable Contact"))])
        }
        guard let identity = identify(request, transaction: transaction, over: flow) else { return }
        let isForeign = identity.trunk == nil && !isLookedUp(request.uri, in: identity.tenant)
        guard isForeign || !takesPlace(request, transaction: transaction, over: flow, from: identity) else { return }
        let wait = identity.trunk.flatMap { trunks[$0]?.admit(now: now.instant) }
        if let wait, let trunk = identity.trunk, !turnsAwayOnRecord(trunk) {
            return refuse(transaction, request, 503, [(.retryAfter, "\(wait)")])
        }
        do throws(SIPFault) {
            try calls.receiveInvite(
                request,
                transaction: transaction,
                over: flow,
                from: identity,
                opening: opening(of: request.uri, isForeign: isForeign),
                turnedAwayFor: wait
            )
        } catch {
            if wait == nil, let trunk = identity.trunk { trunks[trunk]?.release() }
            refuse(transaction, request, error.status ?? 400, [(.warning, .warning(error.what))])
        }
    }

    /// A trunk has no place for a call of its own. True: the call has a record all the same.
    private func turnsAwayOnRecord(_ trunk: TrunkID) -> Bool {
        guard trunks[trunk]?.turnsAwayOnRecord(now: now.instant) == true else { return false }
        let unrecorded = trunks[trunk]?.unrecorded ?? 0
        let more = unrecorded > 0 ? " (\(unrecorded) such calls have no record)" : ""
        outlet.log(.warning, "trunk \(trunk) is over its limit: 503\(more)", call: nil)
        return true
    }

    /// What is done with a call for this address in the place of its plan; nil: the plan.
    private func opening(of uri: SIPURI, isForeign: Bool) -> Instruction? {
        if isForeign { return .hangup(.notFound) }
        // Without a user it is a call without a number, which a plan may take.
        return uri.user != nil && uri.number == nil ? .hangup(.invalidNumber) : nil
    }

    /// The caller of an INVITE: a trunk by its address, or a user by its credentials. nil: it was answered already.
    private func identify(
        _ request: SIPRequest,
        transaction: ServerTransactionID,
        over flow: Flow
    ) -> CallerIdentity? {
        if let (tenant, trunk) = trunk(of: request, at: flow.remote) {
            guard let plan = trunk.dialPlan.flatMap({ tenant.dialPlans[$0] }) else {
                outlet.log(.warning, "trunk \(trunk.name) has no dial plan for incoming calls: 404", call: nil)
                refuse(transaction, request, 404)
                return nil
            }
            let party = CallingParty(of: request, isTrusted: true)
            let caller = party.number ?? "anonymous"
            return CallerIdentity(
                tenant: tenant,
                direction: .inbound,
                number: caller,
                name: party.name,
                trunk: TrunkID(tenant: tenant.id, name: trunk.name),
                user: nil,
                plan: plan,
                isPrivate: party.isPrivate,
                isAsserted: party.isAsserted,
                called: plan.choice(
                    among: trunk.numbers(calledBy: request),
                    caller: caller,
                    trunk: trunk.name
                )
            )
        }
        guard let (tenant, user) = authenticate(request, transaction: transaction, over: flow) else { return nil }
        if !isLookedUp(request.uri, in: tenant) {
            outlet.log(
                .notice,
                "user \(user.number) of \(tenant.id) calls \(request.uri), which is not of his tenant: 404",
                call: nil
            )
        }
        guard let plan = tenant.internalPlan else {
            outlet.log(.warning, "tenant \(tenant.id) has no dial plan 'internal': 404", call: nil)
            refuse(transaction, request, 404)
            return nil
        }
        return CallerIdentity(
            tenant: tenant,
            direction: plan.leadsOut(from: request.uri.number ?? "", caller: user.number) ? .outbound : .internal,
            number: user.number,
            name: user.name,
            trunk: nil,
            user: user.number,
            plan: plan,
            // Who he is his password says; whether others may know is his to say.
            isPrivate: CallingParty(of: request, isTrusted: false).isPrivate,
            isAsserted: true
        )
    }

    /// The trunk that a request comes from: its registrar sends it to our contact, or its address is known.
    ///
    /// One carrier may serve several tenants from one address: the domain that the request names decides, then whose plan has a
    /// rule for the number.
    func trunk(of request: SIPRequest, at address: SocketAddress) -> (Tenant, Trunk)? {
        if let registered = trunk(registeredAt: request.uri) { return registered }
        let host = request.uri.host.lowercased()
        // Whoever calls another tenant's domain from a trunk's address is no call of the trunk: one building has one address.
        let found = trunkSources.filter { isSource(address, of: $0) }
            .compactMap { source in configuration.tenants[source.tenant].map { ($0, source.trunk) } }
            .filter { !isAnothers(host, than: $0.0) }
        guard found.count > 1 else { return found.first }
        let named = found.filter { tenant, _ in tenant.domains.contains(host) }
        let candidates = named.isEmpty ? found : named
        let called = request.uri.number ?? ""
        let caller = (try? request.from())?.uri.number ?? ""
        let taking = candidates.first { tenant, trunk in
            let plan = trunk.dialPlan.flatMap { tenant.dialPlans[$0] }
            return plan?.route(called: called, caller: caller, trunk: trunk.name) != nil
        }
        return taking ?? candidates.first
    }

    /// The trunks that this address is, whichever tenants': one carrier may serve several.
    func trunks(at address: SocketAddress) -> [TrunkID] {
        trunkSources.filter { isSource(address, of: $0) }.map { TrunkID(tenant: $0.tenant, name: $0.trunk.name) }
    }

    /// Whether a call from this address is the trunk's: its configuration names the address, or DNS does.
    private func isSource(_ address: SocketAddress, of source: TrunkSource) -> Bool {
        let trunk = source.trunk
        guard trunk.identifyPort == nil || trunk.identifyPort == address.port else { return false }
        if trunk.acceptFrom.contains(where: { $0.contains(address.ip) }) { return true }
        guard trunk.acceptsFromHost, trunk.dialPlan != nil else { return false }
        return trunks[TrunkID(tenant: source.tenant, name: trunk.name)]?.hasServer(at: address.ip, now: now.instant)
            ?? false
    }

    // MARK: who is it

    /// The user whose credentials a request carries. nil: it was challenged or refused.
    func authenticate(
        _ request: SIPRequest,
        transaction: ServerTransactionID,
        over flow: Flow
    ) -> (Tenant, User)? {
        guard let tenant = tenant(of: request) else {
            logStranger(.info, "\(request.method.name) from \(flow) for a domain that is nobody's: 404")
            refuse(transaction, request, 404)
            return nil
        }
        let verdict = digest.verify(
            request.headers.all(.authorization),
            method: request.method,
            requestURI: request.uri.description,
            realm: tenant.realm,
            now: now.wall
        ) { tenant.users[$0]?.credentials }
        let phone = perplexable(request, over: flow)
        switch verdict {
        case .missing: if let phone, request.method == .register { perplexed.asks(phone, now: now.instant) }
        case .accepted, .stale, .refused: if let phone { perplexed.answered(phone, now: now.instant) }
        }
        let isAlone = phone.map { perplexed.has($0, now: now.instant) } ?? false
        switch verdict {
        case .accepted(let name):
            guard let user = tenant.users[name] else { break }
            return (tenant, user)
        case .missing: break
        case .stale:
            challenge(request, transaction: transaction, realm: tenant.realm, stale: true, isAlone: isAlone)
            return nil
        case .refused(let why):
            counters.authenticationFailures &+= 1
            logStranger(.notice, "\(request.method.name) from \(flow) refused: \(why)")
        }
        challenge(request, transaction: transaction, realm: tenant.realm, stale: false, isAlone: isAlone)
        return nil
    }

    /// Who it is that two challenges may be too many for; a request that does not name its program is no phone's.
    private func perplexable(_ request: SIPRequest, over flow: Flow) -> PerplexedPhones.Phone? {
        guard let user = (try? request.from())?.uri.user, let product = request.headers[.userAgent] else { return nil }
        return PerplexedPhones.Phone(address: flow.remote.ip, user: user, product: product)
    }

    func logStranger(_ level: LogLevel, _ text: String) {
        if let line = strangersLog.take(text, now: now.instant) { outlet.log(level, line, call: nil) }
    }

    private func challenge(
        _ request: SIPRequest,
        transaction: ServerTransactionID,
        realm: String,
        stale: Bool,
        isAlone: Bool
    ) {
        var response = SIPResponse(status: 401, to: request, toTag: ids.token())
        let challenges = digest.challenges(
            realm: realm,
            stale: stale,
            now: now.wall,
            randomness: ids.bits(),
            userAgent: request.headers[.userAgent],
            isAlone: isAlone
        )
        for value in challenges { response.headers.append(.wwwAuthenticate, value) }
        response.headers.append(.server, calls.settings.session.product)
        respond(transaction, with: response)
    }

    /// The tenant that a request is for: by the domain of its To, From or Request-URI; with one tenant, whatever they say.
    func tenant(of request: SIPRequest) -> Tenant? {
        if configuration.tenants.count == 1 { return configuration.tenants.values.first }
        let hosts = [(try? request.from())?.uri.host, (try? request.to())?.uri.host, request.uri.host]
        for host in hosts {
            guard let host = host?.lowercased() else { continue }
            if let tenant = configuration.tenants.values.first(where: { $0.domains.contains(host) }) { return tenant }
        }
        return nil
    }

    // MARK: REGISTER, OPTIONS and the rest

    private func register(_ request: SIPRequest, transaction: ServerTransactionID, over flow: Flow) {
        guard let (tenant, user) = authenticate(request, transaction: transaction, over: flow) else { return }
        guard isAddressOfRecord(request, of: user, in: tenant) else {
            outlet.log(.notice, "user \(user.number) from \(flow) would register another's address: 403", call: nil)
            return refuse(transaction, request, 403)
        }
        let (response, actions) = registrar.register(
            request,
            user: UserID(tenant: tenant.id, number: user.number),
            over: flow,
            now: now
        )
        apply(actions)
        respond(transaction, with: response)
    }

    /// Whether the To is the user's own: nobody registers for somebody else (RFC 3261 §10.3 step 4).
    private func isAddressOfRecord(_ request: SIPRequest, of user: User, in tenant: Tenant) -> Bool {
        guard let uri = (try? request.to())?.uri, uri.number == user.number else { return false }
        return !isAnothers(uri.host, than: tenant)
    }

    /// Whether an address is one of this tenant's (RFC 3261 §8.2.2.1): of its domains, or of the machine; with one tenant, whatever it says.
    func isLookedUp(_ uri: SIPURI, in tenant: Tenant) -> Bool {
        guard configuration.tenants.count > 1 else { return true }
        return uri.host.isEmpty || tenant.domains.contains(uri.host) || uri.hostAddress != nil
    }

    /// Whether a host is another tenant's domain.
    func isAnothers(_ host: String, than tenant: Tenant) -> Bool {
        configuration.tenants.values.contains { $0.id != tenant.id && $0.domains.contains(host) }
    }

    private func answerOptions(_ request: SIPRequest, transaction: ServerTransactionID) {
        var response = SIPResponse(status: isDraining ? 503 : 200, to: request, toTag: ids.token())
        if isDraining { response.headers.append(.retryAfter, "30") }
        response.headers.append(.allow, SessionSettings.allow + ", REGISTER")
        response.headers.append(.accept, "application/sdp")
        response.headers.append(.acceptEncoding, "identity")
        response.headers.append(.acceptLanguage, "en")
        response.headers.append(.supported, SessionSettings.supported)
        response.headers.append(.allowEvents, EventPackage.allowed)
        response.headers.append(.server, calls.settings.session.product)
        respond(transaction, with: response)
    }

    /// What we do not take is refused only to those who may ask at all (a stranger learns nothing, and cannot flood).
    private func refuseAfterChallenge(_ request: SIPRequest, transaction: ServerTransactionID, over flow: Flow) {
        if trunk(of: request, at: flow.remote) == nil,
            authenticate(request, transaction: transaction, over: flow) == nil
        {
            return
        }
        // A notification of nothing that was asked for belongs to no subscription (RFC 6665 §4.1.3).
        guard request.method != .notify else { return refuse(transaction, request, 481) }
        refuse(transaction, request, 405, [(.allow, SessionSettings.allow + ", REGISTER")])
    }

    func refuse(
        _ transaction: ServerTransactionID,
        _ request: SIPRequest,
        _ status: Int,
        _ headers: [(HeaderName, String)] = []
    ) {
        var response = SIPResponse(status: status, to: request, toTag: ids.token())
        for (name, value) in headers { response.headers.append(name, value) }
        response.headers.append(.server, calls.settings.session.product)
        respond(transaction, with: response)
    }
}

/// A trunk and whose it is.
struct TrunkSource {
    var tenant: TenantID
    var trunk: Trunk
}

extension Trunk {
    /// The numbers that a call of it may be for. A carrier that calls the account that we registered has that in the Request-URI, whichever of the
    /// account's numbers was dialled; it names that in P-Called-Party-ID (RFC 7315 §4.2) or in the To.
    fileprivate func numbers(calledBy request: SIPRequest) -> [String] {
        guard let account = registration?.user, request.uri.number == account else { return [] }
        let called = request.headers.list(HeaderName("P-Called-Party-ID")).prefix(1).compactMap { try? NameAddress($0) }
        let named = (called + [try? request.to()].compactMap(\.self)).compactMap(\.uri.number)
        return named.filter {
            $0.utf8.allSatisfy { UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 || $0 == UInt8(ascii: "+") }
        } + [account]
    }
}

public import Events
public import NetAddress
public import SIPMessage
public import Timebase

/// Where each user can be reached now (RFC 3261 §10). Values in, actions out.
public struct Registrar: Sendable {
    struct Refusal: Error {
        var status: Int
        var what: String
        var headers: [(HeaderName, String)]

        init(_ status: Int, _ what: String, _ headers: [(HeaderName, String)] = []) {
            (self.status, self.what, self.headers) = (status, what, headers)
        }
    }

    enum TimerKey: Hashable, Sendable {
        case expiry(UserID, String)
        case probe(UserID, String)
    }

    let limits: RegistrarLimits
    var bindings: [UserID: [Binding]] = [:]
    /// Bindings whose connection has ended: the same phone may come back by another one, in the middle of a call.
    private var severed: [UserID: [Binding]] = [:]
    private var timers = TimerQueue<TimerKey>()

    public init(limits: RegistrarLimits) { self.limits = limits }

    // MARK: REGISTER

    /// A REGISTER of a user who proved to be it. All its changes are made, or none (§10.3 step 7).
    public mutating func register(
        _ request: SIPRequest,
        user: UserID,
        over flow: Flow,
        now: Moment
    ) -> (SIPResponse, [RegistrarAction]) {
        do throws(Refusal) {
            let actions = try change(request, user: user, over: flow, now: now)
            return (listing(of: user, for: request, now: now), actions)
        } catch {
            var response = SIPResponse(status: error.status, to: request, toTag: Self.tag(of: request))
            for (name, value) in error.headers { response.headers.append(name, value) }
            response.headers.append(.warning, .warning(error.what))
            return (response, [])
        }
    }

    private mutating func change(
        _ request: SIPRequest,
        user: UserID,
        over flow: Flow,
        now: Moment
    ) throws(Refusal) -> [RegistrarAction] {
        guard let callID = request.headers[.callID], let cSeq = try? request.cSeq().number else {
            throw Refusal(400, "no Call-ID or CSeq")
        }
        let expires: UInt32?
        do throws(SIPFault) { expires = try request.expires() } catch { throw Refusal(400, error.what) }
        let known = bindings[user] ?? []
        if request.isStarContact {
            guard expires == 0 else { throw Refusal(400, "Contact: * goes with Expires: 0 alone") }
            for binding in known { try Self.checkOrder(binding, callID, cSeq) }
            return known.flatMap { remove($0, of: user, why: "unregistered", now: now) }
        }
        let contacts: [NameAddress]
        do throws(SIPFault) { contacts = try request.contacts() } catch { throw Refusal(400, error.what) }
        let path = try Self.path(of: request)
        var changes: [ContactChange] = []
        for contact in contacts { changes.append(try ContactChange(contact, expires: expires, limits: limits)) }
        // What it removes makes room for what it adds, in whatever order: a phone that has moved says both.
        var added = 0
        var kept = Set(known.indices)
        for change in changes {
            guard let old = Self.index(of: change, in: known) else {
                added += change.seconds > 0 ? 1 : 0
                continue
            }
            try Self.checkOrder(known[old], callID, cSeq)
            if change.seconds > 0 { kept.insert(old) } else { kept.remove(old) }
        }
        guard added == 0 || kept.count + added <= limits.maxContacts else {
            throw Refusal(403, "more than \(limits.maxContacts) contacts")
        }
        var actions: [RegistrarAction] = []
        for change in changes {
            actions += apply(change, callID, cSeq, request, by: path, user: user, over: flow, now: now)
        }
        return actions
    }

    /// The proxies that a REGISTER came by, and requests are to go by. Whoever does not know of them might be surprised, so he
    /// must say that he does (RFC 3327 §5.3).
    private static func path(of request: SIPRequest) throws(Refusal) -> [String] {
        let path = request.headers.list(.path)
        guard !path.isEmpty else { return [] }
        guard request.headers.list(.supported).contains(where: { $0.lowercased() == "path" }) else {
            throw Refusal(420, "a Path without Supported: path", [(.unsupported, "path")])
        }
        let isUsable = path.count <= mostProxies && path.allSatisfy { $0.utf8.count <= longestProxy && hop($0) != nil }
        guard isUsable else { throw Refusal(400, "a Path that cannot be followed") }
        return path
    }

    private static func hop(_ proxy: String) -> SIPURI? { (try? NameAddress(proxy))?.uri }

    /// A phone cannot make what we keep and send grow.
    private static let mostProxies = 8
    private static let longestProxy = 256

    /// A REGISTER that was overtaken by a later one of the same phone changes nothing (§10.3 step 7).
    private static func checkOrder(_ binding: Binding, _ callID: String, _ cSeq: UInt32) throws(Refusal) {
        guard binding.callID != callID || cSeq > binding.cSeq else {
            throw Refusal(500, "a later REGISTER of this Call-ID came before", [(.retryAfter, "1")])
        }
    }

    private static func index(of change: ContactChange, in known: [Binding]) -> Int? {
        known.firstIndex { binding in
            if let instance = change.instance, instance == binding.instance { return true }
            return binding.contact.isEquivalent(to: change.contact.uri)
        }
    }

    private mutating func apply(
        _ change: ContactChange,
        _ callID: String,
        _ cSeq: UInt32,
        _ request: SIPRequest,
        by path: [String],
        user: UserID,
        over flow: Flow,
        now: Moment
    ) -> [RegistrarAction] {
        let old = Self.index(of: change, in: bindings[user] ?? []).flatMap { bindings[user]?[$0] }
        guard change.seconds > 0 else {
            return old.map { remove($0, of: user, why: "unregistered", now: now) } ?? []
        }
        var (target, isBehindNAT) = Self.target(of: change.contact.uri, by: path, source: flow)
        let isMapped = path.isEmpty && request.isMapped(change.contact.uri, over: flow)
        if isMapped { target = flow }
        if path.isEmpty, Self.isTranslated(request, source: flow) { (target.isNamed, isBehindNAT) = (false, true) }
        let lasts: Duration = .seconds(change.seconds)
        let binding = Binding(
            contact: change.contact.uri,
            target: target,
            source: flow,
            q: change.q,
            callID: callID,
            cSeq: cSeq,
            userAgent: request.headers[.userAgent].map { String($0.prefix(128)) },
            registeredAt: old?.registeredAt ?? now.wall,
            expiresAt: Moment(instant: now.instant + lasts, wall: now.wall.advanced(by: lasts)),
            roundTrip: nil,
            instance: change.instance,
            isBehindNAT: isBehindNAT,
            isMapped: isMapped,
            path: path
        )
        var actions: [RegistrarAction] = []
        let isReplaced = old.map { "\($0.contact)" != "\(binding.contact)" } ?? false
        if let old, isReplaced { actions += remove(old, of: user, why: "replaced", now: now) }
        insert(binding, after: isReplaced ? nil : old, of: user, now: now)
        actions.append(.store(StoredRegistration(binding, of: user)))
        if old?.source != flow {
            if flow.transport.isReliable, let left = old ?? takeSevered(like: binding, of: user, now: now),
                left.source.transport.isReliable
            {
                actions.append(.moved(user, from: left.source, to: flow))
            }
            actions.append(.publish(.registered(binding.changed(reason: nil).of(user)), user.tenant))
        }
        return actions
    }

    private mutating func sever(_ binding: Binding, of user: UserID, now: Moment) {
        let others = (severed[user] ?? []).filter { $0.expiresAt.instant > now.instant }
        severed[user] = others.suffix(max(0, limits.maxContacts - 1)) + [binding]
    }

    /// What this phone, and no other of the user's, was registered by until its connection ended.
    private mutating func takeSevered(like binding: Binding, of user: UserID, now: Moment) -> Binding? {
        guard let own = severed[user] else { return nil }
        let places = own.indices.filter { own[$0].expiresAt.instant > now.instant && own[$0].isSamePhone(as: binding) }
        guard places.count == 1, let place = places.first else { return nil }
        severed[user]?.remove(at: place)
        if severed[user]?.isEmpty == true { severed[user] = nil }
        return own[place]
    }

    /// The source address wins over a Contact that cannot be reached from here: a private address written from elsewhere, a
    /// name, or anything said over a stream, whose connection is the way back (RFC 5626 §3.1).
    ///
    /// Where it came by proxies, the nearest of them is the way back, and the phone's NAT is that one's affair.
    private static func target(of contact: SIPURI, by path: [String], source: Flow) -> (Flow, isBehindNAT: Bool) {
        if let proxy = path.first.flatMap(hop) { return (source.leading(to: proxy, directly: false), false) }
        if source.transport.isReliable { return (source, false) }
        guard let ip = contact.hostAddress, ip.unmapped == source.remote.ip.unmapped else {
            let isPublic = contact.hostAddress.map { !$0.isPrivate && !$0.isLoopback && !$0.isUnspecified } ?? false
            if isPublic { return (source.leading(to: contact, directly: false), false) }
            return (source, true)
        }
        // From its own address: the phone takes calls on the port that it names.
        return (source.leading(to: contact, directly: true), false)
    }

    /// Whether the phone believes to be elsewhere than where its REGISTER came from: a NAT's mapping is what leads back, though its Contact
    /// names it already, learnt by STUN or from our answers (RFC 3581 §4).
    private static func isTranslated(_ request: SIPRequest, source: Flow) -> Bool {
        guard !source.transport.isReliable, let via = try? request.topVia(), let ip = IPAddress(via.host) else {
            return false
        }
        return ip.unmapped != source.remote.ip.unmapped || via.sentByPort != source.remote.port
    }

    /// The same for a repeated request; it names no dialog.
    private static func tag(of request: SIPRequest) -> String {
        (try? request.topVia()).map { TransactionLayer.statelessTag(request, via: $0) } ?? "gudok"
    }

    /// The 200 lists every binding there is (§10.3 step 8).
    private func listing(of user: UserID, for request: SIPRequest, now: Moment) -> SIPResponse {
        var response = SIPResponse(status: 200, to: request, toTag: Self.tag(of: request))
        // Phones without a clock of their own set theirs by it (§10.3 step 8).
        response.headers.append(.date, now.wall.rfc1123)
        // By which way it came is told to whoever registered (RFC 3327 §5.3).
        for proxy in request.headers.list(.path) { response.headers.append(.path, proxy) }
        for binding in bindings(for: user, now: now.instant) {
            let left = max(0, Int((binding.expiresAt.instant - now.instant).inSeconds.rounded(.up)))
            var value = "<\(binding.contact)>;expires=\(left)"
            if binding.q < 1000 { value += ";q=\(Double(binding.q) / 1000)" }
            response.headers.append(.contact, value)
        }
        return response
    }

    // MARK: what others ask

    /// The ways to reach a user, the preferred first, of equals the newest.
    public func bindings(for user: UserID, now: Instant) -> [Binding] {
        (bindings[user] ?? []).filter { $0.expiresAt.instant > now }.sorted {
            ($1.q, $1.registeredAt) < ($0.q, $0.registeredAt)
        }
    }

    public func allBindings(now: Instant) -> [(UserID, Binding)] {
        let users = bindings.keys.sorted { $0.description < $1.description }
        return users.flatMap { user in bindings(for: user, now: now).map { (user, $0) } }
    }

    /// Whether somebody is reached over this stream.
    public func reaches(over flow: Flow) -> Bool {
        bindings.values.contains { $0.contains { $0.source.isSameWay(as: flow) } }
    }

    public var count: Int { bindings.values.reduce(0) { $0 + $1.count } }

    // MARK: what ends bindings

    /// A connection is gone, and with it what was registered over it.
    public mutating func connectionClosed(_ connection: UInt64, now: Moment) -> [RegistrarAction] {
        guard connection != 0 else { return [] }
        for (user, own) in bindings {
            for binding in own where binding.source.connection == connection { sever(binding, of: user, now: now) }
        }
        return removeAll(why: "connection-lost", now: now) { _, binding in binding.source.connection == connection }
    }

    /// Users that are no longer there lose their bindings.
    public mutating func keep(_ isKept: (UserID) -> Bool, now: Moment) -> [RegistrarAction] {
        severed = severed.filter { isKept($0.key) }
        return removeAll(why: "user-removed", now: now) { user, _ in !isKept(user) }
    }

    private mutating func removeAll(
        why: String,
        now: Moment,
        where isGone: (UserID, Binding) -> Bool
    ) -> [RegistrarAction] {
        // Sorted for the sake of reproducible days; few are hit, of all that are registered.
        let gone = bindings.compactMap { user, own in
            let hit = own.filter { isGone(user, $0) }
            return hit.isEmpty ? nil : (user: user, bindings: hit)
        }
        return gone.sorted { $0.user.description < $1.user.description }.flatMap { user, hit in
            hit.flatMap { remove($0, of: user, why: why, now: now) }
        }
    }

    /// `old` is what stood for this contact until now.
    private mutating func insert(_ binding: Binding, after old: Binding?, of user: UserID, now: Moment) {
        let key = "\(binding.contact)"
        var binding = binding
        // A REGISTER says that the phone reaches us, and not that we reach it: it is asked on as before.
        let isRefresh = old?.source.isSameWay(as: binding.source) ?? false
        if isRefresh, let old { binding.goOn(from: old) }
        bindings[user, default: []].removeAll { $0.contact.isEquivalent(to: binding.contact) }
        bindings[user, default: []].append(binding)
        timers.start(.expiry(user, key), at: binding.expiresAt.instant)
        if binding.isBehindNAT, let interval = limits.keepAliveInterval {
            if !isRefresh || !timers.contains(.probe(user, key)) {
                timers.start(.probe(user, key), at: now.instant + interval)
            }
        } else {
            timers.stop(.probe(user, key))
        }
    }

    private mutating func remove(_ binding: Binding, of user: UserID, why: String, now: Moment) -> [RegistrarAction] {
        let key = "\(binding.contact)"
        bindings[user]?.removeAll { "\($0.contact)" == key }
        if bindings[user]?.isEmpty == true { bindings[user] = nil }
        timers.stop(.expiry(user, key))
        timers.stop(.probe(user, key))
        let told = binding.changed(reason: why).of(user)
        let event: Event = why == "expired" ? .registrationExpired(told) : .unregistered(told)
        return [.remove(StoredRegistration(binding, of: user)), .publish(event, user.tenant)]
    }

    // MARK: time

    public var nextDeadline: Instant? { mutating get { timers.nextDeadline } }

    public mutating func fire(now: Moment) -> [RegistrarAction] {
        var actions: [RegistrarAction] = []
        while let key = timers.popDue(now: now.instant) {
            switch key {
            case .expiry(let user, let contact):
                guard let binding = binding(user, contact) else { continue }
                actions += remove(binding, of: user, why: "expired", now: now)
            case .probe(let user, let contact):
                guard let index = index(user, contact), let binding = bindings[user]?[index],
                    let interval = limits.keepAliveInterval
                else { continue }
                timers.start(key, at: now.instant + interval)
                guard binding.probeSent == nil else { continue }
                bindings[user]?[index].probeSent = now.instant
                actions.append(.probe(RegistrarProbe(user: user, contact: binding.contact, flow: binding.target)))
            }
        }
        return actions
    }

    /// A keep-alive was answered, with whatever status, or not. `repeated`: after so long it was sent again, and a later answer tells no
    /// round trip, as nobody knows to which of the two it is (Karn's algorithm, RFC 6298 §3); nil: over a stream it never is.
    public mutating func probeAnswered(
        _ probe: RegistrarProbe,
        succeeded: Bool,
        repeated: Duration?,
        now: Moment
    ) -> [RegistrarAction] {
        guard let index = index(probe.user, "\(probe.contact)"), var binding = bindings[probe.user]?[index] else {
            return []
        }
        if succeeded {
            if let sent = binding.probeSent, repeated.map({ now.instant - sent < $0 }) ?? true {
                binding.roundTrip = now.instant - sent
            }
            binding.missedProbes = 0
        } else {
            binding.missedProbes += 1
        }
        binding.probeSent = nil
        bindings[probe.user]?[index] = binding
        guard binding.missedProbes >= limits.keepAliveFailures else { return [] }
        return remove(binding, of: probe.user, why: "unreachable", now: now)
    }

    private func index(_ user: UserID, _ contact: String) -> Int? {
        bindings[user]?.firstIndex { "\($0.contact)" == contact }
    }

    private func binding(_ user: UserID, _ contact: String) -> Binding? {
        index(user, contact).flatMap { bindings[user]?[$0] }
    }

    // MARK: over a restart

    /// Takes back what was kept. What ran out meanwhile, or hung on a connection, is gone.
    public mutating func restore(_ stored: [StoredRegistration], now: Moment) -> [RegistrarAction] {
        var actions: [RegistrarAction] = []
        for registration in stored {
            let left = registration.expiresAt.milliseconds - now.wall.milliseconds
            guard left > 0, !registration.transport.isReliable, let contact = try? SIPURI(registration.contact),
                let local = SocketAddress(registration.local), let remote = SocketAddress(registration.remote)
            else {
                actions.append(.remove(registration))
                continue
            }
            let flow = Flow(transport: registration.transport, local: local, remote: remote)
            let path = registration.path ?? []
            var (target, isBehindNAT) = Self.target(of: contact, by: path, source: flow)
            if registration.isMapped == true { target = flow }
            if registration.isBehindNAT == true { (target.isNamed, isBehindNAT) = (false, true) }
            // A clock that was set back must not make a binding live longer than it was granted.
            let lasts: Duration = .milliseconds(min(left, Int64(limits.maxExpires) * 1000))
            let binding = Binding(
                contact: contact,
                target: target,
                source: flow,
                q: registration.q,
                callID: registration.callID,
                cSeq: registration.cSeq,
                userAgent: registration.userAgent,
                registeredAt: registration.registeredAt,
                expiresAt: Moment(instant: now.instant + lasts, wall: now.wall.advanced(by: lasts)),
                roundTrip: nil,
                instance: registration.instance,
                isBehindNAT: isBehindNAT,
                isMapped: registration.isMapped ?? false,
                path: path
            )
            insert(binding, after: nil, of: registration.user, now: now)
        }
        return actions
    }
}

extension RegistrationChanged {
    /// The user whose address of record it is: the Contact's own user part may be anything.
    fileprivate func of(_ user: UserID) -> RegistrationChanged {
        var told = self
        told.user = user.number
        return told
    }
}

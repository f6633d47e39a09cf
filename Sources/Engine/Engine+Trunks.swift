import Calls
import Config
import Events
import NetAddress
public import SIP
import SIPMessage
public import Timebase

/// The trunks' health (RFC 3261 §11: OPTIONS asks whether anybody is there) and the phones' keep-alives.
extension Engine {
    /// Follows the trunks of the present configuration, and forgets those that are gone.
    func trackTrunks() {
        var tracked: [TrunkID: TrunkMonitor] = [:]
        let transports = configuration.node.transports
        for tenant in configuration.tenants.values {
            for trunk in tenant.trunks.values {
                let id = TrunkID(tenant: tenant.id, name: trunk.name)
                if let old = trunks[id] {
                    let monitor = TrunkMonitor(trunk: trunk, transports: transports, keeping: old, now: now.instant)
                    if monitor.query != old.query || !trunk.probe.isEnabled { forgetProbes(of: id) }
                    if monitor.isUp, !old.isUp { cameUp(id) }
                    tracked[id] = monitor
                } else {
                    // One that was taken out and is put back may still carry calls of before.
                    tracked[id] = TrunkMonitor(
                        trunk: trunk,
                        transports: transports,
                        carrying: calls.placesTaken(on: id),
                        now: now.instant
                    )
                }
            }
        }
        trunks = tracked
        nextTrunkProbe = trunks.values.map(\.nextProbe).min()
        trunkSources = configuration.tenants.values.sorted { $0.id < $1.id }.flatMap { tenant in
            tenant.trunks.values.sorted { $0.name < $1.name }.map { TrunkSource(tenant: tenant.id, trunk: $0) }
        }
        trackNames()
        trackRegistrations()
    }

    func probeTrunks() {
        guard let due = nextTrunkProbe, due <= now.instant else { return }
        defer { nextTrunkProbe = trunks.values.map(\.nextProbe).min() }
        for id in trunks.keys.sorted(by: { $0.description < $1.description }) {
            guard var monitor = trunks[id], monitor.nextProbe <= now.instant else { continue }
            monitor.nextProbe = now.instant + monitor.trunk.probe.interval
            trunks[id] = monitor
            if monitor.trunk.probe.isEnabled { probe(id, monitor.trunk) }
        }
    }

    private func probe(_ id: TrunkID, _ trunk: Trunk) {
        guard let monitor = trunks[id] else { return }
        switch ways(to: id) {
        case .failure(let fault): missed(id, fault.why)
        case .success(let flows):
            guard let flow = flows.first else { return }
            // One question at a time; whoever could not say anything to the last one in time is not there.
            if let sent = monitor.probeSent {
                guard now.instant - sent >= calls.settings.trunkPatience * flows.count else { return }
                forgetProbes(of: id)
                missed(id, "no answer to OPTIONS")
            }
            trunks[id]?.probeSent = now.instant
            errands[send(makeOptions(to: trunk.uri(), flow: flow), over: flows)] = .probe(id)
            for flow in flows where monitor.avoided[ServerTarget(flow)] != nil {
                errands[send(makeOptions(to: trunk.uri(), flow: flow), over: [flow])] = .retry(id, ServerTarget(flow))
            }
        }
    }

    /// Whatever is said to them yet, or not, is nothing any more.
    private func forgetProbes(of id: TrunkID) {
        errands = errands.filter { if case .probe(id) = $0.value { false } else { true } }
    }

    /// The ways to a trunk's servers for a request of ours, each to be tried when the one before fails; while its name is
    /// unknown it is asked for.
    func ways(to id: TrunkID) -> Result<[Flow], RegistrationClient.Unreachable> {
        guard var monitor = trunks[id] else { return .failure(.init("no trunk '\(id.name)'")) }
        var lots = SeededGenerator(seed: ids.bits())
        let targets = monitor.targets(now: now.instant, using: &lots)
        trunks[id] = monitor
        guard let first = targets.first else {
            askForName(monitor.query)
            return .failure(.init(monitor.location?.fault ?? "no address for \(monitor.trunk.host)"))
        }
        let flows = targets.prefix(Self.mostServers).compactMap { flow(to: $0.address, transport: $0.transport) }
        guard !flows.isEmpty else {
            return .failure(.init("no \(first.transport.rawValue) listener reaches \(first.address.ip)"))
        }
        return .success(flows)
    }

    /// Nobody who calls waits for more servers of a trunk than this.
    private static let mostServers = 5

    func makeOptions(to uri: SIPURI, flow: Flow) -> SIPRequest {
        var request = SIPRequest(method: .options, uri: uri)
        request.headers.append(.via, Via.ours(over: flow, branch: ids.branch()))
        request.headers.append(.maxForwards, "70")
        request.headers.append(.from, "<sip:gudok@\(flow.local.ip.uriHost)>;tag=\(ids.token())")
        var to = uri
        to.parameters = Parameters()
        request.headers.append(.to, "<\(to)>")
        request.headers.append(.callID, ids.callID())
        request.headers.append(.cSeq, "1 OPTIONS")
        request.headers.append(.contact, "<\(flow.contact(user: calls.settings.session.contactUser))>")
        request.headers.append(.accept, "application/sdp")
        request.headers.append(.userAgent, calls.settings.session.product)
        return request
    }

    /// What we asked of a peer was answered (with whatever status), or not (nil).
    func finishErrand(_ transaction: ClientTransactionID, _ response: SIPResponse?, over flow: Flow? = nil) {
        let status = response?.status
        if let status, status < 200 { return }
        guard let errand = errands.removeValue(forKey: transaction) else { return }
        switch errand {
        case .probe(let id):
            // 503 is an answer that says: not now.
            guard let status, status != 503 else {
                return missed(id, status.map { "\($0) to OPTIONS" } ?? "no answer to OPTIONS")
            }
            if trunks[id]?.answered(now: now.instant, repeated: repetition(over: flow)) == true {
                cameUp(id)
            }
        case .keepAlive(let probe):
            let repeated = repetition(over: probe.flow)
            apply(registrar.probeAnswered(probe, succeeded: status != nil, repeated: repeated, now: now))
        case .notify(let subscription):
            perform(notifier.answered(subscription, response, now: now.instant))
        case .retry(let id, let target):
            if status == nil || status == 503 {
                avoid(target, of: id, after: response)
            } else {
                restore(target, of: id)
            }
        case .register(let serial): onRegistration(serial) { $0.answered(response, over: flow, now: $1) }
        }
    }

    /// After how long a question was sent again; over a stream it never is.
    private func repetition(over flow: Flow?) -> Duration? {
        flow?.transport.isReliable == true ? nil : calls.settings.session.timers.t1
    }

    private func cameUp(_ id: TrunkID) {
        outlet.log(.notice, "trunk \(id) is up again", call: nil)
        bus.publish(.trunkUp(name: id.name), tenant: id.tenant, at: now)
    }

    private func missed(_ id: TrunkID, _ why: String) {
        guard trunks[id]?.missed(why, now: now) == true else { return }
        outlet.log(.warning, "trunk \(id) is down: \(why)", call: nil)
        bus.publish(.trunkDown(name: id.name, reason: why), tenant: id.tenant, at: now)
    }

    // MARK: their servers

    /// Asks for the names of trunks whose answers have run out.
    func trackNames() {
        names.keep(Set(trunks.values.map(\.query)))
        for query in Set(trunks.values.filter(\.isNamed).map(\.query)) { askForName(query) }
        nextNameDue = names.nextDue(trunks.values.filter(\.isNamed).map(\.query))
    }

    func refreshNames() {
        if let due = nextNameDue, due <= now.instant { trackNames() }
    }

    /// DNS has told, or has not, of the host of a trunk.
    public func located(_ query: ServerQuery, _ location: ServerLocation, at moment: Moment) {
        enter(moment)
        defer { settle() }
        if let fault = location.fault { outlet.log(.warning, fault, call: nil) }
        let known = names.learn(query, location, now: now.instant)
        for id in trunks.keys where trunks[id]?.query == query { trunks[id]?.note(known, now: now.instant) }
        nextNameDue = names.nextDue(trunks.values.filter(\.isNamed).map(\.query))
        calls.targetsChanged()
    }

    /// A request of ours went on to the next server of a trunk: this one is left alone for a while (RFC 3263 §4.3; RFC 3261
    /// §21.5.4 for how long).
    func gaveWay(from flow: Flow, _ response: SIPResponse?) {
        for id in trunks.keys.sorted(by: { $0.description < $1.description }) {
            avoid(ServerTarget(flow), of: id, after: response)
        }
    }

    private func avoid(_ target: ServerTarget, of id: TrunkID, after response: SIPResponse?) {
        let wait = response.flatMap { try? $0.retryAfter() }.map { Int($0) }
        guard trunks[id]?.avoid(target, for: wait, now: now.instant) == true else { return }
        let why = response.map { "answers \($0.status)" } ?? "does not answer"
        outlet.log(.warning, "trunk \(id): server \(target) \(why): others are tried before it", call: nil)
    }

    private func restore(_ target: ServerTarget, of id: TrunkID) {
        guard trunks[id]?.restore(target) == true else { return }
        outlet.log(.notice, "trunk \(id): server \(target) answers again", call: nil)
    }
}

extension Trunk {
    /// It as a URI names it: with what the configuration says, and without what DNS says (RFC 3263 §4).
    func uri(user: String? = nil) -> SIPURI {
        var uri = SIPURI(user: user, host: host, port: port == 5060 ? nil : port)
        if let transport, transport != .udp { uri.parameters.set("transport", transport.rawValue) }
        return uri
    }
}

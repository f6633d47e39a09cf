import Calls
import Config
import Events
import NetAddress
import SIP
import SIPMessage
import Timebase

/// The trunks' health (RFC 3261 §11: OPTIONS asks whether anybody is there) and the phones' keep-alives.
extension Engine {
    /// Follows the trunks of the present configuration, and forgets those that are gone.
    func trackTrunks() {
        var tracked: [TrunkID: TrunkMonitor] = [:]
        for tenant in configuration.tenants.values {
            for trunk in tenant.trunks.values {
                let id = TrunkID(tenant: tenant.id, name: trunk.name)
                if let old = trunks[id] {
                    tracked[id] = TrunkMonitor(trunk: trunk, keeping: old, now: now.instant)
                } else {
                    tracked[id] = TrunkMonitor(trunk: trunk, now: now.instant)
                }
                if tracked[id]?.addresses.isEmpty == true { askForName(trunk.host) }
            }
        }
        trunks = tracked
        nextTrunkProbe = trunks.values.map(\.nextProbe).min()
        trunkSources = configuration.tenants.values.sorted { $0.id < $1.id }.flatMap { tenant in
            tenant.trunks.values.sorted { $0.name < $1.name }.map { TrunkSource(tenant: tenant.id, trunk: $0) }
        }
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
        if monitor.addresses.isEmpty { names.forget(trunk.host) }
        switch way(to: id) {
        case .failure(let fault): missed(id, fault.why)
        case .success(let flow):
            // One question at a time: the last one is still being asked.
            guard monitor.probeSent == nil else { return }
            trunks[id]?.probeSent = now.instant
            let uri = SIPURI(host: trunk.host, port: trunk.port)
            let transaction = send(makeOptions(to: uri, flow: flow), over: [flow])
            errands[transaction] = .probe(id)
        }
    }

    /// Where requests of our own to a trunk go; while its name is unknown it is asked for.
    func way(to id: TrunkID) -> Result<Flow, RegistrationClient.Unreachable> {
        guard let monitor = trunks[id] else { return .failure(.init("no trunk '\(id.name)'")) }
        let trunk = monitor.trunk
        guard let ip = monitor.addresses.first else {
            askForName(trunk.host)
            return .failure(.init("no address for \(trunk.host)"))
        }
        guard let flow = flow(to: SocketAddress(ip, trunk.port), transport: trunk.transport) else {
            return .failure(.init("no \(trunk.transport.rawValue) listener reaches \(ip)"))
        }
        return .success(flow)
    }

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
    func finishErrand(_ transaction: ClientTransactionID, _ response: SIPResponse?) {
        let status = response?.status
        if let status, status < 200 { return }
        guard let errand = errands.removeValue(forKey: transaction) else { return }
        switch errand {
        case .probe(let id):
            // 503 is an answer that says: not now.
            guard let status, status != 503 else {
                return missed(id, status.map { "\($0) to OPTIONS" } ?? "no answer to OPTIONS")
            }
            if trunks[id]?.answered(now: now.instant) == true {
                outlet.log(.notice, "trunk \(id) is up again", call: nil)
                bus.publish(.trunkUp(name: id.name), tenant: id.tenant, at: now)
            }
        case .keepAlive(let probe):
            apply(registrar.probeAnswered(probe, succeeded: status != nil, now: now))
        case .notify(let subscription):
            perform(notifier.answered(subscription, response, now: now.instant))
        case .register(let serial): onRegistration(serial) { $0.answered(response, now: $1) }
        }
    }

    private func missed(_ id: TrunkID, _ why: String) {
        guard trunks[id]?.missed(why, now: now) == true else { return }
        outlet.log(.warning, "trunk \(id) is down: \(why)", call: nil)
        bus.publish(.trunkDown(name: id.name, reason: why), tenant: id.tenant, at: now)
    }
}

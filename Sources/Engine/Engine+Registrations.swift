import Calls
import Config
import Events
import SIP
import SIPMessage
import Timebase

/// Us as the customer of carriers: our contacts with their registrars (RFC 3261 §10.2).
extension Engine {
    /// Registers where the configuration now says so, and takes back what it no longer says.
    func trackRegistrations() {
        for (serial, registration) in registrations where !registration.suits(trunks[registration.id]?.trunk) {
            onRegistration(serial) { $0.leave(now: $1) }
        }
        guard !isDraining else { return }
        let known = Set(registrations.values.filter(\.isWanted).map(\.id))
        for (id, monitor) in trunks.sorted(by: { $0.key.description < $1.key.description }) where !known.contains(id) {
            guard let wanted = monitor.trunk.registration else { continue }
            registrationSerial += 1
            let trunk = monitor.trunk
            let sequence = RegisterSequence(
                account: RegisterSequence.Account(
                    addressOfRecord: SIPURI(user: wanted.user, host: trunk.host),
                    registrar: SIPURI(host: trunk.host, port: trunk.port == 5060 ? nil : trunk.port),
                    credentials: trunk.credentials
                ),
                callID: ids.callID(),
                product: calls.settings.session.product,
                seed: ids.bits()
            )
            registrations[registrationSerial] = TrunkRegistration(
                id: id,
                trunk: trunk,
                client: RegistrationClient(
                    sequence: sequence,
                    user: wanted.user,
                    mark: ids.token(),
                    seconds: wanted.expires,
                    seed: ids.bits(),
                    now: now.instant
                )
            )
        }
        scheduleRegistrations()
    }

    func renewRegistrations() {
        guard let due = nextRegistration, due <= now.instant else { return }
        for (serial, registration) in registrations.sorted(by: { $0.key < $1.key }) {
            guard let due = registration.client.deadline, due <= now.instant else { continue }
            let ways = ways(to: registration.id)
            onRegistration(serial) { $0.fire(over: ways, now: $1) }
        }
    }

    /// Takes all of them back: the carriers shall send no more calls here.
    func leaveRegistrars() {
        for serial in registrations.keys.sorted() { onRegistration(serial) { $0.leave(now: $1) } }
    }

    func onRegistration(_ serial: Int, _ body: (inout RegistrationClient, Instant) -> [RegistrationClient.Action]) {
        guard var registration = registrations[serial] else { return }
        let actions = body(&registration.client, now.instant)
        registrations[serial] = registration.client.state == .gone ? nil : registration
        scheduleRegistrations()
        let (id, tenant) = (registration.id, registration.id.tenant)
        for action in actions {
            switch action {
            case .send(let request, let flows): errands[send(request, over: flows)] = .register(serial)
            case .tellRegistered:
                outlet.log(.notice, "trunk \(id): registered with \(registration.trunk.host)", call: nil)
                bus.publish(.trunkRegistered(name: id.name), tenant: tenant, at: now)
            case .tellLost(let why):
                outlet.log(.error, "trunk \(id) is not registered: \(why)", call: nil)
                bus.publish(.trunkUnregistered(name: id.name, reason: why), tenant: tenant, at: now)
            }
        }
    }

    private func scheduleRegistrations() { nextRegistration = registrations.values.compactMap(\.client.deadline).min() }

    /// The trunk whose registrar sent a request to the contact that we registered there.
    func trunk(registeredAt uri: SIPURI) -> (Tenant, Trunk)? {
        guard let mark = RegistrationClient.mark(of: uri),
            let registration = registrations.values.first(where: { $0.client.mark == mark }),
            let tenant = configuration.tenants[registration.id.tenant]
        else { return nil }
        return (tenant, tenant.trunks[registration.id.name] ?? registration.trunk)
    }
}

/// One registration of ours, as the configuration had it.
struct TrunkRegistration {
    let id: TrunkID
    let trunk: Trunk
    var client: RegistrationClient

    /// It is what the configuration wants now.
    func suits(_ now: Trunk?) -> Bool {
        guard let now else { return false }
        return trunk.host == now.host && trunk.port == now.port && trunk.transport == now.transport
            && trunk.credentials == now.credentials && trunk.registration == now.registration
    }

    /// It is not being taken back.
    var isWanted: Bool { client.state != .leaving && client.state != .gone }
}

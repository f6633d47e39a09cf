import NetAddress
import SIP

/// The trunks of a tenant's file.
extension TenantReader {
    func readTrunks(_ value: YAMLValue, into reading: inout Reading) {
        for item in value.sequence("trunks") {
            guard var mapping = item.mapping("a trunk") else { continue }
            defer { mapping.finish("a trunk") }
            guard let named = mapping.require("name", of: "a trunk"), let name = named.string("name") else { continue }
            var trunk = Trunk(name: name, host: mapping.require("host", of: "a trunk").flatMap(readHost) ?? "")
            if let port = mapping.take("port")?.port("port") { trunk.port = port }
            if let value = mapping.take("transport"), let transport = value.choice("transport", Transport.self) {
                trunk.transport = transport
                if transport != .udp && transport != .tcp {
                    value.fault(.badValue, "\(transport.rawValue) is not built yet", mend: "use udp or tcp")
                }
            }
            readIdentity(&mapping, into: &trunk)
            trunk.maxCalls = mapping.take("max_calls")?.integer("max_calls", in: 0...1_000_000)
            trunk.callsPerSecond = mapping.take("calls_per_second")?.integer("calls_per_second", in: 1...1_000_000)
            if let plan = mapping.take("dialplan"), let name = plan.string("dialplan") {
                trunk.dialPlan = name
                reading.references.append((.dialPlan(name), plan))
            }
            if !mapping.names.contains("accept_from") { acceptFromAddress(&trunk) }
            if let auth = mapping.take("auth") { trunk.credentials = readAuth(auth, host: trunk.host) }
            if let register = mapping.take("register") { readRegistration(register, into: &trunk) }
            if let identity = mapping.take("send_identity")?.boolean("send_identity") {
                trunk.takesIdentity = identity
            }
            if let caller = mapping.take("caller_id") { trunk.callerID = readCallerIDRule(caller) }
            if let probe = mapping.take("probe") { readProbe(probe, into: &trunk) }
            guard reading.tenant.trunks[name] == nil else {
                named.fault(.duplicate, "trunk \(name) is given twice", mend: "choose another name")
                continue
            }
            reading.tenant.trunks[name] = trunk
        }
    }

    /// As it is written: it may be a realm, in which capitals count.
    private func readHost(_ value: YAMLValue) -> String? {
        guard let host = value.string("host") else { return nil }
        if isHost(host) { return host }
        let mend = HostAndPort(host).map { "write `host: \($0.host)` and `port: \($0.port)`" }
        value.fault(.badValue, "'\(host)' is no host", mend: mend ?? "write a name, or an IP address")
        return nil
    }

    private func readIdentity(_ mapping: inout YAMLMapping, into trunk: inout Trunk) {
        if let sources = mapping.take("accept_from") {
            for source in sources.sequence("accept_from") {
                guard let text = source.string("an address") else { continue }
                if text == trunk.host, IPAddress(text) == nil {
                    trunk.acceptsFromHost = true
                    continue
                }
                guard let subnet = Subnet(text) else {
                    source.fault(
                        .badValue,
                        "'\(text)' is no address",
                        mend: "write an IP address, a network such as 192.0.2.0/24, or the trunk's host"
                    )
                    continue
                }
                trunk.acceptFrom.append(subnet)
            }
        } else {
            // Whoever sends calls to servers that DNS names expects theirs from there.
            trunk.acceptsFromHost = IPAddress(trunk.host) == nil
        }
        trunk.identifyPort = mapping.take("identify_port")?.port("identify_port")
    }

    /// Whoever sends calls to an address expects theirs from there, but from its port alone: phones may be there too.
    private func acceptFromAddress(_ trunk: inout Trunk) {
        guard trunk.dialPlan != nil, trunk.transport ?? .udp == .udp, IPAddress(trunk.host) != nil,
            let subnet = Subnet(trunk.host)
        else { return }
        trunk.acceptFrom = [subnet]
        trunk.identifyPort = trunk.identifyPort ?? trunk.port ?? Transport.udp.defaultPort
    }

    private func readAuth(_ value: YAMLValue, host: String) -> Credentials? {
        guard var auth = value.mapping("auth") else { return nil }
        defer { auth.finish("auth") }
        let username = auth.require("username", of: "auth")?.string("username")
        let realm = auth.take("realm")?.string("realm") ?? host
        guard let username else { return nil }
        return readCredentials(&auth, of: "auth", username: username, realm: realm, isRequired: true)
    }

    /// `true`, or a mapping.
    private func readRegistration(_ value: YAMLValue, into trunk: inout Trunk) {
        var user = trunk.credentials?.username
        var expires: Int?
        if value.asScalar != nil {
            guard value.boolean("register") == true else { return }
        } else {
            guard var register = value.mapping("register") else { return }
            if let name = register.take("user")?.string("register.user") { user = name }
            if let given = register.take("expires"), let duration = given.duration("register.expires") {
                expires = Int(duration.components.seconds)
                if !(60...86_400).contains(duration.components.seconds) {
                    given.fault(.badValue, "register.expires is out of bounds", mend: "write 1m to 24h")
                }
            }
            register.finish("register")
        }
        guard let user else {
            value.fault(.missingKey, "register has no user", mend: "add `auth:` above, or `register: {user: …}`")
            return
        }
        var registration = Trunk.Registration(user: user)
        if let expires { registration.expires = expires }
        trunk.registration = registration
    }

    private func readProbe(_ value: YAMLValue, into trunk: inout Trunk) {
        if value.asScalar != nil {
            if let isEnabled = value.boolean("probe") { trunk.probe.isEnabled = isEnabled }
            return
        }
        guard var probe = value.mapping("probe") else { return }
        if let interval = probe.take("interval"), let duration = interval.duration("probe.interval") {
            trunk.probe.interval = duration
            if duration < .milliseconds(100) {
                interval.fault(.badValue, "probe.interval is too short", mend: "write at least 100ms")
            }
        }
        if let failures = probe.take("failures")?.integer("probe.failures", in: 1...100) {
            trunk.probe.failures = failures
        }
        probe.finish("probe")
    }

    // MARK: caller ID

    /// A number, or a mapping.
    private func readCallerIDRule(_ value: YAMLValue) -> CallerIDRule? {
        guard value.asScalar == nil else { return readCallerID(value).map { CallerIDRule(standard: $0) } }
        guard var mapping = value.mapping("caller_id") else { return nil }
        let allowed = mapping.take("allow").map { list in
            (list.asSequence == nil ? [list] : list.sequence("allow")).compactMap { $0.pattern("allow") }
        }
        let standard = readCallerID(&mapping)
        mapping.finish("caller_id")
        return standard.map { CallerIDRule(standard: $0, allowed: allowed ?? []) }
    }

    /// A number, or `{number, name}`.
    func readCallerID(_ value: YAMLValue) -> CallerID? {
        guard value.asScalar == nil else { return readNumber(value).map { CallerID(number: $0) } }
        guard var mapping = value.mapping("caller_id") else { return nil }
        defer { mapping.finish("caller_id") }
        return readCallerID(&mapping)
    }

    private func readCallerID(_ mapping: inout YAMLMapping) -> CallerID? {
        let number = mapping.require("number", of: "caller_id").flatMap(readNumber)
        let name = mapping.take("name")?.string("caller_id.name")
        return number.map { CallerID(number: $0, name: name) }
    }

    private func readNumber(_ value: YAMLValue) -> String? {
        guard let number = value.string("caller_id") else { return nil }
        guard !number.isEmpty, number.utf8.count <= 32, number.utf8.allSatisfy(Self.isExtensionOctet) else {
            value.fault(
                .badValue,
                "'\(number)' is no number",
                mend: "write it as the carrier does, such as \"+74950000700\""
            )
            return nil
        }
        return number
    }
}

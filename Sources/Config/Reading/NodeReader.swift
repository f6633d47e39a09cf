import DialPlan
import NetAddress
import SIP

/// Reads the node's file.
struct NodeReader {
    let faults: FaultList

    func read(_ source: ConfigurationText) -> NodeConfiguration? {
        guard let root = YAMLValue.parse(source.text, file: source.name, faults: faults),
            var file = root.mapping("the node's file")
        else { return nil }
        let name = file.require("node", of: "the node's file")?.string("node")
        let data = file.take("data")?.string("data")
        var sip = SIPPart()
        if let value = file.require("sip", of: "the node's file") { sip = readSIP(value) }
        var media = MediaPart()
        if let value = file.require("media", of: "the node's file") { media = readMedia(value) }
        var node = NodeConfiguration(
            name: name ?? "",
            listen: sip.listen.map(\.address),
            mediaAddresses: media.addresses ?? OwnAddresses(.v4(0)),
            mediaPorts: media.ports ?? 20_000...29_999
        )
        if let addresses = media.addresses { node.warnings += checkFamilies(of: sip.listen, among: addresses) }
        if let count = sip.connections { node.connections = count }
        if let count = sip.connectionsPerAddress { node.connectionsPerAddress = count }
        if let data { node.data = data }
        if let codecs = media.codecs { node.codecs = codecs }
        if let threads = media.threads { node.mediaThreads = threads }
        if let http = file.take("http") { readHTTP(http, into: &node) }
        if let tls = file.take("tls") { node.certificates = readCertificates(tls) }
        if let dns = file.take("dns") { node.nameServers = readNameServers(dns) }
        if let value = file.take("tenants"), let path = value.string("tenants") {
            node.tenantsPath = path
            node.folders.append(FileReference(path: path, position: value.position))
        }
        if let value = file.take("dialplans"), let path = value.string("dialplans") {
            node.dialPlansPath = path
            node.folders.append(FileReference(path: path, position: value.position))
        }
        if let timers = file.take("timers") { readTimers(timers, into: &node) }
        if let calls = file.take("calls") { readCalls(calls, into: &node) }
        if let registrations = file.take("registrations") { readRegistrations(registrations, into: &node) }
        if let subscriptions = file.take("subscriptions") { readSubscriptions(subscriptions, into: &node) }
        if let records = file.take("records") { readRecords(records, into: &node) }
        file.finish("the node's file")
        return node
    }

    private func readHTTP(_ value: YAMLValue, into node: inout NodeConfiguration) {
        guard var http = value.mapping("http") else { return }
        defer { http.finish("http") }
        if let names = http.take("names") {
            node.httpNames = names.sequence("http.names").compactMap { $0.hostName("a name") }
        }
        guard let listen = http.require("listen", of: "http"), let text = listen.string("http.listen") else { return }
        node.httpListen = SocketAddress(text)
        if let address = node.httpListen {
            guard let taken = node.listen.first(where: { $0.excludes(address) }) else { return }
            return listen.fault(
                .duplicate,
                "\(taken) listens on port \(address.port) already",
                mend: "choose another port for http.listen"
            )
        }
        listen.fault(.badValue, "http.listen is '\(text)'", mend: "write an IP address and a port: 127.0.0.1:8060")
    }

    private func readCertificates(_ value: YAMLValue) -> FileReference? {
        guard var tls = value.mapping("tls") else { return nil }
        defer { tls.finish("tls") }
        guard let file = tls.require("ca_file", of: "tls"), let path = file.string("tls.ca_file") else { return nil }
        return FileReference(path: path, position: file.position)
    }

    private func readNameServers(_ value: YAMLValue) -> [SocketAddress] {
        guard var dns = value.mapping("dns") else { return [] }
        defer { dns.finish("dns") }
        guard let servers = dns.require("servers", of: "dns")?.sequence("dns.servers") else { return [] }
        return servers.compactMap { server in
            guard let text = server.string("a name server") else { return nil }
            if let address = IPAddress(text).map({ SocketAddress($0, 53) }) ?? SocketAddress(text) { return address }
            server.fault(
                .badValue,
                "'\(text)' is no name server",
                mend: "write an IP address, and a port where it is not 53: 192.0.2.53, 127.0.0.1:5353"
            )
            return nil
        }
    }

    private func readTimers(_ value: YAMLValue, into node: inout NodeConfiguration) {
        guard var timers = value.mapping("timers") else { return }
        if let t1 = timers.take("t1")?.duration("timers.t1") { node.timers.t1 = t1 }
        if let t2 = timers.take("t2")?.duration("timers.t2") { node.timers.t2 = t2 }
        if let t4 = timers.take("t4")?.duration("timers.t4") { node.timers.t4 = t4 }
        timers.finish("timers")
        if node.timers.t1 < .milliseconds(10) || node.timers.t2 < node.timers.t1 {
            value.fault(.badValue, "the timers are out of order", mend: "T1 is at least 10ms, and T2 at least T1")
        }
        if node.timers.t1 > .seconds(10) || max(node.timers.t2, node.timers.t4) > .seconds(60) {
            value.fault(.badValue, "the timers are too long", mend: "T1 is at most 10s, T2 and T4 at most 60s")
        }
    }

    private func readCalls(_ value: YAMLValue, into node: inout NodeConfiguration) {
        guard var calls = value.mapping("calls") else { return }
        if let timeout = calls.take("rtp_timeout") {
            node.rtpTimeout = timeout.asScalar == "never" ? nil : timeout.duration("calls.rtp_timeout")
        }
        if let longest = calls.take("max_duration")?.duration("calls.max_duration") { node.maximumDuration = longest }
        if let hold = calls.take("max_hold") {
            node.maximumHold = hold.asScalar == "never" ? nil : hold.duration("calls.max_hold")
        }
        if let expires = calls.take("session_expires") {
            node.sessionExpires =
                expires.asScalar == "never" ? nil : expires.duration("calls.session_expires").map(\.wholeSeconds)
        }
        if let written = calls.take("min_session_expires"), let minimum = written.duration("calls.min_session_expires")
        {
            node.minimumSessionExpires = minimum.wholeSeconds
            if minimum < .seconds(90) {
                node.warnings.append(
                    written.warning(
                        "calls.min_session_expires is below 90s, which no Min-SE may be (RFC 4028 §5)",
                        mend: "write at least 90s, unless it is for tests"
                    )
                )
            }
        }
        calls.finish("calls")
        if let timeout = node.rtpTimeout, timeout < .seconds(1) {
            value.fault(.badValue, "calls.rtp_timeout is too short", mend: "write at least 1s, or never")
        }
        if node.maximumDuration < .seconds(1) {
            value.fault(.badValue, "calls.max_duration is too short", mend: "write at least 1s")
        }
        if let hold = node.maximumHold, hold < .seconds(1) {
            value.fault(.badValue, "calls.max_hold is too short", mend: "write at least 1s, or never")
        }
        if let expires = node.sessionExpires, expires < node.minimumSessionExpires {
            value.fault(
                .badValue,
                "calls.session_expires is below min_session_expires",
                mend: "write at least \(node.minimumSessionExpires)s"
            )
        }
    }

    private func readRegistrations(_ value: YAMLValue, into node: inout NodeConfiguration) {
        guard var part = value.mapping("registrations") else { return }
        var limits = node.registrations
        readExpiries(
            &part,
            of: "registrations",
            at: value,
            &limits.minExpires,
            &limits.defaultExpires,
            &limits.maxExpires
        )
        if let count = part.take("max_contacts")?.integer("registrations.max_contacts", in: 1...100) {
            limits.maxContacts = count
        }
        if let text = part.take("keep_alive") {
            limits.keepAliveInterval = text.asScalar == "never" ? nil : text.duration("registrations.keep_alive")
            if let interval = limits.keepAliveInterval, interval < .seconds(1) {
                text.fault(.badValue, "registrations.keep_alive is too short", mend: "write at least 1s, or never")
            }
        }
        part.finish("registrations")
        node.registrations = limits
    }

    private func readSubscriptions(_ value: YAMLValue, into node: inout NodeConfiguration) {
        guard var part = value.mapping("subscriptions") else { return }
        var limits = node.subscriptions
        readExpiries(
            &part,
            of: "subscriptions",
            at: value,
            &limits.minExpires,
            &limits.defaultExpires,
            &limits.maxExpires
        )
        if let count = part.take("max_per_user")?.integer("subscriptions.max_per_user", in: 0...10_000) {
            limits.mostPerUser = count
        }
        part.finish("subscriptions")
        node.subscriptions = limits
    }

    /// How long what a phone asks for lasts, in seconds.
    private func readExpiries(
        _ part: inout YAMLMapping,
        of name: String,
        at place: YAMLValue,
        _ least: inout Int,
        _ usual: inout Int,
        _ most: inout Int
    ) {
        if let time = part.take("min_expires")?.duration("\(name).min_expires") { least = time.wholeSeconds }
        let written = part.take("default_expires")
        if let time = written?.duration("\(name).default_expires") { usual = time.wholeSeconds }
        if let time = part.take("max_expires")?.duration("\(name).max_expires") { most = time.wholeSeconds }
        if least < 1 || most < least {
            place.fault(
                .badValue,
                "the times of \(name) are out of order",
                mend: "min_expires is at least 1s, and max_expires at least min_expires"
            )
        } else if let written, !(least...most).contains(usual) {
            written.fault(
                .badValue,
                "\(name).default_expires is not between min_expires and max_expires",
                mend: "write from \(least)s to \(most)s"
            )
        }
        usual = min(max(usual, least), most)
    }

    private func readRecords(_ value: YAMLValue, into node: inout NodeConfiguration) {
        guard var records = value.mapping("records") else { return }
        if let durability = records.take("durability")?.choice(
            "records.durability",
            NodeConfiguration.Durability.self
        ) {
            node.durability = durability
        }
        if let days = records.take("trace_days")?.integer("records.trace_days", in: 0...3650) { node.traceDays = days }
        if let size = records.take("trace_mebibytes")?.integer("records.trace_mebibytes", in: 1...1_048_576) {
            node.traceMebibytes = size
        }
        records.finish("records")
    }
}

extension Duration {
    var wholeSeconds: Int { Int(components.seconds) }
}

extension String {
    /// The parts around the first occurrence of a separator.
    func components(separatedAt separator: String) -> [String] {
        guard let range = firstRange(of: separator) else { return [self] }
        return [String(self[..<range.lowerBound]), String(self[range.upperBound...])]
    }
}

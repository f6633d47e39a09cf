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
        let listen = file.require("sip", of: "the node's file").map(readListen)
        var media = MediaPart()
        if let value = file.require("media", of: "the node's file") { media = readMedia(value) }
        var node = NodeConfiguration(
            name: name ?? "",
            listen: listen ?? [],
            mediaAddress: media.address ?? .v4(0),
            mediaPorts: media.ports ?? 20_000...29_999
        )
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

    private func readListen(_ value: YAMLValue) -> [ListenAddress] {
        guard var sip = value.mapping("sip") else { return [] }
        defer { sip.finish("sip") }
        guard let list = sip.require("listen", of: "sip")?.sequence("sip.listen") else { return [] }
        if list.isEmpty { value.fault(.badValue, "sip.listen is empty", mend: "add one such as udp://127.0.0.1:5060") }
        var addresses: [ListenAddress] = []
        for item in list {
            guard let address = readListenAddress(item) else { continue }
            if addresses.contains(address), address.address.port != 0 {
                item.fault(.duplicate, "\(address) is given twice", mend: "remove one of them, or choose another port")
            }
            addresses.append(address)
        }
        return addresses
    }

    private func readListenAddress(_ value: YAMLValue) -> ListenAddress? {
        guard let text = value.string("an address to listen on") else { return nil }
        let parts = text.components(separatedAt: "://")
        guard parts.count == 2, let transport = Transport(rawValue: parts[0]), let address = SocketAddress(parts[1])
        else {
            value.fault(
                .badValue,
                "'\(text)' is no address to listen on",
                mend: "write udp:// or tcp://, an IP address and a port: udp://127.0.0.1:5060"
            )
            return nil
        }
        guard transport == .udp || transport == .tcp else {
            value.fault(.badValue, "\(parts[0]) is not built yet", mend: "listen on udp:// or tcp://")
            return nil
        }
        return ListenAddress(transport: transport, address: address)
    }

    private struct MediaPart {
        var address: IPAddress?
        var ports: ClosedRange<UInt16>?
        var codecs: [String]?
        var threads: Int?
    }

    private func readMedia(_ value: YAMLValue) -> MediaPart {
        guard var media = value.mapping("media") else { return MediaPart() }
        defer { media.finish("media") }
        var part = MediaPart()
        if let address = media.require("address", of: "media"), let text = address.string("media.address") {
            part.address = IPAddress(text)
            if part.address == nil || part.address?.isUnspecified == true {
                address.fault(
                    .badValue,
                    "media.address is '\(text)'",
                    mend: "write the IP address that phones and carriers can reach"
                )
            }
        }
        if let ports = media.take("ports") { part.ports = readPorts(ports) }
        if let codecs = media.take("codecs") { part.codecs = readCodecs(codecs) }
        part.threads = media.take("threads")?.integer("media.threads", in: 1...64)
        return part
    }

    private func readPorts(_ value: YAMLValue) -> ClosedRange<UInt16>? {
        guard let text = value.string("media.ports") else { return nil }
        let bounds = text.split(separator: "-").map { UInt16($0.filter { $0 != " " }) }
        guard bounds.count == 2, let first = bounds[0], let last = bounds[1], first >= 1024, first < last else {
            value.fault(.badValue, "media.ports is '\(text)'", mend: "write the first and the last port: 20000-29999")
            return nil
        }
        guard last - first >= 3 else {
            value.fault(.badValue, "media.ports has no room for a call", mend: "a call takes four ports: widen it")
            return nil
        }
        return first...last
    }

    private static let knownCodecs = ["opus", "G722", "PCMA", "PCMU", "G729", "GSM", "iLBC", "speex", "AMR", "AMR-WB"]

    private func readCodecs(_ value: YAMLValue) -> [String] {
        let items = value.sequence("media.codecs")
        if value.asSequence?.isEmpty == true {
            value.fault(.badValue, "media.codecs is empty", mend: "write [PCMA, PCMU], or leave it out")
        }
        var seen: Set<String> = []
        return items.compactMap { item in
            guard let text = item.string("a codec") else { return nil }
            if let known = Self.knownCodecs.first(where: { $0.lowercased() == text.lowercased() }) {
                if !seen.insert(known).inserted {
                    item.fault(.duplicate, "the codec \(known) is given twice", mend: "remove one of them")
                }
                return known
            }
            item.fault(
                .badValue,
                "the codec '\(text)' is unknown",
                mend: suggestion(for: text, among: Self.knownCodecs)
            )
            return nil
        }
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
        if let minimum = calls.take("min_session_expires")?.duration("calls.min_session_expires") {
            node.minimumSessionExpires = minimum.wholeSeconds
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
        if let interval = part.take("keep_alive")?.duration("registrations.keep_alive") {
            limits.keepAliveInterval = interval
            if interval < .seconds(1) {
                value.fault(.badValue, "registrations.keep_alive is too short", mend: "write at least 1s")
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
        if let time = part.take("default_expires")?.duration("\(name).default_expires") { usual = time.wholeSeconds }
        if let time = part.take("max_expires")?.duration("\(name).max_expires") { most = time.wholeSeconds }
        if least < 1 || most < least {
            place.fault(
                .badValue,
                "the times of \(name) are out of order",
                mend: "min_expires is at least 1s, and max_expires at least min_expires"
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

import NetAddress
import SIP

/// Where a node listens, and where it has its media.
extension NodeReader {
    struct SIPPart {
        /// Each with where it is written.
        var listen: [(place: YAMLValue, address: ListenAddress)] = []
        var connections: Int?
        var connectionsPerAddress: Int?
    }

    func readSIP(_ value: YAMLValue) -> SIPPart {
        var part = SIPPart()
        guard var sip = value.mapping("sip") else { return part }
        defer { sip.finish("sip") }
        let most = sip.take("connections")?.integer("sip.connections", in: 1...1_000_000)
        part.connections = most
        part.connectionsPerAddress = sip.take("connections_per_address")?.integer(
            "sip.connections_per_address",
            in: 1...1_000_000
        )
        guard let list = sip.require("listen", of: "sip")?.sequence("sip.listen") else { return part }
        if list.isEmpty { value.fault(.badValue, "sip.listen is empty", mend: "add one such as udp://127.0.0.1:5060") }
        for item in list {
            guard let address = readListenAddress(item) else { continue }
            if let taken = part.listen.first(where: { $0.address.excludes(address) })?.address {
                let problem =
                    taken == address ? "\(address) is given twice" : "\(taken) and \(address) are in each other's way"
                item.fault(.duplicate, problem, mend: "remove one of them, or choose another port")
            }
            part.listen.append((item, address))
        }
        return part
    }

    private func readListenAddress(_ value: YAMLValue) -> ListenAddress? {
        guard let text = value.string("an address to listen on") else { return nil }
        let parts = text.components(separatedAt: "://")
        guard parts.count == 2, let transport = Transport(rawValue: parts[0]), let address = SocketAddress(parts[1]),
            !address.ip.isForMany
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

    /// Whoever listens on any address tells peers one of the media's, which they must be able to reach. Of one address that is a warning: the
    /// peers there may know the other family too.
    func checkFamilies(
        of listen: [(place: YAMLValue, address: ListenAddress)],
        among addresses: OwnAddresses
    ) -> [String] {
        var warnings: [String] = []
        for (place, listener) in listen {
            let isV6 = listener.address.ip.isV6
            guard addresses.ofFamily(isV6: isV6) == nil else { continue }
            let problem = "\(listener) is for \(isV6 ? "IPv6" : "IPv4"), of which media.address has none"
            let mend = "add one: media.address: [\(addresses.main), \(isV6 ? "\"2001:db8::1\"" : "192.0.2.1")]"
            if listener.address.ip.isUnspecified {
                place.fault(.badValue, problem, mend: mend)
            } else {
                warnings.append(place.warning("\(problem): who knows no other hears nothing", mend: mend))
            }
        }
        return warnings
    }

    struct MediaPart {
        var addresses: OwnAddresses?
        var ports: ClosedRange<UInt16>?
        var codecs: [String]?
        var threads: Int?
    }

    func readMedia(_ value: YAMLValue) -> MediaPart {
        guard var media = value.mapping("media") else { return MediaPart() }
        defer { media.finish("media") }
        var part = MediaPart()
        if let address = media.require("address", of: "media") { part.addresses = readOwnAddresses(address) }
        if let ports = media.take("ports") { part.ports = readPorts(ports) }
        if let codecs = media.take("codecs") { part.codecs = readCodecs(codecs) }
        part.threads = media.take("threads")?.integer("media.threads", in: 1...64)
        return part
    }

    /// One address, or a list of one for each family.
    private func readOwnAddresses(_ value: YAMLValue) -> OwnAddresses? {
        let items = value.asSequence ?? [value]
        let addresses = items.compactMap { readOwnAddress($0) }
        guard addresses.count == items.count else { return nil }
        switch addresses.count {
        case 1: return OwnAddresses(addresses[0])
        case 2: if let both = OwnAddresses(addresses[0], addresses[1]) { return both }
        default: break
        }
        value.fault(
            .badValue,
            "media.address has \(addresses.count) addresses",
            mend: "write one, or one of IPv4 and one of IPv6: [192.0.2.1, \"2001:db8::1\"]"
        )
        return nil
    }

    private func readOwnAddress(_ value: YAMLValue) -> IPAddress? {
        guard let text = value.string("media.address") else { return nil }
        if let address = IPAddress(text), !address.isUnspecified, !address.isForMany { return address }
        value.fault(
            .badValue,
            "media.address is '\(text)'",
            mend: "write the IP address that phones and carriers can reach"
        )
        return nil
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

    static let knownCodecs = ["opus", "G722", "PCMA", "PCMU", "G729", "GSM", "iLBC", "speex", "AMR", "AMR-WB"]

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
}

public import NetAddress

/// What stands before the colon of a URI.
public enum URIScheme: Hashable, Sendable {
    case sip, sips, tel
    case other(String)

    public var text: String {
        switch self {
        case .sip: "sip"
        case .sips: "sips"
        case .tel: "tel"
        case .other(let name): name
        }
    }
}

/// A SIP, SIPS or tel URI (RFC 3261 §19.1, RFC 3966); of other schemes only the name and the rest are kept.
public struct SIPURI: Hashable, Sendable, CustomStringConvertible {
    public var scheme: URIScheme
    /// Unescaped once; of a tel URI the number, of another scheme everything behind the colon.
    public var user: String?
    public var password: String?
    /// Without the brackets of an IPv6 reference.
    public var host: String
    public var port: UInt16?
    public var parameters = Parameters()
    public var headers: [URIHeader] = []

    public struct URIHeader: Hashable, Sendable {
        public var name: String
        public var value: String
    }

    public init(scheme: URIScheme = .sip, user: String? = nil, host: String, port: UInt16? = nil) {
        (self.scheme, self.user, self.host, self.port) = (scheme, user, host, port)
    }

    public init(_ text: String) throws(SIPFault) { try self.init(Array(text.utf8)[...], in: "URI") }

    /// The host as an address, when it is one.
    public var hostAddress: IPAddress? { IPAddress(host) }

    /// The `transport` parameter; sips asks for TLS.
    public var transport: Transport? {
        guard let name = parameters["transport"] else { return scheme == .sips ? .tls : nil }
        let transport = Transport(rawValue: name.lowercased())
        return scheme == .sips && transport == .tcp ? .tls : transport
    }

    public var isLooseRouting: Bool { parameters.contains("lr") }

    init(_ bytes: ArraySlice<UInt8>, in place: String) throws(SIPFault) {
        guard let colon = bytes.firstIndex(of: UInt8(ascii: ":")), colon > bytes.startIndex,
            bytes[..<colon].allSatisfy({ $0.isAlpha || $0.isDigit || $0 == 0x2B || $0 == 0x2D || $0 == 0x2E }),
            bytes[bytes.startIndex].isAlpha
        else { throw Self.fault(place, "no scheme") }
        let rest = bytes[(colon + 1)...]
        switch String(bytes[..<colon]).lowercased() {
        case "sip": self.init(scheme: .sip, host: "")
        case "sips": self.init(scheme: .sips, host: "")
        case "tel":
            self.init(scheme: .tel, host: "")
            try parseTel(rest, in: place)
            return
        case let name:
            self.init(scheme: .other(name), user: String(rest), host: "")
            return
        }
        guard !rest.contains(where: { $0 <= 0x20 || $0 == UInt8(ascii: "<") || $0 == UInt8(ascii: ">") || $0 == 0x7F })
        else { throw Self.fault(place, "white space or brackets in the URI") }
        try parseSIP(rest, in: place)
    }

    private mutating func parseSIP(_ bytes: ArraySlice<UInt8>, in place: String) throws(SIPFault) {
        var rest = bytes
        // The user part may hold ';' and '?': the last '@' ends it (RFC 4475 §3.1.1.9 escapes the others).
        if let at = rest.lastIndex(of: UInt8(ascii: "@")) {
            let info = rest[..<at]
            rest = rest[(at + 1)...]
            if let colon = info.firstIndex(of: UInt8(ascii: ":")) {
                user = try Self.unescape(info[..<colon], in: place)
                password = try Self.unescape(info[(colon + 1)...], in: place)
            } else {
                user = try Self.unescape(info, in: place)
            }
            guard user?.isEmpty == false else { throw Self.fault(place, "an empty user part") }
        }
        if let question = rest.firstIndex(of: UInt8(ascii: "?")) {
            try parseHeaders(rest[(question + 1)...], in: place)
            rest = rest[..<question]
        }
        let parts = rest.split(separator: UInt8(ascii: ";"), omittingEmptySubsequences: false)
        parameters = try Parameters(parts: parts.dropFirst(), in: place)
        try parseHostPort(parts.first ?? [], in: place)
    }

    private mutating func parseHeaders(_ bytes: ArraySlice<UInt8>, in place: String) throws(SIPFault) {
        for part in bytes.split(separator: UInt8(ascii: "&")).prefix(32) {
            let pair = part.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
            headers.append(
                URIHeader(
                    name: try Self.unescape(pair[0], in: place),
                    value: pair.count == 2 ? try Self.unescape(pair[1], in: place) : ""
                )
            )
        }
    }

    private mutating func parseHostPort(_ bytes: ArraySlice<UInt8>, in place: String) throws(SIPFault) {
        (host, port) = try HostPort.parse(bytes, in: place)
    }

    private mutating func parseTel(_ bytes: ArraySlice<UInt8>, in place: String) throws(SIPFault) {
        let parts = bytes.split(separator: UInt8(ascii: ";"), omittingEmptySubsequences: false)
        guard let number = parts.first, !number.isEmpty else { throw Self.fault(place, "a tel URI without a number") }
        user = try Self.unescape(number[...], in: place)
        parameters = try Parameters(parts: parts.dropFirst(), in: place)
    }

    private static func fault(_ place: String, _ what: String) -> SIPFault {
        SIPFault(kind: .uri, where: place, what: what, status: 400)
    }

    static func unescape(_ bytes: ArraySlice<UInt8>, in place: String) throws(SIPFault) -> String {
        guard bytes.contains(UInt8(ascii: "%")) else { return String(bytes) }
        var result: [UInt8] = []
        result.reserveCapacity(bytes.count)
        var index = bytes.startIndex
        while index < bytes.endIndex {
            let byte = bytes[index]
            if byte == UInt8(ascii: "%") {
                guard index + 2 < bytes.endIndex, let high = bytes[index + 1].hexValue,
                    let low = bytes[index + 2].hexValue
                else { throw fault(place, "an escape that is no '%' with two hexadecimal digits") }
                result.append(high << 4 | low)
                index += 3
            } else {
                result.append(byte)
                index += 1
            }
        }
        return String(decoding: result, as: UTF8.self)
    }

    public var description: String {
        var text = scheme.text + ":"
        switch scheme {
        case .tel: return text + Self.escape(user ?? "") + parameters.description
        case .other: return text + (user ?? "")
        case .sip, .sips: break
        }
        if let user {
            text += Self.escape(user)
            if let password { text += ":" + Self.escape(password) }
            text += "@"
        }
        text += host.utf8.contains(UInt8(ascii: ":")) ? "[\(host)]" : host
        if let port { text += ":\(port)" }
        text += parameters.description
        for (index, header) in headers.enumerated() {
            text += (index == 0 ? "?" : "&") + Self.escape(header.name) + "=" + Self.escape(header.value)
        }
        return text
    }

    /// Octets that a user part may not hold as they are are written as `%XX` (RFC 3261 §25.1 `user`).
    static func escape(_ text: String) -> String {
        func isPlain(_ byte: UInt8) -> Bool {
            if byte.isAlpha || byte.isDigit { return true }
            switch byte {
            case UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."), UInt8(ascii: "!"), UInt8(ascii: "~"),
                UInt8(ascii: "*"), UInt8(ascii: "'"), UInt8(ascii: "("), UInt8(ascii: ")"), UInt8(ascii: "&"),
                UInt8(ascii: "="), UInt8(ascii: "+"), UInt8(ascii: "$"), UInt8(ascii: ","), UInt8(ascii: ";"),
                UInt8(ascii: "/"):
                return true
            default: return false
            }
        }
        if text.utf8.allSatisfy(isPlain) { return text }
        var result: [UInt8] = []
        let digits = Array("0123456789ABCDEF".utf8)
        for byte in text.utf8 {
            if isPlain(byte) {
                result.append(byte)
            } else {
                result += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return String(decoding: result, as: UTF8.self)
    }

    /// RFC 3261 §19.1.4: the same resource, whatever the case of host and parameters and the order of the latter.
    public func isEquivalent(to other: SIPURI) -> Bool {
        guard scheme == other.scheme, user == other.user, password == other.password, port == other.port else {
            return false
        }
        guard hostAddress.map({ $0 == other.hostAddress }) ?? host.equalsIgnoringCase(other.host) else { return false }
        for name in ["user", "ttl", "method", "maddr", "transport"]
        where parameters.contains(name) != other.parameters.contains(name) {
            return false
        }
        for name in parameters.names where other.parameters.contains(name) {
            guard (parameters[name] ?? "").equalsIgnoringCase(other.parameters[name] ?? "") else { return false }
        }
        return Set(headers) == Set(other.headers)
    }
}

/// `host[:port]` (RFC 3261 §25.1), as URIs and Vias hold it.
enum HostPort {
    static func parse(_ bytes: ArraySlice<UInt8>, in place: String) throws(SIPFault) -> (host: String, port: UInt16?) {
        func fault(_ what: String) -> SIPFault { SIPFault(kind: .uri, where: place, what: what, status: 400) }
        var rest = bytes.trimmed
        var host: String
        if rest.first == UInt8(ascii: "[") {
            guard let close = rest.firstIndex(of: UInt8(ascii: "]")) else {
                throw fault("an IPv6 reference without ']'")
            }
            host = String(rest[(rest.startIndex + 1)..<close])
            guard let address = IPAddress(Self.forgiving(host)), address.isV6 else {
                throw fault("no IPv6 address in brackets")
            }
            host = Self.forgiving(host)
            rest = rest[(close + 1)...].trimmed
            guard rest.isEmpty || rest.first == UInt8(ascii: ":") else { throw fault("text behind the IPv6 reference") }
        } else {
            let end = rest.firstIndex(of: UInt8(ascii: ":")) ?? rest.endIndex
            let name = rest[..<end].trimmed
            guard !name.isEmpty, name.allSatisfy({ $0.isAlpha || $0.isDigit || $0 == 0x2D || $0 == 0x2E || $0 == 0x5F })
            else {
                throw fault("no host name")
            }
            host = String(name)
            rest = rest[end...]
        }
        guard let colon = rest.first else { return (host, nil) }
        guard colon == UInt8(ascii: ":"), let port = rest.dropFirst().trimmed.number(upTo: 65_535) else {
            throw fault("no port number behind ':'")
        }
        return (host, UInt16(truncatingIfNeeded: port))
    }

    /// RFC 5118 §4.10: an address with three colons in a row is met in the wild and means two.
    private static func forgiving(_ host: String) -> String {
        guard let range = host.firstRange(of: ":::") else { return host }
        return String(host[..<range.lowerBound]) + "::" + String(host[range.upperBound...])
    }
}

extension String {
    fileprivate func firstRange(of needle: String) -> Range<String.Index>? {
        var index = startIndex
        while index < endIndex {
            if self[index...].hasPrefix(needle) { return index..<self.index(index, offsetBy: needle.count) }
            index = self.index(after: index)
        }
        return nil
    }
}

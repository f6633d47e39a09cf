public import NetAddress

/// The schemes that telephony speaks, and the rest, in lower case.
public enum URIScheme: Hashable, Sendable {
    case sip
    case sips
    /// RFC 3966.
    case tel
    case other(String)

    public var name: String {
        switch self {
        case .sip: "sip"
        case .sips: "sips"
        case .tel: "tel"
        case .other(let name): name
        }
    }
}

/// A `sip:`, `sips:` or `tel:` URI in its parts, or another URI kept whole (RFC 3261 §19.1, RFC 3966).
///
/// Parts are plain text: escapes are taken off once when read and put on when written. `==` compares parts one by one; what
/// RFC 3261 §19.1.4 calls equal is `isEquivalent(to:)`.
public struct SIPURI: Sendable {
    public var scheme: URIScheme
    /// The user, or a tel URI's number.
    public var user: String? {
        get { storedUser }
        set { (storedUser, userSpelling) = (newValue, nil) }
    }
    public var password: String?
    /// In lower case; an IPv6 address without its brackets; "" in a tel URI.
    public var host: String
    public var port: UInt16?
    public var parameters = Parameters()
    /// What follows "?": names and values.
    public var headers: [(String, String)] = []
    /// All that follows the colon, when the scheme is another than sip, sips and tel.
    public var opaque = ""

    private var storedUser: String?
    /// The user as it was received, when it holds escapes: a Contact goes back to its owner as it came.
    var userSpelling: String?

    public init(scheme: URIScheme = .sip, user: String? = nil, host: String, port: UInt16? = nil) {
        self.scheme = scheme
        self.host = host
        self.port = port
        storedUser = user
    }

    init(opaque: String, scheme: String) {
        self.init(scheme: .other(scheme), user: nil, host: "")
        self.opaque = opaque
    }

    /// The host as an address; nil for a name.
    public var hostAddress: IPAddress? { IPAddress(host) }

    /// What the `transport` parameter asks for; nil when there is none or we do not know it.
    public var transport: Transport? { parameters["transport"].flatMap { Transport(rawValue: $0.lowercased()) } }

    /// The `lr` parameter: this route does not want itself in the Request-URI (§16.12).
    public var isLooseRouting: Bool { parameters.contains("lr") }

    /// sip or sips.
    public var isSIP: Bool { scheme == .sip || scheme == .sips }
}

extension SIPURI: Hashable {
    public static func == (a: SIPURI, b: SIPURI) -> Bool {
        a.scheme == b.scheme && a.user == b.user && a.password == b.password && a.host == b.host && a.port == b.port
            && a.parameters == b.parameters && a.opaque == b.opaque
            && a.headers.elementsEqual(b.headers) { $0 == $1 }
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(scheme)
        hasher.combine(user)
        hasher.combine(host)
        hasher.combine(port)
        hasher.combine(parameters)
        hasher.combine(opaque)
    }
}

extension SIPURI: CustomStringConvertible {
    public var description: String {
        var out: [UInt8] = []
        write(into: &out)
        return String(decoding: out, as: UTF8.self)
    }

    /// Appends the URI as the wire has it. No part of it can end the line or the angle brackets that it stands in.
    func write(into out: inout [UInt8]) {
        out.append(scheme.name)
        out.append(UInt8(ascii: ":"))
        if case .other = scheme {
            for octet in opaque.utf8 where OctetSet.opaque.contains(octet) { out.append(octet) }
            return
        }
        // A user part has a character at least (RFC 3261 §25.1).
        if let user, !user.isEmpty {
            if let userSpelling { out.append(userSpelling) } else { out.appendEscaped(user, allowed: .writtenUser) }
            if let password {
                out.append(UInt8(ascii: ":"))
                out.appendEscaped(password, allowed: .password)
            }
            if scheme != .tel { out.append(UInt8(ascii: "@")) }
        }
        if scheme != .tel { out.appendHost(host) }
        if let port {
            out.append(UInt8(ascii: ":"))
            out.append(String(port))
        }
        parameters.write(into: &out, in: .uri)
        for (index, header) in headers.enumerated() {
            out.append(index == 0 ? UInt8(ascii: "?") : UInt8(ascii: "&"))
            out.appendEscaped(header.0, allowed: .uriHeader)
            out.append(UInt8(ascii: "="))
            out.appendEscaped(header.1, allowed: .uriHeader)
        }
    }
}

extension [UInt8] {
    /// A host as URIs and Vias write it: IPv6 in brackets, nothing that no host may hold.
    mutating func appendHost(_ host: String) {
        let isV6 = host.utf8.contains(UInt8(ascii: ":"))
        if isV6 { append(UInt8(ascii: "[")) }
        for octet in host.utf8 where OctetSet.host.contains(octet) || octet == UInt8(ascii: ":") { append(octet) }
        if isV6 { append(UInt8(ascii: "]")) }
    }
}

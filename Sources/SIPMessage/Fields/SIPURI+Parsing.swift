import NetAddress

extension SIPURI {
    /// Reads a whole URI. Throws `malformed-uri`; an unknown scheme is no fault, its text is kept in `opaque`.
    public init(_ text: some StringProtocol) throws(SIPFault) { try self.init(bytes: Array(text.utf8)) }

    /// Reads a whole URI from its octets.
    public init(bytes: [UInt8]) throws(SIPFault) { try self.init(bytes: bytes, in: 0..<bytes.count, place: "URI") }

    init(bytes: [UInt8], in range: Range<Int>, place: String) throws(SIPFault) {
        self = try parsing(place, bytes, range, kind: .malformedURI) { scanner throws(SyntaxFault) in
            let parts = try scanner.uri(isBare: false)
            guard scanner.isAtEnd else { throw SyntaxFault(scanner.at, "the URI holds what no URI may") }
            return try SIPURI(parts, of: bytes)
        }
    }

    init(_ parts: URIRanges, of bytes: [UInt8]) throws(SyntaxFault) {
        switch parts.scheme {
        case .other(let name):
            self.init(opaque: bytes.text(parts.rest), scheme: name)
            return
        case .sip, .sips, .tel: break
        }
        let user = parts.user.map { bytes.unescapedText($0) }
        self.init(scheme: parts.scheme, user: user, host: "", port: parts.port)
        if let range = parts.user { userSpelling = bytes.escapedSpelling(range) }
        if let range = parts.password { password = bytes.unescapedText(range) }
        if let address = parts.address { host = address.description } else { host = bytes.lowercasedText(parts.host) }
        var scanner = Scanner(bytes, parts.parameters)
        while let range = try scanner.uriParameter() {
            var entry = Parameters.Entry(name: bytes.unescapedText(range.name))
            if let value = range.value {
                entry.value = bytes.unescapedText(value)
                entry.spelling = bytes.escapedSpelling(value)
            }
            parameters.entries.append(entry)
        }
        scanner = Scanner(bytes, parts.headers)
        while let (name, value) = try scanner.uriHeader() {
            headers.append((bytes.unescapedText(name), bytes.unescapedText(value)))
        }
    }
}

/// A URI's parts as ranges of the octets they stand in.
struct URIRanges {
    var scheme: URIScheme
    /// What follows the colon.
    var rest: Range<Int>
    var user: Range<Int>?
    var password: Range<Int>?
    var host: Range<Int> = 0..<0
    /// The host when it is an IPv6 reference.
    var address: IPAddress?
    var port: UInt16?
    var parameters: Range<Int> = 0..<0
    var headers: Range<Int> = 0..<0
}

extension Scanner {
    /// A URI and its parts (RFC 3261 §19.1.1), the cursor left behind it.
    /// `isBare`: it stands without angle brackets, so that ";" begins the header's parameters and "," the next value (§20).
    mutating func uri(isBare: Bool) throws(SyntaxFault) -> URIRanges {
        let start = at
        let name = run(of: .scheme)
        guard !name.isEmpty, take(UInt8(ascii: ":")) else { throw SyntaxFault(start, "expected a URI") }
        var parts = URIRanges(scheme: scheme(name), rest: at..<at)
        switch parts.scheme {
        case .sip, .sips: try sipURI(&parts, isBare: isBare)
        case .tel: try telURI(&parts, isBare: isBare)
        case .other:
            while at < end, OctetSet.opaque.contains(bytes[at]) {
                if isBare, bytes[at] == UInt8(ascii: ";") || bytes[at] == UInt8(ascii: ",") { break }
                at &+= 1
            }
        }
        parts.rest = parts.rest.lowerBound..<at
        guard !parts.rest.isEmpty else { throw SyntaxFault(at, "the URI is empty after its scheme") }
        return parts
    }

    private func scheme(_ range: Range<Int>) -> URIScheme {
        if bytes.equals(range, lowercase: "sip") { return .sip }
        if bytes.equals(range, lowercase: "sips") { return .sips }
        if bytes.equals(range, lowercase: "tel") { return .tel }
        return .other(bytes.lowercasedText(range))
    }

    private mutating func sipURI(_ parts: inout URIRanges, isBare: Bool) throws(SyntaxFault) {
        let start = at
        let set: OctetSet = isBare ? .bareUser : .user
        let user = try escapedRun(of: set)
        var password: Range<Int>?
        if current == UInt8(ascii: ":") {
            at &+= 1
            password = try escapedRun(of: set)
        }
        if take(UInt8(ascii: "@")) {
            guard !user.isEmpty else { throw SyntaxFault(start, "the user is empty") }
            (parts.user, parts.password) = (user, password)
        } else {
            at = start
        }
        (parts.host, parts.address) = try host()
        if take(UInt8(ascii: ":")) {
            guard let port = try number(upTo: 65_535, "a port") else {
                throw SyntaxFault(at, "the port is above 65535")
            }
            parts.port = UInt16(truncatingIfNeeded: port)
        }
        guard !isBare else { return }
        try uriTail(&parts)
    }

    private mutating func telURI(_ parts: inout URIRanges, isBare: Bool) throws(SyntaxFault) {
        let start = at
        while at < end, bytes[at] != UInt8(ascii: ";"), OctetSet.token.contains(bytes[at]) || isTelephoneMark(bytes[at])
        {
            at &+= 1
        }
        guard at > start else { throw SyntaxFault(at, "expected a number") }
        parts.user = start..<at
        guard !isBare else { return }
        try uriTail(&parts)
    }

    /// RFC 3966's visual separators and "#", beside what a token holds.
    private func isTelephoneMark(_ octet: UInt8) -> Bool {
        octet == UInt8(ascii: "(") || octet == UInt8(ascii: ")") || octet == UInt8(ascii: "#")
    }

    private mutating func uriTail(_ parts: inout URIRanges) throws(SyntaxFault) {
        var start = at
        var count = 0
        while try uriParameter() != nil {
            count &+= 1
            guard count <= MessageLimits.parameters else { throw SyntaxFault(at, "too many parameters") }
        }
        parts.parameters = start..<at
        guard current == UInt8(ascii: "?") else { return }
        start = at
        count = 0
        while try uriHeader() != nil {
            count &+= 1
            guard count <= MessageLimits.parameters else { throw SyntaxFault(at, "too many headers") }
        }
        parts.headers = start..<at
    }

    /// `;name[=value]` of a URI (§19.1.1); nil when no semicolon follows.
    mutating func uriParameter() throws(SyntaxFault) -> ParameterRange? {
        guard take(UInt8(ascii: ";")) else { return nil }
        while take(UInt8(ascii: ";")) {}
        let name = try escapedRun(of: .uriName)
        guard !name.isEmpty else {
            guard isAtEnd || current == UInt8(ascii: ">") || current == UInt8(ascii: "?") else {
                throw SyntaxFault(at, "expected a parameter's name")
            }
            return nil
        }
        guard take(UInt8(ascii: "=")) else { return ParameterRange(name: name) }
        return ParameterRange(name: name, value: try escapedRun(of: .uriParameter))
    }

    /// `?name=value` or `&name=value` of a URI; nil when neither follows.
    mutating func uriHeader() throws(SyntaxFault) -> (name: Range<Int>, value: Range<Int>)? {
        guard take(UInt8(ascii: "?")) || take(UInt8(ascii: "&")) else { return nil }
        let name = try escapedRun(of: .uriHeader)
        guard !name.isEmpty else { throw SyntaxFault(at, "expected a header's name") }
        guard take(UInt8(ascii: "=")) else { return (name, at..<at) }
        return (name, try escapedRun(of: .uriHeader))
    }

    /// A run of octets in `set`, or above ASCII (not grammar, but unambiguous), or escaped; every "%" must begin an escape.
    private mutating func escapedRun(of set: OctetSet) throws(SyntaxFault) -> Range<Int> {
        let start = at
        while at < end {
            let octet = bytes[at]
            if octet == UInt8(ascii: "%") {
                guard at &+ 2 < end, bytes[at &+ 1].hexValue != nil, bytes[at &+ 2].hexValue != nil else {
                    throw SyntaxFault(at, "\"%\" without two hexadecimal digits")
                }
                at &+= 3
            } else if set.contains(octet) || octet >= 0x80 {
                at &+= 1
            } else {
                break
            }
        }
        return start..<at
    }

    /// A host name, an IPv4 address, or an IPv6 reference in brackets; the range is without them.
    mutating func host() throws(SyntaxFault) -> (Range<Int>, IPAddress?) {
        let start = at
        guard take(UInt8(ascii: "[")) else {
            let name = run(of: .host)
            guard !name.isEmpty else { throw SyntaxFault(start, "expected a host") }
            return (name, nil)
        }
        while at < end, bytes[at] != UInt8(ascii: "]"), at &- start <= 64 { at &+= 1 }
        let inside = start &+ 1..<at
        guard take(UInt8(ascii: "]")), let address = ipv6(inside) else {
            throw SyntaxFault(start, "not an IPv6 address in brackets")
        }
        return (inside, address)
    }

    /// RFC 5118 §4.10: RFC 3261's grammar allowed ":::" before an embedded IPv4 address; it means "::".
    private func ipv6(_ range: Range<Int>) -> IPAddress? {
        let text = bytes.text(range)
        if let address = IPAddress(text) { return address.isV6 ? address : nil }
        guard let colons = text.firstRange(of: ":::") else { return nil }
        guard let address = IPAddress(text.replacingCharacters(in: colons, with: "::")), address.isV6 else {
            return nil
        }
        return address
    }
}

extension String {
    fileprivate func firstRange(of text: String) -> Range<Index>? { ranges(of: text).first }

    fileprivate func replacingCharacters(in range: Range<Index>, with text: String) -> String {
        self[..<range.lowerBound] + text + self[range.upperBound...]
    }
}

/// A display name, a URI and the header's parameters: the value of From, To, Contact, Route… (RFC 3261 §20.10).
public struct NameAddress: Hashable, Sendable, CustomStringConvertible {
    /// Without its quotes; nil when absent or empty.
    public var displayName: String?
    public var uri: SIPURI
    public var parameters: Parameters

    public init(uri: SIPURI, displayName: String? = nil, parameters: Parameters = Parameters()) {
        (self.displayName, self.uri, self.parameters) = (displayName, uri, parameters)
    }

    /// Reads one whole value.
    public init(_ text: some StringProtocol) throws(SIPFault) {
        let bytes = Array(text.utf8)
        self = try parsing("address", bytes) { scanner throws(SyntaxFault) in
            let value = try NameAddress(&scanner)
            try scanner.expectEnd()
            return value
        }
    }

    init(_ scanner: inout Scanner) throws(SyntaxFault) {
        let ranges = try scanner.nameAddress()
        uri = try SIPURI(ranges.uri, of: scanner.bytes)
        parameters = try scanner.headerParameters()
        if let name = ranges.displayName {
            let text = ranges.isQuoted ? scanner.bytes.unquotedText(name) : scanner.bytes.unfoldedText(name)
            if !text.isEmpty { displayName = text }
        }
    }

    public var tag: String? {
        get { parameters["tag"] }
        set { parameters["tag"] = newValue }
    }

    /// Always with angle brackets, the display name in quotes.
    public var description: String {
        var out: [UInt8] = []
        if let displayName {
            out.appendQuoted(displayName)
            out.append(32)
        }
        out.append(UInt8(ascii: "<"))
        uri.write(into: &out)
        out.append(UInt8(ascii: ">"))
        parameters.write(into: &out, in: .header)
        return String(decoding: out, as: UTF8.self)
    }
}

/// A name-addr or addr-spec without its parameters, as ranges.
struct NameAddressRanges {
    var displayName: Range<Int>?
    var isQuoted = false
    var uri: URIRanges
}

extension Scanner {
    /// `[display-name] <uri>` or a bare `uri`; the header's parameters follow the cursor.
    mutating func nameAddress() throws(SyntaxFault) -> NameAddressRanges {
        skipLWS()
        if current == UInt8(ascii: "\"") {
            let name = try quotedString()
            skipLWS()
            guard current == UInt8(ascii: "<") else { throw SyntaxFault(at, "expected \"<\" after the display name") }
            return NameAddressRanges(displayName: name, isQuoted: true, uri: try bracketedURI())
        }
        if current == UInt8(ascii: "<") { return NameAddressRanges(uri: try bracketedURI()) }
        let start = at
        var last = at
        while at < end {
            let octet = bytes[at]
            if octet.isLWS {
                at &+= 1
            } else if OctetSet.displayName.contains(octet) || octet >= 0x80 {
                at &+= 1
                last = at
            } else {
                break
            }
        }
        if current == UInt8(ascii: "<") {
            return NameAddressRanges(displayName: start..<last, uri: try bracketedURI())
        }
        at = start
        return NameAddressRanges(uri: try uri(isBare: true))
    }

    private mutating func bracketedURI() throws(SyntaxFault) -> URIRanges {
        at &+= 1
        let parts = try uri(isBare: false)
        guard take(UInt8(ascii: ">")) else {
            throw SyntaxFault(at, "the URI holds what no URI may, or its \">\" is missing")
        }
        return parts
    }
}

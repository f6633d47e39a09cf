public import NetAddress

/// One hop of a request's path (RFC 3261 §20.42, RFC 3581).
public struct Via: Hashable, Sendable, CustomStringConvertible {
    /// As received: "UDP", "TLS", or one that we do not know.
    public var transportName: String
    /// sent-by, in lower case; an IPv6 address without its brackets.
    public var host: String
    public var port: UInt16?
    public var parameters: Parameters

    public init(transport: Transport, host: String, port: UInt16? = nil, branch: String? = nil) {
        self.init(transportName: transport.viaName, host: host, port: port, branch: branch)
    }

    public init(transportName: String, host: String, port: UInt16? = nil, branch: String? = nil) {
        (self.transportName, self.host, self.port, parameters) = (transportName, host, port, Parameters())
        if let branch { parameters.set("branch", branch) }
    }

    /// Reads one whole value.
    public init(_ text: some StringProtocol) throws(SIPFault) {
        let bytes = Array(text.utf8)
        self = try parsing("Via", bytes) { scanner throws(SyntaxFault) in
            let value = try Via(&scanner)
            try scanner.expectEnd()
            return value
        }
    }

    init(_ scanner: inout Scanner) throws(SyntaxFault) {
        let ranges = try scanner.viaSentBy()
        transportName = scanner.bytes.text(ranges.transport)
        host = ranges.address?.description ?? scanner.bytes.lowercasedText(ranges.host)
        port = ranges.port
        parameters = try scanner.headerParameters()
    }

    public var transport: Transport? { Transport(rawValue: transportName.lowercased()) }

    public var branch: String? {
        get { parameters["branch"] }
        set { parameters["branch"] = newValue }
    }

    /// The branch identifies its transaction alone: the magic cookie, and something after it (§17.2.3, RFC 4475 §3.2.1).
    public var hasUniqueBranch: Bool {
        guard let branch, branch.utf8.count > 7 else { return false }
        return isSameName(String(branch.prefix(7)), "z9hG4bK")
    }

    /// The address that the request came from, without brackets (RFC 5118 §4.5 meets them).
    public var received: String? {
        get {
            guard let text = parameters["received"] else { return nil }
            guard text.hasPrefix("["), text.hasSuffix("]"), text.utf8.count > 2 else { return text }
            return String(text.dropFirst().dropLast())
        }
        set { parameters["received"] = newValue }
    }

    /// The port that the request came from; nil when absent or still without value.
    public var rport: UInt16? {
        get { parameters["rport"].flatMap { UInt16($0) } }
        set { parameters.set("rport", newValue.map { String($0) }) }
    }

    /// The client asked for the response to come back to its source port (RFC 3581 §3).
    public var hasRport: Bool { parameters.contains("rport") }
    public var ttl: UInt8? { parameters["ttl"].flatMap { UInt8($0) } }
    public var maddr: String? { parameters["maddr"] }

    /// The port to answer to when nothing else says one (§18.2.2).
    public var sentByPort: UInt16 { port ?? transport?.defaultPort ?? 5060 }

    public var description: String {
        var out: [UInt8] = Array("SIP/2.0/".utf8)
        for octet in transportName.utf8 where OctetSet.token.contains(octet) { out.append(octet) }
        out.append(32)
        out.appendHost(host)
        if let port {
            out.append(UInt8(ascii: ":"))
            out.append(String(port))
        }
        parameters.write(into: &out, in: .header)
        return String(decoding: out, as: UTF8.self)
    }
}

/// A Via without its parameters, as ranges.
struct ViaRanges {
    var transport: Range<Int>
    var host: Range<Int>
    var address: IPAddress?
    var port: UInt16?
}

extension Scanner {
    /// `SIP/2.0/UDP host:port`, white space allowed around each slash and colon; the parameters follow the cursor.
    mutating func viaSentBy() throws(SyntaxFault) -> ViaRanges {
        skipLWS()
        let start = at
        let name = try token("a protocol's name")
        guard bytes.equals(name, lowercase: "sip") else { throw SyntaxFault(start, "the protocol is not SIP") }
        guard takeSeparator(UInt8(ascii: "/")) else { throw SyntaxFault(at, "expected \"/\"") }
        _ = try token("a version")
        guard takeSeparator(UInt8(ascii: "/")) else { throw SyntaxFault(at, "expected \"/\"") }
        let transport = try token("a transport")
        guard current?.isLWS == true else { throw SyntaxFault(at, "expected white space and a host") }
        skipLWS()
        let (host, address) = try host()
        var ranges = ViaRanges(transport: transport, host: host, address: address)
        guard takeSeparator(UInt8(ascii: ":")) else { return ranges }
        guard let port = try number(upTo: 65_535, "a port") else { throw SyntaxFault(at, "the port is above 65535") }
        ranges.port = UInt16(truncatingIfNeeded: port)
        return ranges
    }
}

public import NetAddress

/// `"Name" <URI>;parameters`: From, To, Contact, Route, Record-Route (RFC 3261 §20.10).
public struct NameAddress: Hashable, Sendable, CustomStringConvertible {
    /// Unquoted.
    public var displayName: String?
    public var uri: SIPURI
    public var parameters = Parameters()

    public init(uri: SIPURI, displayName: String? = nil) { (self.uri, self.displayName) = (uri, displayName) }

    public init(_ text: String) throws(SIPFault) { try self.init(Array(text.utf8)[...], in: "address") }

    public var tag: String? {
        get { parameters["tag"] }
        set { parameters["tag"] = newValue }
    }

    init(_ bytes: ArraySlice<UInt8>, in place: String) throws(SIPFault) {
        func fault(_ what: String) -> SIPFault { SIPFault(kind: .header, where: place, what: what, status: 400) }
        let bytes = bytes.trimmed
        var index = bytes.startIndex
        var name: String?
        if bytes.first == UInt8(ascii: "\"") {
            index += 1
            while index < bytes.endIndex, bytes[index] != UInt8(ascii: "\"") {
                index += bytes[index] == UInt8(ascii: "\\") ? 2 : 1
            }
            guard index < bytes.endIndex else { throw fault("a quote that never closes") }
            name = Parameters.unquote(String(bytes[bytes.startIndex...index]))
            index += 1
        }
        guard let open = bytes[index...].firstIndex(of: UInt8(ascii: "<")) else {
            guard name == nil else { throw fault("a display name without '<'") }
            // Without brackets, parameters belong to the header, not to the URI (§20.10).
            let parts = bytes.split(separator: UInt8(ascii: ";"), omittingEmptySubsequences: false)
            let address = (parts.first ?? [])[...].trimmed
            guard !address.contains(UInt8(ascii: "?")) else { throw fault("a '?' in an address without brackets") }
            uri = try SIPURI(address, in: place)
            parameters = try Parameters(parts: parts.dropFirst(), in: place)
            return
        }
        guard let close = bytes[open...].firstIndex(of: UInt8(ascii: ">")) else { throw fault("'<' without '>'") }
        let between = bytes[index..<open].trimmed
        if name == nil {
            guard between.allSatisfy({ $0.isToken || $0.isWhitespace || $0 >= 0x80 }) else {
                throw fault("a display name that should be quoted")
            }
            if !between.isEmpty { name = String(between) }
        } else if !between.isEmpty {
            throw fault("text between the display name and '<'")
        }
        displayName = name
        uri = try SIPURI(bytes[(open + 1)..<close], in: place)
        let rest = bytes[(close + 1)...].trimmed
        guard rest.isEmpty || rest.first == UInt8(ascii: ";") else { throw fault("text behind '>'") }
        guard let parts = rest.splitOutside(UInt8(ascii: ";")) else { throw fault("a quote that never closes") }
        parameters = try Parameters(parts: parts, in: place)
    }

    public var description: String {
        guard let displayName, !displayName.isEmpty else { return "<\(uri)>\(parameters)" }
        return "\(Self.quote(displayName)) <\(uri)>\(parameters)"
    }

    /// A quoted string (§25.1); line ends and other controls become spaces, so that no value can start a header of its own.
    static func quote(_ text: String) -> String {
        var result: [UInt8] = [UInt8(ascii: "\"")]
        for byte in text.utf8 {
            if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") { result.append(UInt8(ascii: "\\")) }
            result.append(byte < 0x20 || byte == 0x7F ? 0x20 : byte)
        }
        result.append(UInt8(ascii: "\""))
        return String(decoding: result, as: UTF8.self)
    }
}

/// One hop of a request's way (RFC 3261 §20.42).
public struct Via: Hashable, Sendable, CustomStringConvertible {
    /// As written: `UDP`, or a transport nobody knows.
    public var transportName: String
    public var host: String
    public var port: UInt16?
    public var parameters = Parameters()

    public init(transport: Transport, host: String, port: UInt16?) {
        (transportName, self.host, self.port) = (transport.viaName, host, port)
    }

    public init(_ text: String) throws(SIPFault) { try self.init(Array(text.utf8)[...]) }

    public var transport: Transport? { Transport(rawValue: transportName.lowercased()) }
    public var branch: String? {
        get { parameters["branch"] }
        set { parameters["branch"] = newValue }
    }
    public var received: String? {
        get { parameters["received"] }
        set { parameters["received"] = newValue }
    }
    public var maddr: String? { parameters["maddr"] }
    /// RFC 3581: the client asked for its port.
    public var hasRport: Bool { parameters.contains("rport") }
    public var rport: UInt16? {
        get { parameters["rport"].flatMap { UInt16($0) } }
        set { parameters.set("rport", newValue.map { "\($0)" }) }
    }

    init(_ bytes: ArraySlice<UInt8>) throws(SIPFault) {
        func fault(_ what: String) -> SIPFault { SIPFault(kind: .header, where: "Via", what: what, status: 400) }
        let parts = bytes.split(separator: UInt8(ascii: ";"), omittingEmptySubsequences: false)
        let head = (parts.first ?? [])[...].trimmed
        // `SIP / 2.0 / UDP host : port`, with white space wherever the grammar has SLASH and LWS.
        let fields = head.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        guard fields.count == 3, String(fields[0].trimmed).equalsIgnoringCase("SIP"), String(fields[1].trimmed) == "2.0"
        else {
            throw fault("does not begin with SIP/2.0/")
        }
        let last = fields[2].trimmed
        guard let space = last.firstIndex(where: { $0.isWhitespace || $0 == 13 || $0 == 10 }) else {
            throw fault("no host behind the transport")
        }
        transportName = String(last[..<space])
        guard last[..<space].allSatisfy(\.isToken) else { throw fault("a transport that is no token") }
        (host, port) = try HostPort.parse(last[space...], in: "Via")
        parameters = try Parameters(parts: parts.dropFirst(), in: "Via")
    }

    public var description: String {
        let name = host.utf8.contains(UInt8(ascii: ":")) ? "[\(host)]" : host
        return "SIP/2.0/\(transportName) \(name)" + (port.map { ":\($0)" } ?? "") + parameters.description
    }
}

/// `CSeq: number method` (RFC 3261 §20.16).
public struct CSeq: Hashable, Sendable, CustomStringConvertible {
    public var number: UInt32
    public var method: Method

    public init(number: UInt32, method: Method) { (self.number, self.method) = (number, method) }

    init(_ bytes: ArraySlice<UInt8>) throws(SIPFault) {
        func fault(_ what: String) -> SIPFault { SIPFault(kind: .header, where: "CSeq", what: what, status: 400) }
        let bytes = bytes.trimmed
        guard let space = bytes.firstIndex(where: { $0.isWhitespace || $0 == 13 || $0 == 10 }) else {
            throw fault("no method behind the number")
        }
        // §8.1.1.5 asks for less than 2^31; RFC 4475 §3.1.2.4 only refuses what 32 bits cannot hold.
        guard let number = bytes[..<space].number(upTo: UInt64(UInt32.max)) else {
            throw fault("no number of 32 bits")
        }
        let name = bytes[space...].trimmed
        guard !name.isEmpty, name.count <= 64, name.allSatisfy(\.isToken) else {
            throw fault("a method that is no token")
        }
        self.init(number: UInt32(truncatingIfNeeded: number), method: Method(String(name)))
    }

    public var description: String { "\(number) \(method.name)" }
}

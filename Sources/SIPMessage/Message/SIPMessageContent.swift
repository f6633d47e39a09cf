/// What requests and responses share: headers, a body, and the headers' values as types.
///
/// The parser has checked the top Via, From, To, Call-ID and CSeq of every message that it called sound; all others are read,
/// and their faults thrown, when they are asked for. Each call reads the octets again: keep what you need twice.
public protocol SIPMessageContent {
    var headers: Headers { get set }
    var body: [UInt8] { get set }
}

extension SIPMessageContent {
    /// The first Via value: where the message was last, or where a response of ours goes.
    public func topVia() throws(SIPFault) -> Via {
        let entry = try headers.required(.via)
        return try headers.parse(entry) { scanner throws(SyntaxFault) in
            let via = try Via(&scanner)
            try scanner.expectElementEnd()
            return via
        }
    }

    /// All Via values, the last hop first.
    public func vias() throws(SIPFault) -> [Via] {
        try headers.parseList(.via) { scanner throws(SyntaxFault) in try Via(&scanner) }
    }

    public func from() throws(SIPFault) -> NameAddress { try headers.address(.from) }
    public func to() throws(SIPFault) -> NameAddress { try headers.address(.to) }

    /// From's tag; nil when it has none or cannot be read. Cheaper than `from()`.
    public var fromTag: String? { headers.tag(.from) }
    /// To's tag; nil when it has none or cannot be read: the request is outside a dialog (§12).
    public var toTag: String? { headers.tag(.to) }

    /// The Call-ID as it stands: its case counts (RFC 3261 §20.8).
    public func callID() throws(SIPFault) -> String {
        let entry = try headers.required(.callID)
        try headers.checkCallID(entry)
        return headers.text(entry)
    }

    public func cSeq() throws(SIPFault) -> CSeq {
        try headers.parse(try headers.required(.cSeq)) { scanner throws(SyntaxFault) in try CSeq(&scanner) }
    }

    /// All Contact values; empty for none and for "*".
    public func contacts() throws(SIPFault) -> [NameAddress] {
        isStarContact ? [] : try headers.addresses(.contact)
    }

    /// `Contact: *`, alone: all bindings of a REGISTER (§10.2.2).
    public var isStarContact: Bool { headers.list(.contact) == ["*"] }

    /// Hops left; nil when the peer is too old to say. Throws when it is no number or above 255 (§20.22).
    public func maxForwards() throws(SIPFault) -> Int? {
        guard let entry = headers.first(.maxForwards) else { return nil }
        return try headers.parse(entry) { scanner throws(SyntaxFault) in
            guard let value = try scanner.number(upTo: 255, "a number") else {
                throw SyntaxFault(scanner.at, "Max-Forwards is above 255")
            }
            try scanner.expectEnd()
            return Int(truncatingIfNeeded: value)
        }
    }

    /// Seconds; numbers above 2^32 - 1 become that (§20.19). Throws when it is no number.
    public func expires() throws(SIPFault) -> UInt32? { try headers.seconds(.expires) }

    /// Seconds (§20.23).
    public func minExpires() throws(SIPFault) -> UInt32? { try headers.seconds(.minExpires) }
    /// Seconds, without the comment that may follow (§20.33).
    public func retryAfter() throws(SIPFault) -> UInt32? { try headers.seconds(.retryAfter) }

    public func routes() throws(SIPFault) -> [NameAddress] { try headers.addresses(.route) }
    public func recordRoutes() throws(SIPFault) -> [NameAddress] { try headers.addresses(.recordRoute) }

    /// The way of calls to a registrar's domain (RFC 3608 §6).
    public func serviceRoutes() throws(SIPFault) -> [NameAddress] { try headers.addresses(.serviceRoute) }

    /// Whether the sender understands this option (§20.37).
    public func supports(_ option: String) -> Bool { headers.has(option, in: .supported) }

    /// All values of Reason (RFC 3326 §2) as one row (RFC 3261 §7.3.1); nil: there is none.
    public var reasons: String? {
        let values = headers.list(.reason)
        return values.isEmpty ? nil : values.joined(separator: ", ")
    }

    /// `type/subtype` of the body in lower case, without parameters; nil when the header is absent.
    public func contentType() -> String? {
        guard let entry = headers.first(.contentType) else { return nil }
        return MediaType(headers.bytes, entry.value)?.name ?? ""
    }

    /// Gives the first Via value other parameters and leaves all else as it came: its sender knows it again by that (RFC 3261 §8.2.6.2,
    /// §18.1.2).
    public mutating func setTopVia(parameters: Parameters) {
        guard let index = headers.entries.firstIndex(where: { $0.code == HeaderName.via.code }) else { return }
        var values = headers.elements(of: headers.entries[index]).map { headers.bytes.unfoldedText($0) }
        guard let first = values.first else { return }
        // Neither a protocol nor a host has a semicolon.
        var octets = Array(first.utf8.prefix { $0 != UInt8(ascii: ";") })
        while octets.last == UInt8(ascii: " ") { octets.removeLast() }
        parameters.write(into: &octets, in: .header)
        values[0] = String(decoding: octets, as: UTF8.self)
        headers.entries[index] = headers.store(.via, values.joined(separator: ", "))
    }
}

/// A request (RFC 3261 §7.1).
public struct SIPRequest: Sendable, SIPMessageContent {
    public var method: Method
    public var uri: SIPURI
    public var headers = Headers()
    public var body: [UInt8] = []

    public init(method: Method, uri: SIPURI) { (self.method, self.uri) = (method, uri) }
}

/// A response (RFC 3261 §7.2).
public struct SIPResponse: Sendable, SIPMessageContent {
    public var status: Int
    public var reason: String
    public var headers = Headers()
    public var body: [UInt8] = []

    public init(status: Int, reason: String? = nil) {
        (self.status, self.reason) = (status, reason ?? ReasonPhrase.standard(status))
    }

    /// The response that §8.2.6.2 builds: Via, From, To, Call-ID and CSeq of the request, in that order; a To without tag gets
    /// ours unless this is a 100.
    public init(status: Int, to request: SIPRequest, toTag: String?, reason: String? = nil) {
        self.init(status: status, reason: reason)
        headers = Headers(source: request.headers.source, fields: [])
        headers.fields.reserveCapacity(12)
        for field in request.headers.fields where field.name == .via { headers.fields.append(field) }
        for name in [HeaderName.from, .to, .callID, .cSeq] {
            guard let field = request.headers.fields.first(where: { $0.name == name }) else { continue }
            headers.fields.append(field)
            guard name == .to, status > 100, let toTag, var to = try? request.to(), to.tag == nil else { continue }
            to.tag = toTag
            headers.fields[headers.fields.count - 1].value = .text(headers.text(field) + ";tag=" + toTag)
        }
        if status == 100, let stamp = request.headers[.timestamp] { headers.append(.timestamp, stamp) }
    }
}

public enum SIPMessage: Sendable {
    case request(SIPRequest)
    case response(SIPResponse)

    public var headers: Headers {
        switch self {
        case .request(let request): request.headers
        case .response(let response): response.headers
        }
    }
}

/// What requests and responses have in common: headers read as the grammar says, each where it is needed.
public protocol SIPMessageContent {
    var headers: Headers { get }
    var body: [UInt8] { get }
}

extension SIPMessageContent {
    public func topVia() throws(SIPFault) -> Via {
        guard let field = headers.firstBytes(.via) else { throw missing("Via") }
        let first = field.contains(UInt8(ascii: ",")) ? field.splitOutside(UInt8(ascii: ","))?.first : field
        guard let first else {
            throw SIPFault(kind: .header, where: "Via", what: "a quote that never closes", status: 400)
        }
        return try Via(first)
    }

    public func vias() throws(SIPFault) -> [Via] {
        var result: [Via] = []
        for element in headers.elements(.via) { result.append(try Via(element)) }
        guard !result.isEmpty else { throw missing("Via") }
        return result
    }

    public func from() throws(SIPFault) -> NameAddress { try address(.from) }
    public func to() throws(SIPFault) -> NameAddress { try address(.to) }

    public func callID() throws(SIPFault) -> String {
        guard let value = headers.firstBytes(.callID)?.trimmed, !value.isEmpty else { throw missing("Call-ID") }
        return String(value)
    }

    public func cSeq() throws(SIPFault) -> CSeq {
        guard let value = headers.firstBytes(.cSeq) else { throw missing("CSeq") }
        return try CSeq(value)
    }

    /// `Contact: *` (§10.2.2).
    public var isStarContact: Bool { headers.elements(.contact).contains { String($0.trimmed) == "*" } }

    /// The Contacts, without `*`.
    public func contacts() throws(SIPFault) -> [NameAddress] { try addresses(.contact) }
    public func routes() throws(SIPFault) -> [NameAddress] { try addresses(.route) }
    public func recordRoutes() throws(SIPFault) -> [NameAddress] { try addresses(.recordRoute) }

    /// 0 to 255 (§20.22).
    public func maxForwards() throws(SIPFault) -> Int? {
        guard let value = headers.firstBytes(.maxForwards)?.trimmed else { return nil }
        guard let number = value.number(upTo: 255) else {
            throw SIPFault(kind: .header, where: "Max-Forwards", what: "no number from 0 to 255", status: 400)
        }
        return Int(number)
    }

    /// Seconds; what 32 bits cannot hold, or is no number, counts as an hour (§20.19, §10.2.1.1).
    public func expires() -> UInt32? {
        guard let value = headers.firstBytes(.expires)?.trimmed else { return nil }
        return value.number(upTo: UInt64(UInt32.max)).map { UInt32(truncatingIfNeeded: $0) } ?? 3600
    }

    public func requires() throws(SIPFault) -> [String] { headers.list(.require) }
    public func supports(_ option: String) -> Bool {
        headers.list(.supported).contains { $0.equalsIgnoringCase(option) }
    }

    /// `type/subtype` in lower case, without parameters.
    public func contentType() -> String? {
        guard let value = headers.firstBytes(.contentType) else { return nil }
        let type = value.prefix { $0 != UInt8(ascii: ";") }
        return String(decoding: type.filter { !$0.isWhitespace }.map(\.lowercased), as: UTF8.self)
    }

    /// The session description: the body, or the first application/sdp part of a multipart body (RFC 5621).
    public func sdpBody() -> [UInt8]? {
        guard !body.isEmpty, let type = contentType() else { return nil }
        if type == "application/sdp" { return body }
        guard type.hasPrefix("multipart/") else { return nil }
        return Multipart.part("application/sdp", of: self)
    }

    private func address(_ name: HeaderName) throws(SIPFault) -> NameAddress {
        guard let value = headers.firstBytes(name) else { throw missing(name.name) }
        return try NameAddress(value, in: name.name)
    }

    private func addresses(_ name: HeaderName) throws(SIPFault) -> [NameAddress] {
        var result: [NameAddress] = []
        for element in headers.elements(name) {
            let element = element.trimmed
            guard !element.isEmpty, !(element.count == 1 && element.first == UInt8(ascii: "*")) else { continue }
            result.append(try NameAddress(element, in: name.name))
        }
        return result
    }

    private func missing(_ name: String) -> SIPFault {
        SIPFault(kind: .missingHeader, where: name, what: "the header is missing", status: 400)
    }
}

/// Bodies of several parts (RFC 2046 §5.1), read no further than to find one.
enum Multipart {
    static func part(_ wanted: String, of message: some SIPMessageContent) -> [UInt8]? {
        guard let header = message.headers.firstBytes(.contentType),
            let parts = header.splitOutside(UInt8(ascii: ";")),
            let parameters = try? Parameters(parts: parts.dropFirst(), in: "Content-Type"),
            let boundary = parameters["boundary"], !boundary.isEmpty, boundary.utf8.count <= 70
        else { return nil }
        let marker = Array("--\(boundary)".utf8)
        var sections: [ArraySlice<UInt8>] = []
        var start: Int?
        var line = message.body.startIndex
        while line < message.body.endIndex, sections.count < 16 {
            let end = message.body[line...].firstIndex(of: 10) ?? message.body.endIndex
            if message.body[line..<end].starts(with: marker) {
                if let start { sections.append(message.body[start..<line]) }
                start = min(end + 1, message.body.endIndex)
            }
            line = end + 1
        }
        for section in sections {
            guard let content = content(of: section, type: wanted) else { continue }
            return content
        }
        return nil
    }

    private static func content(of section: ArraySlice<UInt8>, type wanted: String) -> [UInt8]? {
        var line = section.startIndex
        var type: String?
        while line < section.endIndex {
            let end = section[line...].firstIndex(of: 10) ?? section.endIndex
            let text = section[line..<end].trimmed
            if text.isEmpty { break }
            if let colon = text.firstIndex(of: UInt8(ascii: ":")), HeaderName(text[..<colon].trimmed) == .contentType {
                type = String(text[(colon + 1)...].prefix { $0 != UInt8(ascii: ";") }.trimmed).lowercased()
            }
            line = end + 1
        }
        guard type == wanted, let bodyStart = section[line...].firstIndex(of: 10) else { return nil }
        return Array(section[(bodyStart + 1)...])
    }
}

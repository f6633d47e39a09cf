/// What is wrong with a message, where, and the answer that it deserves.
public struct SIPFault: Error, Equatable, Sendable, CustomStringConvertible {
    /// Stable names: counters and logs group by them.
    public enum Kind: String, Hashable, Sendable, CaseIterable {
        /// Not SIP at all: STUN, HTTP, noise.
        case notSIP = "not-sip"
        case malformedStartLine = "malformed-start-line"
        case unsupportedVersion = "unsupported-version"
        case uriTooLong = "uri-too-long"
        case malformedURI = "malformed-uri"
        case malformedHeader = "malformed-header"
        case missingHeader = "missing-header"
        case duplicateHeader = "duplicate-header"
        case methodMismatch = "method-mismatch"
        case malformedContentLength = "malformed-content-length"
        case incompleteMessage = "incomplete-message"
        case tooLarge = "too-large"
        case malformedBody = "malformed-body"
    }

    public var kind: Kind
    /// The header's name or "start line", with the octet's offset in it where that helps.
    public var `where`: String
    public var what: String
    /// The final response that a request with this fault gets (RFC 3261 §21.4); nil: drop it.
    public var status: Int?

    public init(kind: Kind, where place: String, what: String, status: Int? = 400) {
        (self.kind, self.where, self.what, self.status) = (kind, place, what, status)
    }

    public var description: String { "\(self.where): \(what) [\(kind.rawValue)]" }
}

extension SIPFault {
    init(_ fault: SyntaxFault, in place: String, from start: Int, kind: Kind = .malformedHeader) {
        self.init(kind: kind, where: "\(place), octet \(max(0, fault.at &- start))", what: fault.what, status: 400)
    }
}

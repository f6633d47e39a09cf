/// What is wrong with a message: what, where, and the answer it deserves.
public struct SIPFault: Error, Equatable, Sendable {
    /// Stable; counted by.
    public enum Kind: String, Sendable, CaseIterable {
        case startLine = "start-line"
        case version, method, uri
        case header
        case missingHeader = "missing-header"
        case duplicateHeader = "duplicate-header"
        case contentLength = "content-length"
        case tooLarge = "too-large"
        case body
        case notSIP = "not-sip"
    }

    public var kind: Kind
    /// A header's name, or `start line`.
    public var `where`: String
    public var what: String
    /// The status of the answer (RFC 3261 §21.4); nil when there is nobody to answer.
    public var status: Int?

    public init(kind: Kind, where place: String, what: String, status: Int?) {
        (self.kind, self.where, self.what, self.status) = (kind, place, what, status)
    }
}

/// The bounds of everything a peer can make grow.
public struct MessageLimits: Sendable {
    /// Octets of a whole message.
    public var message = 131_072
    public var startLine = 8_192
    /// Octets of one header line, folded lines included.
    public var headerLine = 8_192
    /// Header lines.
    public var headers = 256
    /// Elements of one comma list that are looked at.
    public var listElements = 128

    public init() {}
}

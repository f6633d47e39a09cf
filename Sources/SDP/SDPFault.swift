/// Why a session description cannot be used, and the SIP status that says so.
public struct SDPFault: Error, Equatable, Sendable {
    /// 400 when it is no SDP (RFC 8866 §9), 413 when it is too long to be read, 488 when it is SDP that we cannot agree to (RFC 3261 §13.3.1.3).
    public var status: Int
    /// 1-based; nil when no single line is at fault.
    public var line: Int?
    public var what: String

    static func malformed(_ what: String, line: Int? = nil) -> SDPFault {
        SDPFault(status: 400, line: line, what: what)
    }
    static func tooLarge(_ what: String) -> SDPFault { SDPFault(status: 413, line: nil, what: what) }
    static func unacceptable(_ what: String) -> SDPFault { SDPFault(status: 488, line: nil, what: what) }
}

/// The bounds of everything that a peer can make grow.
enum SDPLimits {
    static let octets = 65_536
    static let lines = 2_000
    static let lineOctets = 8_192
    static let media = 64
    static let formats = 256
}

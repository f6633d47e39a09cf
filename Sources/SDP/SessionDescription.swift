public import NetAddress

/// A session description (RFC 8866), with every line that it came with.
public struct SessionDescription: Equatable, Sendable {
    public var origin: Origin
    public var sessionName: String
    public var connection: ConnectionData?
    /// `i=`, `u=`, `e=`, `p=`, `b=`, `k=`, `r=`, `z=` lines, in their order.
    public var otherLines: [Line]
    /// `t=` lines.
    public var timing: [String]
    public var attributes: [Attribute]
    public var media: [MediaDescription]

    public init(origin: Origin, connection: ConnectionData?, media: [MediaDescription]) {
        (self.origin, self.connection, self.media) = (origin, connection, media)
        (sessionName, otherLines, timing, attributes) = ("-", [], ["0 0"], [])
    }
}

/// `x=value`.
public struct Line: Equatable, Sendable {
    public var type: Character
    public var value: String

    public init(_ type: Character, _ value: String) { (self.type, self.value) = (type, value) }
}

/// `o=` (RFC 8866 §5.2). The version of one session counts up with each change.
public struct Origin: Equatable, Sendable {
    public var username: String
    public var sessionID: String
    public var version: String
    public var address: String

    public init(username: String = "-", sessionID: UInt64, version: UInt64, address: IPAddress) {
        (self.username, self.sessionID, self.version) = (username, String(sessionID), String(version))
        self.address = "IN \(address.isV6 ? "IP6" : "IP4") \(address)"
    }

    init(username: String, sessionID: String, version: String, address: String) {
        (self.username, self.sessionID, self.version, self.address) = (username, sessionID, version, address)
    }
}

/// `c=` (RFC 8866 §5.7): an address, or a name that somebody has to look up.
public struct ConnectionData: Equatable, Sendable {
    public var host: String

    public init(_ address: IPAddress) { host = address.description }
    init(host: String) { self.host = host }

    public var address: IPAddress? { IPAddress(host) }

    var text: String { "IN \(address?.isV6 == true ? "IP6" : "IP4") \(host)" }
}

/// `a=name` or `a=name:value`.
public struct Attribute: Equatable, Sendable {
    public var name: String
    public var value: String?

    public init(_ name: String, _ value: String? = nil) { (self.name, self.value) = (name, value) }
}

/// One `m=` section (RFC 8866 §5.14).
public struct MediaDescription: Equatable, Sendable {
    /// `audio`, `video`, `image`, …
    public var kind: String
    /// 0 refuses the stream (RFC 3264 §6).
    public var port: UInt16
    public var portCount: Int
    /// `RTP/AVP`, `RTP/SAVP`, `UDP/TLS/RTP/SAVPF`, `udptl`, …
    public var proto: String
    public private(set) var formats: [String]
    /// What those of the formats mean that mean something: read once, when the section is.
    public private(set) var payloadFormats: [PayloadFormat] = []
    public var connection: ConnectionData?
    public var otherLines: [Line]
    public private(set) var attributes: [Attribute]
    /// Its writer, or the one whom it answers, has put it aside: it says port 0, and has a port for when it goes on.
    var isPutAside = false

    public init(kind: String, port: UInt16, proto: String = "RTP/AVP", formats: [String]) {
        (self.kind, self.port, self.proto, self.formats) = (kind, port, proto, formats)
        (portCount, connection, otherLines, attributes) = (1, nil, [], [])
    }

    mutating func append(_ attribute: Attribute) { attributes.append(attribute) }

    /// What port 0 means in a talk, in the words of a hold: nobody says anything, and there is nowhere to say it to.
    mutating func putAside() {
        attributes.removeAll { MediaDirection(rawValue: $0.name) != nil }
        attributes.append(Attribute(MediaDirection.inactive.rawValue))
        (port, connection, isPutAside) = (9, ConnectionData(host: "0.0.0.0"), true)
    }

    /// Its attributes are complete.
    mutating func read(_ meanings: FormatMeanings) { payloadFormats = meanings.meanings(of: formats) }

    /// In the place of the formats that it has.
    mutating func name(_ list: [PayloadFormat]) { (formats, payloadFormats) = (list.map { "\($0.number)" }, list) }

    public func attribute(_ name: String) -> String? { attributes.first { $0.name == name }.map { $0.value ?? "" } }

    /// Direction of this section alone; nil when it says none.
    public var direction: MediaDirection? { attributes.lazy.compactMap { MediaDirection(rawValue: $0.name) }.first }
}

/// Who sends, seen from the one who wrote the description (RFC 3264 §5.1).
public enum MediaDirection: String, Sendable, CaseIterable {
    case sendrecv, sendonly, recvonly, inactive

    /// The same stream seen from the other side.
    public var reversed: MediaDirection {
        switch self {
        case .sendonly: .recvonly
        case .recvonly: .sendonly
        case .sendrecv, .inactive: self
        }
    }
}

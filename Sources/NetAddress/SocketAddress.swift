/// An address and a port.
public struct SocketAddress: Hashable, Sendable, CustomStringConvertible {
    public var ip: IPAddress
    public var port: UInt16

    public init(_ ip: IPAddress, _ port: UInt16) { (self.ip, self.port) = (ip, port) }

    /// `host:port` or `[v6]:port`, both parts given; nil otherwise.
    public init?(_ text: some StringProtocol) {
        guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...]),
            let ip = IPAddress(text[..<colon])
        else { return nil }
        self.init(ip, port)
    }

    public var description: String { "\(ip.uriHost):\(port)" }
}

/// A network in CIDR notation, or one address.
public struct Subnet: Hashable, Sendable, CustomStringConvertible {
    public let base: IPAddress
    public let prefixLength: Int

    /// `192.0.2.0/24`, `2001:db8::/32`, or a plain address; nil when it is none of them.
    public init?(_ text: some StringProtocol) {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard let ip = IPAddress(parts[0]) else { return nil }
        let full = ip.isV6 ? 128 : 32
        guard parts.count == 2 else {
            (base, prefixLength) = (ip, full)
            return
        }
        guard let length = Int(parts[1]), (0...full).contains(length) else { return nil }
        (base, prefixLength) = (ip, length)
    }

    public func contains(_ address: IPAddress) -> Bool {
        switch (base, address.unmapped) {
        case (.v4(let a), .v4(let b)): return prefixLength == 0 || (a ^ b) >> UInt32(32 - prefixLength) == 0
        case (.v6(let ah, let al), .v6(let bh, let bl)):
            if prefixLength == 0 { return true }
            if prefixLength <= 64 { return (ah ^ bh) >> UInt64(64 - prefixLength) == 0 }
            return ah == bh && (al ^ bl) >> UInt64(128 - prefixLength) == 0
        case (.v4, .v6), (.v6, .v4): return false
        }
    }

    public var description: String {
        prefixLength == (base.isV6 ? 128 : 32) ? "\(base)" : "\(base)/\(prefixLength)"
    }
}

/// How a message travels (RFC 3261 §18, RFC 7118). TLS and WebSocket are named so that the seam exists; nothing listens on them yet.
public enum Transport: String, Hashable, Codable, CaseIterable, Sendable {
    case udp, tcp, tls, ws, wss

    /// Reliable transports need no retransmission (RFC 3261 §17).
    public var isReliable: Bool { self != .udp }
    public var isSecure: Bool { self == .tls || self == .wss }
    /// As a Via header writes it.
    public var viaName: String { rawValue.uppercased() }
    /// RFC 3261 §19.1.2's default port.
    public var defaultPort: UInt16 { isSecure ? 5061 : 5060 }
}

/// Where a message came from, or goes to. `connection` names one accepted or opened stream; 0 for UDP, and for
/// "whichever connection leads there, or a new one".
public struct Flow: Hashable, Sendable, CustomStringConvertible {
    public var transport: Transport
    public var local: SocketAddress
    public var remote: SocketAddress
    public var connection: UInt64
    /// Where the peer takes a new connection when the one that is named has ended; nil: at the port of `remote`.
    public var returnPort: UInt16?
    /// Datagrams leave from the address that the kernel finds best; false: from `local`, which the peer asked (RFC 3581 §4).
    public var leavesFromAnywhere = false
    /// The peer named `remote` itself and no transport: others may be tried there, as no NAT's mapping is what leads there.
    public var isNamed = false
    /// It is one of several ways to the same peer: a stream is opened soon, or another way is taken.
    public var isTrial = false
    /// A stream beside datagrams to the same place, for what is too long for them.
    public var isForLongRequests = false

    public init(transport: Transport, local: SocketAddress, remote: SocketAddress, connection: UInt64 = 0) {
        (self.transport, self.local, self.remote, self.connection) = (transport, local, remote, connection)
    }

    /// The other end of a new connection.
    public var returnAddress: SocketAddress { returnPort.map { SocketAddress(remote.ip, $0) } ?? remote }

    public var description: String { "\(transport.rawValue):\(remote)" }
}

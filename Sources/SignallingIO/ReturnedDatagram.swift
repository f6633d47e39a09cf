import NetAddress

/// A datagram of ours that arrived nowhere, as ICMP tells of it (RFC 792, RFC 4443): from which port it went to whom, and how it began.
///
/// Host, network, port or protocol unreachable and problems with a parameter are failures; the rest may pass (RFC 3261 §18.4).
struct ReturnedDatagram: Equatable {
    let localPort: UInt16
    let destination: SocketAddress
    /// As much of it as is quoted: at least nothing, with Linux and routers by RFC 1812 some 500 octets.
    let quote: [UInt8]
    let why: String

    /// A message of ICMP with its IP header, as a raw socket of IPv4 has it; nil for what is no such failure of a datagram.
    init?(icmp bytes: [UInt8]) {
        guard let first = bytes.first, first >> 4 == 4 else { return nil }
        let message = bytes.dropFirst(Int(first & 15) * 4)
        guard message.count >= 8, let why = Self.failure(type: message[at: 0], code: message[at: 1]) else { return nil }
        let packet = Self.quoted(in: message, octets: Int(message[at: 5]) * 4)
        guard packet.count >= 20, packet[at: 0] >> 4 == 4, packet[at: 9] == Self.udp,
            // Of a later fragment there is no header to read.
            packet.number(at: 6) & 0x1FFF == 0
        else { return nil }
        let bits = UInt32(packet.number(at: 16)) << 16 | UInt32(packet.number(at: 18))
        self.init(packet.dropFirst(Int(packet[at: 0] & 15) * 4), to: .v4(bits), why)
    }

    /// A message of ICMPv6, as a raw socket of IPv6 has it.
    init?(icmp6 bytes: [UInt8]) {
        let message = bytes[...]
        guard message.count >= 8, let why = Self.failure6(type: message[at: 0], code: message[at: 1]) else {
            return nil
        }
        let packet = Self.quoted(in: message, octets: Int(message[at: 4]) * 8)
        guard packet.count >= 40, packet[at: 0] >> 4 == 6, packet[at: 6] == Self.udp else { return nil }
        func half(_ place: Int) -> UInt64 {
            (0..<4).reduce(0) { $0 << 16 | UInt64(packet.number(at: place + $1 * 2)) }
        }
        self.init(packet.dropFirst(40), to: .v6(high: half(24), low: half(32)), why)
    }

    private init?(_ datagram: ArraySlice<UInt8>, to ip: IPAddress, _ why: String) {
        guard datagram.count >= 8 else { return nil }
        localPort = datagram.number(at: 0)
        destination = SocketAddress(ip, datagram.number(at: 2))
        quote = Array(datagram.prefix(Int(datagram.number(at: 4))).dropFirst(8))
        self.why = why
    }

    private static let udp: UInt8 = 17

    /// The packet that a message quotes. Behind it there may be extensions, and then its length is said (RFC 4884 §3).
    private static func quoted(in message: ArraySlice<UInt8>, octets: Int) -> ArraySlice<UInt8> {
        let rest = message.dropFirst(8)
        return octets == 0 ? rest : rest.prefix(octets)
    }

    private static func failure(type: UInt8, code: UInt8) -> String? {
        switch (type, code) {
        case (3, 0): "network unreachable"
        case (3, 1): "host unreachable"
        case (3, 2): "protocol unreachable"
        case (3, 3): "port unreachable"
        // Too long for the path: the next one goes in fragments.
        case (3, 4): nil
        case (3, _): "unreachable (ICMP code \(code))"
        case (12, _): "parameter problem"
        default: nil
        }
    }

    private static func failure6(type: UInt8, code: UInt8) -> String? {
        switch (type, code) {
        case (1, 0): "network unreachable"
        case (1, 3): "host unreachable"
        case (1, 4): "port unreachable"
        case (1, _): "unreachable (ICMP code \(code))"
        case (4, _): "parameter problem"
        default: nil
        }
    }
}

extension ArraySlice<UInt8> {
    /// Counted from its beginning; 0 beyond its end.
    fileprivate subscript(at place: Int) -> UInt8 { place < count ? self[startIndex + place] : 0 }

    fileprivate func number(at place: Int) -> UInt16 { UInt16(self[at: place]) << 8 | UInt16(self[at: place + 1]) }
}

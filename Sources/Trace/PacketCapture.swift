import NetAddress
import Timebase

/// A trace as a file for Wireshark: classic pcap of raw IP packets, each message as one UDP datagram, whatever carried it.
public struct PacketCapture: Sendable {
    private let trace: CallTrace

    public init(_ trace: CallTrace) { self.trace = trace }

    public var bytes: [UInt8] {
        var out: [UInt8] = []
        // Magic number of microsecond stamps, version 2.4, no zone, no accuracy, no limit, LINKTYPE_RAW.
        for word in [0xA1B2_C3D4, 0x0002_0004, 0, 0, 262_144, 101] as [UInt32] {
            if word == 0x0002_0004 {
                out.append16(little: 2)
                out.append16(little: 4)
            } else {
                out.append32(little: word)
            }
        }
        for entry in trace.entries {
            guard case .message(let message) = entry.kind, let packet = packet(message) else { continue }
            let microseconds = trace.started.wall.milliseconds &* 1000 &+ entry.offset
            out.append32(little: UInt32(truncatingIfNeeded: microseconds / 1_000_000))
            out.append32(little: UInt32(truncatingIfNeeded: microseconds % 1_000_000))
            out.append32(little: UInt32(packet.count))
            out.append32(little: UInt32(packet.count))
            out += packet
        }
        return out
    }

    /// nil for an address that is none, which no trace of ours has.
    private func packet(_ message: TracedMessage) -> [UInt8]? {
        let ends = message.isIncoming ? (message.remote, message.local) : (message.local, message.remote)
        guard let source = SocketAddress(ends.0), let target = SocketAddress(ends.1) else { return nil }
        // What does not fit into one IP packet is cut, like a capture with a limit would.
        let payload = Array(message.text.utf8.prefix(65_000))
        let length = UInt16(payload.count + 8)
        var udp: [UInt8] = []
        udp.append16(source.port)
        udp.append16(target.port)
        udp.append16(length)
        udp.append16(0)
        udp += payload
        switch (source.ip.unmapped, target.ip.unmapped) {
        case (.v4(let from), .v4(let to)):
            var ip: [UInt8] = [0x45, 0]
            ip.append16(length + 20)
            ip += [0, 0, 0x40, 0, 64, 17, 0, 0]
            ip.append32(from)
            ip.append32(to)
            let sum = Self.checksum(ip)
            (ip[10], ip[11]) = (UInt8(sum >> 8), UInt8(sum & 255))
            return ip + udp
        case (let from, let to):
            var pseudo: [UInt8] = []
            pseudo.append(address: from)
            pseudo.append(address: to)
            let addresses = pseudo
            pseudo.append32(UInt32(length))
            pseudo += [0, 0, 0, 17]
            let sum = Self.checksum(pseudo + udp)
            let written = sum == 0 ? 0xFFFF : sum
            (udp[6], udp[7]) = (UInt8(written >> 8), UInt8(written & 255))
            var ip: [UInt8] = [0x60, 0, 0, 0]
            ip.append16(length)
            ip += [17, 64]
            return ip + addresses + udp
        }
    }

    /// RFC 1071.
    private static func checksum(_ octets: [UInt8]) -> UInt16 {
        var sum: UInt32 = 0
        for index in stride(from: 0, to: octets.count, by: 2) {
            let low = index + 1 < octets.count ? UInt32(octets[index + 1]) : 0
            sum &+= UInt32(octets[index]) << 8 | low
        }
        while sum > 0xFFFF { sum = sum & 0xFFFF + sum >> 16 }
        return ~UInt16(truncatingIfNeeded: sum)
    }
}

extension [UInt8] {
    fileprivate mutating func append16(_ value: UInt16) {
        append(UInt8(value >> 8))
        append(UInt8(value & 255))
    }

    fileprivate mutating func append32(_ value: UInt32) {
        append16(UInt16(value >> 16))
        append16(UInt16(value & 0xFFFF))
    }

    fileprivate mutating func append16(little value: UInt16) {
        append(UInt8(value & 255))
        append(UInt8(value >> 8))
    }

    fileprivate mutating func append32(little value: UInt32) {
        append16(little: UInt16(value & 0xFFFF))
        append16(little: UInt16(value >> 16))
    }

    /// 16 octets.
    fileprivate mutating func append(address: IPAddress) {
        let wide: (UInt64, UInt64) =
            switch address {
            case .v4(let bits): (0, 0xFFFF_0000_0000 | UInt64(bits))
            case .v6(let high, let low): (high, low)
            }
        for word in [wide.0, wide.1] {
            append32(UInt32(word >> 32))
            append32(UInt32(word & 0xFFFF_FFFF))
        }
    }
}

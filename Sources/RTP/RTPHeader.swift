/// The fixed header of an RTP packet (RFC 3550 §5.1), read in place.
public struct RTPHeader: Equatable, Sendable {
    public var marker: Bool
    public var payloadType: UInt8
    public var sequence: UInt16
    public var timestamp: UInt32
    public var ssrc: UInt32
    /// Octets before the payload: CSRCs and extension passed over.
    public var payloadOffset: Int
    /// Octets of the payload, padding taken off.
    public var payloadLength: Int

    /// nil for what is no RTP packet: another version, or lengths that do not fit into the datagram.
    @inlinable
    public init?(_ packet: UnsafeRawBufferPointer) {
        let count = packet.count
        guard count >= 12 else { return nil }
        let first = packet[0]
        guard first >> 6 == 2 else { return nil }
        var offset = 12 + Int(first & 0x0F) * 4
        if first & 0x10 != 0 {
            guard offset + 4 <= count else { return nil }
            let words = packet.loadUnaligned(fromByteOffset: offset + 2, as: UInt16.self).bigEndian
            offset += 4 + Int(words) * 4
        }
        guard offset <= count else { return nil }
        var length = count - offset
        if first & 0x20 != 0 {
            guard length > 0 else { return nil }
            let padding = Int(packet[count - 1])
            guard padding > 0, padding <= length else { return nil }
            length -= padding
        }
        marker = packet[1] & 0x80 != 0
        payloadType = packet[1] & 0x7F
        sequence = packet.loadUnaligned(fromByteOffset: 2, as: UInt16.self).bigEndian
        timestamp = packet.loadUnaligned(fromByteOffset: 4, as: UInt32.self).bigEndian
        ssrc = packet.loadUnaligned(fromByteOffset: 8, as: UInt32.self).bigEndian
        payloadOffset = offset
        payloadLength = length
    }

    /// Whether a datagram is a message of STUN (RFC 8489 §5).
    public static func isSTUN(_ packet: UnsafeRawBufferPointer) -> Bool {
        packet.count >= 20 && packet[0] < 4 && packet[4] == 0x21 && packet[5] == 0x12 && packet[6] == 0xA4
            && packet[7] == 0x42
    }

    /// Whether a datagram is RTCP on a port that RTP shares with it (RFC 5761 §4).
    @inlinable
    public static func isControl(_ packet: UnsafeRawBufferPointer) -> Bool {
        packet.count >= 8 && packet[0] >> 6 == 2 && packet[1] >= 192 && packet[1] <= 223
    }
}

/// Writes the header of a packet that we make: version 2, no CSRC, no extension.
public func writeRTPHeader(
    into packet: UnsafeMutableRawBufferPointer,
    marker: Bool,
    payloadType: UInt8,
    sequence: UInt16,
    timestamp: UInt32,
    ssrc: UInt32
) {
    guard packet.count >= 12 else { return }
    packet[0] = 0x80
    packet[1] = (marker ? 0x80 : 0) | (payloadType & 0x7F)
    packet.storeBytes(of: sequence.bigEndian, toByteOffset: 2, as: UInt16.self)
    packet.storeBytes(of: timestamp.bigEndian, toByteOffset: 4, as: UInt32.self)
    packet.storeBytes(of: ssrc.bigEndian, toByteOffset: 8, as: UInt32.self)
}

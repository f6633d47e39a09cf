/// What of a compound RTCP packet (RFC 3550 §6) the switch reads: the sender's clock, and what the receiver reports.
public struct RTCPPacket: Equatable, Sendable {
    /// §6.4.1: the middle 32 bits of the sender's NTP time.
    public var senderReport: UInt32?
    /// The first report block: all that a peer of one stream sends.
    public var block: ReportBlock?
    public var hasBye = false

    public struct ReportBlock: Equatable, Sendable {
        public var ssrc: UInt32
        /// In 256ths, since the last report.
        public var fractionLost: UInt8
        /// Signed 24 bits: duplicates make it negative.
        public var cumulativeLost: Int32
        public var highestSequence: UInt32
        /// In time stamp units.
        public var jitter: UInt32
        /// The middle of the NTP time of the last sender report, and the delay since it in 65536ths of a second.
        public var lastSenderReport: UInt32
        public var delaySinceLast: UInt32

        public init(
            ssrc: UInt32,
            fractionLost: UInt8,
            cumulativeLost: Int32,
            highestSequence: UInt32,
            jitter: UInt32,
            lastSenderReport: UInt32,
            delaySinceLast: UInt32
        ) {
            (self.ssrc, self.fractionLost, self.cumulativeLost) = (ssrc, fractionLost, cumulativeLost)
            (self.highestSequence, self.jitter) = (highestSequence, jitter)
            (self.lastSenderReport, self.delaySinceLast) = (lastSenderReport, delaySinceLast)
        }
    }

    /// nil for what is no compound packet: each part must be of version 2 and end within the datagram (§6.1, A.2).
    public init?(_ packet: UnsafeRawBufferPointer) {
        guard packet.count >= 8 else { return nil }
        var offset = 0
        while offset < packet.count {
            guard packet.count - offset >= 4, packet[offset] >> 6 == 2 else { return nil }
            let words = packet.loadUnaligned(fromByteOffset: offset + 2, as: UInt16.self).bigEndian
            let length = (Int(words) + 1) * 4
            guard length <= packet.count - offset else { return nil }
            let count = Int(packet[offset] & 0x1F)
            switch packet[offset + 1] {
            case 200:
                guard length >= 28 else { return nil }
                let high = Self.word(packet, offset + 8)
                let low = Self.word(packet, offset + 12)
                senderReport = high << 16 | low >> 16
                readBlock(packet, at: offset + 28, end: offset + length, count: count)
            case 201:
                guard length >= 8 else { return nil }
                readBlock(packet, at: offset + 8, end: offset + length, count: count)
            case 203: hasBye = true
            case 192...223: break
            default: return nil
            }
            offset += length
        }
    }

    private mutating func readBlock(_ packet: UnsafeRawBufferPointer, at offset: Int, end: Int, count: Int) {
        guard block == nil, count > 0, end - offset >= 24 else { return }
        let lost = Self.word(packet, offset + 4)
        block = ReportBlock(
            ssrc: Self.word(packet, offset),
            fractionLost: UInt8(truncatingIfNeeded: lost >> 24),
            cumulativeLost: Int32(bitPattern: lost << 8) >> 8,
            highestSequence: Self.word(packet, offset + 8),
            jitter: Self.word(packet, offset + 12),
            lastSenderReport: Self.word(packet, offset + 16),
            delaySinceLast: Self.word(packet, offset + 20)
        )
    }

    private static func word(_ packet: UnsafeRawBufferPointer, _ offset: Int) -> UInt32 {
        packet.loadUnaligned(fromByteOffset: offset, as: UInt32.self).bigEndian
    }
}

/// A report of our own (RFC 3550 §6.1): SR or RR, SDES with a CNAME, and BYE at the end.
public struct RTCPReport: Equatable, Sendable {
    /// What a sender says of its stream (§6.4.1).
    public struct Sender: Equatable, Sendable {
        /// Seconds and 2^-32 seconds since 1900, of a clock that only goes forward; begins anew in 2036 (RFC 5905 §6).
        public var ntp: UInt64
        public var timestamp: UInt32
        public var packets: UInt32
        public var octets: UInt32

        public init(ntp: UInt64, timestamp: UInt32, packets: UInt32, octets: UInt32) {
            (self.ntp, self.timestamp, self.packets, self.octets) = (ntp, timestamp, packets, octets)
        }
    }

    public var ssrc: UInt32
    /// nil: nothing was sent since the last report (RR).
    public var sender: Sender?
    public var block: RTCPPacket.ReportBlock?
    /// 96 bits by lot, for the life of the stream (RFC 7022 §4.2); written in hexadecimal.
    public var name: (UInt64, UInt32)
    public var isLast: Bool

    public init(
        ssrc: UInt32,
        sender: Sender?,
        block: RTCPPacket.ReportBlock?,
        name: (UInt64, UInt32),
        isLast: Bool
    ) {
        (self.ssrc, self.sender, self.block, self.name, self.isLast) = (ssrc, sender, block, name, isLast)
    }

    public static func == (a: RTCPReport, b: RTCPReport) -> Bool {
        a.ssrc == b.ssrc && a.sender == b.sender && a.block == b.block && a.name == b.name && a.isLast == b.isLast
    }

    /// SR with one block, SDES, BYE.
    public static let longest = 28 + 24 + 36 + 8

    /// The octets written; 0 when there is no room for the longest.
    public func write(into packet: UnsafeMutableRawBufferPointer) -> Int {
        guard packet.count >= Self.longest else { return 0 }
        var end = 0
        func put(_ word: UInt32) {
            packet.storeBytes(of: word.bigEndian, toByteOffset: end, as: UInt32.self)
            end += 4
        }
        func head(_ count: Int, _ type: UInt32, words: Int) {
            put(0x8000_0000 | UInt32(count) << 24 | type << 16 | UInt32(words - 1))
        }
        let blocks = block == nil ? 0 : 1
        if let sender {
            head(blocks, 200, words: 7 + blocks * 6)
            put(ssrc)
            put(UInt32(truncatingIfNeeded: sender.ntp >> 32))
            put(UInt32(truncatingIfNeeded: sender.ntp))
            put(sender.timestamp)
            put(sender.packets)
            put(sender.octets)
        } else {
            head(blocks, 201, words: 2 + blocks * 6)
            put(ssrc)
        }
        if let block {
            put(block.ssrc)
            put(UInt32(block.fractionLost) << 24 | UInt32(bitPattern: block.cumulativeLost) & 0x00FF_FFFF)
            put(block.highestSequence)
            put(block.jitter)
            put(block.lastSenderReport)
            put(block.delaySinceLast)
        }
        head(1, 202, words: 9)
        put(ssrc)
        packet[end] = 1
        packet[end + 1] = 24
        for place in 0..<24 {
            let digit =
                place < 16
                ? name.0 >> UInt64(60 - place * 4) & 0xF : UInt64(name.1 >> UInt32(28 - (place - 16) * 4) & 0xF)
            packet[end + 2 + place] = UInt8(digit < 10 ? 48 + digit : 87 + digit)
        }
        // The list of items ends with a zero, at a whole word.
        (packet[end + 26], packet[end + 27]) = (0, 0)
        end += 28
        if isLast {
            head(1, 203, words: 2)
            put(ssrc)
        }
        return end
    }
}

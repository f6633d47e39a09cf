/// Reports of parties between whom we put packets into a stream: each is to read of it in its own numbers (RFC 3550 §6.4). In place; what is not
/// of this stream, or no report, stays as it is.
extension RTCPPacket {
    /// Adds to the extended highest number of the report blocks about a source.
    public static func addToBlocks(of source: UInt32, highest: UInt32, in packet: UnsafeMutableRawBufferPointer) {
        forEachReport(in: packet) { offset, end, isSender, count in
            var block = offset + (isSender ? 28 : 8)
            for _ in 0..<count where block + 24 <= end {
                if word(packet, block) == source { add(highest, at: block + 8, in: packet) }
                block += 24
            }
        }
    }

    /// Adds to the counts of a sender report.
    public static func addToSender(
        _ source: UInt32,
        packets: UInt32,
        octets: UInt32,
        in packet: UnsafeMutableRawBufferPointer
    ) {
        forEachReport(in: packet) { offset, end, isSender, _ in
            guard isSender, end - offset >= 28, word(packet, offset + 4) == source else { return }
            add(packets, at: offset + 20, in: packet)
            add(octets, at: offset + 24, in: packet)
        }
    }

    /// `body`: where a report begins and ends, whether it is a sender's, and how many blocks it claims to have.
    private static func forEachReport(
        in packet: UnsafeMutableRawBufferPointer,
        _ body: (_ offset: Int, _ end: Int, _ isSender: Bool, _ count: Int) -> Void
    ) {
        var offset = 0
        while packet.count - offset >= 8 {
            let words = packet.loadUnaligned(fromByteOffset: offset + 2, as: UInt16.self).bigEndian
            let end = offset + (Int(words) + 1) * 4
            guard end <= packet.count else { return }
            let type = packet[offset + 1]
            if type == 200 || type == 201 { body(offset, end, type == 200, Int(packet[offset] & 0x1F)) }
            offset = end
        }
    }

    private static func word(_ packet: UnsafeMutableRawBufferPointer, _ offset: Int) -> UInt32 {
        packet.loadUnaligned(fromByteOffset: offset, as: UInt32.self).bigEndian
    }

    private static func add(_ number: UInt32, at offset: Int, in packet: UnsafeMutableRawBufferPointer) {
        packet.storeBytes(of: (word(packet, offset) &+ number).bigEndian, toByteOffset: offset, as: UInt32.self)
    }
}

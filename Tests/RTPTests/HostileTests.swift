import RTP
import Testing

@Suite("Hostile datagrams: read or refused, never a trap, never beyond their end")
struct HostileTests {
    /// Everything that is read of a datagram.
    private func readAll(_ packet: [UInt8]) {
        if let read = header(packet) {
            #expect(read.payloadOffset >= 12 && read.payloadLength >= 0)
            #expect(read.payloadOffset + read.payloadLength <= packet.count)
            _ = packet[read.payloadOffset..<read.payloadOffset + read.payloadLength]
                .withUnsafeBytes { TelephoneEvent($0) }
        }
        _ = control(packet)
        _ = packet.withUnsafeBytes { RTPHeader.isControl($0) }
    }

    private static let seeds = [
        "80080001000000A0DEADBEEFD5D5D5D5", "B20800010000000000000001111111112222222200010001000000000000D504",
        "81C90007416D77E9AE65725740FFFFFE00003AC4000001D2A50998AB0000045B",
        "81C8000CAE657257DFC3A53F2E830A0BA217B283000046C3012CAE52AE65725740FFFFFE00003AC4000001D2A50998AB0000045B",
        "80E52F30000044E00E05384E000A0000",
    ]

    @Test func `every length of every seed`() {
        for seed in Self.seeds.map(octets) {
            for count in 0...seed.count { readAll(Array(seed[..<count])) }
        }
    }

    @Test func `every octet of every seed with every value`() {
        for seed in Self.seeds.map(octets) {
            for place in seed.indices {
                for value in UInt8.min...UInt8.max {
                    var packet = seed
                    packet[place] = value
                    readAll(packet)
                }
            }
        }
    }

    @Test func `noise that begins like RTP`() {
        var generator = Numbers(seed: 3550)
        for _ in 0..<20_000 {
            var packet = (0..<Int(generator.next() % 80)).map { _ in UInt8(truncatingIfNeeded: generator.next()) }
            if !packet.isEmpty { packet[0] = packet[0] & 0x3F | 0x80 }
            if packet.count > 1, generator.next() % 2 == 0 { packet[1] = 200 + packet[1] % 5 }
            readAll(packet)
        }
    }

    @Test(.enabled(if: ThirdParty.isPresent, "../shared/conformance is not here"))
    func `third-party fuzzing seeds`() {
        let packets = ["fuzz/janus", "fuzz/pion-rtcp", "fuzz/pjsip"].flatMap { ThirdParty.files(under: $0) }
        #expect(!packets.isEmpty)
        for packet in packets { readAll(packet) }
    }
}

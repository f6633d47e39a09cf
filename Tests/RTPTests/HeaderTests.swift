import RTP
import Testing

@Suite("RTP headers, RFC 3550 §5.1")
struct HeaderTests {
    private let fixed = "80 08 0001 000000A0 DEADBEEF"

    @Test(arguments: [
        ("fixed header alone", "", 12, 0),
        ("payload", "D5D5D5D5", 12, 4),
    ])
    func `fixed header`(name: String, payload: String, offset: Int, length: Int) throws {
        let read = try #require(header(octets(fixed + payload)))
        #expect(read.payloadType == 8 && read.sequence == 1 && read.timestamp == 160 && read.ssrc == 0xDEAD_BEEF)
        #expect(!read.marker && read.payloadOffset == offset && read.payloadLength == length)
    }

    @Test(arguments: [
        ("two CSRCs", "82 88 FFFF 00000000 00000001 11111111 22222222 D5", 20, 1),
        ("extension of one word, §5.3.1", "90 08 0001 00000000 00000001 BEDE0001 51000000 D5D5", 20, 2),
        ("empty extension", "90 08 0001 00000000 00000001 BEDE0000 D5", 16, 1),
        ("padding of four, its last octet counts it", "A0 08 0001 00000000 00000001 D5D5 00000004", 12, 2),
        ("nothing but padding", "A0 08 0001 00000000 00000001 00000004", 12, 0),
        ("all of them", "B1 08 0001 00000000 00000001 11111111 BEDE0001 00000000 D5 000003", 24, 1),
    ])
    func `CSRCs, extension and padding`(name: String, hex: String, offset: Int, length: Int) throws {
        let read = try #require(header(octets(hex)), "\(name)")
        #expect(read.payloadOffset == offset && read.payloadLength == length, "\(name)")
    }

    @Test(arguments: [
        ("nothing", ""), ("eleven octets", "80080001000000A0DEADBE"),
        ("version 1", "40080001000000A0DEADBEEF"), ("version 3", "C0080001000000A0DEADBEEF"),
        ("fifteen CSRCs, none there", "8F080001000000A0DEADBEEF"),
        ("extension's header cut off", "90080001000000A0DEADBEEFBEDE"),
        ("extension longer than the datagram", "90080001000000A0DEADBEEFBEDEFFFF00"),
        ("padding without an octet to count it", "A0080001000000A0DEADBEEF"),
        ("padding of none", "A0080001000000A0DEADBEEFD500"),
        ("padding longer than the payload", "A0080001000000A0DEADBEEFD503"),
    ])
    func `what does not fit into the datagram is no packet`(name: String, hex: String) {
        #expect(header(octets(hex)) == nil, "\(name)")
    }

    @Test func `a written header reads as itself`() throws {
        var packet = [UInt8](repeating: 0xFF, count: 12)
        packet.withUnsafeMutableBytes {
            writeRTPHeader(into: $0, marker: true, payloadType: 101, sequence: 65_535, timestamp: .max, ssrc: 7)
        }
        let read = try #require(header(packet))
        #expect(read.marker && read.payloadType == 101 && read.sequence == 65_535)
        #expect(read.timestamp == .max && read.ssrc == 7 && read.payloadLength == 0)
        var short = [UInt8](repeating: 0, count: 11)
        short.withUnsafeMutableBytes {
            writeRTPHeader(into: $0, marker: true, payloadType: 101, sequence: 1, timestamp: 1, ssrc: 7)
        }
        #expect(short == [UInt8](repeating: 0, count: 11), "too short a buffer is left alone")
    }

    @Test(arguments: [(191, false), (192, true), (200, true), (223, true), (224, false)])
    func `RFC 5761 §4: RTCP by its second octet`(type: Int, isControl: Bool) {
        let packet: [UInt8] = [0x80, UInt8(type)] + [UInt8](repeating: 0, count: 6)
        #expect(packet.withUnsafeBytes { RTPHeader.isControl($0) } == isControl)
    }
}

import RTP
import Testing

@Suite("RTCP compound packets, RFC 3550 §6")
struct ControlTests {
    private let block = "AE657257 40FFFFFE 00003AC4 000001D2 A50998AB 0000045B"

    @Test func `§6.4.2: a receiver report's block`() throws {
        let block = try #require(control(octets("81C90007 416D77E9" + block))?.block)
        #expect(block.ssrc == 0xAE65_7257 && block.fractionLost == 64 && block.cumulativeLost == -2)
        #expect(block.highestSequence == 15_044 && block.jitter == 466)
        #expect(block.lastSenderReport == 0xA509_98AB && block.delaySinceLast == 1_115)
    }

    @Test func `§6.4.1: a sender report with SDES and BYE behind it`() throws {
        let sender = "81C8000C AE657257 DFC3A53F 2E830A0B A217B283 000046C3 012CAE52" + block
        let read = try #require(control(octets(sender + "81CA0002 AE657257 01026162" + "81CB0001 AE657257")))
        #expect(read.senderReport == 0xA53F_2E83, "the middle 32 bits of the NTP time")
        #expect(read.block?.jitter == 466 && read.hasBye)
    }

    @Test(arguments: [
        ("nothing", ""), ("half a header", "81C90007"), ("version 1", "41C90007416D77E9" + "00000000"),
        ("longer than the datagram", "81C90007416D77E9"), ("a sender report without its sender", "80C800010000000A"),
        ("a report of no length", "80C900000000000080"), ("a second part cut off", "80C9000100000001 81CB"),
        ("another kind of packet", "80080001000000A0DEADBEEF"),
    ])
    func `what does not fit into the datagram is no compound`(name: String, hex: String) {
        #expect(control(octets(hex)) == nil, "\(name)")
    }

    @Test func `a count without its blocks reads none`() throws {
        let read = try #require(control(octets("9FC90001 00000001")))
        #expect(read.block == nil && read.senderReport == nil)
    }

    @Test(.enabled(if: ThirdParty.isPresent, "../shared/conformance is not here"))
    func `third-party packets with their decoded fields`() throws {
        let packets = try ThirdParty.json("vectors/rtp_rtcp.json")["rtcp"] as? [[String: Any]] ?? []
        #expect(!packets.isEmpty)
        var compared = 0
        for packet in packets {
            let read = control(octets(packet["hex"] as? String ?? ""))
            let blocks = packet["blocks"] as? [[String: Any]] ?? []
            for block in blocks.prefix(1) where packet["well_formed"] as? Bool == true {
                guard let report = (block["reports"] as? [[String: Any]])?.first else { continue }
                let name = packet["file"] as? String ?? ""
                #expect(read?.block?.jitter == (report["jitter"] as? Int).map { UInt32($0) }, "\(name)")
                #expect(read?.block?.lastSenderReport == (report["lsr"] as? Int).map { UInt32($0) }, "\(name)")
                #expect(read?.block?.delaySinceLast == (report["dlsr"] as? Int).map { UInt32($0) }, "\(name)")
                compared += 1
            }
        }
        #expect(compared > 0)
    }
}

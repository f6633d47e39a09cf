import Foundation
import Testing

/// A call whose signalling and media know no IPv4.
@Suite("IPv6 over the wire")
struct IPv6Tests {
    /// Whether the machine has ::1.
    private static var hasLoopback: Bool { (try? WirePeer(family: .v6)) != nil }

    @Test(.enabled(if: IPv6Tests.hasLoopback, "this machine has no ::1"))
    func `two phones register at ::1, call each other, and hear each other through the relay`() throws {
        let running = try RunningSwitch(address: "[::1]")
        let (anna, boris) = (
            try Phone("1001", password: "anna-demo-1", server: running.sipPort, peer: WirePeer(family: .v6)),
            try Phone("1002", password: "boris-demo-2", server: running.sipPort, peer: WirePeer(family: .v6))
        )
        #expect(try anna.register().startWord == "200")
        #expect(try boris.register().startWord == "200")
        let (annas, borises) = (try WirePeer(family: .v6), try WirePeer(family: .v6))
        func sdp(_ media: WirePeer) -> String {
            Phone.sdp(port: media.port).replacingOccurrences(of: "IP4 127.0.0.1", with: "IP6 ::1")
        }
        #expect(try anna.dial("1002", sdp: sdp(annas)) == nil)
        let invite = try #require(boris.expect("INVITE"))
        #expect(invite.contains("c=IN IP6 ::1") && invite.header("Via")?.contains("[::1]") == true)
        #expect(invite.header("Contact")?.contains("[::1]:\(running.sipPort)") == true)
        boris.respond("200 OK", to: invite, toTag: "boris", sdp: sdp(borises))
        let answer = try #require(anna.answer(to: "INVITE"))
        #expect(answer.startWord == "200" && answer.contains("c=IN IP6 ::1"))
        let tag = anna.acknowledge(answer, to: "1002")
        #expect(boris.expect("ACK") != nil)

        let (toAnna, toBoris) = (try #require(answer.audioPort), try #require(invite.audioPort))
        Speaker.speak([(annas, toAnna, 440), (borises, toBoris, 1_000)], seconds: 2)
        #expect(Tone.share(of: 1_000, in: annas.samples()) > 0.8)
        #expect(Tone.share(of: 440, in: borises.samples()) > 0.8)

        anna.send(anna.request("BYE", to: "1002", toTag: tag))
        let bye = try #require(boris.expect("BYE"))
        boris.respond("200 OK", to: bye)
        #expect(anna.final("BYE")?.startWord == "200")
        let legs = try #require(try running.rows("cdr").first?["legs"] as? [[String: Any]])
        #expect(
            legs.count == 2 && legs.allSatisfy { ($0["address"] as? String)?.contains("[::1]:") == true },
            "\(legs)"
        )
        #expect(try eventually { try running.metric("gudok_rtp_port_pairs_in_use") == 0 })
    }
}

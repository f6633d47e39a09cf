import Codecs
import Foundation
import Testing

/// Parties who speak Opus with each other, and come to somebody who does not, or to the switch itself.
@Suite("Changing over to G.711")
struct ChangeOverTests {
    /// Vera has called Anna, and the two speak Opus; Boris has a phone that knows G.711 alone.
    private final class OpusTalk {
        let running: RunningSwitch
        let (vera, anna, boris): (Phone, Phone, Phone)
        let (veras, boriss): (WirePeer, WirePeer)
        /// Anna's dialog.
        let invite: String
        let toVera: UInt16
        private var version = 1

        /// The number that the switch gives Opus in an offer of its own.
        static let opus = "107"
        static let map = "a=rtpmap:111 opus/48000/2\r\n"

        init() throws {
            let plan = ContactCentreTests.internalPlan + "\n  - {match: \"*7x\", do: [{park: {slot: \"{called:2}\"}}]}"
            running = try RunningSwitch(
                codecs: "opus, PCMA, PCMU",
                tenant: ContactCentreTests.tenant(),
                incoming: ContactCentreTests.incoming,
                internalPlan: plan
            )
            vera = try Phone("1003", password: "vera-demo-3", server: running.sipPort)
            anna = try Phone("1001", password: "anna-demo-1", server: running.sipPort)
            boris = try Phone("1002", password: "boris-demo-2", server: running.sipPort)
            (veras, boriss) = (try WirePeer(), try WirePeer())
            for phone in [vera, anna, boris] { #expect(try phone.register().startWord == "200") }
            vera.callID = UUID().uuidString
            _ = try vera.dial("1001", sdp: Phone.sdp(port: veras.port, formats: "111 8") + Self.map)
            invite = try #require(anna.expect("INVITE"))
            anna.respond("200 OK", to: invite, toTag: "1001", sdp: Phone.sdp(port: 4_002, formats: "111") + Self.map)
            let answer = try #require(vera.answer(to: "INVITE"))
            #expect(answer.contains(" RTP/AVP 111"), "\(answer)")
            vera.acknowledge(answer, to: "1001")
            #expect(anna.expect("ACK") != nil)
            toVera = try #require(answer.audioPort)
        }

        func annaSendsHer(to number: String, headers: String = "") {
            let target = "Refer-To: <sip:\(number)@demo.test\(headers)>"
            anna.send(anna.request("REFER", in: invite, sequence: 1, extra: [target]))
            #expect(anna.final("REFER")?.startWord == "202")
        }

        /// A phone is asked by re-INVITE to speak this first, and does; whether it was.
        func isAsked(_ phone: Phone, _ media: WirePeer, for format: String) throws -> Bool {
            guard let asked = phone.peer.expect({ $0.startWord == "INVITE" && $0.toTagged }) else { return false }
            version += 1
            let map = format == Self.opus ? "a=rtpmap:\(format) opus/48000/2\r\n" : ""
            let sdp = Phone.sdp(port: media.port, formats: format, version: version) + map
            phone.respond("200 OK", to: asked, toTag: phone.user, sdp: sdp)
            return asked.contains(" RTP/AVP \(format) ") && (map.isEmpty || asked.contains(map))
        }

        /// Vera and whoever speaks with her now, in G.711.
        func hearEachOther(at port: UInt16) -> Bool {
            let voices: [(name: String, peer: WirePeer, port: UInt16, hertz: Double)] = [
                ("vera", veras, toVera, 440), ("boris", boriss, port, 1_700),
            ]
            let heard = Speaker.heard(among: voices, speaking: ["vera", "boris"], share: 0.5)
            return heard == ["vera": ["boris"], "boris": ["vera"]]
        }

        func veraHearsSomething() -> Bool {
            _ = veras.samples()
            return eventually { veras.samples().contains { abs($0) > 500 } }
        }
    }

    @Test func `who comes from a talk in Opus into a queue hears its music, and speaks with an agent in G.711`() throws
    {
        let talk = try OpusTalk()
        talk.annaSendsHer(to: "700")
        #expect(try talk.isAsked(talk.vera, talk.veras, for: "8"))
        #expect(talk.veraHearsSomething())
        _ = try talk.running.gudok("agent", "login", "1002")
        let (_, port) = try talk.boris.pickUp(media: talk.boriss)
        #expect(talk.hearEachOther(at: port))
    }

    @Test func `who does not change over is bridged with an agent who can, in Opus`() throws {
        let talk = try OpusTalk()
        talk.annaSendsHer(to: "700")
        let asked = try #require(talk.vera.expect("INVITE"))
        talk.vera.respond("488 Not Acceptable Here", to: asked)
        _ = try talk.running.gudok("agent", "login", "1002")
        let invite = try #require(talk.boris.expect("INVITE"))
        talk.boris.respond("200 OK", to: invite, toTag: "1002", sdp: Phone.sdp(port: talk.boriss.port, formats: "8"))
        #expect(talk.boris.expect("ACK") != nil)
        #expect(try talk.isAsked(talk.boris, talk.boriss, for: OpusTalk.opus))
        #expect(talk.boris.expect("ACK") != nil)
        let packet: [UInt8] = [0x80, 111, 0, 1, 0, 0, 0, 160, 1, 2, 3, 4] + [UInt8](repeating: 0x55, count: 40)
        let arrives = eventually {
            talk.veras.send(packet, to: talk.toVera)
            return talk.boriss.receive(within: 0.05)?.bytes.suffix(40) == packet.suffix(40)
        }
        #expect(arrives)
        #expect(talk.vera.expect("INVITE", within: 0.3) == nil)
    }

    @Test
    func `who comes from a talk in Opus to a phone that rings hears the tone, and goes back to Opus when it is busy`()
        throws
    {
        let talk = try OpusTalk()
        talk.annaSendsHer(to: "1002")
        let invite = try #require(talk.boris.expect("INVITE"))
        talk.boris.respond("180 Ringing", to: invite, toTag: "1002")
        #expect(try talk.isAsked(talk.vera, talk.veras, for: "8"))
        #expect(talk.veraHearsSomething())
        talk.boris.respond("486 Busy Here", to: invite, toTag: "1002")
        let back = try #require(talk.vera.peer.expect { $0.startWord == "INVITE" && $0.contains("opus/48000") })
        let sdp = Phone.sdp(port: talk.veras.port, formats: "107", version: 9) + "a=rtpmap:107 opus/48000/2\r\n"
        talk.vera.respond("200 OK", to: back, sdp: sdp)
        #expect(talk.vera.expect("ACK") != nil)
        #expect(try talk.running.rows("calls").first?["state"] as? String == "talking")
    }

    @Test func `who speaks Opus and is handed on to a phone that was asked before speaks G.711 with it`() throws {
        let talk = try OpusTalk()
        talk.anna.callID = UUID().uuidString
        _ = try talk.anna.dial("1002", sdp: Phone.sdp(port: 4_004, formats: "8"))
        _ = try talk.boris.pickUp(media: talk.boriss)
        let tag = talk.anna.acknowledge(try #require(talk.anna.answer(to: "INVITE")), to: "1002")
        let replaces = "\(talk.anna.callID)%3Bto-tag%3D\(tag)%3Bfrom-tag%3D\(talk.anna.tag)"
        talk.annaSendsHer(to: "1002", headers: "?Replaces=\(replaces)")
        let asked = try #require(talk.boris.expect("INVITE"))
        #expect(asked.contains("PCMA"), "\(asked)")
        let sdp = Phone.sdp(port: talk.boriss.port, formats: "8", version: 2)
        talk.boris.respond("200 OK", to: asked, sdp: sdp)
        #expect(talk.boris.expect("ACK") != nil)
        #expect(try talk.isAsked(talk.vera, talk.veras, for: "8"))
        #expect(talk.vera.expect("ACK") != nil)
        #expect(talk.hearEachOther(at: try #require(asked.audioPort)))
    }

    @Test func `who comes from a talk in Opus to a phone that speaks it goes back to it`() throws {
        let talk = try OpusTalk()
        talk.annaSendsHer(to: "1002")
        let invite = try #require(talk.boris.expect("INVITE"))
        #expect(try talk.isAsked(talk.vera, talk.veras, for: "8"))
        #expect(talk.vera.expect("ACK") != nil)
        #expect(invite.contains(" RTP/AVP 107 8 0 "), "\(invite)")
        let sdp = Phone.sdp(port: talk.boriss.port, formats: "107") + "a=rtpmap:107 opus/48000/2\r\n"
        talk.boris.respond("200 OK", to: invite, toTag: "1002", sdp: sdp)
        #expect(talk.boris.expect("ACK") != nil)
        #expect(try talk.isAsked(talk.vera, talk.veras, for: OpusTalk.opus))
        #expect(try eventually { try talk.running.rows("calls").first?["state"] as? String == "talking" })
        #expect(talk.boris.expect("INVITE", within: 0.3) == nil)
    }

    @Test func `who is parked from a talk in Opus hears music, and whoever knows G.711 alone takes him out`() throws {
        let talk = try OpusTalk()
        talk.annaSendsHer(to: "*71")
        #expect(try talk.isAsked(talk.vera, talk.veras, for: "8"))
        #expect(talk.veraHearsSomething())
        let answer = try talk.boris.call("*71", port: talk.boriss.port)
        #expect(answer.startWord == "200")
        talk.boris.acknowledge(answer, to: "*71")
        #expect(talk.hearEachOther(at: try #require(answer.audioPort)))
    }
}

import Foundation
import Testing

/// INVITEs that take the place of another dialog.
@Suite("RFC 3891 over the wire")
struct ReplacesTests {
    /// Vera's INVITE with these lines; its final answer.
    private func vera(
        _ centre: TransferCentre,
        _ lines: [String],
        media: WirePeer
    ) throws -> (phone: Phone, answer: String) {
        let phone = try Phone("1003", password: "vera-demo-3", server: centre.running.sipPort)
        let answer = try phone.authorized("INVITE", to: "1002", extra: lines, sdp: Phone.sdp(port: media.port))
        phone.acknowledge(answer, to: "1002")
        return (phone, answer)
    }

    private func tag(_ header: String?) -> String { String(header?.components(separatedBy: ";tag=").last ?? "") }

    @Test func `B099: unknown dialogs, other tags, early-only on an answered one, two of them, and Join beside it`()
        throws
    {
        let centre = try TransferCentre()
        try centre.talk()
        let media = try WirePeer()
        let callID = centre.invite.header("Call-ID") ?? ""
        let ours = tag(centre.invite.header("From"))
        let right = "Replaces: \(callID);to-tag=\(ours);from-tag=1001"
        let cases: [(lines: [String], status: String)] = [
            (["Replaces: gone;to-tag=1;from-tag=2"], "481"),
            (["Replaces: \(callID);to-tag=\(ours);from-tag=other"], "481"),
            (["Replaces: \(callID);to-tag=other;from-tag=1001"], "481"),
            ([right + ";early-only"], "486"),
            ([right, right], "400"),
            ([right, "Join: \(callID);to-tag=\(ours);from-tag=1001"], "400"),
            (["Replaces: \(callID);to-tag=\(ours)"], "400"),
        ]
        for bad in cases {
            #expect(try vera(centre, bad.lines, media: media).answer.startWord == bad.status, "\(bad.lines)")
        }
        // Not by a carrier, and in no other request.
        centre.carrier.callID = "second"
        centre.carrier.send(
            centre.carrier.request("INVITE", to: "1002", extra: [right], sdp: Phone.sdp(port: media.port))
        )
        #expect(centre.carrier.final("INVITE")?.startWord == "403")
        centre.anna.phone.send(centre.anna.phone.request("OPTIONS", to: "600", extra: [right]))
        #expect(centre.anna.await("400", method: "OPTIONS") != nil)
        #expect(try centre.running.rows("calls").count == 1)
    }

    @Test func `B106: a colleague picks up a call that rings, and the other phones are told where it went`() throws {
        let centre = try TransferCentre()
        let veras = try Phone("1003", password: "vera-demo-3", server: centre.running.sipPort)
        _ = try veras.register()
        // Anna calls two at once.
        let anna = try Phone("1001", password: "anna-demo-1", server: centre.running.sipPort)
        anna.send(anna.request("INVITE", to: "777", sdp: Phone.sdp(port: centre.anna.media.port)))
        let challenge = try #require(anna.final("INVITE"))
        anna.send(anna.request("ACK", to: "777", toTag: tag(challenge.header("To")), sequence: anna.sequence))
        let uri = "sip:777@127.0.0.1:\(centre.running.sipPort)"
        let known = try anna.authorization(for: challenge, method: "INVITE", uri: uri)
        anna.send(anna.request("INVITE", to: "777", extra: [known], sdp: Phone.sdp(port: centre.anna.media.port)))
        let ringing = try #require(centre.boris.await("INVITE"))
        centre.boris.phone.respond("180 Ringing", to: ringing, toTag: "boris")
        let other = try #require(veras.expect("INVITE"))
        veras.respond("180 Ringing", to: other, toTag: "vera")
        #expect(anna.expect("180") != nil)

        let replaces =
            "Replaces: \(ringing.header("Call-ID") ?? "");to-tag=\(tag(ringing.header("From")));from-tag=boris;early-only"
        let (taker, answer) = try vera(centre, [replaces], media: centre.caller.media)
        #expect(answer.startWord == "200")
        for cancel in [centre.boris.await("CANCEL"), veras.expect("CANCEL")] {
            #expect(cancel?.header("Reason") == "SIP;cause=200;text=\"Call completed elsewhere\"")
        }
        let accepted = try #require(anna.final("INVITE"))
        #expect(accepted.startWord == "200")
        anna.acknowledge(accepted, to: "777")
        let (toAnna, toTaker) = (try #require(accepted.audioPort), try #require(answer.audioPort))
        _ = (centre.anna.media.samples(), centre.caller.media.samples())
        Speaker.speak([(centre.anna.media, toAnna, 1_000), (centre.caller.media, toTaker, 440)], seconds: 2.5)
        #expect(Tone.share(of: 440, in: centre.anna.media.samples()) > 0.8)
        #expect(Tone.share(of: 1_000, in: centre.caller.media.samples()) > 0.8)
        taker.send(taker.request("BYE", to: "1002", toTag: tag(answer.header("To"))))
        #expect(anna.expect("BYE") != nil)
        let record = try #require(try centre.records(1).first)
        #expect(
            record.legs.compactMap { $0["result"] as? String } == [
                "answered", "answered-elsewhere", "answered-elsewhere", "answered",
            ]
        )
        #expect(record.legs.last?["user"] as? String == "1003" && record["hangup_by"] as? String == "callee")
    }

    @Test func `a talk in Opus goes on at a phone that knows G.711 alone: the other party changes over`() throws {
        let pair = try CallPair(codecs: "opus, PCMA, PCMU")
        let (caller, media) = (try WirePeer(), try WirePeer())
        let map = "a=rtpmap:111 opus/48000/2\r\n"
        try pair.ring(sdp: Phone.sdp(port: caller.port, formats: "111 8") + map)
        let told = try pair.pickUp(sdp: Phone.sdp(port: 4_002, formats: "111") + map)
        let vera = try Phone("1003", password: "vera-demo-3", server: pair.running.sipPort)
        let ours = tag(pair.invite.header("From"))
        let replaces = "Replaces: \(pair.invite.header("Call-ID") ?? "");to-tag=\(ours);from-tag=1001"
        let sdp = Phone.sdp(port: media.port)
        let answer = try vera.authorized("INVITE", to: "1001", extra: [replaces], sdp: sdp)
        #expect(answer.startWord == "200")
        vera.acknowledge(answer, to: "1001")
        let asked = try #require(pair.carrier.expect("INVITE"))
        #expect(asked.contains(" RTP/AVP 8 "), "\(asked)")
        pair.carrier.respond("200 OK", to: asked, sdp: Phone.sdp(port: caller.port, formats: "8", version: 2))
        #expect(pair.carrier.expect("ACK") != nil)
        let voices: [(name: String, peer: WirePeer, port: UInt16, hertz: Double)] = [
            ("caller", caller, try #require(told.audioPort), 440),
            ("vera", media, try #require(answer.audioPort), 1_700),
        ]
        let heard = Speaker.heard(among: voices, speaking: ["caller", "vera"], share: 0.5)
        #expect(heard == ["caller": ["vera"], "vera": ["caller"]])
    }

    @Test func `a talk goes on at another phone, and the one it was at is let go`() throws {
        let centre = try TransferCentre()
        try centre.talk()
        let replaces =
            "Replaces: \(centre.invite.header("Call-ID") ?? "");to-tag=\(tag(centre.invite.header("From")));from-tag=1001"
        let (taker, answer) = try vera(centre, [replaces], media: centre.boris.media)
        #expect(answer.startWord == "200")
        #expect(centre.anna.await("BYE") != nil)
        centre.follow(try #require(answer.audioPort))
        #expect(centre.heard("caller", "boris") == ["caller": ["boris"], "boris": ["caller"]])
        #expect(try eventually { try centre.running.state(of: "1001") == "wrap-up" })
        taker.send(taker.request("BYE", to: "1002", toTag: tag(answer.header("To"))))
        #expect(taker.final("BYE")?.startWord == "200")
        #expect(centre.caller.await("BYE") != nil)
        let record = try #require(try centre.records(1).first)
        #expect(record.legs.compactMap { $0["result"] as? String } == ["answered", "transferred", "answered"])
        #expect(record.legs[1]["reason"] as? String == "replaced")
        // His dialog is gone: nobody takes its place any more.
        #expect(try vera(centre, [replaces], media: centre.boris.media).answer.startWord == "481")
        #expect(try centre.isClean())
    }
}

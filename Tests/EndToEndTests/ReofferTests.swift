import Foundation
import Testing

/// Offers in the middle of a call: refused ones, those without a description, challenged ones (RFC 3261 §14, §22).
@Suite("Re-INVITE over the wire")
struct ReofferTests {
    @Test func `B060: a re-INVITE without a description gets an offer, whose answer goes on in the ACK`() throws {
        let pair = try CallPair()
        try pair.talk()
        pair.ask("INVITE")
        let relayed = try #require(pair.callee.expect("INVITE"))
        #expect(relayed.sipBody.isEmpty)
        pair.callee.respond("200 OK", to: relayed, sdp: Phone.sdp(port: 4_002, formats: "0 8 101", version: 2))
        let offer = try #require(pair.carrier.final("INVITE"))
        #expect(offer.sipBody.contains("PCMA") && offer.sipBody.contains("PCMU"))
        pair.acknowledge(sdp: Phone.sdp(port: 4_000, formats: "0", version: 2))
        #expect(try #require(pair.callee.expect("ACK")).sipBody.contains("m=audio"))
        try pair.hangUp()
    }

    @Test func `B063: a refused re-INVITE leaves the media as it was`() throws {
        let pair = try CallPair()
        let (caller, callee) = (try WirePeer(), try WirePeer())
        try pair.ring(sdp: Phone.sdp(port: caller.port))
        let answer = try pair.pickUp(sdp: Phone.sdp(port: callee.port))
        let packet: [UInt8] = [0x80, 8, 0, 1, 0, 0, 0, 160, 1, 2, 3, 4] + [UInt8](repeating: 0xD5, count: 160)
        callee.send(packet, to: try #require(pair.invite.audioPort))
        #expect(caller.receive()?.bytes == packet)
        pair.ask("INVITE", sdp: Phone.sdp(port: 4_010, formats: "0", version: 2))
        let relayed = try #require(pair.callee.expect("INVITE"))
        pair.callee.respond("488 Not Acceptable Here", to: relayed)
        #expect(pair.carrier.final("INVITE")?.startWord == "488")
        callee.send(packet, to: try #require(pair.invite.audioPort))
        #expect(caller.receive()?.bytes == packet)
        caller.send(packet, to: try #require(answer.audioPort))
        #expect(callee.receive()?.bytes == packet)
        #expect(try pair.running.rows("calls").first?["state"] as? String == "talking")
        try pair.hangUp()
    }

    @Test func `RFC 4961: whoever describes himself anew may begin his stream at another port of his NAT`() throws {
        let pair = try CallPair()
        let (old, new, callee) = (try WirePeer(), try WirePeer(), try WirePeer())
        try pair.ring()
        let port = try #require(try pair.pickUp(sdp: Phone.sdp(port: callee.port)).audioPort)
        func arrives(from speaker: WirePeer, as source: UInt8) -> Bool {
            let head: [UInt8] = [0x80, 8, 0, 1, 0, 0, 0, 160, 0, 0, 0, source]
            return eventually(within: 4) {
                speaker.send(head + [UInt8](repeating: 0xD5, count: 160), to: port)
                return callee.receive(within: 0.1)?.bytes[11] == source
            }
        }
        #expect(arrives(from: old, as: 1))
        pair.ask("INVITE", sdp: Phone.sdp(port: 4_000, version: 2))
        let relayed = try #require(pair.callee.expect("INVITE"))
        pair.callee.respond("200 OK", to: relayed, sdp: Phone.sdp(port: callee.port, version: 2))
        #expect(pair.carrier.final("INVITE")?.startWord == "200")
        pair.acknowledge()
        #expect(arrives(from: new, as: 2))
        try pair.hangUp()
    }

    @Test(arguments: [false, true])
    func `RFC 3261 §14.1: a 2xx to our re-INVITE that our BYE crossed gets its ACK`(isOver: Bool) throws {
        let pair = try CallPair(node: "timers: {t1: 100ms}")
        try pair.talk()
        pair.ask("INVITE", sdp: Phone.sdp(port: 4_000, direction: "sendonly", version: 2))
        let relayed = try #require(pair.callee.expect("INVITE"))
        pair.ask("BYE")
        #expect(pair.carrier.final("BYE")?.startWord == "200")
        let bye = try #require(pair.callee.expect("BYE"))
        if isOver {
            pair.callee.respond("200 OK", to: bye)
            try pair.expectNothingLeft()
        }
        for _ in 0..<2 {
            let sdp = Phone.sdp(port: 4_002, direction: "recvonly", version: 2)
            pair.callee.respond("200 OK", to: relayed, sdp: sdp)
            let ack = try #require(pair.callee.expect("ACK"))
            #expect(ack.header("CSeq") == relayed.header("CSeq")?.replacing("INVITE", with: "ACK"))
        }
        if !isOver { pair.callee.respond("200 OK", to: bye) }
        try pair.expectNothingLeft()
    }

    @Test(arguments: [
        ("T.38", "m=image 4010 udptl t38\r\na=T38FaxVersion:0\r\n"),
        ("T.38 beside refused audio", "m=audio 0 RTP/AVP 8\r\nm=image 4010 udptl t38\r\na=T38FaxVersion:0\r\n"),
        ("no section at all", ""), ("video only", "m=video 4010 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n"),
        ("SRTP", "m=audio 4010 RTP/SAVP 8\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:aaaa\r\n"),
        ("no format", "m=audio 4010 RTP/AVP 96\r\n"), ("comfort noise alone", "m=audio 4010 RTP/AVP 13\r\n"),
    ])
    func `B110: what cannot be relayed is 488 in the middle of a call, which goes on in G.711`(
        name: String,
        media: String
    ) throws {
        let pair = try CallPair()
        try pair.talk()
        let head = "v=0\r\no=phone 4711 2 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
        for method in ["INVITE", "UPDATE"] {
            pair.ask(method, sdp: head + media)
            #expect(pair.carrier.final(method)?.startWord == "488", "\(name)")
            if method == "INVITE" { pair.acknowledge() }
            pair.calleeAsks(method, sdp: head + media)
            #expect(pair.callee.final(method)?.startWord == "488", "\(name)")
        }
        try pair.hangUp()
    }

    @Test func `B110: T.38 beside audio keeps the audio, and the fax is refused in its place`() throws {
        let pair = try CallPair()
        try pair.talk()
        let fax = "m=image 4012 udptl t38\r\na=T38FaxVersion:0\r\n"
        pair.ask("INVITE", sdp: Phone.sdp(port: 4_000, version: 2) + fax)
        let relayed = try #require(pair.callee.expect("INVITE"))
        #expect(!relayed.contains("m=image"))
        pair.callee.respond("200 OK", to: relayed, sdp: Phone.sdp(port: 4_002, version: 2))
        let answer = try #require(pair.carrier.final("INVITE"))
        #expect(answer.audioPort != nil && answer.contains("m=image 0 udptl t38"))
        pair.acknowledge()
        try pair.hangUp()
    }

    @Test func `B066: a trunk that challenges a re-INVITE and a BYE gets its answers`() throws {
        let (running, trunk, anna) = try outbound(trunk: "auth: {username: u, realm: carrier, password: secret}")
        let invite = try #require(trunk.expect("INVITE"))
        trunk.respond("200 OK", to: invite, toTag: "t", sdp: Phone.sdp(port: 4_002))
        let answer = try #require(anna.final("INVITE"))
        let tag = anna.acknowledge(answer, to: "+74950000000")
        _ = try #require(trunk.expect("ACK"))
        let challenge = "WWW-Authenticate: Digest realm=\"carrier\", nonce=\"n\", qop=\"auth\", algorithm=SHA-256"
        anna.send(
            anna.request("INVITE", to: "+74950000000", toTag: tag, sdp: Phone.sdp(port: 4_000, direction: "sendonly"))
        )
        let first = try #require(trunk.expect("INVITE"))
        trunk.respond("401 Unauthorized", to: first, extra: [challenge])
        _ = try #require(trunk.expect("ACK"))
        let second = try #require(trunk.expect("INVITE"))
        #expect(second.header("Authorization")?.contains("username=\"u\"") == true)
        trunk.respond("200 OK", to: second, sdp: Phone.sdp(port: 4_002, direction: "recvonly", version: 2))
        #expect(anna.final("INVITE")?.startWord == "200")
        anna.acknowledge(answer, to: "+74950000000")
        anna.send(anna.request("BYE", to: "+74950000000", toTag: tag))
        let bye = try #require(trunk.expect("BYE"))
        trunk.respond("401 Unauthorized", to: bye, extra: [challenge])
        let again = try #require(trunk.expect("BYE"))
        #expect(again.header("Authorization") != nil)
        trunk.respond("200 OK", to: again)
        _ = running
    }

    @Test func `§22: a trunk that challenges INVITE and PRACK gets its answers, and the ACK has those of its INVITE`()
        throws
    {
        let (running, trunk, anna) = try outbound(trunk: "auth: {username: u, realm: carrier, password: secret}")
        let challenge = "Proxy-Authenticate: Digest realm=\"carrier\", nonce=\"n\", qop=\"auth\", algorithm=MD5"
        let bare = try #require(trunk.expect("INVITE"))
        trunk.respond("407 Proxy Authentication Required", to: bare, toTag: "p", extra: [challenge])
        _ = try #require(trunk.expect("ACK"))
        let invite = try #require(trunk.expect("INVITE"))
        let media = Phone.sdp(port: 4_002)
        trunk.respond("183 X", to: invite, toTag: "t", extra: ["Require: 100rel", "RSeq: 9"], sdp: media)
        let prack = try #require(trunk.expect("PRACK"))
        trunk.respond("407 Proxy Authentication Required", to: prack, extra: [challenge])
        let again = try #require(
            trunk.peer.expect { $0.startWord == "PRACK" && $0.header("Proxy-Authorization") != nil }
        )
        #expect(again.header("RAck") == prack.header("RAck") && again.header("CSeq") != prack.header("CSeq"))
        trunk.respond("200 OK", to: again)
        trunk.respond("200 OK", to: invite, toTag: "t", sdp: media)
        let ack = try #require(trunk.expect("ACK"))
        #expect(ack.header("Proxy-Authorization") == invite.header("Proxy-Authorization"))
        #expect(anna.final("INVITE")?.startWord == "200")
        _ = running
    }

    @Test(arguments: [
        ("401 Unauthorized", "WWW-Authenticate: Digest realm=\"x\", nonce=\"n\""),
        ("406 Not Acceptable", "Accept: text/plain"), ("415 Unsupported Media Type", "Accept: text/plain"),
        ("420 Bad Extension", "Unsupported: x"),
        ("422 Session Interval Too Small", "Min-SE: 90"), ("302 Moved", "Contact: <sip:x@127.0.0.1:9>"),
    ])
    func `what a peer says of our re-INVITE alone is 488 to whoever asked`(status: String, header: String) throws {
        let pair = try CallPair()
        try pair.talk()
        pair.ask("INVITE", sdp: Phone.sdp(port: 4_010, formats: "0", version: 2))
        pair.callee.respond(status, to: try #require(pair.callee.expect("INVITE")), extra: [header])
        #expect(pair.carrier.final("INVITE")?.startWord == "488")
        #expect(try pair.running.rows("calls").first?["state"] as? String == "talking")
        try pair.hangUp()
    }

    @Test(arguments: ["406 Not Acceptable", "415 Unsupported Media Type"])
    func `what a callee says of our INVITE alone is 500 to the caller`(status: String) throws {
        let pair = try CallPair()
        try pair.ring()
        pair.callee.respond(status, to: pair.invite, toTag: "x", extra: ["Accept: text/plain"])
        #expect(pair.carrier.final("INVITE")?.startWord == "500")
    }

    @Test func `a callee that takes no stream at all is asked back to what it had, and the caller gets 488`() throws {
        let pair = try CallPair()
        try pair.talk()
        pair.ask("INVITE", sdp: Phone.sdp(port: 4_010, formats: "0", version: 2))
        let relayed = try #require(pair.callee.expect("INVITE"))
        pair.callee.respond("200 OK", to: relayed, sdp: Phone.sdp(port: 0, formats: "0", version: 2))
        #expect(pair.carrier.final("INVITE")?.startWord == "488")
        let back = try #require(pair.callee.expect("INVITE"))
        #expect(back.audioPort != nil && back.audioPort != 0 && back.sipBody.contains("PCMA"))
        pair.callee.respond("200 OK", to: back, sdp: Phone.sdp(port: 4_002, version: 3))
        #expect(pair.callee.expect("ACK") != nil)
        #expect(try pair.running.rows("calls").first?["state"] as? String == "talking")
        try pair.hangUp()
    }

    @Test func `a caller who knows one law of G.711 and a callee who knows the other hear each other`() throws {
        let pair = try CallPair()
        let (caller, callee) = (try WirePeer(), try WirePeer())
        try pair.ring(sdp: Phone.sdp(port: caller.port, formats: "0"))
        #expect(pair.invite.sipBody.contains("RTP/AVP 0 8"))
        let answer = try pair.pickUp(sdp: Phone.sdp(port: callee.port, formats: "8"))
        #expect(answer.sipBody.contains("RTP/AVP 0\r\n"))
        func packet(_ format: UInt8, _ octet: UInt8) -> [UInt8] {
            [0x80, format, 0, 1, 0, 0, 0, 160, 1, 2, 3, 4] + [UInt8](repeating: octet, count: 160)
        }
        caller.send(packet(0, 0xFF), to: try #require(answer.audioPort))
        #expect(callee.receive()?.bytes == packet(8, 0xD5))
        callee.send(packet(8, 0xD5), to: try #require(pair.invite.audioPort))
        // The smallest step of one law is none of the other.
        #expect(caller.receive()?.bytes == packet(0, 0xFE))
        try pair.hangUp()
    }

    @Test func `§14.1: whoever asks for an offer and does not answer it keeps the call as it was`() throws {
        let pair = try CallPair()
        try pair.talk()
        pair.calleeAsks("INVITE")
        let relayed = try #require(pair.carrier.expect("INVITE"))
        pair.carrier.respond("200 OK", to: relayed, sdp: Phone.sdp(port: 4_000, version: 2))
        #expect(try #require(pair.callee.final("INVITE")).audioPort != nil)
        pair.calleeAcknowledges()
        #expect(try #require(pair.carrier.expect("ACK")).audioPort != nil)
        #expect(try pair.running.rows("calls").first?["state"] as? String == "talking")
        try pair.hangUp()
    }

    @Test func `§14.1: an offer that nobody answered is forgotten, and who asked hears the next hold's music`()
        throws
    {
        let pair = try CallPair()
        try pair.ring(sdp: Phone.sdp(port: 4_000, formats: "8 9 101"))
        try pair.pickUp(sdp: Phone.sdp(port: 4_002, formats: "8 9 101"))
        pair.calleeAsks("INVITE")
        let asked = try #require(pair.carrier.expect("INVITE"))
        // G.722 alone, which music on hold does not speak.
        pair.carrier.respond("200 OK", to: asked, sdp: Phone.sdp(port: 4_000, formats: "9 101", version: 2))
        #expect(try #require(pair.callee.final("INVITE")).sipBody.contains("RTP/AVP 9"))
        pair.calleeAcknowledges()
        #expect(try #require(pair.carrier.expect("ACK")).audioPort != nil)
        let hold = Phone.sdp(port: 4_000, direction: "inactive", formats: "8 9 101", version: 3)
        pair.ask("INVITE", sdp: hold)
        let held = try #require(pair.callee.expect("INVITE"))
        #expect(held.sipBody.contains("a=sendonly"), "\(held)")
        pair.callee.respond(
            "200 OK",
            to: held,
            sdp: Phone.sdp(port: 4_002, direction: "recvonly", formats: "8 9 101", version: 2)
        )
        #expect(pair.carrier.final("INVITE")?.startWord == "200")
        pair.acknowledge()
        try pair.hangUp()
    }

    @Test func `RFC 3264 §8: an offer that was asked for keeps the sections that there were`() throws {
        let pair = try CallPair()
        let video = "m=video 4010 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n"
        try pair.ring(sdp: Phone.sdp(port: 4_000) + video)
        #expect(try pair.pickUp().sipBody.contains("m=video 0 "))
        pair.ask("INVITE")
        let relayed = try #require(pair.callee.expect("INVITE"))
        pair.callee.respond("200 OK", to: relayed, sdp: Phone.sdp(port: 4_002, version: 2))
        let offer = try #require(pair.carrier.final("INVITE"))
        #expect(offer.audioPort != 0 && offer.sipBody.contains("m=video 0 "), "\(offer)")
        pair.acknowledge(sdp: Phone.sdp(port: 4_000, version: 2) + video.replacingOccurrences(of: "4010", with: "0"))
        #expect(try #require(pair.callee.expect("ACK")).audioPort != nil)
        try pair.hangUp()
    }

    @Test func `RFC 3261 §8.2.3: an INFO that neither we nor the other side can take is 415`() throws {
        let pair = try CallPair()
        try pair.ring()
        try pair.pickUp(["Allow: INVITE, ACK, BYE, CANCEL"])
        func inform(_ type: String, _ body: String, _ extra: [String] = []) throws -> String {
            let info = pair.carrier.request(
                "INFO",
                to: "1001",
                toTag: pair.tag,
                extra: ["Content-Type: \(type)"] + extra
            )
            pair.carrier.send(
                info.replacingOccurrences(of: "Content-Length: 0", with: "Content-Length: \(body.utf8.count)") + body
            )
            return try #require(pair.carrier.answer(to: "INFO"))
        }
        let refused = try inform("text/plain", "hello")
        #expect(refused.startWord == "415" && refused.header("Accept")?.contains("application/dtmf-relay") == true)
        #expect(pair.callee.expect("INFO", within: 0.2) == nil)
        #expect(try inform("text/plain", "hello", ["Content-Disposition: info;handling=optional"]).startWord == "200")
        #expect(try inform("text/plain", "").startWord == "200")
        #expect(try inform("application/dtmf-relay", "Signal=5\r\n").startWord == "200")
        try pair.hangUp()
    }

    @Test func `RFC 6086 §4.2.2: an INFO of a package is 469, for we take none`() throws {
        let pair = try CallPair()
        try pair.talk()
        pair.ask("INFO", ["Info-Package: conference"])
        let refused = try #require(pair.carrier.final("INFO"))
        #expect(refused.startWord == "469" && refused.header("Recv-Info")?.isEmpty == true)
        try pair.hangUp()
    }

    @Test func `B088: nobody but the trunk whose secret it is gets an answer to a challenge`() throws {
        let challenge = "WWW-Authenticate: Digest realm=\"demo.test\", nonce=\"n\", qop=\"auth\", algorithm=MD5"
        // A phone that challenges us for its own realm wants our user's password.
        let pair = try CallPair(trunk: "auth: {username: u, realm: carrier, password: secret}")
        try pair.talk()
        pair.ask("INVITE", sdp: Phone.sdp(port: 4_000, direction: "sendonly", version: 2))
        let relayed = try #require(pair.callee.expect("INVITE"))
        pair.callee.respond("401 Unauthorized", to: relayed, extra: [challenge])
        #expect((Int(pair.carrier.final("INVITE")?.startWord ?? "") ?? 0) >= 400)
        #expect(pair.callee.expect("INVITE", within: 0.3) == nil)
        // The trunk asks for a realm that is not its own, on the leg that it called us by.
        pair.calleeAsks("INVITE", sdp: Phone.sdp(port: 4_002, direction: "sendonly", version: 2))
        let toTrunk = try #require(pair.carrier.expect("INVITE"))
        pair.carrier.respond("401 Unauthorized", to: toTrunk, extra: [challenge])
        #expect((Int(pair.callee.final("INVITE")?.startWord ?? "") ?? 0) >= 400)
        #expect(pair.carrier.expect("INVITE", within: 0.3) == nil)
        try pair.hangUp()
    }

    /// Anna calls out by the trunk.
    private func outbound(trunk settings: String) throws -> (RunningSwitch, trunk: Phone, anna: Phone) {
        let running = try RunningSwitch(trunk: settings + "\n    probe: false")
        let trunk = try Phone("carrier", server: running.sipPort, peer: running.carrier)
        let anna = try Phone("1001", password: "anna-demo-1", server: running.sipPort)
        _ = try anna.dial("+74950000000", sdp: Phone.sdp(port: 4_000))
        return (running, trunk, anna)
    }

    @Test(
        arguments: ["INVITE", "UPDATE"],
        [("sendonly", "recvonly"), ("recvonly", "sendonly"), ("inactive", "inactive")]
    )
    func `RFC 3264 §6.1: whoever refreshes with what he answered gets an answer to that, and not our offer`(
        method: String,
        directions: (his: String, ours: String)
    ) throws {
        let pair = try CallPair()
        try pair.talk()
        pair.calleeAsks("INVITE", sdp: Phone.sdp(port: 4_002, formats: "0 8 101", version: 2))
        let told = try #require(pair.carrier.expect("INVITE"))
        #expect(told.contains("a=sendrecv"))
        let sdp = Phone.sdp(port: 4_000, direction: directions.his, formats: "8 101", version: 2)
        pair.carrier.respond("200 OK", to: told, sdp: sdp)
        #expect(pair.callee.final("INVITE")?.startWord == "200")
        pair.calleeAcknowledges()
        var versions: [String?] = []
        for _ in 0..<2 {
            pair.ask(method, sdp: sdp)
            let answer = try #require(pair.carrier.final(method))
            if method == "INVITE" { pair.acknowledge() }
            #expect(answer.contains("a=\(directions.ours)"), "\(answer)")
            #expect(answer.contains(" RTP/AVP 8 101\r\n"), "\(answer)")
            versions.append(answer.split(separator: "\r\n").first { $0.hasPrefix("o=") }.map(String.init))
        }
        #expect(versions[0] == versions[1])
        #expect(pair.callee.expect("INVITE", within: 0.1) == nil)
        try pair.hangUp()
    }
}

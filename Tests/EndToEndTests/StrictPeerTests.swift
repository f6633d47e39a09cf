import Foundation
import Testing

/// What only strict peers notice: each of them fails a call, or leaves it mute, where it is not so.
@Suite("Strict peers over the wire")
struct StrictPeerTests {
    private func prack(_ pair: CallPair, _ response: String) {
        pair.learn(response)
        pair.ask("PRACK", ["RAck: \(response.header("RSeq") ?? "") \(response.header("CSeq") ?? "")"])
        #expect(pair.carrier.final("PRACK")?.startWord == "200")
    }

    @Test func `RFC 3261 §9.1: who takes a re-INVITE back takes it back of the other party, who may then ask himself`()
        throws
    {
        let pair = try CallPair()
        try pair.talk()
        let branch = "z9hG4bKtaken-back"
        pair.ask("INVITE", sdp: Phone.sdp(port: 4_000, direction: "sendonly", version: 2), branch: branch)
        let relayed = try #require(pair.callee.expect("INVITE"))
        pair.callee.respond("180 Ringing", to: relayed)
        let cancel = pair.carrier.request(
            "CANCEL",
            to: "1001",
            toTag: pair.tag,
            branch: branch,
            sequence: pair.carrier.sequence
        )
        pair.carrier.send(cancel)
        #expect(pair.carrier.final("INVITE")?.startWord == "487")
        pair.acknowledge()
        let taken = try #require(pair.callee.expect("CANCEL"))
        pair.callee.respond("200 OK", to: taken)
        pair.callee.respond("487 Request Terminated", to: relayed)
        #expect(pair.callee.expect("ACK") != nil)
        pair.calleeAsks("INVITE", sdp: Phone.sdp(port: 4_002, direction: "sendonly", version: 2))
        let other = try #require(pair.carrier.expect("INVITE"))
        pair.carrier.respond("200 OK", to: other, sdp: Phone.sdp(port: 4_000, direction: "recvonly", version: 3))
        #expect(pair.callee.final("INVITE")?.startWord == "200")
        pair.calleeAcknowledges()
        try pair.hangUp()
    }

    @Test(arguments: [false, true])
    func `RFC 3261 §13.3.1.4: a call whose ACK is missing was a talk where its caller was heard`(isHeard: Bool) throws {
        let pair = try CallPair(node: "timers: {t1: 30ms}")
        try pair.ring()
        pair.callee.respond("200 OK", to: pair.invite, toTag: "1001", sdp: Phone.sdp(port: 4_002))
        let port = try #require(pair.carrier.final("INVITE")?.audioPort)
        let packet: [UInt8] = [0x80, 8, 0, 1, 0, 0, 0, 160, 1, 2, 3, 4] + [UInt8](repeating: 0xD5, count: 160)
        if isHeard { try WirePeer().send(packet, to: port) }
        pair.carrier.respond("200 OK", to: try #require(pair.carrier.expect("BYE")))
        pair.callee.respond("200 OK", to: try #require(pair.callee.expect("BYE")))
        try pair.expectNothingLeft()
        let call = try #require(try pair.running.rows("cdr").first)
        #expect(call["disposition"] as? String == (isHeard ? "answered" : "failed"), "\(call)")
        #expect(call["reason"] as? String == "ack-missing")
        let why = try pair.running.gudok("why", "last").text
        #expect(why.contains("leg 0: no ACK to the 200 within 1.9 s (64 T1)"), "\(why)")
        #expect((call["talk_s"] as? Double ?? 0 > 0) == isHeard, "\(call)")
    }

    @Test(arguments: [false, true])
    func `RFC 3261 §15: a callee's BYE in its early dialog is its refusal, where no other dialog of a fork is left`(
        isForked: Bool
    ) throws {
        let pair = try CallPair()
        try pair.ring()
        if isForked { pair.callee.respond("180 Ringing", to: pair.invite, toTag: "other") }
        pair.callee.respond("180 Ringing", to: pair.invite, toTag: "1001")
        #expect(pair.carrier.expect("180") != nil)
        pair.calleeAsks("BYE", ["Reason: Q.850;cause=17"])
        #expect(pair.callee.final("BYE")?.startWord == "200")
        if isForked {
            pair.callee.respond("200 OK", to: pair.invite, toTag: "other", sdp: Phone.sdp(port: 4_002))
            #expect(pair.carrier.final("INVITE")?.startWord == "200")
            return
        }
        let cancel = try #require(pair.callee.expect("CANCEL"))
        pair.callee.respond("200 OK", to: cancel)
        pair.callee.respond("487 Request Terminated", to: pair.invite, toTag: "1001")
        #expect(pair.carrier.final("INVITE")?.startWord == "480")
        pair.acknowledge()
        try pair.expectNothingLeft()
        let call = try #require(try pair.running.rows("cdr").first)
        let legs = try #require(call["legs"] as? [[String: Any]])
        #expect(legs.contains { $0["sip_code"] as? Int == 480 }, "\(legs)")
        #expect(!legs.contains { $0["result"] as? String == "answered" }, "\(legs)")
    }

    @Test func `RFC 3311 §5.2: an UPDATE with an offer before the callee has answered ours is 491`() throws {
        let pair = try CallPair()
        try pair.ring()
        pair.callee.respond("180 Ringing", to: pair.invite, toTag: "1001")
        #expect(pair.carrier.expect("180") != nil)
        pair.calleeAsks("UPDATE", sdp: Phone.sdp(port: 4_002))
        #expect(pair.callee.final("UPDATE")?.startWord == "491")
        try pair.pickUp()
        try pair.hangUp()
    }

    @Test(arguments: ["m=audio 4000 RTP/AVP 96\r\na=rtpmap:96 nothing/8000\r\n", "m=audio 0 RTP/AVP 8\r\n", ""])
    func `RFC 3264 §6: an answer in the ACK that takes none of what we offered ends the call`(media: String) throws {
        let pair = try CallPair()
        pair.carrier.send(pair.carrier.request("INVITE", to: "600"))
        let offer = try #require(pair.carrier.final("INVITE"))
        let tag = CallPair.toTag(offer)
        let head = "v=0\r\no=x 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
        let sequence = pair.carrier.sequence
        let sdp = media.isEmpty ? nil : head + media
        pair.carrier.send(pair.carrier.request("ACK", to: "600", toTag: tag, sequence: sequence, sdp: sdp))
        let bye = try #require(pair.carrier.expect("BYE"))
        #expect(bye.header("Reason")?.contains("cause=88") == true, "\(bye)")
        pair.carrier.respond("200 OK", to: bye)
        try pair.expectNothingLeft()
    }

    @Test(arguments: ["garbage", "<sip:1001@127.0.0.1:99999>"])
    func `RFC 3261 §13.2.2.4: a 2xx whose Contact cannot be read is acknowledged, and the call goes on`(
        contact: String
    ) throws {
        let pair = try CallPair()
        try pair.ring()
        pair.callee.respond(
            "200 OK",
            to: pair.invite,
            toTag: "1001",
            extra: ["Contact: \(contact)"],
            sdp: Phone.sdp(port: 4_002),
            withContact: false
        )
        let told = try #require(pair.carrier.final("INVITE"))
        #expect(told.startWord == "200")
        pair.learn(told)
        pair.acknowledge()
        #expect(pair.callee.expect("ACK") != nil)
        try pair.hangUp()
    }

    @Test func `RFC 3262 §3: a reliable 183 to our re-INVITE is acknowledged, and its answer is the answer`() throws {
        let pair = try CallPair()
        try pair.talk()
        pair.ask("INVITE", sdp: Phone.sdp(port: 4_000, direction: "sendonly", version: 2))
        let relayed = try #require(pair.callee.expect("INVITE"))
        let answer = Phone.sdp(port: 4_002, direction: "recvonly", version: 2)
        pair.callee.respond("183 Session Progress", to: relayed, extra: ["Require: 100rel", "RSeq: 5"], sdp: answer)
        let prack = try #require(pair.callee.expect("PRACK"))
        #expect(prack.header("RAck")?.hasPrefix("5 ") == true)
        pair.callee.respond("200 OK", to: prack)
        pair.callee.respond("200 OK", to: relayed)
        let told = try #require(pair.carrier.final("INVITE"))
        #expect(told.startWord == "200" && told.contains("a=recvonly"), "\(told)")
        pair.acknowledge()
        try pair.hangUp()
    }

    @Test func `RFC 3261 §21.5.4: a phone's 503 with Retry-After is not the switch's own`() throws {
        let pair = try CallPair()
        try pair.ring()
        pair.callee.respond("503 Service Unavailable", to: pair.invite, toTag: "1001", extra: ["Retry-After: 3600"])
        let answer = try #require(pair.carrier.final("INVITE"))
        #expect(answer.startWord == "503" && answer.header("Retry-After") == nil, "\(answer)")
        #expect(answer.header("Reason")?.contains("cause=41") == true)
    }

    @Test func `a CANCEL whose client has learnt another address of its own finds its INVITE`() throws {
        let pair = try CallPair()
        try pair.ring()
        pair.callee.respond("180 Ringing", to: pair.invite, toTag: "1001")
        #expect(pair.carrier.expect("180") != nil)
        let cancel = pair.carrier.request("CANCEL", to: "1001", branch: pair.branch, sequence: pair.carrier.sequence)
        let via = cancel.header("Via")?.split(separator: " ").last
        let place = try #require(via?.split(separator: ";").first)
        pair.carrier.send(cancel.replacing(place + ";", with: "192.0.2.10:5060;"))
        #expect(pair.carrier.final("CANCEL")?.startWord == "200")
        #expect(pair.carrier.final("INVITE")?.startWord == "487")
        #expect(pair.callee.expect("CANCEL") != nil)
    }

    @Test func `a re-INVITE with the branch of the first INVITE is another request, and so is its answer`() throws {
        let pair = try CallPair()
        try pair.talk()
        pair.ask("INVITE", sdp: Phone.sdp(port: 4_000, direction: "sendonly", version: 2), branch: pair.branch)
        let relayed = try #require(pair.callee.expect("INVITE"))
        pair.callee.respond("200 OK", to: relayed, sdp: Phone.sdp(port: 4_002, direction: "recvonly", version: 2))
        #expect(pair.carrier.final("INVITE")?.startWord == "200")
        pair.acknowledge()
        try pair.hangUp()
    }

    @Test(arguments: [
        "--b\r\nContent-Type: application/notsdp\r\n\r\nv=0\r\n--b\r\nContent-Type: text/plain\r\n\r\nhello\r\n--b--\r\n",
        "v=0\r\n",
    ])
    func `RFC 3261 §8.2.3: a multipart body without a session description is 415`(body: String) throws {
        let pair = try CallPair()
        let invite = pair.carrier.request("INVITE", to: "600", sdp: body)
        pair.carrier.send(invite.replacing("application/sdp", with: "multipart/mixed;boundary=b"))
        let answer = try #require(pair.carrier.final("INVITE"))
        #expect(answer.startWord == "415" && answer.header("Accept")?.contains("application/sdp") == true)
    }

    @Test func `RFC 8866 §5.7: an offer that says nowhere where its voice goes is 488`() throws {
        let pair = try CallPair()
        let sdp = Phone.sdp(port: 4_000).replacing("c=IN IP4 127.0.0.1\r\n", with: "")
        pair.carrier.send(pair.carrier.request("INVITE", to: "600", sdp: sdp))
        #expect(pair.carrier.final("INVITE")?.startWord == "488")
    }

    @Test func `RFC 4028 §9: what we agree to is not below the Min-SE that was asked`() throws {
        let pair = try CallPair()
        let asks = ["Supported: timer", "Session-Expires: 100", "Min-SE: 200"]
        pair.carrier.send(pair.carrier.request("INVITE", to: "600", extra: asks, sdp: Phone.sdp(port: 4_000)))
        #expect(pair.carrier.final("INVITE")?.header("Session-Expires")?.hasPrefix("200") == true)
    }

    @Test func `RFC 6141: a re-INVITE that is refused moves nobody's target`() throws {
        let pair = try CallPair()
        try pair.talk()
        let offer = Phone.sdp(port: 4_010, formats: "0", version: 2)
        let moved = pair.carrier.request("INVITE", to: "1001", toTag: pair.tag, sdp: offer)
            .replacingOccurrences(of: "Contact: <sip:", with: "Contact: <sip:moved-")
        pair.carrier.send(moved)
        pair.callee.respond("488 Not Acceptable Here", to: try #require(pair.callee.expect("INVITE")))
        #expect(pair.carrier.final("INVITE")?.startWord == "488")
        pair.acknowledge()
        pair.calleeAsks("BYE")
        let bye = try #require(pair.carrier.expect("BYE"))
        #expect(bye.hasPrefix("BYE sip:\(pair.carrier.user)@"), "\(bye)")
        pair.carrier.respond("200 OK", to: bye)
        try pair.expectNothingLeft()
    }

    @Test func `B042: each dialog of a fork counts its own requests`() throws {
        let pair = try CallPair()
        try pair.ring()
        for (tag, number) in [("left", 7), ("right", 900)] {
            let extra = ["Require: 100rel", "RSeq: \(number)"]
            pair.callee.respond("183 Session Progress", to: pair.invite, toTag: tag, extra: extra)
            pair.callee.respond("200 OK", to: try #require(pair.callee.expect("PRACK")))
        }
        func update(_ tag: String, _ sequence: Int) -> String? {
            let request = pair.callee.request("UPDATE", in: pair.invite, sequence: sequence)
            pair.callee.send(request.replacingOccurrences(of: ";tag=1001", with: ";tag=\(tag)"))
            return pair.callee.final("UPDATE")?.startWord
        }
        #expect(update("left", 5_001) == "200")
        #expect(update("right", 11) == "200")
        #expect(update("left", 5_000) == "500")
        pair.callee.respond("200 OK", to: pair.invite, toTag: "left", sdp: Phone.sdp(port: 4_002))
        #expect(pair.callee.expect("ACK") != nil)
        #expect(pair.carrier.final("INVITE")?.startWord == "200")
        #expect(update("left", 4_000) == "500")
        #expect(update("left", 5_002) == "200")
    }

    @Test(arguments: [true, false])
    func `§13.2.1: the 200 says what the 183 said, and what the callee says otherwise is offered after the ACK`(
        isReliable: Bool
    ) throws {
        let pair = try CallPair()
        try pair.ring(isReliable ? ["Require: 100rel"] : [], sdp: Phone.sdp(port: 4_000, formats: "8 18 101"))
        let announcement = Phone.sdp(port: 4_002, formats: "8 101")
        pair.callee.respond("183 Session Progress", to: pair.invite, toTag: "1001", sdp: announcement)
        let early = try #require(pair.carrier.expect("183"))
        #expect(early.sipBody.contains("RTP/AVP 8 101"))
        if isReliable { prack(pair, early) }
        let own = Phone.sdp(port: 4_004, formats: "18 101", version: 2)
        pair.callee.respond("200 OK", to: pair.invite, toTag: "1001", sdp: own)
        let answer = try #require(pair.carrier.final("INVITE"))
        #expect(answer.sipBody == (isReliable ? "" : early.sipBody))
        #expect(pair.callee.expect("ACK") != nil)
        pair.learn(answer)
        pair.carrier.send(pair.carrier.request("ACK", to: "1001", toTag: pair.tag, sequence: 1))
        let offer = try #require(pair.carrier.expect("INVITE"))
        #expect(offer.sipBody.contains("RTP/AVP 18 101"), "\(offer.sipBody)")
        pair.carrier.respond("200 OK", to: offer, sdp: Phone.sdp(port: 4_000, formats: "18 101", version: 2))
        #expect(pair.carrier.expect("ACK") != nil)
        try pair.hangUp()
    }

    @Test func `§13.2.1: each 183 says to the caller what the first one said`() throws {
        let pair = try CallPair()
        try pair.ring()
        var told: [String] = []
        for (version, formats) in ["8 101", "0 101"].enumerated() {
            let sdp = Phone.sdp(port: 4_002, formats: formats, version: version + 1)
            pair.callee.respond("183 Session Progress", to: pair.invite, toTag: "1001", sdp: sdp)
            told.append(try #require(pair.carrier.expect("183")).sipBody)
        }
        #expect(told.first?.isEmpty == false && told.first == told.last, "\(told)")
    }

    @Test func `§13.2.1: the other law of G.711 in the 200 is translated, and nobody is asked`() throws {
        let pair = try CallPair()
        let (caller, callee) = (try WirePeer(), try WirePeer())
        try pair.ring(sdp: Phone.sdp(port: caller.port))
        let announcement = Phone.sdp(port: 4_002, formats: "8 101")
        pair.callee.respond("183 Session Progress", to: pair.invite, toTag: "1001", sdp: announcement)
        let early = try #require(pair.carrier.expect("183"))
        let answer = try pair.pickUp(sdp: Phone.sdp(port: callee.port, formats: "0 101", version: 2))
        #expect(answer.sipBody == early.sipBody)
        callee.send(
            [0x80, 0, 0, 1, 0, 0, 0, 160, 1, 2, 3, 4] + [UInt8](repeating: 0xFF, count: 160),
            to: try #require(pair.invite.audioPort)
        )
        let heard = try #require(caller.receive()).bytes
        #expect(heard[1] & 0x7F == 8 && heard.suffix(160).allSatisfy { $0 == 0xD5 })
        try pair.hangUp()
    }

    @Test func `RFC 3311 §5.1: no offer in an UPDATE to a caller who may not have the answer to his own`() throws {
        let pair = try CallPair()
        let allow = "Allow: INVITE, ACK, BYE, CANCEL, PRACK, UPDATE"
        try pair.ring([allow])
        let sdp = Phone.sdp(port: 4_002)
        pair.callee.respond("183 Session Progress", to: pair.invite, toTag: "1001", extra: [allow], sdp: sdp)
        _ = try #require(pair.carrier.expect("183"))
        pair.calleeAsks("UPDATE", sdp: Phone.sdp(port: 4_004, version: 2))
        #expect(try #require(pair.callee.final("UPDATE")).audioPort != nil)
        pair.callee.respond("200 OK", to: pair.invite, toTag: "1001", sdp: sdp)
        #expect(
            pair.carrier.peer.expect(within: 5) { $0.startWord == "UPDATE" || $0.startWord == "200" }?.startWord
                == "200"
        )
    }

    @Test func `RFC 3262 §5: where the offer is ours to make, no reliable answer comes without it`() throws {
        let pair = try CallPair()
        try pair.ring(["Require: 100rel"], sdp: nil)
        pair.callee.respond("180 Ringing", to: pair.invite, toTag: "1001")
        pair.callee.respond("200 OK", to: pair.invite, toTag: "1001", sdp: Phone.sdp(port: 4_002))
        let first = try #require(pair.carrier.peer.expect(within: 5) { !["100", "OPTIONS"].contains($0.startWord) })
        #expect(first.startWord == "200" && first.audioPort != nil)
    }

    @Test(arguments: [#"SIP;cause=200;text="Call completed elsewhere""#, #"Q.850;cause=26;text="Non-selected user""#])
    func `RFC 3326: why a caller takes his call back is told to whom he rang`(_ reason: String) throws {
        let pair = try CallPair()
        try pair.ring()
        pair.callee.respond("180 Ringing", to: pair.invite, toTag: "1001")
        _ = try #require(pair.carrier.expect("180"))
        pair.cancel(["Reason: \(reason)"])
        #expect(try #require(pair.callee.expect("CANCEL")).header("Reason") == reason)
    }

    @Test func `a place on a trunk is free when the call is over, and the next call has it`() throws {
        let pair = try CallPair(trunk: "max_calls: 1")
        for _ in 0..<3 {
            pair.carrier.callID = UUID().uuidString
            pair.carrier.sequence = 0
            try pair.talk()
            pair.ask("BYE")
            #expect(pair.carrier.final("BYE")?.startWord == "200")
        }
    }

    @Test func `a party that begins in silence holds from the first`() throws {
        let pair = try CallPair(node: "calls: {max_hold: 1s}")
        try pair.ring(sdp: Phone.sdp(port: 4_000, direction: "inactive"))
        try pair.pickUp(sdp: Phone.sdp(port: 4_002, direction: "inactive"))
        // Nobody is held for ever.
        #expect(pair.carrier.expect("BYE") != nil && pair.callee.expect("BYE") != nil)
    }

    @Test func `RFC 6665 §4.1.3: a NOTIFY of no subscription is 481`() throws {
        let pair = try CallPair()
        pair.carrier.send(pair.carrier.request("NOTIFY", to: "1001", extra: ["Event: keep-alive"]))
        #expect(pair.carrier.final("NOTIFY")?.startWord == "481")
    }

    @Test func `a trunk that says nothing to OPTIONS is down after seven T1 each, not after sixty-four`() throws {
        let running = try RunningSwitch(node: "timers: {t1: 100ms}", trunk: "probe: {interval: 100ms, failures: 2}")
        let isDown = try eventually(within: 6) {
            let row = try running.rows("trunks").first
            return row?["state"] as? String == "down" && row?["reason"] as? String == "no answer to OPTIONS"
        }
        #expect(isDown)
    }

    @Test func `a transfer takes the talk's own codec along, and G.711 behind it`() throws {
        let pair = try CallPair()
        let boris = try Phone("1002", password: "boris-demo-2", server: pair.running.sipPort)
        #expect(try boris.register().startWord == "200")
        try pair.ring(sdp: Phone.sdp(port: 4_000, formats: "18 8 101"))
        try pair.pickUp(sdp: Phone.sdp(port: 4_002, formats: "18 101"))
        pair.calleeAsks("REFER", ["Refer-To: <sip:1002@demo.test>"])
        #expect(pair.callee.final("REFER")?.startWord == "202")
        let invite = try #require(boris.expect("INVITE"))
        #expect(invite.sipBody.contains("RTP/AVP 18 8 0 101"), "\(invite.sipBody)")
        boris.respond("200 OK", to: invite, toTag: "boris", sdp: Phone.sdp(port: 4_006, formats: "8 101"))
        #expect(boris.expect("ACK") != nil)
        let offer = try #require(pair.carrier.expect("INVITE"))
        #expect(offer.sipBody.contains("RTP/AVP 8 ") && !offer.sipBody.contains("G729"), "\(offer.sipBody)")
    }

    /// Answers that take no voice of what was offered: the stream is refused, or in a codec that nobody offered.
    static let unusable: [(port: UInt16, formats: String)] = [(0, "8 101"), (4_002, "3 101")]

    @Test(arguments: unusable)
    func `RFC 3264 §6: an agent's phone that takes no voice is let go, and the next one has the caller`(
        port: UInt16,
        formats: String
    ) throws {
        let agents = #"[{user: "1001"}, {user: "1002", penalty: 1}]"#
        let running = try RunningSwitch(
            tenant: "queues: [{name: sales, agents: \(agents)}]",
            incoming: #"routes: [{match: ".", do: [{queue: sales}, {hangup: normal}]}]"#
        )
        let carrier = try Phone("+74951112233", server: running.sipPort, peer: running.carrier)
        let anna = try Phone("1001", password: "anna-demo-1", server: running.sipPort)
        let boris = try Phone("1002", password: "boris-demo-2", server: running.sipPort)
        for phone in [anna, boris] {
            _ = try phone.register()
            _ = try running.gudok("agent", "login", phone.user)
        }
        _ = try carrier.arrive(media: try WirePeer())
        let invite = try #require(anna.expect("INVITE"))
        anna.respond("200 OK", to: invite, toTag: "anna", sdp: Phone.sdp(port: port, formats: formats))
        #expect(anna.expect("ACK") != nil)
        try anna.expectBye()
        _ = try boris.pickUp(media: try WirePeer())
        #expect(try eventually { try running.rows("calls").first?["agent"] as? String == "1002" })
    }

    @Test(arguments: unusable, ["", "answer, "])
    func `RFC 3264 §6: a phone that takes no voice has answered nothing, and those that ring beside it go on`(
        answer: (port: UInt16, formats: String),
        step: String
    ) throws {
        let dial = #"{dial: {group: ["1001", "1002"], timeout: 20s}}"#
        let pair = try CallPair(incoming: #"routes: [{match: ".", do: [\#(step)\#(dial)]}]"#)
        let boris = try Phone("1002", password: "boris-demo-2", server: pair.running.sipPort)
        #expect(try boris.register().startWord == "200")
        try pair.ring()
        let sdp = Phone.sdp(port: answer.port, formats: answer.formats)
        pair.callee.respond("200 OK", to: pair.invite, toTag: "1001", sdp: sdp)
        #expect(pair.callee.expect("ACK") != nil)
        try pair.callee.expectBye()
        _ = try boris.pickUp(media: try WirePeer())
        #expect(pair.carrier.final("INVITE")?.startWord == "200")
        #expect(try eventually { try pair.running.rows("calls").first?["state"] as? String == "talking" })
    }
}

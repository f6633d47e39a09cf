import Foundation
import Testing

/// What no sound peer sends, in every place where it can be sent. The switch may refuse it; it may not end, leak or tire.
@Suite("Hostile peers over the wire")
struct AttackTests {
    private static let head = "v=0\r\no=x 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"

    private static let descriptions: [String] = [
        head + "m=audio 65535 RTP/AVP 8\r\n", head + "m=audio 4000/255 RTP/AVP 8\r\n",
        head + "m=audio 4000/0 RTP/AVP 8\r\n", head + "m=audio 70000 RTP/AVP 8\r\n", head + "m=audio 0 RTP/AVP 8\r\n",
        head + "m=audio 1 RTP/AVP 8\r\n", head,
        head + "m=audio 4000 RTP/AVP 8\r\nm=audio 4002 RTP/AVP 0\r\nm=audio 0 RTP/AVP 8\r\n",
        head + "m=audio 0 RTP/AVP 8\r\nm=audio 4002 RTP/AVP 8\r\n",
        head + String(repeating: "m=audio 4000 RTP/AVP 8\r\n", count: 64),
        head + String(repeating: "m=audio 4000 RTP/AVP 8\r\n", count: 65),
        head + "m=audio 4000 RTP/AVP \((0..<255).map(String.init).joined(separator: " "))\r\n",
        head + "m=audio 4000 RTP/AVP 8 8 8 8\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:8 opus/48000/2\r\n",
        head + "m=audio 4000 RTP/AVP 96\r\na=rtpmap:96 PCMA/1000000/255\r\n",
        head + "m=audio 4000 RTP/AVP 8 101\r\na=rtpmap:101 telephone-event/1\r\na=fmtp:101 0-4294967296\r\n",
        head + "m=audio 4000 RTP/AVP 101\r\na=rtpmap:101 telephone-event/8000\r\n",
        head + "m=audio 4000 RTP/AVP 8\r\na=fmtp:8 \(String(repeating: "x", count: 8_000))\r\n",
        head + "m=audio 4000 RTP/AVP 8\r\na=ptime:0\r\na=maxptime:-1\r\n",
        head + "m=audio 4000 RTP/AVP 8\r\na=ptime:99999999999999999999\r\n",
        head + "m=audio 4000 RTP/AVP 8\r\na=rtcp:0\r\n", head + "m=audio 4000 RTP/AVP 8\r\na=rtcp:70000\r\n",
        head + "m=audio 4000 RTP/AVP 8\r\na=rtcp:4001 IN IP6 ::1\r\n",
        head + "m=audio 4000 RTP/AVP 8\r\nc=IN IP6 ::1\r\n",
        head + "m=audio 4000 RTP/AVP 8\r\nc=IN IP4 224.2.1.1/127\r\n",
        head + "m=audio 4000 RTP/AVP 8\r\nc=IN IP4 255.255.255.255\r\n",
        head + "m=audio 4000 RTP/AVP 8\r\nc=IN IP4 nowhere.invalid\r\n",
        head + "m=audio 4000 RTP/AVP 8\r\na=sendonly\r\na=recvonly\r\na=inactive\r\n",
        head + "m=audio 4000 RTP/SAVPF 8\r\n", head + "m=audio 4000 TCP/RTP/AVP 8\r\n",
        head + "m=message 4000 TCP/MSRP *\r\n",
        "v=0\r\no=x \(String(repeating: "9", count: 200)) 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\nm=audio 4000 RTP/AVP 8\r\n",
        "v=0\r\n", "v=1\r\n", "x", "\0\0\0\0", "v=0\r\no=\r\n",
        "v=0\no=x 1 1 IN IP4 1.2.3.4\ns=-\nt=0 0\nm=audio 4 RTP/AVP 8\n",
    ]

    @Test func `descriptions of every kind, as offers and re-offers, in answers, PRACK and ACK`() throws {
        let pair = try CallPair()
        let carrier = pair.carrier
        for (number, sdp) in Self.descriptions.enumerated() {
            let note = Comment(rawValue: "\(number): \(sdp.prefix(160))")
            // To the switch itself.
            carrier.callID = UUID().uuidString
            carrier.send(carrier.request("INVITE", to: "600", sdp: sdp))
            let direct = try #require(carrier.answer(to: "INVITE"), note)
            carrier.acknowledge(direct, to: "600")
            if direct.startWord == "200" {
                for method in ["INVITE", "UPDATE"] {
                    carrier.send(carrier.request(method, to: "600", toTag: CallPair.toTag(direct), sdp: sdp))
                    let answer = try #require(carrier.answer(to: method), note)
                    if method == "INVITE" { carrier.acknowledge(answer, to: "600") }
                }
                try hangUp(carrier, "600", CallPair.toTag(direct), note)
            }
            // In the answer of a callee, with 183 before it.
            carrier.callID = UUID().uuidString
            carrier.send(carrier.request("INVITE", to: "1001", sdp: Phone.sdp(port: 4_000)))
            let invite = try #require(pair.callee.expect("INVITE"), note)
            pair.callee.respond("183 Session Progress", to: invite, toTag: "1001", sdp: sdp)
            pair.callee.respond("200 OK", to: invite, toTag: "1001", sdp: sdp)
            let answered = try #require(carrier.answer(to: "INVITE"), note)
            carrier.acknowledge(answered, to: "1001")
            if answered.startWord == "200" { try hangUp(carrier, "1001", CallPair.toTag(answered), note) }
            try letGo(pair.callee, note)
            // In the ACK of a late offer.
            carrier.callID = UUID().uuidString
            carrier.send(carrier.request("INVITE", to: "600"))
            let offer = try #require(carrier.answer(to: "INVITE"), note)
            #expect(offer.startWord == "200")
            let tag = CallPair.toTag(offer)
            carrier.send(carrier.request("ACK", to: "600", toTag: tag, sequence: carrier.sequence, sdp: sdp))
            carrier.send(carrier.request("BYE", to: "600", toTag: tag))
            _ = try #require(carrier.answer(to: "BYE"), note)
        }
        try pair.expectNothingLeft()
    }

    @Test func `a number with control characters is nobody's: 484 when it is dialled, anonymous when it calls`() throws
    {
        let running = try RunningSwitch()
        let caller = try Phone("+7495%00999", server: running.sipPort, peer: running.carrier)
        caller.send(caller.request("INVITE", to: "+7495%00999", sdp: Phone.sdp(port: 4_000)))
        #expect(caller.final("INVITE")?.startWord == "484")
        #expect(try eventually { try running.rows("cdr").count == 1 })
        let row = try #require(try running.rows("cdr").first)
        #expect(row["from"] as? String == "anonymous" && row["to"] as? String == "+7495%00999")
        #expect(row["reason"] as? String == "invalid-number")
    }

    /// No address of these can be sent to: what the switch owes there is lost, and nothing else.
    @Test(arguments: ["127.0.0.1:0", "255.255.255.255:9", "203.0.113.9:9"])
    func `who has the switch answer, call, ring or notify where nothing can be sent closes no listener`(
        place: String
    ) throws {
        let running = try RunningSwitch()
        let (anna, boris) = (
            try Phone("1001", password: "anna-demo-1", server: running.sipPort),
            try Phone("1002", password: "boris-demo-2", server: running.sipPort)
        )
        #expect(try anna.register().startWord == "200")
        let stranger = try WirePeer()
        for method in ["OPTIONS", "REGISTER", "INVITE", "FOO"] {
            stranger.send(
                """
                \(method) sip:demo.test SIP/2.0\r
                Via: SIP/2.0/UDP \(place);branch=z9hG4bK\(method)\r
                Max-Forwards: 70\r
                From: <sip:x@demo.test>;tag=1\r
                To: <sip:x@demo.test>\r
                Call-ID: \(method)@x\r
                CSeq: 1 \(method)\r
                Content-Length: 0\r
                \r

                """,
                to: running.sipPort
            )
        }
        // A phone that says so of itself, is called there, and hung up on.
        _ = try boris.register(contacts: ["<sip:1002@\(place)>"])
        #expect(try anna.call("1002").startWord != "200")
        let carrier = try Phone("+74951112233", server: running.sipPort, peer: running.carrier)
        let invite = carrier.request("INVITE", to: "600", sdp: Phone.sdp(port: 4_000))
        carrier.send(invite.replacing(carrier.contact, with: "<sip:1002@\(place)>"))
        let answer = try #require(carrier.final("INVITE"))
        if answer.startWord == "200" {
            carrier.acknowledge(answer, to: "600")
            let call = try #require(try running.rows("calls").first { $0["state"] as? String != "ended" }?["call_id"])
            #expect(try running.gudok("hangup", "\(call)").code == 0)
        }
        #expect(try anna.register().startWord == "200")
        #expect(try running.http("/readyz").status == 200)
    }

    private func hangUp(_ phone: Phone, _ target: String, _ tag: String, _ note: Comment) throws {
        phone.send(phone.request("BYE", to: target, toTag: tag))
        _ = try #require(phone.answer(to: "BYE"), note)
    }

    /// The callee acknowledges that it is hung up on.
    private func letGo(_ phone: Phone, _ note: Comment) throws {
        let bye = try #require(phone.expect("BYE"), note)
        phone.respond("200 OK", to: bye)
    }

    private static let headers: [[String]] = [
        ["Contact: *"], ["Contact: <tel:+7>"], ["Contact: <sip:>"], ["Contact: <mailto:a@b>"],
        ["Contact: <sip:x@[::1]:0>"],
        ["Contact: <sip:x@255.255.255.255:65535;transport=tls;maddr=1.2.3.4;lr>"],
        ["Contact: <sip:a@127.0.0.1>, <sip:b@127.0.0.1>"], ["Record-Route: <sip:127.0.0.1:1;lr>"],
        ["Record-Route: <tel:1>"], (0..<60).map { "Record-Route: <sip:127.0.0.1:\($0 + 1);lr>" }, ["Record-Route: x"],
        ["Route: <sip:127.0.0.1:9;lr>"], ["Route: <sip:nowhere.invalid>, <sip:x>"], ["Max-Forwards: 0"],
        ["Max-Forwards: 256"], ["Max-Forwards: -1"], ["Expires: 4294967296"], ["Expires: 0"],
        ["Supported: timer", "Session-Expires: 0"], ["Supported: timer", "Session-Expires: 4294967295;refresher=uas"],
        ["Supported: timer", "Session-Expires: -5;refresher=;refresher"], ["Min-SE: 99999999999999999999"],
        ["Replaces: x"], ["Replaces: a;to-tag=;from-tag="], ["Replaces: a;to-tag=b;from-tag=c;early-only"],
        ["Require: replaces", "Replaces: \(String(repeating: "y", count: 5_000));to-tag=1;from-tag=1"],
        ["Require: nothing-known"], ["Require: 100rel"], ["RAck: 1 1 INVITE"], ["RSeq: 4294967295"],
        ["Diversion: <sip:x@y>;reason=\(String(repeating: "z", count: 4_000))"], ["Reason: Q.850;cause=99999999999"],
        ["P-Asserted-Identity: <sip:\u{1F4A9}@x>"], ["Authorization: Digest username=\"1001\""],
        ["Authorization: Digest realm=\"demo.test\", nonce=\"\(String(repeating: "0", count: 4_000))\", nc=ffffffff"],
        ["Content-Encoding: gzip"], ["Content-Disposition: render"], ["Target-Dialog: x;local-tag=1;remote-tag=2"],
    ]

    @Test func `headers of every kind on an INVITE, and what they leave behind in its call`() throws {
        let pair = try CallPair()
        let carrier = pair.carrier
        for lines in Self.headers {
            let note = Comment(rawValue: lines.first.map { String($0.prefix(100)) } ?? "")
            carrier.callID = UUID().uuidString
            var text = carrier.request("INVITE", to: "600", extra: lines, sdp: Phone.sdp(port: 4_000))
            // One of each kind: the test's own gives way.
            for name in ["Contact: ", "Max-Forwards: "] where lines.contains(where: { $0.hasPrefix(name) }) {
                let own = text.components(separatedBy: "\r\n").first { $0.hasPrefix(name) && !lines.contains($0) }
                if let own { text = text.replacingOccurrences(of: own + "\r\n", with: "") }
            }
            carrier.send(text)
            let answer = try #require(carrier.reaction(), note)
            if answer.startWord == "183" || answer.startWord == "180" { continue }
            guard answer.startWord == "200" else { continue }
            carrier.acknowledge(answer, to: "600")
            try hangUp(carrier, "600", CallPair.toTag(answer), note)
        }
        // The calls whose PRACK never came are given up by and by; nothing else is left of any.
        carrier.callID = UUID().uuidString
        carrier.send(carrier.request("OPTIONS", to: "600"))
        #expect(carrier.answer(to: "OPTIONS")?.startWord == "200")
        #expect(try pair.running.metric("gudok_invariants_mended_total") == 0)
    }

    @Test func `requests in a call: numbers at their ends, methods out of place, bodies that lie`() throws {
        let pair = try CallPair()
        try pair.talk()
        let bodies = [
            ("INFO", ["Content-Type: application/dtmf-relay"], "Signal=\r\nDuration=99999999999999999999\r\n"),
            ("INFO", ["Content-Type: application/dtmf"], ""), ("INFO", ["Content-Type: x"], "\0"),
            ("INFO", ["Content-Type: application/dtmf-relay"], String(repeating: "Signal=1\r\n", count: 3_000)),
            ("REFER", ["Refer-To: x"], ""), ("REFER", [], ""),
            ("REFER", ["Refer-To: <sip:a@b>", "Refer-To: <sip:c@d>"], ""),
            ("REFER", ["Refer-To: <sip:1002@demo.test?Replaces=%00%ff;to-tag=>"], ""),
            ("REFER", ["Refer-To: <tel:1>"], ""), ("REFER", ["Refer-To: <mailto:a@b>"], ""),
            (
                "REFER", ["Refer-To: <sip:1002@demo.test?Route=%3csip:x%3e&Via=y&Max-Forwards=1>", "Refer-Sub: maybe"],
                ""
            ),
            ("NOTIFY", ["Event: refer", "Subscription-State: terminated"], "SIP/2.0 999 x"),
            ("SUBSCRIBE", ["Event: refer"], ""),
            ("PRACK", ["RAck: 4294967295 4294967295 INVITE"], ""), ("PRACK", [], ""), ("MESSAGE", [], "x"),
            ("PUBLISH", [], ""), ("REGISTER", [], ""), ("FROBNICATE", [], ""), ("OPTIONS", ["Accept: x"], ""),
            ("UPDATE", ["Content-Type: application/sdp"], "v="), ("INVITE", ["Content-Type: multipart/mixed"], "--"),
            ("INVITE", ["Content-Type: multipart/mixed;boundary=x"], "--x\r\n\r\n--x--"),
        ]
        for (method, extra, body) in bodies {
            var text = pair.carrier.request(method, to: "1001", toTag: pair.tag, extra: extra)
            text = text.replacingOccurrences(of: "Content-Length: 0", with: "Content-Length: \(body.utf8.count)") + body
            pair.carrier.send(text)
            let answer = try #require(pair.carrier.answer(to: method), "\(method) \(extra)")
            if method == "INVITE" { pair.carrier.acknowledge(answer, to: "1001") }
        }
        for number in [2_147_483_646, 2_147_483_647] {
            pair.carrier.send(pair.carrier.request("OPTIONS", to: "1001", toTag: pair.tag, sequence: number))
            #expect(pair.carrier.final("OPTIONS")?.startWord == "200")
        }
        // Beyond 2^31 there is no CSeq (RFC 3261 §8.1.1.5), and none below what was.
        for number in [4_294_967_296, 5] {
            pair.carrier.send(pair.carrier.request("OPTIONS", to: "1001", toTag: pair.tag, sequence: number))
            #expect(["400", "500"].contains(pair.carrier.final("OPTIONS")?.startWord ?? ""))
        }
        #expect(try pair.running.rows("calls").count == 1)
        pair.calleeAsks("BYE")
        #expect(pair.callee.final("BYE")?.startWord == "200")
        try pair.expectNothingLeft()
    }

    @Test func `a redirect to a hundred places, to itself, and to nowhere, ends`() throws {
        let pair = try CallPair()
        let many = (0..<100).map { "Contact: <sip:1001@demo.test;n=\($0)>;q=0.\($0 % 10)" }
        for contacts in [
            many, ["Contact: <sip:>"], ["Contact: <tel:1001>"], ["Contact: *"], [], ["Contact: <sip:1001@x>;q=nan"],
        ] {
            pair.carrier.callID = UUID().uuidString
            pair.carrier.send(pair.carrier.request("INVITE", to: "1001", sdp: Phone.sdp(port: 4_000)))
            var rings = 0
            while let invite = pair.callee.expect("INVITE", within: rings == 0 ? 5 : 0.3) {
                rings += 1
                pair.callee.respond("302 Moved", to: invite, toTag: "x", extra: contacts, withContact: false)
            }
            #expect(rings >= 1 && rings <= 30)
            #expect((Int(pair.carrier.answer(to: "INVITE")?.startWord ?? "") ?? 0) >= 400)
        }
        try pair.expectNothingLeft()
    }

    @Test func `RTP and RTCP that lie about their lengths are dropped and counted, and the talk goes on`() throws {
        let running = try RunningSwitch()
        let carrier = try Phone("+74951112233", server: running.sipPort, peer: running.carrier)
        let (media, control) = (try WirePeer(), try WirePeer())
        let offer = Phone.sdp(port: media.port) + "a=rtcp:\(control.port)\r\n"
        carrier.send(carrier.request("INVITE", to: "600", sdp: offer))
        let answer = try #require(carrier.answer(to: "INVITE"))
        carrier.acknowledge(answer, to: "600")
        let port = try #require(answer.audioPort)
        func packet(_ first: UInt8, _ payload: [UInt8], _ sequence: UInt8) -> [UInt8] {
            [first, 8, 0, sequence, 0, 0, 0, sequence, 1, 2, 3, 4] + payload
        }
        let voice = [UInt8](repeating: 0xD5, count: 160)
        media.send(packet(0x80, voice, 1), to: port)
        #expect(media.receive() != nil)
        let lies = [
            packet(0x8F, [], 2), packet(0x9F, [0, 0, 0xFF, 0xFF], 3), packet(0xA0, [0xFF], 4), packet(0xA0, [0], 5),
            packet(0xBF, [], 6), packet(0x40, voice, 7), [0x80], [], [0x80, 8, 0],
        ]
        for lie in lies { media.send(lie, to: port) }
        let reports: [[UInt8]] = [
            [0x81, 200, 0, 6] + [UInt8](repeating: 0, count: 24), [0x9F, 201, 0, 1, 0, 0, 0, 0],
            [0x81, 201, 0xFF, 0xFF, 0, 0, 0, 0], [0x80, 203, 0, 0, 0x80, 200, 0, 0], [0x81, 202, 0, 1, 1, 2, 3, 4],
            [0xBF, 204, 0, 0], [0x80, 200, 0, 1, 0, 0, 0, 0],
        ]
        for report in reports {
            control.send(report, to: port + 1)
            media.send(report, to: port)
        }
        // A hole of half the numbers, a jump of the clock and another source are odd, not wrong.
        for (sequence, source) in [(0xFF, 4), (0x00, 4), (0x80, 9)] as [(UInt8, UInt8)] {
            media.send([0x80, 8, 0x7F, sequence, 0xFF, 0xFF, 0xFF, sequence, 1, 2, 3, source] + voice, to: port)
        }
        // The echo comes from a source of its own: it is known by what is said.
        let last = [UInt8](repeating: 0x55, count: 160)
        media.send(packet(0x80, last, 200), to: port)
        var heard: [UInt8] = []
        while heard != last, let next = media.receive(within: 2) { heard = Array(next.bytes.dropFirst(12)) }
        #expect(heard == last)
        #expect(try running.metric("gudok_rtp_packets_malformed_total") >= 6)
        carrier.send(carrier.request("BYE", to: "600", toTag: CallPair.toTag(answer)))
        #expect(carrier.answer(to: "BYE")?.startWord == "200")
    }
}

extension Phone {
    /// What its last INVITE got first, but 100.
    fileprivate func reaction() -> String? {
        peer.expect { text in
            (Int(text.startWord) ?? 0) > 100 && text.header("Call-ID") == callID
                && text.header("CSeq") == "\(sequence) INVITE"
        }
    }
}

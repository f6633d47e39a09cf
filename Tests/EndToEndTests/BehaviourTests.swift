import Foundation
import Testing

/// Behaviours collected from public test suites, each as two sockets and the engine between them see it.
@Suite("Behaviours over the wire")
struct BehaviourTests {
    private func carrier(of running: RunningSwitch) throws -> Phone {
        try Phone("+74951112233", server: running.sipPort, peer: running.carrier)
    }

    /// Calls, and gives the final answer and our tag of the switch's side.
    private func call(_ phone: Phone, _ target: String, port: UInt16 = 4_000) throws -> (answer: String, tag: String) {
        phone.send(phone.request("INVITE", to: target, sdp: Phone.sdp(port: port)))
        let answer = try #require(phone.final("INVITE"))
        let tag = String(answer.header("To")?.components(separatedBy: ";tag=").last ?? "")
        phone.send(phone.request("ACK", to: target, toTag: tag, sequence: phone.sequence))
        return (answer, tag)
    }

    @Test func `B115: without RTP an answered call ends with its reason, and one on hold does not`() throws {
        let running = try RunningSwitch(node: "calls: {rtp_timeout: 1s}")
        let phone = try carrier(of: running)
        let holder = try Phone("+74951112234", server: running.sipPort, peer: running.carrier)
        holder.send(holder.request("INVITE", to: "600", sdp: Phone.sdp(port: 4_002, direction: "inactive")))
        let held = try #require(holder.final("INVITE"))
        #expect(held.startWord == "200")
        let tag = String(held.header("To")?.components(separatedBy: ";tag=").last ?? "")
        holder.send(holder.request("ACK", to: "600", toTag: tag, sequence: holder.sequence))
        let (answer, _) = try call(phone, "600")
        #expect(answer.startWord == "200")
        let bye = try #require(phone.expect("BYE", within: 8))
        #expect(bye.header("Call-ID") == phone.callID)
        phone.respond("200 OK", to: bye)
        #expect(bye.header("Reason")?.contains("Q.850") == true)
        let isWritten = try eventually {
            try running.rows("cdr").contains { $0["reason"] as? String == "rtp-timeout" }
        }
        #expect(isWritten)
        let ended = try #require(try running.rows("cdr").first { $0["reason"] as? String == "rtp-timeout" }?["call_id"])
        let why = try running.gudok("why", "\(ended)").text
        #expect(why.contains("leg 0: neither RTP nor RTCP for 1 s (calls.rtp_timeout)"), "\(why)")
        // The one on hold is older, silent for longer, and still up.
        #expect(try running.rows("calls").count == 1)
    }

    @Test func `who only speaks from the first is not on hold, and may not fall silent for calls.rtp_timeout`() throws {
        let running = try RunningSwitch(node: "calls: {rtp_timeout: 1s}")
        let phone = try carrier(of: running)
        phone.send(phone.request("INVITE", to: "600", sdp: Phone.sdp(port: 4_000, direction: "sendonly")))
        let answer = try #require(phone.final("INVITE"))
        #expect(answer.contains("a=recvonly"))
        phone.acknowledge(answer, to: "600")
        let bye = try #require(phone.expect("BYE", within: 8))
        phone.respond("200 OK", to: bye)
        #expect(try eventually { try running.rows("cdr").first?["reason"] as? String == "rtp-timeout" })
    }

    @Test func `RFC 3261 §10.3: a user registers his own address alone, however it is spelt`() throws {
        let running = try RunningSwitch()
        let anna = try Phone("1001", password: "anna-demo-1", server: running.sipPort)
        func register(_ address: String) throws -> String? {
            let uri = "sip:127.0.0.1:\(running.sipPort)"
            anna.callID = UUID().uuidString
            anna.send(anna.request("REGISTER", to: address, uri: uri))
            let challenge = try #require(anna.answer(to: "REGISTER"))
            let proof = try anna.authorization(for: challenge, method: "REGISTER", uri: uri)
            anna.send(anna.request("REGISTER", to: address, extra: [proof], uri: uri))
            return anna.answer(to: "REGISTER")?.startWord
        }
        #expect(try register("1002") == "403")
        #expect(try register("9999") == "403")
        #expect(try running.rows("registrations").isEmpty)
        #expect(try register("%31001") == "200")
        #expect(try running.rows("registrations").map { $0["user"] as? String } == ["1001"])
    }

    @Test(arguments: ["tel:+7-495-000(07)00", "sip:+7-495-000-07-00;npdi@127.0.0.1;user=phone", "tel:+74950000700;x=y"])
    func `RFC 3966 §5.1.1: what separates digits for the eye does not count in a rule or a record`(uri: String) throws {
        let running = try RunningSwitch(
            incoming: "routes: [{match: \"+74950000700\", from: \"+74951112233\", do: [echo]}]"
        )
        let phone = try carrier(of: running)
        let invite = phone.request("INVITE", to: "600", sdp: Phone.sdp(port: 4_000), uri: uri)
            .replacingOccurrences(of: "<sip:+74951112233@demo.test>", with: "<tel:+7-495-111-22-33>")
        phone.send(invite)
        #expect(phone.final("INVITE")?.startWord == "200")
        let call = try #require(try running.rows("calls").first)
        #expect(call["to"] as? String == "+74950000700" && call["from"] as? String == "+74951112233")
    }

    @Test func `SIGHUP reads the files again: a new user may register, a call stays up`() throws {
        let running = try RunningSwitch()
        let phone = try carrier(of: running)
        _ = try call(phone, "600")
        let file = running.folder.appending(path: "tenants/demo.yaml")
        let text = try String(contentsOf: file, encoding: .utf8)
        try text.replacingOccurrences(of: "trunks:", with: "  - {extension: \"1005\", password: dora-5}\ntrunks:")
            .write(to: file, atomically: true, encoding: .utf8)
        running.process.signal(SIGHUP)
        let dora = try Phone("1005", password: "dora-5", server: running.sipPort)
        let isKnown = try eventually { try dora.register().startWord == "200" }
        #expect(isKnown)
        #expect(try running.rows("calls").count == 1)
    }

    @Test func `SIGHUP tells what of the node's file is in force, and what waits for the next start`() throws {
        let pair = try CallPair(node: "calls: {max_hold: 20m, rtp_timeout: 50s}\ntimers: {t1: 400ms}")
        let file = pair.running.folder.appending(path: "gudok.yaml")
        let text = try String(contentsOf: file, encoding: .utf8)
        try text.replacingOccurrences(of: "max_hold: 20m", with: "max_hold: 1s")
            .replacingOccurrences(of: "t1: 400ms", with: "t1: 300ms").write(to: file, atomically: true, encoding: .utf8)
        let told = ["~ node calls.max_hold 20m → 1s", "~ node timers.t1 400ms → 300ms, from the next start on"]
        // What waits is told again, what is in force is not.
        for expected in [told, [told[1]]] {
            let before = try pair.running.rows("audit", "--action", "apply").count
            pair.running.process.signal(SIGHUP)
            var acts: [[String: Any]] = []
            let isTold = try eventually {
                acts = try pair.running.rows("audit", "--action", "apply")
                return acts.count > before
            }
            let details = acts.prefix(acts.count - before).map { "\($0)" }.joined()
            #expect(isTold && told.map(details.contains) == told.map(expected.contains), "\(details)")
        }
        try pair.ring(sdp: Phone.sdp(port: 4_000, direction: "inactive"))
        try pair.pickUp(sdp: Phone.sdp(port: 4_002, direction: "inactive"))
        #expect(pair.carrier.expect("BYE") != nil && pair.callee.expect("BYE") != nil)
    }

    @Test func `each line of the log that is about a call names it, as JSON too`() throws {
        let running = try RunningSwitch(arguments: ["--log-format", "json", "--log-level", "debug"])
        let phone = try carrier(of: running)
        _ = try call(phone, "600")
        let id = try #require(try running.rows("calls").first?["call_id"] as? String)
        #expect(try running.gudok("hangup", id).code == 0)
        #expect(running.process.waitFor(10) { $0.contains("ended: answered") })
        let lines = running.process.text.split(separator: "\n").filter { $0.hasPrefix("{") }
        let objects = lines.compactMap { try? JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any] }
        #expect(objects.count == lines.count)
        #expect(objects.count { $0["call_id"] as? String == id } >= 4)
    }

    @Test func `a call ends at the longest duration, and says so`() throws {
        let running = try RunningSwitch(node: "calls: {max_duration: 1s}")
        let phone = try carrier(of: running)
        _ = try call(phone, "600")
        let bye = try #require(phone.expect("BYE", within: 8))
        phone.respond("200 OK", to: bye)
        let isWritten = try eventually { try running.rows("cdr").first?["reason"] as? String == "max-duration" }
        #expect(isWritten)
        let why = try running.gudok("why", "last").text
        #expect(why.contains("up for 1 s, the longest call (calls.max_duration)"), "\(why)")
    }

    @Test(arguments: [
        (timeout: "60s", words: "leg 1: no answer to INVITE within 1.2 s (timer B)"),
        (timeout: "1s", words: "user 1001: no answer within 1 s (the step's timeout)"),
    ])
    func `gudok why names the clock that gave a phone up`(timeout: String, words: String) throws {
        let pair = try CallPair(
            node: "timers: {t1: 20ms}",
            incoming: """
                routes:
                  - {match: ".", do: [{dial: {user: "1001", timeout: \(timeout)}}, {hangup: "{dial_result}"}]}
                """
        )
        try pair.ring()
        #expect(try #require(pair.carrier.final("INVITE", within: 8)).startWord >= "400")
        #expect(try eventually { try pair.running.gudok("why", "last").text.contains(words) })
    }

    @Test func `a trunk over its limit gets 503 with Retry-After, and its place back when a call ends`() throws {
        let running = try RunningSwitch(trunk: "max_calls: 1")
        let phone = try carrier(of: running)
        let (first, tag) = try call(phone, "600")
        #expect(first.startWord == "200")
        let second = try Phone("+74951112234", server: running.sipPort, peer: running.carrier)
        second.send(second.request("INVITE", to: "600", sdp: Phone.sdp(port: 4_002)))
        let refusal = try #require(second.final("INVITE"))
        #expect(refusal.startWord == "503" && refusal.header("Retry-After") != nil)
        phone.send(phone.request("BYE", to: "600", toTag: tag))
        #expect(phone.final("BYE")?.startWord == "200")
        let isFree = try eventually {
            let third = try Phone("+74951112235", server: running.sipPort, peer: running.carrier)
            return try call(third, "600").answer.startWord == "200"
        }
        #expect(isFree)
    }

    @Test func `B089: MESSAGE and SUBSCRIBE of a stranger are challenged like INVITE`() throws {
        let running = try RunningSwitch()
        let stranger = try Phone("1001", server: running.sipPort)
        for method in ["INVITE", "MESSAGE", "SUBSCRIBE", "REGISTER"] {
            stranger.callID = UUID().uuidString
            stranger.send(stranger.request(method, to: "1002", sdp: method == "INVITE" ? Phone.sdp(port: 4_000) : nil))
            let answer = try #require(stranger.final(method))
            #expect(answer.startWord == "401", "\(method)")
            let challenges = answer.headers("WWW-Authenticate")
            #expect(
                challenges.contains { $0.contains("algorithm=MD5") } && challenges.contains { $0.contains("SHA-256") }
            )
        }
    }

    @Test func `B072: a wrong password and an unknown user get the same answer, and no binding`() throws {
        let running = try RunningSwitch()
        let wrong = try Phone("1001", password: "wrong", server: running.sipPort)
        let unknown = try Phone("1999", password: "wrong", server: running.sipPort)
        #expect(try wrong.register().startWord == unknown.register().startWord)
        #expect(try running.rows("registrations").isEmpty)
        #expect(try running.metric("gudok_authentication_failures_total") >= 2)
    }

    @Test func `B011: an INVITE without Contact is 400, and no call comes of it`() throws {
        let running = try RunningSwitch()
        let phone = try carrier(of: running)
        let invite = phone.request("INVITE", to: "600", sdp: Phone.sdp(port: 4_000))
        phone.send(
            invite.components(separatedBy: "\r\n").filter { !$0.hasPrefix("Contact:") }.joined(separator: "\r\n")
        )
        #expect(phone.final("INVITE")?.startWord == "400")
        #expect(try running.rows("calls").isEmpty)
    }

    @Test func `B093: OPTIONS is answered with what we take, outside and inside a call`() throws {
        let running = try RunningSwitch()
        let phone = try carrier(of: running)
        phone.send(phone.request("OPTIONS", to: "600"))
        let outside = try #require(phone.final("OPTIONS"))
        #expect(outside.startWord == "200")
        for name in ["Allow", "Accept", "Supported"] { #expect(outside.header(name) != nil) }
        phone.callID = UUID().uuidString
        let (_, tag) = try call(phone, "600")
        phone.send(phone.request("OPTIONS", to: "600", toTag: tag))
        #expect(phone.final("OPTIONS")?.startWord == "200")
    }

    @Test
    func `B103, B023: a redirect is followed with its history, and a phone that redirects to itself ends the search`()
        throws
    {
        let running = try RunningSwitch()
        let phone = try carrier(of: running)
        let anna = try Phone("1001", password: "anna-demo-1", server: running.sipPort)
        let boris = try Phone("1002", password: "boris-demo-2", server: running.sipPort)
        #expect(try anna.register().startWord == "200" && boris.register().startWord == "200")
        phone.send(phone.request("INVITE", to: "1001", sdp: Phone.sdp(port: 4_000)))
        let first = try #require(anna.expect("INVITE"))
        anna.respond(
            "302 Moved Temporarily",
            to: first,
            toTag: "a",
            extra: ["Contact: <sip:1002@demo.test>"],
            withContact: false
        )
        let second = try #require(boris.expect("INVITE"))
        #expect(second.header("Diversion")?.contains("1001") == true)
        #expect(
            second.headers("History-Info").map { $0.components(separatedBy: ">;").last ?? "" } == [
                "index=1", "mp=1;index=1.1",
            ]
        )
        #expect(second.headers("History-Info").first?.contains("1001") == true)
        boris.respond(
            "302 Moved Temporarily",
            to: second,
            toTag: "b",
            extra: ["Contact: <sip:1002@demo.test>"],
            withContact: false
        )
        for _ in 0..<10 {
            guard let again = boris.expect("INVITE", within: 2) else { break }
            boris.respond(
                "302 Moved Temporarily",
                to: again,
                toTag: "b",
                extra: ["Contact: <sip:1002@demo.test>"],
                withContact: false
            )
        }
        let final = try #require(phone.final("INVITE"))
        #expect((Int(final.startWord) ?? 0) >= 400)
        let isFree = try eventually { try running.metric("gudok_rtp_port_pairs_in_use") == 0 }
        #expect(isFree)
    }

    @Test
    func `RFC 3261 §8.1.3.4: of the contacts of a 3xx those of the highest q ring first, the next when these will not`()
        throws
    {
        let pair = try CallPair()
        let boris = try Phone("1002", password: "boris-demo-2", server: pair.running.sipPort)
        let vera = try Phone("1003", password: "vera-demo-3", server: pair.running.sipPort)
        #expect(try boris.register().startWord == "200" && vera.register().startWord == "200")
        let contacts = "Contact: <sip:1003@demo.test>;q=0.3, <sip:1002@demo.test>;q=0.9"
        pair.callee.respond("302 Moved", to: try pair.ring(), toTag: "a", extra: [contacts], withContact: false)
        let first = try #require(boris.expect("INVITE"))
        #expect(vera.expect("INVITE", within: 0.2) == nil)
        boris.respond("486 Busy Here", to: first, toTag: "b")
        let second = try #require(vera.expect("INVITE"))
        #expect(second.header("Diversion")?.contains("1001") == true)
        vera.respond("603 Decline", to: second, toTag: "c")
        #expect(pair.carrier.final("INVITE")?.startWord == "603")
        #expect(boris.expect("INVITE", within: 0.2) == nil)
        try pair.expectNothingLeft()
    }

    @Test
    func `B103: what a carrier says of a call's way goes on to the phones, and two phones that name each other end`()
        throws
    {
        let pair = try CallPair()
        let boris = try Phone("1002", password: "boris-demo-2", server: pair.running.sipPort)
        #expect(try boris.register().startWord == "200")
        let past = ["History-Info: <sip:100@far.test>;index=1", "Diversion: <sip:100@far.test>;reason=no-answer"]
        let first = try pair.ring(past)
        #expect(first.headers("History-Info").count == 2 && first.headers("Diversion").count == 1)
        let hop = { (number: String) in ["Contact: <sip:\(number)@demo.test>"] }
        pair.callee.respond("302 Moved", to: first, toTag: "a", extra: hop("1002"), withContact: false)
        let second = try #require(boris.expect("INVITE"))
        #expect(second.headers("History-Info").last?.hasSuffix("index=1.1.1") == true)
        #expect(second.headers("Diversion").count == 2 && second.headers("Diversion")[0].contains("1001"))
        boris.respond("302 Moved", to: second, toTag: "b", extra: hop("1001"), withContact: false)
        #expect((Int(pair.carrier.final("INVITE")?.startWord ?? "") ?? 0) >= 400)
        #expect(pair.callee.expect("INVITE", within: 0.2) == nil)
        try pair.expectNothingLeft()
    }

    @Test func `B062: a re-INVITE before the first was answered is 491 or 500, and the call goes on`() throws {
        let running = try RunningSwitch()
        let phone = try carrier(of: running)
        let anna = try Phone("1001", password: "anna-demo-1", server: running.sipPort)
        #expect(try anna.register().startWord == "200")
        phone.send(phone.request("INVITE", to: "1001", sdp: Phone.sdp(port: 4_000)))
        let invite = try #require(anna.expect("INVITE"))
        anna.respond("180 Ringing", to: invite, toTag: "a")
        let ringing = try #require(phone.expect("180"))
        let tag = String(ringing.header("To")?.components(separatedBy: ";tag=").last ?? "")
        let first = phone.sequence
        phone.send(phone.request("INVITE", to: "1001", toTag: tag, sdp: Phone.sdp(port: 4_000)))
        let refusal = try #require(phone.final("INVITE"))
        #expect(["491", "500"].contains(refusal.startWord))
        anna.respond("200 OK", to: invite, toTag: "a", sdp: Phone.sdp(port: 4_004))
        let answer = try #require(
            phone.peer.expect { $0.startWord == "200" && $0.header("CSeq") == "\(first) INVITE" }
        )
        #expect(answer.audioPort != nil)
    }

    @Test
    func `B037: 180, 183 with early media and 180 again are told in order, and the caller hears it before the answer`()
        throws
    {
        let running = try RunningSwitch()
        let phone = try carrier(of: running)
        let media = (caller: try WirePeer(), callee: try WirePeer())
        let anna = try Phone("1001", password: "anna-demo-1", server: running.sipPort)
        #expect(try anna.register().startWord == "200")
        phone.send(phone.request("INVITE", to: "1001", sdp: Phone.sdp(port: media.caller.port)))
        let invite = try #require(anna.expect("INVITE"))
        anna.respond("180 Ringing", to: invite, toTag: "a")
        _ = try #require(phone.expect("180"))
        anna.respond("183 Session Progress", to: invite, toTag: "a", sdp: Phone.sdp(port: media.callee.port))
        let early = try #require(phone.expect("183"))
        #expect(early.audioPort != nil)
        let packet: [UInt8] = [0x80, 8, 0, 1, 0, 0, 0, 160, 5, 5, 5, 5] + [UInt8](repeating: 0xD5, count: 160)
        media.callee.send(packet, to: try #require(invite.audioPort))
        #expect(media.caller.receive()?.bytes == packet)
    }

    @Test func `a callee that answers with an unknown codec is let go, and the caller told`() throws {
        let running = try RunningSwitch()
        let phone = try carrier(of: running)
        let anna = try Phone("1001", password: "anna-demo-1", server: running.sipPort)
        #expect(try anna.register().startWord == "200")
        phone.send(phone.request("INVITE", to: "1001", sdp: Phone.sdp(port: 4_000)))
        let invite = try #require(anna.expect("INVITE"))
        let odd =
            "v=0\r\no=x 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 4004 RTP/AVP 97\r\na=rtpmap:97 ODD/8000\r\n"
        anna.respond("200 OK", to: invite, toTag: "a", sdp: odd)
        #expect(anna.expect("ACK") != nil)
        #expect(anna.expect("BYE") != nil)
        #expect((Int(try #require(phone.final("INVITE")).startWord) ?? 0) >= 400)
    }

    @Test func `a call rung by the switch connects its two ends`() throws {
        let running = try RunningSwitch()
        let anna = try Phone("1001", password: "anna-demo-1", server: running.sipPort)
        #expect(try anna.register().startWord == "200")
        let ordered = try running.gudok("call", "1001", "600")
        #expect(ordered.code == 0)
        let invite = try #require(anna.expect("INVITE"))
        anna.respond("200 OK", to: invite, toTag: "a", sdp: Phone.sdp(port: 4_000))
        #expect(anna.expect("ACK") != nil)
        let id = ordered.text.trimmingCharacters(in: .whitespacesAndNewlines)
        let isUp = try eventually { try running.rows("calls").contains { $0["call_id"] as? String == id } }
        #expect(isUp)
        #expect(try running.gudok("hangup", id).code == 0)
        #expect(anna.expect("BYE") != nil)
        let why = try running.gudok("why", id).text
        #expect(why.contains("hung up by ") && why.contains(" (control-socket)"), "\(why)")
        #expect(try running.gudok("hangup", "nobody").code == 1)
        #expect(try running.gudok("nonsense").code == 2)
    }

    @Test
    func `a call rung by the switch rings every phone of whoever is to make it, and goes on with the one that answers`()
        throws
    {
        let running = try RunningSwitch()
        let desk = try Phone("1001", password: "anna-demo-1", server: running.sipPort)
        let mobile = try Phone("1001", password: "anna-demo-1", server: running.sipPort)
        _ = try (desk.register(), mobile.register())
        let media = try WirePeer()
        #expect(try running.gudok("call", "1001", "600").code == 0)
        let first = try #require(desk.expect("INVITE"))
        desk.respond("180 Ringing", to: first, toTag: "desk")
        let (second, port) = try mobile.pickUp(media: media)
        let cancel = try #require(desk.expect("CANCEL"))
        #expect(cancel.header("Reason")?.contains("Call completed elsewhere") == true)
        desk.respond("200 OK", to: cancel)
        desk.respond("487 Request Terminated", to: first, toTag: "desk")
        Speaker.speak([(media, port, 440)], seconds: 2)
        #expect(Tone.share(of: 440, in: media.samples()) > 0.8)
        mobile.hangUp(second)
        var record: [String: Any] = [:]
        #expect(
            try eventually {
                record = try running.rows("cdr").first ?? [:]
                return record["ended_at"] is String
            }
        )
        #expect(record["disposition"] as? String == "answered" && record["hangup_by"] as? String == "caller")
        #expect(record["codec_a"] is String && record["codec_b"] is NSNull)
        let results = record.legs.compactMap { $0["result"] as? String }.sorted()
        #expect(results == ["answered", "answered-elsewhere"])
    }
}

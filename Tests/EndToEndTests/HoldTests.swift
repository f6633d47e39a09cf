import Foundation
import Testing

/// What parties hear on hold, how holders are answered, and transfers by the administrator.
@Suite("Hold and transfers by command")
struct HoldTests {
    /// How a phone asks for silence, and what it is answered.
    enum Silence: String, CaseIterable, CustomTestStringConvertible {
        case sendonly, inactive, zeros, portZero

        var testDescription: String { rawValue }
        var answer: String {
            switch self {
            case .sendonly, .zeros: "a=recvonly"
            case .inactive: "a=inactive"
            // RFC 3264 §6.
            case .portZero: "m=audio 0 RTP/AVP 8"
            }
        }

        func sdp(port: UInt16) -> String {
            switch self {
            case .sendonly, .inactive: Phone.sdp(port: port, direction: rawValue, version: 2)
            case .zeros:
                Phone.sdp(port: port, version: 2)
                    .replacingOccurrences(of: "c=IN IP4 127.0.0.1", with: "c=IN IP4 0.0.0.0")
            // RFC 3264 §8.2.
            case .portZero:
                Phone.sdp(port: port, version: 2).replacingOccurrences(of: "m=audio \(port)", with: "m=audio 0")
            }
        }
    }

    @Test(arguments: Silence.allCases)
    func
        `a held party hears music without a time-out, the holder is answered as he asked, and resuming brings both back`(
            silence: Silence
        ) throws
    {
        let centre = try TransferCentre(node: "calls: {rtp_timeout: 3s}")
        try centre.talk()
        centre.ask("INVITE", sdp: silence.sdp(port: centre.anna.media.port))
        let told = try #require(centre.caller.await { $0.startWord == "INVITE" })
        #expect(told.contains("a=sendonly"), "\(told)")
        let answer = try #require(centre.anna.await("200", method: "INVITE"))
        #expect(answer.contains(silence.answer), "\(answer)")
        centre.anna.phone.send(centre.anna.phone.request("ACK", in: centre.invite, sequence: 1))
        #expect(try centre.running.rows("calls").first?["state"] as? String == "held")
        // Longer than silence may last in a talk.
        #expect(centre.callerHearsMusic(seconds: 4))
        centre.ask("INVITE", sdp: Phone.sdp(port: centre.anna.media.port, version: 3))
        #expect(centre.caller.await { $0.startWord == "INVITE" && $0.contains("a=sendrecv") } != nil)
        #expect(centre.anna.await("200", method: "INVITE")?.contains("a=sendrecv") == true)
        centre.anna.phone.send(centre.anna.phone.request("ACK", in: centre.invite, sequence: 2))
        #expect(centre.heard("caller", "anna") == ["caller": ["anna"], "anna": ["caller"]])
        centre.hangUp()
        #expect(centre.anna.await("BYE") != nil)
        let hold = try #require(try centre.records(1).first?["hold_s"] as? Double)
        #expect(hold > 3.5 && hold < 12)
    }

    @Test(arguments: ["anna", "caller"])
    func `what a phone sends while it holds is not heard, and not recorded`(holder: String) throws {
        let centre = try TransferCentre()
        try centre.talk()
        #expect(centre.heard("caller", "anna") == ["caller": ["anna"], "anna": ["caller"]])
        let sdp = { (peer: WirePeer) in Phone.sdp(port: peer.port, direction: "sendonly", version: 2) }
        if holder == "anna" {
            centre.ask("INVITE", sdp: sdp(centre.anna.media))
            #expect(centre.caller.await("INVITE") != nil)
            #expect(centre.anna.await("200", method: "INVITE") != nil)
            centre.anna.phone.send(centre.anna.phone.request("ACK", in: centre.invite, sequence: 1))
        } else {
            centre.carrier.send(
                centre.carrier.request(
                    "INVITE",
                    to: "+74950000700",
                    toTag: centre.tag,
                    sdp: sdp(centre.caller.media)
                )
            )
            #expect(centre.anna.await("INVITE") != nil)
            #expect(centre.caller.await("200", method: "INVITE") != nil)
            centre.carrier.send(
                centre.carrier.request("ACK", to: "+74950000700", toTag: centre.tag, sequence: centre.carrier.sequence)
            )
        }
        #expect(try eventually { try centre.running.rows("calls").first?["state"] as? String == "held" })
        #expect(centre.heard(holder) == [holder: []])
        centre.hangUp()
        #expect(centre.anna.await("BYE") != nil)
        let record = try #require(try centre.records(1).first)
        let sides = try centre.running.recorded(try #require(record["recording"] as? String))
        // As long as the talk before the hold.
        for (hertz, side) in [(440.0, sides.left), (1_000, sides.right)] {
            #expect(
                (1.5...3).contains(Tone.seconds(of: hertz, in: side)),
                "\(hertz): \(Tone.seconds(of: hertz, in: side)) s"
            )
        }
    }

    @Test func `whoever speaks Opus is asked to listen to music in G.711, and goes back to Opus`() throws {
        let pair = try CallPair(codecs: "opus, G722, PCMA, PCMU")
        let (caller, callee) = try (WirePeer(), WirePeer())
        let opus = "a=rtpmap:111 opus/48000/2\r\n"
        try pair.ring(sdp: Phone.sdp(port: caller.port, formats: "111 8") + opus)
        // As many phones do: one codec, the first.
        try pair.pickUp(sdp: Phone.sdp(port: callee.port, formats: "111") + opus)
        for (version, direction, formats, first) in [(2, "sendonly", "8", "8"), (3, "sendrecv", "111", "111")] {
            let sdp = Phone.sdp(port: callee.port, direction: direction, formats: "111 8 0", version: version) + opus
            pair.calleeAsks("INVITE", sdp: sdp)
            let told = try #require(pair.carrier.expect("INVITE"))
            #expect(told.contains(" RTP/AVP \(first) ") && told.contains("a=\(direction)"), "\(told)")
            let back = direction == "sendonly" ? "recvonly" : "sendrecv"
            let map = formats == "111" ? opus : ""
            let answer = Phone.sdp(port: caller.port, direction: back, formats: formats, version: version) + map
            pair.carrier.respond("200 OK", to: told, sdp: answer)
            #expect(pair.callee.final("INVITE")?.startWord == "200")
            pair.calleeAcknowledges()
            if direction == "sendonly" { #expect(try #require(caller.receive()).bytes[1] & 0x7F == 8) }
        }
        try pair.hangUp()
        // Music is none of the talk.
        #expect(try eventually { try pair.running.rows("cdr").first?["ended_at"] is String })
        #expect(try pair.running.rows("cdr").first?["codec_a"] as? String == "opus")
    }

    @Test func `a caller who is forgotten on hold is let go after calls.max_hold`() throws {
        let centre = try TransferCentre(node: "calls: {max_hold: 1s}")
        try centre.talk()
        centre.ask("INVITE", sdp: Silence.sendonly.sdp(port: centre.anna.media.port))
        #expect(centre.caller.await { $0.startWord == "INVITE" } != nil)
        #expect(centre.caller.await("BYE") != nil && centre.anna.await("BYE") != nil)
        #expect(try centre.records(1).first?["reason"] as? String == "max-hold")
        #expect(try centre.isClean())
    }

    @Test func `calls.max_hold counts from the first hold, whatever the other party presses meanwhile`() throws {
        let pair = try CallPair(node: "calls: {max_hold: 2s}")
        try pair.talk()
        pair.ask("INVITE", sdp: Phone.sdp(port: 4_000, direction: "sendonly", version: 2))
        pair.callee.respond(
            "200 OK",
            to: try #require(pair.callee.expect("INVITE")),
            sdp: Phone.sdp(port: 4_002, direction: "recvonly", version: 2)
        )
        #expect(pair.carrier.final("INVITE")?.startWord == "200")
        pair.acknowledge()
        var isLetGo = false
        for round in 3..<30 where !isLetGo {
            let direction = round % 2 == 0 ? "recvonly" : "inactive"
            pair.calleeAsks("INVITE", sdp: Phone.sdp(port: 4_002, direction: direction, version: round))
            let next = try #require(pair.carrier.peer.expect { ["INVITE", "BYE"].contains($0.startWord) })
            isLetGo = next.startWord == "BYE"
            guard !isLetGo else { break }
            let held = Phone.sdp(
                port: 4_000,
                direction: direction == "inactive" ? "inactive" : "sendonly",
                version: round
            )
            pair.carrier.respond("200 OK", to: next, sdp: held)
            #expect(pair.callee.final("INVITE")?.startWord == "200")
            pair.calleeAcknowledges()
            isLetGo = pair.carrier.peer.expect(within: 0.3) { $0.startWord == "BYE" } != nil
        }
        #expect(isLetGo)
        let isTold = try eventually { try pair.running.rows("cdr").first?["reason"] as? String == "max-hold" }
        #expect(isTold)
    }

    @Test func `gudok transfer hands the operator's party on, the audit log has it, and nonsense is refused`() throws {
        let centre = try TransferCentre()
        try centre.talk()
        #expect(try centre.running.gudok("transfer", "01M000000000000000000000AA", "1002").code == 1)
        let foreign = try centre.running.gudok("transfer", centre.call, "1002", "--tenant", "other")
        #expect(foreign.code == 1 && foreign.text.contains("no tenant 'other'"), "\(foreign.text)")
        #expect(try centre.running.gudok("transfer", centre.call, "1002").code == 0)
        let first = try #require(centre.boris.await("INVITE"))
        centre.boris.phone.respond("486 Busy Here", to: first, toTag: "boris")
        #expect(try eventually { try centre.running.rows("calls").first?["state"] as? String == "talking" })
        let curl = try ChildProcess(
            "/usr/bin/env",
            [
                "curl", "-s", "-w", "%{http_code}", "-d", "{\"to\": \"1002\"}",
                "http://127.0.0.1:\(centre.running.httpPort)/api/v1/calls/\(centre.call)/transfer",
            ]
        )
        curl.exitCode(within: 10)
        #expect(curl.waitFor(2) { $0.hasSuffix("202") }, "\(curl.text)")
        let second = try #require(centre.boris.await("INVITE"))
        #expect(try centre.running.rows("calls").first?["state"] as? String == "transferring")
        try centre.borisTakes(second)
        #expect(centre.anna.await("BYE") != nil)
        #expect(!centre.anna.seen.contains { $0.startWord == "NOTIFY" })
        #expect(centre.heard("caller", "boris") == ["caller": ["boris"], "boris": ["caller"]])
        let acts = try centre.running.rows("audit", "--action", "transfer")
        #expect(acts.count == 4 && acts.count { $0["outcome"] as? String == "refused" } == 2)
        centre.hangUp()
        #expect(centre.boris.await("BYE") != nil)
        #expect(try centre.records(1).first?.legs.count == 4)
        #expect(try centre.isClean())
    }

    @Test func `whoever called out hands the one he called on, who becomes the one that is served`() throws {
        let centre = try TransferCentre()
        let anna = try Phone("1001", password: "anna-demo-1", server: centre.running.sipPort)
        let vera = try Phone("1003", password: "vera-demo-3", server: centre.running.sipPort)
        _ = try vera.register()
        let veras = Handset(vera, media: centre.caller.media)
        anna.send(anna.request("INVITE", to: "1003", sdp: Phone.sdp(port: centre.anna.media.port)))
        let challenge = try #require(anna.final("INVITE"))
        let refused = String(challenge.header("To")?.components(separatedBy: ";tag=").last ?? "")
        anna.send(anna.request("ACK", to: "1003", toTag: refused, sequence: anna.sequence))
        let uri = "sip:1003@127.0.0.1:\(centre.running.sipPort)"
        let known = try anna.authorization(for: challenge, method: "INVITE", uri: uri)
        anna.send(anna.request("INVITE", to: "1003", extra: [known], sdp: Phone.sdp(port: centre.anna.media.port)))
        let (invite, toVera) = try vera.pickUp(media: veras.media)
        let answer = try #require(anna.final("INVITE"))
        let tag = anna.acknowledge(answer, to: "1003")
        #expect(invite.header("From")?.contains("1001") == true)

        anna.send(anna.request("REFER", to: "1003", toTag: tag, extra: ["Refer-To: <sip:1002@demo.test>"]))
        let annas = Handset(anna, media: centre.anna.media)
        #expect(annas.await("202") != nil)
        let taken = try #require(centre.boris.await("INVITE"))
        try centre.borisTakes(taken)
        #expect(annas.notified(200) != nil && annas.await("BYE") != nil)
        _ = (veras.media.samples(), centre.boris.media.samples())
        Speaker.speak([(veras.media, toVera, 440), (centre.boris.media, centre.toBoris, 1_700)], seconds: 2.5)
        #expect(Tone.share(of: 1_700, in: veras.media.samples()) > 0.8)
        #expect(Tone.share(of: 440, in: centre.boris.media.samples()) > 0.8)
        vera.send(vera.request("BYE", in: invite, sequence: 1))
        #expect(centre.boris.await("BYE") != nil)
        let record = try #require(try centre.records(1).first)
        #expect(record["hangup_by"] as? String == "callee" && record["from"] as? String == "1001")
        #expect(record.legs.compactMap { $0["result"] as? String } == ["transferred", "answered", "answered"])
        #expect(try centre.isClean())
    }

    /// A second of something louder than silence.
    private func hearsMusic(_ listener: WirePeer) -> Bool {
        _ = listener.samples()
        var loud = 0
        return eventually(within: 6) {
            loud += listener.samples().count { abs($0) > 300 }
            return loud > 2_000
        }
    }

    @Test func `a hold that began in the queue is music for whoever answers, and counts from the talk on`() throws {
        let centre = try TransferCentre(node: "calls: {max_hold: 3s}")
        _ = try centre.running.gudok("agent", "pause", "1001", "--reason", "break")
        let (caller, media) = (centre.carrier, centre.caller.media)
        let (tag, _) = try caller.arrive(media: media)
        caller.send(
            caller.request("INVITE", to: "+74950000700", toTag: tag, sdp: Silence.sendonly.sdp(port: media.port))
        )
        caller.acknowledge(try #require(caller.final("INVITE")), to: "+74950000700")
        // Longer than anybody may be on hold: but nobody is, as long as he waits.
        #expect(
            try eventually { (try centre.running.rows("queues").first?["longest_wait_s"] as? Double ?? 0) > 3.5 }
        )
        _ = try centre.running.gudok("agent", "unpause", "1001")
        _ = try centre.anna.phone.pickUp(media: centre.anna.media)
        #expect(hearsMusic(centre.anna.media))
        #expect(try centre.running.rows("calls").first?["state"] as? String == "held")
        #expect(centre.anna.await("BYE") != nil)
        let record = try #require(try centre.records(1).first)
        #expect(record["reason"] as? String == "max-hold")
        let (held, talked) = (record["hold_s"] as? Double ?? 0, record["talk_s"] as? Double ?? 0)
        #expect(held > 2.9 && held <= talked, "\(held) \(talked)")
    }

    @Test func `an agent who holds while he is told whose call it is leaves his caller with music`() throws {
        let running = try ContactCentreTests.centre("whisper: welcome")
        let carrier = try Phone("+74951112233", server: running.sipPort, peer: running.carrier)
        let anna = try Phone("1001", password: "anna-demo-1", server: running.sipPort)
        let (callers, annas) = (try WirePeer(), try WirePeer())
        _ = try anna.register()
        _ = try running.gudok("agent", "login", "1001")
        let (_, port) = try carrier.arrive(media: callers)
        callers.press(1, to: port, at: 1)
        let (invite, _) = try anna.pickUp(media: annas)
        anna.send(anna.request("INVITE", in: invite, sequence: 1, sdp: Silence.sendonly.sdp(port: annas.port)))
        #expect(anna.final("INVITE")?.startWord == "200")
        anna.send(anna.request("ACK", in: invite, sequence: 1))
        #expect(try eventually(within: 20) { try running.rows("calls").first?["state"] as? String == "held" })
        #expect(hearsMusic(callers))
    }

    @Test(arguments: ["first", "later"])
    func `a caller who holds the switch itself is let go after calls.max_hold`(when: String) throws {
        let running = try RunningSwitch(node: "calls: {max_hold: 1s}")
        let carrier = try Phone("+74951112233", server: running.sipPort, peer: running.carrier)
        let silent = Phone.sdp(port: 4_000, direction: "inactive", version: 2)
        carrier.send(
            carrier.request("INVITE", to: "600", sdp: when == "first" ? silent : Phone.sdp(port: 4_000))
        )
        let answer = try #require(carrier.answer(to: "INVITE"))
        let tag = carrier.acknowledge(answer, to: "600")
        if when == "later" {
            carrier.send(carrier.request("INVITE", to: "600", toTag: tag, sdp: silent))
            carrier.acknowledge(try #require(carrier.answer(to: "INVITE")), to: "600")
        }
        let bye = try #require(carrier.expect("BYE"))
        carrier.respond("200 OK", to: bye)
        #expect(try eventually { try running.rows("cdr").first?["reason"] as? String == "max-hold" })
    }
}

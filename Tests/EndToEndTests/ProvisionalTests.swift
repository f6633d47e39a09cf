import Foundation
import Testing

/// Provisional answers, reliable ones (RFC 3262), and what may be said before the answer (RFC 3311).
@Suite("Provisional answers over the wire")
struct ProvisionalTests {
    private func prack(_ pair: CallPair, _ response: String) {
        let rseq = response.header("RSeq") ?? ""
        pair.ask("PRACK", ["RAck: \(rseq) \(response.header("CSeq") ?? "")"])
    }

    @Test func `B039: a caller that requires 100rel gets RSeq and is asked for PRACK, another gets none`() throws {
        let pair = try CallPair()
        try pair.ring(["Require: 100rel"])
        pair.callee.respond("180 Ringing", to: pair.invite, toTag: "1001")
        let ringing = try #require(pair.carrier.expect("180"))
        #expect(ringing.header("RSeq") != nil && ringing.header("Require") == "100rel")
        // It is repeated until its PRACK.
        #expect(pair.carrier.expect("180")?.header("RSeq") == ringing.header("RSeq"))
        pair.learn(ringing)
        pair.ask("PRACK", ["RAck: 1 1 INVITE"])
        #expect(pair.carrier.final("PRACK")?.startWord == "481")
        prack(pair, ringing)
        #expect(pair.carrier.final("PRACK")?.startWord == "200")
        pair.callee.respond("486 Busy Here", to: pair.invite, toTag: "1001")
        #expect(pair.carrier.final("INVITE")?.startWord == "486")

        pair.carrier.callID = UUID().uuidString
        try pair.ring(["Supported: 100rel"])
        pair.callee.respond("180 Ringing", to: pair.invite, toTag: "1001")
        #expect(try #require(pair.carrier.expect("180")).header("RSeq") == nil)
    }

    @Test func `RFC 6228: the end of one branch behind the callee is not told to the caller`() throws {
        let pair = try CallPair()
        try pair.ring(["Supported: 199"])
        pair.callee.respond("180 Ringing", to: pair.invite, toTag: "left")
        _ = try #require(pair.carrier.expect("180"))
        pair.callee.respond("199 Early Dialog Terminated", to: pair.invite, toTag: "left")
        #expect(pair.carrier.expect("199", within: 0.3) == nil)
        try pair.pickUp()
        try pair.hangUp()
    }

    @Test func `B040: a reliable 180 that nobody acknowledges fails the call after 64 T1`() throws {
        let pair = try CallPair(node: "timers: {t1: 20ms}")
        try pair.ring(["Require: 100rel"])
        pair.callee.respond("180 Ringing", to: pair.invite, toTag: "1001")
        _ = try #require(pair.carrier.expect("180"))
        #expect(pair.carrier.final("INVITE")?.startWord.first == "5")
        #expect(pair.callee.expect("CANCEL") != nil)
    }

    @Test func `B042: each branch of a fork behind the callee has its own dialog, and its PRACK`() throws {
        let pair = try CallPair()
        try pair.ring()
        for (tag, number) in [("left", 7), ("right", 900), ("left", 8)] {
            pair.callee.respond(
                "183 Session Progress",
                to: pair.invite,
                toTag: tag,
                extra: ["Require: 100rel", "RSeq: \(number)"],
                sdp: Phone.sdp(port: 4_002)
            )
            let prack = try #require(pair.callee.expect("PRACK"))
            #expect(prack.header("To")?.hasSuffix(";tag=\(tag)") == true)
            #expect(prack.header("RAck") == "\(number) \(pair.invite.header("CSeq") ?? "")")
            pair.callee.respond("200 OK", to: prack)
        }
        pair.callee.respond("200 OK", to: pair.invite, toTag: "right", sdp: Phone.sdp(port: 4_004))
        #expect(try #require(pair.callee.expect("ACK")).header("To")?.hasSuffix(";tag=right") == true)
        #expect(pair.carrier.final("INVITE")?.startWord == "200")
    }

    @Test func `B044: UPDATE before the answer, from both sides, with and without a description`() throws {
        let pair = try CallPair()
        try pair.ring(["Require: 100rel", "Allow: INVITE, ACK, BYE, CANCEL, PRACK, UPDATE"])
        try early(pair, tag: "1001", sdp: Phone.sdp(port: 4_002))
        pair.ask("UPDATE")
        let refreshed = try #require(pair.carrier.final("UPDATE"))
        #expect(refreshed.startWord == "200" && refreshed.sipBody.isEmpty)
        pair.ask("UPDATE", sdp: Phone.sdp(port: 4_010, version: 2))
        let relayed = try #require(pair.callee.expect("UPDATE"))
        #expect(relayed.audioPort != nil)
        pair.callee.respond("200 OK", to: relayed, sdp: Phone.sdp(port: 4_002, version: 2))
        #expect(try #require(pair.carrier.final("UPDATE")).audioPort != nil)
        pair.calleeAsks("UPDATE", sdp: Phone.sdp(port: 4_012, version: 3))
        let back = try #require(pair.carrier.expect("UPDATE"))
        #expect(back.audioPort != nil)
        pair.carrier.respond("200 OK", to: back, sdp: Phone.sdp(port: 4_010, version: 3))
        #expect(try #require(pair.callee.final("UPDATE")).audioPort != nil)
        pair.callee.respond("200 OK", to: pair.invite, toTag: "1001", sdp: Phone.sdp(port: 4_012, version: 3))
        #expect(pair.carrier.final("INVITE")?.startWord == "200")
    }

    /// A reliable 183 of the dialog with this tag, its PRACK, and what the caller hears of it.
    private func early(_ pair: CallPair, tag: String, sdp: String) throws {
        let extra = ["Require: 100rel", "RSeq: 1", "Allow: INVITE, ACK, BYE, CANCEL, PRACK, UPDATE"]
        pair.callee.respond("183 Session Progress", to: pair.invite, toTag: tag, extra: extra, sdp: sdp)
        pair.callee.respond("200 OK", to: try #require(pair.callee.expect("PRACK")))
        let told = try #require(pair.carrier.expect("183"))
        pair.learn(told)
        prack(pair, told)
        #expect(pair.carrier.final("PRACK")?.startWord == "200")
    }

    /// The caller has its 200, and acknowledges it after what it asked for in between.
    private func accepted(_ pair: CallPair) throws {
        let answer = try #require(pair.carrier.final("INVITE"))
        #expect(answer.startWord == "200")
        let number = answer.header("CSeq")?.split(separator: " ").first.flatMap { Int($0) }
        pair.carrier.send(pair.carrier.request("ACK", to: "1001", toTag: pair.tag, sequence: number))
    }

    @Test func `RFC 3311 §5.2: what an UPDATE agreed upon is in force after a 200 without a description`() throws {
        let pair = try CallPair()
        let (caller, callee) = (try WirePeer(), try WirePeer())
        let sdp = Phone.sdp(port: caller.port)
        try pair.ring(["Supported: 100rel", "Allow: INVITE, ACK, BYE, CANCEL, PRACK, UPDATE"], sdp: sdp)
        try early(pair, tag: "1001", sdp: Phone.sdp(port: 4_002, direction: "inactive"))
        pair.calleeAsks("UPDATE", sdp: Phone.sdp(port: callee.port, version: 2))
        let update = try #require(pair.carrier.expect("UPDATE"))
        #expect(!update.contains("a=inactive"))
        pair.carrier.respond("200 OK", to: update, sdp: Phone.sdp(port: caller.port, version: 2))
        #expect(pair.callee.final("UPDATE")?.startWord == "200")
        pair.callee.respond("200 OK", to: pair.invite, toTag: "1001")
        try accepted(pair)
        #expect(pair.callee.expect("ACK") != nil)
        #expect(try pair.running.rows("calls").first?["state"] as? String == "talking")
        #expect(arrives(from: caller, at: try #require(update.audioPort), to: callee))
        #expect(pair.carrier.expect("INVITE", within: 0.3) == nil)
        try pair.hangUp()
    }

    @Test func `RFC 3311 §5.2: so is the callee's answer to the caller's UPDATE`() throws {
        let pair = try CallPair()
        let (caller, callee) = (try WirePeer(), try WirePeer())
        let sdp = Phone.sdp(port: caller.port)
        try pair.ring(["Supported: 100rel", "Allow: INVITE, ACK, BYE, CANCEL, PRACK, UPDATE"], sdp: sdp)
        try early(pair, tag: "1001", sdp: Phone.sdp(port: 4_002))
        pair.ask("UPDATE", sdp: Phone.sdp(port: caller.port, version: 2))
        let relayed = try #require(pair.callee.expect("UPDATE"))
        pair.callee.respond("200 OK", to: relayed, sdp: Phone.sdp(port: callee.port, version: 2))
        let port = try #require(pair.carrier.final("UPDATE")?.audioPort)
        pair.callee.respond("200 OK", to: pair.invite, toTag: "1001")
        try accepted(pair)
        #expect(pair.callee.expect("ACK") != nil)
        #expect(arrives(from: caller, at: port, to: callee))
        try pair.hangUp()
    }

    @Test func `RFC 3261 §12.2.1.2: an UPDATE that another branch of the fork knows nothing of ends no talk`() throws {
        let pair = try CallPair()
        try pair.ring(["Supported: 100rel", "Allow: INVITE, ACK, BYE, CANCEL, PRACK, UPDATE"])
        try early(pair, tag: "left", sdp: Phone.sdp(port: 4_002))
        pair.ask("UPDATE", sdp: Phone.sdp(port: 4_010, version: 2))
        let relayed = try #require(pair.callee.expect("UPDATE"))
        #expect(relayed.header("To")?.hasSuffix(";tag=left") == true)
        pair.callee.respond("200 OK", to: pair.invite, toTag: "right", sdp: Phone.sdp(port: 4_004))
        #expect(pair.carrier.final("UPDATE")?.startWord == "488")
        try accepted(pair)
        #expect(pair.callee.expect("ACK")?.header("To")?.hasSuffix(";tag=right") == true)
        // A re-INVITE of the talk is under way when the other branch says so.
        pair.ask("INVITE", sdp: Phone.sdp(port: 4_010, formats: "8", version: 3))
        let asked = try #require(pair.callee.expect("INVITE"))
        pair.callee.respond("481 Call/Transaction Does Not Exist", to: relayed)
        pair.callee.respond("200 OK", to: asked, sdp: Phone.sdp(port: 4_004, formats: "8", version: 2))
        try accepted(pair)
        #expect(pair.callee.expect("ACK") != nil)
        try pair.hangUp()
    }

    @Test func `RFC 3311 §5.1: of two branches of a fork the one that is heard is offered other media`() throws {
        let pair = try CallPair()
        try pair.ring(["Supported: 100rel", "Allow: INVITE, ACK, BYE, CANCEL, PRACK, UPDATE"])
        try early(pair, tag: "left", sdp: Phone.sdp(port: 4_002))
        pair.callee.respond("180 Ringing", to: pair.invite, toTag: "right")
        #expect(pair.carrier.expect("180") != nil)
        pair.ask("UPDATE", sdp: Phone.sdp(port: 4_010, version: 2))
        let relayed = try #require(pair.callee.expect("UPDATE"))
        #expect(relayed.header("To")?.hasSuffix(";tag=left") == true)
        pair.callee.respond("200 OK", to: relayed, sdp: Phone.sdp(port: 4_002, version: 2))
        #expect(pair.carrier.final("UPDATE")?.startWord == "200")
    }

    @Test(arguments: ["UPDATE", "PRACK"])
    func `RFC 3311 §5.1: a callee without a reliable answer is sent no offer, and the caller's is answered for him`(
        method: String
    ) throws {
        let pair = try CallPair()
        let (caller, moved, callee) = (try WirePeer(), try WirePeer(), try WirePeer())
        let allow = "Allow: INVITE, ACK, BYE, CANCEL, PRACK, UPDATE"
        try pair.ring(["Supported: 100rel", allow], sdp: Phone.sdp(port: caller.port))
        let described = Phone.sdp(port: callee.port)
        pair.callee.respond("183 Session Progress", to: pair.invite, toTag: "1001", extra: [allow], sdp: described)
        let early = try #require(pair.carrier.expect("183"))
        pair.learn(early)
        let offer = Phone.sdp(port: moved.port, version: 2)
        if method == "UPDATE" { prack(pair, early) }
        let rack = method == "PRACK" ? ["RAck: \(early.header("RSeq") ?? "") \(early.header("CSeq") ?? "")"] : []
        pair.ask(method, rack, sdp: offer)
        let answer = try #require(pair.carrier.peer.expect(within: 5) { $0.audioPort != nil })
        #expect(answer.startWord == "200" && answer.header("CSeq")?.hasSuffix(method) == true, "\(answer)")
        #expect(arrives(from: callee, at: try #require(pair.invite.audioPort), to: moved))
        #expect(arrives(from: moved, at: try #require(answer.audioPort), to: callee))
        #expect(pair.callee.expect("UPDATE", within: 0.1) == nil)
        pair.callee.respond("200 OK", to: pair.invite, toTag: "1001", sdp: described)
        try accepted(pair)
        #expect(pair.callee.expect("ACK") != nil)
        #expect(arrives(from: callee, at: try #require(pair.invite.audioPort), to: moved))
        try pair.hangUp()
    }

    @Test func `RFC 3262 §5: an offer in a PRACK is answered in its 200`() throws {
        let pair = try CallPair()
        try pair.ring(["Require: 100rel"])
        pair.callee.respond(
            "183 Session Progress",
            to: pair.invite,
            toTag: "1001",
            extra: ["Require: 100rel", "RSeq: 1", "Allow: INVITE, ACK, BYE, CANCEL, PRACK, UPDATE"],
            sdp: Phone.sdp(port: 4_002)
        )
        pair.callee.respond("200 OK", to: try #require(pair.callee.expect("PRACK")))
        let early = try #require(pair.carrier.expect("183"))
        pair.learn(early)
        pair.ask(
            "PRACK",
            ["RAck: \(early.header("RSeq") ?? "") \(early.header("CSeq") ?? "")"],
            sdp: Phone.sdp(port: 4_010, version: 2)
        )
        let relayed = try #require(pair.callee.expect("UPDATE"))
        pair.callee.respond("200 OK", to: relayed, sdp: Phone.sdp(port: 4_002, version: 2))
        #expect(try #require(pair.carrier.final("PRACK")).audioPort != nil)
        try pair.pickUp(sdp: Phone.sdp(port: 4_002, version: 2))
        try pair.hangUp()
    }

    @Test func `RFC 3311 §5.2: what an UPDATE has begun goes on after a 200 without a description`() throws {
        let pair = try CallPair()
        let (caller, callee) = (try WirePeer(), try WirePeer())
        let allow = "Allow: INVITE, ACK, BYE, CANCEL, PRACK, UPDATE"
        try pair.ring(["Supported: 100rel", allow], sdp: Phone.sdp(port: caller.port))
        let silent = Phone.sdp(port: callee.port, direction: "inactive", formats: "8")
        let reliable = ["Require: 100rel", "RSeq: 1", allow]
        pair.callee.respond("183 Session Progress", to: pair.invite, toTag: "1001", extra: reliable, sdp: silent)
        let acknowledged = try #require(pair.callee.expect("PRACK"))
        pair.callee.respond("200 OK", to: acknowledged)
        let early = try #require(pair.carrier.expect("183"))
        pair.learn(early)
        prack(pair, early)
        #expect(pair.carrier.final("PRACK")?.startWord == "200")
        pair.calleeAsks("UPDATE", sdp: Phone.sdp(port: callee.port, formats: "0", version: 2))
        let update = try #require(pair.carrier.expect("UPDATE"))
        pair.carrier.respond("200 OK", to: update, sdp: Phone.sdp(port: caller.port, formats: "0", version: 2))
        #expect(pair.callee.final("UPDATE")?.startWord == "200")
        pair.callee.respond("200 OK", to: pair.invite, toTag: "1001", extra: [allow])
        #expect(pair.carrier.final("INVITE")?.startWord == "200")
        pair.carrier.send(pair.carrier.request("ACK", to: "1001", toTag: pair.tag, sequence: 1))
        #expect(pair.callee.expect("ACK") != nil)
        #expect(try pair.running.rows("calls").first?["state"] as? String == "talking")
        #expect(pair.carrier.expect("INVITE", within: 0.5) == nil)
        let packet: [UInt8] = [0x80, 0, 0, 1, 0, 0, 0, 160, 1, 2, 3, 4] + Self.sound
        for (speaker, port, listener) in [(caller, early.audioPort, callee), (callee, pair.invite.audioPort, caller)] {
            speaker.send(packet, to: try #require(port))
            #expect(listener.receive()?.bytes == packet)
        }
        try pair.hangUp()
        #expect(try eventually { try pair.running.rows("cdr").first?["codec_b"] as? String == "PCMU" })
    }

    @Test func `§13.2.1: a 200 without a description after an unreliable 183 with one means that one`() throws {
        let pair = try CallPair()
        try pair.ring()
        pair.callee.respond("183 Session Progress", to: pair.invite, toTag: "1001", sdp: Phone.sdp(port: 4_002))
        _ = try #require(pair.carrier.expect("183"))
        pair.callee.respond("200 OK", to: pair.invite, toTag: "1001")
        let answer = try #require(pair.carrier.final("INVITE"))
        #expect(answer.startWord == "200" && answer.audioPort != nil)
        pair.learn(answer)
        pair.acknowledge()
        #expect(pair.callee.expect("ACK") != nil)
        try pair.hangUp()
    }

    @Test(arguments: [false, true])
    func `of several descriptions the last one counts, be it of a 183 or of the 200`(isIn200: Bool) throws {
        let pair = try CallPair()
        let (caller, announcement, callee) = (try WirePeer(), try WirePeer(), try WirePeer())
        try pair.ring(sdp: Phone.sdp(port: caller.port))
        for (place, media) in ([announcement] + (isIn200 ? [] : [callee])).enumerated() {
            let sdp = Phone.sdp(port: media.port, version: place + 1)
            pair.callee.respond("183 Session Progress", to: pair.invite, toTag: "1001", sdp: sdp)
            _ = try #require(pair.carrier.expect("183"))
        }
        let last = isIn200 ? Phone.sdp(port: callee.port, version: 2) : nil
        pair.callee.respond("200 OK", to: pair.invite, toTag: "1001", sdp: last)
        let answer = try #require(pair.carrier.final("INVITE"))
        #expect(answer.startWord == "200")
        pair.learn(answer)
        pair.acknowledge()
        #expect(pair.callee.expect("ACK") != nil)
        let packet: [UInt8] = [0x80, 8, 0, 1, 0, 0, 0, 160, 1, 2, 3, 4] + [UInt8](repeating: 0xD5, count: 160)
        caller.send(packet, to: try #require(answer.audioPort))
        #expect(callee.receive()?.bytes == packet)
        try pair.hangUp()
    }

    @Test func `§13.2.1: without an offer of ours, the description of an unreliable 183 is no offer`() throws {
        let pair = try CallPair()
        try pair.ring(sdp: nil)
        #expect(pair.invite.sipBody.isEmpty)
        pair.callee.respond("183 Session Progress", to: pair.invite, toTag: "1001", sdp: Phone.sdp(port: 4_002))
        #expect(try #require(pair.carrier.expect("183")).sipBody.isEmpty)
        pair.callee.respond("200 OK", to: pair.invite, toTag: "1001")
        #expect(pair.callee.expect("ACK") != nil)
        #expect(pair.callee.expect("BYE").map { pair.callee.respond("200 OK", to: $0) } != nil)
        #expect(pair.carrier.final("INVITE")?.startWord == "488")
    }

    @Test func `B045: 180 and 200 without a To tag are taken as they are`() throws {
        let pair = try CallPair()
        try pair.ring()
        pair.callee.respond("183 Session Progress", to: pair.invite, sdp: Phone.sdp(port: 4_002))
        #expect(try #require(pair.carrier.expect("183")).audioPort != nil)
        pair.callee.respond("200 OK", to: pair.invite, sdp: Phone.sdp(port: 4_002))
        let answer = try #require(pair.carrier.final("INVITE"))
        #expect(answer.startWord == "200")
        pair.learn(answer)
        pair.acknowledge()
        #expect(try #require(pair.callee.expect("ACK")).header("To")?.contains(";tag=") == false)
        try pair.hangUp()
    }

    /// 20 ms of next to nothing, which no tone or music of the switch has in it.
    private static let sound = [UInt8](repeating: 0xD4, count: 160)

    /// Whether what one party says arrives at the other.
    private func arrives(from speaker: WirePeer, at port: UInt16, to listener: WirePeer) -> Bool {
        eventually(within: 5) {
            speaker.send([0x80, 8, 0, 1, 0, 0, 0, 160, 1, 2, 3, 4] + Self.sound, to: port)
            while let packet = listener.receive(within: 0.05) {
                if packet.bytes.suffix(160).elementsEqual(Self.sound) { return true }
            }
            return false
        }
    }

    private func hearsTone(_ listener: WirePeer) -> Bool {
        _ = listener.samples()
        return eventually(within: 6) { listener.samples().contains { abs($0) > 1_000 } }
    }

    @Test func `B037: a caller who is connected already hears what comes before the answer, in the place of our tone`()
        throws
    {
        let dial = #"{dial: {group: ["1001", "1002"], timeout: 20s}}"#
        let pair = try CallPair(incoming: #"routes: [{match: ".", do: [answer, \#(dial)]}]"#)
        let boris = try Phone("1002", password: "boris-demo-2", server: pair.running.sipPort)
        #expect(try boris.register().startWord == "200")
        let (caller, callee, other) = (try WirePeer(), try WirePeer(), try WirePeer())
        let (_, toSwitch) = try pair.carrier.arrive(at: "1001", media: caller)
        let invite = try #require(pair.callee.expect("INVITE"))
        pair.callee.respond("180 Ringing", to: invite, toTag: "1001")
        #expect(hearsTone(caller))
        pair.callee.respond("183 Session Progress", to: invite, toTag: "1001", sdp: Phone.sdp(port: callee.port))
        #expect(arrives(from: callee, at: try #require(invite.audioPort), to: caller))
        #expect(arrives(from: caller, at: toSwitch, to: callee))
        // Of several, the first is heard until it is over.
        let second = try #require(boris.expect("INVITE"))
        boris.respond("183 Session Progress", to: second, toTag: "boris", sdp: Phone.sdp(port: other.port))
        boris.respond("180 Ringing", to: second, toTag: "boris")
        #expect(arrives(from: callee, at: try #require(invite.audioPort), to: caller))
        pair.callee.respond("486 Busy Here", to: invite, toTag: "1001")
        #expect(hearsTone(caller))
        boris.respond("200 OK", to: second, toTag: "boris", sdp: Phone.sdp(port: other.port))
        #expect(boris.expect("ACK") != nil)
        #expect(arrives(from: other, at: try #require(second.audioPort), to: caller))
    }

    @Test func `RFC 3960 §3.2: after early media of a phone that is gone our tone is heard, then the next`() throws {
        let dial = #"{dial: {group: ["1001", "1002"], timeout: 20s}}"#
        let pair = try CallPair(incoming: #"routes: [{match: ".", do: [\#(dial)]}]"#)
        let boris = try Phone("1002", password: "boris-demo-2", server: pair.running.sipPort)
        #expect(try boris.register().startWord == "200")
        let (caller, callee, other) = (try WirePeer(), try WirePeer(), try WirePeer())
        try pair.ring(sdp: Phone.sdp(port: caller.port))
        let second = try #require(boris.expect("INVITE"))
        pair.callee.respond("183 Session Progress", to: pair.invite, toTag: "1001", sdp: Phone.sdp(port: callee.port))
        let told = try #require(pair.carrier.expect("183"))
        #expect(arrives(from: callee, at: try #require(pair.invite.audioPort), to: caller))
        pair.callee.respond("486 Busy Here", to: pair.invite, toTag: "1001")
        #expect(hearsTone(caller))
        boris.respond("183 Session Progress", to: second, toTag: "boris", sdp: Phone.sdp(port: other.port))
        #expect(try #require(pair.carrier.expect("183")).sipBody == told.sipBody)
        #expect(arrives(from: other, at: try #require(second.audioPort), to: caller))
        #expect(arrives(from: caller, at: try #require(told.audioPort), to: other))
        boris.respond("200 OK", to: second, toTag: "boris", sdp: Phone.sdp(port: other.port))
        #expect(boris.expect("ACK") != nil)
        #expect(try #require(pair.carrier.final("INVITE")).sipBody == told.sipBody)
    }

    @Test func `RFC 3261 §13.2.1: the switch answers as early media told, and asks for another codec then`() throws {
        let steps = #"{dial: {user: "1001", timeout: 2s}}, answer, echo"#
        let pair = try CallPair(codecs: "G722, PCMA", incoming: #"routes: [{match: ".", do: [\#(steps)]}]"#)
        try pair.ring(sdp: Phone.sdp(port: 4_000, formats: "9 8 101"))
        let sdp = Phone.sdp(port: 4_002, formats: "9 101")
        pair.callee.respond("183 Session Progress", to: pair.invite, toTag: "1001", sdp: sdp)
        let told = try #require(pair.carrier.expect("183"))
        #expect(told.sipBody.contains("RTP/AVP 9"))
        let answer = try #require(pair.carrier.final("INVITE"))
        #expect(answer.startWord == "200" && answer.sipBody == told.sipBody, "\(answer)")
        pair.carrier.acknowledge(answer, to: "1001")
        let asked = try #require(pair.carrier.expect("INVITE"))
        #expect(asked.sipBody.contains("PCMA") && !asked.sipBody.contains("G722"), "\(asked)")
        pair.carrier.respond("200 OK", to: asked, sdp: Phone.sdp(port: 4_000, formats: "8 101", version: 2))
        #expect(pair.carrier.expect("ACK") != nil)
    }

    @Test(arguments: ["cancelled", "failed"])
    func `RFC 3262 §3: a caller whose 200 waits for his PRACK has not been answered`(disposition: String) throws {
        let isTakenBack = disposition == "cancelled"
        let pair = try CallPair(node: isTakenBack ? "" : "timers: {t1: 30ms}")
        try pair.ring(["Supported: 100rel"])
        pair.callee.respond("183 Session Progress", to: pair.invite, toTag: "1001", sdp: Phone.sdp(port: 4_002))
        #expect(try #require(pair.carrier.expect("183")).header("RSeq") != nil)
        pair.callee.respond("200 OK", to: pair.invite, toTag: "1001", sdp: Phone.sdp(port: 4_002))
        #expect(pair.callee.expect("ACK") != nil)
        if isTakenBack {
            #expect(try pair.running.rows("calls").first?["state"] as? String == "ringing")
            pair.cancel()
        }
        let status = isTakenBack ? "487" : "504"
        #expect(pair.carrier.final("INVITE")?.startWord == status)
        pair.callee.respond("200 OK", to: try #require(pair.callee.expect("BYE")))
        try pair.expectNothingLeft()
        let call = try #require(try pair.running.rows("cdr").first)
        #expect(call["disposition"] as? String == disposition && "\(call["sip_code"] ?? "")" == status, "\(call)")
        #expect(!(call["answered_at"] is String) && call["talk_s"] as? Double == 0, "\(call)")
    }

    @Test func `B037: so does whoever the switch itself rang first`() throws {
        let pair = try CallPair()
        let boris = try Phone("1002", password: "boris-demo-2", server: pair.running.sipPort)
        #expect(try boris.register().startWord == "200")
        let (annas, others) = (try WirePeer(), try WirePeer())
        #expect(try pair.running.gudok("call", "1001", "1002").code == 0)
        let (_, toAnna) = try pair.callee.pickUp(media: annas)
        let invite = try #require(boris.expect("INVITE"))
        boris.respond("183 Session Progress", to: invite, toTag: "boris", sdp: Phone.sdp(port: others.port))
        #expect(arrives(from: others, at: try #require(invite.audioPort), to: annas))
        #expect(arrives(from: annas, at: toAnna, to: others))
    }

    @Test func `RFC 3262 §3: early media is told reliably to whoever supports that, a 180 without is not`() throws {
        let pair = try CallPair(node: "timers: {t1: 100ms}")
        try pair.ring(["Supported: 100rel", "Allow: INVITE, ACK, BYE, CANCEL, PRACK, UPDATE"])
        pair.callee.respond("180 Ringing", to: pair.invite, toTag: "1001")
        #expect(try #require(pair.carrier.expect("180")).header("RSeq") == nil)
        let session = ["Allow: INVITE, ACK, BYE, CANCEL, UPDATE"]
        let sdp = Phone.sdp(port: 4_002)
        pair.callee.respond("183 Session Progress", to: pair.invite, toTag: "1001", extra: session, sdp: sdp)
        // It is lost once.
        let first = try #require(pair.carrier.expect("183"))
        let early = try #require(pair.carrier.expect("183"))
        #expect(first.header("RSeq") != nil && early.header("RSeq") == first.header("RSeq"))
        #expect(early.header("Require") == "100rel" && early.audioPort != nil)
        pair.learn(early)
        prack(pair, early)
        #expect(pair.carrier.final("PRACK")?.startWord == "200")
        // From here on the callee may offer other media (RFC 3311 §5.1).
        pair.calleeAsks("UPDATE", sdp: Phone.sdp(port: 4_012, version: 2))
        let update = try #require(pair.carrier.expect("UPDATE"))
        pair.carrier.respond("200 OK", to: update, sdp: Phone.sdp(port: 4_000, version: 2))
        #expect(pair.callee.final("UPDATE")?.startWord == "200")
        pair.callee.respond("200 OK", to: pair.invite, toTag: "1001", sdp: Phone.sdp(port: 4_012, version: 2))
        #expect(pair.carrier.final("INVITE")?.startWord == "200")
    }

    @Test func `RFC 3311 §5.2: an offer by UPDATE before the first is surely answered is 500, and goes nowhere`() throws
    {
        let pair = try CallPair()
        try pair.ring()
        let sdp = Phone.sdp(port: 4_002)
        let allow = ["Allow: INVITE, ACK, BYE, CANCEL, PRACK, UPDATE"]
        pair.callee.respond("183 Session Progress", to: pair.invite, toTag: "1001", extra: allow, sdp: sdp)
        let early = try #require(pair.carrier.expect("183"))
        #expect(early.header("RSeq") == nil)
        pair.learn(early)
        pair.ask("UPDATE", sdp: Phone.sdp(port: 4_010, version: 2))
        let refusal = try #require(pair.carrier.final("UPDATE"))
        #expect(refusal.startWord == "500" && refusal.header("Retry-After") != nil)
        #expect(pair.callee.expect("UPDATE", within: 0.3) == nil)
        pair.callee.respond("200 OK", to: pair.invite, toTag: "1001", sdp: sdp)
        #expect(pair.carrier.final("INVITE")?.startWord == "200")
    }
}

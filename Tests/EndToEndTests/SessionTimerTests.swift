import Foundation
import Testing

/// RFC 4028, on each leg by itself.
@Suite("Session timers over the wire")
struct SessionTimerTests {
    @Test func `B067: too short an interval is 422 with Min-SE, and our own 422 is answered with a longer one`() throws
    {
        let pair = try CallPair()
        pair.carrier.send(
            pair.carrier.request(
                "INVITE",
                to: "1001",
                extra: ["Supported: timer", "Session-Expires: 20"],
                sdp: Phone.sdp(port: 4_000)
            )
        )
        let refusal = try #require(pair.carrier.final("INVITE"))
        #expect(refusal.startWord == "422" && refusal.header("Min-SE") == "90")
        pair.carrier.callID = UUID().uuidString
        try pair.ring()
        pair.callee.respond("422 Session Interval Too Small", to: pair.invite, toTag: "x", extra: ["Min-SE: 4000"])
        let again = try #require(pair.callee.expect("INVITE"))
        #expect(again.header("Session-Expires") == "4000" && again.header("Min-SE") == "4000")
        #expect(again.header("Call-ID") == pair.invite.header("Call-ID"))
        // A second one that wants no more than it has is the end.
        pair.callee.respond("422 Session Interval Too Small", to: again, toTag: "x", extra: ["Min-SE: 4000"])
        #expect((Int(pair.carrier.final("INVITE")?.startWord ?? "") ?? 0) >= 400)
    }

    @Test func `RFC 4028 §9: a refresh that asks for too short an interval is 422 too, with or without an offer`()
        throws
    {
        let pair = try CallPair()
        try pair.talk()
        for (method, sdp) in [("UPDATE", nil), ("UPDATE", Phone.sdp(port: 4_000)), ("INVITE", Phone.sdp(port: 4_000))] {
            pair.ask(method, ["Supported: timer", "Session-Expires: 20"], sdp: sdp)
            let refusal = try #require(pair.carrier.answer(to: method))
            #expect(refusal.startWord == "422" && refusal.header("Min-SE") == "90", "\(method)")
            if method == "INVITE" { pair.acknowledge() }
        }
        try pair.hangUp()
    }

    @Test func `a callee that wants a little more each time is let go`() throws {
        let pair = try CallPair()
        try pair.ring()
        var (invite, attempts) = (pair.invite, 1)
        while attempts < 20 {
            let least = "Min-SE: \(3_000 + attempts)"
            pair.callee.respond("422 Session Interval Too Small", to: invite, toTag: "x", extra: [least])
            guard let next = pair.callee.expect("INVITE", within: 1) else { break }
            (invite, attempts) = (next, attempts + 1)
        }
        #expect(attempts == 4)
        // The interval is a matter of our own request: to the caller it means nothing.
        #expect(pair.carrier.final("INVITE")?.startWord == "500")
    }

    @Test func `RFC 4028 §7.3: a re-INVITE that meets 422 is sent again with a longer interval`() throws {
        let pair = try CallPair()
        try pair.ring()
        try pair.pickUp(["Session-Expires: 1800;refresher=uac", "Require: timer"])
        pair.ask("INVITE", sdp: Phone.sdp(port: 4_010, formats: "0", version: 2))
        let brief = try #require(pair.callee.expect("INVITE"))
        #expect(brief.header("Session-Expires") == "1800;refresher=uac")
        pair.callee.respond("422 Session Interval Too Small", to: brief, extra: ["Min-SE: 3600"])
        let again = try #require(pair.callee.expect("INVITE"))
        #expect(again.header("Session-Expires") == "3600;refresher=uac" && again.header("Min-SE") == "3600")
        #expect(again.sipBody == brief.sipBody)
        pair.callee.respond("200 OK", to: again, sdp: Phone.sdp(port: 4_002, formats: "0", version: 2))
        #expect(pair.carrier.final("INVITE")?.startWord == "200")
        pair.acknowledge()
        try pair.hangUp()
    }

    @Test func `B068, B070: each leg is refreshed on its own, by UPDATE or re-INVITE, and the other hears nothing`()
        throws
    {
        let pair = try CallPair(node: "calls: {min_session_expires: 2s}")
        // The caller knows of no timer; the callee wants us to refresh every second, and takes UPDATE.
        try pair.ring()
        try pair.pickUp([
            "Session-Expires: 2;refresher=uac", "Require: timer", "Allow: INVITE, ACK, BYE, CANCEL, UPDATE",
        ])
        for _ in 0..<2 {
            let refresh = try #require(pair.callee.expect("UPDATE", within: 2))
            #expect(refresh.sipBody.isEmpty && refresh.header("Session-Expires") == "2;refresher=uac")
            pair.callee.respond("200 OK", to: refresh, extra: ["Session-Expires: 2;refresher=uac", "Require: timer"])
        }
        #expect(pair.carrier.peer.expect(within: 0.1) { !$0.hasPrefix("OPTIONS") } == nil)
        try pair.hangUp()

        pair.carrier.callID = UUID().uuidString
        try pair.ring(["Supported: timer", "Session-Expires: 2;refresher=uas"])
        let answer = try pair.pickUp(["Session-Expires: 2;refresher=uac", "Require: timer"])
        #expect(answer.header("Session-Expires") == "2;refresher=uas" && answer.header("Require") == "timer")
        // Who did not say that it takes UPDATE is asked by re-INVITE, with the same description.
        let refresh = try #require(pair.callee.expect("INVITE", within: 2))
        #expect(refresh.audioPort == pair.invite.audioPort)
        let ours = try #require(pair.carrier.expect("INVITE", within: 2))
        #expect(ours.header("Session-Expires") == "2;refresher=uac")
        pair.carrier.respond("200 OK", to: ours, sdp: Phone.sdp(port: 4_000))
        #expect(pair.carrier.expect("ACK") != nil)
    }

    @Test func `RFC 4028 §9: a caller who knows timers and asks for none gets ours, and we refresh`() throws {
        let pair = try CallPair(node: "calls: {min_session_expires: 2s, session_expires: 2s}")
        // Tags of options are tokens: case does not count (RFC 3261 §7.3.1).
        try pair.ring(["Supported: Timer"])
        let answer = try pair.pickUp()
        #expect(answer.header("Session-Expires") == "2;refresher=uas" && answer.header("Require") == "timer")
        let refresh = try #require(pair.carrier.expect("INVITE", within: 3))
        #expect(refresh.header("Session-Expires") == "2;refresher=uac")
        #expect(refresh.header("Supported") == "100rel, timer, replaces, norefersub, tdialog")
        let agreed = ["Session-Expires: 2;refresher=uac", "Require: timer"]
        pair.carrier.respond("200 OK", to: refresh, extra: agreed, sdp: Phone.sdp(port: 4_000))
        #expect(pair.carrier.expect("ACK") != nil)
        // One who does not refresh is found out, though he never asked for a timer.
        _ = try #require(pair.carrier.expect("INVITE", within: 3))
        let bye = try #require(pair.carrier.expect("BYE", within: 4))
        #expect(bye.header("Reason")?.contains("Session timer expired") == true)
    }

    @Test func `RFC 3264 §8: the answer to our refresh is in force, and moves the media`() throws {
        let pair = try CallPair(node: "calls: {min_session_expires: 2s}")
        let agreed = ["Session-Expires: 2;refresher=uac", "Require: timer"]
        let (caller, callee, moved) = (try WirePeer(), try WirePeer(), try WirePeer())
        try pair.ring(sdp: Phone.sdp(port: caller.port))
        let answer = try pair.pickUp(agreed, sdp: Phone.sdp(port: callee.port))
        let refresh = try #require(pair.callee.expect("INVITE", within: 2))
        pair.callee.respond("200 OK", to: refresh, extra: agreed, sdp: Phone.sdp(port: moved.port, version: 2))
        #expect(pair.callee.expect("ACK") != nil)
        let packet: [UInt8] = [0x80, 8, 0, 1, 0, 0, 0, 160, 1, 2, 3, 4] + [UInt8](repeating: 0xD5, count: 160)
        caller.send(packet, to: try #require(answer.audioPort))
        #expect(moved.receive()?.bytes == packet)
        // An answer that takes nothing of the offer leaves it there.
        let next = try #require(pair.callee.expect("INVITE", within: 2))
        pair.callee.respond("200 OK", to: next, extra: agreed, sdp: Phone.sdp(port: 0, version: 3))
        #expect(pair.callee.expect("ACK") != nil)
        caller.send(packet, to: try #require(answer.audioPort))
        #expect(moved.receive()?.bytes == packet)
        try pair.hangUp()
    }

    @Test func `RFC 3264 §8: the other party is asked to follow a codec that came of our refresh`() throws {
        let pair = try CallPair(codecs: "G722, PCMA", node: "calls: {min_session_expires: 2s}")
        let agreed = ["Session-Expires: 2;refresher=uac", "Require: timer"]
        try pair.ring(sdp: Phone.sdp(port: 4_000, formats: "9 8 101"))
        try pair.pickUp(agreed, sdp: Phone.sdp(port: 4_002, formats: "9 101"))
        let refresh = try #require(pair.callee.expect("INVITE", within: 2))
        let sdp = Phone.sdp(port: 4_002, formats: "8 101", version: 2)
        pair.callee.respond("200 OK", to: refresh, extra: agreed, sdp: sdp)
        let asked = try #require(pair.carrier.expect("INVITE"))
        #expect(asked.sipBody.contains("PCMA") && !asked.sipBody.contains("G722"), "\(asked)")
        pair.carrier.respond("200 OK", to: asked, sdp: Phone.sdp(port: 4_000, formats: "8 101", version: 2))
        #expect(pair.carrier.expect("ACK") != nil)
        try pair.hangUp()
    }

    @Test func `a caller who knows no timer is not refreshed`() throws {
        let pair = try CallPair(node: "calls: {min_session_expires: 2s, session_expires: 2s}")
        try pair.ring()
        #expect(try pair.pickUp().header("Session-Expires") == nil)
        try pair.hangUp()
    }

    @Test func `B069: a peer that should refresh and does not is hung up on, both sides are`() throws {
        let pair = try CallPair(node: "calls: {min_session_expires: 2s}")
        try pair.ring(["Supported: timer", "Session-Expires: 2;refresher=uac"])
        try pair.pickUp()
        let bye = try #require(pair.carrier.expect("BYE", within: 4))
        pair.carrier.respond("200 OK", to: bye)
        #expect(bye.header("Reason")?.contains("Session timer expired") == true)
        #expect(pair.callee.expect("BYE") != nil)
        let isTold = try eventually { try pair.running.rows("cdr").first?["reason"] as? String == "session-expired" }
        #expect(isTold)
    }

    @Test(arguments: ["0", "4294967295", "99999999999999999999", "-1", "x", ""])
    func `an absurd Session-Expires of the callee neither ends the call nor makes it noisy`(value: String) throws {
        let pair = try CallPair()
        try pair.ring()
        try pair.pickUp(["Session-Expires: \(value);refresher=uac", "Require: timer", "Allow: UPDATE"])
        #expect(pair.callee.peer.expect(within: 1.2) { $0.hasPrefix("BYE") || $0.hasPrefix("UPDATE") } == nil)
        try pair.hangUp()
    }
}

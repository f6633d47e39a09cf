import Foundation
import Testing

/// Requests that cross, come twice, or come too late (RFC 3261 §8.2.2.2, §9, §14, §15).
@Suite("Races over the wire")
struct RaceTests {
    @Test func `§13.3.1: an INVITE that nobody answers within its Expires is 487, and rings no longer`() throws {
        let pair = try CallPair()
        try pair.ring(["Expires: 1"])
        pair.callee.respond("180 Ringing", to: pair.invite, toTag: "1001")
        #expect(pair.carrier.expect("180") != nil)
        #expect(pair.callee.expect("CANCEL") != nil)
        #expect(pair.carrier.final("INVITE")?.startWord == "487")
        #expect(try eventually { try pair.running.rows("cdr").first?["reason"] as? String == "invitation-expired" })

        // Once he is answered it means nothing.
        let answered = try CallPair()
        try answered.ring(["Expires: 1"])
        try answered.pickUp()
        #expect(answered.carrier.expect("BYE", within: 1.3) == nil)
        try answered.hangUp()
    }

    @Test func `B022: the same INVITE by another way is 482, and rings nobody twice`() throws {
        let pair = try CallPair()
        try pair.ring()
        let again = pair.carrier.request(
            "INVITE",
            to: "1001",
            sequence: pair.carrier.sequence,
            sdp: Phone.sdp(port: 4_000)
        )
        pair.carrier.send(again)
        #expect(pair.carrier.final("INVITE")?.startWord == "482")
        #expect(pair.callee.expect("INVITE", within: 0.3) == nil)
        try pair.pickUp()
        try pair.hangUp()
    }

    @Test func `B031: a CANCEL that the answer has overtaken changes nothing`() throws {
        let pair = try CallPair()
        try pair.ring()
        pair.callee.respond("200 OK", to: pair.invite, toTag: "1001", sdp: Phone.sdp(port: 4_002))
        let answer = try #require(pair.carrier.final("INVITE"))
        pair.cancel()
        #expect(["200", "481"].contains(pair.carrier.final("CANCEL")?.startWord ?? ""))
        pair.learn(answer)
        pair.acknowledge()
        #expect(try running(pair) == "talking")
        try pair.hangUp()
    }

    private func running(_ pair: CallPair) throws -> String? {
        try pair.running.rows("calls").first?["state"] as? String
    }

    @Test func `B031: an answer that crosses our CANCEL gets ACK and BYE`() throws {
        let pair = try CallPair()
        try pair.ring()
        pair.callee.respond("180 Ringing", to: pair.invite, toTag: "1001")
        _ = try #require(pair.carrier.expect("180"))
        pair.cancel()
        _ = try #require(pair.callee.expect("CANCEL"))
        pair.callee.respond("200 OK", to: pair.invite, toTag: "1001", sdp: Phone.sdp(port: 4_002))
        #expect(pair.callee.expect("ACK") != nil)
        let bye = try #require(pair.callee.expect("BYE"))
        pair.callee.respond("200 OK", to: bye)
        #expect(pair.carrier.final("INVITE")?.startWord == "487")
        try pair.expectNothingLeft()
    }

    @Test func `B033: a callee that takes the CANCEL and never ends its INVITE is given up after 64 T1`() throws {
        let pair = try CallPair(node: "timers: {t1: 20ms}")
        try pair.ring()
        pair.callee.respond("180 Ringing", to: pair.invite, toTag: "1001")
        _ = try #require(pair.carrier.expect("180"))
        pair.cancel()
        let cancel = try #require(pair.callee.expect("CANCEL"))
        pair.callee.respond("200 OK", to: cancel)
        #expect(pair.carrier.final("INVITE")?.startWord == "487")
        try pair.expectNothingLeft()
    }

    @Test func `B034: a BYE that crosses a re-INVITE ends the call, and both get their answers`() throws {
        let pair = try CallPair()
        try pair.talk()
        pair.ask("INVITE", sdp: Phone.sdp(port: 4_000, direction: "sendonly", version: 2))
        let relayed = try #require(pair.callee.expect("INVITE"))
        pair.calleeAsks("BYE")
        #expect(pair.callee.final("BYE")?.startWord == "200")
        pair.callee.respond("481 Call/Transaction Does Not Exist", to: relayed)
        #expect(["481", "487", "491"].contains(pair.carrier.final("INVITE")?.startWord ?? ""))
        let bye = try #require(pair.carrier.expect("BYE"))
        pair.carrier.respond("200 OK", to: bye)
        try pair.expectNothingLeft()
    }

    @Test func `B034: a re-INVITE after BYE is 481`() throws {
        let pair = try CallPair()
        try pair.talk()
        try pair.hangUp()
        pair.ask("INVITE", sdp: Phone.sdp(port: 4_000, version: 2))
        #expect(pair.carrier.final("INVITE")?.startWord == "481")
    }

    /// The carrier's re-INVITE, taken back when it has reached the callee; as the callee got it.
    private func takeBack(_ pair: CallPair, sdp: String?) throws -> String {
        let branch = "z9hG4bKtakeback"
        pair.ask("INVITE", sdp: sdp, branch: branch)
        let relayed = try #require(pair.callee.expect("INVITE"))
        let number = pair.carrier.sequence
        pair.carrier.send(
            pair.carrier.request("CANCEL", to: "1001", toTag: pair.tag, branch: branch, sequence: number)
        )
        #expect(pair.carrier.final("INVITE")?.startWord == "487")
        return relayed
    }

    @Test func `a re-INVITE that is taken back leaves both as they were`() throws {
        let pair = try CallPair()
        try pair.talk()
        let relayed = try takeBack(pair, sdp: Phone.sdp(port: 4_000, direction: "sendonly", version: 2))
        pair.callee.respond("200 OK", to: relayed, sdp: Phone.sdp(port: 4_002, direction: "recvonly", version: 2))
        // The callee has agreed to a hold that nobody wants any more.
        let back = try #require(pair.callee.expect("INVITE"))
        #expect(back.contains("a=sendrecv"))
        pair.callee.respond("200 OK", to: back, sdp: Phone.sdp(port: 4_002, version: 3))
        #expect(pair.callee.expect("ACK") != nil)
        let isTalking = try eventually { try running(pair) == "talking" }
        #expect(isTalking)
        try pair.hangUp()
    }

    @Test func `a re-INVITE without an offer that is taken back does not leave the callee's offer unanswered`() throws {
        let pair = try CallPair()
        try pair.talk()
        let relayed = try takeBack(pair, sdp: nil)
        pair.callee.respond("200 OK", to: relayed, sdp: Phone.sdp(port: 4_002, version: 2))
        #expect(pair.callee.expect("ACK")?.audioPort != nil)
        #expect(try running(pair) == "talking")
        try pair.hangUp()
    }

    @Test func `§13.2.2.4: a 200 to an INVITE of which nothing is left is acknowledged, and hung up on`() throws {
        let running = try RunningSwitch()
        let phone = try Phone("1001", server: running.sipPort)
        let forgotten = phone.request("INVITE", to: "1001")
        for _ in 0..<2 {
            phone.respond("200 OK", to: forgotten, toTag: "late", sdp: Phone.sdp(port: 4_002))
            var sequences: [Int] = []
            for method in ["ACK", "BYE"] {
                let request = try #require(phone.expect(method))
                #expect(request.header("To")?.hasSuffix(";tag=late") == true)
                #expect(request.header("Call-ID") == phone.callID)
                #expect(request.header("From")?.contains(phone.tag) == true)
                sequences.append(try #require(request.header("CSeq")?.split(separator: " ").first.flatMap { Int($0) }))
            }
            // PRACK and UPDATE may have gone before, by a switch that died: the BYE is above theirs.
            #expect(sequences[0] == phone.sequence && sequences[1] > sequences[0] + 100)
        }
    }

    @Test func `§18.1.2: a 200 that answers somebody else, as its Via says, is discarded`() throws {
        let running = try RunningSwitch()
        let phone = try Phone("1001", server: running.sipPort)
        let others = phone.request("INVITE", to: "1001").replacing("UDP 127.0.0.1", with: "UDP 192.0.2.9")
        phone.respond("200 OK", to: others, toTag: "late", sdp: Phone.sdp(port: 4_002))
        #expect(try eventually { try running.metric("gudok_sip_messages_dropped_total{reason=\"foreign-via\"}") == 1 })
        #expect(phone.expect("ACK", within: 0.2) == nil)
    }

    @Test func `RFC 3261 §7.3.1: several rows of Reason are one, of which Q.850 tells most`() throws {
        let pair = try CallPair()
        try pair.talk()
        pair.ask("BYE", ["Reason: SIP;cause=486", "Reason: Q.850;cause=31"])
        #expect(pair.carrier.final("BYE")?.startWord == "200")
        let bye = try #require(pair.callee.expect("BYE"))
        #expect(bye.header("Reason")?.contains("cause=31") == true)
        pair.callee.respond("200 OK", to: bye)
        #expect(try eventually { try pair.running.rows("cdr").first?["q850_cause"] as? Int == 31 })
    }

    @Test func `RFC 3261 §15: a caller who takes his call back by BYE is on record as by CANCEL`() throws {
        let pair = try CallPair()
        try pair.ring()
        pair.callee.respond("180 Ringing", to: pair.invite, toTag: "1001")
        pair.learn(try #require(pair.carrier.expect("180")))
        pair.ask("BYE")
        #expect(pair.carrier.final("BYE")?.startWord == "200")
        let cancel = try #require(pair.callee.expect("CANCEL"))
        pair.callee.respond("200 OK", to: cancel)
        pair.callee.respond("487 Request Terminated", to: pair.invite, toTag: "1001")
        try pair.expectNothingLeft()
        let record = try #require(try pair.running.rows("cdr").first)
        #expect(record["disposition"] as? String == "cancelled" && record["reason"] as? String == "cancelled")
        #expect(record["sip_code"] as? Int == 487)
        let legs = try #require(record["legs"] as? [[String: Any]])
        #expect(legs.first?["result"] as? String == "cancelled" && legs.first?["sip_code"] as? Int == 487, "\(legs)")
    }
}

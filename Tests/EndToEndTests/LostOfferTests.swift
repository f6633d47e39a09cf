import Foundation
import Testing

/// Offers in a call whose other side goes away before it has answered, while the call goes on.
@Suite("Offers whose other side goes away")
struct LostOfferTests {
    private static let allow = "Allow: INVITE, ACK, BYE, CANCEL, PRACK, UPDATE"

    /// The carrier calls, and has an answer before the answer; UPDATE may carry other offers from now on.
    private func early(_ pair: CallPair) throws {
        try pair.ring(["Supported: 100rel", Self.allow])
        let extra = ["Require: 100rel", "RSeq: 1", Self.allow]
        let media = Phone.sdp(port: 4_002)
        pair.callee.respond("183 Session Progress", to: pair.invite, toTag: "1001", extra: extra, sdp: media)
        pair.callee.respond("200 OK", to: try #require(pair.callee.expect("PRACK")))
        let early = try #require(pair.carrier.expect("183"))
        pair.learn(early)
        pair.ask("PRACK", ["RAck: \(early.header("RSeq") ?? "") \(early.header("CSeq") ?? "")"])
        #expect(pair.carrier.final("PRACK")?.startWord == "200")
    }

    @Test func `RFC 3311 §5: an offer ends with its early dialog, and not the talk with another branch that answered`()
        throws
    {
        let pair = try CallPair()
        try early(pair)
        pair.ask("UPDATE", sdp: Phone.sdp(port: 4_000, formats: "8", version: 2))
        let update = try #require(pair.callee.expect("UPDATE"))
        pair.callee.respond("200 OK", to: pair.invite, toTag: "other", sdp: Phone.sdp(port: 4_004))
        #expect(pair.callee.expect("ACK") != nil)
        #expect(pair.carrier.final("UPDATE")?.startWord == "488")
        #expect(pair.carrier.final("INVITE")?.startWord == "200")
        pair.carrier.send(pair.carrier.request("ACK", to: "1001", toTag: pair.tag, sequence: 1))
        pair.callee.respond("481 Call/Transaction Does Not Exist", to: update)
        #expect(pair.carrier.expect("BYE", within: 0.5) == nil)
        try pair.hangUp()
    }

    @Test func `§13.2.2.4: a 200 to a relayed re-INVITE that crosses our BYE is acknowledged`() throws {
        let pair = try CallPair()
        try pair.talk()
        pair.ask("INVITE", sdp: Phone.sdp(port: 4_000, direction: "sendonly", version: 2))
        let asked = try #require(pair.callee.expect("INVITE"))
        pair.ask("BYE")
        let bye = try #require(pair.callee.expect("BYE"))
        let answer = Phone.sdp(port: 4_002, direction: "recvonly", version: 2)
        for _ in 1...2 {
            pair.callee.respond("200 OK", to: asked, sdp: answer)
            #expect(pair.callee.expect("ACK")?.header("CSeq") == asked.header("CSeq")?.replacing("INVITE", with: "ACK"))
        }
        pair.callee.respond("200 OK", to: bye)
        try pair.expectNothingLeft()
    }

    @Test func `§14.1: an offer dies with the phone that was asked, and the next one's talk knows nothing of it`()
        throws
    {
        let dials = ["1001", "1002"].map { "{dial: {user: \"\($0)\", timeout: 20s}}" }.joined(separator: ", ")
        let pair = try CallPair(incoming: "routes: [{match: \".\", do: [\(dials)]}]")
        let boris = try Phone("1002", password: "boris-demo-2", server: pair.running.sipPort)
        #expect(try boris.register().startWord == "200")
        try early(pair)
        pair.ask("UPDATE", sdp: Phone.sdp(port: 4_000, formats: "8", version: 2))
        _ = try #require(pair.callee.expect("UPDATE"))
        pair.callee.respond("486 Busy Here", to: pair.invite, toTag: "1001")
        #expect(pair.carrier.final("UPDATE")?.startWord == "488")

        let invite = try #require(boris.expect("INVITE"))
        boris.respond("200 OK", to: invite, toTag: "1002", sdp: Phone.sdp(port: 4_004))
        #expect(pair.carrier.final("INVITE")?.startWord == "200")
        pair.carrier.send(pair.carrier.request("ACK", to: "1001", toTag: pair.tag, sequence: 1))
        #expect(boris.expect("ACK") != nil)
        pair.ask("INVITE", sdp: Phone.sdp(port: 4_000, direction: "sendonly", version: 3))
        let hold = try #require(boris.expect("INVITE"))
        boris.respond("200 OK", to: hold, sdp: Phone.sdp(port: 4_004, direction: "recvonly", version: 2))
        #expect(pair.carrier.final("INVITE")?.startWord == "200")
        pair.acknowledge()
        #expect(try pair.running.metric("gudok_invariants_mended_total") == 0)
    }

    /// A queue's caller with his agent, in a talk that is short yet.
    private func shortTalk() throws -> (RunningSwitch, Phone, tag: String, Phone, invite: String) {
        let (running, carrier, tag, anna, media) = try ContactCentreTests.arrival("short_talk: 60s")
        return (running, carrier, tag, anna, try anna.pickUp(media: media).invite)
    }

    /// Her phone rings again for the caller, and she puts him on hold.
    private func holdsTheCaller(_ anna: Phone, _ carrier: Phone) throws -> Bool {
        let invite = try anna.pickUp(media: WirePeer(), within: 10).invite
        anna.send(anna.request("INVITE", in: invite, sequence: 1, sdp: Phone.sdp(port: 4_002, direction: "sendonly")))
        let hold = try #require(carrier.peer.expect { $0.startWord == "INVITE" && $0.contains("a=sendonly") })
        carrier.respond("200 OK", to: hold, sdp: Phone.sdp(port: 4_000, direction: "recvonly", version: 9))
        return anna.final("INVITE")?.startWord == "200"
    }

    @Test func `§14.2: a waiting caller's re-INVITE that his agent left unanswered is answered, and others can follow`()
        throws
    {
        let (running, carrier, tag, anna, invite) = try shortTalk()
        let number = "+74950000700"
        carrier.send(carrier.request("INVITE", to: number, toTag: tag, sdp: Phone.sdp(port: 4_000, version: 2)))
        let asked = try #require(anna.expect("INVITE"))
        anna.hangUp(invite)
        #expect(carrier.final("INVITE")?.startWord == "488")
        anna.respond("487 Request Terminated", to: asked)
        carrier.send(carrier.request("ACK", to: number, toTag: tag, sequence: carrier.sequence))
        #expect(try holdsTheCaller(anna, carrier))
        #expect(try running.metric("gudok_invariants_mended_total") == 0)
    }

    @Test(arguments: [false, true])
    func `what an agent who is gone asked of the caller is answered in his place`(withoutOffer: Bool) throws {
        let (running, carrier, _, anna, invite) = try shortTalk()
        let sdp = Phone.sdp(port: 4_002, direction: "sendonly", version: 2)
        anna.send(anna.request("INVITE", in: invite, sequence: 1, sdp: withoutOffer ? nil : sdp))
        let asked = try #require(carrier.expect("INVITE"))
        anna.send(anna.request("BYE", in: invite, sequence: 2))
        #expect(anna.final("BYE")?.startWord == "200")
        let direction = withoutOffer ? "sendrecv" : "recvonly"
        carrier.respond("200 OK", to: asked, sdp: Phone.sdp(port: 4_000, direction: direction, version: 2))
        let acknowledgement = try #require(carrier.expect("ACK"))
        if withoutOffer {
            #expect(acknowledgement.audioPort != nil)
        } else {
            // Her hold was hers.
            let back = try #require(carrier.expect("INVITE"))
            #expect(back.audioPort != nil && !back.contains("a=sendonly"))
            carrier.respond("200 OK", to: back, sdp: Phone.sdp(port: 4_000, version: 3))
        }
        #expect(try holdsTheCaller(anna, carrier))
        #expect(try running.metric("gudok_invariants_mended_total") == 0)
    }
}

import Foundation
import Testing

/// `gudok call FROM TO`: the record is of the call to TO.
@Suite("Calls that the switch begins")
struct OriginationTests {
    private let running: RunningSwitch
    private let anna: Phone
    private let boris: Phone

    init() throws {
        running = try RunningSwitch()
        anna = try Phone("1001", password: "anna-demo-1", server: running.sipPort)
        boris = try Phone("1002", password: "boris-demo-2", server: running.sipPort)
        _ = try (anna.register(), boris.register())
    }

    private func record() throws -> [String: Any] {
        #expect(try eventually { try running.rows("cdr").first?["ended_at"] is String })
        return try #require(try running.rows("cdr").first)
    }

    /// Anna's phone rings for a second, and is answered.
    private func annaCalls(_ number: String) throws -> String {
        #expect(try running.gudok("call", "1001", number).code == 0)
        let invite = try #require(anna.expect("INVITE"))
        anna.respond("180 Ringing", to: invite, toTag: anna.user)
        // The time that she takes is what the record must not count; meanwhile nobody takes the call back.
        #expect(anna.expect("CANCEL", within: 1) == nil)
        anna.respond("200 OK", to: invite, toTag: anna.user, sdp: Phone.sdp(port: try WirePeer().port))
        #expect(anna.expect("ACK") != nil)
        return invite
    }

    @Test func `it is answered by whom it reaches, and talks from then on`() throws {
        let invite = try annaCalls("1002")
        let ringing = try #require(boris.expect("INVITE"))
        boris.respond("180 Ringing", to: ringing, toTag: boris.user)
        #expect(boris.expect("CANCEL", within: 1) == nil)
        #expect(try running.rows("cdr").first?["answered_at"] is NSNull)
        boris.respond("200 OK", to: ringing, toTag: boris.user, sdp: Phone.sdp(port: try WirePeer().port))
        #expect(boris.expect("ACK") != nil)
        #expect(try eventually { try running.rows("calls").first?["state"] as? String == "talking" })
        anna.hangUp(invite)
        try boris.expectBye()
        let record = try record()
        #expect(record["disposition"] as? String == "answered" && record["sip_code"] as? Int == 200)
        let times = ["setup_s", "ring_s", "talk_s", "duration_s"].compactMap { record[$0] as? Double }
        try #require(times.count == 4)
        #expect(times[0] < 0.9 && times[1] > 0.9, "\(record)")
        #expect(times[3] - times[2] > 1.9, "\(record)")
        let answers = [record["answered_at"], record.legs.last?["answered_at"]].compactMap { $0 as? String }
        #expect(answers.count == 2 && Set(answers).count == 1, "\(record)")
    }

    @Test func `a call is outbound when whom it is for is tried outside, and recorded by that`() throws {
        let running = try RunningSwitch(
            tenant: "recordings: {directions: [outbound]}",
            internalPlan: """
                routes:
                  - match: "1002"
                    do:
                      - dial: {user: "{called}", timeout: 20s}
                      - when: {dial_result: busy}
                        then: [{dial: {trunk: carrier, number: "+74951112233"}}]
                """
        )
        let carrier = try Phone("+74951112233", server: running.sipPort, peer: running.carrier)
        let anna = try Phone("1001", password: "anna-demo-1", server: running.sipPort)
        let boris = try Phone("1002", password: "boris-demo-2", server: running.sipPort)
        for phone in [anna, boris] { _ = try phone.register() }
        for isAtHisDesk in [true, false] {
            (anna.callID, anna.tag, anna.sequence) = (UUID().uuidString, UUID().uuidString, 0)
            #expect(try anna.dial("1002", sdp: Phone.sdp(port: WirePeer().port)) == nil)
            let ringing = try #require(boris.expect("INVITE"))
            let callee = isAtHisDesk ? boris : carrier
            if isAtHisDesk {
                boris.respond("200 OK", to: ringing, toTag: "b", sdp: Phone.sdp(port: try WirePeer().port))
            } else {
                boris.respond("486 Busy Here", to: ringing, toTag: "b")
                let outward = try #require(carrier.expect("INVITE"))
                carrier.respond("200 OK", to: outward, toTag: "c", sdp: Phone.sdp(port: try WirePeer().port))
            }
            let tag = anna.acknowledge(try #require(anna.answer(to: "INVITE")), to: "1002")
            #expect(try eventually { try running.rows("calls").first?["state"] as? String == "talking" })
            anna.send(anna.request("BYE", to: "1002", toTag: tag))
            try callee.expectBye()
            #expect(try eventually { try running.rows("cdr").first?["ended_at"] is String })
            let record = try #require(try running.rows("cdr").first)
            let said = ["direction", "trunk", "not_recorded"].map { record[$0] as? String }
            let expected = isAtHisDesk ? ["internal", nil, "no-policy"] : ["outbound", "carrier", nil]
            #expect(said == expected, "\(record)")
            #expect(record["recording"] is String != isAtHisDesk)
        }
    }

    @Test func `a rule for some callers alone leads out those whom it is for, and a queue's own number is one to call`()
        throws
    {
        let running = try RunningSwitch(
            tenant: "queues: [{name: sales, extension: \"700\", agents: [{user: \"1002\"}]}]",
            internalPlan:
                "routes: [{match: \"+7.\", from: \"1001\", do: [{dial: {trunk: carrier, number: \"{called}\"}}]}]"
        )
        let carrier = try Phone("+74951112233", server: running.sipPort, peer: running.carrier)
        let anna = try Phone("1001", password: "anna-demo-1", server: running.sipPort)
        _ = try anna.register()
        #expect(try anna.dial("+74951112233", sdp: Phone.sdp(port: 4_000)) == nil)
        carrier.respond("486 Busy Here", to: try #require(carrier.expect("INVITE")), toTag: "a")
        anna.acknowledge(try #require(anna.final("INVITE")), to: "+74951112233")
        #expect(try eventually { try running.rows("cdr").first?["ended_at"] is String })
        let record = try #require(try running.rows("cdr").first)
        #expect(record["direction"] as? String == "outbound" && record["trunk"] as? String == "carrier")
        #expect(try running.gudok("call", "1001", "700").code == 0)
        #expect(anna.expect("INVITE") != nil)
        #expect(try running.gudok("call", "1001", "800").code == 1)
    }

    @Test func `a busy line is busy, and no talk`() throws {
        _ = try annaCalls("1002")
        boris.respond("486 Busy Here", to: try #require(boris.expect("INVITE")), toTag: boris.user)
        try anna.expectBye()
        let record = try record()
        #expect(record["disposition"] as? String == "busy" && record["sip_code"] as? Int == 486)
        #expect(record["answered_at"] is NSNull && record["talk_s"] as? Double == 0)
        #expect(record.legs.compactMap { $0["result"] as? String } == ["answered", "busy"])
    }

    @Test func `who gives up before it is answered has cancelled it`() throws {
        let invite = try annaCalls("1002")
        boris.respond("180 Ringing", to: try #require(boris.expect("INVITE")), toTag: boris.user)
        #expect(try eventually { try running.rows("calls").first?["state"] as? String == "ringing" })
        anna.hangUp(invite)
        #expect(boris.expect("CANCEL") != nil)
        let record = try record()
        #expect(record["disposition"] as? String == "cancelled" && record["answered_at"] is NSNull)
        #expect(record["sip_code"] as? Int == 487)
    }

    @Test func `where the switch itself is called, it answers`() throws {
        let invite = try annaCalls("600")
        #expect(try eventually { try running.rows("cdr").first?["answered_at"] is String })
        anna.hangUp(invite)
        let record = try record()
        #expect(record["disposition"] as? String == "answered" && record["sip_code"] as? Int == 200)
        #expect((record["talk_s"] as? Double ?? 9) < (record["duration_s"] as? Double ?? 0) - 0.9)
    }
}

import Foundation
import Testing

/// Parties that wait in slots, with every voice told apart by its tone.
@Suite("Parking over the wire")
struct ParkingTests {
    /// Anna sends her caller to a slot, and is let go.
    private func park(_ centre: TransferCentre, at code: String) throws {
        try centre.talk()
        centre.refer(to: "sip:\(code)@demo.test")
        #expect(centre.anna.await("202", method: "REFER") != nil)
        #expect(centre.anna.notified(200)?.header("Subscription-State") == "terminated;reason=noresource")
        #expect(centre.anna.await("BYE") != nil)
    }

    @Test func `B107: a parked caller hears music, and whoever dials the slot has him; the record goes on`() throws {
        let centre = try TransferCentre()
        try park(centre, at: "*701")
        let parked = try #require(try centre.running.rows("calls").first)
        #expect(parked["state"] as? String == "held" && parked["parked"] as? String == "1")
        #expect(try centre.running.gudok("calls").text.contains("PARKED"))
        _ = centre.caller.media.samples()
        #expect(eventually { centre.caller.media.samples().contains { abs($0) > 500 } })
        // She has done with him.
        #expect(try eventually { try centre.running.state(of: "1001") == "wrap-up" })

        let answer = try centre.boris.phone.call("*701", port: centre.boris.media.port)
        #expect(answer.startWord == "200")
        centre.boris.phone.acknowledge(answer, to: "*701")
        centre.follow(try #require(answer.audioPort))
        #expect(centre.heard("caller", "boris") == ["caller": ["boris"], "boris": ["caller"]])
        let talking = try #require(try centre.running.rows("calls").first)
        #expect(talking["state"] as? String == "talking" && talking["parked"] is NSNull)
        centre.hangUp()
        #expect(centre.boris.await("BYE") != nil)
        let records = try centre.records(2)
        let record = try #require(records.first { $0["direction"] as? String == "inbound" })
        #expect(record.legs.compactMap { $0["result"] as? String } == ["answered", "transferred", "answered"])
        #expect(record["queue"] as? String == "sales" && record["disposition"] as? String == "answered")
        // What was said before and after are two recordings of one call.
        #expect(
            try eventually { try centre.running.rows("recordings").count { $0["state"] as? String == "final" } == 2 }
        )
        let why = try centre.running.gudok("why", centre.call).text
        #expect(why.contains("parked in slot 1 by user 1001"), "\(why)")
        #expect(try centre.isClean())
    }

    @Test func `B107: when nobody dials the slot in time, whoever parked him is rung for him`() throws {
        let centre = try TransferCentre(wrapUp: 1)
        try park(centre, at: "*711")
        let again = try #require(centre.anna.await { $0.startWord == "INVITE" && !$0.toTagged })
        #expect(again.header("From")?.contains("+74951112233") == true)
        #expect(try centre.running.rows("calls").first?["state"] as? String == "transferring")
        centre.anna.phone.respond("200 OK", to: again, toTag: "again", sdp: Phone.sdp(port: centre.anna.media.port))
        #expect(centre.anna.await("ACK") != nil)
        #expect(try eventually { try centre.running.rows("calls").first?["state"] as? String == "talking" })
        centre.hangUp()
        #expect(centre.anna.await("BYE") != nil)
        #expect(try centre.records(1).first?.legs.count == 3)
        #expect(try centre.isClean())
    }

    @Test func `B107: hanging up while parked is clean, and the slot is free again`() throws {
        let centre = try TransferCentre()
        try park(centre, at: "*702")
        centre.hangUp()
        #expect(centre.carrier.final("BYE")?.startWord == "200")
        let record = try #require(try centre.records(1).first)
        #expect(record["disposition"] as? String == "answered" && record["hangup_by"] as? String == "caller")
        #expect(try centre.isClean())
        let empty = try centre.boris.phone.call("*702")
        #expect(empty.startWord == "404")
        centre.boris.phone.acknowledge(empty, to: "*702")
    }

    @Test func `a slot holds one: whoever is sent there as well goes back to who sent him`() throws {
        let centre = try TransferCentre()
        try park(centre, at: "*703")
        let vera = try Phone("1003", password: "vera-demo-3", server: centre.running.sipPort)
        _ = try vera.register()
        let media = try WirePeer()
        let phone = centre.boris.phone
        phone.callID = UUID().uuidString
        #expect(try phone.dial("1003", sdp: Phone.sdp(port: centre.boris.media.port)) == nil)
        _ = try vera.pickUp(media: media)
        let answer = try #require(centre.boris.await("200", method: "INVITE"))
        let tag = phone.acknowledge(answer, to: "1003")
        phone.send(phone.request("REFER", to: "1003", toTag: tag, extra: ["Refer-To: <sip:*703@demo.test>"]))
        #expect(centre.boris.notified(486)?.header("Subscription-State")?.hasPrefix("terminated") == true)
        #expect(try eventually { try centre.running.rows("calls").count { $0["state"] as? String == "talking" } == 1 })
        phone.send(phone.request("BYE", to: "1003", toTag: tag))
        #expect(vera.expect("BYE") != nil)
        #expect(try centre.running.rows("calls").first?["parked"] as? String == "3")
        centre.hangUp()
        #expect(centre.carrier.final("BYE")?.startWord == "200")
    }

    @Test func `a caller whom nobody speaks with yet is parked by command, and goes back into his queue`() throws {
        let centre = try TransferCentre()
        _ = try centre.running.gudok("agent", "logout", "1001")
        _ = try centre.carrier.arrive(media: centre.caller.media)
        let call = try #require(try centre.running.rows("calls").first?["call_id"] as? String)
        #expect(try centre.running.gudok("transfer", call, "*704").code == 0)
        let parked = try #require(try centre.running.rows("calls").first)
        #expect(parked["state"] as? String == "held" && parked["parked"] as? String == "4")
        #expect(try centre.running.gudok("transfer", call, "*715").code == 0)
        let waits = try eventually { try centre.running.rows("calls").first?["parked"] as? String == "15" }
        #expect(waits)
        #expect(try eventually { try centre.running.rows("calls").first?["parked"] is NSNull })

        #expect(try centre.running.gudok("transfer", call, "*706").code == 0)
        let answer = try centre.boris.phone.call("*706", port: centre.boris.media.port)
        #expect(answer.startWord == "200")
        centre.boris.phone.acknowledge(answer, to: "*706")
        #expect(try eventually { try centre.running.rows("calls").first?["state"] as? String == "talking" })
    }

    @Test func `a parked caller whom a command sends to another slot comes back into his queue`() throws {
        let centre = try TransferCentre()
        try park(centre, at: "*701")
        let call = try #require(try centre.running.rows("calls").first?["call_id"] as? String)
        #expect(try centre.running.gudok("transfer", call, "*711").code == 0)
        #expect(try eventually { try centre.running.rows("calls").first?["parked"] as? String == "11" })
        #expect(try eventually { try centre.running.rows("queues").first?["waiting"] as? Int == 1 })
        // As he came into it: by the same priority.
        let why = try centre.running.gudok("why", call).text
        #expect(why.ranges(of: "priority 5").count == 2, "\(why)")
    }

    @Test func `a caller of the plan is not parked by it`() throws {
        let running = try RunningSwitch(incoming: "routes: [{match: \".\", do: [{park: {slot: \"9\"}}]}]")
        let carrier = try Phone("+74951112233", server: running.sipPort, peer: running.carrier)
        carrier.send(carrier.request("INVITE", to: "1001", sdp: Phone.sdp(port: 4_000)))
        #expect(carrier.final("INVITE")?.startWord == "404")
    }
}

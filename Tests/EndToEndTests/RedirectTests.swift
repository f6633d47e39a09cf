import Foundation
import Testing

/// Where a 3xx leads.
@Suite("Redirects over the wire")
struct RedirectTests {
    private static let plan = """
        routes:
          - {match: "1003", do: [{hangup: rejected}]}
          - {match: "600", do: [answer, echo]}
          - {match: "650", do: [ringing, {dial: {user: "1003", timeout: 5s}}]}
          - {match: "652", do: [{dial: {user: "1002", timeout: 2s}}, {dial: {user: "1003", timeout: 5s}}]}
          - {match: "653", do: [{hangup: busy}]}
          - {match: "654", do: [{dial: {user: "1003", timeout: 5s}}]}
          - {match: "2001", do: [{dial: {user: "1001", timeout: 5s}}]}
          - {match: "+8.", from: "1001", do: [{hangup: rejected}]}
          - {match: "+.", do: [{dial: {trunk: carrier, number: "{called}", timeout: 20s}}]}
          - {match: "*7", do: [{agent: login}]}
        """

    /// A carrier that calls Anna, whose phone sends calls on; Vera's phone rings, Boris has none.
    private struct House {
        let running: RunningSwitch
        let carrier: Phone
        let anna: Phone
        let vera: Phone

        init(incoming: String = RunningSwitch.incomingPlan) throws {
            running = try RunningSwitch(incoming: incoming, internalPlan: RedirectTests.plan)
            carrier = try Phone("+74951112233", server: running.sipPort, peer: running.carrier)
            anna = try Phone("1001", password: "anna-demo-1", server: running.sipPort)
            vera = try Phone("1003", password: "vera-demo-3", server: running.sipPort)
            #expect(try anna.register().startWord == "200" && vera.register().startWord == "200")
        }

        func call(sentTo contact: String, _ status: String = "302 Moved Temporarily") throws {
            carrier.callID = UUID().uuidString
            carrier.send(carrier.request("INVITE", to: "1001", sdp: Phone.sdp(port: 4_000)))
            let invite = try #require(anna.expect("INVITE"))
            anna.respond(status, to: invite, toTag: "anna", extra: ["Contact: <\(contact)>"], withContact: false)
        }

        func end() throws {
            #expect(try eventually { try running.metric("gudok_rtp_port_pairs_in_use") == 0 })
            #expect(try running.metric("gudok_invariants_mended_total") == 0)
        }
    }

    @Test func `a 302 leads only where the plan lets its author go, whoever calls`() throws {
        let house = try House()
        for number in ["1003", "+8111", "*7"] {
            try house.call(sentTo: "sip:\(number)@demo.test")
            #expect(house.carrier.answer(to: "INVITE")?.startWord == "403", "\(number)")
            #expect(house.vera.expect("INVITE", within: 0.2) == nil)
            #expect(house.carrier.expect("INVITE", within: 0.1) == nil)
        }
        try house.call(sentTo: "sip:+7111@demo.test")
        let invite = try #require(house.carrier.expect("INVITE"))
        #expect(invite.header("Diversion")?.contains("1001") == true)
        house.carrier.respond("404 Not Found", to: invite, toTag: "far")
        #expect(house.carrier.answer(to: "INVITE")?.startWord == "404")
        try house.end()
    }

    @Test func `the plan that a 302 leads into may begin with any step, and goes on after a dial that fails`() throws {
        let house = try House()
        for number in ["650", "652"] {
            try house.call(sentTo: "sip:\(number)@demo.test")
            let (invite, _) = try house.vera.pickUp(media: WirePeer())
            #expect(invite.header("Diversion")?.contains("1001") == true)
            let answer = try #require(house.carrier.answer(to: "INVITE"))
            #expect(answer.startWord == "200", "\(number)")
            _ = house.carrier.acknowledge(answer, to: "1001")
            house.vera.hangUp(invite)
            _ = try #require(house.carrier.expect("BYE"))
        }
        try house.call(sentTo: "sip:600@demo.test")
        #expect(house.carrier.answer(to: "INVITE")?.startWord == "200")
    }

    @Test func `contacts of a lower q take no place of a trunk before their turn`() throws {
        let house = try House()
        house.carrier.send(house.carrier.request("INVITE", to: "1001", sdp: Phone.sdp(port: 4_000)))
        let invite = try #require(house.anna.expect("INVITE"))
        let contacts = "Contact: <sip:654@demo.test>;q=1.0, <sip:+7112@demo.test>;q=0.5, <sip:+7113@demo.test>;q=0.2"
        house.anna.respond("302 Moved", to: invite, toTag: "anna", extra: [contacts], withContact: false)
        let rung = try #require(house.vera.expect("INVITE"))
        let calls = { try house.running.rows("trunks").first?["active_calls"] as? Int ?? -1 }
        let before = try calls()
        house.vera.respond("480 Gone", to: rung, toTag: "vera")
        let second = try #require(house.carrier.expect("INVITE"))
        #expect(second.hasPrefix("INVITE sip:+7112@"))
        #expect(try calls() == before + 1)
        // Nobody else is asked after this.
        house.carrier.respond("603 Decline", to: second, toTag: "far")
        #expect(house.carrier.answer(to: "INVITE")?.startWord == "603")
        #expect(try eventually { try calls() == 0 })
        try house.end()
    }

    @Test func `a plan that leads back to who sent the call on is a loop, and ends`() throws {
        let house = try House()
        try house.call(sentTo: "sip:2001@demo.test")
        #expect(house.carrier.answer(to: "INVITE")?.startWord.first == "4")
        #expect(house.anna.expect("INVITE", within: 0.2) == nil)
        try house.end()
    }

    @Test func `when nobody is reached where a 302 led, the plan goes on that had the phone rung`() throws {
        let house = try House(
            incoming: """
                routes:
                  - match: "1001"
                    do:
                      - dial: {user: "1001", timeout: 20s}
                      - when: {dial_result: busy}
                        then: [{dial: {user: "1003", timeout: 20s}}]
                """
        )
        try house.call(sentTo: "sip:653@demo.test")
        let invite = try #require(house.vera.expect("INVITE"))
        house.vera.respond("486 Busy Here", to: invite, toTag: "vera")
        #expect(house.carrier.answer(to: "INVITE")?.startWord == "486")
        try house.end()
    }

    @Test(arguments: [
        ("305 Use Proxy", "sip:650@demo.test"), ("380 Alternative Service", "sip:650@demo.test"),
        ("302 Moved", "sip:650@demo.test;method=BYE"),
    ])
    func `RFC 3261 §21.3.4, §21.3.5, §19.1.1: what names no other place for the call is not followed`(
        status: String,
        contact: String
    ) throws {
        let house = try House()
        try house.call(sentTo: contact, status)
        #expect(house.carrier.answer(to: "INVITE")?.startWord.first == "4")
        #expect(house.vera.expect("INVITE", within: 0.2) == nil)
        try house.end()
    }

    @Test func `RFC 5806: why a trunk sent a call on is told as it says it`() throws {
        let house = try House()
        _ = try house.anna.dial("+7111", sdp: Phone.sdp(port: 4_000))
        let invite = try #require(house.carrier.expect("INVITE"))
        house.carrier.respond(
            "302 Moved",
            to: invite,
            toTag: "far",
            extra: ["Contact: <sip:+7222@far.test>", "Diversion: <sip:+7111@far.test>;reason=user-busy"],
            withContact: false
        )
        let next = try #require(house.carrier.expect("INVITE"))
        #expect(next.hasPrefix("INVITE sip:+7222@"))
        #expect(next.headers("Diversion") == ["<sip:+7111@far.test>;reason=user-busy"])
        house.carrier.respond("404 Not Found", to: next, toTag: "far")
        #expect(house.anna.answer(to: "INVITE")?.startWord == "404")
        try house.end()
    }

    @Test func `RFC 5806: a carrier hears for whom a call comes that a phone did not take`() throws {
        let house = try House(
            incoming: """
                routes:
                  - match: "1001"
                    do:
                      - dial: {user: "1001", timeout: 20s}
                      - dial: {trunk: carrier, number: "+7999", timeout: 20s}
                """
        )
        house.carrier.send(house.carrier.request("INVITE", to: "1001", sdp: Phone.sdp(port: 4_000)))
        let first = try #require(house.anna.expect("INVITE"))
        house.anna.respond("486 Busy Here", to: first, toTag: "anna")
        let second = try #require(house.carrier.expect("INVITE"))
        #expect(second.headers("Diversion") == ["<sip:1001@demo.test>;reason=user-busy"])
        #expect(second.headers("History-Info").count == 2)
        house.carrier.respond("404 Not Found", to: second, toTag: "far")
        #expect(house.carrier.answer(to: "INVITE")?.startWord == "404")
        try house.end()
    }

    @Test(arguments: ["200 OK", "486 Busy Here"])
    func `§8.1.3.4: a 302 of one of a group to another who rings already rings his phone no second time`(
        answer: String
    ) throws {
        let house = try House(
            incoming: "routes: [{match: \".\", do: [{dial: {group: [\"1001\", \"1003\"], timeout: 5s}}]}]"
        )
        house.carrier.send(house.carrier.request("INVITE", to: "777", sdp: Phone.sdp(port: 4_000)))
        let ringing = try #require(house.vera.expect("INVITE"))
        house.vera.respond("180 Ringing", to: ringing, toTag: "vera")
        let invite = try #require(house.anna.expect("INVITE"))
        let contact = ["Contact: <sip:654@demo.test>"]
        house.anna.respond("302 Moved Temporarily", to: invite, toTag: "anna", extra: contact, withContact: false)
        #expect(house.anna.expect("ACK") != nil)
        #expect(house.vera.expect("INVITE", within: 0.3) == nil)
        let isAnswered = answer.hasPrefix("200")
        house.vera.respond(answer, to: ringing, toTag: "vera", sdp: isAnswered ? Phone.sdp(port: 4_002) : nil)
        #expect(house.carrier.answer(to: "INVITE")?.startWord == String(answer.prefix(3)))
    }

    @Test func `§8.1.3.4: those with the next q are rung when more than one phone of the first has refused`() throws {
        let house = try House()
        let second = try Phone("1003", password: "vera-demo-3", server: house.running.sipPort)
        #expect(try second.register().startWord == "200")
        try house.call(sentTo: "sip:+7112@demo.test>;q=0.5, <sip:654@demo.test")
        let rung = try [house.vera, second].map { ($0, try #require($0.expect("INVITE"))) }
        for (phone, invite) in rung { phone.respond("486 Busy Here", to: invite, toTag: "vera") }
        let next = try #require(house.carrier.expect("INVITE"))
        house.carrier.respond("603 Decline", to: next, toTag: "far")
        #expect(house.carrier.answer(to: "INVITE")?.startWord == "603")
        try house.end()
    }

    @Test func `§8.1.3.4: whom a 302 names again is rung once, and takes nobody's place`() throws {
        let house = try House()
        let again = (0..<4).map { "<sip:654@demo.test>;q=0.\(9 - $0)" }.joined(separator: ", ")
        try house.call(sentTo: "sip:654@demo.test>, \(again), <sip:+7112@demo.test>;q=0.1, <sip:1001@demo.test")
        let rung = try #require(house.vera.expect("INVITE"))
        house.vera.respond("486 Busy Here", to: rung, toTag: "vera")
        let next = try #require(house.carrier.expect("INVITE"))
        #expect(next.hasPrefix("INVITE sip:+7112@"))
        house.carrier.respond("404 Not Found", to: next, toTag: "far")
        #expect(house.carrier.answer(to: "INVITE")?.startWord.first == "4")
        #expect(house.vera.expect("INVITE", within: 0.1) == nil)
        try house.end()
    }
}

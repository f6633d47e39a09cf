import Codecs
import Foundation
import Testing

/// Customers who have spoken with somebody and are handed on to a queue.
@Suite("Customers who are handed on to a queue")
struct HandedOnTests {
    private static let tenant = """
        queues:
          - name: sales
            record: false
            callback: {attempts: 2, retry_after: 1s}
            keys: {"1": {dialplan: incoming, flow: call-me-sales}}
            agents: [{user: "1001"}]
          - name: support
            extension: "792"
            record: true
            callback: {attempts: 2, retry_after: 1s}
            keys: {"1": {dialplan: incoming, flow: call-me-support}}
            agents: [{user: "1002"}]
          - {name: night, on_empty: refuse, agents: [{user: "1003"}]}
        """
    private static let incoming = """
        routes: [{match: ".", do: [{queue: sales}, {hangup: normal}]}]
        flows:
          call-me-sales: [{callback: {queue: sales, number: "{caller}"}}, {hangup: normal}]
          call-me-support: [{callback: {queue: support, number: "{caller}"}}, {hangup: normal}]
        """
    private static let internalPlan = """
        routes:
          - {match: "1xxx", do: [{dial: {user: "{called}", timeout: 20s}}]}
          - {match: "702", from: "1001", do: [{queue: support}]}
          - {match: "703", do: [{queue: night}]}
          - {match: "704", do: [{queue: sales}]}
          - {match: "+7.", do: [{dial: {trunk: carrier, number: "{called}", timeout: 20s}}]}
        """
    private static let number = "+74951112233"

    private let running: RunningSwitch
    private let customer: Handset
    private let anna: Handset
    private let boris: Handset

    init() throws {
        running = try RunningSwitch(tenant: Self.tenant, incoming: Self.incoming, internalPlan: Self.internalPlan)
        let carrier = try Phone(Self.number, server: running.sipPort, peer: running.carrier)
        customer = Handset(carrier, media: try WirePeer())
        anna = Handset(try Phone("1001", password: "anna-demo-1", server: running.sipPort), media: try WirePeer())
        boris = Handset(try Phone("1002", password: "boris-demo-2", server: running.sipPort), media: try WirePeer())
        _ = try (anna.phone.register(), boris.phone.register())
        _ = try running.gudok("agent", "login", "1001")
    }

    private func take(_ invite: String, _ handset: Handset) throws -> UInt16 {
        let phone = handset.phone
        phone.respond("200 OK", to: invite, toTag: phone.user, sdp: Phone.sdp(port: handset.media.port))
        _ = try #require(handset.await("ACK"))
        return try #require(invite.audioPort)
    }

    private func waits(in queue: String) throws -> Bool {
        try eventually { try running.rows("queues").first { $0["queue"] as? String == queue }?["waiting"] as? Int == 1 }
    }

    /// The customer calls, and speaks with Anna; her call, and where the customer sends to.
    private func inbound() throws -> (invite: String, port: UInt16) {
        let (_, port) = try customer.phone.arrive(media: customer.media)
        let (invite, _) = try anna.phone.pickUp(media: anna.media)
        return (invite, port)
    }

    /// Anna calls the customer; the dialog's tag on our side, and where he sends to.
    private func outbound() throws -> (tag: String, port: UInt16) {
        #expect(try anna.phone.dial(Self.number, sdp: Phone.sdp(port: anna.media.port)) == nil)
        let port = try take(try #require(customer.await("INVITE")), customer)
        let answer = try #require(anna.await("200", method: "INVITE"))
        return (anna.phone.acknowledge(answer, to: Self.number), port)
    }

    /// He asked in a queue to be called back, and Anna has called him.
    private func calledBack() throws -> (annas: String, customers: String) {
        _ = try running.gudok("agent", "pause", "1001")
        let (_, port) = try customer.phone.arrive(media: customer.media)
        #expect(try waits(in: "sales"))
        customer.media.press(1, to: port, at: 1)
        #expect(customer.await("BYE") != nil)
        _ = try running.gudok("agent", "unpause", "1001")
        let (invite, _) = try anna.phone.pickUp(media: anna.media, within: 8)
        let outward = try #require(customer.await("INVITE"))
        _ = try take(outward, customer)
        #expect(try eventually { try running.rows("callbacks").first?["state"] as? String == "done" })
        return (invite, outward)
    }

    private func handOn(_ invite: String, to target: String = "702") {
        let refer = ["Refer-To: <sip:\(target)@demo.test>"]
        anna.phone.send(anna.phone.request("REFER", in: invite, sequence: 1, extra: refer))
    }

    private func lastRecord() throws -> [String: Any] {
        var records: [[String: Any]] = []
        #expect(
            try eventually {
                records = try running.rows("cdr")
                return !records.isEmpty && records.allSatisfy { $0["ended_at"] is String }
            }
        )
        return try #require(records.first)
    }

    @Test func `who was called back and is handed on to another queue speaks with its agent`() throws {
        let talk = try calledBack()
        _ = try running.gudok("agent", "login", "1002")
        handOn(talk.annas)
        let invite = try #require(boris.await("INVITE"))
        #expect(invite.header("From")?.contains(Self.number) == true, "\(invite)")
        let toBoris = try take(invite, boris)
        #expect(anna.notified(200) != nil && anna.await("BYE") != nil)
        let isTalking = try eventually {
            let live = try running.rows("calls").first
            return live?["state"] as? String == "talking" && live?["agent"] as? String == "1002"
        }
        #expect(isTalking)
        let toCustomer = try #require(talk.customers.audioPort)
        let heard = Speaker.heard(
            among: [("customer", customer.media, toCustomer, 440), ("boris", boris.media, toBoris, 1_700)],
            speaking: ["customer", "boris"],
            share: 0.5
        )
        #expect(heard == ["customer": ["boris"], "boris": ["customer"]])
        customer.phone.send(customer.phone.request("BYE", in: talk.customers, sequence: 1))
        #expect(boris.await("BYE") != nil)
        let record = try lastRecord()
        #expect(record["disposition"] as? String == "answered" && record["sip_code"] as? Int == 200)
        #expect(record["queue"] as? String == "support" && record["agent"] as? String == "1002")
        let report = try #require(try running.rows("stats", "queues", "--queue", "support").first)
        #expect(report["offered"] as? Int == 1 && report["answered"] as? Int == 1)
    }

    @Test func `a queue's own number leads into it, for callers and for whom they hand on`() throws {
        let (invite, _) = try inbound()
        handOn(invite, to: "792")
        #expect(anna.notified(200) != nil && anna.await("BYE") != nil)
        #expect(try waits(in: "support"))
        let vera = try Phone("1003", password: "vera-demo-3", server: running.sipPort)
        let answer = try vera.call("792", port: try WirePeer().port)
        #expect(answer.startWord == "200")
        #expect(try running.rows("queues").first { $0["queue"] as? String == "support" }?["waiting"] as? Int == 2)
        let path = try running.gudok("dialplan", "route", "--from", "1003", "--to", "792").text
        #expect(path.contains("the extension of queue support") && !path.contains("line 0"), "\(path)")
    }

    @Test(arguments: ["inbound", "outbound", "called back"])
    func `the customer who is handed on is himself there: it is he who is called back and who is missed`(
        way: String
    ) throws {
        let port: UInt16
        switch way {
        case "inbound":
            let talk = try inbound()
            port = talk.port
            handOn(talk.invite)
        case "outbound":
            let talk = try outbound()
            port = talk.port
            let refer = ["Refer-To: <sip:702@demo.test>"]
            anna.phone.send(anna.phone.request("REFER", to: Self.number, toTag: talk.tag, extra: refer))
        default:
            let talk = try calledBack()
            port = try #require(talk.customers.audioPort)
            handOn(talk.annas)
        }
        #expect(anna.notified(200) != nil && anna.await("BYE") != nil)
        #expect(try waits(in: "support"))
        customer.media.press(1, to: port, at: 1)
        #expect(customer.await("BYE") != nil)
        func theWish() throws -> [String: Any]? {
            try running.rows("callbacks").first { $0["queue"] as? String == "support" }
        }
        #expect(try eventually { try theWish() != nil })
        let wish = try #require(try theWish())
        #expect(wish["number"] as? String == Self.number && wish["state"] as? String == "waiting")
        // Anna has spoken with him.
        #expect(try lastRecord()["disposition"] as? String == "answered")
    }

    @Test func `a customer of ours who gives up in the queue was spoken with, and is missed under his own number`()
        throws
    {
        let talk = try outbound()
        anna.phone.send(
            anna.phone.request(
                "REFER",
                to: Self.number,
                toTag: talk.tag,
                extra: ["Refer-To: <sip:702@demo.test>"]
            )
        )
        #expect(try waits(in: "support"))
        let call = try #require(try running.rows("calls").first?["call_id"] as? String)
        #expect(try running.gudok("hangup", call).code == 0)
        #expect(customer.await("BYE") != nil)
        #expect(try lastRecord()["disposition"] as? String == "answered")
        let missed = try #require(try running.rows("stats", "missed", "--queue", "support").first)
        #expect(missed["number"] as? String == Self.number)
    }

    @Test func `the wait that an agent's answer ended is none of the next queue's`() throws {
        _ = try running.gudok("agent", "pause", "1001")
        _ = try running.gudok("agent", "login", "1002")
        _ = try customer.phone.arrive(media: customer.media)
        #expect(
            try eventually {
                let sales = try running.rows("queues").first { $0["queue"] as? String == "sales" }
                return (sales?["longest_wait_s"] as? Double ?? 0) > 2
            }
        )
        _ = try running.gudok("agent", "unpause", "1001")
        handOn(try anna.phone.pickUp(media: anna.media).invite)
        _ = try take(try #require(boris.await("INVITE")), boris)
        #expect(try eventually { try running.rows("calls").first?["agent"] as? String == "1002" })
        let reports = try running.rows("stats", "queues")
        func wait(_ queue: String) throws -> Double {
            try #require(reports.first { $0["queue"] as? String == queue }?["asa_s"] as? Double)
        }
        #expect(try wait("sales") > 2)
        #expect(try wait("support") < wait("sales"))
    }

    @Test func `a queue that refuses the party has not taken it: the two speak again`() throws {
        let talk = try inbound()
        handOn(talk.invite, to: "703")
        #expect(anna.notified(480) != nil)
        #expect(try eventually { try running.rows("calls").first?["state"] as? String == "talking" })
        #expect(anna.await("BYE", within: 0.3) == nil && customer.await("BYE", within: 0.1) == nil)
        #expect(try running.state(of: "1001") == "on-call")
        let live = try #require(try running.rows("calls").first)
        #expect(live["queue"] as? String == "sales" && live["agent"] as? String == "1001", "\(live)")
    }

    @Test func `a waiting caller whom a supervisor sends to a queue that refuses him keeps his place`() throws {
        _ = try running.gudok("agent", "pause", "1001")
        _ = try customer.phone.arrive(media: customer.media)
        #expect(try waits(in: "sales"))
        let call = try #require(try running.rows("calls").first?["call_id"] as? String)
        let (code, text) = try running.gudok("transfer", call, "703")
        #expect(code == 1 && text.contains("takes nobody now"), "\(text)")
        #expect(try waits(in: "sales"))
    }

    @Test func `a waiting caller whom a supervisor sends to a phone that nobody answers goes back to his place`() throws
    {
        _ = try running.gudok("agent", "pause", "1001")
        _ = try customer.phone.arrive(media: customer.media)
        #expect(try waits(in: "sales"))
        let second = try Phone("+74951112299", server: running.sipPort, peer: running.carrier)
        _ = try second.arrive(media: try WirePeer())
        #expect(try eventually { try running.rows("queues").contains { $0["waiting"] as? Int == 2 } })
        let call = try #require(
            try running.rows("calls").first { $0["from"] as? String == Self.number }?["call_id"] as? String
        )
        #expect(try running.gudok("transfer", call, "1003").code == 0)
        #expect(try eventually { try running.rows("queues").contains { $0["waiting"] as? Int == 2 } })
        let why = try running.gudok("why", call).text
        #expect(why.contains("back to where he waited") && why.contains("queue sales: place 1,"), "\(why)")
    }

    @Test func `a hold that lasts on the way to the next queue is part of both talks, and not of the wait`() throws {
        let (tag, _) = try customer.phone.arrive(media: customer.media)
        let (invite, _) = try anna.phone.pickUp(media: anna.media)
        let held = Phone.sdp(port: customer.media.port, direction: "sendonly", version: 2)
        customer.phone.send(customer.phone.request("INVITE", to: "+74950000700", toTag: tag, sdp: held))
        #expect(anna.await { $0.startWord == "INVITE" && $0.toTagged } != nil)
        customer.phone.acknowledge(try #require(customer.await("200", method: "INVITE")), to: "+74950000700")
        #expect(try eventually { try running.rows("calls").first?["state"] as? String == "held" })
        handOn(invite)
        #expect(anna.await("BYE") != nil)
        let hasWaited = try eventually {
            let support = try running.rows("queues").first { $0["queue"] as? String == "support" }
            return (support?["longest_wait_s"] as? Double ?? 0) > 2
        }
        #expect(hasWaited)
        _ = try running.gudok("agent", "login", "1002")
        _ = try take(try #require(boris.await("INVITE")), boris)
        #expect(try eventually { try running.rows("calls").first?["state"] as? String == "held" })
        customer.phone.send(customer.phone.request("BYE", to: "+74950000700", toTag: tag))
        #expect(boris.await("BYE") != nil)
        let record = try lastRecord()
        let (talk, hold) = (record["talk_s"] as? Double ?? 0, record["hold_s"] as? Double ?? 0)
        #expect(hold > 0 && hold <= talk, "\(hold) \(talk)")
        let report = try #require(try running.rows("stats", "queues", "--queue", "support").first)
        #expect((report["hold_s"] as? Double ?? 0) > 0, "\(report)")
    }

    @Test func `the agent of another queue who was asked first has the customer for that queue, and is recorded so`()
        throws
    {
        let (tag, _) = try customer.phone.arrive(media: customer.media)
        let (invite, _) = try anna.phone.pickUp(media: anna.media)
        _ = try running.gudok("agent", "login", "1002")
        let consult = try Phone("1001", password: "anna-demo-1", server: running.sipPort, peer: anna.phone.peer)
        #expect(try consult.dial("702", sdp: Phone.sdp(port: anna.media.port)) == nil)
        let answer = try #require(anna.await("200", method: "INVITE"))
        let ours = consult.acknowledge(answer, to: "702")
        _ = try take(try #require(boris.await("INVITE")), boris)
        #expect(try eventually { try running.state(of: "1002") == "on-call" })
        let dialog = "\(consult.callID)%3Bto-tag%3D\(ours)%3Bfrom-tag%3D\(consult.tag)"
        let refer = ["Refer-To: <sip:702@demo.test?Replaces=\(dialog)>"]
        anna.phone.send(anna.phone.request("REFER", in: invite, sequence: 1, extra: refer))
        #expect(boris.await { $0.startWord == "INVITE" && $0.toTagged } != nil)
        #expect(anna.notified(200) != nil && anna.await("BYE") != nil)
        let isServed = try eventually {
            let calls = try running.rows("calls")
            guard calls.count == 1, let call = calls.first else { return false }
            return call["queue"] as? String == "support" && call["agent"] as? String == "1002"
        }
        #expect(isServed)
        let recorded = try running.rows("recordings").first { $0["policy"] as? String == "queue support" }
        let recording = try #require(recorded)
        #expect(try eventually { try running.state(of: "1001") == "available" })
        let call = try #require(try running.rows("calls").first?["call_id"] as? String)
        customer.phone.send(customer.phone.request("BYE", to: "+74950000700", toTag: tag))
        #expect(boris.await("BYE") != nil)
        #expect(call == recording["call_id"] as? String)
        _ = try lastRecord()
        let record = try #require(try running.rows("cdr").first { $0["call_id"] as? String == call })
        #expect(record["queue"] as? String == "support" && record["agent"] as? String == "1002", "\(record)")
        let queue = try #require(try running.rows("stats", "queues", "--queue", "support").first)
        #expect(queue["offered"] as? Int == 1 && queue["answered"] as? Int == 1, "\(queue)")
        for agent in ["1001", "1002"] {
            let report = try #require(try running.rows("stats", "agents", "--agent", agent).first)
            #expect(report["handled"] as? Int == 1 && report["direct_calls"] as? Int == 0, "\(report)")
        }
        #expect(!running.process.text.contains("mended"))
    }

    /// Anna calls the queue of Boris, who has answered; her dialog.
    private func annaAsksBoris() throws -> (phone: Phone, tag: String, invite: String) {
        _ = try running.gudok("agent", "login", "1002")
        let phone = try Phone("1001", password: "anna-demo-1", server: running.sipPort, peer: anna.phone.peer)
        #expect(try phone.dial("702", sdp: Phone.sdp(port: anna.media.port)) == nil)
        let tag = phone.acknowledge(try #require(anna.await("200", method: "INVITE")), to: "702")
        let invite = try #require(boris.await("INVITE"))
        _ = try take(invite, boris)
        #expect(try eventually { try running.state(of: "1002") == "on-call" })
        return (phone, tag, invite)
    }

    @Test(arguments: ["take-over", "gudok transfer", "his own transfer"])
    func
        `an agent whom his caller hands on to a customer is the operator of that talk, and works no more when he has left it`(
            way: String
        ) throws
    {
        let vera = Handset(try Phone("1003", password: "vera-demo-3", server: running.sipPort), media: try WirePeer())
        _ = try vera.phone.register()
        let (phone, tag, invite) = try annaAsksBoris()
        let refer = ["Refer-To: <sip:\(Self.number)@demo.test>"]
        anna.phone.send(phone.request("REFER", to: "702", toTag: tag, extra: refer))
        _ = try take(try #require(customer.await("INVITE")), customer)
        #expect(anna.await("BYE") != nil)
        #expect(try eventually { try running.rows("calls").first?["state"] as? String == "talking" })
        let call = try #require(try running.rows("calls").first?["call_id"] as? String)
        switch way {
        case "take-over": #expect(try running.gudok("supervise", "take-over", call, "--by", "1003").code == 0)
        case "gudok transfer": #expect(try running.gudok("transfer", call, "1003").code == 0)
        default:
            let on = ["Refer-To: <sip:1003@demo.test>"]
            boris.phone.send(boris.phone.request("REFER", in: invite, sequence: 1, extra: on))
        }
        _ = try take(try #require(vera.await("INVITE")), vera)
        #expect(boris.await("BYE") != nil)
        #expect(try eventually { try running.state(of: "1002") == "available" })
        #expect(customer.await("BYE", within: 0.3) == nil)
        #expect(try eventually { try running.rows("calls").count == 1 })
    }

    @Test(arguments: ["take-over", "gudok transfer", "his own transfer"])
    func `an agent whom his caller's telephone system hands on to its boss is the operator of that talk`(
        way: String
    ) throws {
        let vera = Handset(try Phone("1003", password: "vera-demo-3", server: running.sipPort), media: try WirePeer())
        _ = try vera.phone.register()
        let (tag, _) = try customer.phone.arrive(media: customer.media)
        let (invite, _) = try anna.phone.pickUp(media: anna.media)
        let refer = ["Refer-To: <sip:+74951112200@demo.test>"]
        let asked = customer.phone.request("REFER", to: "+74950000700", toTag: tag, extra: refer)
        customer.phone.send(asked)
        // The boss, over the same carrier.
        _ = try take(try #require(customer.await("INVITE")), customer)
        #expect(customer.await("BYE") != nil)
        #expect(try eventually { try running.rows("calls").first?["state"] as? String == "talking" })
        let call = try #require(try running.rows("calls").first?["call_id"] as? String)
        #expect(try running.state(of: "1001") == "on-call")
        switch way {
        case "take-over": #expect(try running.gudok("supervise", "take-over", call, "--by", "1003").code == 0)
        case "gudok transfer": #expect(try running.gudok("transfer", call, "1003").code == 0)
        default: handOn(invite, to: "1003")
        }
        _ = try take(try #require(vera.await("INVITE")), vera)
        #expect(anna.await("BYE") != nil)
        #expect(try eventually { try running.state(of: "1001") == "available" })
        #expect(customer.await("BYE", within: 0.3) == nil)
        #expect(try eventually { try running.rows("calls").count == 1 })
    }

    @Test func `an agent whom his caller hands on to another queue is busy with that`() throws {
        _ = try running.gudok("agent", "pause", "1001")
        let (phone, tag, invite) = try annaAsksBoris()
        anna.phone.send(phone.request("REFER", to: "702", toTag: tag, extra: ["Refer-To: <sip:704@demo.test>"]))
        #expect(anna.await("BYE") != nil)
        #expect(try waits(in: "sales"))
        #expect(try running.state(of: "1002") == "on-call")
        boris.phone.hangUp(invite)
        #expect(try eventually { try running.state(of: "1002") == "available" })
    }

    @Test func `whom nobody takes stands in his queue where he stood before an agent had him`() throws {
        let vera = Handset(try Phone("1003", password: "vera-demo-3", server: running.sipPort), media: try WirePeer())
        _ = try vera.phone.register()
        let (invite, _) = try inbound()
        _ = try running.gudok("agent", "pause", "1001")
        let second = try Phone("+74951112299", server: running.sipPort, peer: running.carrier)
        _ = try second.arrive(media: try WirePeer())
        #expect(try waits(in: "sales"))
        handOn(invite, to: "1003")
        let rung = try #require(vera.await("INVITE"))
        anna.phone.send(anna.phone.request("BYE", in: invite, sequence: 2))
        vera.phone.respond("486 Busy Here", to: rung, toTag: "vera")
        anna.phone.respond("486 Busy Here", to: try #require(anna.await("INVITE")), toTag: "anna")
        let call = try #require(
            try running.rows("calls").first { $0["from"] as? String == Self.number }?["call_id"] as? String
        )
        #expect(try eventually { try running.gudok("why", call).text.components(separatedBy: "place 1,").count == 3 })
        let why = try running.gudok("why", call).text
        #expect(why.contains("s waited before") && !why.contains("transfer-failed"), "\(why)")
    }

    @Test(arguments: ["inbound", "called back"])
    func `a customer who was handed on twice comes back to his queue when nobody has him in the end`(
        way: String
    ) throws {
        let vera = Handset(try Phone("1003", password: "vera-demo-3", server: running.sipPort), media: try WirePeer())
        _ = try vera.phone.register()
        let annas = way == "inbound" ? try inbound().invite : try calledBack().annas
        handOn(annas, to: "1002")
        let borisHas = try #require(boris.await("INVITE"))
        _ = try take(borisHas, boris)
        #expect(anna.await("BYE") != nil)
        #expect(try eventually { try running.state(of: "1001") == "available" })
        _ = try running.gudok("agent", "pause", "1001")

        let on = ["Refer-To: <sip:1003@demo.test>"]
        boris.phone.send(boris.phone.request("REFER", in: borisHas, sequence: 1, extra: on))
        let rung = try #require(vera.await("INVITE"))
        boris.phone.send(boris.phone.request("BYE", in: borisHas, sequence: 2))
        vera.phone.respond("486 Busy Here", to: rung, toTag: "vera")
        boris.phone.respond("486 Busy Here", to: try #require(boris.await("INVITE")), toTag: "again")
        #expect(try waits(in: "sales"))
        _ = try running.gudok("agent", "unpause", "1001")
        let (invite, _) = try anna.phone.pickUp(media: anna.media, within: 8)
        #expect(invite.header("From")?.contains(Self.number) == true)
        #expect(try eventually { try running.rows("calls").first?["agent"] as? String == "1001" })
        #expect(customer.await("BYE", within: 0.3) == nil)
    }

    @Test func `in the recording of an agent who was handed on to a customer the customer is left`() throws {
        let (phone, tag, invite) = try annaAsksBoris()
        let refer = ["Refer-To: <sip:\(Self.number)@demo.test>"]
        anna.phone.send(phone.request("REFER", to: "702", toTag: tag, extra: refer))
        let toCustomer = try take(try #require(customer.await("INVITE")), customer)
        #expect(anna.await("BYE") != nil)
        #expect(try eventually { try running.rows("recordings").count == 2 })
        let toBoris = try #require(invite.audioPort)
        Speaker.speak([(customer.media, toCustomer, 440), (boris.media, toBoris, 1_700)], seconds: 2)
        boris.phone.hangUp(invite)
        #expect(customer.await("BYE") != nil)
        var file = ""
        let isFinal = try eventually {
            let row = try running.rows("recordings").first { ($0["id"] as? String)?.hasSuffix("-2") == true }
            file = row?["file"] as? String ?? ""
            return row?["state"] as? String == "final"
        }
        #expect(isFinal)
        let octets = try Data(contentsOf: running.folder.appending(path: "data/tenants/demo/recordings/\(file)"))
        // Two channels of 16 bits behind the header.
        let samples = octets.dropFirst(44).withUnsafeBytes { $0.bindMemory(to: Int16.self).map { Double($0) } }
        let left = stride(from: 0, to: samples.count - 1, by: 2).map { samples[$0] }
        let right = stride(from: 1, to: samples.count, by: 2).map { samples[$0] }
        #expect(Tone.share(of: 440, in: left) > 0.5 && Tone.share(of: 1_700, in: right) > 0.5)
    }
}

import Foundation
import Testing

/// Places in a queue, and keys, as callers have them over the wire.
@Suite("Places in a queue over the wire")
struct QueuePlaceTests {
    /// Calls the centre anew and asks for the queue.
    private func enter(_ caller: Phone, _ media: WirePeer, key: (UInt16) -> Void) throws -> String {
        (caller.callID, caller.tag, caller.sequence) = (UUID().uuidString, UUID().uuidString, 0)
        let (tag, port) = try caller.arrive(media: media)
        key(port)
        return tag
    }

    /// A caller's carrier, and two operators' phones, of whom Anna is logged in.
    private func people(of running: RunningSwitch) throws -> (caller: Phone, anna: Phone, boris: Phone) {
        let caller = try Phone("+74951112233", server: running.sipPort, peer: running.carrier)
        let anna = try Phone("1001", password: "anna-demo-1", server: running.sipPort)
        let boris = try Phone("1002", password: "boris-demo-2", server: running.sipPort)
        for phone in [anna, boris] { _ = try phone.register() }
        _ = try running.gudok("agent", "login", "1001")
        return (caller, anna, boris)
    }

    private func waiting(_ running: RunningSwitch, _ count: Int) throws -> Bool {
        try eventually { try running.rows("queues").first?["waiting"] as? Int == count }
    }

    @Test func `whose wait the switch ends is abandoned in his record as in the report, and talked to nobody`() throws {
        let running = try ContactCentreTests.centre("resume: 1m")
        let caller = try Phone("+74951112233", server: running.sipPort, peer: running.carrier)
        let media = try WirePeer()
        _ = try enter(caller, media) { media.press(1, to: $0, at: 1) }
        #expect(try waiting(running, 1))
        // A second of waiting, so that it would show among the talk.
        #expect(try eventually { (try running.rows("queues").first?["longest_wait_s"] as? Double ?? 0) > 1 })
        let page = try running.page()
        #expect(page.contains("gudok_queue_waiting{tenant=\"demo\",queue=\"sales\"} 1\n"))
        #expect(page.contains("gudok_queue_agents{tenant=\"demo\",queue=\"sales\",state=\"available\"} 0\n"))
        #expect(try running.metric("gudok_queue_longest_wait_seconds{") > 1)
        let call = try #require(try running.rows("calls").first?["call_id"] as? String)
        #expect(try running.gudok("hangup", call).code == 0)
        let bye = try #require(caller.expect("BYE"))
        caller.respond("200 OK", to: bye)
        #expect(try eventually { try running.rows("cdr").first?["ended_at"] is String })
        let record = try #require(try running.rows("cdr", "--disposition", "abandoned").first)
        let (waited, talked) = (record["queue_wait_s"] as? Double ?? 0, record["talk_s"] as? Double ?? 0)
        let sum = talked + waited + (record["setup_s"] as? Double ?? 0)
        #expect(waited > 1 && sum <= (record["duration_s"] as? Double ?? 0) + 0.01)
        #expect(try running.rows("stats", "queues").first?["abandoned"] as? Int == 1)
    }

    @Test func `an agent who hangs up before he is connected loses nobody: the next one's phone rings`() throws {
        let running = try ContactCentreTests.centre("whisper: welcome")
        let (caller, anna, boris) = try people(of: running)
        let media = try WirePeer()
        let tag = try enter(caller, media) { media.press(1, to: $0, at: 1) }
        let (invite, _) = try anna.pickUp(media: WirePeer())
        anna.hangUp(invite)
        #expect(try waiting(running, 1))
        #expect(try running.state(of: "1001") != "wrap-up")
        #expect(try running.rows("cdr").first?["agent"] is NSNull)
        _ = try running.gudok("agent", "login", "1002")
        _ = try boris.pickUp(media: WirePeer())
        // When he has heard whose call it is.
        #expect(try eventually { try running.rows("recordings").count == 1 })
        #expect(try running.rows("calls").first?["agent"] as? String == "1002")
        caller.send(caller.request("BYE", to: "+74950000700", toTag: tag))
        try boris.expectBye()
        #expect(try eventually { try running.rows("cdr").first?["ended_at"] is String })
        let record = try #require(try running.rows("cdr").first)
        #expect(record["agent"] as? String == "1002" && record["hangup_by"] as? String == "caller")
        let rows = try running.rows("stats", "queues", "--by", "agent")
        #expect(rows.compactMap { $0["agent"] as? String } == ["1002"] && rows.first?["offered"] as? Int == 1)
        let missed = try running.rows("stats", "agents", "--agent", "1001").first
        #expect(missed?["missed"] as? Int ?? 0 > 0 && missed?["handled"] as? Int == 0, "\(missed ?? [:])")
    }

    @Test
    func
        `a caller who hangs up while the agent is told whose call it is has waited in vain, and was answered by nobody`()
        throws
    {
        let running = try ContactCentreTests.centre("whisper: welcome")
        let (caller, anna, _) = try people(of: running)
        let media = try WirePeer()
        let tag = try enter(caller, media) { media.press(1, to: $0, at: 1) }
        _ = try anna.pickUp(media: WirePeer())
        caller.send(caller.request("BYE", to: "+74950000700", toTag: tag))
        try anna.expectBye()
        #expect(try eventually { try running.rows("cdr").first?["ended_at"] is String })
        let record = try #require(try running.rows("cdr").first)
        #expect(record["disposition"] as? String == "abandoned" && record["talk_s"] as? Double == 0, "\(record)")
        #expect(record["agent"] is NSNull && record["hangup_by"] as? String == "caller")
        let queue = try #require(try running.rows("stats", "queues").first)
        #expect(queue["abandoned"] as? Int == 1 && queue["answered"] as? Int == 0, "\(queue)")
        // Nor has she missed anything.
        #expect(try running.state(of: "1001") == "available")
        let agent = try #require(try running.rows("stats", "agents", "--agent", "1001").first)
        #expect(
            agent["handled"] as? Int == 0 && agent["missed"] as? Int == 0 && agent["offers"] as? Int == 1,
            "\(agent)"
        )
    }

    @Test func `a crash while the agent is told whose call it is cuts off one who waited`() throws {
        var running = try ContactCentreTests.centre()
        try ContactCentreTests.speak([("en/own", 500, 30)], "whisper: own", in: running)
        let folder = running.folder
        running.isFolderKept = true
        defer { try? FileManager.default.removeItem(at: folder) }
        let (caller, anna, _) = try people(of: running)
        let carrierPort = try #require(running.carrier?.port)
        let media = try WirePeer()
        _ = try enter(caller, media) { media.press(1, to: $0, at: 1) }
        _ = try anna.pickUp(media: WirePeer())
        // Her leg is on record.
        let isOnRecord = try eventually {
            let legs = try running.rows("cdr").first?.legs ?? []
            return legs.contains { $0["user"] as? String == "1001" && $0["answered_at"] is String }
        }
        #expect(isOnRecord)
        let call = try #require(try running.rows("calls").first)
        #expect(call["state"] as? String == "queued" && call["agent"] as? String == "1001", "\(call)")
        let queue = try #require(try running.rows("queues").first)
        #expect(queue["waiting"] as? Int == 1 && queue["answered_today"] as? Int == 0, "\(queue)")
        running.process.signal(SIGKILL)
        running.process.exitCode(within: 5)

        running = try RunningSwitch(carrierPort: carrierPort, folder: folder)
        running.isFolderKept = true
        let record = try #require(try running.rows("cdr").first)
        #expect(record["disposition"] as? String == "abandoned" && record["talk_s"] as? Double == 0, "\(record)")
        #expect(record["agent"] is NSNull && record["reason"] as? String == "engine-restart")
        let report = try #require(try running.rows("stats", "queues").first)
        #expect(report["answered"] as? Int == 0 && report["abandoned"] as? Int == 1, "\(report)")
        let agent = try #require(try running.rows("stats", "agents", "--agent", "1001").first)
        #expect(agent["handled"] as? Int == 0 && agent["offers"] as? Int == 1, "\(agent)")
        #expect(agent["missed"] as? Int == 0, "\(agent)")
        #expect(try running.state(of: "1001") != "wrap-up")
        #expect(try running.rows("stats", "missed").count == 1)
    }

    @Test func `a phone that answers and drops at once leaves the caller in his place, and others ring again`() throws {
        let running = try RunningSwitch(
            tenant: ContactCentreTests.tenant().replacing("longest-idle", with: "ring-all"),
            incoming: ContactCentreTests.incoming,
            internalPlan: ContactCentreTests.internalPlan
        )
        let (caller, anna, boris) = try people(of: running)
        _ = try running.gudok("agent", "login", "1002")
        let media = try WirePeer()
        let tag = try enter(caller, media) { media.press(1, to: $0, at: 1) }
        let ringing = try #require(boris.expect("INVITE"))
        boris.respond("180 Ringing", to: ringing, toTag: "boris")
        let (invite, _) = try anna.pickUp(media: WirePeer())
        anna.hangUp(invite)
        let cancel = try #require(boris.expect("CANCEL"))
        boris.respond("200 OK", to: cancel, toTag: "boris")
        boris.respond("487 Request Terminated", to: ringing, toTag: "boris")
        _ = try boris.pickUp(media: WirePeer())
        #expect(try eventually { try running.rows("calls").first?["agent"] as? String == "1002" })
        caller.send(caller.request("BYE", to: "+74950000700", toTag: tag))
        try boris.expectBye()
        #expect(try eventually { try running.rows("cdr").first?["ended_at"] is String })
        let record = try #require(try running.rows("cdr").first)
        #expect(record["user"] as? String == "1002" && record["hangup_by"] as? String == "caller")
        let row = try #require(try running.rows("stats", "queues").first)
        #expect(row["offered"] as? Int == 1 && row["answered"] as? Int == 1)
        let agents = try running.rows("stats", "agents")
        #expect(agents.first { $0["agent"] as? String == "1001" }?["missed"] as? Int == 1)
        let why = try running.gudok("why", try #require(record["call_id"] as? String)).text
        #expect(why.contains("agent 1001: dropped"), "\(why)")
    }

    @Test func `who waits again after such an agent goes on in his plan when his wait is over`() throws {
        let queue = ContactCentreTests.tenant("whisper: welcome")
            .replacingOccurrences(of: "max_wait: 60s", with: "max_wait: 2s")
            .replacingOccurrences(
                of: "on_timeout: {dialplan: incoming, flow: nobody}",
                with: "sticky: {remember: 1h, wait: 30s}"
            )
        let running = try RunningSwitch(
            tenant: queue,
            incoming: "routes: [{match: \".\", do: [answer, {queue: sales}, {dial: {user: \"1002\", timeout: 20s}}]}]"
        )
        let (caller, anna, boris) = try people(of: running)
        _ = try enter(caller, WirePeer()) { _ in }
        let (invite, _) = try anna.pickUp(media: WirePeer())
        _ = try running.gudok("agent", "logout", "1001")
        anna.hangUp(invite)
        #expect(try waiting(running, 1))
        _ = try boris.pickUp(media: WirePeer())
        #expect(try eventually { try running.rows("calls").first?["state"] as? String == "talking" })
        let call = try #require(try running.rows("calls").first)
        #expect(call["agent"] is NSNull)
    }

    @Test func `a number that no rule takes is neither called nor costs a caller his place`() throws {
        let running = try ContactCentreTests.centre()
        let caller = try Phone("+74951112233", server: running.sipPort, peer: running.carrier)
        let anna = try Phone("1001", password: "anna-demo-1", server: running.sipPort)
        _ = try anna.register()
        for number in ["", "12 34", "5555"] {
            let (code, text) = try running.gudok("call", "1001", number)
            #expect(code == 1 && text.contains("takes '\(number)'"), "\(text)")
        }
        #expect(anna.expect("INVITE", within: 0.3) == nil)
        let media = try WirePeer()
        _ = try enter(caller, media) { media.press(1, to: $0, at: 1) }
        #expect(try waiting(running, 1))
        let call = try #require(try running.rows("calls").first?["call_id"] as? String)
        let (code, text) = try running.gudok("transfer", call, "5555")
        #expect(code == 1 && text.contains("no way to '5555'"), "\(text)")
        #expect(try running.rows("calls").first?["state"] as? String == "queued")
    }

    @Test func `who is refused by the plan itself is hung up by the switch, and his leg says how`() throws {
        let running = try RunningSwitch(internalPlan: "routes: [{match: \".\", do: [{hangup: busy}]}]")
        let boris = try Phone("1002", password: "boris-demo-2", server: running.sipPort)
        #expect(try boris.call("700").startWord == "486")
        #expect(try eventually { try running.rows("cdr").first?["ended_at"] is String })
        let record = try #require(try running.rows("cdr").first)
        #expect(record["disposition"] as? String == "busy" && record["hangup_by"] as? String == "switch")
        #expect((record["legs"] as? [[String: Any]])?.first?["result"] as? String == "busy")
    }

    @Test func `whom a queue refuses is not answered, and an attempt ends in the record when it ended`() throws {
        let running = try ContactCentreTests.centre("on_empty: refuse\n    busy_delay: 1s")
        let boris = try Phone("1002", password: "boris-demo-2", server: running.sipPort)
        let anna = try Phone("1001", password: "anna-demo-1", server: running.sipPort)
        for phone in [anna, boris] { _ = try phone.register() }
        #expect(try boris.call("700").startWord == "480")
        #expect(try eventually { try running.rows("cdr").first?["ended_at"] is String })
        let refused = try #require(try running.rows("cdr").first)
        #expect(refused["answered_at"] is NSNull && refused["queue"] as? String == "sales")
        #expect(refused["disposition"] as? String == "failed" && refused["sip_code"] as? Int == 480)
        #expect(try running.rows("stats", "queues").first?["overflowed"] as? Int == 1)

        _ = try running.gudok("agent", "login", "1001")
        let answer = try boris.call("700")
        #expect(answer.startWord == "200")
        let tag = boris.acknowledge(answer, to: "700")
        anna.respond("486 Busy Here", to: try #require(anna.expect("INVITE")), toTag: "anna")
        _ = try #require(anna.expect("INVITE"))
        boris.send(boris.request("BYE", to: "700", toTag: tag))
        #expect(try eventually { try running.rows("cdr").first?["ended_at"] is String })
        let record = try #require(try running.rows("cdr").first)
        let legs = try #require(record["legs"] as? [[String: Any]])
        let busy = try #require(legs.first { $0["result"] as? String == "busy" })
        let (over, end) = (busy["ended_at"] as? String ?? "", record["ended_at"] as? String ?? "")
        // The agent rests a second at least before his phone rings again.
        #expect(!over.isEmpty && over < end, "\(over) \(end)")
        let next = try #require(legs.last)
        #expect(next["result"] as? String == "cancelled" && over <= (next["started_at"] as? String ?? ""))
    }

    @Test func `a caller who is cut off and calls again has his place back`() throws {
        let running = try ContactCentreTests.centre("resume: 1m")
        let first = try Phone("+74951112233", server: running.sipPort, peer: running.carrier)
        let second = try Phone("+74951112244", server: running.sipPort, peer: running.carrier)
        let anna = try Phone("1001", password: "anna-demo-1", server: running.sipPort)
        _ = try anna.register()
        _ = try running.gudok("agent", "login", "1001")
        _ = try running.gudok("agent", "pause", "1001", "--reason", "break")
        let (firstMedia, secondMedia) = (try WirePeer(), try WirePeer())

        let tag = try enter(first, firstMedia) { firstMedia.press(1, to: $0, at: 1) }
        #expect(try waiting(running, 1))
        first.send(first.request("BYE", to: "+74950000700", toTag: tag))
        #expect(try waiting(running, 0))
        _ = try enter(second, secondMedia) { secondMedia.press(1, to: $0, at: 1) }
        #expect(try waiting(running, 1))
        _ = try enter(first, firstMedia) { firstMedia.press(1, to: $0, at: 2) }
        #expect(try waiting(running, 2))

        _ = try running.gudok("agent", "unpause", "1001")
        let invite = try #require(anna.expect("INVITE"))
        #expect(invite.header("From")?.contains("+74951112233") == true)
    }

    /// An operator's phone that answers 302 to the queue's call, and the switch where that happens.
    private func diverted(to number: String) throws -> (RunningSwitch, Phone, caller: Phone) {
        let running = try ContactCentreTests.centre("short_talk: 0s")
        let (caller, anna, boris) = try people(of: running)
        let media = try WirePeer()
        _ = try enter(caller, media) { media.press(1, to: $0, at: 1) }
        let invite = try #require(anna.expect("INVITE"))
        let contact = "Contact: <sip:\(number)@127.0.0.1:\(running.sipPort)>"
        anna.respond("302 Moved Temporarily", to: invite, toTag: "anna", extra: [contact], withContact: false)
        return (running, boris, caller)
    }

    @Test func `an agent's phone that is diverted rings where it names, for that agent`() throws {
        let (running, boris, _) = try diverted(to: "1002")
        let (invite, _) = try boris.pickUp(media: WirePeer())
        #expect(invite.header("Diversion") != nil)
        let call = try #require(try running.rows("calls").first)
        #expect(call["state"] as? String == "talking" && call["agent"] as? String == "1001")
        boris.hangUp(invite)
        #expect(try eventually { try running.state(of: "1001") == "wrap-up" })
    }

    @Test func `a diversion that leads nowhere leaves the caller waiting, and the agent resting`() throws {
        let (running, _, _) = try diverted(to: "9999")
        #expect(try eventually { try running.state(of: "1001") == "available" })
        let call = try #require(try running.rows("calls").first)
        #expect(call["state"] as? String == "queued")
    }
}

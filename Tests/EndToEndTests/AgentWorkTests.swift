import Foundation
import Testing

/// Agents and their working time over the wire.
@Suite("Agents over the wire")
struct AgentWorkTests {
    private static let internalPlan = """
        routes:
          - {match: "1xxx", do: [{dial: {user: "{called}", timeout: 20s}}]}
          - {match: "600", do: [answer, echo]}
          - {match: "*45", do: [{agent: toggle-login}]}
          - {match: "*45.", do: [{agent: login, as: "{called:3}"}]}
          - {match: "*46", do: [{agent: toggle-pause, reason: break}]}
          - {match: "*47", do: [{agent: end-wrap-up}]}
          - {match: "*48", do: [{agent: extend-wrap-up, by: 2m}]}
        """

    private static let incoming = """
        routes:
          - {match: ".", do: [{queue: sales}, {hangup: normal}]}
        """

    private static let tenant = """
        queues:
          - name: sales
            strategy: linear
            ring_timeout: 1s
            wrap_up: 60s
            pause_after_misses: 1
            agents: [{user: "1001"}, {user: "1002"}]
        pause_reasons: [break, {name: lunch, paid: false, limit: 1s, shift_limit: 1h}]
        """

    private static func centre() throws -> RunningSwitch {
        try RunningSwitch(
            node: "registrations: {min_expires: 1s}",
            tenant: tenant,
            incoming: incoming,
            internalPlan: internalPlan
        )
    }

    /// Anna's is 4711.
    private static func givePIN(_ running: RunningSwitch) throws {
        let pin = "s/password: anna-demo-1/password: anna-demo-1, pin: \"4711\"/"
        let file = running.folder.appending(path: "tenants/demo.yaml").path
        #expect(try ChildProcess("/usr/bin/env", ["sed", "-i", pin, file]).exitCode(within: 5) == 0)
        #expect(try running.gudok("apply", file).code == 0)
    }

    private static func phones(_ running: RunningSwitch) throws -> (carrier: Phone, anna: Phone, boris: Phone) {
        let carrier = try Phone("+74951112233", server: running.sipPort, peer: running.carrier)
        let anna = try Phone("1001", password: "anna-demo-1", server: running.sipPort)
        let boris = try Phone("1002", password: "boris-demo-2", server: running.sipPort)
        _ = try (anna.register(), boris.register())
        return (carrier, anna, boris)
    }

    @Test func `a plan pauses for any reason where the tenant lists none`() throws {
        let running = try RunningSwitch(
            internalPlan: #"routes: [{match: "*47", do: [{agent: pause, reason: coffee}]}]"#
        )
        let anna = try Phone("1001", password: "anna-demo-1", server: running.sipPort)
        _ = try anna.register()
        _ = try running.gudok("agent", "login", "1001")
        try anna.dial(code: "*47")
        let agent = try #require(try running.agent("1001"))
        #expect(agent["state"] as? String == "paused" && agent["reason"] as? String == "coffee", "\(agent)")
    }

    @Test func `a pause that needs a supervisor's word is none of a phone's code, unless a supervisor dials it`() throws
    {
        let running = try RunningSwitch(
            tenant: "pause_reasons: [{name: training, by: supervisor}, break]",
            internalPlan: """
                routes:
                  - {match: "*47", do: [{agent: pause, reason: training}]}
                  - {match: "*48", do: [{agent: pause}]}
                """
        )
        let anna = try Phone("1001", password: "anna-demo-1", server: running.sipPort)
        let vera = try Phone("1003", password: "vera-demo-3", server: running.sipPort)
        _ = try (anna.register(), vera.register())
        for user in ["1001", "1003"] { _ = try running.gudok("agent", "login", user) }
        try anna.dial(code: "*47")
        #expect(try running.state(of: "1001") == "available")
        let refused = try #require(try running.rows("audit", "--action", "agent.pause").first)
        #expect(refused["outcome"] as? String == "refused")
        #expect(refused["detail"] as? String == "a pause for 'training' is a supervisor's to give")
        // What is said of no reason is one that needs nobody.
        try anna.dial(code: "*48")
        #expect(try running.agent("1001")?["reason"] as? String == "break")
        #expect(try running.gudok("agent", "pause", "1001", "--reason", "training").code == 0)
        #expect(try running.agent("1001")?["reason"] as? String == "training")
        try vera.dial(code: "*47")
        #expect(try running.agent("1003")?["reason"] as? String == "training")
    }

    @Test func `one queue leaves an agent out by the command line and the API, over a restart, and its others ask him`()
        throws
    {
        let running = try RunningSwitch(
            tenant: """
                queues:
                  - {name: sales, pause_scope: queue, pause_after_misses: 1, agents: [{user: "1001", busy_delay: 3s}]}
                  - {name: support, agents: [{user: "1001"}]}
                """
        )
        let anna = try Phone("1001", password: "anna-demo-1", server: running.sipPort)
        _ = try anna.register()
        _ = try running.gudok("agent", "login", "1001")
        let paused = try running.gudok("agent", "pause", "1001", "--queue", "sales", "--reason", "training")
        #expect(paused.text == "1001 is available, paused in sales (training)\n")
        func sales() throws -> [String: Any]? { try running.rows("queues").first { $0["queue"] as? String == "sales" } }
        #expect(try sales()?["agents_paused"] as? Int == 1 && sales()?["agents_available"] as? Int == 0)
        #expect(try running.agent("1001")?["paused_in"] as? [String] == ["sales"])
        #expect(try running.gudok("agent", "pause", "1001", "--queue", "other").code == 1)
        #expect(try running.gudok("agent", "login", "1001", "--queue", "sales").code == 2)
        let exported = try running.gudok("export", "--tenant", "demo").text
        #expect(exported.contains("pause_scope: queue") && exported.contains("busy_delay: 3s"))
        running.isFolderKept = true
        running.stop()

        let next = try RunningSwitch(folder: running.folder)
        #expect(try next.agent("1001")?["paused_in"] as? [String] == ["sales"])
        let body = #"{"action": "unpause", "queue": "sales"}"#
        #expect(try next.http("/api/v1/agents/1001", method: "POST", body: body).text.contains(#""paused_in":[]"#))
    }

    @Test func `an operator logs in at another's phone with a PIN, is rung there, and logs out there`() throws {
        let running = try Self.centre()
        try Self.givePIN(running)
        let (carrier, _, boris) = try Self.phones(running)

        try boris.dial(code: "*451001", keys: [4, 7, 1, 2, 11])
        #expect(try running.state(of: "1001") == "logged-out")
        try boris.dial(code: "*451001", keys: [4, 7, 1, 1, 11])
        #expect(try running.state(of: "1001") == "available")
        #expect(try running.agent("1001")?["device"] as? String == "1002")

        let media = try WirePeer()
        let (tag, _) = try carrier.arrive(media: media)
        let annas = try WirePeer()
        _ = try boris.pickUp(media: annas)
        #expect(try running.state(of: "1001") == "on-call" && running.state(of: "1002") == "logged-out")
        carrier.send(carrier.request("BYE", to: "+74950000700", toTag: tag))
        try boris.expectBye()
        #expect(try eventually { try running.state(of: "1001") == "wrap-up" })
        // Whoever works at the phone is meant.
        try boris.dial(code: "*48")
        try boris.dial(code: "*47")
        #expect(try running.state(of: "1001") == "available")
        try boris.dial(code: "*46")
        #expect(try running.state(of: "1001") == "paused")
        try boris.dial(code: "*45")
        #expect(try running.state(of: "1001") == "logged-out")

        let entries = try running.rows("audit", "--action", "agent").reversed()
        let actions = entries.compactMap { entry in
            (entry["action"] as? String).map {
                "\($0) \(entry["actor"] ?? "") \(entry["object"] ?? "") \(entry["outcome"] ?? "")"
            }
        }
        #expect(
            actions == [
                "agent.login 1002 agent 1001 refused", "agent.login 1002 agent 1001 done",
                "agent.extend-wrap-up 1002 agent 1001 done", "agent.end-wrap-up 1002 agent 1001 done",
                "agent.pause 1002 agent 1001 done", "agent.logout 1002 agent 1001 done",
            ]
        )
        // The PIN is nowhere: neither in the log, nor in a record or a trace.
        let calls = try running.rows("cdr").compactMap { $0["call_id"] as? String }
        // Ports may have any digits.
        let traces = try calls.map { try running.gudok("trace", $0).text }.joined().replacing(/[:♪]\d+/, with: "")
        #expect(!"\(entries)\(traces)".contains("4711") && traces.contains("•"))
        #expect(!(try running.gudok("export").text.contains("4711")))
    }

    @Test(arguments: [
        ("pause", "seconds", "5"), ("login", "reason", "lunch"), ("pause", "device", "1002"), ("logout", "reason", "x"),
    ])
    func `what an action does not take is refused`(action: String, key: String, value: String) throws {
        let running = try Self.centre()
        let command = try running.gudok("agent", action, "1001", "--\(key)", value)
        #expect(command.code == 2 && command.text.contains("'\(action)' takes no --\(key)"), "\(command.text)")
        let written = key == "seconds" ? value : "\"\(value)\""
        let body = "{\"action\": \"\(action)\", \"\(key)\": \(written)}"
        let reply = try running.http("/api/v1/agents/1001", method: "POST", body: body)
        #expect(reply.status == 400 && reply.text.contains("'\(action)' takes no \(key)"), "\(reply.text)")
        #expect(try running.state(of: "1001") == "logged-out")
    }

    @Test func `a log-out that waits is shown, and the wrap-up before it can be extended and ended`() throws {
        let running = try Self.centre()
        let (carrier, anna, _) = try Self.phones(running)
        _ = try running.gudok("agent", "login", "1001")
        let (tag, _) = try carrier.arrive(media: WirePeer())
        _ = try anna.pickUp(media: WirePeer())
        #expect(try running.agent("1001")?["pending_logout"] as? Bool == false)
        #expect(try running.gudok("agent", "logout", "1001").text == "1001 is on-call, then logged-out\n")
        #expect(try running.agent("1001")?["pending_logout"] as? Bool == true)
        carrier.send(carrier.request("BYE", to: "+74950000700", toTag: tag))
        try anna.expectBye()
        #expect(try eventually { try running.state(of: "1001") == "wrap-up" })
        let longer = try running.gudok("agent", "extend-wrap-up", "1001", "--seconds", "5")
        #expect(longer.code == 0 && longer.text == "1001 is wrap-up, then logged-out\n", "\(longer.text)")
        #expect(try running.gudok("agent", "end-wrap-up", "1001").text == "1001 is logged-out\n")
        #expect(try running.gudok("agent", "end-wrap-up", "1001").code == 1)
    }

    @Test func `an operator who works at another's phone is reached there by his own extension`() throws {
        let running = try Self.centre()
        let (_, anna, boris) = try Self.phones(running)
        let vera = try Phone("1003", password: "vera-demo-3", server: running.sipPort)
        _ = try vera.register()
        _ = try running.gudok("agent", "login", "1001", "--device", "1002")
        #expect(try vera.dial("1001", sdp: Phone.sdp(port: 4_000)) == nil)
        let (invite, _) = try boris.pickUp(media: WirePeer())
        #expect(anna.expect("INVITE", within: 0.3) == nil)
        #expect(try eventually { try running.state(of: "1001") == "on-call" })
        boris.hangUp(invite)
        #expect(try eventually { try running.state(of: "1001") == "available" })
        #expect(
            try eventually {
                try running.rows("stats", "agents", "--agent", "1001").first?["direct_calls"] as? Int == 1
            }
        )
        // And the command that has him call somebody rings him there.
        #expect(try running.gudok("call", "1001", "1003").code == 0)
        #expect(boris.expect("INVITE") != nil)
        #expect(try running.gudok("agent", "extend-wrap-up", "1001").text.contains("does not wrap up"))
    }

    @Test func `codes at the phone that an operator has left do not act on him, but for the one that brings him back`()
        throws
    {
        let running = try Self.centre()
        let (_, anna, _) = try Self.phones(running)
        _ = try running.gudok("agent", "login", "1001", "--device", "1002")
        try anna.dial(code: "*46")
        #expect(try running.state(of: "1001") == "available")
        let refused = try #require(try running.rows("audit", "--action", "agent.pause").first)
        #expect(refused["outcome"] as? String == "refused" && refused["object"] as? String == "agent 1001")
        try anna.dial(code: "*45")
        #expect(try running.state(of: "1001") == "available")
        #expect(try running.agent("1001")?["device"] as? String == "1001")
    }

    @Test func `a PIN that is keyed in before it is asked for is told to nobody`() throws {
        let running = try RunningSwitch(
            tenant: Self.tenant,
            incoming: Self.incoming,
            internalPlan: """
                routes:
                  - {match: "*44.", do: [{play: [welcome]}, {agent: login, as: "{called:3}"}]}
                  - {match: "*43", do: [{play: [welcome]}, {hangup: normal}]}
                """
        )
        try Self.givePIN(running)
        let (_, _, boris) = try Self.phones(running)
        try boris.dial(code: "*441001", keys: [4, 7, 1, 1, 11])
        #expect(try running.state(of: "1001") == "available")
        // Nor when it is not asked for in the end.
        boris.callID = UUID().uuidString
        try boris.dial(code: "*43", keys: [4, 7, 1, 1])
        let calls = try running.rows("cdr").compactMap { $0["call_id"] as? String }
        #expect(calls.count == 2)
        for call in calls {
            let told = try running.gudok("why", call).text + running.gudok("trace", call).text
            #expect(told.contains("•") && !told.contains("key 4") && !told.contains("key 7"), "\(told)")
        }
    }

    @Test func `the free one rings, who misses is paused, and the next call sees it`() throws {
        let running = try Self.centre()
        let (carrier, anna, boris) = try Self.phones(running)
        for agent in ["1001", "1002"] { _ = try running.gudok("agent", "login", agent) }
        _ = try running.gudok("agent", "pause", "1001", "--reason", "lunch")
        // B123: one is paused, so the other rings, and he alone.
        let media = try WirePeer()
        let (tag, _) = try carrier.arrive(media: media)
        let missed = try #require(boris.expect("INVITE"))
        boris.respond("180 Ringing", to: missed, toTag: "boris")
        #expect(anna.expect("INVITE", within: 0.3) == nil)
        // B127: unanswered he is paused for it.
        let cancel = try #require(boris.expect("CANCEL"))
        boris.respond("200 OK", to: cancel, toTag: "boris")
        boris.respond("487 Request Terminated", to: missed, toTag: "boris")
        #expect(try eventually { try running.agent("1002")?["reason"] as? String == "no-answer" })
        #expect(try running.agent("1001")?["reason"] as? String == "lunch")
        // Longer than the reason allows: an alarm in the live view, in the metrics and in the log.
        #expect(try eventually { try running.agent("1001")?["alarm"] as? String == "pause-limit" })
        #expect(try running.metric("gudok_agents_over_pause_limit") == 1)
        #expect(running.process.text.contains("paused (lunch) longer than"))
        // B133: the end of the pause is seen by the caller who waits.
        _ = try running.gudok("agent", "unpause", "1001")
        let annas = try WirePeer()
        _ = try anna.pickUp(media: annas)
        #expect(try running.agent("1001")?["alarm"] is NSNull)
        // B127: she is in a call, and nobody else is there: the second caller rings nowhere.
        _ = try running.gudok("agent", "unpause", "1002")
        _ = try running.gudok("agent", "logout", "1002")
        carrier.send(carrier.request("BYE", to: "+74950000700", toTag: tag))
        try anna.expectBye()
        // B125: nor while she wraps up, until that is ended.
        #expect(try eventually { try running.state(of: "1001") == "wrap-up" })
        carrier.callID = UUID().uuidString
        _ = try carrier.arrive(media: media)
        #expect(anna.expect("INVITE", within: 0.5) == nil)
        _ = try running.gudok("agent", "end-wrap-up", "1001")
        _ = try #require(anna.expect("INVITE"))
    }

    @Test func `a phone that is gone makes unreachable within its expiry, and a call of his own makes busy`() throws {
        let running = try Self.centre()
        let (_, anna, _) = try Self.phones(running)
        _ = try running.gudok("agent", "login", "1001")
        let echo = try anna.call("600")
        let tag = anna.acknowledge(echo, to: "600")
        #expect(try running.state(of: "1001") == "on-call")
        anna.send(anna.request("BYE", to: "600", toTag: tag))
        #expect(try eventually { try running.state(of: "1001") == "available" })
        // A call to a colleague counts, the echo is no talk.
        let boris = try Phone("1002", password: "boris-demo-2", server: running.sipPort)
        _ = try boris.register()
        anna.callID = UUID().uuidString
        anna.send(anna.request("INVITE", to: "1002", sdp: Phone.sdp(port: 4_000)))
        let challenge = try #require(anna.answer(to: "INVITE"))
        anna.acknowledge(challenge, to: "1002")
        let uri = "sip:1002@127.0.0.1:\(running.sipPort)"
        let proof = try anna.authorization(for: challenge, method: "INVITE", uri: uri)
        anna.send(anna.request("INVITE", to: "1002", extra: [proof], sdp: Phone.sdp(port: 4_000)))
        let borisMedia = try WirePeer()
        _ = try boris.pickUp(media: borisMedia)
        let tagOfBoris = anna.acknowledge(try #require(anna.answer(to: "INVITE")), to: "1002")
        anna.send(anna.request("BYE", to: "1002", toTag: tagOfBoris))
        try boris.expectBye()
        #expect(try eventually { try running.agent("1001")?["calls_today"] as? Int == 1 })
        anna.callID = UUID().uuidString
        #expect(try anna.register(expires: 1).startWord == "200")
        #expect(try eventually(within: 4) { try running.state(of: "1001") == "unreachable" })
        #expect(try anna.register().startWord == "200")
        #expect(try eventually { try running.state(of: "1001") == "available" })
    }

    // MARK: at another's phone

    private static func desk(_ tenant: String) throws -> RunningSwitch {
        try RunningSwitch(tenant: tenant, incoming: incoming, internalPlan: internalPlan)
    }

    @Test func `an operator whose talks are recorded is recorded where he works, and nobody at the phone he has left`()
        throws
    {
        let running = try Self.desk(
            """
            recordings: {agents: ["1001"]}
            queues: [{name: sales, agents: [{user: "1001"}]}]
            """
        )
        let (_, anna, boris) = try Self.phones(running)
        let vera = try Phone("1003", password: "vera-demo-3", server: running.sipPort)
        _ = try vera.register()
        _ = try running.gudok("agent", "login", "1001", "--device", "1002")
        let media = try WirePeer()
        // He is called, and calls.
        #expect(try vera.dial("1001", sdp: Phone.sdp(port: media.port)) == nil)
        let (toHim, _) = try boris.pickUp(media: media)
        vera.acknowledge(try #require(vera.answer(to: "INVITE")), to: "1001")
        #expect(try eventually { try running.rows("recordings").count == 1 })
        boris.hangUp(toHim)
        #expect(vera.expect("BYE") != nil)
        for (caller, recordings) in [(boris, 2), (anna, 2)] {
            #expect(try caller.dial("1003", sdp: Phone.sdp(port: media.port)) == nil)
            let (invite, _) = try vera.pickUp(media: media)
            caller.acknowledge(try #require(caller.answer(to: "INVITE")), to: "1003")
            #expect(try eventually { try running.rows("calls").first?["state"] as? String == "talking" })
            vera.hangUp(invite)
            #expect(caller.expect("BYE") != nil)
            #expect(
                try eventually { try running.rows("cdr").allSatisfy { $0["ended_at"] is String } }
            )
            #expect(try running.rows("recordings").count == recordings)
        }
        #expect(try running.rows("recordings").allSatisfy { $0["policy"] as? String == "agent 1001" })
        #expect(try running.rows("cdr").first?["not_recorded"] as? String == "no-policy")
    }

    @Test func `an operator's own talks are recorded for his sake, not those of whoever has his caller after him`()
        throws
    {
        let running = try Self.desk(
            """
            recordings: {agents: ["1001"]}
            queues: [{name: sales, agents: [{user: "1001"}]}]
            """
        )
        let (carrier, anna, boris) = try Self.phones(running)
        _ = try running.gudok("agent", "login", "1001")
        let media = try WirePeer()
        let (tag, _) = try carrier.arrive(media: media)
        _ = try anna.pickUp(media: media)
        #expect(try eventually { try running.rows("recordings").count == 1 })
        let call = try #require(try running.rows("calls").first?["call_id"] as? String)
        #expect(try running.gudok("transfer", call, "1002").code == 0)
        _ = try boris.pickUp(media: media)
        try anna.expectBye()
        carrier.send(carrier.request("BYE", to: "+74950000700", toTag: tag))
        try boris.expectBye()
        #expect(try eventually { try running.rows("cdr").first?["ended_at"] is String })
        #expect(try running.rows("recordings").compactMap { $0["policy"] as? String } == ["agent 1001"])
    }

    /// An operator has answered his queue's call and goes on with it at another phone of the desk where he works.
    private func atHeadset() throws -> (RunningSwitch, carrier: Phone, tag: String, headset: Phone, answer: String) {
        let running = try Self.desk(
            "queues: [{name: sales, wrap_up: 60s, short_talk: 60s, agents: [{user: \"1001\"}]}]"
        )
        let (carrier, _, boris) = try Self.phones(running)
        let headset = try Phone("1002", password: "boris-demo-2", server: running.sipPort)
        _ = try headset.register()
        _ = try running.gudok("agent", "login", "1001", "--device", "1002")
        let media = try WirePeer()
        let (tag, _) = try carrier.arrive(media: media)
        headset.respond("180 Ringing", to: try #require(headset.expect("INVITE")), toTag: "headset")
        let (invite, _) = try boris.pickUp(media: media)
        #expect(headset.expect("CANCEL") != nil)
        let ours = String(invite.header("From")?.components(separatedBy: ";tag=").last ?? "")
        let dialog = "Replaces: \(invite.header("Call-ID") ?? "");to-tag=\(ours);from-tag=1002"
        let answer = try headset.authorized("INVITE", to: "1001", extra: [dialog], sdp: Phone.sdp(port: media.port))
        #expect(answer.startWord == "200")
        headset.acknowledge(answer, to: "1001")
        try boris.expectBye()
        return (running, carrier, tag, headset, answer)
    }

    @Test func `an operator who goes on at another phone of the desk where he works still has his queue's call`() throws
    {
        let (running, carrier, tag, headset, _) = try atHeadset()
        let live = try #require(try running.rows("calls").first)
        #expect(live["queue"] as? String == "sales" && live["agent"] as? String == "1001", "\(live)")
        carrier.send(carrier.request("BYE", to: "+74950000700", toTag: tag))
        #expect(headset.expect("BYE") != nil)
        #expect(try eventually { try running.state(of: "1001") == "wrap-up" })
        let report = try #require(try running.rows("stats", "agents", "--agent", "1001").first)
        #expect(report["handled"] as? Int == 1 && report["direct_calls"] as? Int == 0, "\(report)")
    }

    @Test func `who leaves the queue's caller at once from that other phone has not served him: he waits on`() throws {
        let (running, carrier, _, headset, answer) = try atHeadset()
        headset.send(
            headset.request(
                "BYE",
                to: "1001",
                toTag: String(answer.header("To")?.components(separatedBy: ";tag=").last ?? "")
            )
        )
        #expect(headset.final("BYE")?.startWord == "200")
        #expect(carrier.expect("BYE", within: 0.3) == nil)
        #expect(try running.rows("calls").first?["state"] as? String == "queued")
    }

    @Test func `a supervisor who works at another's phone is not let into the talk that he has there`() throws {
        let running = try Self.desk("queues: [{name: sales, agents: [{user: \"1003\"}]}]")
        let (carrier, _, boris) = try Self.phones(running)
        _ = try running.gudok("agent", "login", "1003", "--device", "1002")
        _ = try carrier.arrive(media: WirePeer())
        _ = try boris.pickUp(media: WirePeer())
        let call = try #require(try running.rows("calls").first?["call_id"] as? String)
        let (code, text) = try running.gudok("supervise", "listen", call, "--by", "1003")
        #expect(code == 1 && text.contains("is in call"), "\(text)")
        #expect(boris.expect("INVITE", within: 0.3) == nil)
    }
}

import Foundation
import Testing

/// Trunks that are out of order, and what is tried in their place.
@Suite("Trunks over the wire")
struct TrunkTests {
    private static func plan(_ timeout: String) -> String {
        """
        routes:
          - match: "+."
            do: [{dial: {trunk: [carrier, spare], number: "{called}", timeout: \(timeout)}}]
        """
    }

    /// Anna can call, over `carrier` and then over `spare`.
    private struct Trunks {
        let running: RunningSwitch
        let first: Phone
        let spare: Phone
        let anna: Phone

        init(t1: Int = 500, timeout: String = "1s") throws {
            let spare = try WirePeer()
            running = try RunningSwitch(
                node: "timers: {t1: \(t1)ms}",
                trunk: """
                    probe: false
                      - {name: spare, host: 127.0.0.1, port: \(spare.port), probe: false}
                    """,
                internalPlan: TrunkTests.plan(timeout)
            )
            first = try Phone("carrier", server: running.sipPort, peer: running.carrier)
            self.spare = try Phone("spare", server: running.sipPort, peer: spare)
            anna = try Phone("1001", password: "anna-demo-1", server: running.sipPort)
        }

        /// The INVITE that reaches the first trunk.
        func call() throws -> String {
            _ = try anna.dial("+74950000000", sdp: Phone.sdp(port: 4_000))
            return try #require(first.expect("INVITE"))
        }
    }

    @Test func `a carrier that serves two tenants from one address reaches the one that is meant`() throws {
        let running = try RunningSwitch(
            incoming: """
                routes:
                  - {match: "60x", do: [{hangup: busy}]}
                """
        )
        let plan = running.folder.appending(path: "dialplans/zeta.yaml")
        try """
        routes:
          - {match: "60x", do: [{hangup: congestion}]}
          - {match: "700", do: [{hangup: congestion}]}
        """.write(to: plan, atomically: true, encoding: .utf8)
        let zeta = running.folder.appending(path: "tenants/zeta.yaml")
        try """
        tenant: zeta
        domains: [zeta.test]
        trunks: [{name: carrier, host: 127.0.0.1, accept_from: [127.0.0.1], dialplan: incoming, probe: false}]
        dialplans: {incoming: zeta.yaml}
        """.write(to: zeta, atomically: true, encoding: .utf8)
        let applied = try running.gudok("apply", plan.path, zeta.path)
        #expect(applied.code == 0, "\(applied)")

        let carrier = try Phone("+74951112233", server: running.sipPort, peer: running.carrier)
        for (target, uri, tenant) in [
            // Both have a rule: the first has it.
            ("600", nil, "demo"),
            ("700", nil, "zeta"),
            ("601", "sip:601@zeta.test", "zeta"),
        ] {
            let branch = "z9hG4bK\(UUID().uuidString)"
            carrier.send(
                carrier.request("INVITE", to: target, branch: branch, sdp: Phone.sdp(port: 4_000), uri: uri)
            )
            let answer = try #require(carrier.final("INVITE"))
            #expect(answer.startWord == (tenant == "demo" ? "486" : "503"))
            carrier.send(
                carrier.request(
                    "ACK",
                    to: target,
                    toTag: CallPair.toTag(answer),
                    branch: branch,
                    sequence: carrier.sequence,
                    uri: uri
                )
            )
            carrier.callID += "x"
            let isTold = try eventually {
                try running.rows("cdr", "--tenant", tenant).first?["to"] as? String == target
            }
            #expect(isTold, "\(target) is not in \(tenant)'s records")
        }
    }

    @Test func `a trunk that is taken out and put back while a call of it lives keeps count of it`() throws {
        let running = try RunningSwitch(
            trunk: "max_calls: 1",
            internalPlan: "routes: [{match: \".\", do: [{hangup: not-found}]}]"
        )
        let demo = try String(contentsOf: running.folder.appending(path: "tenants/demo.yaml"), encoding: .utf8)
        let next = running.folder.appending(path: "next.yaml")
        func apply(_ text: String) throws {
            try text.write(to: next, atomically: true, encoding: .utf8)
            let applied = try running.gudok("apply", next.path)
            #expect(applied.code == 0, "\(applied)")
        }
        func count() throws -> Int? { try running.rows("trunks").first?["active_calls"] as? Int }
        let first = try Phone("+74951112233", server: running.sipPort, peer: running.carrier)
        let (tag, _) = try first.arrive(at: "600", media: try WirePeer())
        try apply(demo.replacing("name: carrier", with: "name: other"))
        #expect(try count() == 0)
        try apply(demo)
        #expect(try count() == 1)
        let second = try Phone("+74951112244", server: running.sipPort, peer: running.carrier)
        second.send(second.request("INVITE", to: "600", sdp: Phone.sdp(port: 4_000)))
        let refusal = try #require(second.answer(to: "INVITE"))
        #expect(refusal.startWord == "503", "\(refusal)")
        second.acknowledge(refusal, to: "600")
        first.send(first.request("BYE", to: "600", toTag: tag))
        #expect(try eventually { try count() == 0 })
    }

    @Test func `a carrier whose address is its host is known by that and its port, where accept_from is left out`()
        throws
    {
        let (known, stranger) = (try WirePeer(), try WirePeer())
        let running = try RunningSwitch(
            trunk: """
                probe: false
                  - {name: other, host: 127.0.0.1, port: \(known.port), dialplan: incoming, probe: false}
                """
        )
        for (peer, status) in [(known, "200"), (stranger, "401")] {
            let phone = try Phone("+74951112233", server: running.sipPort, peer: peer)
            phone.send(phone.request("INVITE", to: "600", sdp: Phone.sdp(port: 4_000)))
            #expect(phone.final("INVITE")?.startWord == status)
        }
        #expect(try running.rows("cdr").map { $0["trunk"] as? String } == ["other"])
    }

    @Test func `what a full trunk or one that is down costs is on record, whichever side called`() throws {
        let running = try RunningSwitch(
            node: "timers: {t1: 50ms}",
            trunk: """
                max_calls: 1
                    probe: false
                  - {name: dead, host: 127.0.0.1, port: 9, probe: {interval: 100ms, failures: 1}}
                """,
            internalPlan: """
                routes:
                  - match: "+."
                    do: [{dial: {trunk: [dead, carrier], number: "{called}"}}]
                """
        )
        let isDown = try eventually { try running.rows("trunks").contains { $0["state"] as? String == "down" } }
        #expect(isDown)
        let first = try Phone("+74951112233", server: running.sipPort, peer: running.carrier)
        _ = try first.arrive(at: "600", media: try WirePeer())
        let second = try Phone("+74951112244", server: running.sipPort, peer: running.carrier)
        second.send(second.request("INVITE", to: "600", sdp: Phone.sdp(port: 4_000)))
        let refusal = try #require(second.final("INVITE"))
        #expect(refusal.startWord == "503" && refusal.header("Retry-After") == "5")
        let anna = try Phone("1001", password: "anna-demo-1", server: running.sipPort)
        #expect(try anna.call("+74950000000").startWord == "503")

        var rows: [[String: Any]] = []
        let areWritten = try eventually {
            rows = try running.rows("cdr", "--trunk", "carrier").filter { $0["disposition"] is String }
            return rows.count == 2
        }
        #expect(areWritten)
        let turnedAway = try #require(rows.first { $0["direction"] as? String == "inbound" })
        #expect(turnedAway["from"] as? String == "+74951112244" && turnedAway["disposition"] as? String == "failed")
        #expect(turnedAway["reason"] as? String == "trunk-limit" && turnedAway["sip_code"] as? Int == 503)
        let failed = try #require(rows.first { $0["direction"] as? String == "outbound" })
        let legs = try #require(failed["legs"] as? [[String: Any]])
        #expect(legs.map { $0["trunk"] as? String } == [nil, "dead", "carrier"])
        #expect(legs.dropFirst().allSatisfy { $0["result"] as? String == "failed" && $0["sip_code"] is NSNull })
        #expect(legs[1]["reason"] as? String == "the trunk is down: no answer to OPTIONS")
        #expect(legs[2]["reason"] as? String == "the trunk is over its limit")
        #expect(legs[2]["sip_call_id"] is NSNull && (failed["sip_call_ids"] as? [String])?.count == 1)
        #expect(try running.metric("gudok_trunk_calls_refused_total") == 1)
        #expect(try running.rows("trunks").first { $0["trunk"] as? String == "carrier" }?["active_calls"] as? Int == 1)
    }

    @Test func `a trunk that was down is up as soon as it is not asked any more`() throws {
        let probe = "probe: {interval: 100ms, failures: 1}"
        let running = try RunningSwitch(node: "timers: {t1: 50ms}", trunk: probe)
        func isUp() throws -> Bool { try running.rows("trunks").first?["state"] as? String != "down" }
        #expect(try eventually(within: 10) { try !isUp() })
        let file = running.folder.appending(path: "tenants/demo.yaml")
        let text = try String(contentsOf: file, encoding: .utf8)
        try text.replacing(probe, with: "probe: false").write(to: file, atomically: true, encoding: .utf8)
        running.process.signal(SIGHUP)
        #expect(try eventually(within: 10) { try isUp() })
    }

    @Test func `what a trunk's old address does not answer is not held against its new one`() throws {
        let (silent, other) = (try WirePeer(), try WirePeer())
        let running = try RunningSwitch(
            carrierPort: silent.port,
            node: "timers: {t1: 30ms}",
            trunk: "probe: {interval: 60s, failures: 1}"
        )
        #expect(silent.expect { $0.startWord == "OPTIONS" } != nil)
        let file = running.folder.appending(path: "tenants/demo.yaml")
        let text = try String(contentsOf: file, encoding: .utf8)
        try text.replacing("\(silent.port)", with: "\(other.port)").write(to: file, atomically: true, encoding: .utf8)
        running.process.signal(SIGHUP)
        let carrier = try Phone("carrier", server: running.sipPort, peer: other)
        carrier.respond("200 OK", to: try #require(carrier.expect("OPTIONS")), toTag: "c")
        // By then the question to the old one is over.
        let isDown = try eventually(within: 3) { try running.rows("trunks").first?["state"] as? String == "down" }
        #expect(!isDown)
    }

    @Test(arguments: [
        "503 Service Unavailable", "500 Server Internal Error", "502 Bad Gateway", "401 Unauthorized",
        "402 Payment Required",
        "407 Proxy Authentication Required",
    ])
    func `B091: what fails on one trunk goes over the next, and the record names the one that carried it`(
        refusal: String
    ) throws {
        let trunks = try Trunks()
        trunks.first.respond(refusal, to: try trunks.call(), toTag: "a")
        let invite = try #require(trunks.spare.expect("INVITE"))
        trunks.spare.respond("200 OK", to: invite, toTag: "b", sdp: Phone.sdp(port: 4_002))
        let answer = try #require(trunks.anna.final("INVITE"))
        #expect(answer.startWord == "200")
        trunks.anna.acknowledge(answer, to: "+74950000000")
        trunks.anna.send(trunks.anna.request("BYE", to: "+74950000000", toTag: CallPair.toTag(answer)))
        #expect(trunks.anna.final("BYE")?.startWord == "200")
        let isTold = try eventually { try trunks.running.rows("cdr").first?["trunk"] as? String == "spare" }
        #expect(isTold)
    }

    @Test(arguments: ["486 Busy Here", "603 Decline", "404 Not Found"])
    func `what the called person says ends the search`(refusal: String) throws {
        let trunks = try Trunks()
        trunks.first.respond(refusal, to: try trunks.call(), toTag: "a")
        #expect(trunks.anna.final("INVITE")?.startWord == String(refusal.prefix(3)))
        #expect(trunks.spare.expect("INVITE", within: 0.2) == nil)
    }

    @Test func `RFC 3261 §21.5.4: a trunk that asks to be left alone is passed over for that time`() throws {
        let trunks = try Trunks()
        let busy = "503 Service Unavailable"
        trunks.first.respond(busy, to: try trunks.call(), toTag: "a", extra: ["Retry-After: 1 (maintenance)"])
        for _ in 0..<2 {
            trunks.spare.respond("486 Busy Here", to: try #require(trunks.spare.expect("INVITE")), toTag: "b")
            let final = try #require(trunks.anna.final("INVITE"))
            #expect(final.startWord == "486")
            trunks.anna.acknowledge(final, to: "+74950000000")
            _ = try trunks.anna.dial("+74950000000", sdp: Phone.sdp(port: 4_000))
        }
        #expect(trunks.first.expect("INVITE", within: 0.1) == nil)
        // Its second is over some time.
        let isAsked = try eventually {
            if let asked = trunks.first.expect("INVITE", within: 0.1) {
                trunks.first.respond("486 Busy Here", to: asked, toTag: "c")
                return true
            }
            if let other = trunks.spare.expect("INVITE", within: 0.1) {
                trunks.spare.respond("486 Busy Here", to: other, toTag: "d")
                let final = try #require(trunks.anna.final("INVITE"))
                trunks.anna.acknowledge(final, to: "+74950000000")
                _ = try trunks.anna.dial("+74950000000", sdp: Phone.sdp(port: 4_000))
            }
            return false
        }
        #expect(isAsked)
    }

    @Test func `RFC 3261 §21.5.4: the only trunk is left alone too, and its callers are told for how long`()
        throws
    {
        let running = try RunningSwitch(
            trunk: "probe: false",
            internalPlan: "routes: [{match: \"+7.\", do: [{dial: {trunk: carrier, number: \"{called}\"}}]}]"
        )
        let carrier = try Phone("+74951112233", server: running.sipPort, peer: running.carrier)
        let anna = try Phone("1001", password: "anna-demo-1", server: running.sipPort)
        _ = try anna.register()
        func answer() throws -> String {
            let final = try #require(anna.final("INVITE"))
            anna.acknowledge(final, to: "+74950000000")
            return final
        }
        func call() throws { _ = try anna.dial("+74950000000", sdp: Phone.sdp(port: 4_000)) }
        try call()
        let busy = "503 Service Unavailable"
        carrier.respond(busy, to: try #require(carrier.expect("INVITE")), toTag: "a", extra: ["Retry-After: 3"])
        #expect(try answer().startWord == "503")
        #expect(carrier.expect("ACK") != nil)
        try call()
        // The carrier's own may come once more meanwhile, which names no time.
        let refused = try #require(anna.peer.expect { $0.startWord == "503" && $0.header("Retry-After") != nil })
        anna.acknowledge(refused, to: "+74950000000")
        #expect(refused.header("Retry-After").flatMap { Int($0) }.map((1...3).contains) == true, "\(refused)")
        let trunk = try #require(try running.rows("trunks").first)
        #expect(trunk["state"] as? String == "resting" && (trunk["reason"] as? String)?.contains("left alone") == true)
        #expect(carrier.expect("INVITE", within: 0.1) == nil)
        #expect(try eventually { try running.rows("trunks").first?["state"] as? String == "up" })
        try call()
        carrier.respond("486 Busy Here", to: try #require(carrier.expect("INVITE")), toTag: "b")
        #expect(anna.expect("486") != nil)
    }

    @Test func `whoever does not pick up is not called again over the next trunk`() throws {
        let trunks = try Trunks(t1: 50)
        let invite = try trunks.call()
        trunks.first.respond("180 Ringing", to: invite, toTag: "a")
        let cancel = try #require(trunks.first.expect("CANCEL"))
        trunks.first.respond("200 OK", to: cancel)
        trunks.first.respond("487 Request Terminated", to: invite, toTag: "a")
        #expect(trunks.anna.answer(to: "INVITE")?.startWord == "480")
        #expect(trunks.spare.expect("INVITE", within: 0.2) == nil)
        let isTold = try eventually {
            try trunks.running.rows("cdr").first?["disposition"] as? String == "no-answer"
        }
        #expect(isTold)
    }

    @Test(arguments: ["1s", "30s"])
    func `B091: a trunk without a sign of life gives way after ten times T1, and is let go when it wakes`(
        timeout: String
    ) throws {
        let trunks = try Trunks(t1: 100, timeout: timeout)
        let invite = try trunks.call()
        // Its transaction would time out after 6.4 s.
        let second = try #require(trunks.spare.expect("INVITE", within: 4))
        trunks.spare.respond("200 OK", to: second, toTag: "b", sdp: Phone.sdp(port: 4_002))
        #expect(trunks.anna.answer(to: "INVITE")?.startWord == "200")
        // Too late: the call is elsewhere.
        trunks.first.respond("200 OK", to: invite, toTag: "a", sdp: Phone.sdp(port: 4_004))
        #expect(trunks.first.expect("ACK") != nil)
        #expect(trunks.first.expect("BYE") != nil)
    }

    @Test func `both trunks fail: the caller hears of the last`() throws {
        let trunks = try Trunks()
        trunks.first.respond("503 Service Unavailable", to: try trunks.call(), toTag: "a")
        trunks.spare.respond("500 Server Internal Error", to: try #require(trunks.spare.expect("INVITE")), toTag: "b")
        #expect(trunks.anna.final("INVITE")?.startWord == "500")
    }

    @Test func `a trunk whose OPTIONS fail three times is down, calls to it get 503, and it comes up again`() throws {
        let running = try RunningSwitch(trunk: "probe: {interval: 100ms, failures: 3}")
        let carrier = try Phone("carrier", server: running.sipPort, peer: running.carrier)
        // 503 is as good as no answer, and takes no time-out.
        for _ in 0..<3 {
            let probe = try #require(carrier.expect("OPTIONS"))
            carrier.respond("503 Service Unavailable", to: probe, toTag: "t")
        }
        let isDown = try eventually {
            let row = try running.rows("trunks").first
            return row?["state"] as? String == "down" && row?["reason"] as? String == "503 to OPTIONS"
        }
        #expect(isDown)
        #expect(try running.metric("gudok_trunk_up") == 0)
        let anna = try Phone("1001", password: "anna-demo-1", server: running.sipPort)
        #expect(try anna.call("+74950000000").startWord == "503")
        let isUp = try eventually(within: 20) {
            if let probe = carrier.expect("OPTIONS", within: 1) { carrier.respond("200 OK", to: probe, toTag: "t") }
            return try running.rows("trunks").first?["state"] as? String == "up"
        }
        #expect(isUp)
    }

    @Test(arguments: [
        ("404 Not Found", "failed"), ("410 Gone", "failed"), ("503 Service Unavailable", "failed"),
        ("600 Busy Everywhere", "busy"), ("606 Not Acceptable", "failed"), ("487 Request Terminated", "failed"),
    ])
    func `who refuses a call has ended it, whatever he says`(status: String, disposition: String) throws {
        let running = try RunningSwitch(trunk: "probe: false")
        let carrier = try Phone("carrier", server: running.sipPort, peer: running.carrier)
        let anna = try Phone("1001", password: "anna-demo-1", server: running.sipPort)
        _ = try anna.dial("+74950000000", sdp: Phone.sdp(port: 4_000))
        carrier.respond(status, to: try #require(carrier.expect("INVITE")), toTag: "carrier")
        // A 487 says nothing of who was called: nobody here has cancelled.
        let told = status.hasPrefix("487") ? "480" : String(status.prefix(3))
        #expect(anna.answer(to: "INVITE")?.startWord == told)
        #expect(try eventually { try running.rows("cdr").first?["ended_at"] is String })
        let record = try #require(try running.rows("cdr").first)
        #expect(record["hangup_by"] as? String == "callee" && record["disposition"] as? String == disposition)
    }
}

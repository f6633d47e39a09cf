import Foundation
import Testing

/// Whoever names a tenant has to do with that one alone, whatever call he names.
@Suite("Between tenants")
struct TenantWallTests {
    /// A second tenant, with one user.
    private func addOther(to running: RunningSwitch) throws {
        let file = running.folder.appending(path: "tenants/other.yaml")
        let plan = running.folder.appending(path: "dialplans/internal-other.yaml")
        try """
        tenant: other
        domains: [other.test]
        users: [{extension: "1001", password: other-1}]
        dialplans: {internal: internal-other.yaml}
        """.write(to: file, atomically: true, encoding: .utf8)
        try "routes: [{match: \".\", do: [{hangup: not-found}]}]".write(to: plan, atomically: true, encoding: .utf8)
        #expect(try running.gudok("apply", file.path, plan.path).code == 0)
    }

    @Test func `a tenant is named once, in the query or the body, and is the one that the act is about`() throws {
        let running = try RunningSwitch()
        try addOther(to: running)
        func post(_ path: String, _ body: String) throws -> RunningSwitch.Reply {
            try running.http("/api/v1/\(path)", method: "POST", body: body)
        }
        for (path, body) in [
            ("agents/1001", #""action": "logout""#), ("agents/1001/supervise", #""by": "1002", "mode": "listen""#),
            ("calls/one/supervise", #""by": "1002", "mode": "listen""#), ("calls/one/transfer", #""to": "600""#),
            ("calls/one/recording", #""action": "pause""#), ("calls", #""from": "1001", "to": "600""#),
        ] {
            let two = try post("\(path)?tenant=demo", "{\(body), \"tenant\": \"other\"}")
            #expect(two.status == 400 && two.text.contains("bad-query"), "\(path): \(two)")
            let same = try post("\(path)?tenant=demo", "{\(body), \"tenant\": \"demo\"}")
            #expect(same.status != 400, "\(path): \(same)")
            #expect(try post("\(path)?tenat=demo", "{\(body)}").status == 400)
        }
        // The other tenant has no 1002.
        for (path, tenant) in [("calls?tenant=other", ""), ("calls", #", "tenant": "other""#)] {
            let reply = try post(path, #"{"from": "1002", "to": "600"\#(tenant)}"#)
            #expect(reply.status == 409 && reply.text.contains("tenant other has no user 1002"), "\(reply)")
        }
        let refused = try running.rows("audit", "--tenant", "other", "--action", "call")
        #expect(refused.count >= 2 && refused.allSatisfy { $0["outcome"] as? String == "refused" }, "\(refused)")
        for path in ["apply?tenant=demo", "apply?foo=1"] {
            let reply = try post(path, #"{"files": []}"#)
            #expect(reply.status == 400 && reply.text.contains("leave it out") == path.hasSuffix("demo"), "\(reply)")
        }
    }

    @Test func `whoever calls an address of another tenant, or of nobody, does not reach his colleague of that number`()
        throws
    {
        let running = try RunningSwitch()
        try addOther(to: running)
        let caller = try Phone("1002", password: "boris-demo-2", server: running.sipPort)
        let anna = try Phone("1001", password: "anna-demo-1", server: running.sipPort)
        #expect(try anna.register().startWord == "200")
        for (host, status) in [
            ("other.test", "404"), ("OTHER.test", "404"), ("elsewhere.example", "404"), ("demo.test", "486"),
            ("Demo.Test", "486"),
            ("127.0.0.1:\(running.sipPort)", "486"), ("[::1]", "486"),
        ] {
            let uri = "sip:1001@\(host)"
            caller.callID = UUID().uuidString
            let first = caller.request("INVITE", to: "1001", sdp: Phone.sdp(port: 4_000))
            func aim(_ request: String) -> String {
                "INVITE \(uri) SIP/2.0\r\n"
                    + request.split(separator: "\r\n", maxSplits: 1, omittingEmptySubsequences: false)[1]
            }
            caller.send(aim(first))
            let challenge = try #require(caller.answer(to: "INVITE"))
            caller.acknowledge(challenge, to: "1001")
            let answer = try caller.authorization(for: challenge, method: "INVITE", uri: uri)
            caller.send(aim(caller.request("INVITE", to: "1001", extra: [answer], sdp: Phone.sdp(port: 4_000))))
            if status == "486" {
                anna.respond("486 Busy Here", to: try #require(anna.expect("INVITE"), "\(host)"), toTag: "a")
            }
            let final = try #require(caller.answer(to: "INVITE"))
            #expect(final.startWord == status, "\(host): \(final)")
            guard status == "404" else { continue }
            let row = try #require(try running.rows("cdr", "--tenant", "demo", "--limit", "1").first)
            #expect(row["from"] as? String == "1002" && row["reason"] as? String == "not-found", "\(row)")
            caller.acknowledge(final, to: "1001")
        }
        #expect(anna.expect("INVITE", within: 0.2) == nil)
    }

    @Test
    func `a REFER to another tenant's domain, or to nobody's, hands nobody to one's own colleague of that number`()
        throws
    {
        let centre = try TransferCentre()
        try addOther(to: centre.running)
        try centre.talk()
        for host in ["other.test", "Other.Test", "elsewhere.example"] {
            centre.refer(to: "sip:1002@\(host)")
            let answer = try #require(centre.anna.await { $0.header("CSeq")?.hasSuffix("REFER") == true })
            #expect(answer.startWord == "404", "\(host): \(answer)")
        }
        #expect(centre.boris.await("INVITE", within: 0.2) == nil)
        #expect(centre.heard("caller", "anna") == ["caller": ["anna"], "anna": ["caller"]])
        centre.refer(to: "sip:1002@demo.test")
        try centre.borisTakes(try #require(centre.boris.await("INVITE")))
        #expect(centre.anna.notified(200) != nil)
        centre.hangUp()
        #expect(try centre.isClean())
    }

    @Test func `a 302 to another tenant's domain, or to nobody's, rings no colleague of that number`() throws {
        let centre = try TransferCentre()
        try addOther(to: centre.running)
        let vera = try Phone("1003", password: "vera-demo-3", server: centre.running.sipPort)
        for (host, isOwn) in [("other.test", false), ("elsewhere.example", false), ("demo.test", true)] {
            vera.callID = UUID().uuidString
            _ = try vera.dial("1001", sdp: Phone.sdp(port: 4_000))
            let invite = try #require(centre.anna.await("INVITE"), "\(host)")
            let contact = ["Contact: <sip:1002@\(host)>"]
            centre.anna.phone.respond("302 Moved", to: invite, toTag: "a", extra: contact, withContact: false)
            let rung = centre.boris.await("INVITE", within: isOwn ? 5 : 0.2)
            #expect((rung != nil) == isOwn, "\(host)")
            if let rung { centre.boris.phone.respond("486 Busy Here", to: rung, toTag: "b") }
            let final = try #require(vera.answer(to: "INVITE"), "\(host)")
            #expect((Int(final.startWord) ?? 0) >= 400, "\(host): \(final)")
            vera.acknowledge(final, to: "1001")
        }
        #expect(try centre.isClean())
    }

    @Test func `RFC 4538: a carrier of two tenants hands on the calls of each, by Target-Dialog`() throws {
        let centre = try TransferCentre()
        let port = centre.carrier.peer.port
        let file = centre.running.folder.appending(path: "tenants/able.yaml")
        let plan = centre.running.folder.appending(path: "dialplans/internal-able.yaml")
        // Of those with one address it is the first by name.
        try """
        tenant: able
        domains: [able.test]
        trunks: [{name: carrier, host: 127.0.0.1, port: \(port), accept_from: [127.0.0.1], identify_port: \(port), probe: false}]
        dialplans: {internal: internal-able.yaml}
        """.write(to: file, atomically: true, encoding: .utf8)
        try "routes: [{match: \".\", do: [{hangup: not-found}]}]".write(to: plan, atomically: true, encoding: .utf8)
        let applied = try centre.running.gudok("apply", file.path, plan.path)
        #expect(applied.code == 0, "\(applied)")
        try centre.talk()
        let carrier = try Phone("carrier", server: centre.running.sipPort, peer: centre.running.carrier)
        func refer(ourTag: String) throws -> String {
            let dialog = "\(centre.carrier.callID);local-tag=\(centre.carrier.tag);remote-tag=\(ourTag)"
            let lines = ["Refer-To: <sip:+74957654321@127.0.0.1>", "Target-Dialog: \(dialog)"]
            carrier.callID = UUID().uuidString
            carrier.send(carrier.request("REFER", to: "1001", extra: lines))
            let answer = centre.caller.await { $0.header("CSeq")?.hasSuffix("REFER") == true }
            return try #require(answer)
        }
        #expect(try refer(ourTag: "gone").startWord == "481")
        #expect(try refer(ourTag: centre.tag).startWord == "202")
    }

    @Test func `a phone beside another tenant's trunk, behind one address, is asked who it is`() throws {
        let running = try RunningSwitch()
        let file = running.folder.appending(path: "tenants/other.yaml")
        let plan = running.folder.appending(path: "dialplans/internal-other.yaml")
        try """
        tenant: other
        domains: [other.test]
        users: [{extension: "1001", password: other-1}]
        trunks: [{name: pbx, host: 127.0.0.1, port: 9, accept_from: [127.0.0.1], dialplan: internal}]
        dialplans: {internal: internal-other.yaml}
        """.write(to: file, atomically: true, encoding: .utf8)
        try "routes: [{match: \".\", do: [{hangup: declined}]}]".write(to: plan, atomically: true, encoding: .utf8)
        #expect(try running.gudok("apply", file.path, plan.path).code == 0)
        for (host, status) in [("demo.test", "401"), ("other.test", "603"), ("127.0.0.1", "603")] {
            let phone = try Phone("1001", server: running.sipPort)
            let request = phone.request("INVITE", to: "1002", sdp: Phone.sdp(port: 4_000))
            let rest = request.split(separator: "\r\n", maxSplits: 1, omittingEmptySubsequences: false)[1]
            phone.send("INVITE sip:1002@\(host) SIP/2.0\r\n" + rest)
            #expect(phone.final("INVITE")?.startWord == status, "\(host)")
        }
    }

    @Test func `a tenant is exported to nobody who names another`() throws {
        let running = try RunningSwitch()
        try addOther(to: running)
        for (path, status) in [
            ("other", 200), ("other?tenant=other", 200), ("other?tenant=demo", 404), ("demo?tenant=other", 404),
            ("other?foo=1", 400),
        ] {
            let reply = try running.http("/api/v1/tenants/\(path)")
            #expect(reply.status == status && (status == 200) == reply.text.contains("tenant: "), "\(path): \(reply)")
        }
        // What was not told is not in the audit log as told.
        #expect(try running.rows("audit", "--action", "export").count == 2)
    }

    @Test func `a call of one tenant is not there for whoever names another, and a tenant has to be there`() throws {
        let running = try RunningSwitch()
        let caller = try Phone("1002", password: "boris-demo-2", server: running.sipPort)
        let answer = try caller.call("600")
        #expect(answer.startWord == "200")
        let tag = caller.acknowledge(answer, to: "600")
        let call = try #require(try running.rows("calls", "--tenant", "demo").first?["call_id"] as? String)

        try addOther(to: running)
        for tenant in ["other", "nobody", "../demo"] {
            #expect(try running.http("/api/v1/calls/\(call)?tenant=\(tenant)", method: "DELETE").status == 404)
            #expect(try running.http("/api/v1/trace/\(call)?tenant=\(tenant)").status == 404)
            for command in [
                ["hangup", call], ["recordings", "pause", call], ["why", call], ["trace", call], ["cdr", call],
            ] {
                let (code, text) = try running.gudok(command + ["--tenant", tenant])
                #expect(code == 1, "\(command) \(tenant): \(text)")
            }
        }
        #expect(try running.http("/api/v1/calls/\(call)?tenat=demo", method: "DELETE").status == 400)
        for listing in ["calls", "agents", "queues", "cdr", "recordings", "callbacks", "stats/queues"] {
            let reply = try running.http("/api/v1/\(listing)?tenant=../demo")
            #expect(reply.status == 404 && reply.text.contains("no-such-tenant"), "\(listing): \(reply.text)")
        }
        for report in ["queues", "calls", "forecast", "what-if?agents=none=2"] {
            let reply = try running.http("/api/v1/stats/\(report)")
            #expect(reply.status == 409 && reply.text.contains("which-tenant"), "\(report): \(reply.text)")
        }
        // Options are the command line's, and are named there alone.
        let nobodys = try running.http("/api/v1/calls", method: "POST", body: #"{"from": "1001", "to": "600"}"#)
        #expect(
            nobodys.status == 409 && nobodys.text.contains("?tenant=") && !nobodys.text.contains("--"),
            "\(nobodys)"
        )
        #expect(try running.gudok("call", "1001", "600").text.contains("name one with --tenant"))
        #expect(
            try running.http(
                "/api/v1/calls/x/recording",
                method: "POST",
                body: #"{"action": "pause", "tenant": "../nobody"}"#
            ).status == 404
        )
        let folders = try FileManager.default.contentsOfDirectory(
            atPath: running.folder.appending(path: "data/tenants").path
        )
        #expect(Set(folders).isSubset(of: ["demo", "other"]), "\(folders)")
        let unknown = try running.gudok("cdr", "--tenant", "nobody").text
        #expect(unknown.contains("there is no tenant 'nobody'"), "\(unknown)")

        for (path, status) in [
            ("calls/\(call)", 200), ("calls/\(call)?tenant=demo", 200), ("calls/\(call)?tenant=other", 404),
            ("cdr/\(call)?tenant=demo", 200), ("cdr/\(call)?tenant=other", 404), ("trunks/carrier", 200),
            ("trunks/carrier?tenant=other", 404), ("queues/none", 404), ("recordings/none", 404), ("agents/1001", 404),
        ] {
            let reply = try running.http("/api/v1/\(path)")
            #expect(reply.status == status && (status == 404 || reply.text.hasPrefix("{")), "\(path): \(reply)")
        }

        // Nothing of that touched it, and its own tenant's word does.
        #expect(try running.rows("calls").count == 1)
        #expect(try running.gudok("why", call, "--tenant", "demo").text.contains("dial plan internal"))
        #expect(try running.gudok("hangup", call, "--tenant", "demo").code == 0)
        let bye = try #require(caller.expect("BYE"))
        #expect(bye.header("From")?.contains(tag) == true)
        caller.respond("200 OK", to: bye)
        #expect(try eventually { try running.rows("cdr", call, "--tenant", "demo").first?["ended_at"] is String })
        #expect(try running.gudok("why", call, "--tenant", "other").code == 1)
    }
}

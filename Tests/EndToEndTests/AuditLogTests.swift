import Foundation
import Testing

@Suite struct AuditLogTests {
    @Test func `who did what, by which way, is in the log, and the chain holds`() throws {
        let running = try RunningSwitch(tenant: "pause_reasons: [lunch]")
        #expect(try running.gudok("agent", "login", "1001").code == 0)
        #expect(try running.gudok("agent", "pause", "1001", "--reason", "fishing").code == 1)
        #expect(try running.gudok("agent", "pause", "1001", "--reason", "lunch").code == 0)
        let curl = try ChildProcess(
            "/usr/bin/env",
            [
                "curl", "-s", "-X", "POST", "-d", #"{"action": "unpause"}"#,
                "http://127.0.0.1:\(running.httpPort)/api/v1/agents/1001",
            ]
        )
        #expect(curl.exitCode(within: 10) == 0)
        #expect(try running.gudok("export").code == 0)
        let tenant = running.folder.appending(path: "tenants/demo.yaml")
        let text = try String(contentsOf: tenant, encoding: .utf8).replacing("anna-demo-1", with: "anna-secret-9")
        try text.write(to: tenant, atomically: true, encoding: .utf8)
        #expect(try running.gudok("apply", tenant.path).code == 0)

        var entries: [[String: Any]] = []
        #expect(
            try eventually {
                entries = try running.rows("audit").reversed()
                return entries.count == 6
            }
        )
        let actions = entries.compactMap { $0["action"] as? String }
        #expect(actions == ["agent.login", "agent.pause", "agent.pause", "agent.unpause", "export", "apply"])
        #expect(entries.compactMap { $0["outcome"] as? String }[1] == "refused")
        let me = NSUserName()
        #expect(
            (entries[0]["actor"] as? String)?.contains(me) == true
                && entries[0]["channel"] as? String == "control-socket"
        )
        #expect(entries[2]["before"] as? String == "unreachable" && entries[2]["after"] as? String == "paused (lunch)")
        #expect(
            (entries[3]["actor"] as? String)?.hasPrefix("127.0.0.1:") == true
                && entries[3]["channel"] as? String == "http"
        )
        #expect(!"\(entries)".contains("secret") && !"\(entries)".contains(Phone.md5("1001:demo.test:anna-secret-9")))
        #expect(entries[5]["after"] as? String == "~ user 1001 password")
        #expect(try running.rows("audit", "--outcome", "refused").count == 1)
        let sound = try running.gudok("audit", "verify")
        #expect(sound.code == 0 && sound.text.contains("6 entries"))

        // A plan whose test fails is refused, and forced with an entry of its own.
        let plan = running.folder.appending(path: "dialplans/incoming.yaml")
        let tests = "tests: [{name: no, call: {from: \"1\", to: \"2\"}, expect: [answered]}]\n"
        try (RunningSwitch.incomingPlan + "\n" + tests).write(to: plan, atomically: true, encoding: .utf8)
        #expect(try running.gudok("apply", plan.path).code == 1)
        #expect(try running.gudok("apply", plan.path, "--force").code == 0)
        let applied = try running.rows("audit", "--action", "apply").reversed().dropFirst()
        #expect(
            applied.compactMap { entry in (entry["action"] as? String).map { "\($0) \(entry["outcome"] ?? "")" } }
                == ["apply refused", "apply.force done", "apply done"]
        )

        let database = running.folder.appending(path: "data/gudok.sqlite").path
        let tamper = "DROP TRIGGER audit_stays; UPDATE audit SET outcome = 'done' WHERE id = 2"
        #expect(try ChildProcess("/usr/bin/env", ["sqlite3", database, tamper]).exitCode(within: 10) == 0)
        let broken = try running.gudok("audit", "verify")
        #expect(broken.code == 1 && broken.text.contains("entry 2"))
    }

    @Test func `the log of a tenant whom nobody knows is refused, as all else of him is`() throws {
        let running = try RunningSwitch()
        #expect(try running.gudok("audit", "--tenant", "demo").code == 0)
        let refused = try running.gudok("audit", "--tenant", "nosuch")
        #expect(refused.code == 1 && refused.text.contains("there is no tenant 'nosuch'"), "\(refused.text)")
    }

    @Test func `who heard, held, released and deleted a recording is in the log`() throws {
        let running = try RunningSwitch(tenant: "recordings: {keep: 1s}")
        let carrier = try Phone("+74951112233", server: running.sipPort, peer: running.carrier)
        let media = try WirePeer()
        let (tag, _) = try carrier.arrive(at: "600", media: media)
        carrier.send(carrier.request("BYE", to: "600", toTag: tag))
        #expect(try eventually { try running.rows("cdr").first?["ended_at"] is String })
        let folder = running.folder.appending(path: "data/tenants/demo")
        try FileManager.default.createDirectory(
            at: folder.appending(path: "recordings"),
            withIntermediateDirectories: true
        )
        let file = folder.appending(path: "recordings/a.wav")
        try Data("RIFF".utf8).write(to: file)
        let row = """
            INSERT INTO recordings (id, call_id, file, policy, started_ms, milliseconds, octets, sha256, state)
            VALUES ('c-1', 'c', 'a.wav', 'plan', 1, 1, 4, '', 'final')
            """
        let database = folder.appending(path: "cdr.sqlite").path
        #expect(try ChildProcess("/usr/bin/env", ["sqlite3", database, row]).exitCode(within: 10) == 0)
        let copy = running.folder.appending(path: "copy.wav").path
        for arguments in [["get", "c-1", "-o", copy], ["hold", "c-1"], ["prune"], ["hold", "c-1", "--release"]] {
            let command = try ChildProcess(
                RunningSwitch.binary,
                ["recordings"] + arguments + ["--config", running.folder.appending(path: "gudok.yaml").path]
            )
            #expect(command.exitCode(within: 20) == 0)
        }
        #expect(FileManager.default.fileExists(atPath: file.path))
        #expect(try running.gudok("recordings", "prune").code == 0)
        #expect(!FileManager.default.fileExists(atPath: file.path))
        let entries = try running.rows("audit", "--action", "recording").reversed()
        #expect(
            entries.compactMap { $0["action"] as? String }
                == ["recording.get", "recording.hold", "recording.release", "recording.delete"]
        )
        #expect(entries.allSatisfy { $0["channel"] as? String == "command-line" && $0["tenant"] as? String == "demo" })
        #expect(try running.gudok("audit", "verify").code == 0)
    }

    @Test func `who was refused is known: another tenant's call, calls and recordings that are not there`() throws {
        let running = try RunningSwitch()
        try """
        tenant: other
        domains: [other.test]
        """.write(to: running.folder.appending(path: "tenants/other.yaml"), atomically: true, encoding: .utf8)
        running.process.signal(SIGHUP)
        #expect(running.process.waitFor(10) { $0.contains("files read again") })
        let live = try Phone("+74951112244", server: running.sipPort, peer: running.carrier)
        live.send(live.request("INVITE", to: "600", sdp: Phone.sdp(port: 4_000)))
        live.acknowledge(try #require(live.final("INVITE")), to: "600")
        let id = try #require(try running.rows("calls").first?["call_id"] as? String)
        let pause = #"{"action": "pause"}"#
        for (method, path, body) in [
            ("DELETE", "\(id)?tenant=other", nil), ("POST", "\(id)/transfer?tenant=other", #"{"to": "1001"}"#),
            ("POST", "\(id)/recording?tenant=other", pause), ("DELETE", "gone", nil),
            ("POST", "gone/recording?tenant=demo", pause),
        ] {
            #expect(try running.http("/api/v1/calls/\(path)", method: method, body: body).status == 404, "\(path)")
        }
        #expect(try running.gudok("agent", "pause", "9999", "--tenant", "demo").code == 1)
        #expect(try running.gudok("recordings", "hold", "gone", "--tenant", "demo").code == 1)
        let refused = try running.rows("audit", "--outcome", "refused").reversed().map { row in
            ["action", "object", "tenant"].map { row[$0] as? String ?? "" }.joined(separator: " ")
        }
        #expect(
            refused == [
                "hangup call \(id) other", "transfer call \(id) other", "recording call \(id) other",
                "hangup call gone ", "recording.pause call gone demo", "agent.pause agent 9999 demo",
                "recording.hold recording gone demo",
            ]
        )
        #expect(try running.rows("calls").count == 1)
        // Nor is it a place in that tenant's records.
        #expect(try running.http("/api/v1/cdr?tenant=demo&before=\(id)").status == 200)
        #expect(try running.http("/api/v1/cdr?tenant=other&before=\(id)").status == 400)
        // A node's file that cannot be read is an attempt to change it, too.
        try "node: [".write(to: running.folder.appending(path: "gudok.yaml"), atomically: true, encoding: .utf8)
        running.process.signal(SIGHUP)
        #expect(running.process.waitFor(10) { $0.contains("nothing was changed") })
        let failed = try running.http("/api/v1/audit?outcome=failed")
        #expect(failed.text.contains("SIGHUP") && failed.text.contains("gudok.yaml"), "\(failed.text)")
    }
}

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
        #expect(!"\(entries)".contains("secret"))
        #expect(try running.rows("audit", "--outcome", "refused").count == 1)
        let sound = try running.gudok("audit", "verify")
        #expect(sound.code == 0 && sound.text.contains("6 entries"))

        let database = running.folder.appending(path: "data/gudok.sqlite").path
        let tamper = "DROP TRIGGER audit_stays; UPDATE audit SET outcome = 'done' WHERE id = 2"
        #expect(try ChildProcess("/usr/bin/env", ["sqlite3", database, tamper]).exitCode(within: 10) == 0)
        let broken = try running.gudok("audit", "verify")
        #expect(broken.code == 1 && broken.text.contains("entry 2"))
    }
}

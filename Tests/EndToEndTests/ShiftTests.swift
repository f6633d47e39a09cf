import Foundation
import Testing

/// A shift through a crash, a restart and a reload: each second of it is in one state.
@Suite("A shift over the wire")
struct ShiftTests {
    private static func phone(_ running: RunningSwitch) throws -> Phone {
        let phone = try Phone("1001", password: "anna-demo-1", server: running.sipPort)
        #expect(try phone.register().startWord == "200")
        return phone
    }

    private static func sql(_ running: RunningSwitch, _ text: String) throws -> String {
        let database = running.folder.appending(path: "data/tenants/demo/cdr.sqlite").path
        let shell = try ChildProcess("/usr/bin/env", ["sqlite3", database, text])
        shell.exitCode(within: 10)
        return shell.text.trimmingCharacters(in: .whitespacesAndNewlines)
    }

    @Test
    func `log-in, device, pause and ledger outlive kill -9, a restart, SIGHUP and apply, without a gap or an overlap`()
        throws
    {
        let tenant = """
            queues: [{name: sales, wrap_up: 60s, agents: [{user: "1001"}]}]
            pause_reasons: [break, {name: lunch, paid: false}]
            """
        let incoming = #"routes: [{match: ".", do: [{queue: sales}, {hangup: normal}]}]"#
        var running = try RunningSwitch(tenant: tenant, incoming: incoming)
        let folder = running.folder
        running.isFolderKept = true
        defer { try? FileManager.default.removeItem(at: folder) }
        let carrierPort = try #require(running.carrier?.port)
        let carrier = try Phone("+74951112233", server: running.sipPort, peer: running.carrier)
        let anna = try Self.phone(running)
        _ = try running.gudok("agent", "login", "1001")
        let (callers, annas) = try (WirePeer(), WirePeer())
        let (tag, _) = try carrier.arrive(media: callers)
        _ = try anna.pickUp(media: annas)
        // Asked for in the call, the pause waits for its end and the wrap-up's.
        let asked = try running.gudok("agent", "pause", "1001", "--reason", "lunch").text
        #expect(asked.contains("1001 is on-call, then paused (lunch)"), "\(asked)")
        #expect(try running.gudok("agents").text.contains("lunch"))
        #expect(try running.state(of: "1001") == "on-call")
        #expect(try running.agent("1001")?["pending_pause"] as? String == "lunch")
        carrier.send(carrier.request("BYE", to: "+74950000700", toTag: tag))
        try anna.expectBye()
        #expect(try eventually { try running.state(of: "1001") == "wrap-up" })
        // What is told is on disk soon after.
        #expect(
            try eventually {
                try Self.sql(running, "SELECT state FROM agent_states ORDER BY since_ms DESC LIMIT 1") == "wrap-up"
            }
        )

        running.process.signal(SIGKILL)
        running.process.exitCode(within: 5)
        running = try RunningSwitch(carrierPort: carrierPort, folder: folder)
        running.isFolderKept = true
        #expect(try running.state(of: "1001") == "wrap-up")
        #expect(try running.gudok("agent", "end-wrap-up", "1001").text.contains("paused (lunch)"))
        let since = try running.agent("1001")?["since"] as? String

        running.process.signal(SIGHUP)
        #expect(running.process.waitFor(10) { $0.contains("files read again") })
        #expect(try running.gudok("apply", folder.appending(path: "tenants/demo.yaml").path).code == 0)
        #expect(try running.agent("1001")?["reason"] as? String == "lunch")
        #expect(try running.agent("1001")?["since"] as? String == since)

        #expect(running.stop() == 0)
        running = try RunningSwitch(carrierPort: carrierPort, folder: folder)
        running.isFolderKept = true
        #expect(try running.state(of: "1001") == "paused")
        _ = try running.gudok("agent", "logout", "1001")
        #expect(
            try eventually {
                try Self.sql(running, "SELECT state FROM agent_states ORDER BY since_ms DESC LIMIT 1") == "logged-out"
            }
        )

        // The intervals tile the shift, and whoever would tear a hole into it is refused.
        let torn = """
            SELECT count(*) FROM (SELECT until_ms, lead(since_ms) OVER (ORDER BY since_ms) AS next FROM agent_states)
            WHERE next IS NOT NULL AND until_ms IS NOT next
            """
        #expect(try Self.sql(running, torn) == "0")
        let states = try Self.sql(
            running,
            "SELECT group_concat(state, ' ') FROM (SELECT * FROM agent_states ORDER BY since_ms)"
        )
        #expect(states.contains("on-call wrap-up logged-out wrap-up paused logged-out paused logged-out"))
        for change in [
            "UPDATE agent_states SET until_ms = until_ms - 1 WHERE state = 'on-call'",
            "DELETE FROM agent_states WHERE state = 'on-call'",
            "INSERT INTO agent_states (agent, since_ms, state) VALUES ('1001', 1, 'available')",
        ] { #expect(try Self.sql(running, change).contains("agent_states:")) }
        // The report adds up, with the time of the pause unpaid.
        let row = try #require(try running.rows("stats", "worktime").first)
        #expect(row["check_s"] as? Double == 0 && row["handled"] as? Int == 1)
        let (came, went) = (row["first_login"] as? String ?? "", row["last_logout"] as? String ?? "")
        #expect(!came.isEmpty && came < went && row["logins"] as? Int == 1, "\(row)")
        let spans = try running.rows("stats", "worktime", "--show-calls")
        let sum = spans.filter { $0["state"] as? String != "logged-out" }.compactMap { $0["duration_s"] as? Double }
        #expect(abs(sum.reduce(0, +) - (row["logged_in_s"] as? Double ?? -1)) < 0.001, "\(spans)")
        let (unpaid, paused) = (row["unpaid_pause_s"] as? Double, row["paused_s"] as? Double)
        #expect(unpaid == paused && (unpaid ?? 0) > 0)
        #expect(try running.gudok("audit", "verify").code == 0)
    }

    @Test func `whoever is free is so since before the restart`() throws {
        let running = try RunningSwitch(tenant: #"queues: [{name: sales, agents: [{user: "1001"}]}]"#)
        let anna = try Phone("1001", password: "anna-demo-1", server: running.sipPort)
        #expect(try anna.register().startWord == "200")
        _ = try running.gudok("agent", "login", "1001")
        let before = try #require(try running.agent("1001"))
        #expect(before["state"] as? String == "available")
        running.isFolderKept = true
        running.stop()
        let next = try RunningSwitch(folder: running.folder)
        let after = try #require(try next.agent("1001"))
        #expect(after["state"] as? String == "available" && after["since"] as? String == before["since"] as? String)
        let states = try next.rows("stats", "worktime", "--show-calls").compactMap { $0["state"] as? String }
        #expect(!states.contains("unreachable"), "\(states)")
        next.stop()
    }

    @Test func `the live view of agents has every key, and is drawn anew, after a restart too`() throws {
        let running = try RunningSwitch(tenant: #"queues: [{name: sales, agents: [{user: "1001"}]}]"#)
        let row = try #require(try running.agent("1001"))
        let keys = [
            "tenant", "user", "name", "state", "reason", "since", "queues", "calls_today", "talk_s_today",
            "current_call",
        ]
        #expect(Set(keys).isSubset(of: row.keys))
        #expect(row["name"] as? String == "Anna" && row["queues"] as? [String] == ["sales"])
        let watch = try ChildProcess(
            RunningSwitch.binary,
            ["agents", "--watch", "--config", running.folder.appending(path: "gudok.yaml").path],
            in: running.folder
        )
        #expect(watch.waitFor(10) { $0.contains("logged-out") })
        _ = try running.gudok("agent", "login", "1001")
        #expect(watch.waitFor(5) { $0.contains("unreachable") })
        running.isFolderKept = true
        running.stop()
        #expect(watch.waitFor(10) { $0.contains("the switch is gone; waiting for it") })
        let next = try RunningSwitch(folder: running.folder)
        let isBack = watch.waitFor(10) { text in
            let parts = text.components(separatedBy: "the switch is back")
            return parts.count == 2 && parts[1].contains("1001")
        }
        #expect(isBack, "\(watch.text)")
        next.stop()
        watch.signal(SIGINT)
        watch.exitCode(within: 5)
    }
}

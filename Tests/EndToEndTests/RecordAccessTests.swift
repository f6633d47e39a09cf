import Foundation
import Testing

/// Records and reports, asked by strangers and of those who are gone.
@Suite("Records")
struct RecordAccessTests {
    @Test func `what nobody ever was, and times that hold nothing or ages, are refused and not empty`() throws {
        let running = try RunningSwitch(
            tenant: "queues: [{name: sales, extension: \"700\", agents: [{user: \"1001\"}]}]"
        )
        let refusals: [(arguments: [String], code: Int32, word: String)] = [
            (["cdr", "--tenant", "nobody"], 1, "there is no tenant 'nobody'; there are: demo"),
            (["cdr", "--tenant", "../tenants/demo"], 1, "there is no tenant '../tenants/demo'"),
            (["recordings", "--tenant", "nobody"], 1, "there is no tenant 'nobody'"),
            (["recordings", "verify", "--tenant", "nobody"], 1, "there is no tenant 'nobody'"),
            (["recordings", "prune", "--tenant", "nobody"], 1, "there is no tenant 'nobody'"),
            (["callbacks", "--tenant", "nobody"], 1, "there is no tenant 'nobody'"),
            (["cdr", "--since", "2026-02-31"], 2, "--since is '2026-02-31'"),
            (["cdr", "--since", "-2h", "--until", "foo"], 2, "--until is 'foo'"),
            (["stats", "calls", "--until", "2026-13-01"], 2, "--until is '2026-13-01'"),
            (["cdr", "--since", "now", "--until", "yesterday"], 2, "nothing lies between them"),
            (["stats", "calls", "--since", "now", "--until", "yesterday"], 2, "nothing lies between them"),
            (["stats", "queues", "--queue", "nosuch"], 1, "there is and was no queue 'nosuch'; there are: sales"),
            (["stats", "agents", "--agent", "nosuch"], 1, "there is and was no agent 'nosuch'; there are: 1001, 1002"),
            (["stats", "calls", "--by", "15m", "--since", "1990-01-01"], 1, "more than 40000 rows of 15m"),
            (["stats", "queues", "--by", "hour", "--until", "2099-01-01"], 1, "more than 40000 rows of 1h"),
            (["stats", "agents", "--since", "0001-01-01"], 1, "a century at most"),
            (["stats", "forecast", "--by", "15m", "--since", "1970-01-01"], 1, "more than 40000 rows"),
            (["stats", "calls", "--formula", "SL1"], 2, "no filter --formula; it has --queue, --agent, --trunk"),
            (["stats", "agents", "--queue", "sales"], 2, "no filter --queue; it has --agent"),
            (["stats", "worktime", "--by", "queue"], 2, "no --by queue; use 15m, 30m, hour, day, week, agent"),
            (["stats", "missed", "--by", "hour"], 2, "no --by hour; leave --by out"),
            (["stats", "forecast", "--formula", "SL1"], 2, "--formula"),
            (
                ["stats", "forecast", "--calls", "9", "--handle", "9", "--queue", "sales"], 2,
                "--queue is of a forecast"
            ),
        ]
        for refusal in refusals {
            let command = try ChildProcess(
                RunningSwitch.binary,
                refusal.arguments + ["--config", running.folder.appending(path: "gudok.yaml").path]
            )
            let code = command.exitCode(within: 20)
            #expect(code == refusal.code && command.text.contains(refusal.word), "\(refusal): \(command.text)")
        }
        for target in [
            "stats/calls?by=15m&since=1990-01-01T00:00:00Z", "stats/queues?queue=nosuch",
            "stats/calls?since=2026-02-01T00:00:00Z&until=2026-01-01T00:00:00Z",
            "stats/agents?since=0001-01-01T00:00:00Z", "stats/agents?queue=sales", "stats/calls?by=queue",
            "stats/calls?formula=SL1", "stats/missed?by=hour", "stats/calls?disposition=lost",
            "stats/queues?trunk=carrier",
        ] {
            let reply = try running.http("/api/v1/\(target)")
            #expect(reply.status == 400 && reply.text.contains("bad-query"), "\(target): \(reply.text)")
        }
        let twice = try running.http("/api/v1/cdr?tenant=demo&tenant=other")
        #expect(twice.status == 400 && twice.text.contains("a parameter is given twice"), "\(twice.text)")
        // Who is configured and had no call has an empty listing.
        #expect(try running.rows("cdr", "--tenant", "demo").isEmpty)
        #expect(try running.http("/api/v1/cdr?tenant=demo").status == 200)
    }

    @Test func `a tenant whose file is gone keeps its talk to the end, its record and its recording`() throws {
        let carrierPort = try WirePeer().port
        let running = try RunningSwitch(carrierPort: carrierPort, tenant: "recordings: {directions: [inbound]}")
        let carrier = try Phone("+74951112233", server: running.sipPort, peer: try WirePeer(port: carrierPort))
        let anna = try Phone("1001", password: "anna-demo-1", server: running.sipPort)
        _ = try anna.register()
        let (callers, annas) = try (WirePeer(), WirePeer())
        carrier.send(carrier.request("INVITE", to: "1001", sdp: Phone.sdp(port: callers.port)))
        let (invite, toAnna) = try anna.pickUp(media: annas)
        let answer = try #require(carrier.final("INVITE"))
        carrier.acknowledge(answer, to: "1001")
        let toCaller = try #require(answer.audioPort)
        Speaker.speak([(callers, toCaller, 440), (annas, toAnna, 1_000)], seconds: 0.5)

        try "tenant: other\ndomains: [other.test]\n"
            .write(to: running.folder.appending(path: "tenants/other.yaml"), atomically: true, encoding: .utf8)
        try FileManager.default.removeItem(at: running.folder.appending(path: "tenants/demo.yaml"))
        running.process.signal(SIGHUP)
        #expect(try eventually { try running.gudok("export", "--tenant", "demo").code != 0 })
        // Who talks goes on; nobody begins.
        #expect(try running.rows("calls").count == 1)
        #expect(try anna.register().startWord != "200")
        Speaker.speak([(callers, toCaller, 440), (annas, toAnna, 1_000)], seconds: 0.5)
        anna.hangUp(invite)
        try carrier.expectBye()
        #expect(try eventually { try running.rows("recordings").first?["state"] as? String == "final" })
        let record = try #require(try running.rows("cdr", "--tenant", "demo").first)
        #expect(record["disposition"] as? String == "answered" && record["reason"] as? String == "normal")
        #expect(record["recording"] as? String == (try running.rows("recordings").first?["id"] as? String))
        let recording = try #require(try running.rows("recordings", "--tenant", "demo").first)
        #expect(recording["duration_s"] as? Double ?? 0 > 0.9)
        #expect(try running.gudok("recordings", "verify").code == 0)
        #expect(try running.gudok("trace", "last").text.contains("BYE"))
        #expect(try running.http("/api/v1/cdr?tenant=demo").rows.count == 1)
        let report = try running.gudok("stats", "calls", "--tenant", "demo")
        #expect(report.code == 0 && report.text.contains("tenant demo is in no file of the configuration: default"))
        #expect(try running.gudok("stats", "calls", "--tenant", "nobody").code == 1)
    }

    @Test func `over midnight and a restart the live view, the command line and HTTP say the same`() throws {
        let queue = """
            queues: [{name: sales, extension: "700", agents: [{user: "1001"}], service_level: {seconds: 20, target: 80}}]
            """
        var running = try RunningSwitch(tenant: queue)
        let folder = running.folder
        let phone = try Phone("+74951112233", server: running.sipPort, peer: running.carrier)
        phone.send(phone.request("INVITE", to: "999", sdp: Phone.sdp(port: 4_000)))
        #expect(phone.final("INVITE")?.startWord == "404")
        #expect(try eventually { try running.rows("cdr").count == 1 })
        running.isFolderKept = true
        #expect(running.stop() == 0)
        // Moscow has had no other time than UTC+3 since 2014.
        let day: Int64 = 86_400_000
        let now = Int64(Date().timeIntervalSince1970 * 1000)
        let midnight = (now + 10_800_000) / day * day - 10_800_000
        let stays: [(Int64, Int64)] = [(-1, 5_000), (0, 10_000), (1, 30_000)]
        let rows = stays.enumerated().map { index, stay in
            """
            ('c\(index)', 'sales', '+7', 0, 1, \(midnight + stay.0), 0, \(stay.1), 'answered', '1001', 1, 1000,
              \(midnight + stay.0 + stay.1), 60000, 0, \(midnight + stay.0 + stay.1 + 60000), 5000, 1)
            """
        }
        let file = folder.appending(path: "data/tenants/demo/cdr.sqlite").path
        let insert = """
            INSERT INTO queue_stays (call_id, queue, number, priority, position, entered_ms, carried_ms, wait_ms, outcome, agent,
              offers, ring_ms, connected_ms, talk_ms, hold_ms, ended_ms, wrap_up_ms, caller_hung_up)
            VALUES \(rows.joined(separator: ", "))
            """
        let sqlite = try ChildProcess("/usr/bin/env", ["sqlite3", file, insert])
        #expect(sqlite.exitCode(within: 10) == 0)
        for isLast in [false, true] {
            running = try RunningSwitch(folder: folder)
            running.isFolderKept = !isLast
            let live = try #require(try running.rows("queues").first)
            #expect(live["offered_today"] as? Int == 2 && live["answered_today"] as? Int == 2)
            #expect(live["service_level_today"] as? Double == 0.5 && live["asa_s_today"] as? Double == 20)
            let reports = [
                try running.rows("stats", "queues"), try running.rows("stats", "queues", "--since", "today"),
                try running.http("/api/v1/stats/queues").rows,
            ]
            for rows in reports {
                let row = try #require(rows.first)
                #expect(row["offered"] as? Int == 2 && row["answered"] as? Int == 2)
                #expect(row["service_level"] as? Double == 0.5 && row["asa_s"] as? Double == 20)
            }
            let days = try running.rows("stats", "queues", "--by", "day", "--since", "yesterday")
            #expect(days.map { $0["offered"] as? Int } == [1, 2])
            let http = try running.http("/api/v1/queues").rows
            #expect(http.first?["offered_today"] as? Int == 2)
            #expect(running.stop() == 0)
        }
    }
}

import Foundation
import Testing

/// Forecasts, what-if and adherence, by the command line and from a history that is there.
@Suite("Planning")
struct PlanningTests {
    private static let tenant = """
        queues: [{name: sales, wrap_up: 5s, service_level: {target: 80, seconds: 20}, agents: [{user: "1002"}]}]
        shifts:
          - {name: office, work: ["Mon-Fri 09:00-18:00"], pauses: ["Mon-Fri 13:00-14:00"], users: ["1002"]}
          - {name: early, work: ["Mon 06:00-08:00"], pauses: ["Mon 07:00-08:00"], users: ["1001"]}
          - {name: floor, work: ["Mon 09:00-10:00"], roles: [supervisor]}
        """

    /// Milliseconds since 1970 of a time on a Monday in Moscow.
    private static func monday(_ clock: String) throws -> Int64 {
        let date = try Date("2026-11-23T\(clock)+03:00", strategy: .iso8601)
        return Int64(date.timeIntervalSince1970) * 1000
    }

    /// A switch that has run, and on that Monday had one operator and three callers: the first talk keeps the second waiting, and the
    /// third gives up.
    private static func history() throws -> RunningSwitch {
        let running = try RunningSwitch(tenant: tenant)
        _ = try running.gudok("agent", "login", "1001")
        let database = running.folder.appending(path: "data/tenants/demo/cdr.sqlite")
        #expect(eventually { FileManager.default.fileExists(atPath: database.path) })
        #expect(running.stop() == 0)
        var rows: [String] = []
        let shift = ["09:00:00", "13:00:00", "14:00:00", "17:00:00"]
        let states = ["available", "paused", "available", "logged-out"]
        for (index, state) in states.enumerated() {
            let until = index + 1 < shift.count ? "\(try monday(shift[index + 1]))" : "NULL"
            rows.append(
                "INSERT INTO agent_states (agent, since_ms, until_ms, state) VALUES ('1002', \(try monday(shift[index])), \(until), '\(state)')"
            )
        }
        let callers: [(clock: String, wait: Int, outcome: String, talk: Int?)] = [
            ("10:00:00", 2_000, "answered", 30_000), ("10:00:10", 29_000, "answered", 30_000),
            ("10:00:11", 10_000, "abandoned", nil),
        ]
        for (index, caller) in callers.enumerated() {
            let entered = try monday(caller.clock)
            let talk =
                caller.talk.map { "'1002', 2000, \(entered + Int64(caller.wait)), \($0), 0, 5000" }
                ?? "NULL, NULL, NULL, NULL, NULL, NULL"
            rows.append(
                """
                INSERT INTO queue_stays (call_id, queue, number, priority, position, entered_ms, carried_ms, wait_ms, outcome, offers,
                  agent, ring_ms, connected_ms, talk_ms, hold_ms, wrap_up_ms, ended_ms)
                VALUES ('call-\(index)', 'sales', '+7', 0, 1, \(entered), 0, \(caller.wait), '\(caller.outcome)', 1, \(talk), \(entered + 60_000))
                """
            )
        }
        let shell = try ChildProcess("/usr/bin/env", ["sqlite3", database.path, rows.joined(separator: ";\n")])
        #expect(shell.exitCode(within: 10) == 0, "\(shell.text)")
        return running
    }

    private static let window = ["--since", "2026-11-23", "--until", "2026-11-24"]

    private static func rows(_ running: RunningSwitch, _ arguments: String...) throws -> [[String: Any]] {
        let all =
            ["stats"] + arguments + window + [
                "--format", "json", "--config", running.folder.appending(path: "gudok.yaml").path,
            ]
        let command = try ChildProcess(RunningSwitch.binary, all)
        #expect(command.exitCode(within: 20) == 0)
        return try #require(
            try JSONSerialization.jsonObject(with: Data(command.text.utf8)) as? [[String: Any]],
            "\(command.text)"
        )
    }

    @Test(arguments: [
        ("360", "1800", "240", "55", "15", 0.238701, 0.845883, 8.184032, 0.872727),
        ("1000", "3600", "300", "90", "20", 0.367289, 0.764501, 16.528027, 0.925926),
    ])
    func `a forecast of given figures is Erlang's`(
        calls: String,
        interval: String,
        handle: String,
        agents: String,
        threshold: String,
        wait: Double,
        level: Double,
        asa: Double,
        occupancy: Double
    ) throws {
        let command = try ChildProcess(
            RunningSwitch.binary,
            [
                "stats", "forecast", "--calls", calls, "--interval", interval, "--handle", handle, "--agents", agents,
                "--threshold", threshold, "--format", "json",
            ]
        )
        #expect(command.exitCode(within: 20) == 0)
        let row = try #require(try JSONSerialization.jsonObject(with: Data(command.text.utf8)) as? [[String: Any]])
            .first
        let found = ["wait_probability", "service_level", "asa_s", "occupancy"].map { row?[$0] as? Double ?? -1 }
        for (value, expected) in zip(found, [wait, level, asa, occupancy]) { #expect(abs(value - expected) < 1e-6) }
    }

    @Test func `a recorded day is replayed as it was and with another operator, and foretells what a day needs`() throws
    {
        let running = try Self.history()
        let rows = try Self.rows(running, "what-if", "--agents", "sales=2")
        #expect(rows.compactMap { $0["figures"] as? String } == ["recorded", "replayed", "what-if"])
        #expect(rows.compactMap { $0["answered"] as? Int } == [2, 2, 2])
        #expect(rows.compactMap { $0["abandoned"] as? Int } == [1, 1, 1])
        #expect(rows.compactMap { $0["asa_s"] as? Double } == [15.5, 15.5, 2])
        let levels = rows.compactMap { $0["service_level"] as? Double }
        #expect(levels.count == 3 && levels[0] == levels[1] && levels[2] > levels[1])
        let relaxed = try Self.rows(running, "what-if", "--wrap-up", "0s", "--strategy", "random")
        #expect(relaxed.last?["asa_s"] as? Double == 13)
        #expect(try running.gudok("stats", "what-if", "--agents", "nobody=2").code == 1)

        let day = try Self.rows(running, "forecast", "--by", "hour", "--target", "90")
        let hour = try #require(day.first)
        #expect(day.count == 1 && hour["from"] as? String == "10:00" && hour["calls"] as? Double == 3)
        #expect(hour["aht_s"] as? Double == 35 && hour["agents"] as? Int == 1)
    }

    @Test func `forecasts and replays over HTTP are those of the command line, page by page`() throws {
        let stopped = try Self.history()
        stopped.isFolderKept = true
        let running = try RunningSwitch(folder: stopped.folder)
        let window = "since=2026-11-23T00:00:00%2B03:00&until=2026-11-24T00:00:00%2B03:00"
        let place = "/api/v1/stats"
        for (query, arguments) in [
            ("what-if?agents=sales=2", ["what-if", "--agents", "sales=2"]),
            (
                "what-if?wrap_up=0s&strategy=random&agents=sales=3,sales=1",
                [
                    "what-if", "--wrap-up", "0s", "--strategy", "random", "--agents", "sales=3", "--agents", "sales=1",
                ]
            ),
            ("forecast?by=hour&target=90&queue=sales", ["forecast", "--by", "hour", "--target", "90"]),
        ] {
            let reply = try running.http("\(place)/\(query)&\(window)")
            let configuration = ["--format", "json", "--config", running.folder.appending(path: "gudok.yaml").path]
            let command = try ChildProcess(
                RunningSwitch.binary,
                ["stats"] + arguments + Self.window + configuration
            )
            #expect(command.exitCode(within: 20) == 0)
            let same = reply.text.trimmingCharacters(in: .newlines)
            let rows = try JSONSerialization.jsonObject(with: Data(command.text.utf8)) as? [[String: Any]]
            #expect(reply.status == 200 && !reply.rows.isEmpty, "\(same)")
            #expect((reply.rows as NSArray) == (rows.map { $0 as NSArray }), "\(same) \(command.text)")
        }
        let first = try running.http("\(place)/what-if?agents=2&limit=2&\(window)")
        let second = try running.http(try #require(first.next))
        #expect(first.rows.count == 2 && second.rows.count == 1 && second.next == nil)
        let given = try running.http("\(place)/forecast?calls=360&handle=240&agents=55&threshold=15")
        #expect(given.rows.first?["asa_s"] as? Double == 8.184032)

        for (query, fault) in [
            ("what-if?agents=many", "agents is 'many'"), ("what-if?agents=2,-1", "agents is '-1'"),
            ("what-if?wrap_up=soon", "wrap_up is 'soon'"), ("what-if?strategy=best", "strategy is 'best'"),
            ("what-if?agents=nobody=2", "there is no queue 'nobody'"), ("what-if?by=hour", "no filter 'by'"),
            ("what-if?since=2020-01-01T00:00:00Z&until=2020-01-02T00:00:00Z", "nobody entered a queue"),
            ("forecast?calls=10", "calls goes together"),
            ("forecast?calls=10&handle=60&queue=sales", "no filter 'queue'"),
            ("forecast?target=120", "target is 120"), ("forecast?interval=60", "no filter 'interval'"),
            ("forecast?by=day", "intervals of a day"), ("queues?agents=2", "no filter 'agents'"),
        ] {
            let reply = try running.http("\(place)/\(query)")
            #expect(reply.status == 400 && reply.text.contains("bad-query"), "\(query): \(reply.text)")
            #expect(reply.text.contains(fault), "\(query): \(reply.text)")
        }
        #expect(try running.http("\(place)/what-if?tenant=other").status == 404)
        #expect(try running.http("\(place)/guesses").status == 404)
    }

    @Test func `adherence is in the report of working time, for whoever has a shift plan`() throws {
        let running = try Self.history()
        let rows = try Self.rows(running, "worktime")
        let agent = try #require(rows.first { $0["agent"] as? String == "1002" })
        // Nine hours planned; he left an hour early.
        #expect(agent["planned_s"] as? Double == 32_400)
        #expect(agent["adherence"] as? Double == 0.888889 && agent["conformance"] as? Double == 0.875)
        let absent = try #require(rows.first { $0["agent"] as? String == "1003" })
        #expect(absent["planned_s"] as? Double == 3600 && absent["adherence"] as? Double == 0)
        // Whose first log-in was later did not come, and has kept the pause.
        let later = try #require(rows.first { $0["agent"] as? String == "1001" })
        #expect(later["planned_s"] as? Double == 7200 && later["adherence"] as? Double == 0.5)
        let exported = try running.gudok("export").text
        #expect(exported.contains(#"- {name: "floor", work: ["Mon 09:00-10:00"], roles: [supervisor]}"#))
        let copy = running.folder.appending(path: "copy.yaml")
        try exported.write(to: copy, atomically: true, encoding: .utf8)
        #expect(try running.gudok("apply", "--dry-run", copy.path).text.contains("nothing changes"))

        let tenant = running.folder.appending(path: "tenants/demo.yaml")
        let text = try String(contentsOf: tenant, encoding: .utf8)
        for (old, new, fault) in [
            ("Mon-Fri 13:00-14:00", "Mon-Sat 13:00-14:00", "is not within the work"),
            ("Mon 09:00-10:00", "Mon 22-6", "are no hours"),
            ("users: [\"1002\"]", "users: [\"1009\"]", "there is no user 1009"),
            ("roles: [supervisor]", "roles: []", "is nobody's"),
            ("roles: [supervisor]", "role: supervisor", "no key 'role'"),
            ("name: floor", "name: office", "is given twice"),
        ] {
            try text.replacing(old, with: new).write(to: tenant, atomically: true, encoding: .utf8)
            let checked = try running.gudok("check")
            #expect(checked.code == 1 && checked.text.contains(fault), "\(fault): \(checked.text)")
        }
    }

    @Test func `a report can be opened, drawn, and mailed`() throws {
        let running = try Self.history()
        let calls = try Self.rows(running, "queues", "--show-calls")
        #expect(calls.compactMap { $0["call_id"] as? String } == ["call-0", "call-1", "call-2"])
        #expect(calls.last?["agent"] is NSNull)
        let taken = try Self.rows(running, "agents", "--show-calls", "--agent", "1002")
        #expect(taken.compactMap { $0["call_id"] as? String } == ["call-0", "call-1"])
        #expect(taken.compactMap { $0["result"] as? String } == ["answered", "answered"])
        #expect(taken.compactMap { $0["hold_s"] as? Double } == [0, 0])
        #expect(taken.compactMap { $0["acw_s"] as? Double } == [5, 5])
        let window = Self.window
        let drawn = try running.gudok(
            "stats",
            "queues",
            "--by",
            "hour",
            "--chart",
            window[0],
            window[1],
            window[2],
            window[3]
        )
        #expect(
            drawn.code == 0 && drawn.text.contains("sales 2026-11-23 10:00")
                && drawn.text.contains("# times: Europe/Moscow") && drawn.text.contains("# service level")
                && drawn.text.contains("\ncalls offered:\n█ answered")
                && drawn.text.contains("\naverage speed of answer, s:\n")
        )
        for (arguments, caption) in [
            (["worktime"], "logged in, h:"), (["agents", "--show-calls"], "talked, s:"),
            (["queues", "--show-calls"], "waited, s:"), (["worktime", "--show-calls"], "lasted, s:"),
        ] {
            let text = try running.gudok(["stats"] + arguments + ["--chart"] + window).text
            let bars = text.components(separatedBy: "\n\(caption)\n").dropFirst().joined()
            #expect(bars.contains("█"), "\(arguments): \(text)")
        }
        let page = running.folder.appending(path: "day.html")
        #expect(
            try running.gudok("stats", "queues", "--html", page.path, window[0], window[1], window[2], window[3]).code
                == 0
        )
        let text = try String(contentsOf: page, encoding: .utf8)
        #expect(text.contains("<figcaption>calls offered</figcaption>") && text.contains(", made "))
        #expect(text.contains("2026-11-23 00:00:00 to 2026-11-24 00:00:00"))
        let made = try running.gudok(["stats", "worktime", "--html", page.path] + window)
        #expect(made.code == 0)
        let work = try String(contentsOf: page, encoding: .utf8)
        #expect(work.contains("<td>{}</td>") && !work.contains("[:]") && !work.contains(">["), "\(work)")
        #expect(work.contains(".wide { overflow-x: auto; }"))
        let hours = try running.gudok(["stats", "queues", "--by", "hour", "--html", page.path] + window)
        #expect(hours.code == 0)
        let byHour = try String(contentsOf: page, encoding: .utf8)
        #expect(byHour.contains("<figcaption>abandon rate, %</figcaption>"))
        #expect(byHour.contains("<figcaption>service level, %</figcaption>") && byHour.contains("<circle"))
        #expect(text.contains("<svg") && text.contains("sales") && !text.contains("null&gt;") && !text.contains("src="))
    }
}

import Foundation
import Testing

/// Plans and files as a careless administrator writes them: each fault is told with its place and its mend.
@Suite("Careless plans")
struct CarelessPlanTests {
    private static func write(_ folder: URL, node: String = "", tenant: String = "", plan: String) throws {
        let files = [
            "gudok.yaml": """
            node: x
            sip: {listen: ["udp://127.0.0.1:0"]}
            media: {address: 127.0.0.1}
            \(node)
            """,
            "tenants/a.yaml": """
            tenant: a
            domains: [a.test]
            users: [{extension: "1001", password: x}]
            trunks: [{name: t, host: 127.0.0.1, accept_from: [127.0.0.1], dialplan: internal}]
            dialplans: {internal: plan.yaml}
            \(tenant)
            """,
            "dialplans/plan.yaml": plan,
        ]
        for (name, text) in files {
            try text.write(to: folder.appending(path: name), atomically: true, encoding: .utf8)
        }
    }

    private static func check(_ folder: URL) throws -> (code: Int32?, text: String) {
        let command = try ChildProcess(RunningSwitch.binary, ["check", "--config", "gudok.yaml"], in: folder)
        let code = command.exitCode(within: 20)
        // How many there are is said on the error output.
        let lines = command.text.split(separator: "\n").filter { !$0.hasPrefix("gudok: ") }
        return (code, lines.joined(separator: "\n"))
    }

    /// `steps` begin in column 9 of line 3.
    private static func plan(_ steps: String, flows: String = "{}", rest: String = "") -> String {
        """
        routes:
          - match: "."
            do: \(steps)
        flows: \(flows)
        \(rest)
        """
    }

    private static let plans: [(plan: String, fault: String)] = [
        (
            plan("[{goto: a}]", flows: "{a: [{goto: b}], b: [{set: {x: y}}, {goto: a}]}"),
            "4:13: error: the flow 'a' goes round"
        ),
        (plan("[{goto: a}]", flows: "{a: [answer, {goto: a}]}"), "4:21: error: the flow 'a' goes round in circles"),
        (
            plan(
                "[{goto: a}]",
                flows: "{a: [{hours: {open: [Mon 09:00-10:00]}, then: [{goto: a}], otherwise: [ringing, {goto: a}]}]}"
            ),
            "4:55: error: the flow 'a' goes round in circles"
        ),
        (plan("[{say: {number: abc}}]"), "3:25: error: 'abc' is no number [bad-value]; write a whole number"),
        (plan("[{say: {amount: \"5 GBP\"}}]"), "'5 GBP' is no amount"),
        (plan("[{say: {time: \"25:10\"}}]"), "'25:10' is no time"),
        (plan("[{say: {date: \"2026-02-30\"}}]"), "'2026-02-30' is no date"),
        (plan("[{say: {digits: abc}}]"), "'abc' is no digits"),
        (plan("[{set: {called: x}}, {hangup: busy}]"), "3:17: error: 'called' is the switch's own variable"),
        (plan("[{collect: {variable: caller}}]"), "'caller' is the switch's own variable"),
        (plan("[echo, {play: welcome}]"), "3:16: error: no call comes here: 'echo' before it"),
        (plan("[{transfer: {user: \"1001\"}}, {hangup: busy}]"), "'transfer' before it does not come back"),
        (
            plan("[{when: {caller: x}, then: [{hangup: busy}], otherwise: [echo]}, {play: welcome}]"),
            "'when' before it does not come back"
        ),
        (plan("[]"), "3:9: error: the rule does nothing"),
        (plan("[{play: []}]"), "3:17: error: 'play' has no prompt"),
        (plan("[{menu: {prompt: welcome, keys: {}}}]"), "the menu has no key"),
        (plan("[{dial: {user: \"1001\", timeout: 0s}}]"), "timeout is no time at all"),
        (plan("[{http: {url: \"ftp://x/\"}}]"), "3:23: error: 'ftp://x/' is no URL"),
        (plan("[{dial: {group: [\"1001\", \"1001\"]}}]"), "the user '1001' is named twice"),
        (plan("[{dial: {group: []}}]"), "3:25: error: the group is nobody"),
        (plan("[{dial: {trunk: [], number: \"1\"}}]"), "3:25: error: there is no trunk in the list"),
        (plan("[{dial: {trunk: [t, t], number: \"1\"}}]"), "the trunk 't' is named twice"),
        (plan("[{dial: {trunk: t, number: \"1 2\"}}]"), "'1 2' is no number"),
        (plan("[{when: {}, then: [{hangup: busy}]}]"), "the step 'when' has no condition"),
        (plan("[{when: {caller: []}, then: [{hangup: busy}]}]"), "caller is never one of nothing"),
        (plan("[{when: {direction: incoming}, then: [{hangup: busy}]}]"), "direction is never 'incoming'"),
        (plan("[{when: {trunk: carier}, then: [{hangup: busy}]}]"), "trunk is never 'carier'"),
        (plan("[{when: {callback_result: taken}, then: [{hangup: busy}]}]"), "callback_result is never 'taken'"),
        (plan("[{hours: {open: []}, then: [{hangup: busy}]}]"), "hours are never open"),
        (plan("[{set: {}}]"), "the step 'set' sets nothing"),
        (plan("[{collect: {variable: x, terminator: \"##\"}}]"), "'##' is no key"),
        (
            plan(
                "[{hangup: busy}]",
                rest: "tests: [{name: n, call: {from: \"1\", to: \"2\"}, expect: [{hung-up: lost}]}]"
            ),
            "'lost' is no cause"
        ),
        ("routes: [{match: \"1[2\", do: [answer]}]", "1:18: error: match: a set does not end"),
        (plan("[{set: {n: \"5\"}}, {http: {url: \"{n}/x\"}}]"), "'{n}/x' is no URL"),
        (
            plan("[{http: {url: \"https://{caller}/x\"}}]"),
            "3:23: error: the host of 'https://{caller}/x' hangs on {caller}, and so on who calls"
        ),
        (plan("[{set: {n: x}}, {http: {url: \"http://a:b@x.{n:1}:80/x\"}}]"), "hangs on {n}"),
        (plan("[{http: {url: \"http://x:99999/\"}}]"), "'http://x:99999/' is no URL"),
        (plan("[{http: {url: \"http://[::1/x\"}}]"), "'http://[::1/x' is no URL"),
        (plan("[{set: {n: }}]"), "n is empty"),
        (
            "routes:\n\t- {match: \".\", do: [answer]}\n",
            "2:1: error: a tab indents the line [yaml]; indent it with blanks"
        ),
        (
            plan("[{hangup: busy}]", rest: "tests: [{name: n, call: {from: \"1\", to: \"2\"}, expect: []}]"),
            "the test expects nothing"
        ),
    ]

    @Test func `what a plan cannot mean is a fault of its line and column`() throws {
        let folder = try RunningSwitch.makeFolder()
        defer { try? FileManager.default.removeItem(at: folder) }
        for (plan, fault) in Self.plans {
            try Self.write(folder, plan: plan)
            let (code, text) = try Self.check(folder)
            #expect(code == 1 && text.contains(fault), "\(fault): \(text)")
            #expect(text.split(separator: "\n").allSatisfy { $0.hasPrefix("dialplans/plan.yaml:") }, "\(text)")
        }
        // What has a way out is no circle, and what a variable decides is not known.
        for sound in [
            Self.plan(
                "[{goto: a}]",
                flows: "{a: [{set: {x: \"{x:1}\"}}, {when: {x: \"\"}, then: [{hangup: busy}]}, {goto: a}]}"
            ),
            Self.plan("[{goto: a}]", flows: "{a: [{play: welcome}, {goto: a}]}"),
            Self.plan(
                "[{set: {n: \"5\"}}, {say: {number: \"{n}\"}}, {http: {url: \"http://{tenant}.x/{n}\"}}, {hangup: \"{n}\"}]"
            ),
            Self.plan("[{set: {n: \"\"}}, {when: {n: \"\"}, then: [{hangup: busy}]}, {hangup: normal}]"),
            Self.plan("[{when: {caller: x}, then: [{hangup: busy}]}, {say: {amount: \"12.50 RUB\"}}]"),
        ] {
            try Self.write(folder, plan: sound)
            let (code, text) = try Self.check(folder)
            #expect(code == 0, "\(text)")
        }
    }

    @Test func `the way of a call is shown for a time on the tenant's clock, or for a point in time`() throws {
        let folder = try RunningSwitch.makeFolder()
        defer { try? FileManager.default.removeItem(at: folder) }
        let hours =
            "[{hours: {open: [Mon-Sun 09:00-10:00]}, then: [{hangup: busy}], otherwise: [{hangup: congestion}]}]"
        try Self.write(folder, tenant: "timezone: Europe/Moscow", plan: Self.plan(hours))
        for (time, end) in [
            ("2027-02-03T09:30", "busy"), ("2027-02-03T06:30:00Z", "busy"), ("2027-02-03T09:30:00Z", "congestion"),
            ("2027-02-03T09:30:00+03:00", "busy"),
        ] {
            let command = try ChildProcess(
                RunningSwitch.binary,
                ["dialplan", "route", "--from", "1", "--to", "2", "--at", time],
                in: folder
            )
            #expect(command.exitCode(within: 20) == 0)
            #expect(command.text.contains("hung-up \(end)"), "\(time): \(command.text)")
        }
    }

    @Test func `two files of one tenant are a fault: neither would be the one that counts`() throws {
        let folder = try RunningSwitch.makeFolder()
        defer { try? FileManager.default.removeItem(at: folder) }
        try Self.write(folder, plan: Self.plan("[{hangup: busy}]"))
        let twin = folder.appending(path: "tenants/b.yaml")
        try FileManager.default.copyItem(at: folder.appending(path: "tenants/a.yaml"), to: twin)
        let (code, text) = try Self.check(folder)
        #expect(code == 1 && text.contains("tenants/b.yaml:1:1: error: tenant a is in tenants/a.yaml too"), "\(text)")
    }

    @Test func `two tenants with one realm are a fault: a hash of the one would be good for the other`() throws {
        let folder = try RunningSwitch.makeFolder()
        defer { try? FileManager.default.removeItem(at: folder) }
        try Self.write(folder, plan: Self.plan("[{hangup: busy}]"))
        let other = try String(contentsOf: folder.appending(path: "tenants/a.yaml"), encoding: .utf8)
            .replacing("tenant: a", with: "tenant: b").replacing("domains: [a.test]", with: "domains: [b.test]")
        let place = folder.appending(path: "tenants/b.yaml")
        try other.write(to: place, atomically: true, encoding: .utf8)
        #expect(try Self.check(folder).code == 0)
        try other.replacing("domains", with: "realm: a.test\ndomains").write(
            to: place,
            atomically: true,
            encoding: .utf8
        )
        let (code, text) = try Self.check(folder)
        #expect(code == 1 && text.contains("b.yaml:1:1: error: the realm a.test is that of tenant a too"), "\(text)")
    }

    @Test func `so is what a node or a tenant cannot mean`() throws {
        let folder = try RunningSwitch.makeFolder()
        defer { try? FileManager.default.removeItem(at: folder) }
        let plan = Self.plan("[{hangup: busy}]")
        for (tenant, fault) in [
            ("queues: [{name: q, ring_timeout: 0s}]", "6:34: error: ring_timeout is no time at all"),
            ("queues: [{name: q, music: nowhere}]", "6:27: error: there is no prompt 'music/nowhere'"),
            ("queues: [{name: q, whisper: nowhere}]", "6:29: error: there is no prompt 'nowhere'"),
            ("queues: [{name: q, messages: [{prompt: nowhere, every: 9s}]}]", "there is no prompt 'nowhere'"),
            ("queues: [{name: q, messages: [{prompt: welcome, every: 0s}]}]", "every is no time at all"),
            ("language: RU", "6:11: error: there are no prompts in language 'RU' [dead-reference]; did you mean 'ru'?"),
            ("language: music", "6:11: error: there are no prompts in language 'music'"),
            ("queues: [{name: q, language: deutsch}]", "6:30: error: there are no prompts in language 'deutsch'"),
            ("queues: [{name: q, announce_position: every 0s}]", "announce_position is no time at all"),
            ("music: nowhere", "6:8: error: there is no prompt 'music/nowhere'"),
            ("queues: [{name: q, extension: \"1001\"}]", "6:31: error: extension 1001 is a user's"),
            (
                "queues: [{name: q, extension: \"7\"}, {name: r, extension: \"7\"}]",
                "6:58: error: extension 7 is queue q's"
            ),
            ("realm: 'a\"b'", "6:8: error: 'a\"b' is no realm"),
            ("timezone: GMT+3", "6:11: error: the time zone 'GMT+3' is unknown"),
            ("timezone: BST", "6:11: error: the time zone 'BST' is unknown"),
            ("cdr_sinks: [{name: s, url: \"http://x:99999/\"}]", "the url is none"),
        ] {
            try Self.write(folder, tenant: tenant, plan: plan)
            let (code, text) = try Self.check(folder)
            #expect(code == 1 && text.contains("tenants/a.yaml:") && text.contains(fault), "\(fault): \(text)")
        }
        for (old, new, fault) in [
            (
                "domains: [a.test]", "domains: [a.test]\nlists: {\"1\": [\"2\"], 1: [\"3\"]}",
                "tenants/a.yaml:3:21: error: the key '1' is given twice"
            ),
            ("domains: [a.test]", "domains: [a test]", "tenants/a.yaml:2:11: error: 'a test' is no host name"),
            (
                "domains: [a.test]", "domains: [\"a.test:5060\"]",
                "tenants/a.yaml:2:11: error: 'a.test:5060' is no host name [bad-value]; write it without the port: a.test"
            ),
            (
                "host: 127.0.0.1,", "host: \"127.0.0.1:5080\",",
                "'127.0.0.1:5080' is no host [bad-value]; write `host: 127.0.0.1` and `port: 5080`"
            ),
            ("host: 127.0.0.1,", "host: 127.0.0.256,", "'127.0.0.256' is no host"),
            (
                "\"udp://127.0.0.1:0\"", "\"udp://127.0.0.1:9\", \"udp://0.0.0.0:9\"",
                "gudok.yaml:2:37: error: udp://127.0.0.1:9 and udp://0.0.0.0:9 are in each other's way"
            ),
            (
                "\"udp://127.0.0.1:0\"", "\"udp://127.0.0.1:9\", \"udp://127.0.0.1:9\"",
                "gudok.yaml:2:37: error: udp://127.0.0.1:9 is given twice"
            ),
            ("media: {address: 127.0.0.1}", "media: {address: 127.0.0.1, codecs: []}", "media.codecs is empty"),
            (
                "[\"udp://127.0.0.1:0\"]}", "[\"tcp://0.0.0.0:9\"]}\nhttp: {listen: \"127.0.0.1:9\"}",
                "gudok.yaml:3:16: error: tcp://0.0.0.0:9 listens on port 9 already"
            ),
            ("node: x", "node: x\ntenants: ./nowhere", "gudok.yaml:2:10: error: there is no folder './nowhere'"),
            ("node: x", "node: x\ndialplans: plans", "gudok.yaml:2:12: error: there is no folder 'plans'"),
            (
                "media: {address: 127.0.0.1}", "media: {address: 127.0.0.1, codecs: [PCMA, pcma]}",
                "the codec PCMA is given twice"
            ),
        ] {
            try Self.write(folder, plan: plan)
            for name in ["gudok.yaml", "tenants/a.yaml"] {
                let file = folder.appending(path: name)
                let text = try String(contentsOf: file, encoding: .utf8)
                try text.replacing(old, with: new).write(to: file, atomically: true, encoding: .utf8)
            }
            let (code, text) = try Self.check(folder)
            #expect(code == 1 && text.contains(fault), "\(fault): \(text)")
        }
    }

    /// Each ends in a flow of the plan below.
    private static func queues(_ a: String, _ b: String) -> String {
        "queues: [{name: a, agents: [{user: \"1001\"}], \(a)}, {name: b, agents: [{user: \"1001\"}], \(b)}]"
    }

    @Test func `queues that send whom they do not let in round in circles are a fault of theirs`() throws {
        let folder = try RunningSwitch.makeFolder()
        defer { try? FileManager.default.removeItem(at: folder) }
        let flows = "{to-a: [{queue: a}], to-b: [{set: {x: y}}, {queue: b}], out: [{play: welcome}, {queue: a}]}"
        let to = { (key: String, flow: String) in "\(key): {dialplan: internal, flow: \(flow)}" }
        for (queues, faults) in [
            (Self.queues(to("on_empty", "to-a"), "weight: 0"), ["on_empty of the queue a"]),
            (
                Self.queues(to("on_empty", "to-b"), "max_length: 3, " + to("on_full", "to-a")),
                ["on_empty of the queue a", "on_full of the queue b"]
            ),
            (
                Self.queues("max_wait: 0s, " + to("on_timeout", "to-b"), to("on_empty", "to-a")),
                ["on_timeout of the queue a", "on_empty of the queue b"]
            ),
            // What takes time, or is for those who waited.
            (Self.queues(to("on_empty", "out"), "weight: 0"), []),
            (Self.queues("max_wait: 20s, " + to("on_timeout", "to-b"), to("on_empty", "to-a")), []),
            (Self.queues(to("on_empty", "to-b"), to("on_full", "to-a")), []),
        ] {
            try Self.write(folder, tenant: queues, plan: Self.plan("[{queue: a}]", flows: flows))
            let (code, text) = try Self.check(folder)
            #expect(code == (faults.isEmpty ? 0 : 1), "\(text)")
            let lines = text.split(separator: "\n").filter { $0.contains("goes round in circles") }
            #expect(lines.count == faults.count, "\(text)")
            for fault in faults {
                #expect(lines.contains { $0.contains("a.yaml:6:") && $0.contains(fault) }, "\(text)")
            }
        }
    }

    @Test func `a user without a password is there all the same`() throws {
        let folder = try RunningSwitch.makeFolder()
        defer { try? FileManager.default.removeItem(at: folder) }
        try Self.write(folder, plan: Self.plan("[{dial: {user: \"1001\"}}]"))
        let file = folder.appending(path: "tenants/a.yaml")
        let text = try String(contentsOf: file, encoding: .utf8).replacing(", password: x", with: "")
        try text.write(to: file, atomically: true, encoding: .utf8)
        let told = try Self.check(folder).text
        #expect(told.contains("the user has no password") && told.split(separator: "\n").count == 1, "\(told)")
    }

    @Test func `a plan that names a prompt which is not there is applied by force alone, and served with a line`()
        throws
    {
        let running = try RunningSwitch(
            internalPlan: "routes: [{match: \".\", do: [{play: old-one}]}]\n"
        )
        #expect(running.process.waitFor(5) { $0.contains("internal.yaml:1:35: error: there is no prompt 'old-one'") })
        let plan = running.folder.appending(path: "dialplans/incoming.yaml")
        try "routes: [{match: \".\", do: [{play: nowhere}]}]\n".write(to: plan, atomically: true, encoding: .utf8)
        let refused = try running.gudok("apply", plan.path)
        #expect(refused.code == 1 && refused.text.contains("1:35: error: there is no prompt 'nowhere'"), "\(refused)")
        // What was missing before holds nobody up.
        #expect(!refused.text.contains("old-one") && refused.text.contains("--force"))
        #expect(try running.gudok("apply", plan.path, "--dry-run").code == 1)
        #expect(try running.gudok("apply", plan.path, "--force").code == 0)
        let forced = try running.rows("audit", "--action", "apply.force")
        #expect(forced.count == 1 && (forced.first?["detail"] as? String)?.contains("nowhere") == true)
        #expect(try running.rows("audit", "--action", "apply", "--outcome", "refused").count == 1)
    }

    @Test(arguments: [("{queue: sales}", "480", "unavailable", 1), ("ringing", "500", "failed", 0)])
    func `a plan that goes round in circles without a fault in it ends the call, not the switch`(
        step: String,
        status: String,
        reason: String,
        stays: Int
    ) throws {
        // What a variable decides is not known to the checker.
        let running = try RunningSwitch(
            tenant: """
                queues:
                  - {name: sales, on_empty: {dialplan: incoming, flow: again}, agents: [{user: "1001"}]}
                """,
            incoming: """
                routes: [{match: ".", do: [{goto: again}]}]
                flows: {again: [{when: {caller: "1"}, then: [{hangup: busy}]}, \(step), {goto: again}]}
                """
        )
        let caller = try Phone("+74951112233", server: running.sipPort, peer: running.carrier)
        caller.send(caller.request("INVITE", to: "600", sdp: Phone.sdp(port: 4_000)))
        // Nothing on the way has answered him.
        #expect(caller.final("INVITE")?.startWord == status)
        #expect(try eventually { try running.rows("cdr").first?["reason"] as? String == reason })
        let offered = try running.rows("stats", "queues").first?["offered"] as? Int
        #expect(offered ?? 0 == stays)
        if stays == 0 { #expect(running.process.text.contains("goes round in circles: it is ended")) }
        #expect(try running.http("/healthz").status == 200)
    }
}

import Foundation
import Testing

/// Records and reports over HTTP, a page at a time, while calls are being written.
@Suite("Pages over HTTP")
struct PagingTests {
    private static func refused(_ running: RunningSwitch, _ carrier: Phone) throws {
        carrier.callID = UUID().uuidString
        carrier.send(carrier.request("INVITE", to: "999", sdp: Phone.sdp(port: 4_000)))
        #expect(carrier.final("INVITE")?.startWord == "404")
    }

    private static func closed(_ running: RunningSwitch) throws -> Int {
        try running.rows("cdr").count { $0["ended_at"] is String }
    }

    @Test func `a list of nothing is nobody's wish`() throws {
        let running = try RunningSwitch()
        for command in [["cdr"], ["recordings", "list"], ["audit"], ["callbacks", "list"], ["stats", "queues"]] {
            let refused = try running.gudok(command + ["--limit", "0"])
            #expect(
                refused.code != 0 && refused.text.contains("--limit is 0: write 1 or more"),
                "\(command): \(refused)"
            )
            #expect(try running.gudok(command + ["--limit", "1"]).code == 0, "\(command)")
        }
    }

    @Test func `pages hold each record once, newest first, whatever is written between them`() throws {
        let running = try RunningSwitch()
        let carrier = try Phone("+74951112233", server: running.sipPort, peer: running.carrier)
        for _ in 0..<7 { try Self.refused(running, carrier) }
        #expect(try eventually { try Self.closed(running) == 7 })
        let all = try running.rows("cdr").compactMap { $0["call_id"] as? String }

        var seen: [String] = []
        var pages = 0
        var next: String? = "/api/v1/cdr?limit=3&from=%2B74951112233"
        while let target = next {
            let page = try running.http(target)
            #expect(page.status == 200)
            seen += page.rows.compactMap { $0["call_id"] as? String }
            next = page.next
            pages += 1
            try Self.refused(running, carrier)
        }
        #expect(pages == 3 && seen == all)
        // The command line goes on in the same way.
        let rest = try running.rows("cdr", "--before", all[4]).compactMap { $0["call_id"] as? String }
        #expect(rest == Array(all[5...]))
        #expect(try running.gudok("cdr", "--before", "nothing").code == 1)
        #expect(try running.http("/api/v1/recordings?limit=5").status == 200)
    }

    @Test func `the audit log is read in pages, from the newest back, or on from an entry`() throws {
        let running = try RunningSwitch(tenant: #"queues: [{name: sales, agents: [{user: "1001"}]}]"#)
        for _ in 0..<3 { for act in ["login", "logout"] { _ = try running.gudok("agent", act, "1001") } }
        #expect(try eventually { try running.rows("audit").count == 6 })
        let all = try running.rows("audit").compactMap { $0["id"] as? Int }
        for (first, order) in [("limit=4", all), ("limit=4&after=0", all.reversed())] {
            var (seen, next): ([Int], String?) = ([], "/api/v1/audit?\(first)")
            while let target = next {
                let page = try running.http(target)
                seen += page.rows.compactMap { $0["id"] as? Int }
                next = page.next
            }
            #expect(seen == Array(order), "\(first)")
        }
    }

    @Test func `a report is read in pages too, and what cannot be read is refused with its name`() throws {
        let running = try RunningSwitch()
        let carrier = try Phone("+74951112233", server: running.sipPort, peer: running.carrier)
        try Self.refused(running, carrier)
        carrier.callID = UUID().uuidString
        carrier.send(carrier.request("INVITE", to: "600", sdp: Phone.sdp(port: 4_000)))
        let tag = carrier.acknowledge(try #require(carrier.final("INVITE")), to: "600")
        carrier.send(carrier.request("BYE", to: "600", toTag: tag))
        #expect(carrier.final("BYE")?.startWord == "200")
        #expect(try eventually { try Self.closed(running) == 2 })

        let whole = try running.http("/api/v1/stats/calls")
        #expect(whole.rows.count == 2 && whole.next == nil)
        let first = try running.http("/api/v1/stats/calls?limit=1")
        let second = try running.http(try #require(first.next))
        #expect(second.next == nil)
        let ways = (first.rows + second.rows).compactMap { $0["disposition"] as? String }
        #expect(ways == whole.rows.compactMap { $0["disposition"] as? String })
        let shown = try running.http("/api/v1/stats/trunks?show_calls=true&limit=1")
        let rest = try running.http(try #require(shown.next))
        let numbers = (shown.rows + rest.rows).compactMap { $0["to"] as? String }
        #expect(numbers == ["600", "999"] && rest.next == nil)
        let table = try running.gudok("stats", "calls", "--limit", "1").text
        let more = try #require(table.split(separator: "\n").first { $0.hasPrefix("# more rows: --since ") })
        let options = more.dropFirst("# more rows: ".count).split(separator: " ", maxSplits: 5).map {
            $0.trimmingCharacters(in: ["'"])
        }
        let behind = try running.gudok(["stats", "calls", "--limit", "1"] + options)
        #expect(behind.code == 0 && behind.text.contains("inbound"), "\(behind.text)")

        #expect(try running.http("/api/v1/cdr?since=2026-01-01T00:00:00%2B03:00").rows.count == 2)
        for (query, name) in [
            ("cdr?since=yesterday", "since"), ("cdr?limit=0", "limit"), ("cdr?before=nothing", "before"),
            ("cdr?colour=red", "colour"), ("cdr?disposition=lost", "disposition"), ("audit?after=x", "after"),
            ("recordings?before=nothing", "before"), ("stats/calls?by=century", "by"),
            ("stats/calls?after=nothing", "nothing"), ("stats/queues?formula=SL99", "SL99"),
        ] {
            let reply = try running.http("/api/v1/\(query)")
            #expect(
                reply.status == 400 && reply.text.contains("bad-query") && reply.text.contains(name),
                "\(reply.text)"
            )
        }
    }

    @Test func `a path that is asked otherwise says how, and one that is not there says so`() throws {
        let running = try RunningSwitch()
        for (method, path, allow) in [
            ("POST", "/api/v1/cdr", "GET, HEAD"), ("PUT", "/api/v1/calls", "GET, HEAD, POST"),
            ("GET", "/api/v1/apply", "POST"), ("PATCH", "/api/v1/calls/1", "DELETE, GET, HEAD"),
            ("POST", "/metrics", "GET, HEAD"),
            ("DELETE", "/api/v1/events", "GET, HEAD"), ("HEAD", "/api/v1/apply", "POST"),
        ] {
            let reply = try running.http(path, method: method)
            #expect(reply.status == 405 && reply.allow == allow, "\(method) \(path): \(reply)")
            #expect(method == "HEAD" || reply.text.contains("method-not-allowed"))
        }
        #expect(try running.http("/api/v1/nothing", method: "POST").status == 404)
        #expect(try running.http("/api/v1/events", method: "HEAD").status == 200)
        #expect(try running.http("/api/v1/calls", method: "HEAD").status == 200)
        #expect(try running.http("/api/v1/calls?colour=red").status == 400)
    }

    @Test func `the live calls are told line by line to whatever is no terminal`() throws {
        let running = try RunningSwitch()
        let carrier = try Phone("+74951112233", server: running.sipPort, peer: running.carrier)
        carrier.send(carrier.request("INVITE", to: "600", sdp: Phone.sdp(port: 4_000)))
        carrier.acknowledge(try #require(carrier.final("INVITE")), to: "600")
        let watch = try ChildProcess(
            RunningSwitch.binary,
            ["calls", "--watch", "--config", running.folder.appending(path: "gudok.yaml").path]
        )
        #expect(watch.waitFor(10) { $0.components(separatedBy: "\n").count { $0.hasPrefix(#"{"call_id":"#) } >= 2 })
        #expect(!watch.text.contains("\u{1B}"))
        watch.signal(SIGINT)
        watch.exitCode(within: 5)
    }
}

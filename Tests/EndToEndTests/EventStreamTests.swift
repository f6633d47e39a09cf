import Foundation
import Testing

/// `/api/v1/events`, as a program at the other end of HTTP hears it.
@Suite("The stream of events")
struct EventStreamTests {
    /// One follower: curl that does not end by itself.
    private final class Follower {
        let curl: ChildProcess

        init(_ running: RunningSwitch, query: String = "", after id: String? = nil) throws {
            let place = "http://127.0.0.1:\(running.httpPort)/api/v1/events\(query)"
            let header = id.map { ["-H", "Last-Event-ID: \($0)"] } ?? []
            curl = try ChildProcess("/usr/bin/env", ["curl", "-s", "-N"] + header + [place])
            #expect(curl.waitFor(10) { $0.contains("retry: 2000") })
        }

        /// Waits for so many events; each with its id and what it says.
        func events(_ count: Int) -> [(id: String, type: String, tenant: String, subject: String)] {
            #expect(curl.waitFor(10) { $0.components(separatedBy: "\n\n").count >= count + 3 }, "\(curl.text)")
            return curl.text.components(separatedBy: "\n\n").compactMap { block in
                let lines = block.components(separatedBy: "\n")
                guard let data = lines.first(where: { $0.hasPrefix("data: ") })?.dropFirst(6),
                    let object = try? JSONSerialization.jsonObject(with: Data(data.utf8)) as? [String: Any]
                else { return nil }
                let inner = object["data"] as? [String: Any]
                return (
                    lines.first { $0.hasPrefix("id: ") }.map { String($0.dropFirst(4)) } ?? "",
                    object["type"] as? String ?? "", object["tenant"] as? String ?? "",
                    inner?["agent"] as? String ?? inner?["user"] as? String ?? ""
                )
            }
        }

        deinit { curl.signal(SIGKILL) }
    }

    private static let queue = #"queues: [{name: sales, agents: [{user: "1001"}, {user: "1002"}]}]"#

    /// A second tenant on the same node.
    private static func addTenant(_ running: RunningSwitch) throws {
        try """
        tenant: other
        domains: [other.test]
        users: [{extension: "1001", name: Olga, password: olga-1, role: operator}]
        queues: [{name: help, agents: [{user: "1001"}]}]
        dialplans: {internal: internal-other.yaml}
        """.write(to: running.folder.appending(path: "tenants/other.yaml"), atomically: true, encoding: .utf8)
        try #"routes: [{match: ".", do: [{hangup: not-found}]}]"#.write(
            to: running.folder.appending(path: "dialplans/internal-other.yaml"),
            atomically: true,
            encoding: .utf8
        )
        running.process.signal(SIGHUP)
        #expect(running.process.waitFor(10) { $0.contains("files read again") })
    }

    @Test func `a hundred who follow hear all of it, and who has heard nothing yet knows where he was`() throws {
        let running = try RunningSwitch(tenant: Self.queue)
        _ = try running.gudok("agent", "login", "1001")
        let place = "http://127.0.0.1:\(running.httpPort)/api/v1/events"
        let followers = 100
        let folder = running.folder.appending(path: "heard")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let files = (0..<followers).map { folder.appending(path: "\($0)") }
        let curl = try ChildProcess(
            "/usr/bin/env",
            ["curl", "-s", "-N", "-Z", "--parallel-max", "\(followers)", "--parallel-immediate"]
                + files.flatMap { ["-o", $0.path, place] }
        )
        defer { curl.signal(SIGKILL) }
        func heard() -> [String] { files.map { (try? String(contentsOf: $0, encoding: .utf8)) ?? "" } }
        #expect(eventually(within: 30) { heard().allSatisfy { $0.hasPrefix("retry: 2000\n\nid: ") } }, "\(heard())")
        for action in ["logout", "login", "logout"] { _ = try running.gudok("agent", action, "1001") }
        // Who was there before the first log-in was on disk has heard that, too.
        func told() -> [[String]] { heard().map { $0.components(separatedBy: "\n").filter { $0.hasPrefix("id: ") } } }
        let haveAll = eventually(within: 30) {
            let ids = told()
            return Set(ids.map { $0.suffix(6) }).count == 1 && ids[0].count > 6
        }
        #expect(haveAll, "\(told().map(\.count))")
        #expect(!running.process.text.contains("a stream of events ends"))
    }

    @Test func `what happens is told, and whoever comes back hears what he missed, over a restart too`() throws {
        let carrierPort = try WirePeer().port
        var running = try RunningSwitch(carrierPort: carrierPort, tenant: Self.queue)
        let folder = running.folder
        let first = try Follower(running)
        _ = try running.gudok("agent", "login", "1002")
        // A change, and an entry of the audit log.
        let live = first.events(2)
        #expect(live.first?.subject == "1002" && live.first?.type == "agentChanged")
        let known = try #require(live.first?.id)
        _ = try running.gudok("agent", "logout", "1002")
        let whole = first.events(4).map(\.id)
        #expect(whole == whole.sorted { (Int64($0) ?? 0) < (Int64($1) ?? 0) } && Set(whole).count == whole.count)

        // Back after a break, with the header and with the query: what came behind the event that he has.
        let missed = Array(whole[1...])
        #expect(try Follower(running, after: known).events(missed.count).map(\.id) == missed)
        #expect(try Follower(running, query: "?last_event_id=\(known)").events(missed.count).map(\.id) == missed)
        for bad in ["abc", "-1", "9223372036854775807"] {
            let refused = try running.http("/api/v1/events", headers: ["Last-Event-ID: \(bad)"])
            #expect(refused.status == 400 && refused.text.contains("Last-Event-ID is '\(bad)'"), "\(refused.text)")
        }
        #expect(try running.http("/api/v1/events?last_event_id=").status == 400)
        #expect(try running.http("/api/v1/events?tenant=nobody").status == 404)
        #expect(try running.http("/api/v1/events?since=today").status == 400)

        running.isFolderKept = true
        #expect(running.stop() == 0)
        running = try RunningSwitch(carrierPort: carrierPort, folder: folder)
        running.isFolderKept = false
        let back = try Follower(running, after: whole.last)
        _ = try running.gudok("agent", "login", "1001")
        let after = back.events(2)
        #expect(after.allSatisfy { (Int64($0.id) ?? 0) > (whole.last.flatMap { Int64($0) } ?? 0) })
        #expect(after.contains { $0.subject == "1001" })
    }

    @Test func `what is done to a tenant's calls and files is told`() throws {
        let running = try RunningSwitch(tenant: Self.queue)
        let follower = try Follower(running)
        #expect(try running.gudok("export").code == 0)
        let anna = try Phone("1001", password: "anna-demo-1", server: running.sipPort)
        _ = try anna.register()
        let call = try running.http("/api/v1/calls", method: "POST", body: #"{"from": "1001", "to": "600"}"#)
        #expect(call.status == 201, "\(call.text)")
        let invite = try #require(anna.expect("INVITE"))
        let id = try #require(try running.rows("calls").first?["call_id"] as? String)
        let recording = try running.http("/api/v1/calls/\(id)/recording", method: "POST", body: #"{"action": "pause"}"#)
        #expect(recording.status == 409, "\(recording.text)")
        #expect(try running.gudok("hangup", id).code == 0)
        anna.respond("487 Request Terminated", to: invite, toTag: "over")
        let acts = [#""action":"export""#, #""action":"call""#, #""action":"hangup""#]
        #expect(follower.curl.waitFor(10) { told in acts.allSatisfy { told.contains($0) } }, "\(follower.curl.text)")
        // In the log too, and on disk before the answer.
        #expect(running.process.text.contains("hangup call \(id) done"))
        let kept = try running.rows("audit").compactMap { $0["action"] as? String }
        #expect(kept == ["hangup", "recording.pause", "call", "export"])
    }

    @Test func `a filter by tenant tells nothing of another, and all tenants are told in one order`() throws {
        let running = try RunningSwitch(tenant: Self.queue)
        try Self.addTenant(running)
        let (all, ours, theirs) = (
            try Follower(running), try Follower(running, query: "?tenant=demo"),
            try Follower(running, query: "?tenant=other")
        )
        for _ in 0..<2 {
            for tenant in ["demo", "other"] {
                _ = try running.gudok("agent", "login", "1001", "--tenant", tenant)
                _ = try running.gudok("agent", "logout", "1001", "--tenant", tenant)
            }
        }
        // Each act is a change and an entry of the audit log.
        let (own, other) = (ours.events(8), theirs.events(8))
        #expect(Set(own.map(\.tenant)) == ["demo"] && Set(other.map(\.tenant)) == ["other"])
        let order = all.events(own.count + other.count).map(\.id)
        #expect(order == (own + other).map(\.id).sorted { (Int64($0) ?? 0) < (Int64($1) ?? 0) })
        let resumed = try Follower(running, query: "?tenant=demo", after: own[0].id)
        #expect(resumed.events(own.count - 1).map(\.id) == own.dropFirst().map(\.id))
    }
}

import Foundation
import Testing

/// What a queue has counted, and what its people are at, through a crash and through changes of the configuration.
@Suite("Queues outlive crashes and changes")
struct QueueSurvivalTests {
    private static let tenant = """
        queues:
          - {name: sales, wrap_up: 60s, agents: [{user: "1001"}, {user: "1002"}]}
          - {name: support, agents: [{user: "1002"}]}
        """
    private static let incoming = #"routes: [{match: ".", do: [{queue: sales}, {hangup: normal}]}]"#

    private static func figures(_ running: RunningSwitch) throws -> [String: Int] {
        let row = try #require(try running.rows("stats", "queues").first { $0["queue"] as? String == "sales" })
        return ["offered", "answered", "abandoned", "waiting"].reduce(into: [:]) { $0[$1] = row[$1] as? Int }
    }

    @Test
    func
        `a queue's counts outlive kill -9: who waited is closed with engine-restart, and the next caller is counted on`()
        throws
    {
        var running = try RunningSwitch(tenant: Self.tenant, incoming: Self.incoming)
        let folder = running.folder
        running.isFolderKept = true
        defer { try? FileManager.default.removeItem(at: folder) }
        let carrierPort = try #require(running.carrier?.port)
        let peer = try #require(running.carrier)
        let anna = try Phone("1001", password: "anna-demo-1", server: running.sipPort)
        _ = try anna.register()
        _ = try running.gudok("agent", "login", "1001")
        // One is answered and over, one talks no more by the crash, one gives up, one waits.
        let callers = try (0..<3).map { try Phone("+7495111220\($0)", server: running.sipPort, peer: peer) }
        let (tag, _) = try callers[0].arrive(media: WirePeer())
        _ = try anna.pickUp(media: WirePeer())
        callers[0].send(callers[0].request("BYE", to: "+74950000700", toTag: tag))
        try anna.expectBye()
        let (second, _) = try callers[1].arrive(media: WirePeer())
        callers[1].send(callers[1].request("BYE", to: "+74950000700", toTag: second))
        _ = try callers[2].arrive(media: WirePeer())
        #expect(
            try eventually { try Self.figures(running) == ["offered": 3, "answered": 1, "abandoned": 1, "waiting": 1] }
        )

        running.process.signal(SIGKILL)
        running.process.exitCode(within: 5)
        running = try RunningSwitch(carrierPort: carrierPort, folder: folder)
        running.isFolderKept = true
        #expect(try Self.figures(running) == ["offered": 3, "answered": 1, "abandoned": 2, "waiting": 0])
        // The wrap-up goes on, and is told with the moment when it began anew.
        #expect(try running.state(of: "1001") == "wrap-up")
        let stays = try running.rows("stats", "queues", "--show-calls").compactMap { $0["outcome"] as? String }
        #expect(stays.sorted() == ["abandoned", "answered", "engine-restart"])
        let later = try Phone("+74951112209", server: running.sipPort, peer: peer)
        _ = try later.arrive(media: WirePeer())
        #expect(try eventually { try Self.figures(running)["offered"] == 4 })
        // What he wraps up before and after the crash is the call's, and what his ledger says.
        #expect(try running.gudok("agent", "end-wrap-up", "1001").code == 0)
        let wrappedUp = { () throws -> (call: Double, ledger: Double) in
            let stay = try running.rows("stats", "queues", "--show-calls").first {
                $0["outcome"] as? String == "answered"
            }
            let shift = try running.rows("stats", "worktime").first
            return (stay?["acw_s"] as? Double ?? 0, shift?["wrap_up_s"] as? Double ?? -1)
        }
        #expect(try eventually { try wrappedUp().call > 0 })
        let (call, ledger) = try wrappedUp()
        #expect(abs(call - ledger) < 0.01, "\(call) \(ledger)")
    }

    @Test func `the command line reports by the configuration in force, as HTTP does`() throws {
        let running = try RunningSwitch(tenant: Self.tenant, incoming: Self.incoming)
        let caller = try Phone("+74951112233", server: running.sipPort, peer: running.carrier)
        _ = try caller.arrive(media: WirePeer())
        let midnights = {
            let rows = try [running.rows("stats", "queues"), running.http("/api/v1/stats/queues").rows]
            return try rows.map { try #require($0.first?["from"] as? String) }
        }
        #expect(try eventually { try running.rows("stats", "queues").first?["offered"] as? Int == 1 })
        let first = try midnights()
        #expect(first[0] == first[1])
        let own = running.folder.appending(path: "tenants/demo.yaml")
        let text = try String(contentsOf: own, encoding: .utf8)
        let zone = try #require(text.split(separator: "\n").first { $0.hasPrefix("timezone:") })
        // Half an hour from any other's midnight.
        let other = text.replacing(zone, with: "timezone: Asia/Kolkata")
        let file = running.folder.appending(path: "next.yaml")
        try other.write(to: file, atomically: true, encoding: .utf8)
        #expect(try running.gudok("apply", file.path).code == 0)
        let applied = try midnights()
        #expect(applied[0] == applied[1] && applied[0].contains(":30:00"))
        // What lies in the folder counts when it is read.
        try text.replacing(zone, with: "timezone: Asia/Kathmandu").write(to: own, atomically: true, encoding: .utf8)
        #expect(try midnights() == applied)
        #expect(try running.http("/api/v1/configuration").status == 404)
        #expect(running.stop() == 0)
        #expect(try running.rows("stats", "queues").first?["from"] as? String != applied[0])
    }

    @Test func `a report made while no switch runs says the same however late it is made`() throws {
        let running = try RunningSwitch(tenant: Self.tenant, incoming: Self.incoming)
        let anna = try Phone("1001", password: "anna-demo-1", server: running.sipPort)
        _ = try anna.register()
        _ = try running.gudok("agent", "login", "1001")
        let loggedIn = { try #require(try running.rows("stats", "worktime").first?["logged_in_s"] as? Double) }
        let live = try loggedIn()
        #expect(try eventually { try loggedIn() > live })
        running.process.signal(SIGKILL)
        running.process.exitCode(within: 5)
        let (first, second) = try (loggedIn(), loggedIn())
        #expect(first == second)
    }

    @Test func `apply says who is affected before it is done and when it is`() throws {
        let running = try RunningSwitch(tenant: Self.tenant, incoming: Self.incoming)
        let carrier = try Phone("+74951112233", server: running.sipPort, peer: running.carrier)
        let anna = try Phone("1001", password: "anna-demo-1", server: running.sipPort)
        _ = try anna.register()
        _ = try running.gudok("agent", "login", "1001")
        _ = try carrier.arrive(media: WirePeer())
        let invite = try #require(anna.expect("INVITE"))
        let file = running.folder.appending(path: "next.yaml")
        let before = try String(contentsOf: running.folder.appending(path: "tenants/demo.yaml"), encoding: .utf8)
        try before.replacingOccurrences(of: #"[{user: "1001"}, {user: "1002"}]"#, with: "[]")
            .write(to: file, atomically: true, encoding: .utf8)
        let rung = try running.gudok("apply", file.path, "--dry-run")
        #expect(rung.text.contains("! queue sales: 2 agents leave, 1 is rung\n"), "\(rung.text)")
        let media = try WirePeer()
        anna.respond("200 OK", to: invite, toTag: anna.user, sdp: Phone.sdp(port: media.port))
        #expect(anna.expect("ACK") != nil)
        let since = try running.agent("1001")?["since"] as? String
        let line = "! queue sales: 2 agents leave, 1 is on a call"
        let dry = try running.gudok("apply", file.path, "--dry-run")
        #expect(dry.code == 0 && dry.text.contains(line), "\(dry.text)")
        let real = try running.gudok("apply", file.path)
        #expect(real.code == 0 && real.text.contains(line), "\(real.text)")
        // His talk goes on, and its clock.
        #expect(try running.state(of: "1001") == "on-call" && running.agent("1001")?["since"] as? String == since)

        // A queue that goes: its callers are sent on.
        let waiting = try Phone("+74951112234", server: running.sipPort, peer: running.carrier)
        _ = try waiting.arrive(media: WirePeer())
        #expect(try eventually { try running.rows("queues").contains { $0["waiting"] as? Int == 1 } })
        let plan = running.folder.appending(path: "incoming.yaml")
        try Self.incoming.replacing("sales", with: "support").write(to: plan, atomically: true, encoding: .utf8)
        try before.components(separatedBy: "\n").filter { !$0.contains("name: sales") }.joined(separator: "\n")
            .write(to: file, atomically: true, encoding: .utf8)
        let gone = try running.gudok("apply", file.path, plan.path)
        #expect(gone.code == 0 && gone.text.contains("! queue sales: 0 agents leave, 1 caller waits"), "\(gone.text)")
        #expect(waiting.expect("BYE") != nil)

        // A trunk and a user that go; of the plan that has them no more its rules are told.
        let inside = running.folder.appending(path: "internal.yaml")
        let own = RunningSwitch.internalPlan.components(separatedBy: "  - match: \"+.\"")[0]
        try (own + "  - {match: \"5\", do: [echo]}\n").write(to: inside, atomically: true, encoding: .utf8)
        try before.replacing("- name: carrier", with: "- name: other").components(separatedBy: "\n")
            .filter { !$0.contains("name: sales") && !$0.contains("name: Anna") }.joined(separator: "\n")
            .write(to: file, atomically: true, encoding: .utf8)
        let without = try running.gudok("apply", file.path, inside.path, "--dry-run")
        for line in [
            "! trunk carrier: 1 call is up", "! user 1001: is in a call, 1 phone is signed off",
            "- dialplan internal rule +.", "+ dialplan internal rule 5",
        ] { #expect(without.text.contains(line + "\n"), "\(line): \(without.text)") }
        #expect(!without.text.contains("dialplan internal rule 1xxx"))
        anna.hangUp(invite)
    }
}

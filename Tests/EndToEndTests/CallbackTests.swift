import Foundation
import Testing

/// Callers who press a key instead of waiting, and are called back when their turn comes.
@Suite("Callbacks over the wire")
struct CallbackTests {
    private static let tenant = """
        queues:
          - name: sales
            wrap_up: 30s
            record: true
            short_talk: 3s
            callback: {attempts: 2, retry_after: 1s}
            keys: {"1": {dialplan: incoming, flow: call-me}}
            agents: [{user: "1001"}]
        """
    private static let incoming = """
        routes: [{match: ".", do: [{queue: sales}, {hangup: normal}]}]
        flows:
          call-me:
            - callback: {queue: sales, number: "{caller}"}
            - when: {callback_result: refused}
              then: [{hangup: congestion}]
            - hangup: normal
        """
    private static let internalPlan = """
        routes:
          - {match: "1xxx", do: [{dial: {user: "{called}", timeout: 20s}}]}
          - {match: "*45", do: [{agent: logout}]}
          # Who may dial out.
          - {match: "+7.", from: "10xx", do: [{dial: {trunk: carrier, number: "{called}", timeout: 20s}}]}
        """

    private static func centre(in folder: RunningSwitch? = nil) throws -> RunningSwitch {
        try RunningSwitch(
            tenant: tenant,
            incoming: incoming,
            internalPlan: internalPlan,
            folder: folder?.folder,
            arguments: ["--drain-timeout", "2"]
        )
    }

    private let running: RunningSwitch
    private let caller: Phone
    private let anna: Phone
    private let (callersMedia, annasMedia): (WirePeer, WirePeer)

    init() throws {
        running = try Self.centre()
        caller = try Phone("+74951112233", server: running.sipPort, peer: running.carrier)
        anna = try Phone("1001", password: "anna-demo-1", server: running.sipPort)
        (callersMedia, annasMedia) = (try WirePeer(), try WirePeer())
        _ = try anna.register()
        _ = try running.gudok("agent", "login", "1001")
        _ = try running.gudok("agent", "pause", "1001", "--reason", "break")
    }

    /// Comes into the queue, and asks to be called back.
    private func ask() throws {
        (caller.callID, caller.tag, caller.sequence) = (UUID().uuidString, UUID().uuidString, 0)
        let (_, port) = try caller.arrive(media: callersMedia)
        #expect(try eventually { try running.rows("queues").first?["waiting"] as? Int == 1 })
        callersMedia.press(1, to: port, at: 1)
        try caller.expectBye()
    }

    private func callback() throws -> [String: Any] { try running.rows("callbacks").first ?? [:] }

    /// The agent's phone rings for the caller, and is answered; then the number is called.
    private func agentCalls(_ within: Double = 8) throws -> (invite: String, port: UInt16, outward: String) {
        let (invite, port) = try anna.pickUp(media: annasMedia, within: within)
        #expect(invite.header("From")?.contains("+74951112233") == true)
        let outward = try #require(caller.expect("INVITE"))
        #expect(outward.hasPrefix("INVITE sip:+74951112233@"))
        return (invite, port, outward)
    }

    private func answered(_ outward: String) throws -> UInt16 {
        caller.respond("200 OK", to: outward, toTag: caller.user, sdp: Phone.sdp(port: callersMedia.port))
        _ = try #require(caller.expect("ACK"))
        return try #require(outward.audioPort)
    }

    @Test func `a caller keeps his place, is called by the agent whose turn it is, and the reports tell it apart`()
        throws
    {
        try ask()
        #expect(try eventually { try callback()["state"] as? String == "waiting" })
        let queue = try #require(try running.rows("queues").first)
        #expect(queue["waiting"] as? Int == 0 && queue["callbacks"] as? Int == 1)

        _ = try running.gudok("agent", "unpause", "1001")
        let (invite, toAnna, outward) = try agentCalls()
        caller.respond("180 Ringing", to: outward, toTag: caller.user)
        #expect(try eventually { try callback()["state"] as? String == "calling" })
        let toCaller = try answered(outward)
        #expect(try eventually { try callback()["state"] as? String == "done" })
        _ = (callersMedia.samples(), annasMedia.samples())
        Speaker.speak([(callersMedia, toCaller, 440), (annasMedia, toAnna, 1_000)], seconds: 2)
        #expect(Tone.share(of: 1_000, in: callersMedia.samples()) > 0.8)
        #expect(Tone.share(of: 440, in: annasMedia.samples()) > 0.8)
        let live = try #require(try running.rows("calls").first)
        #expect(live["state"] as? String == "talking" && live["agent"] as? String == "1001")
        caller.send(caller.request("BYE", in: outward, sequence: 1))
        #expect(anna.expect("BYE") != nil)
        withExtendedLifetime(invite) {}

        #expect(try eventually { try running.state(of: "1001") == "wrap-up" })
        var records: [[String: Any]] = []
        #expect(
            try eventually {
                records = try running.rows("cdr")
                return records.count == 2 && records.allSatisfy { $0["ended_at"] is String }
            }
        )
        #expect(try running.metric("gudok_calls_started_total") == 2)
        let record = try #require(records.first)
        #expect(record["direction"] as? String == "outbound" && record["disposition"] as? String == "answered")
        #expect(record["queue"] as? String == "sales" && record["agent"] as? String == "1001")
        #expect(record["to"] as? String == "+74951112233" && record["hangup_by"] as? String == "callee")
        #expect(record["recording"] is String)
        let talked = try #require(record["talk_s"] as? Double)
        #expect(talked > 1.9 && talked < (record["duration_s"] as? Double ?? 0))
        let wish = try callback()["id"] as? String
        #expect(records.allSatisfy { ($0["variables"] as? [String: Any])?["callback"] as? String == wish })
        // He is no second caller of the queue; the agent has handled one.
        let report = try #require(try running.rows("stats", "queues").first)
        #expect(report["offered"] as? Int == 1 && report["answered"] as? Int == 0 && report["overflowed"] as? Int == 1)
        let work = try #require(try running.rows("stats", "agents").first)
        #expect(work["handled"] as? Int == 1 && work["direct_calls"] as? Int == 0)
        // He talked with whom he called, not with the ringing before.
        let worked = ["talk_s", "hold_s"].compactMap { work[$0] as? Double }.reduce(0, +)
        #expect(abs(worked - talked) < 0.005, "\(worked) \(talked)")
        #expect(try running.rows("stats", "missed").isEmpty)
        // The replay of the day has him too, at about the same time.
        let days = try running.rows("stats", "what-if", "--strategy", "random")
        #expect(days.compactMap { $0["called_back"] as? Int } == [1, 1, 1])
        #expect(days.compactMap { $0["overflowed"] as? Int } == [1, 1, 1])
        let waits = days.compactMap { $0["callback_wait_s"] as? Double }
        #expect(waits.count == 3 && waits[0] > 0 && abs(waits[0] - waits[1]) < 0.5, "\(waits)")
    }

    @Test func `who cannot be reached is tried again, and then no more`() throws {
        try ask()
        _ = try running.gudok("agent", "unpause", "1001")
        for attempt in 1...2 {
            let (_, _, outward) = try agentCalls()
            caller.respond("486 Busy Here", to: outward, toTag: "busy\(attempt)")
            #expect(caller.expect("ACK") != nil)
            try anna.expectBye(within: 12)
            #expect(try eventually { try callback()["attempts"] as? Int == attempt })
            _ = try running.gudok("agent", "end-wrap-up", "1001")
        }
        let wish = try callback()
        #expect(wish["state"] as? String == "failed" && wish["reason"] as? String == "busy")
        #expect(wish["agent"] as? String == "1001")
        let record = try #require(try running.rows("cdr").first)
        #expect(record["disposition"] as? String == "busy" && record["sip_code"] as? Int == 486)
        #expect(try eventually { try running.state(of: "1001") == "available" })
    }

    @Test(arguments: ["agent", "customer"])
    func `a talk that its agent ends at once was none, and is tried again; the customer may end his`(who: String) throws
    {
        try ask()
        _ = try running.gudok("agent", "unpause", "1001")
        let (invite, _, outward) = try agentCalls()
        _ = try answered(outward)
        #expect(try eventually { try running.rows("calls").first?["state"] as? String == "talking" })
        if who == "agent" {
            anna.hangUp(invite)
            #expect(caller.expect("BYE") != nil)
            #expect(try eventually { try callback()["reason"] as? String == "dropped" })
            #expect(try callback()["state"] as? String == "waiting")
            _ = try running.gudok("agent", "end-wrap-up", "1001")
            _ = try agentCalls(12)
            #expect(try eventually { try callback()["attempts"] as? Int == 2 })
        } else {
            caller.send(caller.request("BYE", in: outward, sequence: 1))
            #expect(anna.expect("BYE") != nil)
            #expect(try eventually { try callback()["state"] as? String == "done" })
        }
    }

    @Test func `wishes outlive a crash, one wish is enough, and one may be cancelled`() throws {
        try ask()
        try ask()
        #expect(try running.rows("callbacks").count == 1)
        // Every column is there, though nothing has become of it.
        let head = "id,tenant,queue,number,requested_at,state,attempts,agent,reason,done_at\r\n"
        #expect(try running.gudok("callbacks", "list", "--format", "csv").text.hasPrefix(head))
        running.process.signal(SIGKILL)
        running.process.exitCode(within: 5)
        running.isFolderKept = true

        let next = try Self.centre(in: running)
        running.isFolderKept = false
        #expect(try next.rows("queues").first?["callbacks"] as? Int == 1)
        let wish = try #require(try next.rows("callbacks", "--open").first?["id"] as? String)
        let cancelled = try next.gudok("callbacks", "cancel", wish)
        #expect(cancelled.code == 0, "\(cancelled.text)")
        #expect(try next.rows("queues").first?["callbacks"] as? Int == 0)
        #expect(try eventually { try next.rows("callbacks").first?["state"] as? String == "cancelled" })
        let again = try next.gudok("callbacks", "cancel", wish)
        #expect(again.code == 1 && again.text.contains("no callback"), "\(again.text)")
        let acts = try next.rows("audit", "--action", "callback.cancel")
        #expect(acts.map { $0["outcome"] as? String } == ["refused", "done"], "\(acts)")
        #expect(acts.last?["tenant"] as? String == "demo" && acts.last?["object"] as? String == "callback \(wish)")
    }

    @Test func `the wishes of a tenant who comes back while the switch runs stand again`() throws {
        try ask()
        running.isFolderKept = true
        #expect(running.stop() == 0)
        let file = running.folder.appending(path: "tenants/demo.yaml")
        let written = try String(contentsOf: file, encoding: .utf8)
        try "tenant: other\ndomains: [other.test]\n".write(to: file, atomically: true, encoding: .utf8)

        let next = try RunningSwitch(folder: running.folder)
        #expect(try next.rows("queues").isEmpty)
        try written.write(to: file, atomically: true, encoding: .utf8)
        next.process.signal(SIGHUP)
        #expect(try eventually { try next.rows("queues").first?["callbacks"] as? Int == 1 })
        // Nobody comes twice by another reload.
        next.process.signal(SIGHUP)
        #expect(eventually { next.process.text.contains("files read again: 0 changes") })
        #expect(try next.rows("queues").first?["callbacks"] as? Int == 1)
        let annaThen = try Phone("1001", password: "anna-demo-1", server: next.sipPort, peer: anna.peer)
        _ = try annaThen.register()
        _ = try next.gudok("agent", "login", "1001")
        let (invite, _) = try annaThen.pickUp(media: annasMedia, within: 8)
        #expect(invite.header("From")?.contains("+74951112233") == true)
    }

    @Test func `a switch that ends calls nobody back any more, and does not wait for agents who only ring`() throws {
        try ask()
        _ = try running.gudok("agent", "unpause", "1001")
        anna.respond("180 Ringing", to: try #require(anna.expect("INVITE")), toTag: "rings")
        running.isFolderKept = true
        let began = Date()
        running.process.signal(SIGTERM)
        #expect(anna.expect("CANCEL") != nil)
        #expect(running.process.exitCode(within: 20) == 0)
        #expect(Date().timeIntervalSince(began) < 15)
        #expect(caller.expect("INVITE", within: 0.1) == nil)

        let next = try RunningSwitch(folder: running.folder)
        let wish = try next.rows("callbacks").first
        #expect(wish?["state"] as? String == "waiting" && wish?["attempts"] as? Int == 0, "\(wish ?? [:])")
        let annaThen = try Phone("1001", password: "anna-demo-1", server: next.sipPort, peer: anna.peer)
        let (invite, _) = try annaThen.pickUp(media: annasMedia, within: 20)
        #expect(invite.header("From")?.contains("+74951112233") == true)
    }

    @Test func `the pause before the next attempt goes on over a restart`() throws {
        let pause = "retry_after: 8s"
        let file = running.folder.appending(path: "tenants/demo.yaml")
        let written = try String(contentsOf: file, encoding: .utf8)
        try written.replacing("retry_after: 1s", with: pause).write(to: file, atomically: true, encoding: .utf8)
        #expect(try running.gudok("apply", file.path).code == 0)
        try ask()
        _ = try running.gudok("agent", "unpause", "1001")
        let (_, _, outward) = try agentCalls()
        let failed = Date()
        caller.respond("486 Busy Here", to: outward, toTag: "busy")
        #expect(caller.expect("ACK") != nil)
        try anna.expectBye(within: 12)
        #expect(try eventually { try callback()["attempts"] as? Int == 1 })
        _ = try running.gudok("agent", "end-wrap-up", "1001")
        running.isFolderKept = true
        #expect(running.stop() == 0)

        let next = try RunningSwitch(folder: running.folder)
        let annaThen = try Phone("1001", password: "anna-demo-1", server: next.sipPort, peer: anna.peer)
        _ = try annaThen.pickUp(media: annasMedia, within: 20)
        #expect(Date().timeIntervalSince(failed) > 7.9)
    }

    @Test func `an attempt that is cancelled was answered by its agent`() throws {
        try ask()
        _ = try running.gudok("agent", "unpause", "1001")
        _ = try agentCalls()
        let wish = try #require(try callback()["id"] as? String)
        #expect(try running.gudok("callbacks", "cancel", wish).code == 0)
        try anna.expectBye()
        var record: [String: Any] = [:]
        #expect(
            try eventually {
                record = try running.rows("cdr").first { $0["direction"] as? String == "outbound" } ?? [:]
                return record["ended_at"] is String
            }
        )
        let legs = record.legs
        #expect(record["reason"] as? String == "cancelled", "\(record)")
        #expect(legs.first?["sip_code"] as? Int == 200 && legs.first?["result"] as? String == "answered", "\(legs)")
    }

    @Test(arguments: [SIGKILL, SIGTERM])
    func `an attempt that a crash or a stop cut off does not count, and its caller waits again`(signal: Int32) throws {
        try ask()
        _ = try running.gudok("agent", "unpause", "1001")
        _ = try agentCalls()
        #expect(try eventually { try callback()["attempts"] as? Int == 1 })
        running.process.signal(signal)
        running.process.exitCode(within: 10)
        running.isFolderKept = true

        let next = try Self.centre(in: running)
        running.isFolderKept = false
        var wish: [String: Any] = [:]
        #expect(
            try eventually {
                wish = try #require(try next.rows("callbacks").first)
                return wish["state"] as? String == "waiting"
            }
        )
        #expect(wish["attempts"] as? Int == 0, "\(wish)")
        #expect(wish["reason"] as? String == (signal == SIGKILL ? "engine-restart" : "shutdown"), "\(wish)")
        // She was in the attempt, and is in no call by now.
        #expect(try next.gudok("agent", "end-wrap-up", "1001").code == 0)
        // Her registration is as she left it; only the port of the switch is another one.
        let annaThen = try Phone("1001", password: "anna-demo-1", server: next.sipPort, peer: anna.peer)
        _ = try annaThen.pickUp(media: annasMedia, within: 8)
        let isAgainTheFirst = try eventually {
            let wish = try next.rows("callbacks").first
            return wish?["state"] as? String == "calling" && wish?["attempts"] as? Int == 1
        }
        #expect(isAgainTheFirst)
    }

    @Test(arguments: ["anonymous", "*45", "600"])
    func `a caller with no number, a feature code or one that leads nowhere is not promised anything`(
        name: String
    ) throws {
        let nobody = try Phone(name, server: running.sipPort, peer: running.carrier)
        let (_, port) = try nobody.arrive(media: callersMedia)
        #expect(try eventually { try running.rows("queues").first?["waiting"] as? Int == 1 })
        callersMedia.press(1, to: port, at: 1)
        try nobody.expectBye(within: 12)
        #expect(try running.rows("callbacks").isEmpty)
        let words = "'\(name)' asks to be called back and is refused: the plan 'internal'"
        #expect(running.process.text.contains(words) == (name != "anonymous"))
    }
}

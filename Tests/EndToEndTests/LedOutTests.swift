import Foundation
import Testing

/// Callers who leave a queue without an agent: queues' reports, the calls' records and the list of missed calls tell one truth.
@Suite("Callers who are led out of a queue")
struct LedOutTests {
    private static let tenant = """
        queues:
          - name: sales
            max_wait: 3s
            callback: {attempts: 2, retry_after: 1s}
            on_timeout: {dialplan: incoming, flow: nobody}
            keys: {"1": {dialplan: incoming, flow: call-me}, "2": {dialplan: incoming, flow: self-service}}
            agents: [{user: "1001"}]
        """
    private static let incoming = """
        routes: [{match: ".", do: [{queue: sales}, {hangup: normal}]}]
        flows:
          nobody: [{set: {cause: "{queue_result}"}}, echo]
          self-service: [{set: {cause: "{queue_result}"}}, echo]
          call-me: [{callback: {queue: sales, number: "{caller}"}}, echo]
        """
    private static let internalPlan = """
        routes: [{match: "+7.", do: [{dial: {trunk: carrier, number: "{called}", timeout: 20s}}]}]
        """

    private let running: RunningSwitch
    private let caller: Phone

    init() throws {
        running = try RunningSwitch(tenant: Self.tenant, incoming: Self.incoming, internalPlan: Self.internalPlan)
        caller = try Phone("+74951112233", server: running.sipPort, peer: running.carrier)
        let anna = try Phone("1001", password: "anna-demo-1", server: running.sipPort)
        _ = try anna.register()
        _ = try running.gudok("agent", "login", "1001")
        _ = try running.gudok("agent", "pause", "1001")
    }

    /// Waits until the key or the time-out leads him out, and hangs up in what comes then; his call's record.
    private func leave(by key: UInt8?) throws -> [String: Any] {
        (caller.callID, caller.tag, caller.sequence) = (UUID().uuidString, UUID().uuidString, 0)
        let earlier = try running.rows("cdr").count
        let media = try WirePeer()
        let (tag, port) = try caller.arrive(media: media)
        #expect(try eventually { try running.rows("queues").first?["waiting"] as? Int == 1 })
        if let key { media.press(key, to: port, at: 1) }
        #expect(try eventually { try running.rows("calls").first?["state"] as? String == "ivr" })
        caller.send(caller.request("BYE", to: "+74950000700", toTag: tag))
        #expect(caller.final("BYE") != nil)
        var records: [[String: Any]] = []
        #expect(
            try eventually {
                records = try running.rows("cdr")
                return records.count == earlier + 1 && records.allSatisfy { $0["ended_at"] is String }
            }
        )
        return try #require(records.first)
    }

    private func variable(_ name: String, of record: [String: Any]) -> String? {
        (record["variables"] as? [String: Any])?[name] as? String
    }

    @Test func `who is led out has not given up, whoever hangs up then`() throws {
        let timedOut = try leave(by: nil)
        #expect(timedOut["disposition"] as? String == "no-answer" && timedOut["talk_s"] as? Double == 0)
        #expect(timedOut["hangup_by"] as? String == "caller" && variable("cause", of: timedOut) == "timeout")
        let missed = try #require(try running.rows("stats", "missed", "--queue", "sales").first)
        let waited = try #require(missed["waited_s"] as? Double)
        #expect(abs(waited - 3) < 0.5, "\(missed)")
        // He wanted something else, and had it.
        let served = try leave(by: 2)
        #expect(served["disposition"] as? String == "answered" && variable("cause", of: served) == "key")
        let report = try #require(try running.rows("stats", "queues").first)
        #expect(report["offered"] as? Int == 2 && report["abandoned"] as? Int == 0 && report["overflowed"] as? Int == 2)
        #expect(try running.rows("stats", "missed").count == 1)
    }

    @Test func `who asks to be called back, once or twice, is not missed while the wish stands`() throws {
        let (first, second) = (try leave(by: 1), try leave(by: 1))
        #expect([first, second].allSatisfy { $0["disposition"] as? String == "no-answer" })
        #expect([first, second].allSatisfy { $0["talk_s"] as? Double == 0 })
        let wish = try #require(variable("callback", of: first))
        #expect(variable("callback", of: second) == wish)
        #expect(try running.rows("stats", "missed").isEmpty)
        #expect(try running.gudok("callbacks", "cancel", wish).code == 0)
        #expect(try eventually { try running.rows("stats", "missed", "--queue", "sales").count == 2 })
    }
}

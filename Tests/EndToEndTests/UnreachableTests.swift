import Foundation
import Glibc
import Testing

extension WirePeer {
    /// Whether processes of ours may hear it.
    static let hearsICMP: Bool = {
        let descriptor = socket(AF_INET, Int32(SOCK_RAW.rawValue), Int32(IPPROTO_ICMP))
        if descriptor >= 0 { close(descriptor) }
        return descriptor >= 0
    }()
}

/// Phones and carriers whose machine says by ICMP that nobody is at the port.
@Suite(
    "Unreachable peers over the wire (RFC 3261 §18.4)",
    .enabled(if: WirePeer.hearsICMP, "needs CAP_NET_RAW")
)
struct UnreachableTests {
    /// Registers a phone whose program then ends.
    private func lose(_ user: String, _ password: String, _ running: RunningSwitch) throws {
        let phone = try Phone(user, password: password, server: running.sipPort)
        #expect(try phone.register().startWord == "200")
    }

    @Test func `a phone that is gone is not rung to the end of its time, and stays registered`() throws {
        let running = try RunningSwitch()
        try lose("1002", "boris-demo-2", running)
        let anna = try Phone("1001", password: "anna-demo-1", server: running.sipPort)
        #expect(try anna.call("1002").startWord == "480")
        #expect(try eventually { try running.rows("cdr").first?["ended_at"] is String })
        let record = try #require(try running.rows("cdr").first)
        #expect(record["reason"] as? String == "unavailable", "\(record)")
        let leg = try #require((record["legs"] as? [[String: Any]])?.last)
        #expect(leg["result"] as? String == "unavailable" && leg["sip_code"] as? Int == 503, "\(leg)")
        let why = try running.gudok("why", "last").text
        #expect(why.contains("leg 1: INVITE reaches nobody: port unreachable"), "\(why)")
        #expect(try running.rows("registrations").contains { $0["user"] as? String == "1002" })
    }

    @Test func `of two phones of a user the one that is there rings on`() throws {
        let running = try RunningSwitch()
        try lose("1002", "boris-demo-2", running)
        let boris = try Phone("1002", password: "boris-demo-2", server: running.sipPort)
        #expect(try boris.register().startWord == "200")
        let anna = try Phone("1001", password: "anna-demo-1", server: running.sipPort)
        #expect(try anna.dial("1002", sdp: Phone.sdp(port: 4_000)) == nil)
        let invite = try #require(boris.expect("INVITE"))
        boris.respond("200 OK", to: invite, toTag: "boris", sdp: Phone.sdp(port: 4_002))
        #expect(anna.answer(to: "INVITE")?.startWord == "200")
    }

    @Test func `the next trunk has the call at once`() throws {
        let spare = try WirePeer()
        let running = try RunningSwitch(
            carrierPort: try WirePeer().port,
            // Of silence the spare would hear after seven seconds; a kernel that has said much of late may say nothing of the first INVITE.
            node: "timers: {t1: 1s}",
            trunk: """
                probe: false
                  - {name: spare, host: 127.0.0.1, port: \(spare.port), probe: false}
                """,
            internalPlan: """
                routes:
                  - {match: "+.", do: [{dial: {trunk: [carrier, spare], number: "{called}", timeout: 60s}}]}
                """
        )
        let anna = try Phone("1001", password: "anna-demo-1", server: running.sipPort)
        #expect(try anna.dial("+74950000000", sdp: Phone.sdp(port: 4_000)) == nil)
        let carrier = try Phone("spare", server: running.sipPort, peer: spare)
        #expect(carrier.expect("INVITE") != nil)
    }

    @Test func `an agent whose only phone is gone is passed over, and has missed nothing`() throws {
        let running = try queueThatRingsLong("short_talk: 0s")
        try lose("1001", "anna-demo-1", running)
        let boris = try Phone("1002", password: "boris-demo-2", server: running.sipPort)
        #expect(try boris.register().startWord == "200")
        // Anna is idle longer, and asked first.
        for agent in ["1001", "1002"] { #expect(try running.gudok("agent", "login", agent).code == 0) }
        let carrier = try Phone("+74951112233", server: running.sipPort, peer: running.carrier)
        _ = try carrier.arrive(media: try WirePeer())
        let (invite, _) = try boris.pickUp(media: try WirePeer())
        boris.hangUp(invite)
        try carrier.expectBye()
        let call = try #require(try running.rows("cdr").first?["call_id"] as? String)
        let why = try running.gudok("why", call).text
        #expect(why.contains("agent 1001: unavailable"), "\(why)")
    }

    @Test func `an agent whose phone says nothing at all, not even 100, is passed over, and has missed nothing`() throws
    {
        let running = try queueThatRingsLong("pause_after_misses: 1")
        let anna = try Phone("1001", password: "anna-demo-1", server: running.sipPort)
        let boris = try Phone("1002", password: "boris-demo-2", server: running.sipPort)
        for phone in [anna, boris] { _ = try phone.register() }
        // Anna is idle longer, and asked first.
        for agent in ["1001", "1002"] { #expect(try running.gudok("agent", "login", agent).code == 0) }
        let carrier = try Phone("+74951112233", server: running.sipPort, peer: running.carrier)
        _ = try carrier.arrive(media: try WirePeer())
        #expect(anna.expect("INVITE") != nil)
        _ = try boris.pickUp(media: try WirePeer(), within: 10)
        #expect(try running.state(of: "1001") == "available")
        let call = try #require(try running.rows("calls").first?["call_id"] as? String)
        let why = try running.gudok("why", call).text
        #expect(why.contains("agent 1001: unavailable"), "\(why)")
    }

    /// Everybody who calls waits in a queue whose agents' phones ring for a minute.
    private func queueThatRingsLong(_ setting: String) throws -> RunningSwitch {
        try RunningSwitch(
            tenant: ContactCentreTests.tenant(setting).replacing("ring_timeout: 5s", with: "ring_timeout: 60s"),
            incoming: """
                routes:
                  - {match: ".", do: [answer, {queue: sales}]}
                flows:
                  nobody: [{hangup: normal}]
                """,
            internalPlan: ContactCentreTests.internalPlan
        )
    }
}

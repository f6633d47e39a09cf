import Foundation
import Testing

/// Feature codes that take a call which rings at a colleague's.
@Suite("Pick-up over the wire")
struct PickUpTests {
    private static let elsewhere = "SIP;cause=200;text=\"Call completed elsewhere\""
    private static let incoming = "routes: [{match: \".\", do: [{dial: {user: \"1001\", timeout: 20s}}]}]"

    @Test(arguments: ["*81001", "*8"]) func `B106: a code takes the call, and the other phones are told where it went`(
        code: String
    ) throws {
        let running = try RunningSwitch(
            tenant: "queues: [{name: sales}]",
            incoming: Self.incoming,
            internalPlan: TransferCentre.internalPlan
        )
        let phones = try (1...2).map { _ in try Phone("1001", password: "anna-demo-1", server: running.sipPort) }
        for phone in phones { _ = try phone.register() }
        let (callers, veras) = try (WirePeer(), WirePeer())
        let carrier = try Phone("+74951112233", server: running.sipPort, peer: running.carrier)
        carrier.send(carrier.request("INVITE", to: "1001", sdp: Phone.sdp(port: callers.port)))
        for phone in phones {
            phone.respond("180 Ringing", to: try #require(phone.expect("INVITE")), toTag: "\(phone.peer.port)")
        }
        #expect(carrier.expect("180") != nil)
        let vera = try Phone("1003", password: "vera-demo-3", server: running.sipPort)
        let answer = try vera.call(code, port: veras.port)
        #expect(answer.startWord == "200")
        vera.acknowledge(answer, to: code)
        for phone in phones { #expect(phone.expect("CANCEL")?.header("Reason") == Self.elsewhere) }
        let accepted = try #require(carrier.final("INVITE"))
        #expect(accepted.startWord == "200")
        carrier.acknowledge(accepted, to: "1001")
        let voices: [(name: String, peer: WirePeer, port: UInt16, hertz: Double)] = [
            ("caller", callers, try #require(accepted.audioPort), 440),
            ("vera", veras, try #require(answer.audioPort), 1_000),
        ]
        #expect(
            Speaker.heard(among: voices, speaking: ["caller", "vera"], share: 0.5)
                == ["caller": ["vera"], "vera": ["caller"]]
        )
        // One call is up: hers became it.
        let live = try running.rows("calls")
        #expect(live.count == 1 && live.first?["state"] as? String == "talking")
        vera.send(vera.request("BYE", to: code, toTag: answer.header("To")?.components(separatedBy: ";tag=").last))
        #expect(vera.final("BYE")?.startWord == "200" && carrier.expect("BYE") != nil)

        var records: [[String: Any]] = []
        #expect(
            try eventually {
                records = try running.rows("cdr")
                return records.count == 2 && records.allSatisfy { $0["ended_at"] is String }
            }
        )
        let taken = try #require(records.first { $0["direction"] as? String == "inbound" })
        #expect(taken["disposition"] as? String == "answered" && taken["hangup_by"] as? String == "callee")
        #expect(
            taken.legs.compactMap { $0["result"] as? String } == [
                "answered", "answered-elsewhere", "answered-elsewhere", "answered",
            ]
        )
        #expect(taken.legs.last?["user"] as? String == "1003")
        let own = try #require(records.first { $0["direction"] as? String == "internal" })
        #expect(own["reason"] as? String == "picked-up" && own["to"] as? String == code)
        let why = try running.gudok("why", try #require(own["call_id"] as? String)).text
        #expect(why.contains("pickup 1001") && why.contains(taken["call_id"] as? String ?? "-"), "\(why)")
        #expect(try eventually { try running.metric("gudok_rtp_port_pairs_in_use") == 0 })
    }

    @Test func `nothing that rings is 480; a queue gives its calls itself, and its agent's phone rings on`() throws {
        let centre = try TransferCentre()
        let vera = try Phone("1003", password: "vera-demo-3", server: centre.running.sipPort)
        let idle = try vera.call("*81002")
        #expect(idle.startWord == "480")
        vera.acknowledge(idle, to: "*81002")
        _ = try centre.carrier.arrive(media: centre.caller.media)
        let invite = try #require(centre.anna.await("INVITE"))
        centre.anna.phone.respond("180 Ringing", to: invite, toTag: "1001")
        let refused = try vera.call("*81001")
        #expect(refused.startWord == "603")
        vera.acknowledge(refused, to: "*81001")
        #expect(try centre.running.state(of: "1001") == "ringing")
        centre.anna.phone.respond("200 OK", to: invite, toTag: "1001", sdp: Phone.sdp(port: centre.anna.media.port))
        #expect(centre.anna.await("ACK") != nil)
        #expect(try eventually { try centre.running.state(of: "1001") == "on-call" })
        let own = try #require(try centre.running.rows("cdr").first { $0["to"] as? String == "*81001" })
        let why = try centre.running.gudok("why", try #require(own["call_id"] as? String)).text
        #expect(why.contains("which gives its calls itself"), "\(why)")
    }
}

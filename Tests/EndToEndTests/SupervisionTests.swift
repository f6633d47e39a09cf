import Codecs
import Foundation
import Testing

/// A supervisor in an operator's talk, with every voice told apart by its tone.
@Suite("Supervision over the wire")
struct SupervisionTests {
    private static let internalPlan = """
        routes:
          - {match: "1xxx", do: [{dial: {user: "{called}", timeout: 20s}}]}
          - {match: "*55.", do: [{supervise: {mode: listen, agent: "{called:3}"}}]}
        """

    private static let incoming = """
        routes:
          - {match: ".", do: [{queue: sales}, {hangup: normal}]}
        """

    private static let tenant = """
        queues: [{name: sales, wrap_up: 30s, record: true, agents: [{user: "1001"}]}]
        """

    /// A carrier's caller (440 Hz), Anna, who serves him (1,000 Hz), and Vera, who supervises (1,700 Hz).
    private final class Centre {
        let running: RunningSwitch
        let carrier: Phone
        let anna: Phone
        let vera: Phone
        let callers: WirePeer
        let annas: WirePeer
        let veras: WirePeer
        var tag = ""
        var toCaller: UInt16 = 0
        var toAnna: UInt16 = 0
        var call = ""
        var annasInvite = ""

        init() throws {
            (callers, annas, veras) = try (WirePeer(), WirePeer(), WirePeer())
            running = try RunningSwitch(tenant: tenant, incoming: incoming, internalPlan: internalPlan)
            carrier = try Phone("+74951112233", server: running.sipPort, peer: running.carrier)
            anna = try Phone("1001", password: "anna-demo-1", server: running.sipPort)
            vera = try Phone("1003", password: "vera-demo-3", server: running.sipPort)
            _ = try (anna.register(), vera.register())
            _ = try running.gudok("agent", "login", "1001")
        }

        func talk() throws {
            (tag, toCaller) = try carrier.arrive(media: callers)
            (annasInvite, toAnna) = try anna.pickUp(media: annas)
            call = try #require(try running.rows("calls").first?["call_id"] as? String)
        }

        func hangUp() { carrier.send(carrier.request("BYE", to: "+74950000700", toTag: tag)) }

        /// Everybody who is named speaks for two seconds and a half; who hears whom. Whoever was let go is silent: his port may be
        /// somebody else's by now.
        func heard(_ speaking: Set<String>, toVera: UInt16) -> [String: Set<String>] {
            let voices: [(name: String, peer: WirePeer, port: UInt16, hertz: Double)] = [
                ("caller", callers, toCaller, 440), ("anna", annas, toAnna, 1_000), ("vera", veras, toVera, 1_700),
            ]
            return Speaker.heard(among: voices, speaking: speaking, share: 0.1)
        }
    }

    private static let everybody: Set<String> = ["caller", "anna", "vera"]

    @Test func `listen, whisper and barge let each hear whom they should, and the call goes on without the supervisor`()
        throws
    {
        let centre = try Centre()
        try centre.talk()
        let running = centre.running
        #expect(try running.gudok("supervise", "listen", centre.call, "--by", "1003").code == 0)
        let (invite, toVera) = try centre.vera.pickUp(media: centre.veras)
        #expect(invite.header("From")?.contains("1001") == true)
        #expect(
            centre.heard(Self.everybody, toVera: toVera) == [
                "caller": ["anna"], "anna": ["caller"], "vera": ["caller", "anna"],
            ]
        )
        // By key.
        centre.veras.press(2, to: toVera, at: 1)
        #expect(try eventually { try running.rows("audit", "--action", "supervise.whisper").count == 1 })
        #expect(
            centre.heard(Self.everybody, toVera: toVera) == [
                "caller": ["anna"], "anna": ["caller", "vera"], "vera": ["caller", "anna"],
            ]
        )
        // A key of the caller reaches the operator out of the mix too.
        _ = centre.annas.samples()
        centre.callers.press(7, to: centre.toCaller, at: 2)
        #expect(
            eventually(within: 3) {
                centre.annas.receive(within: 1).map { $0.bytes[1] & 0x7F == 101 && $0.bytes[12] == 7 } ?? false
            }
        )
        // By the operator's extension, from the command line.
        #expect(try running.gudok("supervise", "barge", "1001", "--by", "1003").code == 0)
        #expect(
            centre.heard(Self.everybody, toVera: toVera)
                == ["caller": ["anna", "vera"], "anna": ["caller", "vera"], "vera": ["caller", "anna"]]
        )
        // What she holds is her own call.
        let silence = Phone.sdp(port: centre.veras.port, direction: "sendonly", version: 2)
        centre.vera.send(centre.vera.request("INVITE", in: invite, sequence: 1, sdp: silence))
        #expect(centre.vera.final("INVITE")?.startWord == "200")
        centre.vera.send(centre.vera.request("ACK", in: invite, sequence: 1))
        #expect(try running.rows("calls").count == 2)
        centre.vera.send(centre.vera.request("BYE", in: invite, sequence: 2))
        #expect(centre.vera.final("BYE")?.startWord == "200")
        #expect(
            try eventually { try running.rows("calls").count == 1 }
        )
        #expect(centre.heard(["caller", "anna"], toVera: toVera) == ["caller": ["anna"], "anna": ["caller"]])
        centre.hangUp()
        try centre.anna.expectBye()

        // Recorded is what the caller and the operator heard of each other, and of the supervisor what both heard.
        #expect(try eventually { try running.rows("recordings").first?["state"] as? String == "final" })
        let row = try #require(try running.rows("recordings").first)
        let (left, right) = try running.recorded(try #require(row["id"] as? String))
        #expect((1.5...3).contains(Tone.seconds(of: 1_700, in: right)), "\(Tone.seconds(of: 1_700, in: right)) s")
        #expect(Tone.seconds(of: 1_000, in: right) > 7 && Tone.seconds(of: 440, in: right) == 0)
        #expect(Tone.seconds(of: 440, in: left) > 7 && Tone.seconds(of: 1_700, in: left) == 0)
        #expect(row["agents"] as? [String] == ["1001", "1003"])

        var records: [[String: Any]] = []
        #expect(
            try eventually {
                records = try running.rows("cdr")
                return records.count == 2 && records.allSatisfy { $0["ended_at"] is String }
            }
        )
        let own = try #require(records.first { $0["call_id"] as? String != centre.call })
        let variables = own["variables"] as? [String: String]
        #expect(variables?["supervised_call"] == centre.call && variables?["supervised_agent"] == "1001")
        #expect(own["hold_s"] as? Double ?? 0 > 0, "\(own)")
        let supervised = try #require(records.first { $0["call_id"] as? String == centre.call })
        #expect((supervised["legs"] as? [Any])?.count == 2)
        #expect(supervised["agent"] as? String == "1001" && supervised["hangup_by"] as? String == "caller")
        #expect(
            try running.rows("audit", "--action", "supervise").reversed().compactMap { $0["after"] as? String }
                == ["listen", "whisper", "barge"]
        )
    }

    @Test func `the supervisor takes over: the operator wraps up, and the caller goes on with him`() throws {
        let centre = try Centre()
        try centre.talk()
        let running = centre.running
        #expect(try running.gudok("supervise", "take-over", "1001", "--by", "1003").code == 0)
        let (_, toVera) = try centre.vera.pickUp(media: centre.veras)
        try centre.anna.expectBye()
        #expect(try eventually { try running.state(of: "1001") == "wrap-up" })
        #expect(centre.heard(["caller", "vera"], toVera: toVera) == ["caller": ["vera"], "vera": ["caller"]])
        let live = try #require(try running.rows("calls").first { $0["call_id"] as? String == centre.call })
        // He is no agent of the queue.
        #expect(live["state"] as? String == "talking" && live["agent"] is NSNull)
        centre.hangUp()
        try centre.vera.expectBye()
        var record: [String: Any] = [:]
        #expect(
            try eventually {
                record = try running.rows("cdr", centre.call).first ?? [:]
                return record["ended_at"] is String
            }
        )
        #expect(record["disposition"] as? String == "answered" && record["agent"] as? String == "1001")
        // The right channel goes on with the supervisor's voice.
        let right = try running.recorded(try #require(record["recording"] as? String)).right
        // Without the silence before and after, which is as long as the commands took.
        let isLoud = { (sample: Double) in abs(sample) > 500 }
        let first = try #require(right.firstIndex(where: isLoud))
        let last = try #require(right.lastIndex(where: isLoud))
        // A machine under load speaks with gaps; what is heard is still his voice, and neither of the others'.
        let heard = Array(right[first...last])
        let share = Tone.share(of: 1_700, in: heard)
        #expect(share > 5 * Tone.share(of: 440, in: heard) && share > 5 * Tone.share(of: 1_000, in: heard))
    }

    @Test func `a caller on hold is asked for his voice again by whoever takes over`() throws {
        let centre = try Centre()
        try centre.talk()
        let hold = Phone.sdp(port: centre.annas.port, direction: "sendonly", version: 2)
        centre.anna.send(centre.anna.request("INVITE", in: centre.annasInvite, sequence: 1, sdp: hold))
        let held = try #require(centre.carrier.expect("INVITE"))
        #expect(held.sipBody.contains("a=sendonly"))
        centre.carrier.respond(
            "200 OK",
            to: held,
            sdp: Phone.sdp(port: centre.callers.port, direction: "recvonly", version: 2)
        )
        _ = try #require(centre.carrier.expect("ACK"))
        #expect(centre.anna.final("INVITE")?.startWord == "200")
        centre.anna.send(centre.anna.request("ACK", in: centre.annasInvite, sequence: 1))
        #expect(try eventually { try centre.running.rows("calls").first?["state"] as? String == "held" })
        #expect(try centre.running.gudok("supervise", "take-over", "1001", "--by", "1003").code == 0)
        let (_, toVera) = try centre.vera.pickUp(media: centre.veras)
        let back = try #require(centre.carrier.expect("INVITE"))
        #expect(!back.sipBody.contains("a=sendonly") && !back.sipBody.contains("a=inactive"))
        centre.carrier.respond("200 OK", to: back, sdp: Phone.sdp(port: centre.callers.port, version: 3))
        _ = try #require(centre.carrier.expect("ACK"))
        try centre.anna.expectBye()
        #expect(centre.heard(["caller", "vera"], toVera: toVera) == ["caller": ["vera"], "vera": ["caller"]])
    }

    @Test func `a feature code lets supervisors in, and nobody else`() throws {
        let centre = try Centre()
        #expect(try centre.vera.call("*551001", port: 4_000).startWord == "480")
        centre.vera.callID = UUID().uuidString
        try centre.talk()
        let boris = try Phone("1002", password: "boris-demo-2", server: centre.running.sipPort)
        #expect(try boris.call("*551001").startWord == "403")
        #expect(
            try centre.running.gudok("supervise", "listen", centre.call, "--by", "1002").text.contains("no supervisor")
        )
        let answer = try centre.vera.call("*551001", port: centre.veras.port)
        #expect(answer.startWord == "200")
        centre.vera.acknowledge(answer, to: "*551001")
        #expect(try centre.running.rows("calls").count == 2)
        // Another tenant's supervisor finds no such call.
        let other = centre.running.folder.appending(path: "other.yaml")
        let text = """
            tenant: other
            domains: [other.test]
            users: [{extension: "1003", password: other-3, role: supervisor}]
            """
        try text.write(to: other, atomically: true, encoding: .utf8)
        #expect(try centre.running.gudok("apply", other.path).code == 0)
        let stranger = try centre.running.gudok("supervise", "listen", centre.call, "--by", "1003", "--tenant", "other")
        #expect(stranger.code == 1 && stranger.text.contains("no call"))
        // The talk ends, and the supervisor's leg with it.
        centre.hangUp()
        try centre.anna.expectBye()
        try centre.vera.expectBye()
        let outcomes = try centre.running.rows("audit", "--action", "supervise").reversed()
            .compactMap { entry in (entry["outcome"] as? String).map { "\(entry["actor"] ?? "") \($0)" } }
        #expect(outcomes.prefix(2) == ["1003 refused", "1002 refused"] && outcomes.contains("1003 done"))
        #expect(outcomes.count == 5 && outcomes.count { $0.hasSuffix("refused") } == 4)
        #expect(try eventually { try centre.running.metric("gudok_rtp_port_pairs_in_use") == 0 })
    }

    @Test func `who supervises a talk of two outside parties is rung from a number, and hears it`() throws {
        let running = try RunningSwitch(
            incoming: """
                routes:
                  - {match: ".", do: [{dial: {trunk: carrier, number: "+74957654321", timeout: 20s}}]}
                """
        )
        let vera = try Phone("1003", password: "vera-demo-3", server: running.sipPort)
        _ = try vera.register()
        let carrier = try Phone("+74951112233", server: running.sipPort, peer: running.carrier)
        carrier.send(carrier.request("INVITE", to: "600", sdp: Phone.sdp(port: 4_000)))
        let onward = try #require(carrier.expect("INVITE"))
        carrier.respond("200 OK", to: onward, toTag: "other", sdp: Phone.sdp(port: 4_002))
        _ = carrier.acknowledge(try #require(carrier.final("INVITE")), to: "600")
        let call = try #require(try running.rows("calls").first?["call_id"] as? String)
        #expect(try eventually { try running.rows("calls").first?["state"] as? String == "talking" })
        #expect(try running.gudok("supervise", "listen", call, "--by", "1003").code == 0)
        let invite = try #require(vera.expect("INVITE"))
        #expect(invite.header("From")?.contains("<sip:+74957654321@") == true, "\(invite)")
        vera.respond("200 OK", to: invite, toTag: "vera", sdp: Phone.sdp(port: 4_004))
        #expect(vera.expect("ACK") != nil)
    }

    @Test func `a talk that ends while the supervisor's phone rings stops it`() throws {
        let centre = try Centre()
        try centre.talk()
        #expect(try centre.running.gudok("supervise", "listen", "1001", "--by", "1003").code == 0)
        let invite = try #require(centre.vera.expect("INVITE"))
        centre.vera.respond("180 Ringing", to: invite, toTag: "vera")
        centre.hangUp()
        try centre.anna.expectBye()
        let cancel = try #require(centre.vera.expect("CANCEL"))
        centre.vera.respond("200 OK", to: cancel, toTag: "vera")
        centre.vera.respond("487 Request Terminated", to: invite, toTag: "vera")
        #expect(try eventually { try centre.running.rows("calls").isEmpty })
        #expect(try eventually { try centre.running.metric("gudok_rtp_port_pairs_in_use") == 0 })
    }

    @Test func `while a supervisor is in the talk it keeps to what is mixed`() throws {
        let centre = try Centre()
        try centre.talk()
        #expect(try centre.running.gudok("supervise", "listen", centre.call, "--by", "1003").code == 0)
        let (_, toVera) = try centre.vera.pickUp(media: centre.veras)
        func reinvite(_ formats: String, _ version: Int) {
            let sdp = Phone.sdp(port: centre.callers.port, formats: formats, version: version)
            centre.carrier.send(centre.carrier.request("INVITE", to: "+74950000700", toTag: centre.tag, sdp: sdp))
        }
        reinvite("9 101", 2)
        let refused = try #require(centre.carrier.final("INVITE"))
        #expect(refused.startWord == "488")
        centre.carrier.acknowledge(refused, to: "+74950000700")
        reinvite("9 8 101", 3)
        let offer = try #require(centre.anna.expect("INVITE"))
        #expect(offer.sipBody.contains("PCMA") && !offer.sipBody.contains("G722"), "\(offer)")
        centre.anna.respond("200 OK", to: offer, sdp: Phone.sdp(port: centre.annas.port, formats: "8 101", version: 2))
        let answer = try #require(centre.carrier.final("INVITE"))
        #expect(answer.sipBody.contains("RTP/AVP 8 101"))
        centre.carrier.acknowledge(answer, to: "+74950000700")
        #expect(
            centre.heard(Self.everybody, toVera: toVera) == [
                "caller": ["anna"], "anna": ["caller"], "vera": ["caller", "anna"],
            ]
        )
    }

    /// A talk in G.722, and a supervisor who is to be let into it; the call's id.
    private func relayedTalk(_ pair: CallPair, callers: WirePeer, annas: WirePeer) throws -> String {
        try pair.ring(sdp: Phone.sdp(port: callers.port, formats: "9 101"))
        try pair.pickUp(sdp: Phone.sdp(port: annas.port, formats: "9 101"))
        let call = try #require(try pair.running.rows("calls").first?["call_id"] as? String)
        #expect(try pair.running.gudok("supervise", "barge", call, "--by", "1003").code == 0)
        return call
    }

    @Test func `a talk in another codec changes over to G.711 for a supervisor`() throws {
        let pair = try CallPair()
        let vera = try Phone("1003", password: "vera-demo-3", server: pair.running.sipPort)
        _ = try vera.register()
        let (callers, annas, veras) = try (WirePeer(), WirePeer(), WirePeer())
        let call = try relayedTalk(pair, callers: callers, annas: annas)
        var ports: [UInt16] = []
        for (phone, media) in [(pair.carrier, callers), (pair.callee, annas)] {
            let offer = try #require(phone.expect("INVITE"))
            #expect(offer.contains("RTP/AVP 8 0 101\r\n"), "\(offer)")
            ports.append(try #require(offer.audioPort))
            phone.respond("200 OK", to: offer, sdp: Phone.sdp(port: media.port, formats: "8 101", version: 2))
            #expect(phone.expect("ACK") != nil)
        }
        let (invite, toVera) = try vera.pickUp(media: veras)
        let voices: [(name: String, peer: WirePeer, port: UInt16, hertz: Double)] = [
            ("caller", callers, ports[0], 440), ("anna", annas, ports[1], 1_000), ("vera", veras, toVera, 1_700),
        ]
        #expect(
            Speaker.heard(among: voices, speaking: Self.everybody, share: 0.1)
                == ["caller": ["anna", "vera"], "anna": ["caller", "vera"], "vera": ["caller", "anna"]]
        )
        vera.send(vera.request("BYE", in: invite, sequence: 1))
        #expect(vera.final("BYE")?.startWord == "200")
        #expect(try pair.running.rows("calls").map { $0["call_id"] as? String } == [call])
        try pair.hangUp()
    }

    @Test func `a party that keeps its codec keeps supervisors out, and the talk goes on as it was`() throws {
        let pair = try CallPair()
        let vera = try Phone("1003", password: "vera-demo-3", server: pair.running.sipPort)
        _ = try vera.register()
        let (callers, annas) = try (WirePeer(), WirePeer())
        let call = try relayedTalk(pair, callers: callers, annas: annas)
        let invite = try #require(vera.expect("INVITE"))
        vera.respond("180 Ringing", to: invite, toTag: "1003")
        let offer = try #require(pair.carrier.expect("INVITE"))
        pair.carrier.respond("200 OK", to: offer, sdp: Phone.sdp(port: callers.port, formats: "8 101", version: 2))
        pair.callee.respond("488 Not Acceptable Here", to: try #require(pair.callee.expect("INVITE")))
        // The one who changed over is asked back, and the supervisor's phone stops ringing.
        #expect(vera.expect("CANCEL") != nil)
        let back = try #require(pair.carrier.peer.expect { $0.hasPrefix("INVITE") && $0.contains("RTP/AVP 9 101\r\n") })
        pair.carrier.respond("200 OK", to: back, sdp: Phone.sdp(port: callers.port, formats: "9 101", version: 3))
        vera.respond("487 Request Terminated", to: invite)
        #expect(try pair.running.gudok("why", call).text.contains("keeps its media as it is (488)"))
        let audit = try pair.running.rows("audit").first { $0["outcome"] as? String == "refused" }
        #expect((audit?["detail"] as? String)?.contains("speaks G722, and does not change over") ?? false)
        try pair.hangUp()
    }

    /// Galina answers whoever calls her; his supervisor is Vera, whose phone this is.
    private static func colleagues() throws -> (running: RunningSwitch, boris: Phone, galina: Phone, vera: Phone) {
        let running = try RunningSwitch(
            users: "  - {extension: \"1004\", name: Galina, password: galina-demo-4, role: operator}",
            tenant: tenant,
            incoming: incoming,
            internalPlan: internalPlan
        )
        let boris = try Phone("1002", password: "boris-demo-2", server: running.sipPort)
        let galina = try Phone("1004", password: "galina-demo-4", server: running.sipPort)
        let vera = try Phone("1003", password: "vera-demo-3", server: running.sipPort)
        _ = try (boris.register(), galina.register(), vera.register())
        return (running, boris, galina, vera)
    }

    @Test func `who is asked for by his extension hears the whisper, be it the caller of a colleague or the colleague`()
        throws
    {
        let (running, boris, galina, vera) = try Self.colleagues()
        let (boriss, galinas, veras) = try (WirePeer(), WirePeer(), WirePeer())
        #expect(try boris.dial("1004", sdp: Phone.sdp(port: boriss.port)) == nil)
        let (_, toGalina) = try galina.pickUp(media: galinas)
        let answer = try #require(boris.answer(to: "INVITE"))
        boris.acknowledge(answer, to: "1004")
        let toBoris = try #require(answer.audioPort)
        #expect(try running.gudok("supervise", "whisper", "1002", "--by", "1003").code == 0)
        let (_, toVera) = try vera.pickUp(media: veras)
        for (asked, other) in [("boris", "galina"), ("galina", "boris")] {
            if asked == "galina" { _ = try running.gudok("supervise", "whisper", "1004", "--by", "1003") }
            let details = try running.rows("audit", "--action", "supervise.whisper").compactMap {
                $0["detail"] as? String
            }
            #expect(details.first == "supervisor 1003, operator \(asked == "boris" ? "1002" : "1004")", "\(details)")
            let heard = Speaker.heard(
                among: [
                    ("boris", boriss, toBoris, 440), ("galina", galinas, toGalina, 1_000),
                    ("vera", veras, toVera, 1_700),
                ],
                speaking: ["boris", "galina", "vera"],
                share: 0.1
            )
            #expect(heard[asked] == [other, "vera"] && heard[other] == [asked], "\(heard)")
        }
    }

    @Test func `an operator who works at another's phone is taken over there, and not whom he speaks with`() throws {
        let (running, boris, galina, vera) = try Self.colleagues()
        _ = try running.gudok("agent", "login", "1001", "--device", "1002")
        #expect(try boris.dial("1004", sdp: Phone.sdp(port: 4_000)) == nil)
        _ = try galina.pickUp(media: try WirePeer())
        boris.acknowledge(try #require(boris.answer(to: "INVITE")), to: "1004")
        #expect(try running.gudok("supervise", "take-over", "1001", "--by", "1003").code == 0)
        _ = try vera.pickUp(media: try WirePeer())
        #expect(boris.expect("BYE") != nil)
        #expect(galina.expect("BYE", within: 0.3) == nil)
        let act = try #require(try running.rows("audit", "--action", "supervise.take-over").first)
        #expect(act["detail"] as? String == "supervisor 1003, operator 1001")
    }
}

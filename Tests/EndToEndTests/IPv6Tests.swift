import Foundation
import Testing

/// A call whose signalling and media know no IPv4.
@Suite("IPv6 over the wire")
struct IPv6Tests {
    /// Whether the machine has ::1.
    private static var hasLoopback: Bool { (try? WirePeer(family: .v6)) != nil }

    @Test(.enabled(if: IPv6Tests.hasLoopback, "this machine has no ::1"))
    func `two phones register at ::1, call each other, and hear each other through the relay`() throws {
        let running = try RunningSwitch(address: "[::1]")
        let (anna, boris) = (
            try Phone("1001", password: "anna-demo-1", server: running.sipPort, peer: WirePeer(family: .v6)),
            try Phone("1002", password: "boris-demo-2", server: running.sipPort, peer: WirePeer(family: .v6))
        )
        #expect(try anna.register().startWord == "200")
        #expect(try boris.register().startWord == "200")
        let (annas, borises) = (try WirePeer(family: .v6), try WirePeer(family: .v6))
        func sdp(_ media: WirePeer) -> String {
            Phone.sdp(port: media.port).replacingOccurrences(of: "IP4 127.0.0.1", with: "IP6 ::1")
        }
        #expect(try anna.dial("1002", sdp: sdp(annas)) == nil)
        let invite = try #require(boris.expect("INVITE"))
        #expect(invite.contains("c=IN IP6 ::1") && invite.header("Via")?.contains("[::1]") == true)
        #expect(invite.header("Contact")?.contains("[::1]:\(running.sipPort)") == true)
        boris.respond("200 OK", to: invite, toTag: "boris", sdp: sdp(borises))
        let answer = try #require(anna.answer(to: "INVITE"))
        #expect(answer.startWord == "200" && answer.contains("c=IN IP6 ::1"))
        let tag = anna.acknowledge(answer, to: "1002")
        #expect(boris.expect("ACK") != nil)

        let (toAnna, toBoris) = (try #require(answer.audioPort), try #require(invite.audioPort))
        Speaker.speak([(annas, toAnna, 440), (borises, toBoris, 1_000)], seconds: 2)
        #expect(Tone.share(of: 1_000, in: annas.samples()) > 0.8)
        #expect(Tone.share(of: 440, in: borises.samples()) > 0.8)

        anna.send(anna.request("BYE", to: "1002", toTag: tag))
        let bye = try #require(boris.expect("BYE"))
        boris.respond("200 OK", to: bye)
        #expect(anna.final("BYE")?.startWord == "200")
        let legs = try #require(try running.rows("cdr").first?["legs"] as? [[String: Any]])
        #expect(
            legs.count == 2 && legs.allSatisfy { ($0["address"] as? String)?.contains("[::1]:") == true },
            "\(legs)"
        )
        #expect(try eventually { try running.metric("gudok_rtp_port_pairs_in_use") == 0 })
    }

    private static func sdp(_ media: WirePeer) -> String {
        let text = Phone.sdp(port: media.port)
        return media.family == .v4 ? text : text.replacingOccurrences(of: "IP4 127.0.0.1", with: "IP6 ::1")
    }

    @Test(
        .enabled(if: IPv6Tests.hasLoopback, "this machine has no ::1"),
        arguments: [WirePeer.Family.v6, .v4]
    )
    func `RFC 5118: a phone of IPv6 and one of IPv4 hear each other, each told an address of its own family`(
        caller: WirePeer.Family
    ) throws {
        let running = try RunningSwitch(beside: "[::1]")
        func phone(_ user: String, _ password: String, _ family: WirePeer.Family) throws -> Phone {
            let port = family == .v4 ? running.sipPort : running.portBeside
            return try Phone(user, password: password, server: port, peer: WirePeer(family: family))
        }
        let callee: WirePeer.Family = caller == .v6 ? .v4 : .v6
        let (anna, boris) = (try phone("1001", "anna-demo-1", caller), try phone("1002", "boris-demo-2", callee))
        for phone in [anna, boris] { #expect(try phone.register().startWord == "200") }
        let (annas, borises) = (try WirePeer(family: caller), try WirePeer(family: callee))
        let place = { (family: WirePeer.Family) in family == .v4 ? "c=IN IP4 127.0.0.1" : "c=IN IP6 ::1" }
        #expect(try anna.dial("1002", sdp: Self.sdp(annas)) == nil)
        let invite = try #require(boris.expect("INVITE"))
        #expect(invite.contains(place(callee)) && invite.header("Contact")?.contains(boris.host) == true, "\(invite)")
        boris.respond("200 OK", to: invite, toTag: "boris", sdp: Self.sdp(borises))
        let answer = try #require(anna.answer(to: "INVITE"))
        #expect(answer.startWord == "200" && answer.contains(place(caller)), "\(answer)")
        #expect(answer.header("Contact")?.contains(anna.host) == true)
        let tag = anna.acknowledge(answer, to: "1002")
        #expect(boris.expect("ACK") != nil)
        let (toAnna, toBoris) = (try #require(answer.audioPort), try #require(invite.audioPort))
        Speaker.speak([(annas, toAnna, 440), (borises, toBoris, 1_000)], seconds: 2)
        #expect(Tone.share(of: 1_000, in: annas.samples()) > 0.8)
        #expect(Tone.share(of: 440, in: borises.samples()) > 0.8)
        // A port has one family for as long as it lives.
        let moved = Phone.sdp(port: 4_000, version: 2)
        let other = caller == .v4 ? moved.replacingOccurrences(of: "IP4 127.0.0.1", with: "IP6 ::1") : moved
        anna.send(anna.request("INVITE", to: "1002", toTag: tag, sdp: other))
        #expect(anna.answer(to: "INVITE")?.startWord == "488")
        anna.send(anna.request("ACK", to: "1002", toTag: tag, sequence: anna.sequence))
        anna.send(anna.request("BYE", to: "1002", toTag: tag))
        boris.respond("200 OK", to: try #require(boris.expect("BYE")))
        #expect(anna.answer(to: "BYE")?.startWord == "200")
        #expect(try eventually { try running.metric("gudok_rtp_port_pairs_in_use") == 0 })
    }

    @Test(
        .enabled(if: IPv6Tests.hasLoopback, "this machine has no ::1"),
        arguments: ["called", "called by who is connected", "rung first"]
    )
    func `RFC 3264 §6: whoever answers with an address of the other family is offered one of that, and heard`(
        way: String
    ) throws {
        let plan = #"routes: [{match: "1xxx", do: [\#(way == "called" ? "" : "answer, "){dial: {user: "{called}"}}]}]"#
        let running = try RunningSwitch(beside: "[::1]", internalPlan: plan)
        let anna = try Phone("1001", password: "anna-demo-1", server: running.sipPort)
        let boris = try Phone("1002", password: "boris-demo-2", server: running.sipPort)
        for phone in [anna, boris] { #expect(try phone.register().startWord == "200") }
        let (annas, borises) = (try WirePeer(), try WirePeer(family: .v6))
        let toAnna: UInt16
        if way == "rung first" {
            #expect(try running.gudok("call", "1002", "1001").code == 0)
        } else {
            #expect(try anna.dial("1002", sdp: Self.sdp(annas)) == nil)
        }
        let invite = try #require(boris.expect("INVITE"))
        #expect(invite.contains("c=IN IP4 127.0.0.1"))
        boris.respond("200 OK", to: invite, toTag: "1002", sdp: Self.sdp(borises))
        let moved = try #require(boris.expect("INVITE"))
        #expect(moved.contains("c=IN IP6 ::1"), "\(moved)")
        boris.respond("200 OK", to: moved, sdp: Self.sdp(borises))
        if way == "rung first" {
            toAnna = try anna.pickUp(media: annas).1
        } else {
            let answer = try #require(anna.answer(to: "INVITE"))
            _ = anna.acknowledge(answer, to: "1002")
            toAnna = try #require(answer.audioPort)
        }
        Speaker.speak([(annas, toAnna, 440), (borises, try #require(moved.audioPort), 1_000)], seconds: 2)
        #expect(Tone.share(of: 1_000, in: annas.samples()) > 0.8)
        #expect(Tone.share(of: 440, in: borises.samples()) > 0.8)
        boris.send(boris.request("BYE", in: invite, sequence: 1))
        anna.respond("200 OK", to: try #require(anna.expect("BYE")))
        #expect(try eventually { try running.metric("gudok_rtp_port_pairs_in_use") == 0 })
    }

    /// A carrier whose name has servers of both families, of which the first fails.
    @Test(.enabled(if: IPv6Tests.hasLoopback, "this machine has no ::1"), arguments: [WirePeer.Family.v4, .v6])
    func `RFC 6157: a server of the other family takes over, and its media are its own's`(first: WirePeer.Family) throws
    {
        let (v4, v6) = (try WirePeer(), try WirePeer(family: .v6))
        let names = try NameServer([
            "_sip._udp.carrier.test": [
                .srv(priority: first == .v4 ? 1 : 2, weight: 0, port: v4.port, target: "a.carrier.test"),
                .srv(priority: first == .v4 ? 2 : 1, weight: 0, port: v6.port, target: "b.carrier.test"),
            ],
            "carrier.test": [], "a.carrier.test": [NameServer.loopback], "b.carrier.test": [.aaaa],
        ])
        defer { withExtendedLifetime(names) {} }
        let running = try RunningSwitch(
            beside: "[::1]",
            node: "dns: {servers: [\"127.0.0.1:\(names.port)\"]}",
            // Phones have its address.
            trunk: "probe: false\n  - {name: named, host: carrier.test, identify_port: \(v4.port), probe: false}",
            internalPlan: "routes: [{match: \"+.\", do: [{dial: {trunk: named, number: \"{called}\"}}]}]"
        )
        let servers = [
            try Phone("a", server: running.sipPort, peer: v4), try Phone("b", server: running.portBeside, peer: v6),
        ]
        let (failing, other) = first == .v4 ? (servers[0], servers[1]) : (servers[1], servers[0])
        let anna = try Phone("1001", password: "anna-demo-1", server: running.sipPort)
        let (annas, theirs) = (try WirePeer(), try WirePeer(family: first == .v4 ? .v6 : .v4))
        _ = try anna.dial("+74950000000", sdp: Self.sdp(annas))
        failing.respond("503 Service Unavailable", to: try #require(failing.expect("INVITE")), toTag: "a")
        let invite = try #require(other.expect("INVITE"))
        other.respond("200 OK", to: invite, toTag: "b", sdp: Self.sdp(theirs))
        let moved = try #require(other.expect("INVITE"))
        #expect(moved.contains(first == .v4 ? "c=IN IP6 ::1" : "c=IN IP4 127.0.0.1"), "\(moved)")
        other.respond("200 OK", to: moved, sdp: Self.sdp(theirs))
        let answer = try #require(anna.answer(to: "INVITE"))
        _ = anna.acknowledge(answer, to: "+74950000000")
        let toAnna = try #require(answer.audioPort)
        Speaker.speak([(annas, toAnna, 440), (theirs, try #require(moved.audioPort), 1_000)], seconds: 2)
        #expect(Tone.share(of: 1_000, in: annas.samples()) > 0.8)
        #expect(Tone.share(of: 440, in: theirs.samples()) > 0.8)
    }

    /// A switch with media in both families, and two phones that are registered there.
    private static func pair() throws -> (RunningSwitch, anna: Phone, boris: Phone) {
        let running = try RunningSwitch(beside: "[::1]")
        let anna = try Phone("1001", password: "anna-demo-1", server: running.sipPort)
        let boris = try Phone("1002", password: "boris-demo-2", server: running.sipPort)
        for phone in [anna, boris] { #expect(try phone.register().startWord == "200") }
        return (running, anna, boris)
    }

    @Test(.enabled(if: IPv6Tests.hasLoopback, "this machine has no ::1"))
    func `who answers later in a talk with an address of the other family is offered one of that, and heard`() throws {
        let (running, anna, boris) = try Self.pair()
        let (annas, borises) = (try WirePeer(), try WirePeer(family: .v6))
        #expect(try anna.dial("1002", sdp: Self.sdp(annas)) == nil)
        let invite = try #require(boris.expect("INVITE"))
        boris.respond("200 OK", to: invite, toTag: "1002", sdp: Phone.sdp(port: 4_002))
        let tag = anna.acknowledge(try #require(anna.answer(to: "INVITE")), to: "1002")
        anna.send(anna.request("INVITE", to: "1002", toTag: tag, sdp: Phone.sdp(port: annas.port, version: 2)))
        let asked = try #require(boris.expect("INVITE"))
        boris.respond("200 OK", to: asked, sdp: Self.sdp(borises))
        let answer = try #require(anna.answer(to: "INVITE"))
        #expect(answer.startWord == "200")
        _ = anna.acknowledge(answer, to: "1002")
        let moved = try #require(boris.expect("INVITE"))
        #expect(moved.contains("c=IN IP6 ::1"), "\(moved)")
        boris.respond("200 OK", to: moved, sdp: Self.sdp(borises))
        let ports = (try #require(answer.audioPort), try #require(moved.audioPort))
        Speaker.speak([(annas, ports.0, 440), (borises, ports.1, 1_000)], seconds: 2)
        #expect(Tone.share(of: 1_000, in: annas.samples()) > 0.8)
        #expect(Tone.share(of: 440, in: borises.samples()) > 0.8)
        boris.send(boris.request("BYE", in: invite, sequence: 1))
        anna.respond("200 OK", to: try #require(anna.expect("BYE")))
        #expect(try eventually { try running.metric("gudok_rtp_port_pairs_in_use") == 0 })
    }

    @Test(
        .enabled(if: IPv6Tests.hasLoopback, "this machine has no ::1"),
        arguments: ["200 OK", "488 Not Acceptable Here"]
    )
    func `RFC 3311: who speaks before the answer from the other family is moved by UPDATE, or by the answer`(
        update: String
    ) throws {
        let (running, anna, boris) = try Self.pair()
        let (annas, borises) = (try WirePeer(), try WirePeer(family: .v6))
        #expect(try anna.dial("1002", sdp: Self.sdp(annas)) == nil)
        let invite = try #require(boris.expect("INVITE"))
        let allow = "Allow: INVITE, ACK, BYE, CANCEL, PRACK, UPDATE"
        let reliable = ["Require: 100rel", "RSeq: 1", allow]
        boris.respond("183 Session Progress", to: invite, toTag: "1002", extra: reliable, sdp: Self.sdp(borises))
        boris.respond("200 OK", to: try #require(boris.expect("PRACK")))
        let moved = try #require(boris.expect("UPDATE"))
        #expect(moved.contains("c=IN IP6 ::1"), "\(moved)")
        let isTaken = update.hasPrefix("200")
        boris.respond(update, to: moved, sdp: isTaken ? Self.sdp(borises) : nil)
        let early = try #require(anna.expect("183"))
        var toBoris = try #require(moved.audioPort)
        if isTaken {
            Speaker.speak([(borises, toBoris, 1_000)], seconds: 2)
            #expect(Tone.share(of: 1_000, in: annas.samples()) > 0.8)
        }
        boris.respond("200 OK", to: invite, toTag: "1002", extra: [allow], sdp: Self.sdp(borises))
        let answer = try #require(anna.answer(to: "INVITE"))
        _ = anna.acknowledge(answer, to: "1002")
        #expect(answer.audioPort == early.audioPort)
        if !isTaken {
            let again = try #require(boris.expect("INVITE"))
            #expect(again.contains("c=IN IP6 ::1"), "\(again)")
            boris.respond("200 OK", to: again, sdp: Self.sdp(borises))
            toBoris = try #require(again.audioPort)
        }
        Speaker.speak([(annas, try #require(answer.audioPort), 440), (borises, toBoris, 1_000)], seconds: 2)
        #expect(Tone.share(of: 1_000, in: annas.samples()) > 0.8)
        #expect(Tone.share(of: 440, in: borises.samples()) > 0.8)
        boris.send(boris.request("BYE", in: invite, sequence: 1))
        anna.respond("200 OK", to: try #require(anna.expect("BYE")))
        #expect(try eventually { try running.metric("gudok_rtp_port_pairs_in_use") == 0 })
    }

    @Test func `RFC 3261 20.43: media of a family that we have no address of are 488, warned of and on record`() throws
    {
        let running = try RunningSwitch()
        let anna = try Phone("1001", password: "anna-demo-1", server: running.sipPort)
        #expect(try anna.register().startWord == "200")
        let sdp = Phone.sdp(port: 4_000).replacingOccurrences(of: "IP4 127.0.0.1", with: "IP6 2001:db8::1")
        #expect(try anna.dial("600", sdp: sdp) == nil)
        let refusal = try #require(anna.answer(to: "INVITE"))
        #expect(refusal.startWord == "488" && refusal.header("Warning")?.hasPrefix("301 ") == true, "\(refusal)")
        #expect(try running.rows("cdr").first?["reason"] as? String == "not-acceptable")
    }
}

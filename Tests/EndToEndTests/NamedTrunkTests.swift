import Foundation
import Testing

/// A trunk whose host is a name without a port: NAPTR, SRV, and the next server when one fails (B091).
@Suite("Trunks that DNS finds, over the wire")
struct NamedTrunkTests {
    private static let plan = """
        routes:
          - match: "+."
            do: [{dial: {trunk: named, number: "{called}", timeout: 20s}}]
        """

    /// Anna calls over a carrier that has two servers.
    private struct Carrier {
        let names: NameServer
        let running: RunningSwitch
        let first: Phone
        let second: Phone

        init(_ trunk: String = "probe: false", t1: Int = 50) throws {
            let (first, second) = (try WirePeer(), try WirePeer())
            names = try NameServer([
                "carrier.test": [
                    .naptr(order: 1, service: "SIPS+D2T", replacement: "_sips._tcp.carrier.test"),
                    .naptr(order: 2, service: "SIP+D2U", replacement: "_sip._udp.pool.carrier.test"),
                ],
                "_sip._udp.pool.carrier.test": [
                    .srv(priority: 20, weight: 0, port: second.port, target: "b.carrier.test"),
                    .srv(priority: 10, weight: 0, port: first.port, target: "a.carrier.test"),
                ],
                "a.carrier.test": [NameServer.loopback], "b.carrier.test": [NameServer.loopback],
            ])
            running = try RunningSwitch(
                node: "timers: {t1: \(t1)ms}\ndns: {servers: [\"127.0.0.1:\(names.port)\"]}",
                trunk: """
                    probe: false
                      - {name: named, host: carrier.test, dialplan: incoming, identify_port: \(second.port), \(trunk)}
                    """,
                internalPlan: NamedTrunkTests.plan
            )
            self.first = try Phone("first", server: running.sipPort, peer: first)
            self.second = try Phone("second", server: running.sipPort, peer: second)
        }

        /// Anna's call, which rings at neither of the servers yet.
        func call() throws -> Phone {
            let anna = try Phone("1001", password: "anna-demo-1", server: running.sipPort)
            _ = try anna.dial("+74950000000", sdp: Phone.sdp(port: 4_000))
            return anna
        }

        /// The second server takes the call that has come to it, and Anna ends it.
        func talk(_ invite: String, with anna: Phone) throws {
            second.respond("200 OK", to: invite, toTag: "b", sdp: Phone.sdp(port: 4_002))
            let answer = try #require(anna.answer(to: "INVITE"))
            #expect(answer.startWord == "200")
            anna.acknowledge(answer, to: "+74950000000")
            #expect(second.expect("ACK") != nil)
            anna.send(anna.request("BYE", to: "+74950000000", toTag: CallPair.toTag(answer)))
            #expect(second.expect("BYE").map { second.respond("200 OK", to: $0) } != nil)
        }
    }

    @Test func `B091: a silent server gives way to the next, is told to stop when it wakes, and is left alone`() throws
    {
        let carrier = try Carrier()
        let anna = try carrier.call()
        let lost = try #require(carrier.first.expect("INVITE"))
        #expect(lost.hasPrefix("INVITE sip:+74950000000@carrier.test SIP/2.0"))
        let invite = try #require(carrier.second.expect("INVITE"))
        #expect(invite.header("Call-ID") == lost.header("Call-ID"))
        #expect(invite.header("Via") != lost.header("Via"))
        carrier.first.respond("180 Ringing", to: lost, toTag: "a")
        let cancel = try #require(carrier.first.expect("CANCEL"))
        // It crosses our CANCEL: the talk is elsewhere by now.
        carrier.first.respond("200 OK", to: lost, toTag: "a", sdp: Phone.sdp(port: 4_004))
        #expect(carrier.first.expect("ACK") != nil)
        let bye = try #require(carrier.first.expect("BYE"))
        #expect(bye.header("Reason")?.contains("elsewhere") == true)
        carrier.first.respond("200 OK", to: bye)
        carrier.first.respond("200 OK", to: cancel)
        carrier.second.respond("100 Trying", to: invite)
        carrier.second.respond("182 Queued", to: invite, toTag: "b")
        try carrier.talk(invite, with: anna)
        let isTold = try eventually {
            let row = try carrier.running.rows("cdr").first
            return row?["trunk"] as? String == "named" && row?["disposition"] as? String == "answered"
        }
        #expect(isTold)
        // Where it was answered, not where it went first.
        let legs = try carrier.running.rows("cdr").first?["legs"] as? [[String: Any]]
        let server = "127.0.0.1:\(carrier.second.peer.port)"
        #expect(legs?.last?["address"] as? String == server)
        // A 100 says only that a hop has the request.
        let call = try #require(try carrier.running.rows("cdr").first?["call_id"] as? String)
        let ladder = try carrier.running.gudok("trace", call).text
        let queued = try #require(ladder.range(of: "182 Queued"), "\(ladder)")
        let told = try #require(ladder.range(of: "leg 1: \(server) responds"), "\(ladder)")
        #expect(queued.lowerBound < told.lowerBound)

        let again = try carrier.call()
        try carrier.talk(try #require(carrier.second.expect("INVITE")), with: again)
        #expect(carrier.first.expect("INVITE", within: 0.1) == nil)
    }

    @Test func `B091: 503 sends the call to the next server at once, and a challenge is answered where it was put`()
        throws
    {
        let carrier = try Carrier("auth: {username: gudok, realm: carrier, password: secret}, probe: false", t1: 500)
        let anna = try carrier.call()
        carrier.first.respond("503 Service Unavailable", to: try #require(carrier.first.expect("INVITE")), toTag: "a")
        #expect(carrier.first.expect("ACK") != nil)
        let challenged = try #require(carrier.second.expect("INVITE", within: 2))
        carrier.second.respond(
            "401 Unauthorized",
            to: challenged,
            toTag: "c",
            extra: ["WWW-Authenticate: Digest realm=\"carrier\", nonce=\"n\", qop=\"auth\", algorithm=MD5"]
        )
        let invite = try #require(carrier.second.peer.expect { $0.header("Authorization") != nil })
        try carrier.talk(invite, with: anna)
        #expect(carrier.first.expect("INVITE", within: 0.1) == nil)
    }

    @Test func `B091: both servers fail: the caller hears 503`() throws {
        let carrier = try Carrier(t1: 500)
        let anna = try carrier.call()
        for server in [carrier.first, carrier.second] {
            server.respond("503 Service Unavailable", to: try #require(server.expect("INVITE")), toTag: "x")
        }
        #expect(anna.answer(to: "INVITE")?.startWord == "503")
    }

    @Test func `REGISTER goes to the next registrar, and is renewed there`() throws {
        let carrier = try Carrier(
            "auth: {username: gudok, realm: carrier, password: secret}, register: {expires: 60s}, probe: false"
        )
        #expect(carrier.first.expect("REGISTER") != nil)
        let register = try #require(carrier.second.expect("REGISTER"))
        #expect(register.hasPrefix("REGISTER sip:carrier.test SIP/2.0"))
        let contact = "Contact: \(register.header("Contact") ?? "")".replacingOccurrences(of: "=60", with: "=2")
        carrier.second.respond("200 OK", to: register, toTag: "r", extra: [contact], withContact: false)
        let isRegistered = try eventually {
            try carrier.running.rows("trunks").contains { $0["registration"] as? String == "registered" }
        }
        #expect(isRegistered)
        #expect(carrier.second.peer.expect { $0.header("CSeq") == "2 REGISTER" } != nil)
    }

    @Test func `the trunk is up while one of its servers answers OPTIONS, and a server that is back is used again`()
        throws
    {
        let carrier = try Carrier("probe: {interval: 200ms, failures: 1}", t1: 500)
        for _ in 0..<2 {
            carrier.first.respond(
                "503 Service Unavailable",
                to: try #require(carrier.first.expect("OPTIONS")),
                toTag: "a"
            )
            carrier.second.respond("200 OK", to: try #require(carrier.second.expect("OPTIONS")), toTag: "b")
        }
        #expect(try carrier.running.rows("trunks").allSatisfy { $0["state"] as? String == "up" })
        carrier.first.respond("200 OK", to: try #require(carrier.first.expect("OPTIONS")), toTag: "a")
        #expect(carrier.running.process.waitFor { $0.contains("127.0.0.1:\(carrier.first.peer.port) answers again") })
        _ = try carrier.call()
        #expect(carrier.first.expect("INVITE") != nil)
    }

    @Test func `a call from a server that DNS names is the trunk's, without accept_from`() throws {
        let carrier = try Carrier()
        let isKnown = eventually {
            carrier.second.callID = UUID().uuidString
            carrier.second.send(carrier.second.request("INVITE", to: "nobody", sdp: Phone.sdp(port: 4_000)))
            return carrier.second.final("INVITE")?.startWord == "404"
        }
        #expect(isKnown)
        let isTold = try eventually { try carrier.running.rows("cdr").first?["trunk"] as? String == "named" }
        #expect(isTold)
        // A stranger at the same address has another port.
        let other = try Phone("second", server: carrier.running.sipPort)
        other.send(other.request("INVITE", to: "nobody", sdp: Phone.sdp(port: 4_000)))
        #expect(other.final("INVITE")?.startWord == "401")
    }

    @Test func `a name that does not exist is a call that fails at once, and is said in the log`() throws {
        let names = try NameServer([:])
        let running = try RunningSwitch(
            node: "dns: {servers: [\"127.0.0.1:\(names.port)\"]}",
            trunk: "probe: false\n  - {name: named, host: carrier.test, probe: false}",
            internalPlan: Self.plan
        )
        let anna = try Phone("1001", password: "anna-demo-1", server: running.sipPort)
        let answer = try anna.call("+74950000000")
        #expect(answer.startWord == "500")
        #expect(answer.header("Retry-After") == "30")
        #expect(running.process.waitFor { $0.contains("no address for carrier.test") })
    }

    @Test func `a trunk that DNS finds is exported as it was written, and a name server must be an address`() throws {
        let carrier = try Carrier()
        let exported = try carrier.running.gudok("export").text
        #expect(exported.contains("host: \"carrier.test\"\n    accept_from: [\"carrier.test\"]\n    identify_port"))
        let file = carrier.running.folder.appending(path: "tenants/again.yaml")
        try exported.write(to: file, atomically: true, encoding: .utf8)
        let again = try carrier.running.gudok("apply", "--dry-run", file.path)
        #expect(again.code == 0 && !again.text.contains("~"), "\(again)")
        let node = carrier.running.folder.appending(path: "gudok.yaml")
        let text = try String(contentsOf: node, encoding: .utf8)
        try text.replacingOccurrences(of: "servers: [\"127.0.0.1:", with: "servers: [\"localhost:")
            .write(to: node, atomically: true, encoding: .utf8)
        let check = try carrier.running.gudok("check")
        #expect(check.code == 1 && check.text.contains("is no name server"), "\(check)")
    }
}

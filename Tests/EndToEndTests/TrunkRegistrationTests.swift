import Foundation
import Testing

/// The switch as a carrier's customer: REGISTER, what comes of it, and calls to the contact that it registered.
@Suite("Registration with a trunk, over the wire")
struct TrunkRegistrationTests {
    private static let customer = """
        auth: {username: "74950001122", realm: carrier, password: secret}
            register: {expires: 60s}
        """

    private func start(_ trunk: String = customer) throws -> (RunningSwitch, Phone) {
        let running = try RunningSwitch(trunk: trunk + "\n    probe: false")
        return (running, try Phone("74950001122", password: "secret", server: running.sipPort, peer: running.carrier))
    }

    /// Answers the next REGISTER; its text.
    @discardableResult
    private func answer(_ carrier: Phone, _ status: String, extra: [String] = []) throws -> String {
        let register = try #require(carrier.expect("REGISTER", within: 8))
        carrier.respond(status, to: register, toTag: "r", extra: extra, withContact: false)
        return register
    }

    private func contact(_ register: String, expires: Int) -> String {
        "Contact: " + (register.header("Contact") ?? "").components(separatedBy: ";expires").joined(separator: ";was")
            + ";expires=\(expires)"
    }

    @Test func `RFC 3608 §5: calls go by the Service-Route that the registrar told`() throws {
        let (running, carrier) = try start()
        let proxy = try Phone("proxy", server: running.sipPort)
        let register = try #require(carrier.expect("REGISTER", within: 8))
        let route = "<sip:\(proxy.host):\(proxy.peer.port);lr>"
        let told = [contact(register, expires: 60), "Service-Route: \(route), <sip:core.carrier.test;lr>"]
        carrier.respond("200 OK", to: register, toTag: "r", extra: told, withContact: false)
        #expect(try eventually { try running.rows("trunks").first?["registration"] as? String == "registered" })
        let anna = try Phone("1001", password: "anna-demo-1", server: running.sipPort)
        #expect(try anna.dial("+74950000000", sdp: Phone.sdp(port: 4_000)) == nil)
        let invite = try #require(proxy.expect("INVITE"))
        #expect(invite.headers("Route") == [route, "<sip:core.carrier.test;lr>"])
        #expect(invite.hasPrefix("INVITE sip:+74950000000@127.0.0.1:\(carrier.peer.port) SIP/2.0"))
        proxy.respond("486 Busy Here", to: invite, toTag: "p")
        #expect(try #require(proxy.expect("ACK")).headers("Route") == invite.headers("Route"))
        #expect(anna.final("INVITE")?.startWord == "486")
    }

    @Test
    func `B085, B090: registered with the stronger digest and a longer interval, called at the contact, taken back`()
        throws
    {
        let (running, carrier) = try start()
        let challenges = ["MD5", "SHA-256"].map {
            "WWW-Authenticate: Digest realm=\"carrier\", nonce=\"n\", qop=\"auth\", algorithm=\($0)"
        }
        let first = try answer(carrier, "401 Unauthorized", extra: challenges)
        #expect(first.header("To") == "<sip:74950001122@127.0.0.1>")
        #expect(first.header("Contact")?.hasSuffix(";expires=60") == true)
        let second = try answer(carrier, "423 Interval Too Brief", extra: ["Min-Expires: 120"])
        #expect(second.header("Authorization")?.contains("algorithm=SHA-256") == true)
        let third = try #require(carrier.expect("REGISTER"))
        #expect(third.header("Contact")?.hasSuffix(";expires=120") == true)
        #expect(third.header("Call-ID") == first.header("Call-ID"))
        carrier.respond("200 OK", to: third, toTag: "r", extra: [contact(third, expires: 2)], withContact: false)
        // It is renewed before the two seconds are over.
        let renewal = try #require(carrier.expect("REGISTER", within: 8))
        carrier.respond("200 OK", to: renewal, toTag: "r", extra: [contact(renewal, expires: 120)], withContact: false)
        let isRegistered = try eventually {
            try running.rows("trunks").first?["registration"] as? String == "registered"
                && running.metric("gudok_trunk_registered") == 1
        }
        #expect(isRegistered)

        // From an address that is no trunk's, but to our contact.
        let other = try Phone("+74951112233", server: running.sipPort)
        let target = try #require(third.header("Contact")?.split { "<>".contains($0) }.first.map(String.init))
        other.send(other.request("INVITE", to: "74950001122", sdp: Phone.sdp(port: 4_000), uri: target))
        // The number that it is for is the account's: the plan has none such.
        #expect(other.final("INVITE")?.startWord == "404")
        let record = try eventually { try running.rows("cdr").first?["trunk"] as? String == "carrier" }
        #expect(record)
        // The number that was dialled, of those that lead to the account: RFC 7315 §4.2, or the To.
        for (to, extra) in [("600", []), ("74950001122", ["P-Called-Party-ID: <sip:600@carrier>"])] {
            other.callID = UUID().uuidString
            other.send(
                other.request("INVITE", to: to, extra: extra, sdp: Phone.sdp(port: 4_000), uri: target)
            )
            let answer = try #require(other.final("INVITE"))
            #expect(answer.startWord == "200")
            let tag = other.acknowledge(answer, to: to)
            #expect(try running.rows("cdr").first?["to"] as? String == "600")
            other.send(other.request("BYE", to: to, toTag: tag))
            #expect(other.final("BYE")?.startWord == "200")
        }
        other.callID = UUID().uuidString
        let guess = target.replacingOccurrences(of: "line=", with: "line=x")
        other.send(other.request("INVITE", to: "600", sdp: Phone.sdp(port: 4_000), uri: guess))
        #expect(other.final("INVITE")?.startWord == "401")

        running.process.signal(SIGTERM)
        let farewell = try #require(carrier.expect("REGISTER", within: 8))
        #expect(farewell.header("Contact")?.hasSuffix(";expires=0") == true)
        carrier.respond("200 OK", to: farewell, toTag: "r", withContact: false)
        #expect(running.process.exitCode(within: 10) == 0)
    }

    @Test func `B090: a carrier that refuses us is an alarm, and is not asked again soon`() throws {
        let (running, carrier) = try start()
        try answer(carrier, "403 Forbidden")
        let isTold = try eventually {
            let row = try running.rows("trunks").first
            return row?["registration"] as? String == "refused"
                && (row?["registration_reason"] as? String)?.contains("403") == true
        }
        #expect(isTold)
        #expect(running.process.text.contains("trunk carrier@demo is not registered: 403 Forbidden"))
        #expect(try running.metric("gudok_trunk_registered") == 0)
        #expect(try running.gudok("doctor").text.contains("BAD   trunk carrier (demo) registration: refused: 403"))
        #expect(carrier.expect("REGISTER", within: 1) == nil)
    }

    @Test func `a trunk whose registration leaves the configuration is taken back`() throws {
        let (running, carrier) = try start()
        let register = try #require(carrier.expect("REGISTER"))
        carrier.respond("200 OK", to: register, toTag: "r", extra: [contact(register, expires: 60)], withContact: false)
        let exported = try running.gudok("export")
        #expect(exported.text.contains("register: {user: \"74950001122\", expires: 60s}"))
        let file = running.folder.appending(path: "tenants/demo.yaml")
        let text = try String(contentsOf: file, encoding: .utf8)
        try text.replacingOccurrences(of: "register: {expires: 60s}", with: "")
            .write(to: file, atomically: true, encoding: .utf8)
        running.process.signal(SIGHUP)
        let farewell = try #require(carrier.expect("REGISTER"))
        #expect(farewell.header("Contact")?.hasSuffix(";expires=0") == true)
        carrier.respond("200 OK", to: farewell, toTag: "r", withContact: false)
        let isGone = try eventually { try running.rows("trunks").first?["registration"] is NSNull }
        #expect(isGone)
    }
}

import Foundation
import Testing

/// Who calls, and who is told (RFC 3323, RFC 3325).
@Suite("Identity and privacy over the wire")
struct IdentityTests {
    private static let anonymous = "\"Anonymous\" <sip:anonymous@anonymous.invalid>"

    private func switchWithPlan(_ trunk: String = "") throws -> RunningSwitch {
        try RunningSwitch(
            trunk: trunk,
            incoming: """
                routes:
                  - {match: "1001", from: "+7.", do: [{dial: {user: "1001", timeout: 20s}}]}
                  - {match: ".", do: [{hangup: not-found}]}
                """
        )
    }

    @Test(arguments: [["Privacy: id"], []])
    func `a carrier's assertion is for the plan and the record, and no phone sees it`(privacy: [String]) throws {
        let running = try switchWithPlan()
        let anna = try Phone("1001", password: "anna-demo-1", server: running.sipPort)
        #expect(try anna.register().startWord == "200")
        let carrier = try Phone("anonymous", server: running.sipPort, peer: running.carrier)
        let extra = ["P-Asserted-Identity: \"Ivan\" <sip:+74951112233@carrier.test>"] + privacy
        carrier.send(carrier.request("INVITE", to: "1001", extra: extra, sdp: Phone.sdp(port: 4_000)))
        let invite = try #require(anna.expect("INVITE"))
        #expect(invite.header("From")?.hasPrefix(Self.anonymous) == true)
        for secret in ["4951112233", "Ivan", "Asserted"] { #expect(!invite.contains(secret), "\(secret)") }
        anna.respond("486 Busy Here", to: invite, toTag: "a")
        #expect(carrier.final("INVITE")?.startWord == "486")
        let isTold = try eventually {
            let row = try running.rows("cdr").first
            return row?["from"] as? String == "+74951112233" && row?["from_name"] as? String == "Ivan"
        }
        #expect(isTold)
    }

    @Test func `a carrier that wants no privacy is shown by its From`() throws {
        let pair = try CallPair()
        try pair.ring(["P-Asserted-Identity: <sip:+74959999999@carrier.test>"])
        #expect(pair.invite.header("From")?.contains("sip:+74951112233@") == true)
        #expect(!pair.invite.contains("4959999999"))
    }

    @Test func `what a phone asserts is not believed and goes nowhere`() throws {
        let running = try RunningSwitch(trunk: "send_identity: true")
        let carrier = try Phone("carrier", server: running.sipPort, peer: running.carrier)
        let anna = try Phone("1001", password: "anna-demo-1", server: running.sipPort)
        let lies = ["P-Asserted-Identity: <sip:+70000000000@x>", "P-Preferred-Identity: <sip:+70000000000@x>"]
        _ = try anna.dial("+74950000000", sdp: Phone.sdp(port: 4_000), extra: lies)
        let invite = try #require(carrier.expect("INVITE"))
        #expect(!invite.contains("+70000000000"))
        #expect(invite.header("From")?.hasPrefix("\"Anna\" <sip:1001@127.0.0.1>") == true)
        #expect(invite.headers("P-Asserted-Identity") == ["\"Anna\" <sip:1001@127.0.0.1>"])
        #expect(invite.header("Privacy") == nil)
        carrier.respond("486 Busy Here", to: invite, toTag: "c")
    }

    @Test(arguments: [true, false])
    func `a user who wants privacy has it, and a carrier knows him only where it is trusted with that`(
        isTrusted: Bool
    ) throws {
        let running = try RunningSwitch(trunk: isTrusted ? "send_identity: true" : "")
        let carrier = try Phone("carrier", server: running.sipPort, peer: running.carrier)
        let anna = try Phone("1001", password: "anna-demo-1", server: running.sipPort)
        let boris = try Phone("1002", password: "boris-demo-2", server: running.sipPort)
        #expect(try boris.register().startWord == "200")
        _ = try anna.dial("+74950000000", sdp: Phone.sdp(port: 4_000), extra: ["Privacy: id"])
        let invite = try #require(carrier.expect("INVITE"))
        #expect(invite.header("From")?.hasPrefix(Self.anonymous) == true)
        #expect(invite.header("Privacy") == "id")
        #expect(invite.headers("P-Asserted-Identity") == (isTrusted ? ["\"Anna\" <sip:1001@127.0.0.1>"] : []))
        #expect(isTrusted || !invite.contains("sip:1001"))
        carrier.respond("486 Busy Here", to: invite, toTag: "c")
        #expect(anna.answer(to: "INVITE")?.startWord == "486")

        anna.callID = UUID().uuidString
        _ = try anna.dial("1002", sdp: Phone.sdp(port: 4_000), extra: ["Privacy: user;critical"])
        let inside = try #require(boris.expect("INVITE"))
        #expect(inside.header("From")?.hasPrefix(Self.anonymous) == true)
        #expect(!inside.contains("1001") && !inside.contains("Anna"))
        boris.respond("486 Busy Here", to: inside, toTag: "b")
        let isTold = try eventually { try running.rows("cdr").first?["from"] as? String == "1001" }
        #expect(isTold)
    }
}

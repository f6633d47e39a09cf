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

    // MARK: the caller that a trunk is shown

    private static let rule = """
        send_identity: true
            caller_id: {number: "+74950000700", name: Romashka, allow: ["+7495000071x"]}
        """

    private static let users = [("1004", "+74950000711"), ("1005", "+74999999999")].map { user, number in
        "  - {extension: \"\(user)\", name: Oleg, password: demo-\(user), caller_id: \"\(number)\"}"
    }.joined(separator: "\n")

    /// Who calls, what he dials, and whom the carrier sees.
    @Test(arguments: [
        ("1001", "+7111", "\"Romashka\" <sip:+74950000700@127.0.0.1>"),
        ("1004", "+7111", "\"Romashka\" <sip:+74950000711@127.0.0.1>"),
        ("1005", "+7111", "\"Romashka\" <sip:+74950000700@127.0.0.1>"),
        ("1001", "8111", "\"Romashka\" <sip:+74950000715@127.0.0.1>"),
        ("1004", "9111", "\"Romashka\" <sip:+74950000711@127.0.0.1>"),
    ])
    func `a trunk is shown a number of its own: the step's, the user's, or its default`(
        user: String,
        called: String,
        shown: String
    ) throws {
        let dial = "{trunk: carrier, number: \"{called}\", caller_id:"
        let running = try RunningSwitch(
            trunk: Self.rule,
            users: Self.users,
            internalPlan: """
                routes:
                  - {match: "+.", do: [{dial: {trunk: carrier, number: "{called}"}}]}
                  - {match: "8.", do: [{dial: \(dial) "+74950000715"}}]}
                  - {match: "9.", do: [{set: {line: "123"}}, {dial: \(dial) "{line}"}}]}
                """
        )
        let carrier = try Phone("carrier", server: running.sipPort, peer: running.carrier)
        let phone = try Phone(user, password: user == "1001" ? "anna-demo-1" : "demo-\(user)", server: running.sipPort)
        for privacy in [[], ["Privacy: id"]] {
            phone.callID = UUID().uuidString
            _ = try phone.dial(called, sdp: Phone.sdp(port: 4_000), extra: privacy)
            let invite = try #require(carrier.expect("INVITE"))
            let from = privacy.isEmpty ? shown : Self.anonymous
            #expect(invite.header("From")?.hasPrefix(from) == true, "\(invite)")
            // A number of ours we vouch for, and a carrier needs one even of who is not shown.
            #expect(invite.headers("P-Asserted-Identity") == [shown])
            #expect(invite.header("Privacy") == (privacy.isEmpty ? nil : "id"))
            for secret in ["sip:\(user)@", "Anna", "Oleg"] { #expect(!invite.contains(secret), "\(secret)") }
            carrier.respond("486 Busy Here", to: invite, toTag: "c")
            #expect(phone.answer(to: "INVITE")?.startWord == "486")
        }
        #expect(try eventually { try running.rows("cdr").first?["from"] as? String == user })
        let call = try #require(try running.rows("cdr").first?["call_id"] as? String)
        let number = shown.split { ":@".contains($0) }[1]
        #expect(try running.gudok("why", call).text.contains("leg 1 shows \(number) for the caller"))
    }

    @Test func `a number that the plan wants shown stays where the carrier sends the call on`() throws {
        let dial = "{dial: {trunk: carrier, number: \"{called}\", caller_id: \"+74950000715\"}}"
        let running = try RunningSwitch(
            trunk: Self.rule,
            internalPlan: "routes: [{match: \".\", do: [\(dial)]}]"
        )
        let carrier = try Phone("carrier", server: running.sipPort, peer: running.carrier)
        let anna = try Phone("1001", password: "anna-demo-1", server: running.sipPort)
        _ = try anna.dial("+7111", sdp: Phone.sdp(port: 4_000))
        let first = try #require(carrier.expect("INVITE"))
        let contact = ["Contact: <sip:+7333@carrier.test>"]
        carrier.respond("302 Moved Temporarily", to: first, toTag: "c", extra: contact, withContact: false)
        let next = try #require(carrier.expect("INVITE"))
        for invite in [first, next] { #expect(invite.header("From")?.contains("<sip:+74950000715@") == true) }
        carrier.respond("486 Busy Here", to: next, toTag: "d")
        #expect(anna.answer(to: "INVITE")?.startWord == "486")
    }

    /// A rule or none, and what the carrier sees of 1001 and 1004, who sent the call on.
    @Test(arguments: [
        (IdentityTests.rule, "+74950000700@127.0.0.1", "+74950000711@127.0.0.1"),
        ("", "1001@demo.test", "+74950000711@127.0.0.1"),
    ])
    func `RFC 5806 §4: a carrier is told who sent a call on by a number that it knows`(
        rule: String,
        anna: String,
        oleg: String
    ) throws {
        let running = try RunningSwitch(
            trunk: rule,
            users: Self.users,
            internalPlan: """
                routes:
                  - {match: "1xxx", do: [{dial: {user: "{called}"}}]}
                  - {match: "+.", do: [{dial: {trunk: carrier, number: "{called}"}}]}
                """
        )
        let carrier = try Phone("+74951112233", server: running.sipPort, peer: running.carrier)
        for (user, password, seen) in [("1001", "anna-demo-1", anna), ("1004", "demo-1004", oleg)] {
            let phone = try Phone(user, password: password, server: running.sipPort)
            #expect(try phone.register().startWord == "200")
            let boris = try Phone("1002", password: "boris-demo-2", server: running.sipPort)
            _ = try boris.dial(user, sdp: Phone.sdp(port: 4_000))
            let contact = ["Contact: <sip:+7222@demo.test>"]
            let ringing = try #require(phone.expect("INVITE"))
            phone.respond("302 Moved", to: ringing, toTag: "a", extra: contact, withContact: false)
            let invite = try #require(carrier.expect("INVITE"))
            #expect(invite.header("Diversion") == "<sip:\(seen)>;reason=unconditional", "\(invite)")
            let first = try #require(invite.headers("History-Info").first)
            #expect(first.hasPrefix("<sip:\(seen)?Reason=SIP%3Bcause%3D302>;index=1"), "\(invite)")
            carrier.respond("486 Busy Here", to: invite, toTag: "c")
            #expect(boris.answer(to: "INVITE")?.startWord == "486")
        }
    }

    @Test func `who is sent on by one carrier to another is no number of ours there`() throws {
        let running = try RunningSwitch(
            trunk: Self.rule,
            incoming: "routes: [{match: \".\", do: [{dial: {trunk: carrier, number: \"+7222\"}}]}]"
        )
        let carrier = try Phone("+74951112233", server: running.sipPort, peer: running.carrier)
        carrier.send(carrier.request("INVITE", to: "1001", sdp: Phone.sdp(port: 4_000)))
        let invite = try #require(carrier.expect("INVITE"))
        #expect(invite.header("From")?.hasPrefix("\"Romashka\" <sip:+74950000700@") == true)
        #expect(!invite.contains("+74951112233"))
        carrier.respond("486 Busy Here", to: invite, toTag: "c")
        #expect(carrier.answer(to: "INVITE")?.startWord == "486")
    }

    @Test func `a user's own number is shown where no trunk has a rule; caller_id is checked and exported`() throws {
        let running = try RunningSwitch(users: Self.users)
        let carrier = try Phone("carrier", server: running.sipPort, peer: running.carrier)
        let phone = try Phone("1005", password: "demo-1005", server: running.sipPort)
        _ = try phone.dial("+7111", sdp: Phone.sdp(port: 4_000))
        let invite = try #require(carrier.expect("INVITE"))
        #expect(invite.header("From")?.hasPrefix("<sip:+74999999999@127.0.0.1>") == true)
        #expect(invite.headers("P-Asserted-Identity") == [])
        carrier.respond("486 Busy Here", to: invite, toTag: "c")

        let ruled = try RunningSwitch(trunk: Self.rule, users: Self.users)
        let text = try ruled.gudok("export").text
        #expect(text.contains("caller_id: {number: \"+74950000711\"}"))
        #expect(
            text.contains("caller_id: {number: \"+74950000700\", name: \"Romashka\", allow: [\"+7495000071x\"]}")
        )
        let plan = """
            routes:
              - {match: "8.", do: [{dial: {trunk: carrier, number: "1", caller_id: "+74950000799"}}]}
              - {match: "9.", do: [{dial: {user: "1001", caller_id: "+74950000700"}}]}
            """
        try plan.write(
            to: ruled.folder.appending(path: "dialplans/internal.yaml"),
            atomically: true,
            encoding: .utf8
        )
        let faults = try ruled.gudok("check")
        #expect(faults.code != 0)
        #expect(faults.text.contains("trunk carrier does not show '+74950000799'"))
        #expect(faults.text.contains("only trunks are shown a 'caller_id'"))
    }
}

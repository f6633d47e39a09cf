import Foundation
import Testing

/// A phone of Vera's that watches a colleague.
final class Lamp {
    let phone: Phone
    let target: String
    let package: String
    /// Our tag in the subscription's dialog.
    private(set) var tag = ""

    init(
        _ user: String = "1003",
        password: String = "vera-demo-3",
        watches target: String,
        package: String = "dialog",
        at port: UInt16
    ) throws {
        (self.target, self.package) = (target, package)
        phone = try Phone(user, password: password, server: port)
    }

    /// Subscribes, renews or ends; the final answer.
    func subscribe(
        expires: Int? = 600,
        extra: [String] = [],
        event: String? = nil,
        uri named: String? = nil
    ) throws -> String {
        let lines = ["Event: \(event ?? package)"] + (expires.map { ["Expires: \($0)"] } ?? []) + extra
        let toTag = tag.isEmpty ? nil : tag
        let uri = named ?? "sip:\(target)@127.0.0.1:\(phone.server)"
        phone.send(phone.request("SUBSCRIBE", to: target, toTag: toTag, extra: lines, uri: uri))
        let challenge = try #require(phone.final("SUBSCRIBE"))
        guard challenge.startWord == "401" else { return challenge }
        let known = try phone.authorization(for: challenge, method: "SUBSCRIBE", uri: uri)
        phone.send(phone.request("SUBSCRIBE", to: target, toTag: toTag, extra: lines + [known], uri: uri))
        let answer = try #require(phone.final("SUBSCRIBE"))
        if answer.startWord == "200" { tag = String(answer.header("To")?.components(separatedBy: ";tag=").last ?? "") }
        return answer
    }

    /// The next NOTIFY, answered.
    func notified(_ status: String = "200 OK", within seconds: Double = 5) -> String? {
        guard let notify = phone.expect("NOTIFY", within: seconds) else { return nil }
        phone.respond(status, to: notify)
        return notify
    }

    func end() { tag = "" }
}

/// Lamps and presence against the real binary.
@Suite("RFC 6665 over the wire")
struct SubscriptionTests {
    @Test func `B140: challenged, 200 and a NOTIFY; renewed, ended, unknown after; B141: message-summary is 489`()
        throws
    {
        let running = try RunningSwitch()
        let lamp = try Lamp(watches: "1001", at: running.sipPort)
        lamp.phone.send(lamp.phone.request("SUBSCRIBE", to: "1001", extra: ["Event: dialog"]))
        #expect(lamp.phone.final("SUBSCRIBE")?.startWord == "401")
        let accepted = try lamp.subscribe(expires: 600)
        #expect(accepted.startWord == "200" && accepted.header("Expires") == "600")
        #expect(accepted.header("Contact") != nil)
        let first = try #require(lamp.notified())
        #expect(first.header("Subscription-State") == "active;expires=600" && first.header("Event") == "dialog")
        #expect(first.sipBody.contains(#"version="0" state="full" entity="sip:1001@demo.test""#))
        #expect(try running.metric("gudok_subscriptions{package=\"dialog\"}") == 1)
        #expect(try lamp.subscribe(expires: 300).header("Expires") == "300")
        #expect(lamp.notified()?.header("Subscription-State") == "active;expires=300")
        #expect(try lamp.subscribe(expires: 0).startWord == "200")
        #expect(lamp.notified()?.header("Subscription-State") == "terminated;reason=timeout")
        #expect(try running.metric("gudok_subscriptions") == 0)
        // As after a restart of the switch: the phone is to begin anew.
        #expect(try lamp.subscribe().startWord == "481")
        lamp.end()

        for event in ["message-summary", "nonsense"] {
            let refusal = try lamp.subscribe(event: event)
            #expect(refusal.startWord == "489" && refusal.header("Allow-Events") == "dialog, presence", "\(event)")
        }
        let brief = try lamp.subscribe(expires: 5)
        #expect(brief.startWord == "423" && brief.header("Min-Expires") == "60")
        #expect(try lamp.subscribe(extra: ["Accept: text/html"]).startWord == "406")
        let nobody = try Lamp(watches: "1999", at: running.sipPort)
        #expect(try nobody.subscribe().startWord == "404")
        // A carrier watches nobody.
        let carrier = try Phone("+7495", server: running.sipPort, peer: running.carrier)
        carrier.send(carrier.request("SUBSCRIBE", to: "1001", extra: ["Event: dialog"]))
        #expect(carrier.final("SUBSCRIBE")?.startWord == "403")
    }

    @Test func `B140: it expires by itself; whoever answers a NOTIFY with 481 gets no more of them`() throws {
        let running = try RunningSwitch(node: "subscriptions: {min_expires: 1s, max_per_user: 2}")
        let lamp = try Lamp(watches: "1001", at: running.sipPort)
        #expect(try lamp.subscribe(expires: 1).startWord == "200")
        #expect(lamp.notified()?.header("Subscription-State") == "active;expires=1")
        #expect(lamp.notified()?.header("Subscription-State") == "terminated;reason=timeout")
        #expect(try running.metric("gudok_subscriptions") == 0)
        lamp.end()
        let gone = try Lamp(watches: "1001", at: running.sipPort)
        #expect(try gone.subscribe().startWord == "200")
        #expect(gone.notified("481 Subscription Does Not Exist") != nil)
        #expect(try eventually { try running.metric("gudok_subscriptions") == 0 })
        for _ in 1...2 { #expect(try Lamp(watches: "1001", at: running.sipPort).subscribe().startWord == "200") }
        #expect(try Lamp(watches: "1001", at: running.sipPort).subscribe().startWord == "403")
    }

    @Test func `B142: a lamp follows a colleague's calls, and presence his phone and his talks`() throws {
        let running = try RunningSwitch()
        let lamp = try Lamp(watches: "1001", at: running.sipPort)
        let presence = try Lamp(watches: "1001", package: "presence", at: running.sipPort)
        let operatorsLamp = try Lamp("1002", password: "boris-demo-2", watches: "1001", at: running.sipPort)
        for watching in [lamp, presence, operatorsLamp] { #expect(try watching.subscribe().startWord == "200") }
        #expect(lamp.notified() != nil && operatorsLamp.notified() != nil)
        #expect(presence.notified()?.sipBody.contains("<basic>closed</basic>") == true)
        let anna = try Phone("1001", password: "anna-demo-1", server: running.sipPort)
        _ = try anna.register()
        #expect(presence.notified()?.sipBody.contains("<basic>open</basic>") == true)

        // A customer calls her.
        let carrier = try Phone("+74951112233", server: running.sipPort, peer: running.carrier)
        let media = try (WirePeer(), WirePeer())
        carrier.send(carrier.request("INVITE", to: "1001", sdp: Phone.sdp(port: media.0.port)))
        let invite = try #require(anna.expect("INVITE"))
        anna.respond("180 Ringing", to: invite, toTag: "anna")
        let early = try #require(lamp.notified())
        #expect(early.sipBody.contains("<state>early</state>") && early.sipBody.contains(#"direction="recipient""#))
        #expect(early.sipBody.contains("+74951112233") && early.sipBody.contains(#"local-tag="anna""#))
        let ofOperator = try #require(operatorsLamp.notified())
        #expect(ofOperator.sipBody.contains("<state>early</state>") && !ofOperator.sipBody.contains("+7495"))
        // Ringing once more is no news.
        anna.respond("180 Ringing", to: invite, toTag: "anna")
        anna.respond("200 OK", to: invite, toTag: "anna", sdp: Phone.sdp(port: media.1.port))
        let confirmed = try #require(lamp.notified())
        #expect(confirmed.sipBody.contains("<state>confirmed</state>") && !confirmed.sipBody.contains("local-tag"))
        #expect(confirmed.sipBody.contains(#"version="2""#))
        #expect(presence.notified()?.sipBody.contains("<note>On the phone</note>") == true)
        #expect(anna.expect("ACK") != nil)
        let answer = try #require(carrier.final("INVITE"))
        carrier.acknowledge(answer, to: "1001")
        carrier.send(
            carrier.request("BYE", to: "1001", toTag: answer.header("To")?.components(separatedBy: ";tag=").last)
        )
        let over = try #require(lamp.notified())
        #expect(over.sipBody.contains("<state>terminated</state>") && over.sipBody.contains(#"version="3""#))
        #expect(presence.notified()?.sipBody.contains("On the phone") == false)
        if let bye = anna.expect("BYE") { anna.respond("200 OK", to: bye) }

        // She calls herself: the echo test.
        let own = try anna.call("600", port: media.1.port)
        anna.acknowledge(own, to: "600")
        let calling = try #require(lamp.notified())
        #expect(calling.sipBody.contains(#"direction="initiator""#) && calling.sipBody.contains("sip:600@demo.test"))
        var told = calling
        while !told.sipBody.contains("<state>confirmed</state>") { told = try #require(lamp.notified()) }
        anna.send(anna.request("BYE", to: "600", toTag: own.header("To")?.components(separatedBy: ";tag=").last))
        #expect(lamp.notified()?.sipBody.contains("<state>terminated</state>") == true)
        #expect(lamp.notified(within: 0.5) == nil)
    }

    @Test func `another tenant's users are nobody's to watch`() throws {
        let running = try RunningSwitch()
        let file = running.folder.appending(path: "tenants/other.yaml")
        try "tenant: other\ndomains: [other.test]\nusers: [{extension: \"2001\", password: x}]\n"
            .write(to: file, atomically: true, encoding: .utf8)
        #expect(try running.gudok("apply", file.path).code == 0)
        let lamp = try Lamp(watches: "2001", at: running.sipPort)
        #expect(try lamp.subscribe().startWord == "404")
        #expect(try lamp.subscribe(uri: "sip:2001@other.test").startWord == "403")
        #expect(try lamp.subscribe(uri: "sip:1001@demo.test").startWord == "200")
    }

    @Test func `whoever is no user any more is told so, and so is who watches him`() throws {
        let running = try RunningSwitch(users: "  - {extension: \"1004\", name: Gleb, password: gleb-demo-4}")
        let lamp = try Lamp(watches: "1004", at: running.sipPort)
        let his = try Lamp("1004", password: "gleb-demo-4", watches: "1001", at: running.sipPort)
        for watching in [lamp, his] {
            #expect(try watching.subscribe().startWord == "200")
            #expect(watching.notified() != nil)
        }
        let file = running.folder.appending(path: "tenants/demo.yaml")
        let text = try String(contentsOf: file, encoding: .utf8)
        try text.split(separator: "\n").filter { !$0.contains("Gleb") }.joined(separator: "\n")
            .write(to: file, atomically: true, encoding: .utf8)
        #expect(try running.gudok("apply", file.path).code == 0)
        #expect(lamp.notified()?.header("Subscription-State") == "terminated;reason=noresource")
        #expect(his.notified()?.header("Subscription-State") == "terminated;reason=rejected")
        #expect(try running.metric("gudok_subscriptions") == 0)
    }

    @Test func `RFC 6665 §4.1.3: at a planned stop whoever watches is told to ask again`() throws {
        let running = try RunningSwitch()
        let lamp = try Lamp(watches: "1001", at: running.sipPort)
        #expect(try lamp.subscribe().startWord == "200")
        _ = try #require(lamp.notified())
        running.process.signal(SIGTERM)
        let last = try #require(lamp.notified())
        let state = try #require(last.header("Subscription-State"))
        #expect(state.hasPrefix("terminated;reason=probation;retry-after="))
        #expect(running.process.exitCode(within: 10) == 0)
    }
}

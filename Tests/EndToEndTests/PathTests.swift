import Foundation
import Testing

/// Phones behind proxies that want to stay on the way (RFC 3327).
@Suite("Path over the wire")
struct PathTests {
    @Test func `a phone that registered by a proxy is called by it, and the way stands in what goes there`() throws {
        let running = try RunningSwitch()
        let edge = try Phone("1001", password: "anna-demo-1", server: running.sipPort)
        let path = "<sip:127.0.0.1:\(edge.peer.port);lr;token=7>"
        let refused = try edge.register(extra: ["Path: \(path)"])
        #expect(refused.startWord == "420" && refused.header("Unsupported") == "path")
        let answer = try edge.register(
            extra: ["Path: \(path)", "Supported: path", "Require: path"],
            contacts: ["<sip:1001@192.0.2.7:5070>"]
        )
        #expect(answer.startWord == "200" && answer.header("Path") == path)

        let carrier = try Phone("+74951112233", server: running.sipPort, peer: running.carrier)
        let branch = "z9hG4bKpath"
        carrier.send(carrier.request("INVITE", to: "1001", branch: branch, sdp: Phone.sdp(port: 4_000)))
        let invite = try #require(edge.expect("INVITE"))
        #expect(invite.hasPrefix("INVITE sip:1001@192.0.2.7:5070 SIP/2.0"))
        #expect(invite.headers("Route") == [path])
        edge.respond("180 Ringing", to: invite, toTag: "e")
        #expect(carrier.expect("180") != nil)
        carrier.send(carrier.request("CANCEL", to: "1001", branch: branch, sequence: carrier.sequence))
        let cancel = try #require(edge.expect("CANCEL"))
        #expect(cancel.headers("Route") == [path])
        edge.respond("200 OK", to: cancel)
        edge.respond("487 Request Terminated", to: invite, toTag: "e")
        #expect(carrier.answer(to: "INVITE")?.startWord == "487")
    }
}

import Foundation
import Testing

/// A dialog is bound to no transport: each request goes by the one that fits it (RFC 3261 §18.1.1, §12.2.1.1).
@Suite("UDP and TCP in one dialog")
struct TransportChangeTests {
    /// More than a datagram holds.
    private static func longSDP(port: UInt16, version: Int = 1) -> String {
        let numbers = 102...121
        let formats = numbers.map { "\($0)" }.joined(separator: " ")
        let lines = numbers.map {
            "a=rtpmap:\($0) AMR/8000\r\na=fmtp:\($0) mode-set=\($0);octet-align=1;\(String(repeating: "x", count: 40))=1\r\n"
        }
        return Phone.sdp(port: port, formats: "8 0 101 \(formats)", version: version) + lines.joined()
    }

    private func tcp(_ text: String) -> String { text.replacingOccurrences(of: "SIP/2.0/UDP", with: "SIP/2.0/TCP") }

    @Test
    func `§18.1.1: a phone gets a long INVITE by TCP, and what is short in the dialog by UDP, as its contact says`()
        throws
    {
        let pair = try CallPair()
        let listener = try StreamListener(at: pair.callee.peer.port)
        pair.carrier.send(pair.carrier.request("INVITE", to: "1001", sdp: Self.longSDP(port: 4_000)))
        let stream = try #require(listener.accept())
        let invite = try #require(stream.expect { $0.startWord == "INVITE" })
        #expect(invite.header("Via")?.hasPrefix("SIP/2.0/TCP 127.0.0.1:") == true, "\(invite)")
        stream.send(pair.callee.response("200 OK", to: invite, toTag: "1001", sdp: Phone.sdp(port: 4_002)))
        let answer = try #require(pair.carrier.final("INVITE"))
        #expect(answer.startWord == "200")
        let tag = pair.carrier.acknowledge(answer, to: "1001")
        #expect(pair.callee.expect("ACK") != nil)
        pair.carrier.send(pair.carrier.request("BYE", to: "1001", toTag: tag))
        #expect(pair.callee.expect("BYE") != nil)
    }

    @Test func `§18.1.1: where TCP is refused a long INVITE goes by UDP, the next one without asking`() throws {
        let pair = try CallPair()
        var listener: StreamListener?
        for sequence in 1...2 {
            pair.carrier.callID = UUID().uuidString
            let invite = try pair.ring(sdp: Self.longSDP(port: 4_000))
            #expect(invite.header("Via")?.hasPrefix("SIP/2.0/UDP ") == true)
            pair.callee.respond("486 Busy Here", to: invite, toTag: "b\(sequence)")
            pair.carrier.acknowledge(try #require(pair.carrier.answer(to: "INVITE")), to: "1001")
            // What was refused once is not asked for each call.
            #expect(listener?.accept(within: 0) == nil)
            if listener == nil { listener = try StreamListener(at: pair.callee.peer.port) }
        }
    }

    @Test func `§18.1.1: a short INVITE goes by UDP to a phone that has TCP too`() throws {
        let pair = try CallPair()
        let listener = try StreamListener(at: pair.callee.peer.port)
        try pair.ring()
        #expect(listener.accept(within: 0) == nil)
    }

    @Test func `§18.1.1: a long re-INVITE in a dialog of UDP goes by TCP`() throws {
        let pair = try CallPair()
        try pair.talk()
        let listener = try StreamListener(at: pair.carrier.peer.port)
        pair.calleeAsks("INVITE", sdp: Self.longSDP(port: 4_002, version: 2))
        let stream = try #require(listener.accept())
        let invite = try #require(stream.expect { $0.startWord == "INVITE" })
        stream.send(pair.carrier.response("200 OK", to: invite, sdp: Phone.sdp(port: 4_000, version: 2)))
        #expect(pair.carrier.expect("ACK") != nil)
        #expect(pair.callee.final("INVITE")?.startWord == "200")
    }

    private func register(_ phone: Phone, over stream: StreamPeer, contact: String) throws {
        let uri = "sip:127.0.0.1:\(phone.server)"
        func make(_ more: [String]) -> String {
            tcp(phone.request("REGISTER", to: phone.user, extra: ["Expires: 300"] + more, uri: uri))
                .replacing("Contact: \(phone.contact)", with: "Contact: \(contact)")
        }
        stream.send(make([]))
        let challenge = try #require(stream.expect { $0.startWord == "401" })
        stream.send(make([try phone.authorization(for: challenge, method: "REGISTER", uri: uri)]))
        #expect(stream.expect { $0.startWord == "200" } != nil)
    }

    @Test(arguments: ["", ";+sip.instance=\"<urn:uuid:00000000-0000-4000-8000-000000000001>\""])
    func `RFC 3261 §12.2.1.2: a phone whose connection ended in a talk keeps it, and is reached by its next one`(
        instance: String
    ) throws {
        let pair = try CallPair()
        let phone = try Phone("1002", password: "boris-demo-2", server: pair.running.sipPort)
        var stream: StreamPeer? = try StreamPeer(to: pair.running.tcpPort)
        // Phones name the port of their connection.
        let contacts = [40_001, 40_002].map { "<sip:1002@127.0.0.1:\($0);transport=tcp>\(instance)" }
        try register(phone, over: try #require(stream), contact: contacts[0])
        pair.carrier.send(pair.carrier.request("INVITE", to: "1002", sdp: Phone.sdp(port: 4_000)))
        let invite = try #require(stream?.expect { $0.startWord == "INVITE" })
        let accepted = phone.response("200 OK", to: invite, toTag: "b", sdp: Phone.sdp(port: 4_002))
        stream?.send(accepted.replacing(phone.contact, with: contacts[0]))
        let answer = try #require(pair.carrier.final("INVITE"))
        let tag = pair.carrier.acknowledge(answer, to: "1002")
        #expect(stream?.expect { $0.startWord == "ACK" } != nil)

        stream = nil
        let isGone = try eventually {
            try !pair.running.rows("registrations").contains { "\($0)".contains("1002") }
        }
        #expect(isGone)
        func hold(version: Int) -> String {
            let sdp = Phone.sdp(port: 4_000, direction: "sendonly", version: version)
            return pair.carrier.request("INVITE", to: "1002", toTag: tag, sdp: sdp)
        }
        pair.carrier.send(hold(version: 2))
        let refusal = try #require(pair.carrier.answer(to: "INVITE"))
        #expect(refusal.startWord == "500" && refusal.header("Retry-After") != nil)
        pair.carrier.send(pair.carrier.request("ACK", to: "1002", toTag: tag, sequence: pair.carrier.sequence))
        #expect(try pair.running.rows("calls").first?["state"] as? String == "talking")

        let next = try StreamPeer(to: pair.running.tcpPort)
        try register(phone, over: next, contact: contacts[1])
        pair.carrier.send(hold(version: 3))
        let asked = try #require(next.expect { $0.startWord == "INVITE" })
        next.send(phone.response("200 OK", to: asked, sdp: Phone.sdp(port: 4_002, direction: "recvonly", version: 2)))
        #expect(try #require(pair.carrier.answer(to: "INVITE")).startWord == "200")
        pair.carrier.send(pair.carrier.request("ACK", to: "1002", toTag: tag, sequence: pair.carrier.sequence))
        pair.carrier.send(pair.carrier.request("BYE", to: "1002", toTag: tag))
        #expect(next.expect { $0.startWord == "BYE" } != nil)
    }

    @Test func `RFC 3263 §4.1: who changed to TCP, named UDP and closed it gets his BYE by UDP`() throws {
        let pair = try CallPair()
        try pair.talk()
        var stream: StreamPeer? = try StreamPeer(to: pair.running.tcpPort)
        let sdp = Phone.sdp(port: 4_000, version: 2)
        stream?.send(tcp(pair.carrier.request("INVITE", to: "1001", toTag: pair.tag, sdp: sdp)))
        let invite = try #require(pair.callee.expect("INVITE"))
        pair.callee.respond("200 OK", to: invite, sdp: Phone.sdp(port: 4_002, version: 2))
        #expect(stream?.expect { $0.startWord == "200" } != nil)
        stream?.send(tcp(pair.carrier.request("ACK", to: "1001", toTag: pair.tag, sequence: pair.carrier.sequence)))
        #expect(pair.callee.expect("ACK") != nil)
        stream = nil
        pair.calleeAsks("BYE")
        #expect(pair.carrier.expect("BYE") != nil)
    }
}

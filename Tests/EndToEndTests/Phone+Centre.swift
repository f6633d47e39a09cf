import Codecs
import Foundation
import Testing

/// What the people of a contact centre do with their phones.
extension Phone {
    /// Calls the centre from outside, and is connected.
    func arrive(at number: String = "+74950000700", media: WirePeer) throws -> (tag: String, port: UInt16) {
        send(request("INVITE", to: number, sdp: Self.sdp(port: media.port)))
        let answer = try #require(final("INVITE"))
        #expect(answer.startWord == "200")
        return (acknowledge(answer, to: number), try #require(answer.audioPort))
    }

    /// Sends the ACK for a 200 to an INVITE; the other side's tag.
    @discardableResult
    func acknowledge(_ answer: String, to target: String) -> String {
        let tag = String(answer.header("To")?.components(separatedBy: ";tag=").last ?? "")
        send(request("ACK", to: target, toTag: tag, sequence: sequence))
        return tag
    }

    /// Answers the next call that rings here; the INVITE, and the port where the switch wants to hear.
    func pickUp(media: WirePeer, within seconds: Double = 5) throws -> (invite: String, port: UInt16) {
        let invite = try #require(expect("INVITE", within: seconds))
        respond("200 OK", to: invite, toTag: user, sdp: Self.sdp(port: media.port))
        _ = try #require(expect("ACK"))
        return (invite, try #require(invite.audioPort))
    }

    /// A request in the dialog of a call that rang here and was picked up.
    func request(
        _ method: String,
        in invite: String,
        sequence number: Int,
        extra: [String] = [],
        sdp: String? = nil
    ) -> String {
        let contact = invite.header("Contact")?.split { "<>".contains($0) }.first { $0.hasPrefix("sip:") } ?? "sip:x"
        var lines = [
            "\(method) \(contact) SIP/2.0",
            "Via: SIP/2.0/UDP 127.0.0.1:\(peer.port);branch=z9hG4bK\(UInt64.random(in: 0...UInt64.max));rport",
            "Max-Forwards: 70",
            "From: \(invite.header("To") ?? "");tag=\(user)",
            "To: \(invite.header("From") ?? "")",
            "Call-ID: \(invite.header("Call-ID") ?? "")",
            "CSeq: \(number) \(method)",
            "Contact: \(self.contact)",
        ]
        lines += extra
        if sdp != nil { lines.append("Content-Type: application/sdp") }
        lines.append("Content-Length: \(sdp?.utf8.count ?? 0)")
        return lines.joined(separator: "\r\n") + "\r\n\r\n" + (sdp ?? "")
    }

    /// Ends a call that rang here and was picked up.
    func hangUp(_ invite: String) { send(request("BYE", in: invite, sequence: 1)) }

    /// Waits to be hung up on.
    func expectBye(within seconds: Double = 8) throws {
        let bye = try #require(expect("BYE", within: seconds))
        respond("200 OK", to: bye)
    }

    /// Dials a feature code, which answers, does its work, and hangs up.
    func dial(code: String, keys: [UInt8] = []) throws {
        let media = try WirePeer()
        let answer = try call(code, port: media.port)
        #expect(answer.startWord == "200")
        acknowledge(answer, to: code)
        let port = try #require(answer.audioPort)
        for (index, key) in keys.enumerated() { media.press(key, to: port, at: UInt8(index + 1)) }
        try expectBye(within: 12)
    }
}

extension WirePeer {
    /// A key as RFC 4733 sends it: the same event in several packets, its end three times. 10 is the star, 11 the hash key.
    func press(_ event: UInt8, to port: UInt16, at timestamp: UInt8) {
        for (step, duration) in [(1, 160), (2, 320), (3, 480), (4, 640), (5, 640), (6, 640)] as [(UInt8, Int)] {
            let isEnd: UInt8 = step >= 4 ? 0x80 : 0
            let head: [UInt8] = [
                0x80, step == 1 ? 101 | 0x80 : 101, 0, timestamp &* 6 &+ step, 0, 0, timestamp, 0, 1, 2, 3, 4,
            ]
            send(head + [event, isEnd | 10, UInt8(duration >> 8), UInt8(duration & 0xFF)], to: port)
        }
    }
}

extension WirePeer {
    /// What came in as A-law until now, in the order in which it came.
    func samples() -> [Double] {
        var samples: [Double] = []
        while let packet = receive(within: 0) {
            guard packet.bytes.count > 12, packet.bytes[1] & 0x7F == 8 else { continue }
            samples += packet.bytes.dropFirst(12).map { Double(G711.decode($0, .a)) }
        }
        return samples
    }
}

extension RunningSwitch {
    /// An agent in the live view.
    func agent(_ number: String) throws -> [String: Any]? {
        try rows("agents").first { $0["user"] as? String == number }
    }

    func state(of number: String) throws -> String? { try agent(number)?["state"] as? String }
}

import Foundation
import Testing

/// Two sockets and the engine between them.
@Suite("Calls over the wire")
struct CallTests {
    /// A caller that is the carrier, and 1001 registered.
    private func registered() throws -> (RunningSwitch, carrier: Phone, callee: Phone) {
        let running = try RunningSwitch()
        let carrier = try Phone("+74951112233", server: running.sipPort, peer: running.carrier)
        let callee = try Phone("1001", password: "anna-demo-1", server: running.sipPort)
        let answer = try callee.register()
        #expect(answer.startWord == "200")
        return (running, carrier, callee)
    }

    /// Brings a call up between both; the dialogs' tags.
    private func connect(
        _ carrier: Phone,
        _ callee: Phone,
        callerPort: UInt16,
        calleePort: UInt16
    ) throws -> (callerTag: String, invite: String, answer: String) {
        carrier.send(carrier.request("INVITE", to: "1001", sdp: Phone.sdp(port: callerPort)))
        let invite = try #require(callee.expect("INVITE"))
        callee.respond("180 Ringing", to: invite, toTag: "callee")
        callee.respond("200 OK", to: invite, toTag: "callee", sdp: Phone.sdp(port: calleePort))
        let answer = try #require(carrier.final("INVITE"))
        #expect(answer.startWord == "200")
        let tag = String(answer.header("To")?.components(separatedBy: ";tag=").last ?? "")
        carrier.send(carrier.request("ACK", to: "1001", toTag: tag, sequence: carrier.sequence))
        _ = try #require(callee.expect("ACK"))
        return (tag, invite, answer)
    }

    @Test func `two legs of their own: nothing of the caller's shows at the callee, voice goes both ways, one record`()
        throws
    {
        let (running, carrier, callee) = try registered()
        let callerMedia = try WirePeer()
        let calleeMedia = try WirePeer()
        let (tag, invite, answer) = try connect(
            carrier,
            callee,
            callerPort: callerMedia.port,
            calleePort: calleeMedia.port
        )
        // B144: topology hidden.
        #expect(invite.header("Call-ID") != carrier.callID)
        #expect(invite.headers("Via").count == 1)
        #expect(!invite.contains("o=phone"))
        #expect(invite.header("Max-Forwards") == "69")
        let toCallee = try #require(invite.audioPort)
        let toCaller = try #require(answer.audioPort)
        #expect((30_000...39_999).contains(toCallee) && (30_000...39_999).contains(toCaller))

        var packet: [UInt8] = [0x80, 8, 0, 1, 0, 0, 0, 160, 1, 2, 3, 4] + [UInt8](repeating: 0xD5, count: 160)
        callerMedia.send(packet, to: toCaller)
        #expect(calleeMedia.receive()?.bytes == packet)
        packet[11] = 9
        calleeMedia.send(packet, to: toCallee)
        #expect(callerMedia.receive()?.bytes == packet)

        carrier.send(carrier.request("BYE", to: "1001", toTag: tag))
        let bye = try #require(callee.expect("BYE"))
        callee.respond("200 OK", to: bye)
        #expect(carrier.final("BYE")?.startWord == "200")
        var records: [[String: Any]] = []
        _ = try eventually {
            records = try running.rows("cdr"); return records.first?["ended_at"] is String
        }
        #expect(records.count == 1)
        let record = try #require(records.first)
        #expect(record["disposition"] as? String == "answered")
        #expect(record["direction"] as? String == "inbound")
        #expect(record["hangup_by"] as? String == "caller")
        #expect(record["trunk"] as? String == "carrier")
        #expect(record["codec_a"] as? String == "PCMA")
        #expect((record["legs"] as? [Any])?.count == 1 || (record["legs"] as? [Any])?.count == 2)
    }

    @Test func `the live view says how good either side is heard, while they talk`() throws {
        let (running, carrier, callee) = try registered()
        let (callers, callees) = try (WirePeer(), WirePeer())
        let (_, invite, answer) = try connect(carrier, callee, callerPort: callers.port, calleePort: callees.port)
        let before = try #require(try running.rows("calls").first)
        #expect(before["mos_a"] is NSNull && before["mos_b"] is NSNull)
        let ports = (toCaller: try #require(answer.audioPort), toCallee: try #require(invite.audioPort))
        Speaker.speak([(callers, ports.toCaller, 440), (callees, ports.toCallee, 1_000)], seconds: 1)
        let isRated = try eventually {
            let live = try running.rows("calls").first
            return (live?["mos_a"] as? Double ?? 0) > 4 && (live?["mos_b"] as? Double ?? 0) > 4
        }
        #expect(isRated)
    }

    @Test func `a cancelled call is cancelled at the callee with the INVITE's branch`() throws {
        let (running, carrier, callee) = try registered()
        defer { withExtendedLifetime(running) {} }
        let branch = "z9hG4bKcancelme"
        carrier.send(carrier.request("INVITE", to: "1001", branch: branch, sdp: Phone.sdp(port: 4000)))
        let invite = try #require(callee.expect("INVITE"))
        callee.respond("180 Ringing", to: invite, toTag: "x")
        _ = try #require(carrier.expect("180"))
        carrier.send(carrier.request("CANCEL", to: "1001", branch: branch, sequence: carrier.sequence))
        let cancel = try #require(callee.expect("CANCEL"))
        #expect(
            cancel.header("Via")?.components(separatedBy: "branch=").last?.prefix { $0 != ";" }
                == invite.header("Via")?.components(separatedBy: "branch=").last?.prefix { $0 != ";" }
        )
        callee.respond("200 OK", to: cancel)
        callee.respond("487 Request Terminated", to: invite, toTag: "x")
        #expect(carrier.final("INVITE")?.startWord == "487")
    }

    @Test(arguments: [
        ("486 Busy Here", "486"), ("603 Decline", "603"), ("404 Not Found", "404"),
        ("500 Server Internal Error", "500"),
        ("600 Busy Everywhere", "600"), ("487 Request Terminated", "480"),
    ])
    func `a refusal reaches the caller`(answer: String, expected: String) throws {
        let (running, carrier, callee) = try registered()
        defer { withExtendedLifetime(running) {} }
        carrier.send(carrier.request("INVITE", to: "1001", sdp: Phone.sdp(port: 4000)))
        let invite = try #require(callee.expect("INVITE"))
        callee.respond(answer, to: invite, toTag: "x")
        #expect(callee.expect("ACK") != nil)
        let final = try #require(carrier.final("INVITE"))
        #expect(final.startWord == expected)
        #expect(final.header("Reason")?.hasPrefix("Q.850;cause=") == true)
        // Whoever was refused has not taken his call back.
        var call: [String: Any]?
        #expect(
            try eventually {
                call = try running.rows("cdr").first
                return call?["ended_at"] is String
            }
        )
        #expect(call?["disposition"] as? String != "cancelled" && "\(call?["sip_code"] ?? "")" == expected)
    }

    @Test func `RFC 3326: one of a group declines for all, and the others are told why they stop ringing`() throws {
        let running = try RunningSwitch(
            incoming: "routes: [{match: \".\", do: [{dial: {group: [\"1001\", \"1002\"], timeout: 20s}}]}]"
        )
        let anna = try Phone("1001", password: "anna-demo-1", server: running.sipPort)
        let boris = try Phone("1002", password: "boris-demo-2", server: running.sipPort)
        for phone in [anna, boris] { #expect(try phone.register().startWord == "200") }
        let carrier = try Phone("+74951112233", server: running.sipPort, peer: running.carrier)
        carrier.send(carrier.request("INVITE", to: "700", sdp: Phone.sdp(port: 4_000)))
        let ringing = try #require(boris.expect("INVITE"))
        boris.respond("180 Ringing", to: ringing, toTag: "b")
        #expect(carrier.expect("180") != nil)
        anna.respond("603 Not \"Today\"", to: try #require(anna.expect("INVITE")), toTag: "a")
        let cancel = try #require(boris.expect("CANCEL"))
        #expect(cancel.header("Reason") == "SIP;cause=603;text=\"Not Today\"")
        boris.respond("200 OK", to: cancel)
        boris.respond("487 Request Terminated", to: ringing, toTag: "b")
        #expect(carrier.final("INVITE")?.startWord == "603")
    }

    @Test func `hold and resume pass through, and the record knows how long`() throws {
        let (running, carrier, callee) = try registered()
        let (tag, invite, _) = try connect(carrier, callee, callerPort: 4000, calleePort: 4002)
        let firstVersion = Self.originVersion(invite)
        // Whoever is held hears music, so he is offered it even when the holder wants nothing either way.
        for (direction, offered, mirrored, word) in [
            ("sendonly", "sendonly", "recvonly", "hold"), ("sendrecv", "sendrecv", "sendrecv", "resume"),
            ("inactive", "sendonly", "inactive", "hold again"),
        ] {
            let sdp = Phone.sdp(port: 4000, direction: direction, version: carrier.sequence + 5)
            carrier.send(carrier.request("INVITE", to: "1001", toTag: tag, sdp: sdp))
            let reinvite = try #require(callee.expect("INVITE"), "\(word)")
            #expect(reinvite.contains("a=\(offered)") || offered == "sendrecv", "\(word)")
            #expect(Self.originVersion(reinvite) > firstVersion)
            let accepted = offered == "sendonly" ? "recvonly" : "sendrecv"
            callee.respond("200 OK", to: reinvite, toTag: "callee", sdp: Phone.sdp(port: 4002, direction: accepted))
            let answer = try #require(carrier.final("INVITE"))
            #expect(answer.startWord == "200")
            #expect(answer.contains("a=\(mirrored)") || mirrored == "sendrecv")
            carrier.send(carrier.request("ACK", to: "1001", toTag: tag, sequence: carrier.sequence))
            #expect(callee.expect("ACK") != nil)
            let state = try running.rows("calls").first?["state"] as? String
            #expect(state == (direction == "sendrecv" ? "talking" : "held"))
        }
    }

    @Test func `a late offer goes end to end: the callee's offer in our 200, the caller's answer in its ACK`() throws {
        let (running, carrier, callee) = try registered()
        defer { withExtendedLifetime(running) {} }
        carrier.send(carrier.request("INVITE", to: "1001"))
        let invite = try #require(callee.expect("INVITE"))
        #expect(invite.sipBody.isEmpty)
        callee.respond("200 OK", to: invite, toTag: "callee", sdp: Phone.sdp(port: 4002))
        let answer = try #require(carrier.final("INVITE"))
        #expect(answer.audioPort != nil)
        let tag = String(answer.header("To")?.components(separatedBy: ";tag=").last ?? "")
        carrier.send(
            carrier.request(
                "ACK",
                to: "1001",
                toTag: tag,
                sequence: carrier.sequence,
                sdp: Phone.sdp(port: 4000, formats: "8")
            )
        )
        let ack = try #require(callee.expect("ACK"))
        #expect(ack.audioPort != nil)
    }

    @Test func `all phones of a user ring, the first to answer wins, the others are told where the call went`() throws {
        let running = try RunningSwitch()
        let carrier = try Phone("+7495", server: running.sipPort, peer: running.carrier)
        let desk = try Phone("1001", password: "anna-demo-1", server: running.sipPort)
        let mobile = try Phone("1001", password: "anna-demo-1", server: running.sipPort)
        #expect(try desk.register().startWord == "200")
        #expect(try mobile.register().startWord == "200")
        carrier.send(carrier.request("INVITE", to: "1001", sdp: Phone.sdp(port: 4000)))
        let atDesk = try #require(desk.expect("INVITE"))
        let atMobile = try #require(mobile.expect("INVITE"))
        desk.respond("180 Ringing", to: atDesk, toTag: "d")
        mobile.respond("180 Ringing", to: atMobile, toTag: "m")
        mobile.respond("200 OK", to: atMobile, toTag: "m", sdp: Phone.sdp(port: 4002))
        #expect(carrier.final("INVITE")?.startWord == "200")
        let cancel = try #require(desk.expect("CANCEL"))
        #expect(cancel.header("Reason") == "SIP;cause=200;text=\"Call completed elsewhere\"")
    }

    @Test func `an early answer of a fork that lost gets ACK and BYE (B120)`() throws {
        let running = try RunningSwitch()
        let carrier = try Phone("+7495", server: running.sipPort, peer: running.carrier)
        let desk = try Phone("1001", password: "anna-demo-1", server: running.sipPort)
        let mobile = try Phone("1001", password: "anna-demo-1", server: running.sipPort)
        try desk.register()
        try mobile.register()
        carrier.send(carrier.request("INVITE", to: "1001", sdp: Phone.sdp(port: 4000)))
        let atDesk = try #require(desk.expect("INVITE"))
        let atMobile = try #require(mobile.expect("INVITE"))
        mobile.respond("200 OK", to: atMobile, toTag: "m", sdp: Phone.sdp(port: 4002))
        desk.respond("200 OK", to: atDesk, toTag: "d", sdp: Phone.sdp(port: 4004))
        #expect(carrier.final("INVITE")?.startWord == "200")
        #expect(mobile.expect("ACK") != nil)
        #expect(desk.expect("ACK") != nil)
        #expect(desk.expect("BYE") != nil)
    }

    @Test func `an unanswered 200 is repeated, and given up with BYE on both legs (B017)`() throws {
        let running = try RunningSwitch(node: "timers: {t1: 50ms}")
        let carrier = try Phone("+7495", server: running.sipPort, peer: running.carrier)
        let callee = try Phone("1001", password: "anna-demo-1", server: running.sipPort)
        try callee.register()
        carrier.send(carrier.request("INVITE", to: "1001", sdp: Phone.sdp(port: 4000)))
        let invite = try #require(callee.expect("INVITE"))
        callee.respond("200 OK", to: invite, toTag: "callee", sdp: Phone.sdp(port: 4002))
        #expect(carrier.final("INVITE")?.startWord == "200")
        #expect(carrier.final("INVITE")?.startWord == "200")
        #expect(carrier.expect("BYE", within: 8) != nil)
        #expect(callee.expect("BYE", within: 8) != nil)
    }

    @Test func `keys by INFO reach the other side`() throws {
        let (running, carrier, callee) = try registered()
        let (tag, _, _) = try connect(carrier, callee, callerPort: 4000, calleePort: 4002)
        let body = "Signal=5\r\nDuration=160\r\n"
        var info = carrier.request("INFO", to: "1001", toTag: tag, extra: ["Content-Type: application/dtmf-relay"])
        info = info.replacingOccurrences(of: "Content-Length: 0", with: "Content-Length: \(body.utf8.count)") + body
        carrier.send(info)
        #expect(carrier.final("INFO")?.startWord == "200")
        let id = try #require(try running.rows("calls").first?["call_id"] as? String)
        #expect(
            try eventually {
                try running.gudok("trace", id).text.contains("digit 5")
                    || running.gudok("trace", id).text.contains("5 (info)")
            }
        )
    }

    @Test func `a key that comes by INFO and then by telephone-events reaches the other party once`() throws {
        let running = try RunningSwitch()
        let carrier = try Phone("+74951112233", server: running.sipPort, peer: running.carrier)
        let callee = try Phone("1001", password: "anna-demo-1", server: running.sipPort)
        try callee.register()
        let (callers, callees) = try (WirePeer(), WirePeer())
        carrier.send(carrier.request("INVITE", to: "1001", sdp: Phone.sdp(port: callers.port)))
        let invite = try #require(callee.expect("INVITE"))
        // Without Allow: nobody knows whether it takes INFO.
        callee.respond("200 OK", to: invite, toTag: "callee", sdp: Phone.sdp(port: callees.port))
        let answer = try #require(carrier.final("INVITE"))
        let tag = carrier.acknowledge(answer, to: "1001")
        let port = try #require(answer.audioPort)
        func inform(_ key: Int) throws {
            let body = "Signal=\(key)\r\nDuration=160\r\n"
            let info = carrier.request("INFO", to: "1001", toTag: tag, extra: ["Content-Type: application/dtmf-relay"])
            carrier.send(
                info.replacingOccurrences(of: "Content-Length: 0", with: "Content-Length: \(body.utf8.count)") + body
            )
            #expect(carrier.final("INFO")?.startWord == "200")
        }
        /// Each event has its own time stamp (RFC 4733 §2.2.1).
        var events: [UInt8: Set<[UInt8]>] = [:]
        func listen(until key: UInt8) {
            while events[key] == nil, let packet = callees.receive(within: 3)?.bytes {
                if packet.count == 16, packet[1] & 0x7F == 101 {
                    events[packet[12], default: []].insert(Array(packet[4..<8]))
                }
            }
        }
        try inform(5)
        callers.press(5, to: port, at: 1)
        listen(until: 5)
        // One that comes by INFO alone is passed on, too, behind whatever is on its way.
        try inform(7)
        listen(until: 7)
        #expect(events.mapValues(\.count) == [5: 1, 7: 1], "\(events)")
        // Keys that follow each other fast put none off.
        var heard: UInt8?
        for _ in 0..<20 where heard == nil {
            try inform(9)
            while let packet = callees.receive(within: 0.1)?.bytes {
                if packet.count == 16, packet[1] & 0x7F == 101, packet[12] == 9 { heard = packet[12] }
            }
        }
        #expect(heard == 9)
    }

    private static func originVersion(_ message: String) -> Int {
        for line in message.components(separatedBy: .newlines) where line.hasPrefix("o=") {
            let fields = line.split(separator: " ")
            if fields.count > 2 { return Int(fields[2]) ?? 0 }
        }
        return 0
    }
}

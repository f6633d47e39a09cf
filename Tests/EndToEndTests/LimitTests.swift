import Foundation
import Testing

/// What is long, comes in pieces, or matches nothing.
@Suite("Limits over the wire")
struct LimitTests {
    /// The carrier over TCP, from the port by which it is known.
    private func overTCP(_ pair: CallPair) throws -> StreamPeer {
        try StreamPeer(from: pair.carrier.peer.port, to: pair.running.tcpPort)
    }

    private func tcp(_ request: String) -> String {
        request.replacingOccurrences(of: "SIP/2.0/UDP", with: "SIP/2.0/TCP")
    }

    private func withBody(_ request: String, _ body: String) -> String {
        request.replacingOccurrences(of: "Content-Length: 0", with: "Content-Length: \(body.utf8.count)") + body
    }

    @Test func `B003: a long name, a long description and a long body go on whole, over TCP and UDP`() throws {
        let pair = try CallPair()
        let stream = try overTCP(pair)
        let name = String(repeating: "Anna ", count: 1_400)
        let sdp =
            Phone.sdp(port: 4_000) + String(repeating: "a=x:\(String(repeating: "y", count: 30))\r\n", count: 1_500)
        let invite = tcp(pair.carrier.request("INVITE", to: "1001", sdp: sdp))
            .replacingOccurrences(of: "From: <", with: "From: \"\(name)\" <")
        stream.send(invite)
        let rung = try #require(pair.callee.expect("INVITE"))
        #expect(rung.header("From")?.contains(name.trimmingCharacters(in: .whitespaces)) == true)
        pair.callee.respond("200 OK", to: rung, toTag: "1001", sdp: Phone.sdp(port: 4_002))
        let answer = try #require(stream.expect { $0.startWord == "200" })
        let tag = CallPair.toTag(answer)
        stream.send(tcp(pair.carrier.request("ACK", to: "1001", toTag: tag, sequence: pair.carrier.sequence)))
        _ = try #require(pair.callee.expect("ACK"))
        let body = String(repeating: "0123456789", count: 4_000)
        let info = pair.carrier.request("INFO", to: "1001", toTag: tag, extra: ["Content-Type: application/x"])
        // In pieces, glued to the next one.
        let text = tcp(withBody(info, body)) + tcp(pair.carrier.request("OPTIONS", to: "1001", toTag: tag))
        for start in stride(from: 0, to: text.count, by: 9_000) {
            stream.send(String(text.dropFirst(start).prefix(9_000)))
        }
        #expect(stream.expect { $0.startWord == "200" && $0.header("CSeq")?.hasSuffix("INFO") == true } != nil)
        #expect(stream.expect { $0.startWord == "200" && $0.header("CSeq")?.hasSuffix("OPTIONS") == true } != nil)
        #expect(try #require(pair.callee.expect("INFO")).sipBody == body)
        stream.send(tcp(pair.carrier.request("BYE", to: "1001", toTag: tag)))
        #expect(stream.expect { $0.startWord == "200" && $0.header("CSeq")?.hasSuffix("BYE") == true } != nil)
    }

    @Test func `B003: what is too long is 413, 414 or 513, and the connection goes on`() throws {
        let pair = try CallPair()
        let stream = try overTCP(pair)
        let long = String(repeating: "9", count: 9_000)
        let lines = (0..<300).map { "X-\($0): y" }
        let sdp = Phone.sdp(port: 4_000) + String(repeating: "a=\(long.prefix(4_000))\r\n", count: 20)
        let cases: [(String, String)] = [
            (pair.carrier.request("OPTIONS", to: "600", uri: "sip:\(long)@demo.test"), "414"),
            (pair.carrier.request("OPTIONS", to: "600", extra: ["Subject: \(long)"]), "513"),
            (pair.carrier.request("OPTIONS", to: "600", extra: lines), "513"),
            (withBody(pair.carrier.request("MESSAGE", to: "600"), String(repeating: "z", count: 1_100_000)), "413"),
            (pair.carrier.request("INVITE", to: "600", sdp: sdp), "413"),
            (pair.carrier.request("OPTIONS", to: "600"), "200"),
        ]
        for (request, status) in cases {
            pair.carrier.callID = UUID().uuidString
            #expect(stream.send(tcp(request)))
            #expect(stream.expect { $0.startWord != "100" }?.startWord == status, "\(request.prefix(60))")
        }
    }

    @Test func `whoever has too few descriptors refuses calls and connections, says so, and is still to be asked`()
        throws
    {
        let running = try RunningSwitch()
        let process = running.process.pid
        /// The bound that the process may raise itself.
        func allow(_ count: Int) throws {
            let change = try ChildProcess("/usr/bin/env", ["prlimit", "--pid", "\(process)", "--nofile=\(count):"])
            #expect(change.exitCode(within: 5) == 0, "\(change.text)")
        }
        let open = try FileManager.default.contentsOfDirectory(atPath: "/proc/\(process)/fd").count
        try allow(open + 64 + 8)
        let peers = try (0..<30).map { _ in try StreamPeer(to: running.tcpPort) }
        #expect(running.process.waitFor(5) { $0.contains("is closed: too many files and sockets are open") })
        #expect(running.process.waitFor(5) { $0.contains("nearly all files and sockets are open") })
        let carrier = try Phone("+74951112233", server: running.sipPort, peer: running.carrier)
        #expect(try carrier.call("600").startWord == "503")
        #expect(running.process.waitFor(5) { $0.contains("no media port: Too many open files") })
        #expect(try running.http("/readyz").status == 200)
        #expect(try running.gudok("calls").code == 0)
        let doctor = try running.gudok("doctor")
        let line = doctor.text.components(separatedBy: "\n").first { $0.hasPrefix("BAD   open files: ") }
        #expect(line?.contains("of \(open + 72) are open: calls and connections are refused") == true, "\(doctor.text)")
        #expect(try running.metric("gudok_open_files_max") == Double(open + 72))
        withExtendedLifetime(peers) {}

        // None at all: whoever waits to be accepted costs nothing.
        try allow(10)
        let (waiting, asking) = (try StreamPeer(to: running.tcpPort), try StreamPeer(to: running.httpPort))
        asking.send("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        func ticks() throws -> Int {
            let text = try String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8)
            return text.split(separator: " ")[13...14].compactMap { Int($0) }.reduce(0, +)
        }
        let before = try ticks()
        #expect(asking.expect(within: 1) { _ in true } == nil)
        #expect(try ticks() - before < 40)
        try allow(1_024)
        #expect(waiting.send(carrier.request("OPTIONS", to: "600").replacing("SIP/2.0/UDP", with: "SIP/2.0/TCP")))
        #expect(waiting.expect { $0.startWord == "200" } != nil)
    }

    @Test func `a stream that is no SIP is closed, one that says nothing hurts nobody, and a ping gets its answer`()
        throws
    {
        let running = try RunningSwitch()
        let noise = try StreamPeer(to: running.tcpPort)
        noise.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        #expect(noise.expect(within: 3) { _ in true } == nil)
        let silent = try (0..<20).map { _ in try StreamPeer(to: running.tcpPort) }
        for peer in silent { peer.send("INVITE sip:") }
        let phone = try Phone("1001", password: "anna-demo-1", server: running.sipPort)
        #expect(try phone.register().startWord == "200")
        withExtendedLifetime(silent) {}
    }

    @Test func `B020, B032: an ACK of nothing is met with silence, a CANCEL and a BYE of nothing with 481`() throws {
        let running = try RunningSwitch()
        let stranger = try Phone("x", server: running.sipPort)
        stranger.send(stranger.request("ACK", to: "600", toTag: "nothing", sequence: 1))
        #expect(stranger.peer.receive(within: 0.5) == nil)
        for method in ["CANCEL", "BYE", "PRACK", "UPDATE", "INFO"] {
            stranger.callID = UUID().uuidString
            stranger.send(stranger.request(method, to: "600", toTag: method == "CANCEL" ? nil : "nothing", sequence: 1))
            #expect(stranger.final(method)?.startWord == "481", "\(method)")
        }
    }

    @Test
    func `B013, B015, B016, B019: INVITEs and answers are repeated, absorbed and acknowledged as RFC 3261 §17 says`()
        throws
    {
        let pair = try CallPair(node: "timers: {t1: 50ms, t2: 200ms}")
        let invite = pair.carrier.request("INVITE", to: "1001", branch: "z9hG4bKonce", sdp: Phone.sdp(port: 4_000))
        for _ in 0..<3 { pair.carrier.send(invite) }
        // Unanswered, ours is repeated as it was.
        let first = try #require(pair.callee.expect("INVITE"))
        #expect(pair.callee.expect("INVITE") == first)
        for _ in 0..<2 { pair.callee.respond("486 Busy Here", to: first, toTag: "x") }
        let acks = try [#require(pair.callee.expect("ACK")), #require(pair.callee.expect("ACK"))]
        let branch = { (text: String) in text.header("Via")?.components(separatedBy: "branch=").last ?? "" }
        #expect(acks.allSatisfy { branch($0) == branch(first) && $0.header("To")?.hasSuffix(";tag=x") == true })
        // Its refusal is repeated until the ACK, and not after.
        let refusals = try (0..<3).map { _ in try #require(pair.carrier.final("INVITE")) }
        #expect(refusals.allSatisfy { $0 == refusals[0] && $0.startWord == "486" })
        pair.carrier.send(
            pair.carrier.request(
                "ACK",
                to: "1001",
                toTag: CallPair.toTag(refusals[0]),
                branch: "z9hG4bKonce",
                sequence: pair.carrier.sequence
            )
        )
        while pair.carrier.final("INVITE", within: 0.3) != nil {}
        #expect(pair.carrier.final("INVITE", within: 0.5) == nil)
        let calls = try eventually { try pair.running.rows("cdr").count == 1 }
        #expect(calls)
    }
}

import Foundation
import Testing

/// What the internet throws at it, and what a crash leaves.
@Suite("Survival")
struct SurvivalTests {
    @Test func `a second switch on the same folder does not start, and touches nothing of the first one's`() throws {
        let pair = try CallPair()
        try pair.talk()
        #expect(throws: RunningSwitch.StartFailure.self) { _ = try RunningSwitch(folder: pair.running.folder) }
        #expect(try pair.running.rows("cdr").first?["ended_at"] is NSNull)
        try pair.hangUp()
    }

    private static let seedMessages = [
        "INVITE sip:600@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:5099;branch=z9hG4bKabc;rport\r\nMax-Forwards: 70\r\n"
            + "From: <sip:a@b>;tag=1\r\nTo: <sip:600@127.0.0.1>\r\nCall-ID: fuzz@x\r\nCSeq: 1 INVITE\r\n"
            + "Contact: <sip:a@127.0.0.1:5099>\r\nContent-Type: application/sdp\r\nContent-Length: 80\r\n\r\nv=0\r\n"
            + "o=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 9 RTP/AVP 8\r\n",
        "REGISTER sip:demo.test SIP/2.0\r\nv: SIP/2.0/UDP h;branch=z9hG4bKr\r\nf: <sip:1001@demo.test>;tag=2\r\n"
            + "t: <sip:1001@demo.test>\r\ni: reg@x\r\nCSeq: 9 REGISTER\r\nm: *\r\nExpires: 0\r\nl: 0\r\n\r\n",
        "SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 127.0.0.1;branch=z9hG4bKzzz\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:c@d>;tag=2\r\n"
            + "Call-ID: x\r\nCSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n",
    ]

    /// Random octets, and real messages with octets changed, taken away, doubled and moved.
    private static func mutant(_ random: inout SystemRandomNumberGenerator) -> [UInt8] {
        guard Int.random(in: 0..<5, using: &random) > 0, let seed = seedMessages.randomElement(using: &random) else {
            return (0..<Int.random(in: 0...1_400, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random)
            }
        }
        var bytes = Array(seed.utf8)
        for _ in 0..<Int.random(in: 1...12, using: &random) where bytes.count > 4 {
            let place = Int.random(in: 0..<(bytes.count - 2), using: &random)
            switch Int.random(in: 0..<4, using: &random) {
            case 0: bytes[place] = UInt8.random(in: 0...255, using: &random)
            case 1: bytes.remove(at: place)
            case 2: bytes.insert(contentsOf: bytes[place...].prefix(40), at: place)
            default: bytes.swapAt(place, Int.random(in: 0..<bytes.count, using: &random))
            }
        }
        return bytes
    }

    @Test func `200 random and mutated datagrams a second on both ports leave a live call as it is`() throws {
        let running = try RunningSwitch()
        let carrier = try Phone("+74951112233", server: running.sipPort, peer: running.carrier)
        let media = try WirePeer()
        carrier.send(carrier.request("INVITE", to: "600", sdp: Phone.sdp(port: media.port)))
        let answer = try #require(carrier.final("INVITE"))
        #expect(answer.startWord == "200")
        let tag = String(answer.header("To")?.components(separatedBy: ";tag=").last ?? "")
        carrier.send(carrier.request("ACK", to: "600", toTag: tag, sequence: carrier.sequence))
        let target = try #require(answer.audioPort)

        let stranger = try WirePeer()
        var random = SystemRandomNumberGenerator()
        var echoed = 0
        let tick = DispatchSemaphore(value: 0)
        // Five seconds: 50 packets of voice and 200 datagrams of noise a second.
        for index in 0..<250 {
            let sequence = UInt16(index)
            let header: [UInt8] = [
                0x80, 8, UInt8(sequence >> 8), UInt8(sequence & 255), 0, 0, UInt8(index / 2 & 255), 0, 9, 9, 9, 9,
            ]
            // The echo comes under a source of its own; what is said tells it apart.
            let voice = [UInt8](repeating: UInt8(index), count: 160)
            media.send(header + voice, to: target)
            for _ in 0..<4 { stranger.send(Self.mutant(&random), to: index % 2 == 0 ? running.sipPort : target) }
            if media.receive(within: 5)?.bytes.suffix(160) == voice[...] { echoed += 1 }
            _ = tick.wait(timeout: .now() + .milliseconds(18))
        }
        #expect(echoed == 250)
        #expect(running.process.isRunning)
        // And it still answers.
        carrier.callID = UUID().uuidString
        carrier.send(carrier.request("OPTIONS", to: "600"))
        #expect(carrier.final("OPTIONS")?.startWord == "200")
        #expect(try running.metric("gudok_rtp_packets_foreign_total") > 0)
    }

    @Test func `kill -9 in the middle of ten calls: each has exactly one record, and says what cut it off`() throws {
        let carrierPort = try WirePeer().port
        var running = try RunningSwitch(carrierPort: carrierPort)
        let folder = running.folder
        let peer = try WirePeer(port: carrierPort)
        for _ in 0..<10 {
            let phone = try Phone("+74951112233", server: running.sipPort, peer: peer)
            phone.send(phone.request("INVITE", to: "600", sdp: Phone.sdp(port: 4_000)))
            let answer = try #require(phone.final("INVITE"))
            #expect(answer.startWord == "200")
            let tag = String(answer.header("To")?.components(separatedBy: ";tag=").last ?? "")
            phone.send(phone.request("ACK", to: "600", toTag: tag, sequence: phone.sequence))
        }
        running.isFolderKept = true
        running.process.signal(SIGKILL)
        running.process.exitCode(within: 5)
        running = try RunningSwitch(carrierPort: carrierPort, folder: folder)
        running.isFolderKept = false
        let records = try running.rows("cdr", "--limit", "100")
        #expect(records.count == 10)
        #expect(Set(records.compactMap { $0["call_id"] as? String }).count == 10)
        #expect(records.allSatisfy { $0["reason"] as? String == "engine-restart" && $0["ended_at"] is String })
    }

    @Test func `a call that a crash cuts off while it rings has whom it rang in its record`() throws {
        let carrierPort = try WirePeer().port
        var running = try RunningSwitch(carrierPort: carrierPort)
        let folder = running.folder
        let carrier = try Phone("+74951112233", server: running.sipPort, peer: try WirePeer(port: carrierPort))
        let callee = try Phone("1001", password: "anna-demo-1", server: running.sipPort)
        #expect(try callee.register().startWord == "200")
        carrier.send(carrier.request("INVITE", to: "1001", sdp: Phone.sdp(port: 4_000)))
        callee.respond("180 Ringing", to: try #require(callee.expect("INVITE")), toTag: "1001")
        func rung() throws -> [String: Any]? {
            let legs = try running.rows("cdr").first?["legs"] as? [[String: Any]]
            return legs?.first { $0["user"] as? String == "1001" }
        }
        #expect(try eventually { try rung() != nil })
        running.isFolderKept = true
        running.process.signal(SIGKILL)
        running.process.exitCode(within: 5)
        running = try RunningSwitch(carrierPort: carrierPort, folder: folder)
        running.isFolderKept = false
        let leg = try #require(try rung())
        #expect(leg["result"] as? String == "failed" && leg["reason"] as? String == "engine-restart", "\(leg)")
    }

    @Test func `registrations outlive a restart, and so do the nonces that phones were given`() throws {
        let carrierPort = try WirePeer().port
        var running = try RunningSwitch(carrierPort: carrierPort)
        let folder = running.folder
        let phone = try Phone("1001", password: "anna-demo-1", server: running.sipPort)
        #expect(try phone.register().startWord == "200")
        let isKept = try eventually { try !running.rows("registrations").isEmpty }
        #expect(isKept)
        running.isFolderKept = true
        #expect(running.stop() == 0)
        running = try RunningSwitch(carrierPort: carrierPort, folder: folder)
        running.isFolderKept = false
        #expect(try running.rows("registrations").first?["user"] as? String == "1001")
    }

    @Test func `SIGTERM does not wait for files that are being read again, however often that was asked for`() throws {
        let running = try RunningSwitch()
        let users = (0..<3_000).map { "  - {extension: \"\(10_000 + $0)\", password: some-pass-word-\($0)}" }
        let large = "tenant: large\ndomains: [large.test]\nusers:\n" + users.joined(separator: "\n") + "\n"
        let place = running.folder.appending(path: "tenants/large.yaml")
        try large.write(to: place, atomically: true, encoding: .utf8)
        for _ in 0..<3 { running.process.signal(SIGHUP) }
        running.process.signal(SIGTERM)
        #expect(running.process.exitCode(within: 60) == 0)
        let lines = running.process.text.split(separator: "\n").map(String.init)
        let draining = try #require(lines.firstIndex { $0.contains("draining") })
        let read = lines.firstIndex { $0.contains("files read again") }
        #expect(read.map { $0 > draining } ?? true, "\(lines)")
    }

    @Test func `SIGTERM drains: new calls get 503 with Retry-After, the old one goes on, and the exit is 0`() throws {
        let running = try RunningSwitch()
        let carrier = try Phone("+74951112233", server: running.sipPort, peer: running.carrier)
        carrier.send(carrier.request("INVITE", to: "600", sdp: Phone.sdp(port: 4_000)))
        let answer = try #require(carrier.final("INVITE"))
        let tag = String(answer.header("To")?.components(separatedBy: ";tag=").last ?? "")
        carrier.send(carrier.request("ACK", to: "600", toTag: tag, sequence: carrier.sequence))
        running.process.signal(SIGTERM)
        let second = try Phone("+74951112233", server: running.sipPort, peer: running.carrier)
        let isDraining = eventually {
            second.callID = UUID().uuidString
            second.send(second.request("OPTIONS", to: "600"))
            return second.final("OPTIONS", within: 1)?.startWord == "503"
        }
        #expect(isDraining)
        second.callID = UUID().uuidString
        second.send(second.request("INVITE", to: "600", sdp: Phone.sdp(port: 4_002)))
        let refusal = try #require(second.final("INVITE"))
        #expect(refusal.startWord == "503" && refusal.header("Retry-After") != nil)
        carrier.send(carrier.request("BYE", to: "600", toTag: tag))
        #expect(carrier.final("BYE")?.startWord == "200")
        #expect(running.process.exitCode(within: 20) == 0)
    }

    @Test func `who asks twice for the end waits for no call, and each has its record`() throws {
        let running = try RunningSwitch()
        running.isFolderKept = true
        defer { try? FileManager.default.removeItem(at: running.folder) }
        let carrier = try Phone("+74951112233", server: running.sipPort, peer: running.carrier)
        carrier.send(carrier.request("INVITE", to: "600", sdp: Phone.sdp(port: 4_000)))
        carrier.acknowledge(try #require(carrier.final("INVITE")), to: "600")
        running.process.signal(SIGTERM)
        #expect(running.process.waitFor(10) { $0.contains("draining") })
        let asked = ContinuousClock.now
        running.process.signal(SIGTERM)
        try carrier.expectBye()
        #expect(running.process.exitCode(within: 25) == 0)
        // The drain alone takes half a minute.
        #expect(ContinuousClock.now - asked < .seconds(20))
        let config = running.folder.appending(path: "gudok.yaml").path
        let listing = try ChildProcess(RunningSwitch.binary, ["cdr", "--format", "csv", "--config", config])
        listing.exitCode(within: 10)
        #expect(listing.text.contains(",shutdown"), "\(listing.text)")
    }
}

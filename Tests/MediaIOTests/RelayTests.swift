import Events
import Media
import MediaIO
import NetAddress
import RTP
import Testing

@Suite("Media threads over real sockets", .serialized)
struct RelayTests {
    /// Two phones joined by a bridge.
    private struct Pair {
        let plane: Plane
        let (alice, bob): (Phone, Phone)
        let (a, b): (MediaPort, MediaPort)

        init(bobsKeys: UInt8 = 101) throws {
            plane = try Plane()
            (alice, bob) = (try Phone(ssrc: 0xA), try Phone(ssrc: 0xB))
            a = try plane.open(towards: alice)
            b = try plane.open(towards: bob, near: a, number: bobsKeys)
            plane.threads.perform(.bridge(a.id, b.id))
            try plane.settle(near: a)
        }
    }

    private func header(_ packet: [UInt8]?) throws -> RTPHeader {
        let packet = try #require(packet, "no packet came")
        return try #require(packet.withUnsafeBytes { RTPHeader($0) })
    }

    @Test func `a bridge carries voice both ways, and the reports say so`() throws {
        let pair = try Pair()
        defer { pair.plane.threads.stop() }
        for turn in 1...50 {
            pair.alice.speak(to: pair.a.rtpPort)
            let heard = try header(pair.bob.hear())
            #expect(heard.ssrc == 0xA && heard.sequence == UInt16(turn) && heard.payloadLength == 160)
            pair.bob.speak(to: pair.b.rtpPort)
            #expect(try header(pair.alice.hear()).ssrc == 0xB)
        }
        for port in [pair.a, pair.b] { pair.plane.threads.perform(.close(port.id)) }
        for port in [pair.a, pair.b] {
            let report = try pair.plane.event { if case .closed(port.id, let report) = $0 { report } else { nil } }
            #expect(report.received.packets == 50 && report.sent.packets == 50 && report.received.lost == 0)
            #expect(report.verdict == .both && report.foreignPackets == 0 && report.latchedAddress != nil)
        }
        let counted = pair.plane.threads.counters.snapshot
        #expect(counted.packetsRelayed == 100 && counted.octetsRelayed == 17_200 && counted.portsInUse == 0)
    }

    @Test func `commands that nobody is woken for are carried out before the next packet, and closings without one`()
        throws
    {
        let plane = try Plane(isBatching: true)
        defer { plane.threads.stop() }
        let (alice, bob) = (try Phone(ssrc: 0xA), try Phone(ssrc: 0xB))
        let a = try plane.open(towards: alice)
        let b = try plane.open(towards: bob, near: a)
        plane.threads.perform(.bridge(a.id, b.id))
        alice.speak(to: a.rtpPort)
        #expect(try header(bob.hear()).ssrc == 0xA)
        for port in [a, b] { plane.threads.perform(.close(port.id)) }
        for port in [a, b] {
            let report = try plane.event { if case .closed(port.id, let report) = $0 { report } else { nil } }
            #expect(report.received.packets == (port.id == a.id ? 1 : 0))
        }
    }

    @Test func `two whom somebody listens to hear each other as before, packet for packet, and he hears both`() throws {
        let pair = try Pair()
        defer { pair.plane.threads.stop() }
        let vera = try Phone(ssrc: 0xC)
        let v = try pair.plane.open(towards: vera, near: pair.a)
        let listener = MixMember(port: v.id, hears: [pair.a.id, pair.b.id])
        pair.plane.threads.perform(.tap(pair.a.id, pair.b.id, by: [listener]))
        try pair.plane.settle(near: pair.a)
        // The loudest that A-law has.
        let loud: UInt8 = 0xAA
        var heard = 0
        for turn in 1...50 {
            // One packet is lost, one is overtaken: Bob has them as they came, though a mix would wait.
            if turn == 20 { pair.alice.sequence &+= 1 }
            let number = pair.alice.sequence
            pair.alice.speak(to: pair.a.rtpPort, payload: [UInt8](repeating: loud, count: 160))
            let packet = try header(pair.bob.hear())
            #expect(packet.ssrc == 0xA && packet.sequence == number && packet.payloadLength == 160)
            pair.bob.speak(to: pair.b.rtpPort)
            #expect(try header(pair.alice.hear()).ssrc == 0xB)
            let mixed = try #require(vera.hear())
            #expect(try header(mixed).ssrc != 0xA)
            if mixed[12..<172].contains(loud) { heard += 1 }
        }
        #expect(heard > 25, "\(heard) packets of Vera's have Alice in them")
        // She speaks to one of them: now there is a mix; and when she is gone there is a bridge again.
        pair.plane.threads.perform(
            .mix([
                MixMember(port: pair.a.id, hears: [pair.b.id]), MixMember(port: pair.b.id, hears: [pair.a.id, v.id]),
                listener,
            ])
        )
        #expect(try header(pair.bob.hear()).ssrc != 0xA)
        pair.plane.threads.perform(.tap(pair.a.id, pair.b.id, by: [listener]))
        pair.plane.threads.perform(.close(v.id))
        pair.plane.threads.perform(.bridge(pair.a.id, pair.b.id))
        try pair.plane.settle(near: pair.a)
        pair.alice.speak(to: pair.a.rtpPort)
        var last = try header(pair.bob.hear())
        while last.ssrc != 0xA { last = try header(pair.bob.hear()) }
        #expect(last.payloadLength == 160)
    }

    @Test func `a stranger on another host cannot take the stream: B113`() throws {
        let pair = try Pair()
        defer { pair.plane.threads.stop() }
        pair.alice.speak(to: pair.a.rtpPort)
        _ = try header(pair.bob.hear())
        // 127.0.0.2 is another host on loopback.
        let thief = try Phone(ssrc: 0xA, host: 0x7F00_0002)
        thief.sequence = pair.alice.sequence
        for _ in 0..<20 { thief.speak(to: pair.a.rtpPort) }
        pair.bob.speak(to: pair.b.rtpPort)
        #expect(try header(pair.alice.hear()).ssrc == 0xB, "voice still goes to the peer")
        thief.wait(milliseconds: 1)
        #expect(thief.hear() == nil, "and none to the stranger")
        pair.plane.threads.perform(.close(pair.a.id))
        let report = try pair.plane.event { if case .closed(pair.a.id, let report) = $0 { report } else { nil } }
        #expect(report.foreignPackets == 20 && report.received.packets == 1)
        #expect(pair.plane.threads.counters.snapshot.packetsForeign == 20)
    }

    @Test func `keys are told once and go on under the other side's number`() throws {
        let pair = try Pair(bobsKeys: 96)
        defer { pair.plane.threads.stop() }
        for key in UInt8(0)..<3 {
            pair.alice.timestamp = 8_000 * UInt32(key + 1)
            let start = pair.alice.timestamp
            for place in 0..<7 {
                pair.alice.timestamp = start
                let payload: [UInt8] = [key, place > 3 ? 0x8A : 10, 0, 160]
                pair.alice.speak(to: pair.a.rtpPort, 101, marker: place == 0, payload: payload)
                let heard = try #require(pair.bob.hear())
                #expect(heard[1] & 0x7F == 96 && Array(heard[12...]) == payload)
            }
        }
        try pair.plane.settle(near: pair.a)
        let told = pair.plane.events.compactMap { if case .digit(_, let key, _, _) = $0 { key } else { nil } }
        #expect(told == ["0", "1", "2"])
    }

    @Test func `a key that we send is one key`() throws {
        let pair = try Pair()
        defer { pair.plane.threads.stop() }
        pair.plane.threads.perform(.sendDigit(pair.b.id, "#", milliseconds: 60))
        pair.plane.threads.perform(.sendDigit(pair.b.id, "7", milliseconds: 60))
        var (keys, told, packets) = (KeyDetector(), [UInt8](), 0)
        while packets < 10, let packet = pair.bob.hear() {
            packets += 1
            let event = packet[12...].withUnsafeBytes { TelephoneEvent($0) }
            if let event, let key = keys.receive(try header(packet), event) { told.append(key) }
        }
        #expect(told == [11, 7] && packets == 10)
    }

    @Test func `RFC 4733 §2.1: a key that we send is part of the voice that is relayed, and reports fit`() throws {
        let plane = try Plane()
        defer { plane.threads.stop() }
        let (alice, bob) = (try Phone(ssrc: 0xA), try Phone(ssrc: 0xB))
        let a = try plane.open(towards: alice, hasReports: true)
        let b = try plane.open(towards: bob, near: a, hasReports: true)
        plane.threads.perform(.bridge(a.id, b.id))
        try plane.settle(near: a)
        alice.speak(to: a.rtpPort)
        _ = try header(bob.hear())
        plane.threads.perform(.sendDigit(b.id, "7", milliseconds: 60))
        var heard: [RTPHeader] = []
        for _ in 0..<5 { heard.append(try header(bob.hear())) }
        for _ in 0..<5 {
            alice.speak(to: a.rtpPort)
            heard.append(try header(bob.hear()))
        }
        #expect(heard.map(\.sequence) == Array(2...11) && heard.allSatisfy { $0.ssrc == 0xA })
        #expect(heard.map(\.payloadType) == Array(repeating: 101, count: 5) + Array(repeating: 8, count: 5))
        // Bob has heard up to 11, which is Alice's 6.
        let block: [UInt8] = [0, 0, 0, 0xA, 0, 0, 0, 0, 0, 0, 0, 11] + Array(repeating: 0, count: 12)
        let report: [UInt8] = [0x81, 201, 0, 7, 0, 0, 0, 0xB] + block
        alice.wait(milliseconds: 5_000)
        report.withUnsafeBytes { bob.send($0, to: b.rtpPort) }
        let told = try #require(alice.hear())
        #expect(told.count == report.count && Array(told[16..<20]) == [0, 0, 0, 6])
        for port in [a, b] { plane.threads.perform(.close(port.id)) }
        let closed = try plane.event { if case .closed(b.id, let report) = $0 { report } else { nil } }
        #expect(closed.sent.packets == 11)
    }

    @Test func `an echo, a tone, and neither after a stop`() throws {
        let plane = try Plane()
        defer { plane.threads.stop() }
        let phone = try Phone(ssrc: 0xE)
        let port = try plane.open(towards: phone)
        plane.threads.perform(.echo(port.id))
        try plane.settle(near: port)
        phone.speak(to: port.rtpPort)
        let echo = try header(phone.hear())
        #expect(echo.ssrc != 0xE)
        plane.threads.perform(.play(port.id, .busy))
        let tone = try (0..<25).map { _ in try #require(phone.hear()) }
        let headers = try tone.map { try header($0) }
        #expect(Set(headers.map(\.ssrc)).count == 1 && headers[0].ssrc == echo.ssrc && headers[0].marker)
        // One stream, whoever's words it has.
        #expect(headers[0].sequence == echo.sequence &+ 1 && headers[0].timestamp == echo.timestamp &+ 160)
        #expect(zip(headers, headers.dropFirst()).allSatisfy { $1.sequence == $0.sequence &+ 1 })
        let silent = tone.map { $0[12...].allSatisfy { $0 == 0xD5 } }
        #expect(silent == Array(repeating: false, count: 17) + Array(repeating: true, count: 8))
        plane.threads.perform(.stop(port.id))
        try plane.settle(near: port)
        phone.wait(milliseconds: 1)
        while phone.hear() != nil {}
        // Two ticks and more: whatever still spoke would be heard by now.
        phone.wait(milliseconds: 60)
        #expect(phone.hear() == nil)
        // The stream's clock ran on (RFC 3550 §5.1).
        plane.threads.perform(.play(port.id, .busy))
        phone.wait(milliseconds: 5_000)
        let again = try header(phone.hear())
        #expect(again.sequence == headers[24].sequence &+ 1 && again.timestamp &- headers[24].timestamp >= 3 * 160)
    }

    @Test func `RFC 3550 §6: reports cross the bridge on the ports above`() throws {
        let plane = try Plane()
        defer { plane.threads.stop() }
        let (alice, bob) = (try Phone(ssrc: 0xA), try Phone(ssrc: 0xB))
        let (a, b) = (try plane.open(towards: alice), try plane.open(towards: bob))
        for (port, phone) in [(a, alice), (b, bob)] {
            let remote = SocketAddress(.v4(0x7F00_0001), phone.port)
            plane.threads.perform(.configure(port.id, MediaParameters(remoteRTP: remote, remoteRTCP: remote)))
        }
        plane.threads.perform(.bridge(a.id, b.id))
        try plane.settle(near: a)
        let report: [UInt8] = [0x80, 200, 0, 6] + Array(repeating: 9, count: 24)
        report.withUnsafeBytes { alice.send($0, to: a.rtpPort + 1) }
        #expect(bob.hear() == report)
        let answer: [UInt8] = [0x81, 201, 0, 7, 0, 0, 0, 2] + Array(repeating: 9, count: 20) + [0, 0, 0, 0]
        answer.withUnsafeBytes { bob.send($0, to: b.rtpPort + 1) }
        #expect(alice.hear() == answer)
        plane.threads.perform(.close(b.id))
        let closed = try plane.event { if case .closed(b.id, let report) = $0 { report } else { nil } }
        #expect(try #require(closed.roundTripMilliseconds) < 5_000)
    }

    @Test func `two echoes that are told of each other send what a voice has, and no more`() throws {
        let plane = try Plane()
        defer { plane.threads.stop() }
        let phone = try Phone(ssrc: 9)
        let ports = try [plane.open(towards: phone), plane.open(towards: phone)]
        for (port, other) in [(ports[0], ports[1]), (ports[1], ports[0])] {
            plane.describe(port, as: other.rtpPort)
            plane.threads.perform(.echo(port.id))
        }
        try plane.settle(near: ports[0])
        // A stranger's word would not be heard: each is to take the other for its peer.
        plane.threads.perform(.play(ports[0].id, .busy))
        phone.wait(milliseconds: 100)
        #expect(phone.hear() == nil)
        plane.threads.perform(.echo(ports[0].id))
        phone.wait(milliseconds: 1_500)
        #expect(phone.hear() == nil)
        let relayed = plane.threads.counters.snapshot.packetsRelayed
        #expect((10...3_000).contains(relayed), "\(relayed)")
    }
}

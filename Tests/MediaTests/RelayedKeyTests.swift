import RTP
import Testing

@testable import Media

/// RFC 4733 §2.1: a key that we make is an event of the voice that its hearer is relayed.
@Suite struct RelayedKeyTests {
    /// A port that hears another party over a bridge.
    private final class Hearer {
        var relay: RelayPort
        var now: Int64 = second
        var heard: [(header: RTPHeader, octets: [UInt8])] = []

        init() {
            relay = port(parameters("192.0.2.1:4000"))
            relay.mode = .bridged(1)
        }

        func hear(_ packet: [UInt8]) {
            var packet = packet
            packet.withUnsafeMutableBytes { relay.pass($0, now: now) }
            note(packet)
        }

        /// The clock's tick: a packet of a key, if there is one now.
        func tick() {
            var packet = [UInt8](repeating: 0, count: 16)
            if packet.withUnsafeMutableBytes({ relay.writeKey(into: $0, now: now) }) > 0 { note(packet) }
            now += 20_000_000
        }

        private func note(_ packet: [UInt8]) {
            if let header = packet.withUnsafeBytes({ RTPHeader($0) }) { heard.append((header, packet)) }
        }

        /// So many ticks with a packet of voice in each.
        func talk(_ peer: inout Peer, ticks: Int) {
            for _ in 0..<ticks {
                hear(peer.speak())
                tick()
            }
        }

        var events: [RTPHeader] { heard.filter { $0.header.payloadType == 101 }.map(\.header) }
    }

    @Test func `one source, one row of numbers, and the voice goes on behind the key`() throws {
        let hearer = Hearer()
        var peer = Peer("192.0.2.2:4000")
        peer.sequence = 0xFFFC
        hearer.talk(&peer, ticks: 10)
        let stamp = peer.timestamp
        hearer.relay.voice.press(5, milliseconds: 100)
        hearer.relay.voice.press(5, milliseconds: 100)
        hearer.talk(&peer, ticks: 40)
        #expect(hearer.events.count == 14 && hearer.heard.count == 64)
        for (place, packet) in hearer.heard.enumerated() {
            #expect(packet.header.ssrc == peer.ssrc)
            #expect(packet.header.sequence == 0xFFFC &+ UInt16(place))
        }
        let stamps = hearer.events.map(\.timestamp)
        #expect(Set(stamps[..<7]) == [stamp] && Set(stamps[7...]).count == 1 && stamps[7] != stamp)
        #expect(
            hearer.events.map(\.marker) == [0, 7].reduce(into: Array(repeating: false, count: 14)) { $0[$1] = true }
        )
        let voice = hearer.heard.filter { $0.header.payloadType == 8 }.map(\.header.timestamp)
        #expect(zip(voice, voice.dropFirst()).allSatisfy { $1 == $0 &+ 160 }, "the voice's own stamps stay")
        let own = hearer.relay.voice.sent.packets
        #expect(own == 0, "nothing of our own was sent")
    }

    @Test func `what is lost stays lost, and what comes late has the number that was kept for it`() {
        let hearer = Hearer()
        var peer = Peer("192.0.2.2:4000")
        hearer.talk(&peer, ticks: 2)
        hearer.relay.voice.press(5, milliseconds: 60)
        var late: [[UInt8]] = []
        for turn in 0..<10 {
            let packet = peer.speak()
            if turn % 3 == 1 { late.append(packet) } else { hearer.hear(packet) }
            hearer.tick()
            if late.count == 2 { hearer.hear(late.removeFirst()) }
        }
        for packet in late { hearer.hear(packet) }
        let lost = peer.speak()
        hearer.talk(&peer, ticks: 2)
        let numbers = hearer.heard.map { Int($0.header.sequence) }.sorted()
        #expect(Set(numbers).count == numbers.count, "\(numbers)")
        #expect(numbers.count == 14 + 5 && Set(100..<120).subtracting(numbers).count == 1)
        #expect(lost.count == 172)
    }

    @Test func `two keys in a pause of the voice are two, and later than it`() {
        let hearer = Hearer()
        var peer = Peer("192.0.2.2:4000")
        hearer.talk(&peer, ticks: 3)
        let last = peer.timestamp &- 160
        for _ in 0..<50 { hearer.tick() }
        hearer.relay.voice.press(7, milliseconds: 60)
        hearer.relay.voice.press(7, milliseconds: 60)
        for _ in 0..<20 { hearer.tick() }
        let stamps = Set(hearer.events.map { $0.timestamp &- last })
        #expect(stamps.count == 2 && stamps.min() == 51 * 160, "\(stamps)")
    }

    @Test func `another source takes over: the rest of its key is dropped, later keys are its own`() {
        let hearer = Hearer()
        var (first, second) = (Peer("192.0.2.2:4000"), Peer("192.0.2.3:4000"))
        second.ssrc = 0xBEEF
        hearer.talk(&first, ticks: 2)
        hearer.relay.voice.press(5, milliseconds: 200)
        hearer.talk(&first, ticks: 3)
        hearer.relay.voice.press(6, milliseconds: 60)
        hearer.talk(&second, ticks: 20)
        #expect(
            hearer.events.map(\.ssrc) == Array(repeating: first.ssrc, count: 3) + Array(repeating: 0xBEEF, count: 5)
        )
        let numbers = hearer.heard.filter { $0.header.ssrc == 0xBEEF }.map(\.header.sequence)
        #expect(zip(numbers, numbers.dropFirst()).allSatisfy { $1 == $0 &+ 1 })
    }

    @Test func `where nothing is relayed the source is our own; a key ends under the source that it began with`() {
        let hearer = Hearer()
        var peer = Peer("192.0.2.2:4000")
        hearer.relay.voice.press(1, milliseconds: 60)
        for _ in 0..<10 { hearer.tick() }
        let own = hearer.relay.voice.source
        #expect(hearer.events.count == 5 && hearer.events.allSatisfy { $0.ssrc == own })
        hearer.talk(&peer, ticks: 2)
        hearer.relay.voice.press(2, milliseconds: 100)
        hearer.talk(&peer, ticks: 2)
        hearer.relay.mode = .idle
        hearer.relay.endRelay()
        hearer.relay.voice.press(3, milliseconds: 60)
        for _ in 0..<20 { hearer.tick() }
        let sources = hearer.events.dropFirst(5).map(\.ssrc)
        #expect(Array(sources) == Array(repeating: peer.ssrc, count: 7) + Array(repeating: own, count: 5))
    }

    @Test func `RFC 3550 §6.4: each party reads of the stream in its own numbers`() {
        let hearer = Hearer()
        var peer = Peer("192.0.2.2:4000")
        hearer.talk(&peer, ticks: 2)
        hearer.relay.voice.press(5, milliseconds: 60)
        hearer.talk(&peer, ticks: 10)
        let source = peer.ssrc.octets
        func block(_ source: [UInt8], _ highest: UInt32) -> [UInt8] {
            source + [0, 0, 0, 0] + highest.octets + [UInt8](repeating: 7, count: 12)
        }
        let end: [UInt8] = [0x81, 202, 0, 1] + [0, 0, 0, 0]
        var answer: [UInt8] =
            [0x82, 201, 0, 13, 1, 2, 3, 4] + block([9, 9, 9, 9], 0x1_0070) + block(source, 0x1_0070) + end
        let answered = [0x82, 201, 0, 13, 1, 2, 3, 4] + block([9, 9, 9, 9], 0x1_0070) + block(source, 0x1_006B) + end
        answer.withUnsafeMutableBytes { hearer.relay.restoreNumbers(inReport: $0) }
        #expect(answer == answered)
        func told(_ packets: UInt32, _ octets: UInt32) -> [UInt8] {
            [0x80, 200, 0, 6] + source + [UInt8](repeating: 5, count: 12) + packets.octets + octets.octets + end
        }
        var report = told(12, 1_920)
        report.withUnsafeMutableBytes { hearer.relay.addInserted(toReport: $0) }
        #expect(report == told(17, 1_940))
        // Cut off anywhere, nothing is touched beyond its end.
        for count in 0..<report.count {
            var cut = Array(told(12, 1_920)[..<count])
            cut.withUnsafeMutableBytes {
                hearer.relay.addInserted(toReport: $0)
                hearer.relay.restoreNumbers(inReport: $0)
            }
            #expect(cut.count == count)
        }
    }
}

extension UInt32 {
    fileprivate var octets: [UInt8] { withUnsafeBytes(of: bigEndian) { Array($0) } }
}

import Codecs
import RTP
import Testing

@testable import Media

@Suite("One port: what comes in, and what is told of it")
struct RelayPortTests {
    private let described = "192.0.2.1:4000"

    @Test(arguments: [
        (name: "the same numbers", there: [pcma, keys(101)], comes: UInt8(101), goes: UInt8(101)),
        (name: "another number for the same encoding", there: [pcma, keys(96)], comes: 101, goes: 96),
        (name: "another clock is another encoding", there: [pcma, keys(96, 48_000)], comes: 101, goes: 101),
        (name: "an encoding that the other side has not", there: [keys(101)], comes: 8, goes: 8),
        (name: "comfort noise, which nobody need describe", there: [pcma], comes: 13, goes: 13),
    ])
    func `a payload type goes on under the other side's number`(
        _ row: (name: String, there: [MediaFormat], comes: UInt8, goes: UInt8)
    ) {
        var port = port(parameters(described))
        port.fillFormats(towards: row.there)
        var peer = Peer(described)
        for marker in [false, true] {
            let packet = peer.speak(row.comes, marker: marker)
            var sent = packet
            #expect(port.take(&sent, from: peer.address, now: 0) == .media, "\(row.name)")
            #expect(sent[1] == row.goes | (marker ? 0x80 : 0), "\(row.name)")
            #expect(sent[2...] == packet[2...], "nothing else is touched")
        }
    }

    @Test func `RFC 3550 §5.1: what comes under a number that nobody agreed upon is counted, and goes nowhere`() {
        var port = port(parameters(described, timeout: .seconds(10)))
        var peer = Peer(described)
        func comes(_ number: UInt8, at now: Int64) -> RelayPort.Verdict {
            var packet = peer.speak(number)
            return port.take(&packet, from: peer.address, now: now)
        }
        #expect(comes(120, at: second) == .unagreed)
        #expect(port.unagreed == 1 && port.received.packets == 0)
        // Whoever keeps his way open like that is there (RFC 6263 §4.6).
        #expect(port.destination == peer.address && port.overdueSilence(now: 10 * second) == nil)
        // Nobody has heard him yet.
        #expect(port.news.isEmpty && port.firstPacketDelay == nil)
        #expect(comes(8, at: 11 * second) == .media)
        #expect(port.news.hasFirstPacket && !port.news.isRelatched && port.firstPacketDelay == 11 * second)
        #expect(port.report().unagreedPackets == 1 && port.report().received.packets == 1)
    }

    @Test func `RFC 3551 §6: a law of G.711 that was not answered is heard where the other side has one`() {
        let opus = MediaFormat(number: 96, encoding: "OPUS", clockRate: 48_000)
        for (there, goes) in [([pcma], UInt8(8)), ([pcma, pcmu], 0), ([opus], nil)] as [([MediaFormat], UInt8?)] {
            var port = port(parameters(described, receive: [pcma]))
            port.fillFormats(towards: there)
            var peer = Peer(described)
            var packet = peer.speak(0)
            #expect(port.take(&packet, from: peer.address, now: 0) == (goes == nil ? .unagreed : .media))
            if let goes { #expect(packet[1] & 0x7F == goes) }
        }
    }

    @Test func `RFC 3264 §8.3.2: a peer that has not heard yet of other numbers is heard under those of before`() {
        var port = port(parameters(described, receive: [pcma, keys(101)]))
        port.configure(parameters(described, receive: [pcmu, keys(96)]), isUnreachable: false, now: second)
        var peer = Peer(described)
        for number in [UInt8(8), 101, 0, 96, 9] {
            var packet = peer.speak(number)
            let verdict = port.take(&packet, from: peer.address, now: 2 * second)
            #expect(verdict == (number == 9 ? .unagreed : .media), "\(number)")
        }
    }

    @Test func `of one codec in two packings each goes on as what it is`() {
        func amr(_ number: UInt8, _ parameters: String?) -> MediaFormat {
            MediaFormat(number: number, encoding: "AMR-WB", clockRate: 16_000, parameters: parameters)
        }
        var port = port(parameters(described, receive: [amr(98, nil), amr(99, "octet-align=1")]))
        port.fillFormats(towards: [amr(97, "octet-align=1"), amr(96, nil)])
        var peer = Peer(described)
        for (comes, goes) in [(UInt8(98), UInt8(96)), (99, 97)] {
            var packet = peer.speak(comes)
            #expect(port.take(&packet, from: peer.address, now: 0) == .media)
            #expect(packet[1] & 0x7F == goes)
        }
    }

    @Test func `A-law goes on as µ-law where the other side has no A-law, and the other way round`() {
        for (here, there) in [(pcma, pcmu), (pcmu, pcma)] {
            var port = port(parameters(described, receive: [here]))
            port.fillFormats(towards: [there])
            var peer = Peer(described)
            let payload = (0..<160).map { UInt8($0) }
            var packet = peer.speak(UInt8(here.number), payload: payload)
            #expect(port.take(&packet, from: peer.address, now: 0) == .media)
            #expect(packet[1] == there.number)
            let (from, to): (G711.Law, G711.Law) = here == pcma ? (.a, .µ) : (.µ, .a)
            #expect(packet[12...] == payload.map { G711.encode(G711.decode($0, from), to) }[...])
        }
    }

    @Test(arguments: [("PCMA", VoiceCodec?.some(.pcma)), ("OPUS", .opus), ("G722", nil)])
    func `what a recording hears is named as it goes on`(encoding: String, codec: VoiceCodec?) {
        var port = RelayPort(id: MediaID(rawValue: 1), randomness: 7)
        let formats = [MediaFormat(number: 96, encoding: encoding, clockRate: 8_000)]
        var peer = Peer("192.0.2.1:4000")
        port.configure(
            MediaParameters(
                remoteRTP: socket("192.0.2.1:4000"),
                remoteRTCP: nil,
                receiveFormats: formats,
                sendFormats: formats
            ),
            isUnreachable: false,
            now: 0
        )
        var packet = peer.speak(96)
        #expect(packet.withUnsafeMutableBytes { port.receive($0, from: peer.address, now: 1) } == .media)
        #expect(port.codec == codec)
    }

    @Test func `an echo goes back under the numbers that the peer wants`() {
        var port = port(parameters(described, receive: [pcma, keys(101)], send: [pcma, keys(110)]))
        var peer = Peer(described)
        var packet = peer.speak(101, payload: [5, 10, 0, 160])
        _ = port.take(&packet, from: peer.address, now: 0)
        #expect(packet[1] == 110)
    }

    @Test func `a key is told once, by its first packet`() {
        var port = port(parameters(described))
        var peer = Peer(described)
        var told: [UInt8] = []
        for place in 0..<7 {
            peer.timestamp = 16_000
            let payload: [UInt8] = [7, place > 3 ? 0x8A : 10, 3, UInt8(place) * 20]
            var packet = peer.speak(101, marker: place == 0, payload: payload)
            _ = port.take(&packet, from: peer.address, now: Int64(place) * 20_000_000)
            if let key = port.news.key { told.append(key) }
            port.news = RelayPort.News()
            #expect(packet[12...] == payload[...], "relayed untouched")
        }
        #expect(told == [7])
        #expect(port.received.jitterMilliseconds == 0)
    }

    @Test(arguments: [
        ("nothing", 0, 0), ("no RTP", 0x16, 100), ("version 1", 0x40, 172), ("a lone header's half", 0x80, 6),
    ])
    func `what is no RTP is counted as malformed and latches nothing`(name: String, first: UInt8, count: Int) {
        var port = port(parameters(described))
        var packet = [UInt8](repeating: 0, count: count)
        if count > 0 { packet[0] = first }
        #expect(port.take(&packet, from: wire(described), now: 0) == .malformed, "\(name)")
        #expect(port.malformed == 1 && !port.latch.isLatched && port.foreign == 0)
    }

    @Test func `RFC 7983 §7: STUN is no fault of a stream, on either port`() {
        var port = port(parameters(described))
        var question: [UInt8] = [0, 1, 0, 0, 0x21, 0x12, 0xA4, 0x42] + [UInt8](repeating: 7, count: 12)
        #expect(port.take(&question, from: wire(described), now: 0) == .stun)
        #expect(port.hear(control: question, from: wire(described), now: 0) == nil)
        #expect(port.malformed == 0 && port.foreign == 0 && !port.latch.isLatched)
    }

    @Test func `RFC 5761: RTCP on the RTP port, the shortest too`() {
        var port = port(parameters(described))
        var bye: [UInt8] = [0x81, 203, 0, 1, 0, 0, 0, 1]
        #expect(port.take(&bye, from: wire(described), now: 0) == .control)
        #expect(port.malformed == 0)
    }

    @Test func `hostile descriptions cannot trap: clock rates, numbers, lengths of keys`() {
        for clockRate in [Int.min, -1, 0, 1, 49, 999, Int(UInt32.max), Int.max] {
            let formats = [keys(101, clockRate), MediaFormat(number: 255, encoding: "PCMA", clockRate: clockRate)]
            var port = port(parameters(described, receive: formats, send: formats))
            var packet = [UInt8](repeating: 0, count: 200)
            for milliseconds in [Int.min, -1, 0, 100, Int.max] {
                port.voice.press(5, milliseconds: milliseconds)
                var packets = 0
                while port.voice.isPressing, packets < 1_000 {
                    _ = packet.withUnsafeMutableBytes { port.voice.writeKey(into: $0) }
                    packets += 1
                }
                #expect(packets < 1_000, "a key ends")
            }
            var peer = Peer(described)
            for payloadType in UInt8(0)...127 {
                var packet = peer.speak(payloadType)
                _ = port.take(&packet, from: peer.address, now: .max / 2)
            }
            _ = port.report()
        }
    }

    @Test func `neither RTP nor RTCP for as long as that may be is told once, and again only after a packet`() {
        var port = port(parameters(described, timeout: .seconds(10)))
        var peer = Peer(described)
        #expect(port.overdueSilence(now: 9 * second) == nil)
        _ = port.hear(&peer, now: 9 * second)
        #expect(port.overdueSilence(now: 18 * second) == nil)
        #expect(port.overdueSilence(now: 19 * second) == .seconds(10))
        #expect(port.overdueSilence(now: 50 * second) == nil)
        _ = port.hear(&peer, now: 51 * second)
        #expect(port.overdueSilence(now: 62 * second) == .seconds(11))
    }

    @Test func `while nobody listened nobody was silent`() {
        var port = port(parameters(described, timeout: .seconds(10)))
        var peer = Peer(described)
        _ = port.hear(&peer, now: 5 * second)
        port.wasUnheard(for: 12 * second, now: 18 * second)
        #expect(port.overdueSilence(now: 26 * second) == nil)
        #expect(port.overdueSilence(now: 27 * second) == .seconds(10))
        // Never later than now.
        _ = port.hear(&peer, now: 30 * second)
        port.wasUnheard(for: 60 * second, now: 31 * second)
        #expect(port.overdueSilence(now: 41 * second) == .seconds(10))
    }

    @Test func `a hold ends the watch, and its end begins it anew`() {
        var port = port(parameters(described, timeout: .seconds(10)))
        port.configure(parameters(described), isUnreachable: false, now: 5 * second)
        #expect(port.overdueSilence(now: 60 * second) == nil)
        port.configure(parameters(described, timeout: .seconds(10)), isUnreachable: false, now: 60 * second)
        #expect(port.overdueSilence(now: 69 * second) == nil)
        #expect(port.overdueSilence(now: 70 * second) != nil)
    }

    @Test func `a stranger's packets are no sign of life`() {
        var port = port(parameters(described, timeout: .seconds(10)))
        var (peer, thief) = (Peer(described), Peer("198.51.100.9:4000"))
        _ = port.hear(&peer, now: 0)
        for tick in 1...10 { _ = port.hear(&thief, now: Int64(tick) * second) }
        #expect(port.overdueSilence(now: 10 * second) == .seconds(10))
    }

    @Test func `direction: nothing goes to a peer that wants none`() {
        var described = parameters(described)
        described.sendsToPeer = false
        let port = port(described)
        #expect(port.destination == nil)
    }
}

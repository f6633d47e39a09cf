import Codecs
import RTP
import Testing

@testable import Media

@Suite("What we speak ourselves: tones (ITU-T E.180) and keys (RFC 4733)")
struct VoiceTests {
    private struct Spoken {
        var header: RTPHeader
        var payload: [UInt8]
        var event: TelephoneEvent? { payload.withUnsafeBytes { TelephoneEvent($0) } }
    }

    private func spoken(_ write: (UnsafeMutableRawBufferPointer) -> Int) -> Spoken? {
        var packet = [UInt8](repeating: 0, count: OwnVoice.longestPacket)
        let length = packet.withUnsafeMutableBytes(write)
        let header = packet[..<length].withUnsafeBytes { RTPHeader($0) }
        return header.map { Spoken(header: $0, payload: Array(packet[12..<length])) }
    }

    private func voice(_ formats: [MediaFormat]) -> OwnVoice {
        var voice = OwnVoice(randomness: 0xFFFF_FFFF_FFFF_FFFF)
        voice.choose(from: formats)
        return voice
    }

    private let tones = (a: ToneSource(.a), µ: ToneSource(.µ))

    @Test(arguments: [
        (Tone.ringback, 50, 200), (.busy, 17, 18), (.congestion, 9, 9),
    ])
    func `the cadence of each tone, in frames of 20 ms`(tone: Tone, on: Int, off: Int) {
        for law in G711.Law.allCases {
            let (source, silence) = (law == .a ? tones.a : tones.µ, G711.encode(0, law))
            var frame = [UInt8](repeating: 0, count: ToneSource.frame)
            for index in 0..<2 * (on + off) {
                frame.withUnsafeMutableBytes { source.write(tone, frame: index, into: $0) }
                let isSilent = frame.allSatisfy { $0 == silence }
                #expect(isSilent == (index % (on + off) >= on), "frame \(index)")
            }
        }
    }

    /// Ticks of 20 ms, and the length, time stamp and marker of each packet that they bring.
    @Test(arguments: [
        (10, [[80, 80], [80, 80]]), (20, [[160], [160]]), (30, [[], [240], [240], [], [240], [240]]),
        (40, [[], [320], [], [320]]), (60, [[], [], [480], [], [], [480]]), (25, [[160], [160]]),
        (1_000, [[], [], [], [], [], [960]]),
        (1, [[80, 80]]),
    ])
    func `packets are as long as the peer asks`(ptime: Int, ticks: [[Int]]) throws {
        var voice = OwnVoice(randomness: 1)
        voice.choose(from: [MediaFormat(number: 8, encoding: "PCMA", clockRate: 8_000)], ptime: ptime)
        voice.beginTone()
        var sent: [Spoken] = []
        for (index, lengths) in ticks.enumerated() {
            var packets: [Spoken] = []
            if let packet = spoken({ voice.writeTone(.ringback, from: tones, into: $0) }) { packets.append(packet) }
            while let packet = spoken({ voice.writeWaiting(isLast: false, into: $0) }) { packets.append(packet) }
            #expect(packets.map(\.payload.count) == lengths, "tick \(index)")
            sent += packets
        }
        let first = try #require(sent.first?.header.timestamp)
        var heard = 0
        for (index, packet) in sent.enumerated() {
            #expect(packet.header.timestamp == first &+ UInt32(heard))
            #expect(packet.header.marker == (index == 0))
            heard += packet.payload.count
        }
        // What comes out is the tone, and what waits is told as its last.
        var tone = [UInt8](repeating: 0, count: ticks.count * 160)
        for index in ticks.indices {
            tone.withUnsafeMutableBytes {
                tones.a.write(
                    .ringback,
                    frame: index,
                    into: UnsafeMutableRawBufferPointer(rebasing: $0[(index * 160)...])
                )
            }
        }
        if let rest = spoken({ voice.writeWaiting(isLast: true, into: $0) }) { sent.append(rest) }
        #expect(sent.flatMap(\.payload) == tone)
    }

    @Test(arguments: [20, 40])
    func `RFC 3550 §5.1: the clock of the stream runs on in silence`(ptime: Int) throws {
        var voice = OwnVoice(randomness: 0xFFFF_FFFF_FFFF_FFFF)
        voice.choose(from: [pcma, keys(97, 8_000)], ptime: ptime)
        var stamps: [Int64: UInt32] = [:]
        // Three frames, of which one waits in vain where packets are of 40 ms; three seconds later again, then a key.
        for (begin, ticks) in [(Int64(1_000), 3), (1_150, 4)] {
            voice.beginTone()
            for tick in begin..<begin + Int64(ticks) {
                voice.advance(to: tick)
                let packet = spoken { voice.writeTone(.ringback, from: tones, into: $0) }
                let full = packet ?? spoken { voice.writeWaiting(isLast: false, into: $0) }
                if let full { stamps[tick - Int64(ptime / 20 - 1)] = full.header.timestamp }
            }
        }
        voice.press(5, milliseconds: 100)
        voice.advance(to: 1_200)
        stamps[1_200] = try #require(spoken { voice.writeKey(into: $0) }).header.timestamp
        let first = try #require(stamps[1_000])
        for (tick, stamp) in stamps { #expect(stamp == first &+ UInt32(tick - 1_000) &* 160, "tick \(tick)") }
        #expect(stamps.count == (ptime == 20 ? 8 : 4))
    }

    @Test func `in an echo the clock is the peer's, however often it is looked at`() {
        var voice = voice([pcma])
        var peer = Peer("192.0.2.1:4000")
        voice.beginEcho()
        let first = voice.clock
        for tick in Int64(1_000)..<1_500 {
            var packet = peer.speak()
            packet.withUnsafeMutableBytes { voice.echo($0) }
            if tick % 100 == 0 { voice.advance(to: tick) }
        }
        let clock = voice.clock &- first
        #expect(clock == 500 * 160)
    }

    @Test(arguments: G711.Law.allCases)
    func `425 Hz, without a click between frames`(law: G711.Law) {
        var samples: [Int16] = []
        for index in 0..<50 {
            var frame = [UInt8](repeating: 0, count: ToneSource.frame)
            frame.withUnsafeMutableBytes { (law == .a ? tones.a : tones.µ).write(.ringback, frame: index, into: $0) }
            samples += frame.map { G711.decode($0, law) }
        }
        // One second: 425 times from below zero to above.
        let rises = zip(samples, samples.dropFirst()).count { $0 < 0 && $1 >= 0 }
        #expect((424...425).contains(rises))
        // The steepest step of a sine of 10000 at 425 Hz is 3338; a click would be beyond, rounding is within 512.
        let steepest = zip(samples, samples.dropFirst()).map { abs(Int($0) - Int($1)) }.max() ?? 0
        #expect(steepest < 3_338 + 512)
    }

    @Test(arguments: [
        ([pcma, pcmu], UInt8(8), UInt8(0xD5)), ([pcmu, pcma], 0, 0xFF),
        ([MediaFormat(number: 111, encoding: "OPUS", clockRate: 48_000), pcmu], 0, 0xFF),
    ])
    func `the first law that the peer takes`(formats: [MediaFormat], number: UInt8, silence: UInt8) throws {
        var voice = voice(formats)
        let first = try #require(spoken { voice.writeTone(.busy, from: tones, into: $0) })
        #expect(first.header.payloadType == number && first.header.marker && first.payload.count == 160)
        let second = try #require(spoken { voice.writeTone(.busy, from: tones, into: $0) })
        #expect(!second.header.marker && second.header.ssrc == first.header.ssrc)
        #expect(second.header.sequence == first.header.sequence &+ 1)
        #expect(second.header.timestamp == first.header.timestamp &+ 160)
        for _ in 2..<17 { _ = spoken { voice.writeTone(.busy, from: tones, into: $0) } }
        let silent = try #require(spoken { voice.writeTone(.busy, from: tones, into: $0) })
        #expect(silent.payload.allSatisfy { $0 == silence })
    }

    @Test func `a peer of neither law hears nothing, and one without telephone-events gets no keys`() {
        var voice = voice([MediaFormat(number: 111, encoding: "OPUS", clockRate: 48_000)])
        #expect(spoken { voice.writeTone(.ringback, from: tones, into: $0) } == nil)
        voice.press(5, milliseconds: 100)
        let isPressing = voice.isPressing
        #expect(!isPressing)
    }

    @Test(arguments: [(8_000, 160), (16_000, 320), (48_000, 960)])
    func `RFC 4733 §2.5: one time stamp, growing durations, the end three times`(rate: Int, step: Int) throws {
        var voice = voice([keys(97, rate)])
        voice.press(11, milliseconds: 100)
        var packets: [Spoken] = []
        while voice.isPressing, let packet = spoken({ voice.writeKey(into: $0) }) { packets.append(packet) }
        #expect(packets.count == 7)
        #expect(packets.map { Int($0.event?.duration ?? 0) } == [1, 2, 3, 4, 5, 5, 5].map { $0 * step })
        #expect(packets.map { $0.event?.isEnd } == [false, false, false, false, true, true, true])
        #expect(packets.map(\.header.marker) == [true] + Array(repeating: false, count: 6))
        #expect(Set(packets.map(\.header.timestamp)).count == 1)
        #expect(packets.allSatisfy { $0.header.payloadType == 97 && $0.event?.event == 11 })
        for (before, after) in zip(packets, packets.dropFirst()) {
            #expect(after.header.sequence == before.header.sequence &+ 1)
        }
    }

    @Test func `keys pressed at once are sent one after another, and heard as they were pressed`() {
        var voice = voice([keys(101)])
        let pressed: [UInt8] = [1, 1, 2, 11, 11, 0]
        for key in pressed { voice.press(key, milliseconds: 60) }
        var (heard, ticks, pauses) = ([UInt8](), 0, 0)
        var detector = KeyDetector()
        while voice.isPressing, ticks < 1_000 {
            ticks += 1
            guard let packet = spoken({ voice.writeKey(into: $0) }), let event = packet.event else {
                pauses += 1
                continue
            }
            if let key = detector.receive(packet.header, event) { heard.append(key) }
        }
        #expect(heard == pressed)
        #expect(pauses == 3 * (pressed.count - 1), "60 ms between keys")
    }

    @Test func `keys pressed ahead are bounded`() {
        var presses = KeyPresses()
        for _ in 0..<10_000 { presses.append(1, length: 800) }
        var begun = 0
        for _ in 0..<100_000 where presses.advance(by: 160, timestamp: 0)?.isFirst == true { begun += 1 }
        #expect(begun == KeyPresses.most && presses.isEmpty)
    }

    @Test func `a buffer that is too short is left alone`() {
        var voice = voice([pcma, keys(101)])
        voice.press(1, milliseconds: 100)
        for count in 0..<16 {
            var packet = [UInt8](repeating: 7, count: count)
            let written = packet.withUnsafeMutableBytes {
                voice.writeKey(into: $0) + voice.writeTone(.busy, from: tones, into: $0)
            }
            #expect(written == 0 && packet.allSatisfy { $0 == 7 })
        }
    }
}

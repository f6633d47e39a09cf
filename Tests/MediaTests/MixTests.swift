import Codecs
import Events
import Glibc
import Testing
import Timebase

@testable import Media

/// What is heard is known by its level: every packet has one, and G.711 gives it back exactly.
@Suite struct MixTests {
    private static let levels: [Int16] = (1...60).map { G711.decode(G711.encode(Int16($0 * 256), .a), .a) }

    /// A peer that speaks packets of 20 ms, each with the next level.
    private struct Peer: ~Copyable {
        var intake = MixIntake()
        private var timestamp: UInt32 = 4_294_967_000

        init() { intake.begin() }

        mutating func speak(_ packet: Int, ssrc: UInt32 = 7, at place: Int? = nil) {
            let payload = [UInt8](repeating: G711.encode(MixTests.levels[packet], .a), count: 160)
            let stamp = timestamp &+ UInt32((place ?? packet) * 160)
            payload.withUnsafeBytes { intake.receive($0, .a, ssrc: ssrc, timestamp: stamp) }
        }

        /// The levels of the next 20 ms, each once.
        mutating func take() -> [Int16] {
            intake.take()
            guard let taken = intake.taken else { return [] }
            var levels: [Int16] = []
            for place in 0..<MixIntake.frame where levels.last != taken[place] { levels.append(taken[place]) }
            return levels
        }
    }

    @Test func `a cushion is filled first, and then comes what was said, over the end of the time stamps too`() {
        var peer = Peer()
        peer.speak(0)
        #expect(peer.take() == [0])
        for packet in 1..<10 {
            peer.speak(packet)
            #expect(peer.take() == [Self.levels[packet - 1]])
        }
    }

    @Test func `what was lost is silence of its length, and what comes too late is not heard`() {
        var peer = Peer()
        for packet in 0..<2 { peer.speak(packet) }
        var heard = [peer.take()]
        for packet in [3, 2] { peer.speak(packet) }
        for _ in 0..<4 { heard.append(peer.take()) }
        #expect(heard == [[Self.levels[0]], [Self.levels[1]], [Self.levels[2]], [Self.levels[3]], [0]])
        peer.speak(1)
        #expect(peer.take() == [0])
    }

    /// Packets are late by up to 80 ms, in order or overtaken by others: for a while something is missed, then nothing any more.
    @Test(arguments: [true, false]) func `who speaks over an uneven line is heard whole after a while`(isOrdered: Bool)
    {
        var generator = SeededGenerator(seed: 5)
        var peer = Peer()
        var arrivals: [(tick: Int, packet: Int)] = []
        for packet in 0..<500 {
            let tick = packet + Int.random(in: 0...4, using: &generator)
            arrivals.append((isOrdered ? max(tick, arrivals.last?.tick ?? 0) : tick, packet))
        }
        var missed: [Int] = []
        for tick in 0..<500 {
            for arrival in arrivals where arrival.tick == tick { peer.speak(arrival.packet % 60, at: arrival.packet) }
            if peer.take() == [0] { missed.append(tick) }
        }
        #expect(missed.count < 60 && missed.allSatisfy { $0 < 250 }, "\(missed)")
    }

    @Test func `a peer that falls silent is silence, and is heard again when the cushion is full`() {
        var peer = Peer()
        for packet in 0..<2 { peer.speak(packet) }
        let first = (0..<4).map { _ in peer.take() }
        #expect(first == [[Self.levels[0]], [Self.levels[1]], [0], [0]])
        peer.speak(50)
        #expect(peer.take() == [0])
        peer.speak(51)
        #expect(peer.take() == [Self.levels[50]])
    }

    /// Packets that come by their own clock, between two of the mixer's ticks.
    @Test(arguments: [10, 20, 30, 40, 60]) func `packets of any length are heard whole from the first on`(ptime: Int) {
        for phase in [1, 7, 15, 19] {
            var intake = MixIntake()
            intake.begin()
            let payload = [UInt8](repeating: G711.encode(Self.levels[7], .a), count: ptime * 8)
            var (packets, taken) = (0, [Int16]())
            for tick in 0..<100 {
                while packets * ptime <= tick * 20 + phase {
                    payload.withUnsafeBytes {
                        intake.receive($0, .a, ssrc: 7, timestamp: UInt32(packets * ptime * 8))
                    }
                    packets += 1
                }
                intake.take()
                if let samples = intake.taken { taken += UnsafeBufferPointer(start: samples, count: MixIntake.frame) }
            }
            #expect(taken.drop { $0 == 0 }.allSatisfy { $0 == Self.levels[7] })
        }
    }

    @Test func `a clock that runs fast costs sound, and never delay`() {
        var peer = Peer()
        for packet in 0..<60 {
            peer.speak(packet)
            if packet.isMultiple(of: 2) { _ = peer.take() }
            #expect(peer.intake.waiting <= peer.intake.mostWaiting)
        }
    }

    /// 437 Hz for ten minutes by a clock that is off: once that has shown, nothing is heard of it, and the delay stays.
    @Test(arguments: [200, -200]) func `what two clocks drift apart is resampled`(partsPerMillion: Int) {
        var intake = MixIntake()
        intake.begin()
        let tone = (0..<8_000).map { G711.encode(Int16(8_000 * sin(2 * Double.pi * 437 * Double($0) / 8_000)), .a) }
        var (spoken, last, step, holes, most) = (0, Int16(0), 0, 0, 0)
        for tick in 0..<30_000 {
            // Packets of 20 ms of the peer's clock that have come by this tick of ours.
            while Double(spoken) * (1 - Double(partsPerMillion) / 1e6) <= Double(tick) {
                let place = spoken * 160 % tone.count
                tone[place..<place + 160]
                    .withUnsafeBytes { intake.receive($0, .a, ssrc: 7, timestamp: UInt32(spoken * 160)) }
                spoken += 1
            }
            most = max(most, intake.waiting)
            intake.take()
            guard let taken = intake.taken, tick > 7_500 else { continue }
            for place in 0..<MixIntake.frame {
                if tick > 7_501 || place > 0 { step = max(step, abs(Int(taken[place]) - Int(last))) }
                last = taken[place]
            }
            holes +=
                (0..<MixIntake.frame - 4).contains { start in (start..<start + 4).allSatisfy { taken[$0] == 0 } }
                ? 1 : 0
        }
        #expect(holes == 0 && most < 700)
        #expect(step < 3_500, "holes \(holes), step \(step), waiting \(most)")
    }

    @Test func `another stream begins anew, and what is no packet is nothing`() {
        var peer = Peer()
        for packet in 0..<2 { peer.speak(packet) }
        peer.speak(0, ssrc: 8)
        #expect((0..<3).map { _ in peer.take() } == [[Self.levels[0]], [Self.levels[1]], [Self.levels[0]]])
        [UInt8](repeating: 0, count: 60_000).withUnsafeBytes {
            peer.intake.receive($0, .a, ssrc: 8, timestamp: 0)
        }
        #expect(peer.intake.waiting == 0)
    }

    @Test(arguments: [("PCMA", G711.Law.a), ("PCMU", .µ)]) func `the sum of many is clipped, not wrapped`(
        _ encoding: String,
        _ law: G711.Law
    ) {
        var voice = OwnVoice(randomness: 1)
        voice.choose(from: [MediaFormat(number: 8, encoding: encoding, clockRate: 8_000)])
        voice.beginMix()
        var sum = [Int32](repeating: 100_000, count: MixIntake.frame)
        sum[1] = -100_000
        var packet = [UInt8](repeating: 0, count: OwnVoice.longestPacket)
        let length = sum.withUnsafeMutableBufferPointer { sum in
            packet.withUnsafeMutableBytes { voice.writeMix(sum, into: $0) }
        }
        #expect(length == 12 + ToneSource.frame)
        #expect(G711.decode(packet[12], law) > 30_000 && G711.decode(packet[13], law) < -30_000)
    }
}

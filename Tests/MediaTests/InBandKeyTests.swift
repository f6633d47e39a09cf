import Codecs
import Glibc
import RTP
import Testing

@testable import Media

/// Keys as tones (ITU-T Q.23, Q.24) and what only sounds like them, in packets as a peer sends them.
@Suite("Keys that are heard as tones")
struct InBandKeyTests {
    private static let tones: [Double] = [697, 770, 852, 941, 1_209, 1_336, 1_477, 1_633]

    /// Samples at 8 kHz.
    private struct Sound {
        var samples: [Double] = []

        /// `level` in dBm0.
        mutating func add(_ hertz: [Double], _ milliseconds: Double, level: [Double] = [-10, -10]) {
            for place in 0..<Int(milliseconds * 8) {
                samples.append(
                    zip(hertz, level).reduce(0) {
                        $0 + 22_300 * pow(10, $1.1 / 20) * sin(2 * .pi * $1.0 * Double(place) / 8_000)
                    }
                )
            }
        }

        mutating func rest(_ milliseconds: Double) { add([], milliseconds) }

        /// `row` and `column`: level in dBm0. `detuning`: of the row and the column.
        mutating func press(
            _ key: UInt8,
            _ milliseconds: Double,
            row: Double = -10,
            column: Double = -10,
            detuning: (Double, Double) = (0, 0)
        ) {
            let place = ["123A", "456B", "789C", "*0#D"].joined().map { TelephoneEvent.event(of: String($0)) }
                .firstIndex(of: key)
            let tones = InBandKeyTests.tones
            let (low, high) = (tones[(place ?? 0) / 4], tones[(place ?? 0) % 4 + 4])
            add([low * (1 + detuning.0), high * (1 + detuning.1)], milliseconds, level: [row, column])
        }

        /// What is heard of it. `arrive`: the numbers of the packets in the order in which they come.
        func heard(
            _ law: G711.Law = .a,
            ptime: Int = 20,
            pauses: Bool = false,
            arrive: (Range<Int>) -> [Int] = { Array($0) }
        ) -> [UInt8] {
            var keys = InBandKeys()
            keys.listen()
            let packets = stride(from: 0, to: samples.count, by: ptime * 8).map { start in
                samples[start..<min(start + ptime * 8, samples.count)]
            }
            var sequence: UInt16 = 65_530
            return arrive(packets.indices).compactMap { place in
                let payload = packets[place].map { G711.encode(Int16(clamping: Int($0.rounded())), law) }
                // A peer that pauses numbers what it sends; otherwise what is missing was lost.
                sequence = pauses ? sequence &+ 1 : UInt16(truncatingIfNeeded: place + 65_530)
                let stamp = UInt32(truncatingIfNeeded: place * ptime * 8) &- 3_000
                return keys.hear(payload, law, sequence: sequence, timestamp: stamp)
            }
        }
    }

    @Test(arguments: G711.Law.allCases, [10, 20, 30])
    func `all sixteen keys, of 40 ms and 40 ms apart`(law: G711.Law, ptime: Int) {
        for late in stride(from: 0.0, to: 5, by: 0.625) {
            var sound = Sound()
            sound.rest(30 + late)
            for key in UInt8(0)..<16 {
                sound.press(key, 40)
                sound.rest(40)
            }
            #expect(sound.heard(law, ptime: ptime) == Array(0..<16), "\(late) ms late")
        }
    }

    @Test(arguments: [(20.0, 0), (24, 0), (40, 1), (50, 1), (65, 1), (100, 1), (500, 1), (3_000, 1)])
    func `Q.24: 40 ms are a key, 24 ms are none, and a long key is one`(milliseconds: Double, count: Int) {
        for key in UInt8(0)..<16 {
            var sound = Sound()
            sound.rest(33)
            sound.press(key, milliseconds)
            sound.rest(60)
            #expect(sound.heard() == [UInt8](repeating: key, count: count))
        }
    }

    @Test(arguments: [
        (name: "loud", row: 0.0, column: 0.0), (name: "low", row: -30, column: -30),
        (name: "7 dB less in the column", row: -10, column: -17), (name: "4 dB less in the row", row: -14, column: -10),
        (name: "low and uneven", row: -23, column: -30),
    ])
    func `Q.24: levels and twist`(row: (name: String, row: Double, column: Double)) {
        for key in UInt8(0)..<16 {
            var sound = Sound()
            sound.rest(33)
            sound.press(key, 50, row: row.row, column: row.column)
            sound.rest(60)
            for law in G711.Law.allCases { #expect(sound.heard(law) == [key], "\(row.name)") }
        }
    }

    @Test(arguments: [0.018, -0.018])
    func `Q.24: 1.8 % beside the frequencies is a key, twice that none`(detuning: Double) {
        for key in UInt8(0)..<16 {
            for second in [detuning, -detuning] {
                var (near, far) = (Sound(), Sound())
                near.press(key, 50, detuning: (detuning, second))
                far.press(key, 50, detuning: (2 * detuning, 2 * second))
                #expect(near.heard() == [key])
                #expect(far.heard().isEmpty)
            }
        }
    }

    @Test func `noise 15 dB below the key does not hide it`() {
        var random = Noise()
        for key in UInt8(0)..<16 {
            var sound = Sound()
            sound.rest(40)
            sound.press(key, 60)
            sound.rest(60)
            for place in sound.samples.indices { sound.samples[place] += random.next() * 1_250 }
            #expect(sound.heard() == [key])
        }
    }

    @Test func `the same key twice is two keys, an interruption of 15 ms none`() {
        for (pause, count) in [(15.0, 1), (40, 2), (200, 2)] {
            var sound = Sound()
            sound.press(7, 80)
            sound.rest(pause)
            sound.press(7, 80)
            #expect(sound.heard() == [UInt8](repeating: 7, count: count), "\(pause) ms")
        }
    }

    @Test func `single tones, pairs of one group, uneven pairs, noise and silence are no keys`() {
        var random = Noise()
        var sound = Sound()
        for hertz in stride(from: 300.0, through: 3_300, by: 13) { sound.add([hertz], 100) }
        for (low, high) in [
            (697.0, 852.0), (1_209, 1_477), (350, 440), (440, 480), (480, 620), (941, 1_100), (2_100, 1_209),
        ] {
            sound.add([low, high], 200)
        }
        sound.press(5, 200, row: -6, column: -17)
        sound.press(5, 200, row: -17, column: -10)
        sound.press(5, 200, row: -45, column: -45)
        sound.rest(500)
        for _ in 0..<80_000 { sound.samples.append(random.next() * 3_000) }
        #expect(sound.heard().isEmpty)
        #expect(sound.heard(.µ).isEmpty)
    }

    /// A voice's harmonics fall off, and gather about its formants; its pitch never stands still.
    @Test func `speech is no key`() {
        var sound = Sound()
        var phase = 0.0
        for vowel in 0..<400 {
            let formants = [300 + Double(vowel * 37 % 550), 900 + Double(vowel * 101 % 1_400), 2_500]
            let pitch = 90 + Double(vowel * 53 % 260)
            for place in 0..<1_600 {
                let hertz = pitch * (1 + 0.15 * sin(Double(place) / 400))
                phase += hertz / 8_000
                var sample = 0.0
                for harmonic in 1...Int(3_400 / hertz) {
                    let gain = formants.reduce(1 / Double(harmonic)) { gain, formant in
                        gain * (1 + 8 / (1 + pow((Double(harmonic) * hertz - formant) / 90, 2)))
                    }
                    sample += gain * sin(2 * .pi * phase * Double(harmonic))
                }
                sound.samples.append(sample * 700)
            }
        }
        #expect(sound.heard().isEmpty)
    }

    @Test(arguments: [10, 20, 30])
    func `what is lost or late on the way makes no second key of one`(ptime: Int) {
        var sound = Sound()
        sound.rest(60)
        sound.press(3, 400)
        sound.rest(100)
        for lost in 0..<sound.samples.count / (ptime * 8) {
            #expect(sound.heard(ptime: ptime) { $0.filter { $0 != lost } } == [3])
            #expect(sound.heard(ptime: ptime) { $0.filter { !(lost..<lost + 5).contains($0) } } == [3])
        }
        #expect(sound.heard(ptime: ptime) { $0.filter { $0 % 5 != 0 } } == [3])
        #expect(
            sound.heard(ptime: ptime) { places in
                places.map { $0 % 6 == 2 ? $0 + 1 : $0 % 6 == 3 ? $0 - 1 : $0 }.filter(places.contains)
            } == [3]
        )
        #expect(sound.heard(ptime: ptime) { places in places.flatMap { [$0, $0] } } == [3])
    }

    @Test func `a peer that sends nothing between two keys pressed two`() {
        var sound = Sound()
        sound.press(9, 100)
        sound.rest(60)
        sound.press(9, 100)
        #expect(sound.heard(pauses: true) { $0.filter { !(5..<8).contains($0) } } == [9, 9])
    }

    @Test func `who has telephone-events in its description is not listened to, nor who sends them without`() {
        let described = "192.0.2.1:4000"
        var sound = Sound()
        sound.press(5, 100)
        let payloads = stride(from: 0, to: 800, by: 160).map { start in
            sound.samples[start..<start + 160].map { G711.encode(Int16($0), .a) }
        }
        for (send, announces, told) in [
            ([pcma, keys(101)], false, [UInt8]()), ([pcma], false, [5]), ([pcma], true, [1]),
        ] {
            var port = port(parameters(described, send: send))
            // Towards a peer of the other law the key is the same.
            port.fillFormats(towards: [pcmu])
            var peer = Peer(described)
            var (heard, inBand) = ([UInt8](), [Bool]())
            func take(_ payloadType: UInt8, _ payload: [UInt8]) {
                var packet = peer.speak(payloadType, payload: payload)
                #expect(port.take(&packet, from: peer.address, now: 0) == .media)
                if let key = port.news.key {
                    heard.append(key)
                    inBand.append(port.news.isInBand)
                }
                port.news = RelayPort.News()
            }
            if announces { take(101, [1, 10, 0, 160]) }
            for payload in payloads { take(8, payload) }
            #expect(heard == told)
            #expect(inBand == told.map { _ in !announces })
        }
    }

    @Test func `whatever comes is taken`() {
        var keys = InBandKeys()
        let unheard = keys.hear([0xD5], .a, sequence: 0, timestamp: 0)
        #expect(unheard == nil, "not listening")
        keys.listen()
        let stamps: [UInt32] = [0, .max, 1, 1 << 31, 5, .max - 4_000, 3]
        for (place, stamp) in stamps.enumerated() {
            for count in [0, 1, 119, 120, 121, 1_400] {
                let payload = [UInt8](repeating: 0x2A, count: count)
                _ = keys.hear(payload, place % 3 == 0 ? nil : .µ, sequence: .max, timestamp: stamp)
            }
        }
        keys.stop()
        let isListening = keys.isListening
        #expect(!isListening)
    }

    /// Even in −1…1, always the same.
    private struct Noise {
        private var state: UInt64 = 7
        mutating func next() -> Double {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Double(Int64(bitPattern: state) >> 11) / Double(1 << 52)
        }
    }
}

extension InBandKeys {
    fileprivate mutating func hear(_ payload: [UInt8], _ law: G711.Law?, sequence: UInt16, timestamp: UInt32) -> UInt8?
    {
        var packet = [UInt8](repeating: 0, count: 12)
        packet.withUnsafeMutableBytes {
            writeRTPHeader(
                into: $0,
                marker: false,
                payloadType: 8,
                sequence: sequence,
                timestamp: timestamp,
                ssrc: 7
            )
        }
        guard let header = packet.withUnsafeBytes({ RTPHeader($0) }) else { return nil }
        return payload.withUnsafeBytes { receive(header, $0, law) }
    }
}

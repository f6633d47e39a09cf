import Codecs
import RTP

/// Hears keys as the two tones that ITU-T Q.23 makes of each, in the G.711 of a peer that has no telephone-events.
///
/// Windows of 15 ms, a new one every 5 ms, are looked at by Goertzel's filters. Memory is taken when such a peer is configured and given back
/// with the port; for everybody else there is none.
struct InBandKeys: ~Copyable {
    /// Samples at 8 kHz.
    private static let window = 120
    private static let step = 40
    /// Windows in a row that make a key: 35 ms; a key of 40 ms (Q.24) fills five at least.
    private static let leastHits = 5
    /// Windows without it that end a key: a pause of 40 ms (Q.24) has nine, an interruption of 20 ms six.
    private static let mostMisses = 8
    /// 500 ms. More that did not come is another talk.
    private static let longestLoss: Int32 = 4_000

    private var samples: UnsafeMutablePointer<Float>?
    private var waiting = 0
    private var next: (ssrc: UInt32, sequence: UInt16, timestamp: UInt32)?
    /// The key that is held down.
    private var held: UInt8?
    private var misses = 0
    private var candidate: (key: UInt8, hits: Int) = (0, 0)

    deinit { samples?.deallocate() }

    var isListening: Bool { samples != nil }

    mutating func listen() {
        guard samples == nil else { return }
        let made = UnsafeMutablePointer<Float>.allocate(capacity: Self.window)
        made.initialize(repeating: 0, count: Self.window)
        samples = made
        restart()
    }

    mutating func stop() {
        samples?.deallocate()
        samples = nil
    }

    private mutating func restart() { (waiting, next, held, candidate.hits) = (0, nil, nil, 0) }

    /// The event code of a key that is recognised with this packet; nil for one that was told already. `law`: nil where it is no G.711.
    mutating func receive(_ header: RTPHeader, _ payload: UnsafeRawBufferPointer, _ law: G711.Law?) -> UInt8? {
        guard let samples else { return nil }
        guard let law else {
            next?.sequence = header.sequence &+ 1
            return nil
        }
        guard follow(header, count: payload.count) else { return nil }
        var key: UInt8?
        for octet in payload {
            samples[waiting] = Float(G711.decode(octet, law))
            waiting += 1
            guard waiting == Self.window else { continue }
            key = note(ToneFilters.key(in: samples, count: Self.window)) ?? key
            waiting -= Self.step
            samples.update(from: samples + Self.step, count: waiting)
        }
        return key
    }

    /// False for a packet that comes after its turn.
    private mutating func follow(_ header: RTPHeader, count: Int) -> Bool {
        let gap = next.map { Int32(bitPattern: header.timestamp &- $0.timestamp) } ?? 0
        if next?.ssrc == header.ssrc, (-8_000..<0).contains(gap) { return false }
        if next?.ssrc != header.ssrc || gap < 0 || gap > Self.longestLoss {
            restart()
        } else if gap > 0 {
            waiting = 0
            // Nothing was lost: the peer was silent. What is lost may have been all one key.
            if next?.sequence == header.sequence { for _ in 0..<Int(gap) / Self.step { _ = note(nil) } }
        }
        next = (header.ssrc, header.sequence &+ 1, header.timestamp &+ UInt32(truncatingIfNeeded: count))
        return true
    }

    /// What one window has.
    private mutating func note(_ key: UInt8?) -> UInt8? {
        if let key, key == held {
            (misses, candidate.hits) = (0, 0)
            return nil
        }
        misses += 1
        if misses >= Self.mostMisses { held = nil }
        guard let key else {
            candidate.hits = 0
            return nil
        }
        candidate = (key, candidate.key == key ? candidate.hits + 1 : 1)
        guard candidate.hits == Self.leastHits else { return nil }
        (held, misses) = (key, 0)
        return key
    }
}

/// Which key's tones some samples have.
private enum ToneFilters {
    /// The rows and the columns of Q.23, Hz.
    private static let tones = SIMD8<Float>(697, 770, 852, 941, 1_209, 1_336, 1_477, 1_633)
    /// Event codes by row and column.
    private static let codes = SIMD16<UInt8>(1, 2, 3, 12, 4, 5, 6, 13, 7, 8, 9, 14, 10, 0, 11, 15)
    private static let coefficients = Self.coefficients(times: 1)
    /// Q.24 allows 1.8 %, which a filter on either side of each tone brings near. Much more would let in the harmonics of voices: Q.23 keeps
    /// clear of their 2:3 and 1:2.
    private static let below = Self.coefficients(times: 0.99)
    private static let above = Self.coefficients(times: 1.01)
    private static let doubled = Self.coefficients(times: 2)

    /// Of a sample: −36 dBm0, where G.711 has 22,300 for the peaks of 0 dBm0.
    private static let leastEnergy: Float = 62_500
    /// Of the row over the column and of the column over the row: 8 and 4 dB (Q.24), and 1 dB for what one leaks into the other.
    private static let (mostTwist, mostReverseTwist): (Float, Float) = (7.94, 3.16)
    /// 5 dB over any other tone of its group.
    private static let leastLead: Float = 3.2
    /// Of the energy in a window: speech has it elsewhere, too.
    private static let leastShare: Float = 0.865
    /// Of the tone, −14 dB: voices have harmonics.
    private static let mostHarmonic: Float = 0.04

    static func key(in samples: UnsafePointer<Float>, count: Int) -> UInt8? {
        var energy: Float = 0
        for place in 0..<count { energy += samples[place] * samples[place] }
        guard energy >= leastEnergy * Float(count) else { return nil }
        let powers = powers(in: samples, count, coefficients)
        guard let row = leader(of: powers.lowHalf), let column = leader(of: powers.highHalf).map({ $0 + 4 }) else {
            return nil
        }
        let closer = Self.powers(
            in: samples,
            count,
            SIMD8(
                below[row],
                coefficients[row],
                above[row],
                below[column],
                coefficients[column],
                above[column],
                doubled[row],
                doubled[column]
            )
        )
        let low = max(closer[0], closer[1], closer[2])
        let high = max(closer[3], closer[4], closer[5])
        guard low <= high * mostTwist, high <= low * mostReverseTwist else { return nil }
        // A sine of amplitude a has the energy count·a²/2 and the power (count·a/2)².
        guard low + high >= leastShare * energy * Float(count) / 2 else { return nil }
        // Twice a row may lie so near to the column that the filter hears that.
        let isMasked = abs(2 * tones[row] - tones[column]) < 100
        guard isMasked || closer[6] <= low * mostHarmonic, closer[7] <= high * mostHarmonic else { return nil }
        return codes[row * 4 + column - 4]
    }

    private static func leader(of powers: SIMD4<Float>) -> Int? {
        let most = powers.max()
        var leader: Int?
        for place in 0..<4 where powers[place] * leastLead > most {
            guard leader == nil else { return nil }
            leader = place
        }
        return leader
    }

    private static func powers(
        in samples: UnsafePointer<Float>,
        _ count: Int,
        _ coefficients: SIMD8<Float>
    ) -> SIMD8<Float> {
        var (last, before) = (SIMD8<Float>.zero, SIMD8<Float>.zero)
        for place in 0..<count { (last, before) = (samples[place] + coefficients * last - before, last) }
        return last * last + before * before - coefficients * last * before
    }

    /// 2·cos(2π·f/8000), by the series, which needs no mathematics library.
    private static func coefficients(times factor: Float) -> SIMD8<Float> {
        var cosines = SIMD8<Float>.zero
        for place in 0..<8 {
            let angle = 2 * Double.pi * Double(tones[place] * factor) / 8_000
            var (sum, term) = (1.0, 1.0)
            for power in stride(from: 2.0, through: 24, by: 2) {
                term *= -angle * angle / (power * (power - 1))
                sum += term
            }
            cosines[place] = Float(2 * sum)
        }
        return cosines
    }
}

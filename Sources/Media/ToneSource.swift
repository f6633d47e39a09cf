public import Codecs

/// Call progress tones as G.711 frames of 20 ms (ITU-T E.180: 425 Hz). 425 Hz fits 320 samples exactly, so two frames
/// repeat without a click.
public struct ToneSource: Sendable {
    public static let frame = 160

    /// On and off, in frames of 20 ms: ringback 1 s and 4 s, busy 0.35 s each, congestion 0.175 s each (rounded to
    /// frames).
    static func cadence(_ tone: Tone) -> (on: Int, off: Int) {
        switch tone {
        case .ringback: (50, 200)
        case .busy: (17, 18)
        case .congestion: (9, 9)
        }
    }

    private let samples: [UInt8]
    private let silence: UInt8

    public init(_ law: G711.Law) {
        samples = Self.sine.map { G711.encode($0, law) }
        silence = G711.encode(0, law)
    }

    /// One period of 17 waves, at −10 dBm0: made by a rotation, which needs no mathematics library.
    private static let sine: [Int16] = {
        // cos and sin of 2π·425/8000.
        let (cosine, sine) = (0.944806046466878, 0.3276301795616935)
        var (x, y) = (10_000.0, 0.0)
        return (0..<320).map { _ in
            defer { (x, y) = (x * cosine - y * sine, x * sine + y * cosine) }
            return Int16(y)
        }
    }()

    /// Writes frame number `index` of a tone.
    public func write(_ tone: Tone, frame index: Int, into octets: UnsafeMutableRawBufferPointer) {
        let (on, off) = Self.cadence(tone)
        let isOn = index % (on + off) < on
        for place in 0..<min(Self.frame, octets.count) {
            octets[place] = isOn ? samples[(index & 1) * Self.frame + place] : silence
        }
    }
}

import Codecs

/// A tone of 1 kHz as 20 ms frames of A-law, and the ear that knows it again.
struct TestTone {
    /// 8 samples are one wave: every frame is the same.
    static let frame: [UInt8] = {
        let wave: [Int16] = [0, 7_071, 10_000, 7_071, 0, -7_071, -10_000, -7_071]
        return (0..<160).map { G711.encode(wave[$0 % 8], .a) }
    }()

    /// The share of a frame's energy that is at 1 kHz, 0 to 1.
    static func share(of frame: some Collection<UInt8>) -> Double {
        let samples = frame.map { Double(G711.decode($0, .a)) }
        let energy = samples.reduce(0) { $0 + $1 * $1 }
        guard energy > 0 else { return 0 }
        // The Fourier coefficient at an eighth of the rate.
        let root = 0.5.squareRoot()
        let cosine = [1, root, 0, -root, -1, -root, 0, root]
        var (real, imaginary) = (0.0, 0.0)
        for (index, sample) in samples.enumerated() {
            real += sample * cosine[index % 8]
            imaginary += sample * cosine[(index + 6) % 8]
        }
        return 2 * (real * real + imaginary * imaginary) / (Double(samples.count) * energy)
    }
}

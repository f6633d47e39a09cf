import Glibc

/// Brings a recording down to the telephone's 8 kHz: a windowed-sinc filter, one set of taps for each position that an
/// output sample can have between two input samples.
enum Resampler {
    /// The rates that are read, in samples a second.
    static let rates = [8000, 11_025, 16_000, 22_050, 44_100, 48_000]
    private static let telephone = 8000

    /// The cut-off in hertz. Blackman's window over 64 output samples is 690 Hz wide: flat to 3.3 kHz, gone at 4 kHz.
    private static let cutoff = 3650.0
    /// Half the filter's length, in output samples.
    private static let reach = 32

    /// Samples at one of `rates` as samples at 8 kHz.
    static func telephone(_ samples: [Int16], rate: Int) -> [Int16] {
        guard rate != telephone, rates.contains(rate) else { return samples }
        let divisor = greatestCommonDivisor(rate, telephone)
        // An output sample is `step / phases` input samples after the one before it.
        let (step, phases) = (rate / divisor, telephone / divisor)
        let half = reach * rate / telephone + 1
        let filters = (0..<phases).map { taps(offset: Double($0) / Double(phases), half: half, rate: Double(rate)) }
        // At most an hour of samples: the product stays far below 64 bits.
        let count = (samples.count * phases + step - 1) / step
        return samples.withUnsafeBufferPointer { samples in
            (0..<count)
                .map { index in
                    let (centre, phase) = (index * step).quotientAndRemainder(dividingBy: phases)
                    return convolved(samples, around: centre, filters[phase], half: half)
                }
        }
    }

    /// The sum of the samples around one, weighed; beyond the ends there is silence.
    private static func convolved(
        _ samples: UnsafeBufferPointer<Int16>,
        around centre: Int,
        _ taps: [Float],
        half: Int
    ) -> Int16 {
        let first = centre - half + 1
        let range = max(0, first)..<min(samples.count, first + taps.count)
        let sum = taps.withUnsafeBufferPointer { taps in
            var sum: Float = 0
            for index in range { sum += Float(samples[index]) * taps[index - first] }
            return sum
        }
        return Int16(max(-32_768, min(32_767, sum.rounded())))
    }

    /// The weights of the input samples `1 − half … half` around a point `offset` of a sample after the middle one.
    private static func taps(offset: Double, half: Int, rate: Double) -> [Float] {
        let weights = (1 - half...half)
            .map { index -> Double in
                let distance = Double(index) - offset
                let turn = 2 * Double.pi * cutoff / rate * distance
                let sinc = abs(turn) < 1e-9 ? 1 : sin(turn) / turn
                let angle = Double.pi * distance / Double(half)
                return sinc * (0.42 + 0.5 * cos(angle) + 0.08 * cos(2 * angle))
            }
        // Every set sums to one, lest a constant come out as a ripple.
        let sum = weights.reduce(0, +)
        return weights.map { Float($0 / sum) }
    }

    private static func greatestCommonDivisor(_ left: Int, _ right: Int) -> Int {
        right == 0 ? left : greatestCommonDivisor(right, left % right)
    }
}

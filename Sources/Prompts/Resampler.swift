internal import CSpeexDSP

/// Brings a recording down to the telephone's 8 kHz, by SpeexDSP's resampler.
enum Resampler {
    /// The rates that are read, in samples a second.
    static let rates = [8000, 11_025, 16_000, 22_050, 44_100, 48_000]
    private static let telephone = 8000
    /// Of SpeexDSP's, 0 to 10: flat to 3.7 kHz and 100 dB down beyond 4, above what a telephone tells apart; the best takes nearly three times as
    /// long, and a start waits for it.
    private static let quality = 6
    /// Output samples, more than the filter of that quality reaches to either side.
    private static let reach = 256
    /// The largest term of a ratio that SpeexDSP can take.
    static let largestTerm = (1 << 24) - 1
    /// Milliseconds.
    static let shortestLoop = 100

    /// Samples at one of `rates` as samples at 8 kHz; beyond their ends there is silence.
    static func telephone(_ samples: [Int16], rate: Int) throws(PromptFault) -> [Int16] {
        guard rate != telephone, !samples.isEmpty else { return samples }
        let count = (samples.count * telephone + rate - 1) / rate
        let silence = repeatElement(Int16(0), count: (reach + 1) * rate / telephone + 1)
        return Array(try process(samples + silence, from: rate, to: telephone, count: count))
    }

    /// The same for sound whose end is followed by its beginning, as whole frames of 20 ms: what is missing to a whole one is
    /// made up by a pitch that is lower by that little, since silence there would be a click each time round.
    static func loop(_ samples: [Int16], rate: Int) throws(PromptFault) -> [Int16] {
        try mayLoop(samples.count, rate: rate)
        let frame = PromptAudio.frame * rate
        let frames = (samples.count * telephone + frame - 1) / frame
        let count = frames * PromptAudio.frame
        guard count != samples.count else { return samples }
        // So much of the next time round that the filter sees it behind the last sample that is taken of it.
        let more = (reach * 3 + 1) * samples.count / count + 1
        let wrapped = samples + (0..<more).map { samples[$0 % samples.count] }
        var output = try process(wrapped, from: samples.count, to: count, count: count + reach * 2)
        guard output.count == count + reach * 2 else { throw .cannotResample("\(output.count) of \(count) samples") }
        // What the filter made of the beginning had silence before it: the next time round stands in its place.
        for place in 0..<reach { output[place] = output[count + place] }
        // The next time round may be off by a sample or two (`ratio`): it passes over into what is there.
        for place in 0..<reach {
            let (round, own) = (Int(output[count + reach + place]), Int(output[reach + place]))
            output[reach + place] = Int16(clamping: (round * (reach - place) + own * place) / reach)
        }
        output.removeLast(reach * 2)
        return output
    }

    /// Refuses what is so short that the filter would reach round it several times; nobody means that by music. `count`: samples.
    static func mayLoop(_ count: Int, rate: Int) throws(PromptFault) {
        guard count * 1000 < shortestLoop * rate else { return }
        throw .tooShort(milliseconds: count * 1000 / rate)
    }

    /// Two numbers in nearly the same ratio that SpeexDSP can take: with larger ones a product of 32 bits (the filter's length, 256 samples,
    /// times the numerator) overflows, which it calls a lack of memory. Over an hour the result is off by less than two samples of the output.
    static func ratio(_ from: Int, _ to: Int) -> (from: Int, to: Int) {
        // The convergents of the continued fraction, the last that is small enough.
        var (before, last) = ((from: 0, to: 1), (from: 1, to: 0))
        var (dividend, divisor) = (from, to)
        while divisor != 0 {
            let whole = dividend / divisor
            let next = (from: whole * last.from + before.from, to: whole * last.to + before.to)
            guard next.from <= largestTerm, next.to <= largestTerm else { break }
            (before, last) = (last, next)
            (dividend, divisor) = (divisor, dividend % divisor)
        }
        return last
    }

    /// The first `count` samples that `input` becomes, or as many as there are. The sizes are bounded by `PromptFile.longest`.
    static func process(_ input: [Int16], from: Int, to: Int, count: Int) throws(PromptFault) -> [Int16] {
        var status: Int32 = 0
        let ratio = ratio(from, to)
        let rates = [ratio.from, ratio.to].map { UInt32(clamping: $0) }
        guard
            let state = speex_resampler_init_frac(1, rates[0], rates[1], rates[0], rates[1], Int32(quality), &status)
        else { throw .cannotResample(String(cString: speex_resampler_strerror(status))) }
        defer { speex_resampler_destroy(state) }
        // The filter's delay is not heard: the first sample in is the first out.
        speex_resampler_skip_zeros(state)
        var taken = 0
        var output: [Int16] = []
        var piece = [Int16](repeating: 0, count: 8000)
        while taken < input.count, output.count < count {
            var consumed = UInt32(clamping: input.count - taken)
            var made = UInt32(piece.count)
            status = input.withUnsafeBufferPointer { input in
                guard let base = input.baseAddress else { return 0 }
                return speex_resampler_process_int(state, 0, base + taken, &consumed, &piece, &made)
            }
            guard status == 0, consumed > 0 || made > 0 else {
                throw .cannotResample(String(cString: speex_resampler_strerror(status)))
            }
            taken += Int(consumed)
            output += piece.prefix(Int(made))
        }
        if output.count > count { output.removeLast(output.count - count) }
        return output
    }
}

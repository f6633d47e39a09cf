internal import CSpeexDSP

/// Brings a recording down to the telephone's 8 kHz, by SpeexDSP's resampler.
enum Resampler {
    /// The rates that are read, in samples a second.
    static let rates = [8000, 11_025, 16_000, 22_050, 44_100, 48_000]
    private static let telephone = 8000
    /// SpeexDSP's best: files are read once, and heard often.
    private static let quality = SPEEX_RESAMPLER_QUALITY_MAX
    /// Output samples that the filter of that quality reaches to either side, and then some.
    private static let reach = 256

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
        let frame = PromptAudio.frame * rate
        let frames = (samples.count * telephone + frame - 1) / frame
        let count = frames * PromptAudio.frame
        guard count > 0, count != samples.count else { return samples }
        // So much of the next time round that the filter sees it both before the first sample and behind the last.
        let more = (reach * 2 + 1) * samples.count / count + 1
        let wrapped = samples + (0..<more).map { samples[$0 % samples.count] }
        var output = try process(wrapped, from: samples.count, to: count, count: count + reach)
        for place in 0..<reach where count + place < output.count { output[place % count] = output[count + place] }
        output.removeLast(output.count - count)
        return output
    }

    /// The first `count` samples that `input` becomes. The sizes are bounded by `PromptFile.longest`.
    private static func process(_ input: [Int16], from: Int, to: Int, count: Int) throws(PromptFault) -> [Int16] {
        var status: Int32 = 0
        let rates = [from, to].map { UInt32(clamping: $0) }
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

internal import CSpeexDSP

/// One peer's 8 kHz made ours, which no two quartzes agree on: SpeexDSP's resampler, whose ratio follows how much waits.
///
/// Until a drift shows, nothing is resampled, and no memory taken.
struct DriftResampler: ~Copyable {
    /// Nothing that keeps time is off by more: parts per million.
    static let most = 1_000
    /// Takes over which the mean of what waits is formed: 5 s.
    private static let window = 250
    /// Parts per million for each sample that waits too much; with 50 ppm 1.5 ms more wait, or less.
    private static let gain = 4
    /// What is to wait on the mean at least once there is a drift: clocks that slip past each other take a whole packet away.
    private static let least = 400
    /// 20 parts per million are one in so many. SpeexDSP multiplies the old ratio's denominator by the new one's in 32 bits.
    private static let denominator = 50_000
    private static let grain = 1_000_000 / denominator
    /// Speech of 3.4 kHz passes SpeexDSP's third quality as it is.
    private static let quality: Int32 = 3

    private var state: OpaquePointer?
    /// How much faster than ours the peer's clock is taken to be.
    private(set) var partsPerMillion = 0
    private var sum = 0
    private var takes = 0
    /// What waited on the mean when the peer began to speak.
    private var usual: Int?

    deinit { if let state { speex_resampler_destroy(state) } }

    /// Whether samples go through it.
    var isActive: Bool { state != nil }

    /// The peer's stream begins anew: what waits from now on is the measure.
    mutating func restart() { (sum, takes, usual) = (0, 0, nil) }

    /// So many samples wait before 20 ms are taken.
    mutating func observe(waiting: Int) {
        sum += waiting
        takes += 1
        guard takes == Self.window else { return }
        let mean = sum / takes
        (sum, takes) = (0, 0)
        guard let usual else { return usual = mean }
        let wanted = max(-Self.most, min((mean - (isActive ? max(usual, Self.least) : usual)) * Self.gain, Self.most))
        if abs(wanted - partsPerMillion) >= Self.grain { set(wanted / Self.grain * Self.grain) }
    }

    private mutating func set(_ wanted: Int) {
        let (from, to) = (UInt32(Self.denominator + wanted / Self.grain), UInt32(Self.denominator))
        if let state {
            // Without memory for another filter it goes on with the one that it has.
            guard speex_resampler_set_rate_frac(state, from, to, 8_000, 8_000) == 0 else { return }
        } else {
            guard let made = speex_resampler_init_frac(1, from, to, 8_000, 8_000, Self.quality, nil) else { return }
            // Its first sample out is the first one in.
            guard speex_resampler_skip_zeros(made) == 0 else { return speex_resampler_destroy(made) }
            state = made
        }
        partsPerMillion = wanted
    }

    /// How many samples of `input` were taken, and how many of `output` made of them; what is not made needs more input.
    mutating func process(
        _ input: UnsafeBufferPointer<Int16>,
        into output: UnsafeMutableBufferPointer<Int16>
    )
        -> (taken: Int, made: Int)
    {
        guard let state, let source = input.baseAddress, let target = output.baseAddress else { return (0, 0) }
        var (taken, made) = (UInt32(clamping: input.count), UInt32(clamping: output.count))
        guard speex_resampler_process_int(state, 0, source, &taken, target, &made) == 0 else { return (0, 0) }
        return (Int(taken), Int(made))
    }
}

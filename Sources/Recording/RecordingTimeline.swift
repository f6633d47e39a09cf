/// Both ways of a call on one axis of time: stereo of 8 kHz, the caller left (channel 0), the operator right (1). Voices beside theirs
/// (supervisors') have channels of their own, and are added to the even ones left, to the odd ones right.
///
/// What did not come is silence of its true length, so that a second of the file is a second of the call. A frame has
/// `delay` to come; then its place is given out. All memory is taken at the beginning, whatever comes.
///
/// Instants are nanoseconds of one monotonic clock; places are samples (125 µs) since `start`.
public struct RecordingTimeline: Sendable {
    /// Samples a second of each channel.
    public static let rate = 8000
    /// How long a frame may take: 300 ms, in nanoseconds.
    public static let delay: Int64 = 300_000_000
    /// The most samples of a channel that `take` gives at once: a second.
    public static let most = 8000
    /// The longest frame: 200 ms, the most that RFC 3551 §4.2 wants receivers to accept.
    public static let longestFrame = 1600
    /// Samples of a channel held: above `most`, and above the delay, the earliness and the frame together. A power of 2.
    static let capacity = 8192
    /// Pauses that were not given out yet.
    static let bound = 32
    /// Channels: the two, and four beside each of them.
    public static let voices = 10
    private static let period: Int64 = 125_000

    private let start: Int64
    /// Interleaved; silent wherever nothing was placed since it was last given out.
    private var ring: [Int16]
    /// How many samples of each channel were given out.
    public private(set) var emitted: Int64 = 0
    private var clocks = [ChannelClock](repeating: ChannelClock(), count: RecordingTimeline.voices)
    private var stretches = [Stretches](repeating: Stretches(), count: RecordingTimeline.voices)
    /// In the order of time; only the last may be open (`Int64.max`).
    private var pauses: [Range<Int64>] = []

    public init(start: Int64) {
        self.start = start
        ring = [Int16](repeating: 0, count: Self.capacity * 2)
    }

    /// Frames of all channels that left silence.
    public var lostFrames: Int { Int(clamping: clocks.reduce(0) { $0 &+ $1.lost }) }

    private func place(of instant: Int64) -> Int64 { max(0, instant &- start) / Self.period }

    // MARK: in

    /// Places a frame. What is due at `arrival` should have been taken before, or there may be no room for it.
    public mutating func add(channel: UInt8, ssrc: UInt32, timestamp: UInt32, arrival: Int64, samples: Span<Int16>) {
        let count = Int64(min(samples.count, Self.longestFrame))
        guard count > 0, channel < Self.voices else { return }
        let (voice, side) = (Int(channel), Int(channel & 1))
        let place = clocks[voice].place(
            ssrc: ssrc,
            timestamp: timestamp,
            arrival: self.place(of: arrival),
            count: count,
            emitted: emitted
        )
        guard let place else { return }
        let claim = stretches[voice].claim(
            place.position..<place.position &+ count,
            in: emitted..<emitted &+ Int64(Self.capacity)
        )
        guard let claim else { return }
        ring.withUnsafeMutableBufferPointer { ring in
            samples.withUnsafeBufferPointer { samples in
                var source = Int(claim.places.lowerBound &- place.position)
                var target = claim.places.lowerBound
                while target < claim.places.upperBound {
                    let cell = Self.cell(target, side)
                    ring[cell] = Int16(clamping: Int(ring[cell]) + Int(samples[source]))
                    source &+= 1
                    target &+= 1
                }
            }
        }
        // The clock moves frames apart by one sample; the hole is bridged, lest it click.
        if claim.hasHoleBefore { bridge(claim.places.lowerBound &- 1, side) }
        if claim.hasHoleAfter { bridge(claim.places.upperBound, side) }
        if place.isReordered { clocks[voice].noteFound() }
    }

    private mutating func bridge(_ place: Int64, _ channel: Int) {
        let after = Int(ring[Self.cell(place &+ 1, channel)])
        let before = place > emitted ? Int(ring[Self.cell(place &- 1, channel)]) : after
        ring[Self.cell(place, channel)] = Int16(clamping: (before + after) / 2)
    }

    private static func cell(_ place: Int64, _ channel: Int) -> Int {
        (Int(truncatingIfNeeded: place) & (capacity - 1)) * 2 + channel
    }

    // MARK: pauses

    /// Silence on both channels from `instant` on. A stretch that was given out already stays as it is.
    public mutating func pause(at instant: Int64) {
        if let last = pauses.last, last.upperBound == .max { return }
        let from = max(place(of: instant), emitted)
        // Rather too much silence than what was not to be kept.
        if let last = pauses.last, pauses.count >= Self.bound || last.upperBound >= from {
            pauses[pauses.count - 1] = last.lowerBound..<Int64.max
        } else {
            pauses.append(from..<Int64.max)
        }
    }

    public mutating func resume(at instant: Int64) {
        guard let last = pauses.last, last.upperBound == .max else { return }
        pauses[pauses.count - 1] = last.lowerBound..<max(place(of: instant), last.lowerBound)
    }

    // MARK: out

    /// How many samples of each channel wait to be taken at `now`.
    public func due(at now: Int64) -> Int { Int(max(0, place(of: now &- Self.delay) &- emitted)) }

    /// The next interleaved samples up to `now` less the delay (`isLast`: up to `now`), at most a second of them; none
    /// when nothing is due.
    public mutating func take(at now: Int64, isLast: Bool = false) -> [Int16] {
        let limit = place(of: isLast ? now : now &- Self.delay)
        let count = Int(min(max(0, limit &- emitted), Int64(Self.most)))
        guard count > 0 else { return [] }
        let from = Int(truncatingIfNeeded: emitted) & (Self.capacity - 1)
        let first = min(count, Self.capacity - from)
        var output = [Int16](unsafeUninitializedCapacity: count * 2) { output, initialized in
            ring.withUnsafeMutableBufferPointer { ring in
                for (place, stretch) in [(0, from..<from + first), (first, 0..<count - first)] {
                    let cells = UnsafeMutableBufferPointer(
                        rebasing: ring[stretch.lowerBound * 2..<stretch.upperBound * 2]
                    )
                    guard let source = cells.baseAddress, let target = output.baseAddress else { continue }
                    (target + place * 2).initialize(from: source, count: cells.count)
                    cells.update(repeating: 0)
                }
            }
            initialized = count * 2
        }
        let end = emitted &+ Int64(count)
        for pause in pauses where pause.lowerBound < end && pause.upperBound > emitted {
            let silent = Int(max(pause.lowerBound, emitted) &- emitted)..<Int(min(pause.upperBound, end) &- emitted)
            for place in silent.lowerBound * 2..<silent.upperBound * 2 { output[place] = 0 }
        }
        emitted = end
        pauses.removeAll { $0.upperBound <= end }
        return output
    }
}

/// Where one sender's frames lie on the recording's axis of samples: its time stamps (RFC 3550 §5.1, 8 kHz) plus an
/// offset that follows the arrivals.
///
/// Time stamps alone drift (two quartz clocks differ by up to 100 ppm, 360 ms an hour); arrivals alone carry the
/// network's jitter. So frames are placed by time stamp, and the offset creeps, a sample at a time, to where the least
/// delayed frame of the last seconds arrived: the minimum of a delay is free of jitter.
struct ChannelClock: Sendable {
    /// A frame that claims to be from this far ahead of its arrival is from another time line: 200 ms, in samples.
    static let early: Int64 = 1600
    /// One that claims to be this far behind is as well: 2 s. A sender that stops its time stamps while on hold does so.
    static let jump: Int64 = 16_000
    /// How long nothing but late frames may come until they are taken for a new time line: 300 ms of arrivals, longer
    /// than a burst takes that a network held back.
    static let patience: Int64 = 2400
    /// Half the time over which the least delay is sought: 5 s.
    static let window: Int64 = 40_000
    /// A minimum older than a minute says nothing any more: the clocks have drifted by up to 6 ms.
    static let staleness: Int64 = 480_000
    /// From 10 ms of error on, each frame is moved by a sample, below it one frame in 100 ms.
    static let coarse: Int64 = 80
    static let interval: Int64 = 800
    /// A gap in the time stamps up to a second is loss, a longer one a sender that was silent.
    static let longestLoss: Int64 = 8000

    private var ssrc: UInt32?
    /// The extended time stamp that follows the newest frame.
    private var next: Int64 = 0
    private var offset: Int64 = 0
    private var least: (current: Int64, previous: Int64) = (0, 0)
    private var windowEnd: Int64 = 0
    private var lateSince: Int64?
    private var nextShift: Int64 = 0
    /// Frames that never came, came too late, or had no room on their way here.
    private(set) var lost: Int64 = 0

    /// The first sample's place; `isReordered`: newer ones have come before it.
    struct Place: Sendable {
        let position: Int64
        let isReordered: Bool
    }

    /// Where a frame of `count` samples belongs that came at `arrival` (samples since the start); nil when that has
    /// been given out already (`emitted`).
    mutating func place(
        ssrc: UInt32,
        timestamp: UInt32,
        arrival: Int64,
        count: Int64,
        emitted: Int64
    ) -> Place? {
        guard ssrc == self.ssrc else { return anchor(ssrc, timestamp, arrival, count) }
        let extended = next &+ Int64(Int32(bitPattern: timestamp &- UInt32(truncatingIfNeeded: next)))
        let position = extended &+ offset
        let behind = arrival &- position
        guard behind >= -Self.early, behind <= Self.jump else { return anchor(ssrc, timestamp, arrival, count) }
        guard position &+ count > emitted else {
            let since = lateSince ?? arrival
            lateSince = since
            guard arrival &- since >= Self.patience else {
                advance(past: extended, count)
                return nil
            }
            return anchor(ssrc, timestamp, arrival, count)
        }
        lateSince = nil
        observe(arrival &- extended, at: arrival)
        guard extended >= next else { return Place(position: position, isReordered: true) }
        follow(to: extended)
        advance(past: extended, count)
        return Place(position: extended &+ offset, isReordered: false)
    }

    /// A frame that had been counted as lost has come.
    mutating func noteFound() { lost = max(0, lost - 1) }

    /// A new time line: nothing is known of it but when it arrived.
    private mutating func anchor(_ ssrc: UInt32, _ timestamp: UInt32, _ arrival: Int64, _ count: Int64) -> Place {
        self.ssrc = ssrc
        let extended = Int64(timestamp)
        next = extended &+ count
        offset = arrival &- extended
        least = (offset, offset)
        windowEnd = arrival &+ Self.window
        lateSince = nil
        nextShift = next
        return Place(position: arrival, isReordered: false)
    }

    private mutating func advance(past extended: Int64, _ count: Int64) {
        let gap = extended &- next
        if gap > 0, gap <= Self.longestLoss { lost &+= (gap &+ count / 2) / count }
        // A late frame leaves silence like one that never came.
        if lateSince != nil, gap >= 0 { lost &+= 1 }
        next = max(next, extended &+ count)
    }

    private mutating func observe(_ delay: Int64, at arrival: Int64) {
        if arrival >= windowEnd {
            least = (delay, arrival &- windowEnd > Self.staleness ? delay : least.current)
            windowEnd = arrival &+ Self.window
        }
        least.current = min(least.current, delay)
    }

    private mutating func follow(to extended: Int64) {
        let error = min(least.current, least.previous) &- offset
        guard error != 0 else { return }
        // After a pause of the sender's nobody hears a step.
        guard extended &- next < Self.early else { return offset &+= error }
        guard error.magnitude > Self.coarse || extended >= nextShift else { return }
        offset &+= error.signum()
        nextShift = extended &+ Self.interval
    }
}

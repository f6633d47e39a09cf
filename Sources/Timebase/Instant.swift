/// A point on the monotonic clock, in nanoseconds. Cores never read a clock: they are handed one of these.
public struct Instant: InstantProtocol, Hashable, Codable, Sendable {
    public var nanoseconds: Int64

    public init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }

    public func advanced(by duration: Duration) -> Instant {
        Instant(nanoseconds: nanoseconds &+ duration.wholeNanoseconds)
    }

    public func duration(to other: Instant) -> Duration { .nanoseconds(other.nanoseconds &- nanoseconds) }

    public static func < (lhs: Instant, rhs: Instant) -> Bool { lhs.nanoseconds < rhs.nanoseconds }
    public static func + (lhs: Instant, rhs: Duration) -> Instant { lhs.advanced(by: rhs) }
    public static func - (lhs: Instant, rhs: Instant) -> Duration { rhs.duration(to: lhs) }
}

extension Duration {
    /// The duration in nanoseconds, saturating at the ends of `Int64` (292 years).
    public var wholeNanoseconds: Int64 {
        let (seconds, attoseconds) = components
        let (product, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        guard !overflow else { return seconds < 0 ? .min : .max }
        return product &+ attoseconds / 1_000_000_000
    }

    /// The duration in seconds, as reports and call records print it.
    public var inSeconds: Double { Double(wholeNanoseconds) / 1_000_000_000 }
    /// The duration in milliseconds.
    public var inMilliseconds: Double { Double(wholeNanoseconds) / 1_000_000 }
}

/// A point on the wall clock: milliseconds since 1970-01-01T00:00:00Z. For stamps that people read; never for durations.
public struct WallTime: Hashable, Comparable, Codable, Sendable {
    public var milliseconds: Int64

    public init(milliseconds: Int64) { self.milliseconds = milliseconds }

    public static func < (lhs: WallTime, rhs: WallTime) -> Bool { lhs.milliseconds < rhs.milliseconds }
    public func advanced(by duration: Duration) -> WallTime {
        WallTime(milliseconds: milliseconds &+ duration.wholeNanoseconds / 1_000_000)
    }

    public init(from decoder: any Decoder) throws {
        milliseconds = try decoder.singleValueContainer().decode(Int64.self)
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(milliseconds)
    }
}

/// Both clocks, read together once a turn of the loop.
public struct Moment: Hashable, Codable, Sendable {
    public var instant: Instant
    public var wall: WallTime

    public init(instant: Instant, wall: WallTime) { (self.instant, self.wall) = (instant, wall) }
}

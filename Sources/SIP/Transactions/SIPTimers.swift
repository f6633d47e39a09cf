/// The timer values of RFC 3261 §17 (table 4); everything else is a multiple of these.
public struct SIPTimers: Equatable, Sendable {
    /// Round-trip estimate.
    public var t1: Duration
    /// The longest interval between retransmissions of anything but an INVITE.
    public var t2: Duration
    /// The longest time a message stays in the network.
    public var t4: Duration

    public init(
        t1: Duration = .milliseconds(500),
        t2: Duration = .seconds(4),
        t4: Duration = .seconds(5)
    ) {
        (self.t1, self.t2, self.t4) = (t1, t2, t4)
    }

    /// Timers B, D, F, H, J, L and M.
    public var giveUp: Duration { t1 * 64 }
    /// How long a server has for its first answer where another could be asked instead: 3.5 s of the default T1. RFC 3263 §4.3
    /// waits for timer B or F; nobody who dials waits for 32 s.
    public var patience: Duration { t1 * 7 }
}

import Timebase

/// For how long one side or the other held: holds that overlap count once.
struct HoldClock: Sendable {
    private var legs: Set<Int> = []
    private var since: Instant?
    private var held: Duration = .zero

    mutating func begin(_ leg: Int, _ now: Instant) {
        legs.insert(leg)
        if since == nil { since = now }
    }

    mutating func end(_ leg: Int, _ now: Instant) {
        legs.remove(leg)
        guard legs.isEmpty, let began = since else { return }
        held += now - began
        since = nil
    }

    /// A hold that lasts included.
    func total(at now: Instant) -> Duration { held + (since.map { now - $0 } ?? .zero) }
}

extension Duration {
    /// Rounded down, and never below zero.
    var wholeMilliseconds: Int64 { max(0, wholeNanoseconds / 1_000_000) }
}

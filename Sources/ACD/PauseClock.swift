import Config
import Events
import Timebase

/// How long an agent has paused for each reason in this shift, and when that is too long.
///
/// A shift begins with the first log-in after four hours logged out: who logs out and in again over lunch does not begin anew.
struct PauseClock {
    struct Running: Equatable {
        var reason: String
        var since: Instant
        /// Told already.
        var exceeded: Set<PauseLimit> = []
    }

    static let restBetweenShifts: Duration = .seconds(4 * 3600)

    /// Of pauses that are over.
    var spent: [String: Duration] = [:]
    private(set) var running: Running?
    var loggedOut: Instant?

    mutating func enter(_ state: AgentState, _ reason: String?, now: Instant) {
        if running != nil, state != .paused || reason != running?.reason { end(now) }
        if state == .paused, running == nil, let reason { running = Running(reason: reason, since: now) }
        if state == .loggedOut {
            loggedOut = loggedOut ?? now
        } else if let left = loggedOut {
            if now - left >= Self.restBetweenShifts { spent = [:] }
            loggedOut = nil
        }
    }

    private mutating func end(_ now: Instant) {
        guard let running else { return }
        spent[running.reason, default: .zero] += now - running.since
        self.running = nil
    }

    /// The pause that lasts began earlier than this run of the switch.
    mutating func backdate(to since: Instant) { running?.since = since }

    /// Which limit is reached next, and when; nil: none, or not paused.
    func nextLimit(_ reasons: [PauseReason]) -> (limit: PauseLimit, at: Instant, of: Duration)? {
        guard let running, let reason = reasons.first(where: { $0.name == running.reason }) else { return nil }
        var next: [(limit: PauseLimit, at: Instant, of: Duration)] = []
        if let limit = reason.limit, !running.exceeded.contains(.pause) {
            next.append((.pause, running.since + limit, limit))
        }
        if let limit = reason.shiftLimit, !running.exceeded.contains(.shift) {
            let left = limit - spent[running.reason, default: .zero]
            next.append((.shift, running.since + max(.zero, left), limit))
        }
        return next.min { $0.at < $1.at }
    }

    mutating func exceed(_ limit: PauseLimit) { running?.exceeded.insert(limit) }
}

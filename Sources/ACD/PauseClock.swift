import Config
import Events
import Timebase

/// How long an agent has paused for each reason in this shift, and when that is too long.
///
/// A shift begins with the first log-in after four hours logged out: who logs out and in again over lunch does not begin anew.
struct PauseClock {
    struct Running: Equatable {
        var reason: String
        /// nil: it stands still, as a call, a wrap-up or a block comes before it.
        var since: Instant?
        /// Counted before that.
        var used: Duration = .zero
        /// Told already.
        var exceeded: Set<PauseLimit> = []
    }

    static let restBetweenShifts: Duration = .seconds(4 * 3600)

    /// Of pauses that are over.
    var spent: [String: Duration] = [:]
    /// The pause that nobody has taken back.
    private(set) var running: Running?
    var loggedOut: Instant?

    /// `pause`: the reason of the pause that is true of him, be it that he is not in it yet.
    mutating func enter(_ state: AgentState, pause: String?, now: Instant) {
        if pause != running?.reason { end(now) } else { stand(now) }
        if state == .paused, let pause {
            running = running ?? Running(reason: pause)
            running?.since = now
        }
        if state == .loggedOut {
            loggedOut = loggedOut ?? now
        } else if let left = loggedOut {
            if now - left >= Self.restBetweenShifts { spent = [:] }
            loggedOut = nil
        }
    }

    private mutating func stand(_ now: Instant) {
        guard let since = running?.since else { return }
        running?.used += now - since
        running?.since = nil
    }

    /// He takes it back.
    mutating func end(_ now: Instant) {
        stand(now)
        guard let running else { return }
        spent[running.reason, default: .zero] += running.used
        self.running = nil
    }

    /// The pause that lasts began in an earlier run of the switch.
    mutating func restore(_ reason: String, used: Duration) { running = Running(reason: reason, used: used) }

    mutating func backdate(to since: Instant) { running?.since = since }

    /// Which limit is reached next, and when; nil: none, or not paused.
    func nextLimit(_ reasons: [PauseReason]) -> (limit: PauseLimit, at: Instant, of: Duration)? {
        guard let running, let since = running.since,
            let reason = reasons.first(where: { $0.name == running.reason })
        else { return nil }
        var next: [(limit: PauseLimit, at: Instant, of: Duration)] = []
        if let limit = reason.limit, !running.exceeded.contains(.pause) {
            next.append((.pause, since + max(.zero, limit - running.used), limit))
        }
        if let limit = reason.shiftLimit, !running.exceeded.contains(.shift) {
            let left = limit - spent[running.reason, default: .zero] - running.used
            next.append((.shift, since + max(.zero, left), limit))
        }
        return next.min { $0.at < $1.at }
    }

    mutating func exceed(_ limit: PauseLimit) { running?.exceeded.insert(limit) }
}

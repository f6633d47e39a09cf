import Config
import Events
import SIP
import Timebase

/// Checks PINs, and makes guessing them slow: whoever was wrong too often in a row is not asked for a while.
struct LogInGuard {
    enum Verdict: Equatable {
        case right
        case wrong
        /// Not looked at: there were too many before.
        case barred
    }

    private struct Misses {
        var count: Int
        var last: Instant
    }

    static let mostMisses = 5
    static let pause: Duration = .seconds(300)

    /// Of users that there are: no larger than their list.
    private var misses: [UserID: Misses] = [:]

    mutating func check(_ pin: String, of user: User?, _ id: UserID, now: Instant) -> Verdict {
        guard let user, let known = user.pin else { return .wrong }
        if let before = misses[id] {
            if now - before.last >= Self.pause {
                misses[id] = nil
            } else if before.count >= Self.mostMisses {
                return .barred
            }
        }
        let given = Credentials(username: known.username, realm: known.realm, password: pin)
        let isRight = !known.ha1.isEmpty && known.ha1.allSatisfy { given.ha1[$0.key] == $0.value }
        guard !isRight else {
            misses[id] = nil
            return .right
        }
        misses[id] = Misses(count: (misses[id]?.count ?? 0) + 1, last: now)
        return .wrong
    }
}

import Config
import Events
import Timebase

/// One queue: its callers in order, its agents who are free in order.
final class QueueLine {
    /// Where a caller stands. The order never changes by itself: each point of priority and of the queue's weight is worth
    /// `secondsAPoint` of waiting, so that a caller is overtaken at most by those who come within that many seconds times the
    /// difference of priorities after him. Nobody starves.
    struct CallerRank: Comparable {
        /// Nanoseconds; the moment of entry, moved back by priority, weight, and time waited elsewhere.
        var entry: Int64
        var order: UInt64
        static func < (a: CallerRank, b: CallerRank) -> Bool { (a.entry, a.order) < (b.entry, b.order) }
    }

    /// Who is asked first: the lowest penalty, then what the strategy says.
    struct AgentRank: Comparable {
        var penalty: Int
        var primary: Int64
        var secondary: Int64
        static func < (a: AgentRank, b: AgentRank) -> Bool {
            (a.penalty, a.primary, a.secondary) < (b.penalty, b.primary, b.secondary)
        }
    }

    static let secondsAPoint: Int64 = 10

    let id: QueueID
    var settings: Queue
    var members: [UserID: Membership] = [:]
    /// Callers that nobody's phone rings for.
    var waiting = IndexedHeap<CallID, CallerRank>()
    /// Callers that somebody's phone rings for now.
    var offered = IndexedHeap<CallID, CallerRank>()
    var free = IndexedHeap<UserID, AgentRank>()
    /// The mean of the last handling times (talk and wrap-up), for the expected wait.
    var handling: Duration = .seconds(180)
    /// Who spoke with whom last, and until when that is remembered.
    var lastAgents: [String: (agent: UserID, until: Instant)] = [:]

    init(id: QueueID, settings: Queue) { (self.id, self.settings) = (id, settings) }

    var length: Int { waiting.count + offered.count }

    func rank(of member: Membership, random: Int64) -> AgentRank {
        let agent = member.agent
        let idle = agent.idleSince.nanoseconds
        switch settings.strategy {
        case .ringAll, .longestIdle: return AgentRank(penalty: member.penalty, primary: idle, secondary: order(member))
        case .roundRobin:
            let last = Int64(clamping: member.lastOffered)
            return AgentRank(penalty: member.penalty, primary: last, secondary: order(member))
        case .fewestCalls:
            return AgentRank(penalty: member.penalty, primary: Int64(member.handled), secondary: idle)
        case .leastTalkTime:
            return AgentRank(penalty: member.penalty, primary: member.talked.wholeNanoseconds, secondary: idle)
        case .random, .weightedRandom: return AgentRank(penalty: member.penalty, primary: random, secondary: idle)
        case .skills: return AgentRank(penalty: member.penalty, primary: -Int64(member.skill), secondary: idle)
        case .linear: return AgentRank(penalty: member.penalty, primary: order(member), secondary: idle)
        }
    }

    private func order(_ member: Membership) -> Int64 { Int64(member.order) }

    func position(of call: CallID) -> Int? {
        guard let rank = waiting.rank(of: call) ?? offered.rank(of: call) else { return nil }
        return 1 + waiting.count(before: rank) + offered.count(before: rank)
    }

    /// Agents of the queue who work now, whatever they do.
    var staffed: Int {
        members.values.count { member in
            switch member.agent.state {
            case .available, .ringing, .onCall, .wrapUp: true
            case .loggedOut, .paused, .unreachable, .blocked: false
            }
        }
    }

    /// How long the caller at this place will wait: as many hand-overs as there are before him, at the pace of those who work.
    func expectedWait(position: Int) -> Duration? {
        let staffed = staffed
        guard staffed > 0 else { return nil }
        guard free.isEmpty || position > free.count else { return .zero }
        return .nanoseconds(handling.wholeNanoseconds / Int64(staffed) &* Int64(min(position, 100_000)))
    }

    func noteHandling(_ duration: Duration) {
        let next = duration.wholeNanoseconds / 10 &+ handling.wholeNanoseconds / 10 &* 9
        handling = .nanoseconds(next)
    }
}

/// One caller in a queue.
final class WaitingCaller {
    let call: CallID
    let queue: QueueLine
    let entered: Moment
    /// Waited in queues before this one (overflow).
    let carried: Duration
    let rank: QueueLine.CallerRank
    let number: String
    let requiredSkill: Int
    var preferred: UserID?
    var preferredUntil: Instant?
    /// Whose phones ring.
    var ringing: [UserID: Instant] = [:]
    /// A call-back: rung when an agent is there, not before.
    let isCallback: Bool
    var offers = 0

    init(
        call: CallID,
        queue: QueueLine,
        entered: Moment,
        carried: Duration,
        rank: QueueLine.CallerRank,
        number: String,
        requiredSkill: Int,
        isCallback: Bool
    ) {
        (self.call, self.queue, self.entered, self.carried) = (call, queue, entered, carried)
        (self.rank, self.number, self.requiredSkill) = (rank, number, requiredSkill)
        self.isCallback = isCallback
    }

    func waited(at now: Instant) -> Duration { now - entered.instant + carried }
}

import Config
import Events
import Timebase

/// One queue: its callers in order, its agents who are free in order.
final class QueueLine {
    /// Where a caller stands. The order never changes by itself: each point of priority and of the queue's weight is worth
    /// `secondsAPoint` of waiting, so that a caller is overtaken at most by those who come within that many seconds times the
    /// difference of priorities after him (and by those who bring more of a wait along). Nobody starves.
    struct CallerRank: Comparable {
        /// Nanoseconds; the moment of entry, moved back by priority, weight, and time waited elsewhere.
        var entry: Int64
        var order: UInt64
        static func < (a: CallerRank, b: CallerRank) -> Bool {
            a.entry != b.entry ? a.entry < b.entry : a.order < b.order
        }
    }

    /// Who is asked first: the lowest penalty, then what the strategy says.
    struct AgentRank: Comparable {
        var penalty: Int
        var primary: Int64
        var secondary: Int64
        static func < (a: AgentRank, b: AgentRank) -> Bool {
            if a.penalty != b.penalty { return a.penalty < b.penalty }
            return a.primary != b.primary ? a.primary < b.primary : a.secondary < b.secondary
        }
    }

    /// How many of the queue's agents are in which state, as was last told of them.
    struct Staff: Equatable {
        var available = 0
        var ringing = 0
        /// In calls, or wrapping up.
        var busy = 0
        var paused = 0
        var away = 0

        mutating func add(_ state: AgentState, _ count: Int) {
            switch state {
            case .available: available += count
            case .ringing: ringing += count
            case .onCall, .wrapUp: busy += count
            case .paused: paused += count
            case .loggedOut, .unreachable, .blocked: away += count
            }
        }
    }

    private struct LastAgent {
        var agent: UserID
        /// Who was that before, and until when: should this one be gone before he has spoken.
        var earlier: (agent: UserID, until: Instant)?
    }

    static let secondsAPoint: Int64 = 10
    /// Bounds what a plan may ask for, so that no sum of ranks overflows: 115 days of advantage at most.
    static let mostPoints = 1_000_000
    static let mostCarried: Duration = .seconds(30 * 86_400)

    let id: QueueID
    var settings: Queue
    var members: [UserID: Membership] = [:]
    /// The same in the order of the queue's list.
    var roster: [Membership] = []
    var staff = Staff()
    /// Since when nobody is there, by `empty_when`; nil while somebody is, and where callers may wait all the same.
    var emptySince: Instant?
    /// Callers that nobody's phone rings for.
    var waiting = CallerLine()
    /// Callers that somebody's phone rings for now.
    var offered = CallerLine()
    /// How many of both are call-backs.
    var callbacks = 0
    var free = FreeLine()
    var forecast = WaitForecast()
    /// Who spoke with whom last.
    private var lastAgents = CallerMemory<LastAgent>()
    /// The places of callers who hung up, or whom the line lost, while they waited.
    var keptPlaces = CallerMemory<CallerRank>()

    init(id: QueueID, settings: Queue) { (self.id, self.settings) = (id, settings) }

    var length: Int { waiting.count + offered.count }

    /// Nobody stands anywhere: whoever calls this puts everybody back.
    func clearLines() {
        (waiting, offered, free) = (CallerLine(), CallerLine(), FreeLine())
        for member in members.values { member.freeLevel = nil }
    }

    func rank(of member: Membership) -> AgentRank {
        let idle = member.agent.idleSince.nanoseconds
        let (primary, secondary): (Int64, Int64) =
            switch settings.strategy {
            case .ringAll, .longestIdle: (idle, Int64(member.order))
            case .roundRobin: (Int64(clamping: member.lastOffered), Int64(member.order))
            case .fewestCalls: (Int64(member.handled), idle)
            case .leastTalkTime: (member.talked.wholeNanoseconds, idle)
            // Drawn when a caller is there.
            case .random, .weightedRandom: (0, idle)
            case .skills: (-Int64(member.skill), idle)
            case .linear, .ringProgressively: (Int64(member.order), idle)
            }
        return AgentRank(penalty: member.penalty, primary: primary, secondary: secondary)
    }

    func lastAgent(of number: String, at now: Instant) -> UserID? {
        lastAgents.memory(of: number, at: now)?.value.agent
    }

    /// He has this caller now.
    func remember(_ agent: UserID, for number: String, at now: Instant) {
        guard let sticky = settings.sticky else { return }
        let last = lastAgents.memory(of: number, at: now)
        let earlier = last?.value.agent == agent ? last?.value.earlier : last.map { ($0.value.agent, $0.until) }
        lastAgents.remember(LastAgent(agent: agent, earlier: earlier), for: number, until: now + sticky.remember)
    }

    /// He was gone before he spoke with the caller, who knows whomever he knew.
    func forget(_ agent: UserID, by number: String, at now: Instant) {
        guard lastAgent(of: number, at: now) == agent, let last = lastAgents.take(for: number, at: now) else { return }
        guard let earlier = last.earlier else { return }
        lastAgents.remember(LastAgent(agent: earlier.agent), for: number, until: earlier.until)
    }

    /// 1: next. Nobody's call: nil.
    func position(of caller: WaitingCaller) -> Int {
        1 + waiting.count(before: caller.rank) + offered.count(before: caller.rank)
    }

    /// The staff as it is found by asking everybody.
    var recount: Staff {
        members.values.reduce(into: Staff()) { $0.add($1.standing(as: $1.agent.told), 1) }
    }

    /// Agents of the queue who work now, whatever they do.
    var staffed: Int { staff.available + staff.ringing + staff.busy }

    /// How long the caller at this place, who has been here for `waited`, will yet wait; nil: nobody works.
    func expectedWait(position: Int, after waited: Duration = .zero) -> Duration? {
        guard let wait = waitForAgent(position: position, after: waited) else { return nil }
        // Longer than that nobody waits here.
        return settings.maxWait.map { max(.zero, min(wait, $0 - waited)) } ?? wait
    }

    /// The same if he may wait for ever: what he must not be let in for.
    func waitForAgent(position: Int, after waited: Duration = .zero) -> Duration? {
        guard staffed > 0 else { return nil }
        guard free.isEmpty || position > free.count else { return .zero }
        return forecast.wait(behind: max(0, position - 1 - offered.count), staffed: staffed, after: waited)
    }

    /// The line or its staff is about to change.
    func observe(at now: Instant) { forecast.pass(to: now, staffed: staffed, waiting: waiting.count) }

    /// Whether nobody is there who could ever take a call, by the causes that count.
    func isEmpty(of causes: Set<Queue.EmptyCause>) -> Bool {
        guard staff.available == 0, staff.ringing == 0 else { return false }
        if staff.busy > 0, !causes.contains(.allBusy) { return false }
        return staff.paused == 0 || causes.contains(.allPaused)
    }
}

/// One caller in a queue.
final class WaitingCaller: Hashable {
    let call: CallID
    let queue: QueueLine
    let entered: Moment
    /// Waited in queues before this one (overflow).
    let carried: Duration
    let rank: QueueLine.CallerRank
    let number: String
    let requiredSkill: Int
    /// Who is waited for alone, and until when.
    var preferred: UserID?
    var preferredUntil: Instant?
    /// Whose phones ring.
    var ringing: [UserID: Instant] = [:]
    /// Who was rung in this round and did not answer: the others are asked before them.
    var tried: Set<UserID> = []
    /// A call-back: rung when an agent is there, not before.
    let isCallback: Bool
    var offers = 0
    /// Since when nobody's phone rings for him, while none does.
    var inLineSince: Instant
    /// Time passed while nobody's did: the line's pace is counted by him.
    var hasWaited = false
    /// With `ring-progressively`: more phones that it is time for.
    var due = 0
    /// The place that he was told last.
    var toldPosition: Int?
    /// What his call's story said last of agents who were passed over.
    var toldPassedOver = ""
    /// What he demands, as of the last look; the widening timer looks again.
    var heading = CallerLine.Heading.open(Demand(penalty: .max, skill: 0, isCallback: false))
    /// Under which heading he stands in the line that has him.
    var standing: CallerLine.Heading?

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
        (self.isCallback, inLineSince) = (isCallback, entered.instant)
    }

    func waited(at now: Instant) -> Duration { now - entered.instant + carried }

    func updateHeading(at now: Instant) {
        if let preferred, let preferredUntil, now < preferredUntil {
            heading = .awaiting(preferred)
            return
        }
        let waited = waited(at: now)
        let settings = queue.settings
        heading = .open(
            Demand(
                penalty: settings.allowedPenalty(after: waited),
                skill: settings.demandedSkill(requiredSkill, after: waited),
                isCallback: isCallback
            )
        )
    }

    static func == (a: WaitingCaller, b: WaitingCaller) -> Bool { a === b }
    func hash(into hasher: inout Hasher) { hasher.combine(ObjectIdentifier(self)) }
}

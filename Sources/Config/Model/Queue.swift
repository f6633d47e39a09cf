/// Callers who wait for an agent. The rules are `ACD`'s; this is what the tenant's file says of one queue.
public struct Queue: Equatable, Sendable {
    public enum Strategy: String, CaseIterable, Sendable {
        case ringAll = "ring-all"
        case longestIdle = "longest-idle"
        case roundRobin = "round-robin"
        case fewestCalls = "fewest-calls"
        case leastTalkTime = "least-talk-time"
        case random
        case weightedRandom = "weighted-random"
        case skills
        case linear
        case ringProgressively = "ring-progressively"
    }

    /// Where a caller goes on.
    public struct Destination: Equatable, Sendable {
        public var dialPlan: String
        public var flow: String
    }

    public enum OnEmpty: Equatable, Sendable {
        case wait
        case refuse
        case leave(Destination)
    }

    /// Since when a short abandon's time counts: since the entry into the queue, or since the call's start, menus and prompts included.
    public enum AbandonStart: String, Equatable, Sendable, CaseIterable { case queue, call }

    public struct Agent: Equatable, Sendable {
        public var user: String
        public var penalty = 0
        public var skill = 0
        /// What the queue grants each, where it is another for him; nil: the queue's.
        public var wrapUp: Duration?
        public var noAnswerDelay: Duration?
        public var busyDelay: Duration?
        public var declineDelay: Duration?

        public init(user: String, penalty: Int = 0, skill: Int = 0, wrapUp: Duration? = nil) {
            (self.user, self.penalty, self.skill, self.wrapUp) = (user, penalty, skill, wrapUp)
        }
    }

    /// Where an agent is paused who missed too many calls.
    public enum MissesPause: String, Equatable, Sendable, CaseIterable { case all, queue }

    /// Which agents do not count as being there.
    public enum EmptyCause: String, CaseIterable, Sendable {
        case noAgents = "no-agents"
        case allPaused = "all-paused"
        case allBusy = "all-busy"
    }

    /// From this wait on agents of this penalty may be asked, or this skill is enough.
    public struct Widening: Equatable, Sendable {
        public var after: Duration
        public var penalty: Int?
        public var skill: Int?

        public init(after: Duration, penalty: Int?, skill: Int?) {
            (self.after, self.penalty, self.skill) = (after, penalty, skill)
        }
    }

    /// The agent who spoke with the caller last is waited for alone so long.
    public struct Sticky: Equatable, Sendable {
        public var remember: Duration = .seconds(86_400)
        public var wait: Duration = .seconds(30)

        public init(remember: Duration = .seconds(86_400), wait: Duration = .seconds(30)) {
            (self.remember, self.wait) = (remember, wait)
        }
    }

    /// How callers of this queue are called back.
    public struct CallingBack: Equatable, Sendable {
        /// Talks that are tried.
        public var attempts = 3
        /// From one that came to nothing to the next.
        public var retryAfter: Duration = .seconds(900)

        public init() {}
    }

    /// What the caller hears every so often while he waits.
    public struct PeriodicMessage: Equatable, Sendable {
        public var prompt: String
        public var every: Duration
    }

    public var name: String
    public var number: String?
    public var strategy: Strategy = .longestIdle
    public var ringTimeout: Duration = .seconds(15)
    /// With `ring-progressively` another phone begins to ring after each.
    public var ringStep: Duration = .seconds(10)
    public var wrapUp: Duration = .zero
    /// An agent who hangs up sooner after he was connected has served nobody.
    public var shortTalk: Duration = .seconds(1)
    public var maxWait: Duration?
    /// How long a caller waits while nobody is there; nil: as long as any other.
    public var maxWaitEmpty: Duration?
    /// Answered within so many seconds counts; the target in per cent.
    public var serviceLevelSeconds = 20
    public var serviceLevelTarget = 80
    /// Whoever leaves before this is a short abandon.
    public var abandonThreshold: Duration = .seconds(5)
    /// Since when that counts.
    public var abandonFrom: AbandonStart = .queue
    public var music: String?
    public var announcePosition: Duration?
    public var isRecorded = false
    public var agents: [Agent] = []
    public var onTimeout: Destination?
    public var onEmpty: OnEmpty = .wait
    public var emptyWhen: Set<EmptyCause> = [.noAgents]
    /// Where a caller goes who finds the queue full; nil: on with the plan.
    public var onFull: Destination?
    public var maxLength: Int?
    public var maxExpectedWait: Duration?
    /// Each point is worth ten seconds of waiting against the agents' other queues.
    public var weight = 0
    /// Rest after a call that was missed, found busy, declined.
    public var noAnswerDelay: Duration = .seconds(5)
    public var busyDelay: Duration = .seconds(10)
    public var declineDelay: Duration = .seconds(10)
    /// So many missed in a row pause the agent; nil never does.
    public var pauseAfterMisses: Int? = 3
    public var missesPause: MissesPause = .all
    /// In the order of `after`; empty: every penalty from the start.
    public var widening: [Widening] = []
    /// What a caller's agent must have at least, until `widening` lowers it.
    public var minimumSkill = 0
    public var sticky: Sticky?
    /// Whoever is cut off while he waits and calls again within this time has his place back; nil: nobody.
    public var resume: Duration?
    public var callingBack = CallingBack()
    public var announceWait = false
    /// Whoever stands where he stood when he was told last is told nothing.
    public var announcesImprovement = false
    public var messages: [PeriodicMessage] = []
    /// What the agent hears before he is connected.
    public var whisper: String?
    /// nil: the tenant's.
    public var language: String?
    /// Keys that lead a waiting caller elsewhere.
    public var exits: [String: Destination] = [:]

    public init(name: String) { self.name = name }
}

extension Queue {
    /// Where callers go on at once whom it does not let in, or lets wait for no time at all, with the key that says so.
    var overflows: [(key: String, destination: Destination)] {
        var found: [(key: String, destination: Destination)] = []
        if case .leave(let destination) = onEmpty { found.append(("on_empty", destination)) }
        if let onFull, maxLength != nil || maxExpectedWait != nil { found.append(("on_full", onFull)) }
        if let onTimeout, maxWait == .zero { found.append(("on_timeout", onTimeout)) }
        return found
    }

    /// The highest penalty of agents who may be asked for a caller who has waited so long.
    public func allowedPenalty(after waited: Duration) -> Int {
        guard widening.contains(where: { $0.penalty != nil }) else { return .max }
        return widening.filter { $0.after <= waited }.compactMap(\.penalty).max() ?? 0
    }

    /// The skill that an agent must have, for a caller who asks for `required` and has waited so long.
    public func demandedSkill(_ required: Int, after waited: Duration) -> Int {
        let demanded = max(required, minimumSkill)
        return widening.filter { $0.after <= waited }.compactMap(\.skill).min().map { min($0, demanded) } ?? demanded
    }

    /// When, counted from the entry, the next agents may be asked; nil: never.
    public func nextWidening(after waited: Duration) -> Duration? { widening.map(\.after).filter { $0 > waited }.min() }
}

public import Events
public import Timebase

/// What an agent's state, and a queue's expected wait, are put together from again after a restart.
extension Dispatcher {
    /// What outlives a restart: log-in, pause and the rest of a wrap-up.
    public struct AgentMemory: Equatable, Codable, Sendable {
        public var isLoggedIn: Bool
        /// The reason.
        public var pause: String?
        /// An extension.
        public var device: String
        public var isBlocked: Bool
        public var wrapUpQueue: String?
        /// On the wall clock.
        public var wrapUpEnds: WallTime?
        /// Milliseconds of a wrap-up whose clock stands still in a call of his own, or that will follow the queue's call that he is in: a
        /// crash is its end.
        public var wrapUpRemaining: Int64?
        /// Milliseconds that the queue grants of that wrap-up.
        public var wrapUpGranted: Int64?
        /// When the pause that lasts began, on the wall clock.
        public var pausedSince: WallTime?
        /// Milliseconds of that pause before a call that came in between.
        public var pauseUsed: Int64?
        /// Milliseconds of this shift's pauses that are over, by reason.
        public var pausesSpent: [String: Int64]?
        public var loggedOutSince: WallTime?
        /// Queues that leave him out, and why.
        public var pausedIn: [String: String]?
        /// What people see him in, and since when.
        public var state: AgentState?
        public var since: WallTime?

        public init(
            isLoggedIn: Bool,
            pause: String?,
            device: String,
            isBlocked: Bool = false,
            wrapUpQueue: String? = nil,
            wrapUpEnds: WallTime? = nil
        ) {
            (self.isLoggedIn, self.pause, self.device) = (isLoggedIn, pause, device)
            (self.isBlocked, self.wrapUpQueue, self.wrapUpEnds) = (isBlocked, wrapUpQueue, wrapUpEnds)
        }
    }

    /// As of the last turn.
    public func memory(of id: UserID) -> AgentMemory? {
        guard let agent = agents[id] else { return nil }
        var memory = AgentMemory(
            isLoggedIn: agent.isLoggedIn,
            pause: agent.pause,
            device: agent.device,
            isBlocked: agent.isBlocked,
            wrapUpQueue: agent.wrapUp?.queue.name,
            wrapUpEnds: agent.wrapUp?.ends.map { now.wall.advanced(by: $0 - now.instant) }
        )
        if let wrapUp = agent.wrapUp, wrapUp.ends == nil { memory.wrapUpRemaining = milliseconds(wrapUp.remaining) }
        memory.wrapUpGranted = agent.wrapUp.map { milliseconds($0.granted) }
        if agent.wrapUp == nil, let talk = agent.talk, talk.isConnected {
            memory.wrapUpQueue = talk.queue.name
            memory.wrapUpRemaining = milliseconds(wrapUp(of: agent, after: talk))
        }
        memory.pausedSince = agent.pauses.running?.since.map { now.wall.advanced(by: $0 - now.instant) }
        if let used = agent.pauses.running?.used, used > .zero { memory.pauseUsed = milliseconds(used) }
        memory.loggedOutSince = agent.pauses.loggedOut.map { now.wall.advanced(by: $0 - now.instant) }
        if !agent.pausedIn.isEmpty { memory.pausedIn = agent.pausedIn }
        if !agent.pauses.spent.isEmpty { memory.pausesSpent = agent.pauses.spent.mapValues(milliseconds) }
        (memory.state, memory.since) = (agent.state, agent.toldSince.wall)
        return memory
    }

    /// What the expected wait of a queue is reckoned from: times in seconds, counts as `WaitForecast` has them.
    public struct QueueMemory: Equatable, Codable, Sendable {
        var handling: Double
        var ringing: Double
        var answers: Double
        var agentSeconds: Double
        var losses: Double
        var callerSeconds: Double
        var recent: Double?
    }

    /// nil: there is no such queue.
    public func memory(of id: QueueID) -> QueueMemory? { queues[id]?.forecast.memory }

    /// Puts back what `memory(of:)` gave before the restart; queues that are no more are passed over.
    public func restore(_ memories: [QueueID: QueueMemory]) {
        for (id, memory) in memories { queues[id]?.forecast.restore(memory) }
    }

    private static let longestMemory: Duration = .seconds(7 * 86_400)

    /// The instant at which the wall clock showed this; a clock that was set back in between makes it now.
    private func instant(_ wall: WallTime) -> Instant {
        let passed = Duration.milliseconds(max(0, now.wall.milliseconds - wall.milliseconds))
        return now.instant + (.zero - min(passed, Self.longestMemory))
    }

    /// Puts back what `memory(of:)` gave before the restart; agents who are no users any more are passed over.
    public func restore(_ memories: [UserID: AgentMemory], at moment: Moment) -> [Action] {
        now = moment
        for (id, memory) in memories.sorted(by: { $0.key < $1.key }) {
            guard let agent = agents[id] else { continue }
            agent.isLoggedIn = memory.isLoggedIn
            agent.pause = memory.pause
            sit(agent, at: memory.device)
            agent.isBlocked = memory.isBlocked
            let left = memory.wrapUpRemaining ?? memory.wrapUpEnds.map { $0.milliseconds - now.wall.milliseconds } ?? 0
            if let queue = memory.wrapUpQueue, left > 0 {
                let length = Duration.milliseconds(min(left, 86_400_000))
                let granted = memory.wrapUpGranted.map { Duration.milliseconds($0) }
                beginWrapUp(agent, queue: QueueID(tenant: id.tenant, name: queue), for: length, granted: granted)
            }
            agent.pauses.spent = (memory.pausesSpent ?? [:]).mapValues { .milliseconds($0) }
            agent.pauses.loggedOut = memory.loggedOutSince.map(instant)
            if let reason = memory.pause, let used = memory.pauseUsed {
                agent.pauses.restore(reason, used: .milliseconds(used))
            }
            for member in agent.memberships { mark(member, as: memory.pausedIn?[member.queue.id.name]) }
            refresh(agent, always: true)
            if let since = memory.pausedSince {
                agent.pauses.backdate(to: instant(since))
                watchPause(of: agent)
            }
            // What goes on has lasted since it began.
            let since = agent.state == .paused ? memory.pausedSince ?? memory.since : memory.since
            if let since, agent.state == .paused || agent.state == memory.state {
                agent.toldSince = Moment(instant: instant(since), wall: min(since, now.wall))
            }
        }
        return finish()
    }
}

public import Events
public import Timebase

/// What an agent's state is put together from again after a restart.
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
        let left = agent.wrapUp.map { $0.ends.map { $0 - now.instant } ?? $0.remaining }
        return AgentMemory(
            isLoggedIn: agent.isLoggedIn,
            pause: agent.pause,
            device: agent.device,
            isBlocked: agent.isBlocked,
            wrapUpQueue: agent.wrapUp?.queue.name,
            wrapUpEnds: left.map { now.wall.advanced(by: $0) }
        )
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
            if let queue = memory.wrapUpQueue, let ends = memory.wrapUpEnds, ends > now.wall {
                let left = Duration.milliseconds(min(ends.milliseconds - now.wall.milliseconds, 86_400_000))
                beginWrapUp(agent, queue: QueueID(tenant: id.tenant, name: queue), for: left)
            }
            refresh(agent)
        }
        return finish()
    }
}

public import Events
public import Timebase

/// What may be looked at, and what must hold.
extension Dispatcher {
    public struct AgentView: Sendable {
        public var id: UserID
        public var state: AgentState
        public var reason: String?
        public var since: Moment
        public var queues: [String]
        public var currentCall: CallID?
        public var device: String
        public var isLoggedIn: Bool
        /// A pause that begins after the call.
        public var pendingPause: String?
    }

    public struct QueueView: Sendable {
        public var id: QueueID
        public var waiting: Int
        public var longestWait: Duration
        public var available: Int
        public var busy: Int
        public var paused: Int
        public var expectedWait: Duration?
    }

    public struct CallerView: Sendable {
        public var queue: QueueID
        public var waited: Duration
        public var ringing: [UserID]
        public var position: Int
    }

    /// Users who are in a queue or logged in.
    public func agentViews() -> [AgentView] {
        agents.values.filter { !$0.memberships.isEmpty || $0.isLoggedIn }.map(view).sorted {
            ($0.id.tenant.name, $0.id.number) < ($1.id.tenant.name, $1.id.number)
        }
    }

    public func agentView(_ id: UserID) -> AgentView? { agents[id].map(view) }

    private func view(_ agent: Agent) -> AgentView {
        AgentView(
            id: agent.id,
            state: agent.state,
            reason: agent.state == .paused ? agent.pause : nil,
            since: agent.toldSince,
            queues: agent.memberships.map(\.queue.id.name),
            currentCall: (agent.talk ?? agent.offer)?.call ?? agent.ownCalls.sorted().first,
            device: agent.device,
            isLoggedIn: agent.isLoggedIn,
            pendingPause: agent.state == .paused ? nil : agent.pause
        )
    }

    public func queueViews(at moment: Moment) -> [QueueView] {
        queues.values.map { queue in
            let states = queue.members.values.map(\.agent.state)
            let waits = (queue.waiting.entries + queue.offered.entries).compactMap { callers[$0.member] }
            return QueueView(
                id: queue.id,
                waiting: queue.length,
                longestWait: waits.map { $0.waited(at: moment.instant) }.max() ?? .zero,
                available: states.count { $0 == .available },
                busy: states.count { $0 == .onCall || $0 == .wrapUp || $0 == .ringing },
                paused: states.count { $0 == .paused },
                expectedWait: queue.expectedWait(position: queue.length + 1)
            )
        }.sorted { ($0.id.tenant.name, $0.id.name) < ($1.id.tenant.name, $1.id.name) }
    }

    public func caller(_ call: CallID, at moment: Moment) -> CallerView? {
        guard let waiter = callers[call] else { return nil }
        return CallerView(
            queue: waiter.queue.id,
            waited: waiter.waited(at: moment.instant),
            ringing: waiter.ringing.keys.sorted { $0.number < $1.number },
            position: waiter.queue.position(of: call) ?? 0
        )
    }

    /// Calls that a queue holds or an agent talks in: what the watchdog compares with the calls that live.
    public var knownCalls: Set<CallID> { Set(callers.keys).union(talking.keys) }

    /// Broken invariants, in words; none in a sound switch.
    public func faults() -> [String] {
        var faults: [String] = []
        for queue in queues.values {
            for call in queue.waiting.ordered {
                guard let caller = callers[call] else {
                    faults.append("\(queue.id): \(call) waits and is nobody's")
                    continue
                }
                for id in queue.free.ordered {
                    guard let member = queue.members[id], mayTake(member, caller) else { continue }
                    faults.append("\(queue.id): \(call) waits while \(id) is free")
                }
            }
            for (_, id) in queue.free.entries where agents[id]?.isFree != true {
                faults.append("\(queue.id): \(id) stands among the free and is not")
            }
            for (_, call) in queue.offered.entries where callers[call]?.ringing.isEmpty ?? true {
                faults.append("\(queue.id): \(call) is offered to nobody")
            }
        }
        for agent in agents.values {
            if let offer = agent.offer, callers[offer.call]?.ringing[agent.id] == nil {
                faults.append("\(agent.id) rings for \(offer.call), who is gone")
            }
            if agent.offer != nil, agent.talk != nil { faults.append("\(agent.id) rings and talks") }
            if let talk = agent.talk, talking[talk.call] != agent.id {
                faults.append("\(agent.id) talks in \(talk.call), which is not his")
            }
            if agent.told != agent.state { faults.append("\(agent.id) is \(agent.state) and was told \(agent.told)") }
        }
        for (call, id) in talking where agents[id]?.talk?.call != call {
            faults.append("\(call) is talked in by \(id), who does not")
        }
        return faults
    }
}

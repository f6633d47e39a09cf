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
        /// Of those, which leave him out, and why.
        public var pausedIn: [String: String]
        public var currentCall: CallID?
        /// Whose call rings, is talked in, or is wrapped up.
        public var queue: String?
        public var device: String
        public var isLoggedIn: Bool
        /// A pause that begins after the call.
        public var pendingPause: String?
        /// A log-out that begins after the call and its wrap-up.
        public var hasPendingLogOut: Bool
        public var isWrappingUp: Bool
        /// The limits of pauses that he is over.
        public var exceeded: Set<PauseLimit>
    }

    public struct QueueView: Sendable {
        public var id: QueueID
        /// On the line.
        public var waiting: Int
        /// Places of callers who are to be called back.
        public var callbacks: Int
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
            pausedIn: agent.pausedIn,
            currentCall: agent.subject.call,
            queue: agent.subject.queue,
            device: agent.device,
            isLoggedIn: agent.isLoggedIn,
            pendingPause: agent.state == .paused ? nil : agent.pause,
            hasPendingLogOut: !agent.isLoggedIn && (agent.talk != nil || agent.wrapUp != nil),
            isWrappingUp: agent.wrapUp != nil,
            exceeded: agent.pauses.running?.exceeded ?? []
        )
    }

    public func queueViews(at moment: Moment) -> [QueueView] {
        let introduced = Dictionary(grouping: callersBeingIntroduced) { $0.queue.id }
        return queues.values.map { queue in
            let inLine = (queue.waiting.callers + queue.offered.callers).filter { !$0.isCallback }
            let waits = inLine + (introduced[queue.id] ?? [])
            return QueueView(
                id: queue.id,
                waiting: waits.count,
                callbacks: queue.callbacks,
                longestWait: waits.map { $0.waited(at: moment.instant) }.max() ?? .zero,
                available: queue.staff.available,
                busy: queue.staff.busy + queue.staff.ringing,
                paused: queue.staff.paused,
                expectedWait: queue.expectedWait(position: queue.length + 1)
            )
        }.sorted { ($0.id.tenant.name, $0.id.name) < ($1.id.tenant.name, $1.id.name) }
    }

    /// Whose agents hear whose call it is: out of the line, and still waiting.
    private var callersBeingIntroduced: [WaitingCaller] {
        talking.values.joined().compactMap { agents[$0]?.talk }.filter { !$0.isConnected }.compactMap(\.caller)
    }

    /// How many callers a queue holds.
    public func waiting(in queue: QueueID) -> Int { queues[queue]?.length ?? 0 }

    public func caller(_ call: CallID, at moment: Moment) -> CallerView? {
        guard let waiter = callers[call] else { return nil }
        return CallerView(
            queue: waiter.queue.id,
            waited: waiter.waited(at: moment.instant),
            ringing: waiter.ringing.keys.sorted(by: <),
            position: waiter.queue.position(of: waiter)
        )
    }

    /// Calls that a queue holds or that keep an agent busy: what the watchdog compares with the calls that live.
    public var knownCalls: Set<CallID> {
        Set(callers.keys).union(talking.keys).union(engagements.keys.map(\.call))
    }
}

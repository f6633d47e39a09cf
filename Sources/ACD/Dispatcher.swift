import Config
public import Events
public import Timebase

/// Queues and agents of every tenant: who is offered whose call. Sans-IO: calls and agents' doings in, actions out.
///
/// Whatever changes ends in `schedule`, so that a free eligible agent and an eligible waiting caller never outlive one call of
/// this class together. An agent has one offer or one queue's call at a time, whatever queues he serves.
public final class Dispatcher {
    public enum Action: Equatable, Sendable {
        /// Ring the agent's device for this caller.
        case offer(CallID, queue: QueueID, agent: UserID, device: String)
        /// Stop ringing him at once.
        case withdraw(CallID, agent: UserID, OfferResult)
        /// The caller is to go elsewhere.
        case leave(CallID, queue: QueueID, QueueOutcome)
        /// The caller may be told where he stands.
        case announce(CallID, queue: QueueID, position: Int, expectedWait: Duration?)
        case publish(Event, tenant: TenantID, call: CallID?)
    }

    enum TimerKey: Hashable, Sendable {
        case rest(UserID), wrapUp(UserID), pauseLimit(UserID)
        case empty(QueueID)
        case ring(CallID, UserID), joining(CallID), longest(CallID), announcement(CallID), widening(CallID)
    }

    /// A call that runs at a device.
    struct DeviceCall: Hashable {
        var device: UserID
        var call: CallID
    }

    /// What repeats, or asks the same agent again, never does so faster, whatever the configuration says.
    static let shortestPace: Duration = .seconds(1)

    var queues: [QueueID: QueueLine] = [:]
    var agents: [UserID: Agent] = [:]
    var callers: [CallID: WaitingCaller] = [:]
    /// Calls of queues that are being talked in, by the agent who has them: by two, while one hands the party on to the other.
    var talking: [CallID: [UserID]] = [:]
    /// Who is kept busy by which call at which device: whoever sat there when it began.
    var engagements: [DeviceCall: UserID] = [:]
    /// Devices with a phone, as the registrar told.
    var reachableDevices: Set<UserID> = []
    /// What agents may pause for.
    var pauseReasons: [TenantID: [PauseReason]] = [:]
    /// Who is logged in at a device that is not his own.
    var visitors: [UserID: UserID] = [:]
    /// How many more phones the switch can ring, while it is short of what that takes (media ports); nil: as many as it likes.
    var room: Int?
    var timers = TimerQueue<TimerKey>()
    var now: Moment
    private var random: any RandomNumberGenerator & Sendable
    private var actions: [Action] = []
    private var order: UInt64 = 0
    /// Agents who may take somebody now, and callers who may be taken: what `schedule` looks at.
    var freed: [Agent] = []
    var changed: [WaitingCaller] = []

    public init(generator: any RandomNumberGenerator & Sendable, now: Moment) {
        (random, self.now) = (generator, now)
    }

    // MARK: time

    public func nextDeadline() -> Instant? { timers.nextDeadline }

    public func fire(at moment: Moment) -> [Action] {
        now = moment
        while let key = timers.popDue(now: now.instant) {
            switch key {
            case .rest(let id):
                guard let agent = agents[id] else { continue }
                agent.restsUntil = nil
                refresh(agent, always: true)
            case .wrapUp(let id): if let agent = agents[id] { endWrapUp(agent) }
            case .pauseLimit(let id): if let agent = agents[id] { pauseLimitReached(agent) }
            case .empty(let id): if let queue = queues[id] { clear(queue) }
            case .ring(let call, let id): if let agent = agents[id] { missed(call, agent, .noAnswer) }
            case .joining(let call): ringAnother(for: call)
            case .longest(let call): eject(call, .timeout)
            case .announcement(let call): announce(call)
            case .widening(let call): widen(call)
            }
        }
        return finish()
    }

    // MARK: bookkeeping

    func emit(_ action: Action) { actions.append(action) }

    func publish(_ event: Event, _ tenant: TenantID, call: CallID? = nil) {
        actions.append(.publish(event, tenant: tenant, call: call))
    }

    func nextOrder() -> UInt64 {
        order &+= 1
        return order
    }

    func draw(below count: Int64) -> Int64 { Int64.random(in: 0..<max(1, count), using: &random) }

    /// Ends a turn: whoever can be brought together is.
    func finish() -> [Action] {
        schedule()
        defer { actions = [] }
        return actions
    }

    /// Tells of a changed state, and puts the agent where the free ones stand, or takes him out.
    func refresh(_ agent: Agent, always: Bool = false) {
        let state = agent.state
        let reason = state == .paused ? agent.pause : nil
        let isNew =
            state != agent.told || reason != agent.toldReason || agent.device != agent.toldDevice
            || agent.spokenCall != agent.toldCall
        if isNew { tell(of: agent, state, reason) }
        if !agent.awaitedBy.isEmpty, !agent.isAwaitable { release(agent) }
        guard isNew || always else { return }
        for member in agent.memberships {
            if member.isFree {
                member.queue.free.insert(member, member.queue.rank(of: member))
            } else {
                member.queue.free.remove(member)
            }
        }
        if agent.isFree { freed.append(agent) }
        if agent.isDismissed, agent.talk == nil, agent.ownCalls.isEmpty {
            timers.stop(.pauseLimit(agent.id))
            agents[agent.id] = nil
        }
    }

    private func tell(of agent: Agent, _ state: AgentState, _ reason: String?) {
        // A phone that rang for somebody who went away was no work: his place among the idle stays.
        if state == .available, agent.told != .available, agent.told != .ringing { agent.idleSince = now.instant }
        for member in agent.memberships where state != agent.told {
            count(member, as: member.standing(as: state), before: member.standing(as: agent.told))
        }
        let subject = agent.subject
        publish(
            .agentChanged(
                AgentChanged(
                    agent: agent.id.number,
                    state: state,
                    reason: reason,
                    queue: subject.queue,
                    device: agent.device,
                    grantedMilliseconds: state == .wrapUp ? agent.wrapUp.map { milliseconds($0.granted) } : nil
                )
            ),
            agent.id.tenant,
            call: subject.call
        )
        if state != agent.told || reason != agent.toldReason {
            agent.toldSince = now
            agent.pauses.enter(state, pause: agent.pause, now: now.instant)
            watchPause(of: agent)
        }
        (agent.told, agent.toldReason, agent.toldDevice) = (state, reason, agent.device)
        agent.toldCall = agent.spokenCall
    }

    func count(_ member: Membership, as state: AgentState, before: AgentState) {
        guard state != before else { return }
        member.queue.observe(at: now.instant)
        member.queue.staff.add(before, -1)
        member.queue.staff.add(state, 1)
        watchEmptiness(of: member.queue)
    }

    func milliseconds(_ duration: Duration) -> Int64 { duration.wholeNanoseconds / 1_000_000 }
}

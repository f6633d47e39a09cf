import Config
public import Calls
public import ACD
public import DialPlan
public import Events
import SIP
public import Timebase

/// Queues and agents, as supervisors and the registrar see them.
extension Engine {
    // MARK: reachability

    /// An agent whose phone is gone is unreachable, at once.
    func follow(_ event: Event, of tenant: TenantID?) {
        let user: String
        switch event {
        case .registered(let change), .unregistered(let change), .registrationExpired(let change): user = change.user
        default: return
        }
        guard let tenant else { return }
        tellReachability(of: UserID(tenant: tenant, number: user))
    }

    func tellReachability(of device: UserID) {
        let isReachable = !registrar.bindings(for: device, now: now.instant).isEmpty
        calls.dispatch { $0.reachable(isReachable, device: device, at: now) }
    }

    func tellReachability() {
        // In order: a seed replays a run.
        for (id, tenant) in configuration.tenants.sorted(by: { $0.key < $1.key }) {
            for number in tenant.users.keys.sorted() { tellReachability(of: UserID(tenant: id, number: number)) }
        }
    }

    // MARK: what supervisors ask

    public func agentViews() -> [Dispatcher.AgentView] { calls.acd.agentViews() }
    public func queueViews(at moment: Moment) -> [Dispatcher.QueueView] { calls.acd.queueViews(at: moment) }

    /// What agents were before the restart.
    public func restore(_ memories: [UserID: Dispatcher.AgentMemory], at moment: Moment) {
        enter(moment)
        defer { settle() }
        // Before that, or whoever is free would be unreachable in between, and free since now.
        tellReachability()
        calls.dispatch { $0.restore(memories, at: now) }
        for agent in memories.keys where calls.acd.memory(of: agent) == nil { calls.remember(agent) }
    }

    /// What the queues knew of their pace.
    public func restore(_ memories: [QueueID: Dispatcher.QueueMemory], at moment: Moment) {
        enter(moment)
        defer { settle() }
        calls.acd.restore(memories)
        for queue in memories.keys where calls.acd.memory(of: queue) == nil { calls.remember(queue) }
    }

    /// Who was to be called back at the end of the last run.
    public func restore(_ callbacks: [CallbackChanged], of tenant: TenantID, at moment: Moment) {
        enter(moment)
        defer { settle() }
        calls.restore(callbacks, of: tenant)
    }

    /// Nobody is called back any more for this wish; whose it was.
    @discardableResult
    public func cancelCallback(_ id: String, tenant name: String?, at moment: Moment) throws(Refusal) -> TenantID {
        enter(moment)
        defer { settle() }
        let tenant = name == nil ? nil : try chooseTenant(name).id
        guard let owner = calls.cancelCallback(id, of: tenant) else {
            throw Refusal(
                code: "no-such-callback",
                what: "no callback \(id) is open",
                mend: "see: gudok callbacks"
            )
        }
        return owner
    }

    /// The invariants that tests check, checked in production: what is wrong is mended and told.
    public func watch(at moment: Moment) -> Mending {
        enter(moment)
        defer { settle() }
        return calls.mend()
    }

    /// The recorder is done with a recording.
    public func recordingEnded(_ number: UInt64, at moment: Moment, _ end: (String) -> RecordingEnded) {
        enter(moment)
        defer { settle() }
        calls.recordingEnded(number, end)
    }

    /// What is said from now on is silence in the call's recording, or is heard in it again.
    public func pauseRecording(
        of call: CallID,
        tenant name: String?,
        _ isPaused: Bool,
        at moment: Moment
    ) throws(Refusal) {
        enter(moment)
        defer { settle() }
        let isTheirs = name == nil || calls.tenant(of: call)?.name == name
        guard !isTheirs || !calls.pauseRecording(of: call, isPaused) else { return }
        guard isTheirs, calls.isUp(call) else {
            throw Refusal(code: "no-such-call", what: "no call \(call) is up", mend: "see: gudok calls")
        }
        throw Refusal(
            code: "not-recording",
            what: "call \(call) has no recording that \(isPaused ? "runs" : "is paused")",
            mend: "see: gudok recordings --call \(call)"
        )
    }

    /// What a URL said about a call.
    public func answered(_ call: CallID, _ steps: [Step]?, at moment: Moment) {
        enter(moment)
        defer { settle() }
        calls.answered(call, steps)
    }
}

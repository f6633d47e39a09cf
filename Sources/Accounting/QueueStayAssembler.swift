public import Events
import Timebase

/// Folds the events of queues into stays. Sans-IO; holds the calls that live, and the talks whose wrap-up goes on.
///
/// Durations come from the monotonic clock, stamps are the call's start on the wall clock and the monotonic time since.
public struct QueueStayAssembler: Sendable {
    /// A stay of an earlier run whose talk is over, and whose agent had not done with it when that run ended.
    public struct Unsettled: Equatable, Sendable {
        public var stay: QueueStay
        /// What the agent's ledger has of his wrap-up.
        public var wrapUpMilliseconds: Int64
        /// The call in which the talk ended.
        public var talkedIn: String

        public init(stay: QueueStay, wrapUpMilliseconds: Int64, talkedIn: String) {
            (self.stay, self.wrapUpMilliseconds, self.talkedIn) = (stay, wrapUpMilliseconds, talkedIn)
        }
    }

    public enum Output: Equatable, Sendable {
        /// The caller began to wait.
        case opened(QueueStay)
        /// An agent took him.
        case answered(QueueStay)
        /// The wait ended unanswered, or the talk is over. Told again when more is known: who hung up, how long the wrap-up was.
        case closed(QueueStay)
        case missed(MissedOffer)
    }

    private struct Story: Sendable {
        var began: Moment
        /// A call whose start was not seen: forgotten with its stay, as its end may not come either.
        var isPart = false
        var lastEntered = Int64.min

        func stamp(_ moment: Moment) -> Int64 {
            began.wall.advanced(by: moment.instant - began.instant).milliseconds
        }
    }

    private struct Live: Sendable {
        var stay: QueueStay
        /// The one that it goes on in, be it another by now than the stay began in.
        var call: CallID
        var entered: Instant
        var connected: Instant?
        /// The two speak: of a call-back when who is called has answered, else as soon as they are connected.
        var talking: Instant?
        var hold = HoldClock()
    }

    /// A stay that is over, and of which more will be known.
    private struct Settling: Sendable {
        var stay: QueueStay
        var ended: Instant
        var awaitsCall = true
        var awaitsAgent = false
        var wrapUp: Duration = .zero
        var wrappingSince: Instant?
        /// By the queue; nil until it begins.
        var granted: Int64?
    }

    private struct StayKey: Hashable, Sendable {
        var call: CallID
        var entered: Int64
    }

    private var stories: [CallID: Story] = [:]
    private var waiting: [CallID: Live] = [:]
    private var talks: [AgentKey: Live] = [:]
    /// Whose talks a call has: two, while one agent hands the party on to the other.
    private var talkers: [CallID: [AgentKey]] = [:]
    private var settling: [StayKey: Settling] = [:]
    private var lastOfCall: [CallID: StayKey] = [:]
    private var wrapping: [AgentKey: StayKey] = [:]
    /// Agents of the last run's stays who have said nothing in this one yet.
    private var unheard: Set<AgentKey> = []

    public init() {}

    /// Stays that are not over, and those of which more will be known.
    public var count: Int { waiting.count + talks.count + settling.count }

    public mutating func apply(_ envelope: EventEnvelope) -> [Output] {
        guard let tenant = envelope.tenant else { return [] }
        let at = envelope.at
        if case .agentChanged(let change) = envelope.event { return changed(change, tenant, at) }
        guard let call = envelope.call else { return [] }
        switch envelope.event {
        case .callStarted: stories[call] = Story(began: at)
        case .queueEntered(let entry): return [enter(entry, call, at)]
        case .queueOfferEnded(let end): return offerEnded(end, call, at)
        case .queueLeft(let left): return leave(left, call, tenant, at)
        case .queueTalkMoved(let move): return follow(move, to: call, tenant)
        case .queueTalkEnded(_, let agent):
            let key = AgentKey(tenant: tenant, agent: agent)
            return talks[key]?.call == call ? endTalk(of: key, at) : []
        case .callAnswered:
            for agent in talkers[call] ?? [] where talks[agent]?.talking == nil { talks[agent]?.talking = at.instant }
        case .callHeld(let leg):
            for agent in talkers[call] ?? [] where talks[agent]?.talking != nil {
                talks[agent]?.hold.begin(leg, at.instant)
            }
        case .callResumed(let leg):
            for agent in talkers[call] ?? [] { talks[agent]?.hold.end(leg, at.instant) }
        case .callEnded(let end): return callEnded(end, call, tenant, at)
        default: break
        }
        return []
    }

    // MARK: the wait

    private mutating func enter(_ entry: QueueEntered, _ call: CallID, _ at: Moment) -> Output {
        var story = stories[call] ?? Story(began: at, isPart: true)
        // Two stays of a call never begin in the same millisecond: the beginning tells them apart.
        let entered = max(story.stamp(at), story.lastEntered == .min ? .min : story.lastEntered + 1)
        story.lastEntered = entered
        stories[call] = story
        var stay = QueueStay(
            callID: call.value,
            queue: entry.queue,
            number: entry.number,
            enteredMilliseconds: entered
        )
        (stay.priority, stay.position) = (entry.priority, entry.position)
        stay.carriedMilliseconds = entry.carriedMilliseconds
        waiting[call] = Live(stay: stay, call: call, entered: at.instant)
        return .opened(stay)
    }

    private mutating func offerEnded(_ end: QueueOfferEnded, _ call: CallID, _ at: Moment) -> [Output] {
        if end.result == .answered {
            waiting[call]?.stay.ringMilliseconds = end.rangMilliseconds
            return []
        }
        let missed = MissedOffer(
            callID: call.value,
            queue: end.queue,
            agent: end.agent,
            atMilliseconds: stories[call]?.stamp(at) ?? at.wall.milliseconds,
            result: end.result,
            rangMilliseconds: end.rangMilliseconds
        )
        return [.missed(missed)] + comeBack(call, end.agent)
    }

    /// Of who had answered, that was no answer: the stay goes on.
    private mutating func comeBack(_ call: CallID, _ agent: String) -> [Output] {
        guard let key = talkers[call]?.first(where: { $0.agent == agent }), var back = takeTalk(of: key) else {
            return []
        }
        (back.connected, back.talking, back.hold) = (nil, nil, HoldClock())
        (back.stay.outcome, back.stay.agent) = (nil, nil)
        (back.stay.waitMilliseconds, back.stay.ringMilliseconds) = (nil, nil)
        back.stay.connectedMilliseconds = nil
        waiting[call] = back
        return [.opened(back.stay)]
    }

    private mutating func leave(_ end: QueueLeft, _ call: CallID, _ tenant: TenantID, _ at: Moment) -> [Output] {
        guard var left = waiting.removeValue(forKey: call) else { return [] }
        left.stay.outcome = end.outcome
        left.stay.offers = end.offers
        left.stay.waitMilliseconds = (at.instant - left.entered).wholeMilliseconds
        let stamp = left.stay.enteredMilliseconds + (left.stay.waitMilliseconds ?? 0)
        guard end.outcome == .answered || end.outcome == .calledBack, let agent = end.agent else {
            left.stay.endedMilliseconds = stamp
            if end.outcome.isFlowOut { left.stay.callerHungUp = false }
            // Of a caller who is gone, the call's end says whether he hung up or the switch did.
            return settle(left, at.instant, awaitsCall: !end.outcome.isFlowOut, agent: nil) + [.closed(left.stay)]
        }
        left.stay.agent = agent
        left.stay.connectedMilliseconds = stamp
        left.connected = at.instant
        if end.outcome == .answered { left.talking = at.instant }
        let key = AgentKey(tenant: tenant, agent: agent)
        var outputs = endTalk(of: key, at)
        if let before = wrapping[key] { outputs += endWrapUp(before, key, at.instant) }
        keep(left, of: key)
        return outputs + [.answered(left.stay)]
    }

    // MARK: the talk

    private mutating func keep(_ talk: Live, of key: AgentKey) {
        talks[key] = talk
        talkers[talk.call, default: []].append(key)
    }

    private mutating func takeTalk(of key: AgentKey) -> Live? {
        guard let talk = talks.removeValue(forKey: key) else { return nil }
        talkers[talk.call]?.removeAll { $0 == key }
        if talkers[talk.call]?.isEmpty ?? false { talkers[talk.call] = nil }
        return talk
    }

    /// The agent goes on in another call with whoever was handed on to him there: it is one stay.
    private mutating func follow(_ move: QueueTalkMoved, to call: CallID, _ tenant: TenantID) -> [Output] {
        let key = AgentKey(tenant: tenant, agent: move.agent)
        guard talks[key]?.call == move.from, var talk = takeTalk(of: key) else { return [] }
        talk.call = call
        talk.stay.number = move.number
        keep(talk, of: key)
        return [.answered(talk.stay)]
    }

    private mutating func endTalk(of key: AgentKey, _ at: Moment) -> [Output] {
        guard var talk = takeTalk(of: key), let connected = talk.connected else { return [] }
        // The ringing and the busy tone of whoever is called back are no talk.
        let length = talk.talking.map { (at.instant - $0).wholeMilliseconds } ?? 0
        talk.stay.talkMilliseconds = length
        talk.stay.holdMilliseconds = min(length, talk.hold.total(at: at.instant).wholeMilliseconds)
        let end = (talk.stay.connectedMilliseconds ?? 0) + (at.instant - connected).wholeMilliseconds
        talk.stay.endedMilliseconds = end
        return settle(talk, at.instant, awaitsCall: true, agent: key) + [.closed(talk.stay)]
    }

    private mutating func settle(
        _ live: Live,
        _ ended: Instant,
        awaitsCall: Bool,
        agent: AgentKey?
    ) -> [Output] {
        let isPart = stories[live.call]?.isPart ?? true
        if isPart { stories[live.call] = nil }
        let key = StayKey(call: CallID(live.stay.callID), entered: live.stay.enteredMilliseconds)
        let rest = Settling(stay: live.stay, ended: ended, awaitsCall: awaitsCall && !isPart, awaitsAgent: agent != nil)
        guard rest.awaitsCall || rest.awaitsAgent else { return [] }
        settling[key] = rest
        if let agent { wrapping[agent] = key }
        guard rest.awaitsCall else { return [] }
        // The call went on after the stay before: who hangs up in this one said nothing of that.
        let outputs = settleCall(live.call) { _ in false }
        lastOfCall[live.call] = key
        return outputs
    }

    private mutating func callEnded(_ end: CallEnded, _ call: CallID, _ tenant: TenantID, _ at: Moment) -> [Output] {
        var outputs: [Output] = []
        for agent in talkers[call] ?? [] { outputs += endTalk(of: agent, at) }
        if let open = waiting[call] {
            let left = QueueLeft(
                queue: open.stay.queue,
                outcome: end.hangupBy == .caller ? .abandoned : .closed,
                waitMilliseconds: 0,
                agent: nil,
                offers: open.stay.offers
            )
            outputs += leave(left, call, tenant, at)
        }
        stories[call] = nil
        return outputs
            + settleCall(call) { rest in
                // Whoever is called back is the callee of that call.
                let caller: Party = rest.stay.outcome == .calledBack ? .callee : .caller
                // A call that went on after this talk was hung up in another one.
                return rest.ended == at.instant && end.hangupBy == caller
            }
    }

    private mutating func settleCall(_ call: CallID, isHangup: (Settling) -> Bool) -> [Output] {
        guard let key = lastOfCall.removeValue(forKey: call), var rest = settling[key] else { return [] }
        rest.stay.callerHungUp = isHangup(rest)
        rest.awaitsCall = false
        settling[key] = rest.awaitsAgent ? rest : nil
        return [.closed(rest.stay)]
    }

    // MARK: the wrap-up

    /// The wrap-up goes on where the earlier run left it, if it does: the agent's next word tells.
    public mutating func restore(_ unsettled: Unsettled, of tenant: TenantID) {
        guard let agent = unsettled.stay.agent else { return }
        let key = StayKey(call: CallID(unsettled.stay.callID), entered: unsettled.stay.enteredMilliseconds)
        // When the talk ended matters to who waits for the call's end alone.
        var rest = Settling(stay: unsettled.stay, ended: Instant(nanoseconds: 0), awaitsCall: false, awaitsAgent: true)
        rest.wrapUp = .milliseconds(unsettled.wrapUpMilliseconds)
        settling[key] = rest
        wrapping[AgentKey(tenant: tenant, agent: agent)] = key
        unheard.insert(AgentKey(tenant: tenant, agent: agent))
    }

    /// Whoever goes on with his wrap-up has said so by now. Of the others it was over when the last run ended, or while nothing ran; or they
    /// are no users any more.
    public mutating func settleUnheard() -> [(tenant: TenantID, output: Output)] {
        defer { unheard = [] }
        return unheard.sorted { ($0.tenant.name, $0.agent) < ($1.tenant.name, $1.agent) }.flatMap { agent in
            let outputs = wrapping[agent].map { endWrapUp($0, agent, Instant(nanoseconds: 0)) } ?? []
            return outputs.map { (agent.tenant, $0) }
        }
    }

    private mutating func changed(_ change: AgentChanged, _ tenant: TenantID, _ at: Moment) -> [Output] {
        let agent = AgentKey(tenant: tenant, agent: change.agent)
        unheard.remove(agent)
        var outputs: [Output] = []
        if let talk = talks[agent] {
            if change.state == .onCall, change.queue == talk.stay.queue { return [] }
            outputs += endTalk(of: agent, at)
        }
        guard let key = wrapping[agent], var rest = settling[key] else { return outputs }
        if change.state == .wrapUp, change.queue == rest.stay.queue {
            if rest.wrappingSince == nil { rest.wrappingSince = at.instant }
            rest.granted = change.grantedMilliseconds ?? rest.granted
            settling[key] = rest
        } else if change.state == .onCall && change.queue == nil || change.state == .blocked {
            // A call of his own interrupts it, a block hides it: the rest comes after that.
            if let since = rest.wrappingSince { rest.wrapUp += at.instant - since }
            rest.wrappingSince = nil
            settling[key] = rest
        } else {
            outputs += endWrapUp(key, agent, at.instant)
        }
        return outputs
    }

    private mutating func endWrapUp(_ key: StayKey, _ agent: AgentKey, _ now: Instant) -> [Output] {
        wrapping[agent] = nil
        guard var rest = settling[key] else { return [] }
        if let since = rest.wrappingSince { rest.wrapUp += now - since }
        rest.wrappingSince = nil
        let length = rest.wrapUp.wholeMilliseconds
        rest.stay.wrapUpMilliseconds = length
        rest.stay.extendedMilliseconds = max(0, length - (rest.granted ?? length))
        rest.awaitsAgent = false
        settling[key] = rest.awaitsCall ? rest : nil
        return [.closed(rest.stay)]
    }
}

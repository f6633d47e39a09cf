public import Events
import Timebase

/// A talk of an agent past the queues: in a call that he made or took himself.
public struct OwnTalk: Codable, Equatable, Sendable {
    public var agent: String
    public var callID: String
    /// Milliseconds since 1970.
    public var beganMilliseconds: Int64
    /// nil while it lasts.
    public var talkMilliseconds: Int64?

    public init(agent: String, callID: String, beganMilliseconds: Int64, talkMilliseconds: Int64? = nil) {
        (self.agent, self.callID) = (agent, callID)
        (self.beganMilliseconds, self.talkMilliseconds) = (beganMilliseconds, talkMilliseconds)
    }

    public enum CodingKeys: String, CodingKey, CaseIterable, Sendable {
        case agent
        case callID = "call_id"
        case beganMilliseconds = "began_ms"
        case talkMilliseconds = "talk_ms"
    }
}

/// Folds the events of legs and of agents into talks past the queues. Sans-IO; holds the calls that live.
///
/// An agent talks while a leg of his and another one of the call are answered, and his state is a call of his own: a phone that only
/// rings is no talk, nor is what follows after his leg or passes while he holds the other or hands it on, and what he says in a queue's
/// call is the queue's talk (`QueueStay`). Stamps are made as for stays.
public struct OwnTalkAssembler: Sendable {
    private struct Leg: Sendable {
        /// nil: no user's.
        var agent: AgentKey?
        var isAnswered = false
        var holds = false
        /// The party that it spoke with is on its way to somebody else.
        var handsOn = false
    }

    private struct Talk: Sendable {
        var began: Int64
        var since: Instant
        /// By legs of his own: whom he holds he does not speak with.
        var hold = HoldClock()
    }

    private struct Live: Sendable {
        var began: Moment
        /// Those that are up.
        var legs: [Int: Leg] = [:]
        var talks: [AgentKey: Talk] = [:]

        func isTalk(of agent: AgentKey) -> Bool {
            let answered = legs.values.filter { $0.isAnswered && !$0.handsOn }
            return answered.count > 1 && answered.contains { $0.agent == agent }
        }
    }

    private var live: [CallID: Live] = [:]
    /// The calls with a leg of theirs that is up.
    private var calls: [AgentKey: Set<CallID>] = [:]
    /// Whose state is a call of their own.
    private var engaged: Set<AgentKey> = []
    /// Who works at a device that is not his own.
    private var visitors: [AgentKey: AgentKey] = [:]
    private var devices: [AgentKey: AgentKey] = [:]

    public init() {}

    /// Calls that have not ended.
    public var count: Int { live.count }

    /// The talks that began or ended.
    public mutating func apply(_ envelope: EventEnvelope) -> [OwnTalk] {
        guard let tenant = envelope.tenant else { return [] }
        if case .agentChanged(let change) = envelope.event { return changed(change, tenant, envelope.at) }
        guard let call = envelope.call else { return [] }
        switch envelope.event {
        case .callStarted(let start):
            live[call] = Live(began: envelope.at)
            add(0, start.user, to: call, tenant)
        case .legStarted(let leg): add(leg.leg, leg.user, to: call, tenant)
        case .legAnswered(let leg, _):
            live[call]?.legs[leg]?.isAnswered = true
            return weigh(call, envelope.at)
        case .callHeld(let leg): hold(leg, true, in: call, envelope.at)
        case .callResumed(let leg): hold(leg, false, in: call, envelope.at)
        case .transferStarted(let start):
            live[call]?.legs[start.leg]?.handsOn = true
            return weigh(call, envelope.at)
        case .transferEnded(let end) where !end.isDone:
            live[call]?.legs[end.leg]?.handsOn = false
            return weigh(call, envelope.at)
        case .legEnded(let end):
            guard let leg = live[call]?.legs.removeValue(forKey: end.leg) else { break }
            defer { forget(leg.agent, in: call) }
            return leg.isAnswered ? weigh(call, envelope.at) : []
        case .callEnded:
            guard let legs = live[call]?.legs.values else { break }
            live[call]?.legs = [:]
            defer {
                for leg in legs { forget(leg.agent, in: call) }
                live[call] = nil
            }
            return weigh(call, envelope.at)
        default: break
        }
        return []
    }

    private mutating func hold(_ leg: Int, _ holds: Bool, in call: CallID, _ at: Moment) {
        live[call]?.legs[leg]?.holds = holds
        guard let agent = live[call]?.legs[leg]?.agent else { return }
        if holds {
            live[call]?.talks[agent]?.hold.begin(leg, at.instant)
        } else {
            live[call]?.talks[agent]?.hold.end(leg, at.instant)
        }
    }

    private mutating func add(_ leg: Int, _ user: String?, to call: CallID, _ tenant: TenantID) {
        // Whoever sits there when it begins has it until it ends.
        let agent = user.map { AgentKey(tenant: tenant, agent: $0) }.map { visitors[$0] ?? $0 }
        live[call]?.legs[leg] = Leg(agent: agent)
        if let agent, live[call] != nil { calls[agent, default: []].insert(call) }
    }

    private mutating func forget(_ agent: AgentKey?, in call: CallID) {
        guard let agent, !(live[call]?.legs.values.contains { $0.agent == agent } ?? false) else { return }
        calls[agent]?.remove(call)
        if calls[agent]?.isEmpty ?? false { calls[agent] = nil }
    }

    private mutating func changed(_ change: AgentChanged, _ tenant: TenantID, _ at: Moment) -> [OwnTalk] {
        let agent = AgentKey(tenant: tenant, agent: change.agent)
        sit(agent, at: AgentKey(tenant: tenant, agent: change.device))
        if change.state == .onCall, change.queue == nil { engaged.insert(agent) } else { engaged.remove(agent) }
        return (calls[agent] ?? []).sorted().compactMap { weigh($0, agent, at) }
    }

    private mutating func sit(_ agent: AgentKey, at device: AgentKey) {
        let before = devices[agent] ?? agent
        guard before != device else { return }
        if visitors[before] == agent { visitors[before] = nil }
        devices[agent] = device == agent ? nil : device
        if device != agent { visitors[device] = agent }
    }

    private mutating func weigh(_ call: CallID, _ at: Moment) -> [OwnTalk] {
        guard let story = live[call] else { return [] }
        let agents = Set(story.legs.values.compactMap(\.agent)).union(story.talks.keys)
        return agents.sorted { $0.agent < $1.agent }.compactMap { weigh(call, $0, at) }
    }

    /// Begins or ends a talk, as what is true now wants it.
    private mutating func weigh(_ call: CallID, _ agent: AgentKey, _ at: Moment) -> OwnTalk? {
        guard let story = live[call] else { return nil }
        let isTalk = engaged.contains(agent) && story.isTalk(of: agent)
        if let talk = story.talks[agent] {
            guard !isTalk else { return nil }
            live[call]?.talks[agent] = nil
            return OwnTalk(
                agent: agent.agent,
                callID: call.value,
                beganMilliseconds: talk.began,
                talkMilliseconds: (at.instant - talk.since - talk.hold.total(at: at.instant)).wholeMilliseconds
            )
        }
        guard isTalk else { return nil }
        let began = story.began.wall.advanced(by: at.instant - story.began.instant).milliseconds
        var talk = Talk(began: began, since: at.instant)
        for (index, leg) in story.legs where leg.agent == agent && leg.holds { talk.hold.begin(index, at.instant) }
        live[call]?.talks[agent] = talk
        return OwnTalk(agent: agent.agent, callID: call.value, beganMilliseconds: began)
    }
}

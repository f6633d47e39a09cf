import Config
import Events
import Timebase

/// One operator's working state. It is derived from what is true of him, so that no state can be stuck: each fact has one
/// owner that takes it back (docs/agents.md has the table of moves).
///
/// | fact | who takes it back |
/// | --- | --- |
/// | logged in | the operator, a supervisor |
/// | paused | the operator, a supervisor |
/// | reachable | the registrar |
/// | offered | the call: answer, refusal, hang-up, or the ring time-out |
/// | in a queue's call, in calls of his own | the call's end |
/// | wrap-up | its timer, the operator |
/// | resting after a miss | its timer |
final class Agent {
    struct WrapUp {
        var queue: QueueID
        /// nil while a call of his own interrupts it: it is never shortened.
        var ends: Instant?
        var remaining: Duration
        /// What the queue grants: beyond that somebody has extended it.
        var granted: Duration
    }

    struct Engagement: Equatable {
        var call: CallID
        var queue: QueueID
        var since: Instant
        /// Of a talk: how long his phone rang for it.
        var rang = Duration.zero
        /// Of a talk: false while he hears whose call it is, and has the caller not yet.
        var isConnected = true
        /// What the queue grants after it, should it be gone by then.
        var wrapUp = Duration.zero
        /// Of a talk: who goes back to his place when the agent is gone at once.
        var caller: WaitingCaller?
    }

    /// The call that a state is about, and the queue whose call it is.
    struct Subject: Equatable {
        var call: CallID?
        var queue: String?
    }

    let id: UserID
    var isLoggedIn = false
    /// The reason of a pause that is wanted; it begins when the call and its wrap-up are over.
    var pause: String?
    /// The registrar's word on his device.
    var isReachable = false
    var isBlocked = false
    /// No user any more: forgotten as soon as he talks no more.
    var isDismissed = false
    /// Whose phone rings for him (hot desk); his own extension's unless he logged in elsewhere.
    var device: String
    var offer: Engagement?
    var talk: Engagement?
    /// Calls of his own: direct and outgoing ones.
    var ownCalls: Set<CallID> = []
    var wrapUp: WrapUp?
    var restsUntil: Instant?
    var pauses = PauseClock()
    var missesInARow = 0
    var idleSince = Instant(nanoseconds: 0)
    var handled = 0
    var talked: Duration = .zero
    var memberships: [Membership] = []
    /// Callers who wait for him alone (sticky).
    var awaitedBy: Set<CallID> = []
    /// What was last told of him.
    var told = AgentState.loggedOut
    var toldDevice: String
    var toldReason: String?
    var toldCall: Subject?
    var toldSince: Moment

    init(id: UserID, now: Moment) {
        self.id = id
        device = id.number
        toldDevice = id.number
        toldSince = now
    }

    /// One state at every moment; the first that fits.
    var state: AgentState {
        if isBlocked, talk == nil { return .blocked }
        guard isLoggedIn || talk != nil || offer != nil || wrapUp != nil else { return .loggedOut }
        if talk != nil || !ownCalls.isEmpty { return .onCall }
        if offer != nil { return .ringing }
        if wrapUp != nil { return .wrapUp }
        if pause != nil { return .paused }
        return isReachable ? .available : .unreachable
    }

    var subject: Subject {
        if let engagement = talk ?? offer { return Subject(call: engagement.call, queue: engagement.queue.name) }
        return Subject(call: ownCalls.min(), queue: state == .wrapUp ? wrapUp?.queue.name : nil)
    }

    /// The call that he speaks in: another one is another time of his.
    var spokenCall: Subject? { state == .onCall ? subject : nil }

    var isFree: Bool { state == .available && restsUntil == nil }

    /// Queues that leave him out, and why.
    var pausedIn: [String: String] {
        let places = memberships.compactMap { member in member.pause.map { (member.queue.id.name, $0) } }
        return Dictionary(places) { first, _ in first }
    }

    /// Whether a caller may wait for him alone: whatever he does now, he comes back to it by himself.
    var isAwaitable: Bool { isLoggedIn && pause == nil && isReachable && !isBlocked }
}

/// An agent's place in one queue.
final class Membership: Hashable {
    unowned let agent: Agent
    unowned let queue: QueueLine
    /// What the queue's list says of him.
    var terms: Queue.Agent
    /// The place in the queue's list.
    var order: Int
    /// Why this queue leaves him out, while he serves his others; nil: it does not.
    var pause: String?
    /// Of this queue's calls.
    var missesInARow = 0
    /// The level of skill under which he stands among the free; nil: he does not stand there.
    var freeLevel: Int?
    /// When he was last offered a call of this queue: round-robin's memory.
    var lastOffered: UInt64 = 0
    /// Calls of this queue that he took, and how long they lasted.
    var handled = 0
    var talked: Duration = .zero

    init(agent: Agent, queue: QueueLine, terms: Queue.Agent, order: Int) {
        (self.agent, self.queue, self.terms, self.order) = (agent, queue, terms, order)
    }

    /// Whether this queue may ask him now.
    var isFree: Bool { agent.isFree && pause == nil }

    /// As what the queue counts him, when he is told to be this.
    func standing(as told: AgentState) -> AgentState { told == .available && pause != nil ? .paused : told }

    var penalty: Int { terms.penalty }
    var skill: Int { terms.skill }
    /// After each call of the queue.
    var wrapUp: Duration { terms.wrapUp ?? queue.settings.wrapUp }

    /// How long he is left alone after a call that he did not take.
    func rest(after result: OfferResult) -> Duration {
        let settings = queue.settings
        return switch result {
        case .noAnswer, .dropped: terms.noAnswerDelay ?? settings.noAnswerDelay
        case .declined: terms.declineDelay ?? settings.declineDelay
        case .busy, .unavailable, .answered, .elsewhere, .withdrawn: terms.busyDelay ?? settings.busyDelay
        }
    }

    static func == (a: Membership, b: Membership) -> Bool { a === b }
    func hash(into hasher: inout Hasher) { hasher.combine(ObjectIdentifier(self)) }
}

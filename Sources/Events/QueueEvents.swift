/// How an agent stands, at every moment in exactly one of these (docs/agents.md).
public enum AgentState: String, Codable, Sendable, CaseIterable {
    case loggedOut = "logged-out", available, ringing, onCall = "on-call", wrapUp = "wrap-up", paused, unreachable,
        blocked
}

/// How a caller's wait ended.
public enum QueueOutcome: String, Codable, Sendable, CaseIterable {
    case answered
    /// An agent has the call-back whose turn it was: nobody waited on the line.
    case calledBack = "called-back"
    /// The caller hung up.
    case abandoned
    /// The longest wait was over.
    case timeout
    /// Nobody was there to wait for.
    case empty
    /// As many waited as may, or the expected wait was too long.
    case full
    /// The caller chose to be called back.
    case callback
    /// The caller pressed a key that leads out.
    case key
    /// Somebody's word sent the caller elsewhere, or he gave his place to another.
    case transferred
    /// The queue is no more.
    case closed
    /// The switch ended: closed at the next start.
    case restart = "engine-restart"

    /// Whether the caller was sent elsewhere, neither answered nor gone.
    public var isFlowOut: Bool {
        switch self {
        case .answered, .calledBack, .abandoned, .restart: false
        case .timeout, .empty, .full, .callback, .key, .transferred, .closed: true
        }
    }
}

/// How one ringing of one agent ended.
public enum OfferResult: String, Codable, Sendable, CaseIterable {
    case answered, noAnswer = "no-answer", busy, declined, unavailable
    /// He answered, and was gone before he spoke with the caller: what his answer told of is taken back.
    case dropped
    /// Another agent answered.
    case elsewhere
    /// The caller was gone, or the agent was taken out.
    case withdrawn
}

public struct QueueEntered: Codable, Equatable, Sendable {
    public var queue: String
    public var number: String
    public var priority: Int
    /// 1: next.
    public var position: Int
    /// Waited in queues before this one.
    public var carriedMilliseconds: Int64

    public init(queue: String, number: String, priority: Int, position: Int, carriedMilliseconds: Int64) {
        (self.queue, self.number, self.priority, self.position) = (queue, number, priority, position)
        self.carriedMilliseconds = carriedMilliseconds
    }
}

public struct QueueOfferEnded: Codable, Equatable, Sendable {
    public var queue: String
    public var agent: String
    public var result: OfferResult
    /// Of one that was dropped: the time since his answer.
    public var rangMilliseconds: Int64

    public init(queue: String, agent: String, result: OfferResult, rangMilliseconds: Int64) {
        (self.queue, self.agent, self.result, self.rangMilliseconds) = (queue, agent, result, rangMilliseconds)
    }
}

public struct QueueLeft: Codable, Equatable, Sendable {
    public var queue: String
    public var outcome: QueueOutcome
    /// From the entry to this end, waits in queues before it included.
    public var waitMilliseconds: Int64
    public var agent: String?
    /// How many phones rang for the caller.
    public var offers: Int

    public init(queue: String, outcome: QueueOutcome, waitMilliseconds: Int64, agent: String?, offers: Int) {
        (self.queue, self.outcome, self.waitMilliseconds) = (queue, outcome, waitMilliseconds)
        (self.agent, self.offers) = (agent, offers)
    }
}

public struct QueueTalkMoved: Codable, Equatable, Sendable {
    public var queue: String
    public var agent: String
    /// The call of whoever waited in the queue, and hands the party on.
    public var from: CallID
    /// The party's.
    public var number: String

    public init(queue: String, agent: String, from: CallID, number: String) {
        (self.queue, self.agent, self.from, self.number) = (queue, agent, from, number)
    }
}

public struct AgentChanged: Codable, Equatable, Sendable {
    public var agent: String
    public var state: AgentState
    /// Of a pause.
    public var reason: String?
    /// Whose call rings, is talked in, or is wrapped up.
    public var queue: String?
    public var device: String
    /// Of a wrap-up: for so long it lasts where nobody extends it or ends it early.
    public var grantedMilliseconds: Int64?

    public init(
        agent: String,
        state: AgentState,
        reason: String?,
        queue: String?,
        device: String,
        grantedMilliseconds: Int64? = nil
    ) {
        (self.agent, self.state, self.reason, self.queue, self.device) = (agent, state, reason, queue, device)
        self.grantedMilliseconds = grantedMilliseconds
    }
}

public struct RecordingStarted: Codable, Equatable, Sendable {
    public var id: String
    /// Below the tenant's folder of recordings.
    public var file: String
    /// Why it is recorded: `queue sales`, `plan`.
    public var policy: String
    /// Whose talk it is of; nil: past the queues.
    public var queue: String?
    /// Our users who speak in it, by extension.
    public var agents: [String]?

    public init(id: String, file: String, policy: String, queue: String? = nil, agents: [String]? = nil) {
        (self.id, self.file, self.policy) = (id, file, policy)
        (self.queue, self.agents) = (queue, agents)
    }
}

/// Why an answered call has no recording.
public enum NotRecorded: String, Codable, Sendable, CaseIterable {
    /// Nobody was connected with the caller: menus, queues, prompts.
    case noTalk = "no-talk"
    /// Neither the plan nor a queue, an agent or a direction wants it.
    case noPolicy = "no-policy"
    /// The plan says `record: false`.
    case plan
    /// It is not among the share of calls that are recorded.
    case share
    /// A side speaks what the switch only passes on.
    case codec
    /// It failed before anything was written.
    case failed
    case engineRestart = "engine-restart"
}

public struct RecordingEnded: Codable, Equatable, Sendable {
    public var id: String
    public var isComplete: Bool
    /// What went wrong, when something did.
    public var fault: String?
    public var milliseconds: Int64
    public var octets: Int64
    /// SHA-256 of the file, hexadecimal.
    public var digest: String?
    /// Packets of both sides that never came, or too late, and are silence in the file; nil: nobody counted to the end.
    public var lostFrames: Int64?

    /// It failed before anything was written: there is nothing to be heard.
    public var isEmpty: Bool { !isComplete && milliseconds == 0 }

    public init(
        id: String,
        isComplete: Bool,
        fault: String? = nil,
        milliseconds: Int64,
        octets: Int64,
        digest: String?
    ) {
        (self.id, self.isComplete, self.fault) = (id, isComplete, fault)
        (self.milliseconds, self.octets, self.digest) = (milliseconds, octets, digest)
    }
}

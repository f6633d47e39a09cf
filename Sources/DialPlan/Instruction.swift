public import Events

/// What the interpreter wants done next.
public enum Instruction: Equatable, Sendable {
    /// Connect the caller (200), unless he is; answer `.done`.
    case answer
    /// Tell the caller that it rings (180), unless he is connected; answer `.done`.
    case ringing
    /// Connect the caller and send his voice back until he hangs up.
    case echo
    /// Ring somebody; answer `.dialled` when that is decided, with `.answered` only once the talk is over.
    case dial(DialRequest)
    /// Connect the caller, and play these prompts; answer `.done`.
    case play([String])
    /// Connect the caller, and say a value from recorded pieces; answer `.done`.
    case say(Step.Say.Kind, String)
    /// Connect the caller, play prompts and take down keys; answer `.input`.
    case ask(Ask)
    /// Wait for an agent; answer `.queued` once the wait is over, with `.answered` only once the talk is over.
    case queue(QueueRequest)
    /// Change the working state of the agent at the caller's phone, or of the one who logs in there with this PIN; answer `.done`.
    case agent(Step.AgentStep, as: AgentClaim?)
    /// What time it is in a zone (nil: the tenant's); answer `.time`.
    case localTime(String?)
    /// Begin or end recording what is said from here on; answer `.done`.
    case record(Bool)
    /// Ask a URL what to do next; answer `.steps`.
    case http(url: String, timeout: Duration)
    /// Keep a place in a queue, and ring this number when it is its turn; answer `.callback`.
    case callback(queue: String, number: String)
    /// Let the caller into somebody's talk, until either is over; answer `.done` when he may not.
    case supervise(SupervisionRequest)
    /// Let the caller, a user who is not connected yet, take the call that rings longest at one of these users; answer `.dialled`
    /// when he cannot.
    case pickup([String])
    /// Keep a party that is handed on in a slot, or let the caller take who waits there; answer `.dialled` when neither can be.
    case park(ParkRequest)
    /// The plan is over.
    case hangup(HangupCause)
    /// The plan is over: no rule takes this number. The call ends with 404.
    case noRoute
}

/// What becomes of a wish to be called back.
public enum CallbackAnswer: String, CaseIterable, Equatable, Sendable {
    case accepted
    /// He is to be called back there already, and keeps that place.
    case known
    /// There is no number that could be called, or too many wait.
    case refused
}

/// How the instruction went.
public enum StepResult: Equatable, Sendable {
    case done
    case dialled(DialOutcome)
    /// The keys that were pressed; empty: none in time.
    case input(String)
    case queued(QueueOutcome)
    /// Whether the caller will be called back.
    case callback(CallbackAnswer)
    case time(LocalTime)
    /// What the URL said; nil: nothing usable in time.
    case steps([Step]?)
    /// The wait in a queue ended so, and goes on in a flow that the queue names.
    case jump(DialPlan, flow: String, after: QueueOutcome)
}

/// Who somebody at another's phone says that he is.
public struct AgentClaim: Equatable, Sendable {
    public var user: String
    public var pin: String

    public init(user: String, pin: String) { (self.user, self.pin) = (user, pin) }
}

/// Keys to be taken down, while prompts are played or after them.
public struct Ask: Equatable, Sendable {
    public var prompts: [String]
    public var maximum: Int
    /// How long the next key is waited for, once the prompts are over.
    public var timeout: Duration
    /// Ends the input; empty: none does.
    public var terminator: String
    /// Keys that nobody else is to read: they are told as `•`.
    public var isSecret = false

    public init(prompts: [String], maximum: Int, timeout: Duration, terminator: String) {
        (self.prompts, self.maximum, self.timeout, self.terminator) = (prompts, maximum, timeout, terminator)
    }
}

public struct QueueRequest: Equatable, Sendable {
    public var queue: String
    public var priority: Int
    public var skill: Int

    public init(queue: String, priority: Int = 0, skill: Int = 0) {
        (self.queue, self.priority, self.skill) = (queue, priority, skill)
    }
}

public struct DialRequest: Equatable, Sendable {
    public var target: DialTarget
    /// How long it may ring.
    public var timeout: Duration
    /// Another will be tried when nothing is heard of this one.
    public var hasAlternative: Bool
    /// The number that a trunk is to be shown, where it takes it; nil: the caller's.
    public var callerID: String?

    public init(target: DialTarget, timeout: Duration, hasAlternative: Bool = false, callerID: String? = nil) {
        (self.target, self.timeout, self.hasAlternative) = (target, timeout, hasAlternative)
        self.callerID = callerID
    }
}

public enum DialTarget: Hashable, Sendable, CustomStringConvertible {
    /// A user of the tenant, by extension.
    case user(String)
    case trunk(String, number: String)
    /// Several users at once.
    case group([String])

    public var description: String {
        switch self {
        case .user(let number): "user \(number)"
        case .trunk(let name, let number): "trunk \(name) \(number)"
        case .group(let numbers): "group \(numbers.joined(separator: " "))"
        }
    }
}

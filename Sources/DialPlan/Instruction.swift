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
    /// The plan is over.
    case hangup(HangupCause)
    /// The plan is over: it reached a step that is known but not built yet. The call ends with 501.
    case unsupported(String)
    /// The plan is over: no rule takes this number. The call ends with 404.
    case noRoute
}

/// How the instruction went.
public enum StepResult: Equatable, Sendable {
    case done
    case dialled(DialOutcome)
}

public struct DialRequest: Equatable, Sendable {
    public var target: DialTarget
    /// How long it may ring.
    public var timeout: Duration

    public init(target: DialTarget, timeout: Duration) { (self.target, self.timeout) = (target, timeout) }
}

public enum DialTarget: Hashable, Sendable, CustomStringConvertible {
    /// A user of the tenant, by extension.
    case user(String)
    case trunk(String, number: String)

    public var description: String {
        switch self {
        case .user(let number): "user \(number)"
        case .trunk(let name, let number): "trunk \(name) \(number)"
        }
    }
}

/// One decision of a run, for `gudok why` and the call's trace.
public enum TrailEntry: Equatable, Sendable {
    /// The rule that took the call; `line` is its line in the plan's file.
    case routed(match: String, line: Int)
    /// A step, in the plan's own words (`dial user 1002`).
    case step(String, line: Int)
    /// What a step found (`dial_result is busy`).
    case note(String, line: Int)
}

public import Events

extension Step {
    /// Lets the caller into an operator's talk: a supervisor's feature code.
    public struct Supervise: Equatable, Sendable {
        public var mode: SupervisionMode
        /// The operator's extension.
        public var agent: Template

        public init(mode: SupervisionMode, agent: Template) { (self.mode, self.agent) = (mode, agent) }
    }
}

/// Whose talk, and how far.
public struct SupervisionRequest: Equatable, Sendable {
    public enum Subject: Equatable, Sendable {
        /// The call that this operator talks in now.
        case agent(String)
        case call(CallID)
    }

    public var mode: SupervisionMode
    public var subject: Subject

    public init(mode: SupervisionMode, subject: Subject) { (self.mode, self.subject) = (mode, subject) }
}

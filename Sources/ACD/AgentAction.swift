/// What may be done to an agent's working state, by the names that the command line, the API and the audit log have for it.
public enum AgentAction: String, CaseIterable, Sendable {
    case login, logout, pause, unpause, block, unblock
    case endWrapUp = "end-wrap-up"
    case extendWrapUp = "extend-wrap-up"

    /// What may be said with one.
    public enum Option: String, CaseIterable, Sendable { case device, reason, queue, seconds }

    public var options: Set<Option> {
        switch self {
        case .login: [.device]
        case .pause: [.reason, .queue]
        case .unpause: [.queue]
        case .extendWrapUp: [.seconds]
        case .logout, .endWrapUp, .block, .unblock: []
        }
    }

    /// The first of what is given that it does not take: nothing is read and then passed over.
    public func firstRefused(of given: [Option: Bool]) -> Option? {
        Option.allCases.first { given[$0] == true && !options.contains($0) }
    }
}

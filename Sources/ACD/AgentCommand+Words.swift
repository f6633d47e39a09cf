import Events

extension Dispatcher.AgentCommand {
    public var action: AgentAction {
        switch self {
        case .logIn: .login
        case .logOut: .logout
        case .pause, .pauseIn: .pause
        case .unpause, .unpauseIn: .unpause
        case .endWrapUp: .endWrapUp
        case .extendWrapUp: .extendWrapUp
        case .block: .block
        case .unblock: .unblock
        }
    }

    /// Stable: as the audit log and the command line have it.
    public var name: String { action.rawValue }
}

extension Dispatcher.AgentView {
    /// For people: `paused (lunch)`, `on-call, then paused (lunch)`, `on-call, then logged-out`, `available at 1005`.
    public var summary: String {
        var text = state.rawValue + (reason.map { " (\($0))" } ?? "")
        if device != id.number { text += " at \(device)" }
        if hasPendingLogOut { text += ", then logged-out" }
        for (queue, reason) in pausedIn.sorted(by: { $0.key < $1.key }) { text += ", paused in \(queue) (\(reason))" }
        if let pendingPause { text += ", then paused (\(pendingPause))" }
        return text
    }
}

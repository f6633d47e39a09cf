import ACD
import Config
import DialPlan
import Events

/// Feature codes of agents: log-in, pauses and wrap-up from their own phones.
extension Call {
    func changeAgent(_ step: Step.AgentStep) {
        guard let user else {
            publish(.note("a caller who is no user has no working state"))
            return tell(["not-allowed"])
        }
        // Whoever works at this phone now, which need not be its own user (hot desk).
        let agent = core.acd.occupant(of: UserID(tenant: tenant.id, number: user))
        let (command, prompt) = command(of: step, for: agent)
        let before = core.acd.agentView(agent)?.summary
        guard core.acd.isLoggedIn(agent) || command.isLogIn else {
            note(command, of: agent, before: before, refusal: "not logged in")
            return tell(["not-allowed"])
        }
        core.perform(command, by: agent)
        note(command, of: agent, before: before, refusal: nil)
        tell([prompt])
    }

    private func command(of step: Step.AgentStep, for agent: UserID) -> (Dispatcher.AgentCommand, String) {
        let logIn = (Dispatcher.AgentCommand.logIn(device: nil), "logged-in")
        let logOut = (Dispatcher.AgentCommand.logOut, "logged-out")
        let reason = step.reason ?? tenant.pauseReasons.first ?? "break"
        let pause = (Dispatcher.AgentCommand.pause(reason: reason), "paused")
        let unpause = (Dispatcher.AgentCommand.unpause, "unpaused")
        switch step.change {
        case .login: return logIn
        case .logout: return logOut
        case .toggleLogin: return core.acd.isLoggedIn(agent) ? logOut : logIn
        case .pause: return pause
        case .unpause: return unpause
        case .togglePause: return core.acd.isPaused(agent) ? unpause : pause
        }
    }

    private func note(_ command: Dispatcher.AgentCommand, of agent: UserID, before: String?, refusal: String?) {
        if let refusal { publish(.note("agent \(agent.number): \(refusal)")) }
        publish(
            .audited(
                AuditedAct(
                    by: AuditedAct.Actor(.sip, user ?? from),
                    "agent.\(command.name)",
                    "agent \(agent.number)",
                    tenant: tenant.id,
                    outcome: refusal == nil ? .done : .refused,
                    before: before,
                    after: refusal == nil ? core.acd.agentView(agent)?.summary : nil,
                    detail: refusal
                )
            )
        )
    }
}

extension Dispatcher.AgentCommand {
    fileprivate var isLogIn: Bool { if case .logIn = self { true } else { false } }
}

import ACD
import Config
import DialPlan
import Events
import Timebase

/// Feature codes of agents: log-in, pauses and wrap-up from their own phones, and log-in at another's.
extension Call {
    func changeAgent(_ step: Step.AgentStep, as claim: AgentClaim?) {
        guard let user else {
            publish(.note("a caller who is no user has no working state"))
            return tell(["not-allowed"])
        }
        let device = UserID(tenant: tenant.id, number: user)
        // Whoever works at this phone now, which need not be its own user (hot desk).
        let occupant = claim.map { UserID(tenant: tenant.id, number: $0.user) } ?? core.acd.occupant(of: device)
        let agent = occupant ?? device
        let (command, prompt) = command(of: step, for: agent, at: claim == nil ? nil : user, isHere: occupant != nil)
        let before = core.acd.agentView(agent)
        // Whoever uses the phone that an agent has left does not act for him; he may come back to it.
        if occupant == nil, command != .logIn(device: nil) {
            note(command, of: agent, before: before, refusal: "works at another phone")
            return tell(["not-allowed"])
        }
        if let claim, let refusal = refusal(of: claim, agent) {
            note(command, of: agent, before: before, refusal: refusal)
            return tell(["wrong-pin"])
        }
        if let refusal = refusal(of: command, before) {
            note(command, of: agent, before: before, refusal: refusal)
            return tell(["not-allowed"])
        }
        core.perform(command, by: agent)
        note(command, of: agent, before: before, refusal: nil)
        tell([prompt])
    }

    private func refusal(of claim: AgentClaim, _ agent: UserID) -> String? {
        let user = core.surroundings?.tenant(tenant.id)?.users[claim.user]
        switch core.logIns.check(claim.pin, of: user, agent, now: now.instant) {
        case .right: return nil
        case .wrong: return user?.pin == nil ? "there is no such user, or he has no pin" : "wrong pin"
        case .barred: return "too many wrong pins: not asked for \(LogInGuard.pause)"
        }
    }

    private func refusal(of command: Dispatcher.AgentCommand, _ view: Dispatcher.AgentView?) -> String? {
        switch command {
        case .logIn: nil
        case .endWrapUp, .extendWrapUp: view?.isWrappingUp ?? false ? nil : "not in wrap-up"
        case .logOut, .pause, .unpause, .block, .unblock: view?.isLoggedIn ?? false ? nil : "not logged in"
        }
    }

    private func command(
        of step: Step.AgentStep,
        for agent: UserID,
        at device: String?,
        isHere: Bool
    ) -> (Dispatcher.AgentCommand, String) {
        let logIn = (Dispatcher.AgentCommand.logIn(device: device, by: device == nil ? nil : id), "logged-in")
        let logOut = (Dispatcher.AgentCommand.logOut, "logged-out")
        let reason = step.reason ?? core.acd.pauseReason(of: agent)
        let pause = (Dispatcher.AgentCommand.pause(reason: reason), "paused")
        let unpause = (Dispatcher.AgentCommand.unpause, "unpaused")
        switch step.change {
        case .login: return logIn
        case .logout: return logOut
        case .toggleLogin: return isHere && core.acd.isLoggedIn(agent) ? logOut : logIn
        case .pause: return pause
        case .unpause: return unpause
        case .togglePause: return core.acd.isPaused(agent) ? unpause : pause
        case .endWrapUp: return (.endWrapUp, "wrap-up-ended")
        case .extendWrapUp: return (.extendWrapUp(step.more), "wrap-up-extended")
        }
    }

    private func note(
        _ command: Dispatcher.AgentCommand,
        of agent: UserID,
        before: Dispatcher.AgentView?,
        refusal: String?
    ) {
        if let refusal { publish(.note("agent \(agent.number): \(refusal)")) }
        publish(
            .audited(
                AuditedAct(
                    by: AuditedAct.Actor(.sip, user ?? from),
                    "agent.\(command.name)",
                    "agent \(agent.number)",
                    tenant: tenant.id,
                    outcome: refusal == nil ? .done : .refused,
                    before: before?.summary,
                    after: refusal == nil ? core.acd.agentView(agent)?.summary : nil,
                    detail: refusal
                )
            )
        )
    }
}

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
        let change = step.change.settled(
            isLoggedIn: occupant != nil && core.acd.isLoggedIn(agent),
            isPaused: core.acd.isPaused(agent)
        )
        let command = command(change, of: step, for: agent, at: claim == nil ? nil : user)
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
        if let refusal = refusal(of: command, before) ?? refusal(of: command, by: agent) {
            note(command, of: agent, before: before, refusal: refusal)
            return tell(["not-allowed"])
        }
        core.perform(command, by: agent)
        note(command, of: agent, before: before, refusal: nil)
        tell([change.prompt])
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
        case .logOut, .pause, .unpause, .pauseIn, .unpauseIn, .block, .unblock:
            view?.isLoggedIn ?? false ? nil : "not logged in"
        }
    }

    /// Some pauses are a supervisor's to give, to himself as well.
    private func refusal(of command: Dispatcher.AgentCommand, by agent: UserID) -> String? {
        guard case .pause(let reason) = command, let tenant = core.surroundings?.tenant(tenant.id),
            tenant.pauseReason(reason)?.grantedBy == .supervisor,
            tenant.users[agent.number]?.role.maySupervise != true
        else { return nil }
        return "a pause for '\(reason)' is a supervisor's to give"
    }

    private func command(
        _ change: Step.AgentStep.Change,
        of step: Step.AgentStep,
        for agent: UserID,
        at device: String?
    ) -> Dispatcher.AgentCommand {
        switch change {
        case .login, .toggleLogin: .logIn(device: device, by: device == nil ? nil : id)
        case .logout: .logOut
        case .pause, .togglePause: .pause(reason: step.reason ?? core.acd.pauseReason(of: agent))
        case .unpause: .unpause
        case .endWrapUp: .endWrapUp
        case .extendWrapUp: .extendWrapUp(step.more)
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

public import ACD
import Calls
import Config
public import Events
public import Timebase

/// What supervisors do with agents over the control interface.
extension Engine {
    /// Changes an agent's working state by a supervisor's word. Done or refused, the audit log has it.
    public func perform(
        _ command: Dispatcher.AgentCommand,
        agent number: String,
        tenant name: String?,
        by actor: AuditedAct.Actor,
        at moment: Moment
    ) throws(Refusal) -> Dispatcher.AgentView {
        enter(moment)
        defer { settle() }
        let owner = try? chooseTenant(name)
        let before = owner.flatMap { agentView(number, of: $0) }
        do throws(Refusal) {
            let tenant = try chooseTenant(name)
            try admit(command, of: number, in: tenant)
            calls.perform(command, by: UserID(tenant: tenant.id, number: number))
            for device in [number, command.device].compactMap({ $0 }) where command.isLogIn {
                tellReachability(of: UserID(tenant: tenant.id, number: device))
            }
            guard let view = agentView(number, of: tenant) else {
                throw Refusal(code: "no-such-agent", what: "\(number) is no agent", mend: "see: gudok agents")
            }
            note(command, of: number, in: owner?.id, by: actor, before: before, after: view, refusal: nil)
            return view
        } catch {
            note(command, of: number, in: owner?.id, by: actor, before: before, after: nil, refusal: error)
            throw error
        }
    }

    /// Why an agent pauses of whom nothing else is said.
    public func pauseReason(of number: String, tenant name: String?) throws(Refusal) -> String {
        calls.acd.pauseReason(of: UserID(tenant: try chooseTenant(name).id, number: number))
    }

    private func agentView(_ number: String, of tenant: Tenant) -> Dispatcher.AgentView? {
        calls.acd.agentView(UserID(tenant: tenant.id, number: number))
    }

    private func note(
        _ command: Dispatcher.AgentCommand,
        of number: String,
        in tenant: TenantID?,
        by actor: AuditedAct.Actor,
        before: Dispatcher.AgentView?,
        after: Dispatcher.AgentView?,
        refusal: Refusal?
    ) {
        let act = AuditedAct(
            by: actor,
            "agent.\(command.name)",
            "agent \(number)",
            tenant: tenant,
            outcome: refusal == nil ? .done : .refused,
            before: before?.summary,
            after: after?.summary,
            detail: refusal?.what
        )
        bus.publish(.audited(act), tenant: tenant, at: now)
    }

    /// Refuses what makes no sense for this agent.
    private func admit(
        _ command: Dispatcher.AgentCommand,
        of number: String,
        in tenant: Tenant
    ) throws(Refusal) {
        guard tenant.users[number] != nil else {
            throw Refusal(
                code: "no-such-agent",
                what: "tenant \(tenant.id) has no user \(number)",
                mend: "see: gudok agents"
            )
        }
        let view = agentView(number, of: tenant)
        let isWrappingUp = view?.isWrappingUp ?? false
        if let queue = command.queue, view?.queues.contains(queue) != true {
            throw Refusal(
                code: "not-in-queue",
                what: "agent \(number) does not serve a queue \(queue)",
                mend: "name one of his: \(view?.queues.joined(separator: ", ") ?? "")"
            )
        }
        switch command {
        case .pause(let reason) where !tenant.pauseReasons.isEmpty && tenant.pauseReason(reason) == nil,
            .pauseIn(_, let reason) where !tenant.pauseReasons.isEmpty && tenant.pauseReason(reason) == nil:
            throw Refusal(
                code: "no-such-reason",
                what: "'\(reason)' is no reason to pause",
                mend: "use one of: \(tenant.pauseReasons.map(\.name).joined(separator: ", "))"
            )
        // A wrap-up lasts until it is over, whatever he is to be then.
        case .endWrapUp where isWrappingUp, .extendWrapUp where isWrappingUp: break
        case .extendWrapUp:
            throw Refusal(
                code: "not-in-wrap-up",
                what: "agent \(number) does not wrap up",
                mend: "see: gudok agents"
            )
        case .pause, .unpause, .pauseIn, .unpauseIn, .endWrapUp:
            guard calls.acd.isLoggedIn(UserID(tenant: tenant.id, number: number)) else {
                throw Refusal(
                    code: "logged-out",
                    what: "agent \(number) is not logged in",
                    mend: "gudok agent login \(number)"
                )
            }
        case .logIn(let device?, _) where tenant.users[device] == nil:
            throw Refusal(
                code: "no-such-user",
                what: "tenant \(tenant.id) has no extension \(device) to log in at",
                mend: "name an extension of the tenant"
            )
        case .logIn, .logOut, .block, .unblock: break
        }
    }
}

extension Dispatcher.AgentCommand {
    fileprivate var isLogIn: Bool { if case .logIn = self { true } else { false } }
    fileprivate var queue: String? {
        switch self {
        case .pauseIn(let queue, _), .unpauseIn(let queue): queue
        default: nil
        }
    }
    fileprivate var device: String? { if case .logIn(let device, _) = self { device } else { nil } }
}

public import Calls
import Config
public import DialPlan
public import Events
public import Timebase

/// Supervisors in others' talks, by the control interface's word.
extension Engine {
    /// Rings `user`, and lets him into the talk when he answers; one who is in it already gets the other mode. Done or refused, the
    /// audit log has it.
    public func supervise(
        _ request: SupervisionRequest,
        by user: String,
        tenant name: String?,
        actor: AuditedAct.Actor,
        at moment: Moment
    ) throws(Refusal) -> CallCore.Supervision {
        enter(moment)
        defer { settle() }
        let tenantID = (try? chooseTenant(name))?.id
        do throws(Refusal) {
            let supervision = try supervise(request, by: user, of: try chooseTenant(name), actor: actor)
            guard supervision.isNew else { return supervision }
            note(request, by: user, actor: actor, of: tenantID, refusal: nil)
            return supervision
        } catch {
            note(request, by: user, actor: actor, of: tenantID, refusal: error)
            throw error
        }
    }

    private func supervise(
        _ request: SupervisionRequest,
        by user: String,
        of tenant: Tenant,
        actor: AuditedAct.Actor
    ) throws(Refusal) -> CallCore.Supervision {
        do throws(SupervisionRefusal) {
            if let known = try calls.changeSupervision(request, by: user, of: tenant, actor: actor) { return known }
        } catch {
            throw Refusal(error)
        }
        guard !isDraining else { throw Refusal.draining }
        guard case .routes(let routes) = reach(.user(user), of: tenant) else { throw Refusal.notRegistered(user) }
        let identity = CallerIdentity(
            tenant: tenant,
            direction: .internal,
            number: user,
            name: tenant.users[user]?.name,
            trunk: nil,
            user: user,
            // The step that it is for comes before any rule.
            plan: DialPlan(name: "supervise")
        )
        do throws(SupervisionRefusal) {
            guard let made = try calls.originateSupervision(request, from: identity, over: routes) else {
                throw SupervisionRefusal.noPort
            }
            return made
        } catch {
            throw Refusal(error)
        }
    }

    private func note(
        _ request: SupervisionRequest,
        by user: String,
        actor: AuditedAct.Actor,
        of tenant: TenantID?,
        refusal: Refusal?
    ) {
        let act = AuditedAct(
            by: actor,
            "supervise.\(request.mode.rawValue)",
            request.subject.words,
            tenant: tenant,
            outcome: refusal == nil ? .done : .refused,
            detail: refusal?.what ?? "rings supervisor \(user)"
        )
        bus.publish(.audited(act), tenant: tenant, at: now)
    }
}

extension Engine.Refusal {
    fileprivate init(_ refusal: SupervisionRefusal) {
        self.init(code: refusal.code.rawValue, what: refusal.what, mend: refusal.mend)
    }
}

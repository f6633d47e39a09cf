import Calls
import Config
public import Events
import NetAddress
import SIP
import SIPMessage
public import Timebase

/// Transfers from outside of a dialog (RFC 4538), INVITEs that take somebody's place (RFC 3891), and the administrator's transfers.
extension Engine {
    /// Whether an INVITE replaces another dialog: then it was answered, one way or the other.
    func takesPlace(
        _ request: SIPRequest,
        transaction: ServerTransactionID,
        over flow: Flow,
        from identity: CallerIdentity
    ) -> Bool {
        do throws(SIPFault) {
            guard let reference = try request.replacedDialog() else { return false }
            let refusal = try calls.replace(
                reference,
                by: request,
                transaction: transaction,
                over: flow,
                from: identity
            )
            if let refusal { refuse(transaction, request, refusal) }
        } catch {
            refuse(transaction, request, error.status ?? 400, [(.warning, .warning(error.what))])
        }
        return true
    }

    /// A REFER that stands in no dialog of ours.
    func refer(_ request: SIPRequest, transaction: ServerTransactionID, over flow: Flow) {
        // Which of a carrier's tenants is meant the dialog tells that the REFER is about.
        var authors = trunks(at: flow.remote).map { ReferralAuthor(tenant: $0.tenant, trunk: $0) }
        if authors.isEmpty {
            guard let (tenant, user) = authenticate(request, transaction: transaction, over: flow) else { return }
            authors = [ReferralAuthor(tenant: tenant.id, user: user.number)]
        }
        do throws(SIPFault) {
            let outside = try OutsideReferral(
                request,
                transaction: transaction,
                over: flow,
                settings: calls.settings.session,
                seed: ids.bits()
            )
            let refusal = calls.refer(try request.targetDialog(), by: outside, from: authors)
            if let refusal { refuse(transaction, request, refusal) }
        } catch {
            refuse(transaction, request, error.status ?? 400, [(.warning, .warning(error.what))])
        }
    }

    private func refuse(_ transaction: ServerTransactionID, _ request: SIPRequest, _ refusal: TransferRefusal) {
        refuse(transaction, request, refusal.status, [(.warning, .warning(refusal.what))])
    }

    /// Hands a call's party on; done or refused, the audit log has it.
    public func transfer(
        _ id: CallID,
        to target: String,
        tenant name: String?,
        actor: AuditedAct.Actor,
        at moment: Moment
    ) throws(Refusal) {
        enter(moment)
        defer { settle() }
        let owner = calls.tenant(of: id) ?? (try? chooseTenant(name).id)
        do throws(Refusal) {
            let named = name == nil ? nil : try chooseTenant(name).id
            try hand(id, to: target, of: named, word: actor.name)
            note(id, to: target, of: owner, by: actor, refusal: nil)
        } catch {
            note(id, to: target, of: owner, by: actor, refusal: error)
            throw error
        }
    }

    private func hand(_ id: CallID, to target: String, of tenant: TenantID?, word: String) throws(Refusal) {
        do throws(TransferRefusal) {
            try calls.transfer(id, of: tenant, to: target, word: word)
        } catch {
            throw Refusal(code: error.code.rawValue, what: error.what, mend: error.mend)
        }
    }

    private func note(
        _ id: CallID,
        to target: String,
        of tenant: TenantID?,
        by actor: AuditedAct.Actor,
        refusal: Refusal?
    ) {
        let act = AuditedAct(
            by: actor,
            "transfer",
            "call \(id)",
            tenant: tenant,
            outcome: refusal == nil ? .done : .refused,
            detail: refusal?.what ?? "to \(target)"
        )
        bus.publish(.audited(act), tenant: tenant, at: now)
    }
}

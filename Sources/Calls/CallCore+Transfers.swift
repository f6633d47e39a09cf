import Config
public import Events
public import NetAddress
public import SIP
public import SIPMessage
import Timebase

/// Transfers and replacements that come from outside of a dialog, or by the administrator's word.
extension CallCore {
    /// A request that belongs to no leg.
    func send(_ request: SIPRequest, over hop: Flow) { _ = surroundings?.send(request, over: [hop]) }

    /// An INVITE that takes the place of another dialog (RFC 3891). Nothing was answered when it throws.
    ///
    /// - Returns: why not; nil: it is done.
    public func replace(
        _ reference: DialogReference,
        by request: SIPRequest,
        transaction: ServerTransactionID,
        over flow: Flow,
        from identity: CallerIdentity
    ) throws(SIPFault) -> TransferRefusal? {
        guard let user = identity.user else {
            return TransferRefusal(.notAllowed, "only users take others' places", mend: "authenticate as a user")
        }
        // Another tenant's dialog is none.
        guard let (call, seat) = leg(of: reference), call.tenant.id == identity.tenant.id else { return .noDialog }
        let session = try Session(
            answering: request,
            transaction: transaction,
            over: flow,
            settings: settings.session,
            seed: ids.bits()
        )
        var newcomer = Leg(
            id: LegID(call: call.id, index: call.legs.count),
            session: session,
            target: "user \(user)",
            user: user,
            trunk: nil,
            address: "\(flow.remote)",
            sipCallID: session.callID,
            described: Leg.Description(sessionID: makeSessionID())
        )
        if let body = request.sdpBody() { newcomer.described.remote = try describe(body) }
        do throws(TransferRefusal) {
            try call.replace(seat, with: newcomer, isEarlyOnly: reference.isEarlyOnly)
        } catch {
            return error
        }
        serverTransactions[transaction] = newcomer.id
        return nil
    }

    /// A REFER outside of the dialog that it is about (RFC 4538), by a user or a trunk. It is answered when nothing is returned.
    ///
    /// `authors`: who may have sent it; several where one carrier is the trunk of several tenants.
    public func refer(
        _ target: DialogReference?,
        by outside: OutsideReferral,
        from authors: [ReferralAuthor]
    ) -> TransferRefusal? {
        // What is to be replaced may be gone: then there is nothing to do in any call.
        if let replaced = outside.referral.replaces, leg(of: replaced) == nil { return .noDialog }
        guard let target else {
            return TransferRefusal(
                .notAllowed,
                "the REFER names no call",
                mend: "send it in the dialog, or with Target-Dialog"
            )
        }
        // Another tenant's dialog is none.
        guard let (call, index) = leg(of: target), !call.isEnding,
            authors.contains(where: { $0.tenant == call.tenant.id })
        else { return .noDialog }
        let leg = call.legs[index]
        guard authors.contains(where: { $0.user == leg.user && $0.trunk == leg.trunk }) else {
            return TransferRefusal(.notAllowed, "the dialog is somebody else's", mend: "name one of your own")
        }
        do throws(TransferRefusal) {
            try call.referred(index, from: outside)
        } catch {
            call.publish(.note("leg \(index) is refused a transfer: \(error.what)"))
            return error
        }
        return nil
    }

    /// Hands the operator's party on by the administrator's word; whoever is being served without an operator goes by himself.
    public func transfer(_ id: CallID, of tenant: TenantID?, to target: String, word: String) throws(TransferRefusal) {
        guard let call = call(id), !call.isEnding, tenant == nil || call.tenant.id == tenant else {
            throw TransferRefusal(.noSuchCall, "no call \(id) is up", mend: "see: gudok calls")
        }
        try call.transfer(to: target, word: word)
    }
}

/// Who sends a REFER outside of a dialog.
public struct ReferralAuthor: Sendable {
    public var tenant: TenantID
    public var user: String?
    public var trunk: TrunkID?

    public init(tenant: TenantID, user: String? = nil, trunk: TrunkID? = nil) {
        (self.tenant, self.user, self.trunk) = (tenant, user, trunk)
    }
}

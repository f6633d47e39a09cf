import SIPMessage
public import Timebase

/// REFER in the dialog, and what its author is told of the call that he asked for (RFC 3515, RFC 4488, RFC 6665).
extension Session {
    /// A REFER that waits for the call's word on it.
    struct PendingReferral: Sendable {
        var transaction: ServerTransactionID
        var request: SIPRequest
        var referral: Referral
    }

    mutating func receiveRefer(_ request: SIPRequest, transaction: ServerTransactionID) -> [Action] {
        switch phase {
        case .confirmed: break
        case .received, .accepted, .calling, .answering:
            return [.respond(transaction, makeResponse(491, to: request, body: nil))]
        case .cancelling, .leaving, .ended: return [.respond(transaction, makeResponse(481, to: request, body: nil))]
        }
        let referral: Referral
        do throws(SIPFault) {
            referral = try Referral(request)
        } catch {
            var response = makeResponse(error.status ?? 400, to: request, body: nil)
            response.headers.append(.warning, .warning("\(error.where): \(error.what)"))
            return [.respond(transaction, response)]
        }
        // One transfer at a time, and none while the media of this very dialog is being settled.
        guard isSettled, pendingReferral == nil, subscription == nil else {
            return [.respond(transaction, makeResponse(491, to: request, body: nil))]
        }
        pendingReferral = PendingReferral(transaction: transaction, request: request, referral: referral)
        return [.tell(.referred(referral))]
    }

    /// No offer waits for its answer on this dialog.
    public var isSettled: Bool {
        switch renegotiation {
        case .none, .theirsAccepted: true
        case .theirs, .ours, .backingOff, .answering: false
        }
    }

    /// The call is going to be tried: 202, and a first NOTIFY that says so.
    public mutating func acceptReferral(now: Instant) -> [Action] {
        guard let pending = pendingReferral else { return [] }
        pendingReferral = nil
        var response = makeResponse(202, to: pending.request, body: nil)
        addContact(to: &response)
        guard pending.referral.wantsReports else {
            response.headers.append(.referSub, "false")
            return [.respond(pending.transaction, response)]
        }
        let id = (try? pending.request.cSeq().number) ?? 0
        subscription = ReferSubscription(id: id, hasID: referrals > 0)
        referrals += 1
        let expiry = now + .seconds(ReferSubscription.lifetime)
        return [.respond(pending.transaction, response), .start(.subscriptionExpired, at: expiry)] + report(100)
    }

    public mutating func refuseReferral(_ status: Int) -> [Action] {
        guard let pending = pendingReferral else { return [] }
        pendingReferral = nil
        return [.respond(pending.transaction, makeResponse(status, to: pending.request, body: nil))]
    }

    /// How far the call has come that the peer asked for.
    public mutating func report(_ status: Int) -> [Action] {
        guard let next = subscription?.tell(status) else { return [] }
        return notify(next, .active(expires: ReferSubscription.lifetime))
    }

    /// What has become of it. The subscription is over by that.
    public mutating func concludeReferral(_ status: Int) -> [Action] {
        guard subscription != nil else { return [] }
        return end(status, .noresource)
    }

    mutating func subscriptionExpired() -> [Action] {
        guard subscription != nil else { return [] }
        return end(100, .timeout)
    }

    /// An answer to a NOTIFY. One that refuses it ends the subscription, and nothing else (RFC 6665 §4.2.2, RFC 5057 §5.1).
    mutating func notified(_ status: Int, now: Instant) -> [Action] {
        guard status >= 200 else { return [] }
        unansweredReports = max(0, unansweredReports - 1)
        if unansweredReports == 0 { reportsAnswered = now }
        guard subscription != nil else { return [] }
        guard status < 300 else {
            subscription = nil
            return [.stop(.subscriptionExpired)]
        }
        guard let next = subscription?.answered() else { return [] }
        return notify(next, .active(expires: ReferSubscription.lifetime))
    }

    /// The author of a REFER may end the subscription that it made, or ask how things stand (RFC 6665 §4.4.1).
    mutating func receiveSubscribe(_ request: SIPRequest, transaction: ServerTransactionID) -> [Action] {
        let event = EventName(request.headers[.event])
        guard let known = subscription, known.isMeant(by: event) else {
            let isReferral = event?.package == ReferSubscription.package
            var refusal = makeResponse(isReferral ? 481 : 489, to: request, body: nil)
            if !isReferral { refusal.headers.append(.allowEvents, EventPackage.allowed) }
            return [.respond(transaction, refusal)]
        }
        let wanted = (try? request.expires()) ?? nil
        let isOver = wanted == 0
        var response = makeResponse(200, to: request, body: nil)
        addContact(to: &response)
        response.headers.append(.expires, isOver ? "0" : "\(ReferSubscription.lifetime)")
        let status = known.told ?? 100
        let told = isOver ? end(status, .timeout) : notify(status, .active(expires: ReferSubscription.lifetime))
        return [.respond(transaction, response)] + told
    }

    // MARK: the author's side

    /// Asks the peer to have the other party call `target`, an address with what it is to carry (`?Replaces=…`).
    public mutating func refer(to target: String) -> [Action] {
        guard case .confirmed = phase, var dialog else { return [] }
        let contact = dialog.flow.contact(user: settings.contactUser)
        var request = dialog.request(.refer, branch: random.branch(), contact: contact)
        self.dialog = dialog
        hasReferred = true
        request.headers.append(.referTo, "<\(target)>")
        return remembering([.send(request, .refer, over: dialog.ways)])
    }

    /// Nobody else's subscription is ours (RFC 6665 §4.1.3).
    func receiveNotify(_ request: SIPRequest, transaction: ServerTransactionID) -> [Action] {
        [.respond(transaction, makeResponse(hasReferred ? 200 : 481, to: request, body: nil))]
    }

    private mutating func end(_ status: Int, _ reason: Notification.Reason) -> [Action] {
        let last = notify(status, .terminated(reason))
        subscription = nil
        return last + [.stop(.subscriptionExpired)]
    }

    private mutating func notify(_ status: Int, _ state: Notification.State) -> [Action] {
        guard var dialog, let subscription else { return [] }
        let request = dialog.notify(
            subscription.notification(status, state),
            branch: random.branch(),
            contactUser: settings.contactUser,
            product: settings.product
        )
        self.dialog = dialog
        (unansweredReports, reportsAnswered) = (unansweredReports + 1, nil)
        return remembering([.send(request, .notify, over: dialog.ways)])
    }

    /// Whether the peer may not have heard yet what has become of its REFER: it has not answered the last NOTIFY, or has just now, while what it
    /// sent before was under way. nil: it wants no NOTIFYs.
    public func isReportUnheard(now: Instant) -> Bool? {
        if unansweredReports > 0 { return true }
        return reportsAnswered.map { now - $0 < .milliseconds(20) }
    }
}

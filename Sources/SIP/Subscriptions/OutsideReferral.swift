public import NetAddress
public import SIPMessage
import Timebase

/// A REFER outside of the dialog that it is about, which Target-Dialog names (RFC 4538): its subscription has a dialog of its own.
///
/// Every NOTIFY goes out at once, and nobody waits for its answer: there are a handful of them.
public struct OutsideReferral: Sendable {
    public let referral: Referral
    public let transaction: ServerTransactionID
    private let request: SIPRequest
    private let product: String
    private let contactUser: String?
    private var dialog: Dialog
    private var subscription: ReferSubscription
    private var random: SeededGenerator

    /// Throws for a REFER that is none, or that has no Contact for the subscription's dialog.
    public init(
        _ request: SIPRequest,
        transaction: ServerTransactionID,
        over flow: Flow,
        settings: SessionSettings,
        seed: UInt64
    ) throws(SIPFault) {
        referral = try Referral(request)
        (self.request, self.transaction) = (request, transaction)
        (product, contactUser) = (settings.product, settings.contactUser)
        var random = SeededGenerator(seed: seed)
        dialog = try Dialog(answering: request, localTag: random.token(), over: flow, localSequence: 0)
        subscription = ReferSubscription(id: try request.cSeq().number, hasID: false)
        self.random = random
    }

    public var nextHop: Flow { dialog.nextHop }

    /// 202.
    public func acceptance() -> SIPResponse {
        var response = SIPResponse(status: 202, to: request, toTag: dialog.localTag)
        response.headers.append(.contact, "<\(dialog.flow.contact(user: contactUser))>")
        response.headers.append(.server, product)
        if !referral.wantsReports { response.headers.append(.referSub, "false") }
        return response
    }

    /// nil: nobody wants to know, or knows it.
    public mutating func report(_ status: Int) -> SIPRequest? {
        guard let next = subscription.tell(status) else { return nil }
        _ = subscription.answered()
        return notify(next, .active(expires: ReferSubscription.lifetime))
    }

    public mutating func conclude(_ status: Int) -> SIPRequest? {
        notify(status, .terminated(.noresource))
    }

    private mutating func notify(_ status: Int, _ state: Notification.State) -> SIPRequest? {
        guard referral.wantsReports else { return nil }
        return dialog.notify(
            subscription.notification(status, state),
            branch: random.branch(),
            contactUser: contactUser,
            product: product
        )
    }
}

extension SIPRequest {
    /// The dialog that a request outside of it is about; nil: none.
    public func targetDialog() throws(SIPFault) -> DialogReference? {
        guard let value = headers[HeaderName("Target-Dialog")] else { return nil }
        return try DialogReference(targetDialog: value)
    }
}

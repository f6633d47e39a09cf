import SIPMessage

/// The subscription that a REFER makes by itself (RFC 3515 §2.4.4, RFC 6665): what its author is told of the call he asked for.
///
/// It lives as long as the call is not decided, whether the dialog's INVITE usage lives or not (RFC 5057 §4.2).
struct ReferSubscription: Sendable {
    /// How long it lasts at most, in seconds; longer than any plan lets phones ring.
    static let lifetime = 600
    static let package = "refer"

    /// The REFER's CSeq number: tells it from those of earlier REFERs of the dialog.
    let id: UInt32
    let hasID: Bool
    private var gate = NewsGate<Int>()

    init(id: UInt32, hasID: Bool) { (self.id, self.hasID) = (id, hasID) }

    var told: Int? { gate.told }

    /// The status to be told now; nil: it is known, or has to wait.
    mutating func tell(_ status: Int) -> Int? { gate.tell(status) }

    /// The last NOTIFY was answered; the status to be told next.
    mutating func answered() -> Int? { gate.answered() }

    /// What a NOTIFY with this status line says (RFC 3420).
    func notification(_ status: Int, _ state: Notification.State) -> Notification {
        Notification(
            event: EventName(package: Self.package, id: hasID ? "\(id)" : nil),
            state: state,
            contentType: "message/sipfrag;version=2.0",
            body: Array("SIP/2.0 \(status) \(ReasonPhrase.standard(status))\r\n".utf8)
        )
    }

    /// Whether an Event header means this subscription.
    func isMeant(by event: EventName?) -> Bool {
        event?.package == Self.package && (event?.id == nil || event?.id == "\(id)")
    }
}

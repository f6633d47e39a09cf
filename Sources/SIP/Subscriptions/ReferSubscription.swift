import SIPMessage

/// The subscription that a REFER makes by itself (RFC 3515 §2.4.4, RFC 6665): what its author is told of the call he asked for.
///
/// It lives as long as the call is not decided, whether the dialog's INVITE usage lives or not (RFC 5057 §4.2).
struct ReferSubscription: Sendable {
    /// How long it lasts at most, in seconds; longer than any plan lets phones ring.
    static let lifetime = 600

    /// The REFER's CSeq number: tells it from those of earlier REFERs of the dialog.
    let id: UInt32
    let hasID: Bool
    /// One NOTIFY at a time: later news wait for its answer, and only the last of them is told.
    private var isTelling = false
    private var news: Int?
    private(set) var told: Int?

    init(id: UInt32, hasID: Bool) { (self.id, self.hasID) = (id, hasID) }

    /// The status to be told now; nil: it is known, or has to wait.
    mutating func tell(_ status: Int) -> Int? {
        guard status != told else { return nil }
        guard !isTelling else {
            news = status
            return nil
        }
        (isTelling, told, news) = (true, status, nil)
        return status
    }

    /// The last NOTIFY was answered; the status to be told next.
    mutating func answered() -> Int? {
        isTelling = false
        return news.flatMap { tell($0) }
    }

    /// The body and headers of a NOTIFY with this status line (RFC 3420).
    func describe(_ request: inout SIPRequest, status: Int, state: String) {
        request.headers.append(.event, event)
        request.headers.append(.subscriptionState, state)
        request.headers.append(.contentType, "message/sipfrag;version=2.0")
        request.body = Array("SIP/2.0 \(status) \(ReasonPhrase.standard(status))\r\n".utf8)
    }

    var event: String { hasID ? "refer;id=\(id)" : "refer" }

    /// Whether an Event header means this subscription.
    func isMeant(by event: String?) -> Bool {
        guard let event else { return false }
        let parts = event.lowercased().split(separator: ";").map { $0.filter { $0 != " " && $0 != "\t" } }
        guard parts.first == "refer" else { return false }
        guard let named = parts.dropFirst().first(where: { $0.hasPrefix("id=") }) else { return true }
        return named.dropFirst(3) == "\(id)"
    }
}

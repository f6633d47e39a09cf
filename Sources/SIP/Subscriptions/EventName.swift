import SIPMessage

/// The value of an Event header (RFC 6665 §8.2.1): a package, and an id where a dialog holds several subscriptions.
struct EventName: Equatable, Sendable, CustomStringConvertible {
    /// In lower case.
    var package: String
    var id: String?
    /// The dialog that alone is wanted, of the package `dialog`.
    var dialog: WantedDialog?

    init(package: String, id: String? = nil) { (self.package, self.id) = (package, id) }

    /// A package and an id tell subscriptions apart, and nothing else (RFC 6665 §4.5.2).
    static func == (a: EventName, b: EventName) -> Bool { a.package == b.package && a.id == b.id }

    /// nil: there is no such header, or it names nothing.
    init?(_ value: String?) {
        guard let value else { return nil }
        let parts = value.split(separator: ";").map { $0.filter { $0 != " " && $0 != "\t" } }
        guard let package = parts.first?.lowercased(), !package.isEmpty else { return nil }
        let id = parts.dropFirst().first { $0.lowercased().hasPrefix("id=") }.map { String($0.dropFirst(3)) }
        self.init(package: package, id: id)
        dialog = package == EventPackage.dialog.rawValue ? WantedDialog(parts.dropFirst()) : nil
    }

    var description: String { id.map { "\(package);id=\($0)" } ?? package }
}

/// One dialog of the watched user, or those of one INVITE of his (RFC 4235 §3.2); what is not named may be anything.
struct WantedDialog: Equatable, Sendable {
    private var callID: String?
    /// The watched phone's own tag.
    private var toTag: String?
    private var fromTag: String?

    /// nil: the parameters name none.
    init?(_ parameters: some Sequence<String>) {
        for parameter in parameters {
            let parts = parameter.split(separator: "=", maxSplits: 1)
            guard parts.count == 2 else { continue }
            let value = parts[1].filter { $0 != "\"" }
            switch parts[0].lowercased() {
            case "call-id": callID = value
            case "to-tag": toTag = value
            case "from-tag": fromTag = value
            default: break
            }
        }
        guard callID != nil || toTag != nil || fromTag != nil else { return nil }
    }

    /// `dialog` as we have it: its remote tag is the phone's own.
    func matches(_ dialog: DialogReference?) -> Bool {
        guard let dialog else { return false }
        return callID ?? dialog.callID == dialog.callID && toTag ?? dialog.remoteTag == dialog.remoteTag
            && fromTag ?? dialog.localTag == dialog.localTag
    }
}

/// What one NOTIFY says (RFC 6665 §4.2.2).
struct Notification: Sendable {
    enum State: Sendable, CustomStringConvertible {
        /// Seconds.
        case active(expires: Int)
        case terminated(Reason)

        var description: String {
            switch self {
            case .active(let seconds): "active;expires=\(seconds)"
            case .terminated(let reason): "terminated;reason=\(reason)"
            }
        }
    }

    /// Why a subscription is over (RFC 6665 §4.1.3).
    enum Reason: Equatable, Sendable, CustomStringConvertible {
        case timeout, noresource, rejected
        /// To be asked for again, after so many seconds.
        case probation(retryAfter: Int)

        var description: String {
            switch self {
            case .timeout: "timeout"
            case .noresource: "noresource"
            case .rejected: "rejected"
            case .probation(let seconds): "probation;retry-after=\(seconds)"
            }
        }
    }

    var event: EventName
    var state: State
    var contentType: String
    var body: [UInt8]
}

extension Dialog {
    /// The NOTIFY that says it, the dialog's next request.
    mutating func notify(
        _ notification: Notification,
        branch: String,
        contactUser: String?,
        product: String
    ) -> SIPRequest {
        var request = request(.notify, branch: branch, contact: flow.contact(user: contactUser))
        request.headers.append(.userAgent, product)
        request.headers.append(.event, "\(notification.event)")
        request.headers.append(.subscriptionState, "\(notification.state)")
        request.headers.append(.contentType, notification.contentType)
        request.body = notification.body
        return request
    }
}

/// One NOTIFY at a time: later news wait for its answer, and only the last of them is told. What is known is not told again.
struct NewsGate<News: Equatable & Sendable>: Sendable {
    private var isTelling = false
    private var waiting: News?
    private var isWantedAgain = false
    private(set) var told: News?

    /// What is to be told now; nil: it is known, or has to wait. `again` tells what is known once more.
    mutating func tell(_ news: News, again: Bool = false) -> News? {
        guard !isTelling else {
            (waiting, isWantedAgain) = (news, isWantedAgain || again)
            return nil
        }
        guard again || news != told else { return nil }
        (isTelling, told) = (true, news)
        return news
    }

    /// The last NOTIFY was answered; what is to be told next.
    mutating func answered() -> News? {
        isTelling = false
        guard let news = waiting else { return nil }
        let again = isWantedAgain
        (waiting, isWantedAgain) = (nil, false)
        return tell(news, again: again)
    }
}

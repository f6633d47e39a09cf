import Timebase

/// Somebody who is told of a user's state: a dialog, and what was told in it.
struct Subscription: Sendable {
    var watcher: Watcher
    let user: WatchedUser
    let package: EventPackage
    let event: EventName
    var dialog: Dialog
    var expires: Instant
    private var gate = NewsGate<EventPackage.News>()
    /// Of the next document (RFC 4235 §4.1).
    private var version: UInt32 = 0

    init(
        watcher: Watcher,
        user: WatchedUser,
        package: EventPackage,
        event: EventName,
        dialog: Dialog,
        expires: Instant
    ) {
        (self.watcher, self.user, self.package) = (watcher, user, package)
        (self.event, self.dialog, self.expires) = (event, dialog, expires)
    }

    var lastTold: EventPackage.News? { gate.told }

    /// What is to be told now of this state; nil: nothing.
    mutating func news(_ state: WatchedState, again: Bool) -> EventPackage.News? {
        gate.tell(tells(of: state), again: again)
    }

    /// As much of a state as it is about.
    func tells(of state: WatchedState) -> EventPackage.News {
        var seen = state
        if let wanted = event.dialog { seen.dialogs = state.dialogs.filter { wanted.matches($0.dialog) } }
        return package.news(of: seen, for: watcher)
    }

    /// The last NOTIFY was answered; what is to be told next.
    mutating func answered() -> EventPackage.News? { gate.answered() }

    mutating func notification(
        _ news: EventPackage.News,
        after before: EventPackage.News?,
        _ state: Notification.State
    ) -> Notification {
        let document = news.document(of: user, version: version, after: before)
        version &+= 1
        return Notification(event: event, state: state, contentType: package.contentType, body: Array(document.utf8))
    }
}

public import Events
import SIPMessage

/// What there is to know of a user for those who watch him.
public struct WatchedState: Equatable, Sendable {
    /// A phone of his is registered.
    public var isReachable: Bool
    public var dialogs: [WatchedDialog]

    public init(isReachable: Bool, dialogs: [WatchedDialog]) {
        (self.isReachable, self.dialogs) = (isReachable, dialogs)
    }
}

/// One dialog of a watched user's phone, as RFC 4235 §4.1 sees it: from the phone's side.
public struct WatchedDialog: Equatable, Sendable {
    /// RFC 4235 §3.7.1; `proceeding` is not told apart from `trying`.
    public enum Phase: String, Sendable { case trying, early, confirmed }

    public enum Direction: String, Sendable { case initiator, recipient }

    public struct Party: Equatable, Sendable {
        public var number: String
        public var name: String?
        /// A colleague, or a number that was dialled inside; else somebody of the world outside.
        public var isInside: Bool

        public init(number: String, name: String?, isInside: Bool) {
            (self.number, self.name, self.isInside) = (number, name, isInside)
        }
    }

    /// The same as long as the dialog lives, and no other's.
    public var id: String
    public var direction: Direction
    public var phase: Phase
    public var remote: Party?
    /// The dialog itself; nil while it has no tags.
    public var dialog: DialogReference?
    /// Whether it may be picked up: then what an INVITE with Replaces names is told.
    public var mayBePickedUp: Bool

    public init(
        id: String,
        direction: Direction,
        phase: Phase,
        remote: Party?,
        dialog: DialogReference?,
        mayBePickedUp: Bool = true
    ) {
        (self.id, self.direction, self.phase) = (id, direction, phase)
        (self.remote, self.dialog, self.mayBePickedUp) = (remote, dialog, mayBePickedUp)
    }
}

/// A user who is watched.
public struct WatchedUser: Hashable, Sendable {
    public var id: UserID
    /// His address of record's host.
    public var domain: String

    public init(id: UserID, domain: String) { (self.id, self.domain) = (id, domain) }

    var address: String { Self.address(id.number, at: domain) }

    /// A URI, whatever the number holds (RFC 4235 §4.1.6).
    static func address(_ number: String, at domain: String) -> String { "\(SIPURI(user: number, host: domain))" }
}

/// A user who watches, and how much he may know.
public struct Watcher: Hashable, Sendable {
    public var id: UserID
    /// Whether he is told the numbers of parties outside; an operator sees those of colleagues alone.
    public var seesOutside: Bool

    public init(id: UserID, seesOutside: Bool) { (self.id, self.seesOutside) = (id, seesOutside) }
}

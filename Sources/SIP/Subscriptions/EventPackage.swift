public import SIPMessage

/// What may be subscribed to by SUBSCRIBE. (`refer` is subscribed to by a REFER alone, RFC 3515 §3.)
public enum EventPackage: String, CaseIterable, Sendable {
    /// RFC 4235: the lamps beside the keys of colleagues.
    case dialog
    /// RFC 3856: whether somebody can be called now.
    case presence

    /// The value of Allow-Events.
    public static let allowed = allCases.map(\.rawValue).joined(separator: ", ")

    /// The package that a SUBSCRIBE names; nil: it names none of these.
    public init?(of request: SIPRequest) {
        guard let event = EventName(request.headers[.event]) else { return nil }
        self.init(rawValue: event.package)
    }

    var contentType: String {
        switch self {
        case .dialog: "application/dialog-info+xml"
        case .presence: "application/pidf+xml"
        }
    }

    /// What a package tells of a user's state to somebody.
    func news(of state: WatchedState, for watcher: Watcher) -> News {
        switch self {
        case .dialog:
            let dialogs = state.dialogs.map { dialog in
                var told = dialog
                if let remote = dialog.remote, !remote.isInside, !watcher.seesOutside { told.remote = nil }
                return told
            }
            return .dialogs(dialogs)
        case .presence:
            let isTalking = state.dialogs.contains { $0.phase == .confirmed }
            return .presence(isOpen: state.isReachable, isOnThePhone: isTalking)
        }
    }

    /// As much of a state as a subscription tells: what is equal here is not told twice.
    enum News: Equatable, Sendable {
        case dialogs([WatchedDialog])
        case presence(isOpen: Bool, isOnThePhone: Bool)

        var dialogs: [WatchedDialog] {
            switch self {
            case .dialogs(let dialogs): dialogs
            case .presence: []
            }
        }

        /// The document, always of the whole state; `version` counts this subscription's (RFC 4235 §4.1). Dialogs that were told
        /// `before` and are gone since are told once more, as terminated.
        func document(of user: WatchedUser, version: UInt32, after before: News?) -> String {
            switch self {
            case .dialogs(let dialogs):
                let gone = (before?.dialogs ?? []).filter { old in !dialogs.contains { $0.id == old.id } }
                return Self.dialogInfo(of: user, version: version, dialogs, terminated: gone)
            case .presence(let isOpen, let isOnThePhone):
                return Self.pidf(of: user, isOpen: isOpen, isOnThePhone: isOnThePhone)
            }
        }

        /// RFC 4235 §4.
        private static func dialogInfo(
            of user: WatchedUser,
            version: UInt32,
            _ dialogs: [WatchedDialog],
            terminated: [WatchedDialog]
        ) -> String {
            var document = XMLText()
            document.open(
                "dialog-info",
                [
                    ("xmlns", "urn:ietf:params:xml:ns:dialog-info"), ("version", "\(version)"), ("state", "full"),
                    ("entity", user.address),
                ]
            )
            for dialog in dialogs { write(dialog, of: user, phase: dialog.phase.rawValue, to: &document) }
            for dialog in terminated { write(dialog, of: user, phase: "terminated", to: &document) }
            document.close("dialog-info")
            return document.text
        }

        private static func write(
            _ dialog: WatchedDialog,
            of user: WatchedUser,
            phase: String,
            to document: inout XMLText
        ) {
            var attributes = [("id", dialog.id)]
            if dialog.mayBePickedUp, let reference = dialog.dialog {
                // Ours are the phone's remote ones.
                attributes += [
                    ("call-id", reference.callID), ("local-tag", reference.remoteTag),
                    ("remote-tag", reference.localTag),
                ]
            }
            attributes.append(("direction", dialog.direction.rawValue))
            document.open("dialog", attributes)
            document.element("state", phase)
            write("local", user.address, name: nil, to: &document)
            if let remote = dialog.remote {
                let address = WatchedUser.address(remote.number, at: user.domain)
                write("remote", address, name: remote.name, to: &document)
            }
            document.close("dialog")
        }

        private static func write(_ side: String, _ address: String, name: String?, to document: inout XMLText) {
            document.open(side)
            document.element("identity", name.map { [("display", $0)] } ?? [], address)
            document.element("target", [("uri", address)])
            document.close(side)
        }

        /// RFC 3863 §4, with the activity of RFC 4480 §3.2.
        private static func pidf(of user: WatchedUser, isOpen: Bool, isOnThePhone: Bool) -> String {
            var document = XMLText()
            document.open(
                "presence",
                [
                    ("xmlns", "urn:ietf:params:xml:ns:pidf"), ("xmlns:dm", "urn:ietf:params:xml:ns:pidf:data-model"),
                    ("xmlns:rpid", "urn:ietf:params:xml:ns:pidf:rpid"), ("entity", user.address),
                ]
            )
            document.open("tuple", [("id", "phone")])
            document.open("status")
            document.element("basic", isOpen ? "open" : "closed")
            document.close("status")
            document.element("contact", user.address)
            if isOnThePhone { document.element("note", "On the phone") }
            document.close("tuple")
            if isOnThePhone {
                document.open("dm:person", [("id", "person")])
                document.open("rpid:activities")
                document.element("rpid:on-the-phone", [])
                document.close("rpid:activities")
                document.close("dm:person")
            }
            document.close("presence")
            return document.text
        }
    }
}

/// XML as it is written. Values may be anybody's: what XML cannot hold is left out.
struct XMLText {
    private(set) var text = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"

    mutating func open(_ name: String, _ attributes: [(String, String)] = []) {
        text += "<\(name)\(Self.written(attributes))>"
    }

    mutating func close(_ name: String) { text += "</\(name)>" }

    mutating func element(_ name: String, _ attributes: [(String, String)] = [], _ content: String) {
        open(name, attributes)
        text += Self.escaped(content)
        close(name)
    }

    mutating func element(_ name: String, _ content: String) { element(name, [], content) }

    mutating func element(_ name: String, _ attributes: [(String, String)]) {
        text += "<\(name)\(Self.written(attributes))/>"
    }

    private static func written(_ attributes: [(String, String)]) -> String {
        attributes.map { " \($0.0)=\"\(escaped($0.1))\"" }.joined()
    }

    /// XML 1.0 §2.2 has no control characters, not even escaped.
    private static func escaped(_ value: String) -> String {
        var text = ""
        for scalar in value.unicodeScalars {
            switch scalar {
            case "&": text += "&amp;"
            case "<": text += "&lt;"
            case ">": text += "&gt;"
            case "\"": text += "&quot;"
            case _ where scalar.value < 0x20 || scalar.value == 0xFFFE || scalar.value == 0xFFFF: break
            default: text.unicodeScalars.append(scalar)
            }
        }
        return text
    }
}

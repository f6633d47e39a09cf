import Events
import Media

/// A supervisor in a call's talk, or on his way into it.
struct Attendant {
    /// The call that his own leg is the caller of.
    let call: CallID
    let user: String
    var mode: SupervisionMode
    /// He answered: he hears, and is heard as far as his mode says.
    var isPresent: Bool
}

/// Who hears whom when supervisors are in a talk. One who is held hears music meanwhile, and nobody hears him: his port is nil.
struct SupervisedTalk {
    struct Listener {
        var port: MediaID
        var mode: SupervisionMode
    }

    var customer: MediaID?
    var operatorsPort: MediaID?
    var listeners: [Listener]

    /// Nobody hears himself; a whisper reaches the operator and, so that two supervisors know of each other, other supervisors.
    var members: [MixMember] {
        let loud = listeners.filter { $0.mode == .barge }
        let audible = listeners.filter { $0.mode != .listen }
        var members: [MixMember] = []
        if let customer {
            let hears = [operatorsPort].compactMap { $0 } + loud.map(\.port)
            members.append(MixMember(port: customer, hears: hears))
        }
        if let operatorsPort {
            let hears = [customer].compactMap { $0 } + audible.map(\.port)
            members.append(MixMember(port: operatorsPort, hears: hears))
        }
        for listener in listeners {
            let others = audible.map(\.port).filter { $0 != listener.port }
            let hears = [customer, operatorsPort].compactMap { $0 } + others
            members.append(MixMember(port: listener.port, hears: hears))
        }
        return members
    }
}

/// Why nobody is let into a talk.
public struct SupervisionRefusal: Error, Equatable, Sendable {
    /// Stable, as the API gives them.
    public enum Code: String, Sendable {
        case notAllowed = "not-allowed"
        case noSuchCall = "no-such-call"
        case notTalking = "not-talking"
        case inTheCall = "in-the-call"
        case notUnderstood = "codec-not-understood"
        case tooMany = "too-many-supervisors"
        case answeredBefore = "answered-before"
        case takenOver = "taken-over"
        case noPort = "no-port"
    }

    public var code: Code
    public var what: String
    public var mend: String

    public static let noPort = SupervisionRefusal(.noPort, "no media port is free", mend: "widen media.ports")

    init(_ code: Code, _ what: String, mend: String) { (self.code, self.what, self.mend) = (code, what, mend) }
}

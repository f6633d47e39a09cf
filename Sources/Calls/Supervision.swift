import Events
import Media

/// A supervisor in a call's talk, or on his way into it.
struct Attendant {
    /// The call that his own leg is the caller of.
    let call: CallID
    let user: String
    var mode: SupervisionMode
    /// The leg of the operator whom he came to hear, and leaves with; nil: he stays in the call, whoever works in it.
    var operatorsLeg: Int?
    /// He answered: he hears, and is heard as far as his mode says.
    var isPresent = false
    /// The operator of the talk that he was let into last.
    var hears: String?
}

/// Who hears whom when supervisors are in a talk.
struct SupervisedTalk {
    struct Listener {
        var port: MediaID
        var mode: SupervisionMode
        /// The party whom he came to hear: a whisper reaches this one alone.
        var operatorsPort: MediaID?
    }

    /// The two who talk. One who is held hears music meanwhile, and nobody hears him: he is left out.
    var parties: [MediaID]
    var listeners: [Listener]

    /// Nobody hears himself; a whisper reaches the operator and, so that two supervisors know of each other, other supervisors.
    var members: [MixMember] {
        let audible = listeners.filter { $0.mode != .listen }
        let talk = parties.map { party in
            let heard = audible.filter { $0.mode == .barge || $0.operatorsPort == party }
            return MixMember(port: party, hears: parties.filter { $0 != party } + heard.map(\.port))
        }
        return talk + listening
    }

    /// The listeners' part of it.
    private var listening: [MixMember] {
        let audible = listeners.filter { $0.mode != .listen }
        return listeners.map { listener in
            MixMember(port: listener.port, hears: parties + audible.map(\.port).filter { $0 != listener.port })
        }
    }

    /// What the media plane is to do for it. Two whom nobody speaks to hear each other as they did before: a mix has a cushion, and what
    /// comes unevenly over it would be a worse line.
    var command: MediaCommand {
        guard parties.count == 2, listeners.allSatisfy({ $0.mode == .listen }) else { return .mix(members) }
        return listeners.isEmpty
            ? .bridge(parties[0], parties[1]) : .tap(parties[0], parties[1], by: listening)
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
        case tooManyLegs = "too-many-legs"
        case noPort = "no-port"
    }

    public var code: Code
    public var what: String
    public var mend: String

    public static let noPort = SupervisionRefusal(.noPort, "no media port is free", mend: "widen media.ports")

    init(_ code: Code, _ what: String, mend: String) { (self.code, self.what, self.mend) = (code, what, mend) }
}

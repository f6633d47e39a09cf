import ACD
import DialPlan
import Events
import SIP

/// A party on its way from one who spoke with it to somebody else, until somebody takes it or it goes back.
struct Transfer {
    enum Stage {
        /// Somebody is being looked for who takes it.
        case underWay
        /// Nobody did, and whoever gave it away has hung up: his phones ring again.
        case returning
    }

    var kind: TransferKind
    /// The leg of whoever gives the party away.
    var from: Int
    var target: String
    var stage: Stage = .underWay
    /// What the call was doing before, for the case that nobody takes it.
    var plan: PlanRun
    var anchor: Int
    /// Why the talk was recorded, when it was.
    var policy: RecordingPolicy?
    /// Who is to have the party, while somebody has not taken yet the media that they need for it: it may still go back.
    var taker: Int?
    /// Whoever asked for it from outside of the dialog is told in another one.
    var outside: OutsideReferral?

    /// Whether whoever gives the party away was called, and not the caller.
    var isByPeer: Bool { from != anchor }
}

/// The way back into the queue that a party came from, for the case that nobody has it in the end.
struct WayBack {
    /// The party's.
    var leg: Int
    /// The run that stood behind that queue, which asks for it anew, by the same priority and skill.
    let plan: PlanRun
    /// Where it stood.
    let place: Dispatcher.Place?
    /// In that queue, and in those before it.
    let waited: Duration
}

/// Why nobody is transferred: what a REFER is answered, and what the control interface says.
public struct TransferRefusal: Error, Equatable, Sendable {
    /// Stable, as the API gives them.
    public enum Code: String, Sendable {
        case noSuchCall = "no-such-call"
        case notTalking = "not-talking"
        case busy
        case notAllowed = "not-allowed"
        case noNumber = "no-number"
        case noDialog = "no-such-dialog"
        case isAnswered = "is-answered"
        case tooManyLegs = "too-many-legs"
        case noPort = "no-port"
        case isOver = "is-over"
        case notAcceptable = "no-common-codec"
    }

    public var code: Code
    public var what: String
    public var mend: String

    init(_ code: Code, _ what: String, mend: String) { (self.code, self.what, self.mend) = (code, what, mend) }

    /// The final answer of a REFER or an INVITE that is refused so.
    public var status: Int {
        switch code {
        case .noSuchCall, .noDialog: 481
        case .notTalking: 480
        case .busy: 491
        case .notAllowed: 403
        case .noNumber: 404
        case .isAnswered: 486
        case .tooManyLegs, .noPort: 503
        case .isOver: 603
        case .notAcceptable: 488
        }
    }

    static let busy = TransferRefusal(.busy, "the call is being changed already", mend: "try again in a moment")
    static let noDialog = TransferRefusal(
        .noDialog,
        "there is no dialog with this Call-ID and these tags",
        mend: "the call may be over"
    )
    static let noPort = TransferRefusal(.noPort, "no media port is free", mend: "widen media.ports")
}

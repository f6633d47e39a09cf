import DialPlan
import Events
import SIP
import Timebase

/// Why a request of ours has no final answer.
public enum RequestFault: Equatable, Sendable {
    /// Timer B or F (RFC 3261 §17.1).
    case timedOut
    /// Nothing could be sent there, or the network says that it arrived nowhere.
    case unreachable(_ why: String)

    /// What the layer above takes it for (§8.1.3.1).
    var status: Int {
        switch self {
        case .timedOut: 408
        case .unreachable: 503
        }
    }
}

/// Which clock, or which fault of the network, ended something: it stands in no message, and `gudok why` tells it.
extension Call {
    func tell(_ fault: RequestFault, of purpose: Session.Purpose, on index: Int) {
        // Of a leg that is led out nobody asks any more.
        guard !isClosed, legs.indices.contains(index), !legs[index].isOver else { return }
        let timer = purpose.isInvite ? "B" : "F"
        let patience = core.settings.session.timers.giveUp.inWords
        switch fault {
        case .timedOut:
            publish(.note("leg \(index): no answer to \(purpose.method) within \(patience) (timer \(timer))"))
        case .unreachable(let why): publish(.note("leg \(index): \(purpose.method) reaches nobody: \(why)"))
        }
    }

    /// Nobody took what a `dial` step rang; `isDead`: nor said anything.
    func tellTimeOut(of request: DialRequest, isDead: Bool) {
        let waited = (now.instant - stageChanged.instant).inWords
        let why = isDead ? "no sign of life within \(waited)" : "no answer within \(request.timeout.inWords)"
        publish(.note("\(request.target): \(why)\(isDead ? "" : " (the step's timeout)")"))
    }
}

extension Session.Failure {
    /// In the words of `gudok why`.
    func inWords(by settings: SessionSettings) -> String {
        let patience = settings.timers.giveUp.inWords
        return switch self {
        case .acknowledgementMissing: "no ACK to the 200 within \(patience) (64 T1)"
        case .prackMissing: "no PRACK within \(patience) (64 T1)"
        case .sessionExpired: "the session timer is over, and nobody has refreshed it (RFC 4028)"
        case .peerGone: "the peer knows the dialog no more, or is silent"
        case .badAnswer: "it answers what it was not offered"
        }
    }
}

extension Session.Purpose {
    var isInvite: Bool {
        switch self {
        case .invite, .reinvite: true
        case .update, .bye, .prack, .info, .refer, .notify, .cancelledBye: false
        }
    }

    var method: String {
        switch self {
        case .invite: "INVITE"
        case .reinvite: "re-INVITE"
        case .update: "UPDATE"
        case .bye, .cancelledBye: "BYE"
        case .prack: "PRACK"
        case .info: "INFO"
        case .refer: "REFER"
        case .notify: "NOTIFY"
        }
    }
}

extension Duration {
    /// `30 s`, `0.5 s`: to a tenth.
    var inWords: String {
        let tenths = wholeNanoseconds / 100_000_000
        return tenths % 10 == 0 ? "\(tenths / 10) s" : "\(tenths / 10).\(tenths % 10) s"
    }
}

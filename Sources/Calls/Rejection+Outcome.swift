import DialPlan
import Events
import SIP
import SIPMessage

extension Rejection {
    /// Why those who ring beside are not wanted any more (RFC 3326 §2).
    var reasonForOthers: String {
        "SIP;cause=\(status);text=\"\(phrase.filter { $0 != "\"" && $0 != "\\" })\""
    }

    /// RFC 3261 §16.7 step 6: a 6xx wins, then the lowest class; within 4xx what tells the caller most.
    func isBetter(than other: Rejection) -> Bool { rank < other.rank }

    private var rank: Int {
        switch status {
        case 600...: 0
        case 486, 480: 100
        case 408: 480
        case 400..<500: 400
        case 300..<400: 300
        default: status
        }
    }

    /// What it means to the caller. Where nobody could be reached there is no congestion, whatever RFC 3261 §8.1.3.1 has us take it for.
    var outcome: DialOutcome { isLocal && status == 503 ? .unavailable : DialOutcome(status: status) }
}

extension DialOutcome {
    /// Why a call goes on from who was called; nil: it does not go on for his sake.
    var reasonOfDiversion: String? {
        switch self {
        case .noAnswer: "no-answer"
        case .busy: "user-busy"
        case .unavailable: "unavailable"
        case .declined: "deflection"
        case .answered, .notFound, .congestion, .failed: nil
        }
    }
}

extension LegResult {
    init(_ outcome: DialOutcome) {
        switch outcome {
        case .answered: self = .answered
        case .noAnswer: self = .noAnswer
        case .busy: self = .busy
        case .unavailable: self = .unavailable
        case .declined: self = .declined
        case .failed, .notFound, .congestion: self = .failed
        }
    }
}

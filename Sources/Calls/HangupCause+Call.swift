import DialPlan
import Media
import SIP

extension HangupCause {
    /// What a caller who is connected hears before he is let go.
    var tone: Tone? {
        guard isFailure else { return nil }
        return q850 == 17 ? .busy : .congestion
    }

    /// Whether a status is about the very request that it answers, so that it means nothing on another leg (RFC 3261 §21.4): what that
    /// was challenged for, carried, required, or asked too briefly.
    static func isOfHop(_ status: Int) -> Bool {
        switch status {
        case 401, 405...407, 415, 416, 420, 421, 422, 423, 425, 428, 436...440, 469, 489, 493, 494: true
        default: false
        }
    }

    /// The cause that a plan gives, with the callee's own words where it only passes them on: a 404 stays a 404, its Reason
    /// stays its Reason (RFC 3326).
    func passingOn(_ rejection: Rejection?) -> HangupCause {
        guard let rejection, HangupCause(rejection.outcome) == self else { return self }
        var cause = self
        switch rejection.status {
        // Our own word, and no peer's: there is no phone (Q.850's 20, subscriber absent). RFC 3398 §8.2.6.1 has 18 for a 480 whose sender alone
        // knows more.
        case 480 where rejection.isLocal: return self
        // What the caller cannot do anything about is not his: our credentials, a place that we could not follow to.
        case 401, 407: cause = .rejected
        case 300..<400: cause = .unavailable
        case 503 where rejection.isLocal: cause = .unavailable
        // Said of our request, and without its header (Allow, Unsupported, …) no answer to another.
        case _ where Self.isOfHop(rejection.status):
            cause.status = 500
            cause.q850 = HangupCause(status: rejection.status).q850
        // Nobody here has cancelled it.
        case 487: (cause.status, cause.q850) = (487, 41)
        default: cause = HangupCause(status: rejection.status)
        }
        cause.name = name
        if let told = HangupCause(reasonHeader: rejection.reason) { cause.q850 = told.q850 }
        return cause
    }
}

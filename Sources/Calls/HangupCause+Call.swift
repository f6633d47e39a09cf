import DialPlan
import Media
import SIP

extension HangupCause {
    /// What a caller who is connected hears before he is let go.
    var tone: Tone? {
        guard isFailure else { return nil }
        return q850 == 17 ? .busy : .congestion
    }

    /// The cause that a plan gives, with the callee's own words where it only passes them on: a 404 stays a 404, its Reason
    /// stays its Reason (RFC 3326).
    func passingOn(_ rejection: Rejection?) -> HangupCause {
        guard let rejection, HangupCause(DialOutcome(status: rejection.status)) == self else { return self }
        var cause = self
        switch rejection.status {
        // What the caller cannot do anything about is not his: our credentials, a place that we could not follow to.
        case 401, 407: cause = .rejected
        case 300..<400: cause = .unavailable
        default: cause = HangupCause(status: rejection.status)
        }
        cause.name = name
        if let told = HangupCause(reasonHeader: rejection.reason) { cause.q850 = told.q850 }
        return cause
    }
}

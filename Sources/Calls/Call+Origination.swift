import DialPlan
import Events
import Media
import SDP
import SIP
import SIPMessage
import Timebase

/// A call that the switch begins (`gudok call FROM TO`): FROM is rung first, and upon its answer becomes the caller of the dial plan.
extension Call {
    /// The caller's own leg answered.
    func originated(_ description: SessionDescription?) {
        guard startsUponAnswer, !isEnding, let description else { return }
        startsUponAnswer = false
        core.timers.stop(.call(id, .dialTimeout))
        callerIsAnswered = true
        legs[0].progress = .answered
        legs[0].described.remote = description
        publish(.legAnswered(leg: 0, codec: codec(of: 0)))
        publish(.callAnswered)
        core.timers.start(.call(id, .maximumDuration), at: now.instant + core.settings.maximumDuration)
        configureMedia(0)
        begin()
    }

    func originationFailed(_ rejection: Rejection) {
        let cause = HangupCause(status: rejection.status)
        end(cause.disposition, by: .caller, cause: cause, reason: cause.name)
    }
}

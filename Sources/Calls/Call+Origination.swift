import DialPlan
import Events
import Media
import SDP
import SIP
import SIPMessage
import Timebase

/// A call that the switch begins (`gudok call FROM TO`): FROM is rung first, and upon its answer becomes the caller of the dial plan.
extension Call {
    /// A phone of the caller's answered; the first is the one.
    func originated(_ index: Int, _ description: SessionDescription?) {
        guard !isEnding, let description else { return }
        startsUponAnswer = false
        core.timers.stop(.call(id, .dialTimeout))
        (callerIsAnswered, awaitsCallee) = (true, true)
        anchor = index
        legs[index].progress = .answered
        legs[index].described.remote = description
        for other in legs.indices where other != index && !legs[other].isOver {
            cancel(other, .answeredElsewhere, Session.completedElsewhere)
        }
        tellAnswer(index)
        core.timers.start(.call(id, .maximumDuration), at: now.instant + core.settings.maximumDuration)
        configureMedia(index)
        followFamily(of: index)
        begin()
    }

    /// Whom the call was to reach is there, or the switch itself in his place: what went before was its caller's part alone.
    func calleeAnswered() {
        guard awaitsCallee, !isAttempt else { return }
        awaitsCallee = false
        publish(.callAnswered)
    }

    /// One of the caller's phones will not answer; when none is left there is no call.
    func originationFailed(_ index: Int, _ rejection: Rejection) {
        release(index)
        guard legs.allSatisfy(\.isOver) else { return }
        failOrigination(rejection)
    }

    func failOrigination(_ rejection: Rejection) {
        let cause = HangupCause(status: rejection.status)
        end(cause.disposition, by: .caller, cause: cause, reason: cause.name)
    }
}

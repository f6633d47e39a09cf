public import Events

/// Where the end of a wait in a queue leads a caller.
public enum QueueWayOut {
    /// On with the plan, behind the step that brought him there.
    case plan
    case flow(DialPlan, String)
    /// He is let go.
    case refused(HangupCause)
    /// Nowhere: he waits on.
    case line
    /// He is the plan's no more: he hung up, or has somebody else.
    case gone

    /// Where the queue says nothing about it.
    public init(unruled outcome: QueueOutcome) {
        switch outcome {
        case .answered, .timeout, .full, .empty, .key, .callback, .closed: self = .plan
        case .calledBack, .abandoned, .transferred, .restart: self = .gone
        }
    }
}

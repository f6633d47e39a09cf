/// How an attempt to reach somebody ended: the values of `dial_result`. Each is also the name of a `HangupCause`,
/// so that a plan may say `hangup: "{dial_result}"`.
public enum DialOutcome: String, CaseIterable, Sendable {
    case answered
    case noAnswer = "no-answer"
    case busy
    /// No phone is registered, none answered the network, or the phone says that nobody is there.
    case unavailable
    case declined
    case notFound = "not-found"
    case congestion
    case failed

    /// What a final status of an INVITE means to the caller (RFC 3261 §21). 2xx is an answer; whatever fits nothing failed.
    public init(status: Int) {
        switch status {
        case 200..<300: self = .answered
        case 486, 600: self = .busy
        // A place that nobody could follow to is nobody.
        case 300..<400, 408, 480, 487: self = .unavailable
        case 404, 410, 484, 485, 604: self = .notFound
        // Whom we are, or owe, is no word of the called person: 401, 402 and 407 are among what failed.
        case 403, 603...: self = .declined
        case 503: self = .congestion
        default: self = .failed
        }
    }
}

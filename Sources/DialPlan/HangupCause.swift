public import Events

/// Why a call ends: one row for the plan's word, the SIP answer, the Q.850 cause and the record's disposition.
public struct HangupCause: Hashable, Sendable {
    /// Stable, in words: what a plan writes, and what the call record's `reason` shows.
    public var name: String
    /// The final answer for a caller who is not connected yet (300 to 699); one who is gets BYE.
    public var status: Int
    /// ITU-T Q.850 §2.2.7.1, 1 to 127.
    public var q850: Int
    /// The record's disposition when the caller was never connected.
    public var disposition: Disposition

    public init(name: String, status: Int, q850: Int, disposition: Disposition) {
        (self.name, self.status, self.q850, self.disposition) = (name, status, q850, disposition)
    }

    /// Before an answer 480, as RFC 3398 §7.2.4.1 has it for the cause that says no more than "cleared".
    public static let normal = HangupCause(name: "normal", status: 480, q850: 16, disposition: .rejected)
    public static let busy = HangupCause(name: "busy", status: 486, q850: 17, disposition: .busy)
    public static let noAnswer = HangupCause(name: "no-answer", status: 480, q850: 19, disposition: .noAnswer)
    public static let unavailable = HangupCause(name: "unavailable", status: 480, q850: 20, disposition: .failed)
    public static let declined = HangupCause(name: "declined", status: 603, q850: 21, disposition: .rejected)
    public static let rejected = HangupCause(name: "rejected", status: 403, q850: 21, disposition: .rejected)
    public static let blocked = HangupCause(name: "blocked", status: 403, q850: 21, disposition: .blocked)
    public static let notFound = HangupCause(name: "not-found", status: 404, q850: 1, disposition: .failed)
    public static let numberChanged = HangupCause(name: "number-changed", status: 410, q850: 22, disposition: .failed)
    public static let invalidNumber = HangupCause(name: "invalid-number", status: 484, q850: 28, disposition: .failed)
    public static let congestion = HangupCause(name: "congestion", status: 503, q850: 42, disposition: .failed)
    public static let notAcceptable = HangupCause(name: "not-acceptable", status: 488, q850: 88, disposition: .failed)
    public static let timeout = HangupCause(name: "timeout", status: 408, q850: 102, disposition: .failed)
    public static let notImplemented = HangupCause(name: "not-implemented", status: 501, q850: 79, disposition: .failed)
    public static let failed = HangupCause(name: "failed", status: 500, q850: 41, disposition: .failed)
    /// The caller went away before the answer; no plan says so.
    public static let cancelled = HangupCause(name: "cancelled", status: 487, q850: 16, disposition: .cancelled)

    /// Its trunk has no place for the call; no plan says so.
    public static let trunkLimit = HangupCause(name: "trunk-limit", status: 503, q850: 34, disposition: .failed)

    /// What a plan may write after `hangup`, in the order the documentation lists it.
    public static let named: [HangupCause] = [
        .normal, .busy, .noAnswer, .unavailable, .declined, .rejected, .blocked, .notFound, .numberChanged,
        .invalidNumber, .congestion, .notAcceptable, .timeout, .notImplemented, .failed,
    ]

    /// The cause that a plan calls `name`; nil when there is none.
    public init?(named name: String) {
        guard let cause = Self.named.first(where: { $0.name == name }) else { return nil }
        self = cause
    }

    /// What a caller is told when the last `dial` ended so; an answered call that is over ended normally.
    public init(_ outcome: DialOutcome) {
        switch outcome {
        case .answered: self = .normal
        case .noAnswer: self = .noAnswer
        case .busy: self = .busy
        case .unavailable: self = .unavailable
        case .declined: self = .declined
        case .notFound: self = .notFound
        case .congestion: self = .congestion
        case .failed: self = .failed
        }
    }

    /// Something went wrong, so that a caller who is connected should hear it: anything but a normal clearing.
    public var isFailure: Bool { q850 != 16 && q850 != 31 }

    /// The cause in Q.850's words, for the Reason header (RFC 3326).
    public var text: String { Self.words(forQ850: q850) }
}

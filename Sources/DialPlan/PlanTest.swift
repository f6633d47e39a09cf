public import Events
public import Timebase

/// A call and what is expected of it, written beside the rules and run by `gudok dialplan test`.
public struct PlanTest: Equatable, Sendable {
    /// In the place of a cause: the plan hangs up never, and the caller does.
    static let never = "never"

    public enum Time: Equatable, Sendable {
        /// On the clock of wherever the plan asks.
        case clock(LocalTime)
        /// The same everywhere.
        case moment(WallTime)

        /// `2026-01-07T10:00`, or with its distance from UTC: `2026-01-07T10:00:00+03:00`.
        public init?(written text: String) {
            if let time = LocalTime(written: text) {
                self = .clock(time)
            } else if let moment = WallTime(text) {
                self = .moment(moment)
            } else {
                return nil
            }
        }
    }

    public var name: String
    public var from: String
    public var to: String
    /// The trunk that the call comes by; nil: a user's own call.
    public var trunk: String?
    /// What the caller is called; nil: as the tenant calls the user, in a call of his own.
    public var callerName: String?
    /// The keys that the caller presses, one entry a time he is asked.
    public var input: [String]
    public var expectations: [Expectation]
    /// How those who are dialled answer, and how waits in queues end, one after the other; then everybody answers.
    public var dials: [DialOutcome] = []
    public var waits: [QueueOutcome] = []
    /// What wishes to be called back are answered, one after the other; then all are accepted.
    public var callbacks: [CallbackAnswer] = []
    /// When the call comes; nil: a Wednesday at noon.
    public var at: Time?
    public var position: SourcePosition

    /// Something that the run must have done, in the order of the list.
    public struct Expectation: Equatable, Sendable {
        public var kind: Kind
        /// Which prompt, queue, user, number or cause; nil where the kind says all.
        public var value: String?

        public init(_ kind: Kind, _ value: String? = nil) { (self.kind, self.value) = (kind, value) }
    }

    public enum Kind: String, CaseIterable, Sendable {
        case answered, echoed, played, queued, dialled, recorded, supervised, parked
        case pickedUp = "picked-up"
        case hungUp = "hung-up"

        public var takesValue: Bool {
            switch self {
            case .answered, .echoed, .recorded: false
            case .played, .queued, .dialled, .hungUp, .supervised, .parked, .pickedUp: true
            }
        }
    }

    public init(
        name: String,
        from: String,
        to: String,
        trunk: String? = nil,
        input: [String] = [],
        expectations: [Expectation],
        position: SourcePosition = .none
    ) {
        (self.name, self.from, self.to, self.trunk) = (name, from, to, trunk)
        (self.input, self.expectations, self.position) = (input, expectations, position)
    }

    /// Where a test stands does not change what it asks.
    public static func == (lhs: PlanTest, rhs: PlanTest) -> Bool {
        lhs.name == rhs.name && lhs.from == rhs.from && lhs.to == rhs.to && lhs.trunk == rhs.trunk
            && lhs.callerName == rhs.callerName && lhs.input == rhs.input && lhs.dials == rhs.dials
            && lhs.waits == rhs.waits && lhs.callbacks == rhs.callbacks && lhs.at == rhs.at
            && lhs.expectations == rhs.expectations
    }
}

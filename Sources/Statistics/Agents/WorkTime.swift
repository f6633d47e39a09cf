/// What an agent did in a window of time, with the proof that nothing is missing or counted twice. All in milliseconds.
public struct WorkTime: Hashable, Sendable {
    /// Half open, UTC milliseconds since 1970.
    public let window: Range<Int64>
    /// Every state, also those with no time in them.
    public private(set) var time: [WorkState: Int64] = [:]
    /// Paused time by reason; the empty text for pauses without one.
    public private(set) var pauses: [String: Int64] = [:]
    /// Pauses that have a part in the window. Spans of the same reason that touch are one pause.
    public private(set) var numberOfPauses = 0
    /// Parts of the window that no span covers.
    public private(set) var gap: Int64 = 0
    /// Time that more than one span claims, counted once for each claim too many.
    public private(set) var overlap: Int64 = 0
    /// The first moment in the window that the agent was logged in.
    public private(set) var firstLoggedIn: Int64?
    /// The end of the last one.
    public private(set) var lastLoggedIn: Int64?

    /// - Parameters:
    ///   - spans: in any order; what lies outside the window is cut off, spans that end before they begin are ignored.
    ///   - window: half open, UTC milliseconds since 1970.
    public init(_ spans: [StateSpan], in window: Range<Int64>) {
        self.window = window
        for state in WorkState.allCases { time[state] = 0 }
        var covered = window.lowerBound
        let parts = spans.compactMap { $0.clipped(to: window) }.sorted { ($0.from, $0.to) < ($1.from, $1.to) }
        var pause: StateSpan?
        for part in parts {
            time[part.state, default: 0] = self[part.state].plus(part.length)
            if part.from > covered { gap = gap.plus(part.from.minus(covered)) }
            overlap = overlap.plus(part.length.minus(max(0, part.to.minus(max(part.from, covered)))))
            covered = max(covered, part.to)
            if part.state != .loggedOut {
                firstLoggedIn = firstLoggedIn ?? part.from
                lastLoggedIn = max(lastLoggedIn ?? part.to, part.to)
            }
            guard part.state == .paused else { continue }
            pauses[part.reason ?? "", default: 0] = (pauses[part.reason ?? ""] ?? 0).plus(part.length)
            let continues = pause.map { $0.reason == part.reason && part.from <= $0.to } ?? false
            if !continues { numberOfPauses += 1 }
            pause = part
        }
        gap = gap.plus(window.upperBound.minus(covered))
    }

    /// Milliseconds in a state.
    public subscript(_ state: WorkState) -> Int64 { time[state] ?? 0 }

    /// The sum over all states. It is the window minus `gap` plus `overlap`.
    public var total: Int64 { time.values.reduce(0) { $0.plus($1) } }

    /// Whether the states fill the window exactly once. A report that shows anything else shows `gap` and `overlap`.
    public var isComplete: Bool { gap == 0 && overlap == 0 }

    /// All states but logged out.
    public var loggedIn: Int64 { total.minus(self[.loggedOut]) }

    /// For occupancy and utilisation.
    ///
    /// - Parameters:
    ///   - otherWork: reasons of pauses that are work for customers (messages, calls back).
    ///   - offPhone: reasons of pauses that are other work (training, meetings).
    ///   - paid: milliseconds that are paid; the time logged in when it is not told.
    /// - Returns: all on-call time as talk, since states do not tell talk and hold apart; no formula here needs it.
    public func agentTime(
        otherWork: Set<String> = [],
        offPhone: Set<String> = [],
        paid: Int64? = nil
    ) -> AgentTime {
        var result = AgentTime()
        result.talk = self[.onCall]
        result.wrapUp = self[.wrapUp]
        result.ringing = self[.ringing]
        result.available = self[.available]
        for (reason, length) in pauses {
            if otherWork.contains(reason) {
                result.otherWork = result.otherWork.plus(length)
            } else if offPhone.contains(reason) {
                result.offPhone = result.offPhone.plus(length)
            }
        }
        result.paid = paid ?? loggedIn
        return result
    }

    /// By `AgentMetric.occupancy`; nil when the agent neither worked nor was available.
    public var occupancy: Double? { AgentMetric.occupancy.value(of: agentTime()) }
}

/// A part of a shift plan. Parts of one plan should not overlap.
public struct PlannedSpan: Hashable, Codable, Sendable {
    public enum Kind: String, Hashable, Codable, Sendable, CaseIterable {
        case work, pause

        /// Work is any state in which calls are handled or could come; a planned pause is kept by logging out as well.
        public func isKept(by state: WorkState) -> Bool {
            switch self {
            case .work: [.available, .ringing, .onCall, .wrapUp].contains(state)
            case .pause: [.paused, .loggedOut].contains(state)
            }
        }
    }

    public var kind: Kind
    /// UTC milliseconds since 1970, included.
    public var from: Int64
    /// The same, excluded.
    public var to: Int64

    public init(_ kind: Kind, from: Int64, to: Int64) { (self.kind, self.from, self.to) = (kind, from, to) }
}

/// How closely an agent kept to the shift plan (Amazon Connect, "Historical metrics": adherence). Milliseconds.
///
/// Early and late both count against adherence. Conformance asks only for the amount of work, whenever it was done.
public struct Adherence: Hashable, Sendable {
    public static let formula = "time in the planned kind of state ÷ planned time"
    public static let conformanceFormula = "time in states of work ÷ planned time of work"

    /// Planned work and pauses.
    public private(set) var planned: Int64 = 0
    /// The part of it in which the agent did as planned.
    public private(set) var kept: Int64 = 0
    /// Planned work.
    public private(set) var plannedWork: Int64 = 0
    /// Work, planned or not.
    public private(set) var worked: Int64 = 0

    /// - Parameters:
    ///   - spans: what the agent did, in any order.
    ///   - plan: what the agent was to do, in any order.
    ///   - window: half open, UTC milliseconds since 1970; both are cut to it.
    public init(of spans: [StateSpan], to plan: [PlannedSpan], in window: Range<Int64>) {
        let parts = spans.compactMap { $0.clipped(to: window) }
        for kind in PlannedSpan.Kind.allCases {
            let done = SpanSet(parts.filter { kind.isKept(by: $0.state) }.map { $0.from..<$0.to })
            let wanted = SpanSet(
                plan.filter { $0.kind == kind && $0.from < $0.to }.map { ($0.from..<$0.to).clamped(to: window) }
            )
            planned = planned.plus(wanted.length)
            kept = kept.plus(done.overlap(with: wanted))
            if kind == .work { (plannedWork, worked) = (wanted.length, done.length) }
        }
    }

    /// The share from 0 to 1; nil when nothing was planned.
    public var value: Double? { quotient(Double(kept), Double(planned)) }
    /// The share, above 1 with overtime; nil when no work was planned.
    public var conformance: Double? { quotient(Double(worked), Double(plannedWork)) }
}

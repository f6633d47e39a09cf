/// What an agent is doing. Names are stable.
public enum WorkState: String, Hashable, Codable, Sendable, CaseIterable {
    case loggedOut = "logged-out"
    case available
    case ringing
    case onCall = "on-call"
    case wrapUp = "wrap-up"
    case paused
    /// Logged in, but the telephone is not registered or not answering the network.
    case unreachable
    /// Taken out of the queue, say after calls that were not answered.
    case blocked
}

/// One state for one while: from included, to excluded, UTC milliseconds since 1970.
public struct StateSpan: Hashable, Codable, Sendable {
    public var state: WorkState
    public var from: Int64
    /// `.max` while it lasts: it is cut to the window.
    public var to: Int64

    public init(_ state: WorkState, from: Int64, to: Int64) {
        (self.state, self.from, self.to) = (state, from, to)
    }

    /// The part within a window; nil when there is none.
    func clipped(to window: Range<Int64>) -> StateSpan? {
        var part = self
        (part.from, part.to) = (max(from, window.lowerBound), min(to, window.upperBound))
        return part.from < part.to ? part : nil
    }
}

/// Spans of time joined where they touch or overlap, so that nothing is counted twice. Milliseconds.
struct SpanSet {
    private(set) var spans: [Range<Int64>] = []

    init(_ unsorted: [Range<Int64>]) {
        for span in unsorted.sorted(by: { $0.lowerBound < $1.lowerBound }) where !span.isEmpty {
            if let last = spans.last, span.lowerBound <= last.upperBound {
                spans[spans.count - 1] = last.lowerBound..<max(last.upperBound, span.upperBound)
            } else {
                spans.append(span)
            }
        }
    }

    var length: Int64 { spans.reduce(0) { $0.plus($1.upperBound.minus($1.lowerBound)) } }

    /// How much of this is in the other as well.
    func overlap(with other: SpanSet) -> Int64 {
        var (left, right, sum): (Int, Int, Int64) = (0, 0, 0)
        while left < spans.count, right < other.spans.count {
            let (a, b) = (spans[left], other.spans[right])
            let (from, to) = (max(a.lowerBound, b.lowerBound), min(a.upperBound, b.upperBound))
            if from < to { sum = sum.plus(to.minus(from)) }
            if a.upperBound < b.upperBound { left += 1 } else { right += 1 }
        }
        return sum
    }
}

extension Pattern {
    /// Whether this pattern takes every number that `other` takes. False also when that cannot be told.
    public func includes(_ other: Pattern) -> Bool {
        switch (self, other) {
        case (.number(let a), .number(let b)): a.includes(b)
        case (.number(let a), .expression): a.source == "."
        case (.expression(let a), .expression(let b)): a == b
        case (.expression, .number): false
        }
    }
}

extension NumberPattern {
    /// Pairs of states looked at before the question is given up: enough for any pattern that people write.
    private static let mostPairs = 20_000

    /// Follows both automata together: a number of `other` that leads to no accepting state here disproves it.
    func includes(_ other: NumberPattern) -> Bool {
        struct Pair: Hashable { var theirs: UInt64, ours: UInt64 }
        let alphabet = Self.representatives(of: elements + other.elements)
        var pending = [Pair(theirs: 1, ours: 1)]
        var seen = Set(pending)
        while let pair = pending.popLast() {
            if pair.theirs & other.accepting != 0, pair.ours & accepting == 0 { return false }
            for scalar in alphabet {
                let next = Pair(theirs: other.step(pair.theirs, scalar), ours: step(pair.ours, scalar))
                guard next.theirs != 0, seen.insert(next).inserted else { continue }
                pending.append(next)
            }
            guard seen.count <= Self.mostPairs else { return false }
        }
        return true
    }

    /// One character of each kind that the elements tell apart.
    private static func representatives(of elements: [Element]) -> [UInt32] {
        var bounds: Set<UInt32> = [0]
        for case .set(let ranges) in elements {
            for range in ranges {
                bounds.insert(range.lowerBound)
                bounds.insert(range.upperBound &+ 1)
            }
        }
        return bounds.sorted()
    }
}

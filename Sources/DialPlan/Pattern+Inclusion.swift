extension Pattern {
    /// Whether this pattern takes every number that `other` takes. False also when that cannot be told.
    public func includes(_ other: Pattern) -> Bool {
        if self == other { return true }
        // Most pairs of a long plan have nothing in common, which one number shows.
        if case .number(let pattern) = other, !matches(pattern.sample) { return false }
        var graph = PatternGraph([self, other])
        return graph.takers(of: 1, among: [0]) == .all([0])
    }

    /// Both kinds, as the same automaton.
    var program: [RegularExpression.Instruction] {
        switch self {
        case .expression(let expression): expression.program
        case .number(let pattern): pattern.program
        }
    }
}

extension NumberPattern {
    /// As a regular expression would be compiled: `.` is any character, and back to it.
    fileprivate var program: [RegularExpression.Instruction] {
        var program: [RegularExpression.Instruction] = []
        for element in elements {
            switch element {
            case .set(let ranges): program.append(.set(ranges, isNegated: false))
            case .oneOrMore:
                let start = program.count
                program += [.any, .fork(start, start + 2)]
            }
        }
        return program + [.accept]
    }

    /// One of the numbers that it takes, with what hardly any other pattern takes where there is a choice.
    fileprivate var sample: String {
        var sample = String.UnicodeScalarView()
        for element in elements {
            guard case .set(let ranges) = element, let scalar = ranges.last.flatMap({ Unicode.Scalar($0.upperBound) })
            else {
                sample.append("\0")
                continue
            }
            sample.append(scalar)
        }
        return String(sample)
    }
}

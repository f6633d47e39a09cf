/// Patterns by the characters that each begins with, whatever follows: those that have a number in common are found without a look at all
/// the others, which are the most of a long plan.
struct PatternPrefixes {
    private struct Node {
        var patterns: [Int] = []
        var next: [UInt32: Int] = [:]
    }

    private var nodes = [Node()]

    mutating func insert(_ number: Int, _ pattern: Pattern) {
        var place = 0
        for character in pattern.prefix {
            if let next = nodes[place].next[character] {
                place = next
            } else {
                nodes.append(Node())
                nodes[place].next[character] = nodes.count - 1
                place = nodes.count - 1
            }
        }
        nodes[place].patterns.append(number)
    }

    /// Those whose beginning is one of this pattern's, or the other way round, in order: no other takes a number of it.
    func relatives(of pattern: Pattern) -> [Int] {
        var found: [Int] = []
        var place = 0
        for character in pattern.prefix {
            found += nodes[place].patterns
            guard let next = nodes[place].next[character] else { return found.sorted() }
            place = next
        }
        var pending = [place]
        while let node = pending.popLast() {
            found += nodes[node].patterns
            pending += nodes[node].next.values
        }
        return found.sorted()
    }
}

extension Pattern {
    /// The characters that every number of it begins with, as far as they stand one after the other.
    fileprivate var prefix: [UInt32] {
        var prefix: [UInt32] = []
        for instruction in program {
            guard case .set(let ranges, isNegated: false) = instruction, ranges.count == 1, ranges[0].count == 1 else {
                break
            }
            prefix.append(ranges[0].lowerBound)
        }
        return prefix
    }
}

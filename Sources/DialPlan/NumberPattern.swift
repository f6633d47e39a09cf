/// A dial pattern: `x` any digit, `z` 1–9, `n` 2–9, `[..]` a set, `.` one or more of anything, any other character itself.
/// It takes the whole number or nothing.
///
/// Compiled to an automaton whose states are the gaps between the elements, kept as the bits of one word: matching is
/// linear in the number's length, and never goes back.
public struct NumberPattern: Hashable, Sendable {
    enum Element: Hashable, Sendable {
        case set([ClosedRange<UInt32>])
        case oneOrMore

        func takes(_ scalar: UInt32) -> Bool {
            switch self {
            case .set(let ranges): ranges.contains { $0.contains(scalar) }
            case .oneOrMore: true
            }
        }
    }

    public let source: String
    let elements: [Element]
    /// States that any character leads back to: those behind a `.`.
    let loops: UInt64
    var accepting: UInt64 { 1 << UInt64(elements.count) }

    /// One bit a gap in a 64-bit word.
    static let longest = 63

    static let digits: [ClosedRange<UInt32>] = [48...57]

    /// - Throws: `Pattern.Fault` when a set does not end, or the pattern is empty or too long.
    public init(_ source: String) throws(Pattern.Fault) {
        var elements: [Element] = []
        var loops: UInt64 = 0
        var rest = Substring(source).unicodeScalars
        while let scalar = rest.popFirst() {
            switch scalar {
            case "x": elements.append(.set(Self.digits))
            case "z": elements.append(.set([49...57]))
            case "n": elements.append(.set([50...57]))
            case ".":
                elements.append(.oneOrMore)
                if elements.count <= Self.longest { loops |= 1 << UInt64(elements.count) }
            case "[": elements.append(.set(try Self.parseSet(&rest)))
            case "X", "Z", "N":
                let small = scalar.properties.lowercaseMapping
                throw Pattern.Fault(
                    problem: "'\(scalar)' is no pattern letter",
                    mend: "write '\(small)', or '[\(scalar)]' for the letter itself"
                )
            default: elements.append(.set([scalar.value...scalar.value]))
            }
        }
        guard !elements.isEmpty else {
            throw Pattern.Fault(problem: "the pattern is empty", mend: "write '.' for any number")
        }
        guard elements.count <= Self.longest else {
            throw Pattern.Fault(
                problem: "the pattern has \(elements.count) elements",
                mend: "at most \(Self.longest) are taken; use '.' or a regular expression"
            )
        }
        (self.source, self.elements, self.loops) = (source, elements, loops)
    }

    private static func parseSet(
        _ rest: inout Substring.UnicodeScalarView
    ) throws(Pattern.Fault) -> [ClosedRange<UInt32>] {
        var ranges: [ClosedRange<UInt32>] = []
        guard rest.first != "^" else {
            throw Pattern.Fault(problem: "a set cannot be negated", mend: "use a regular expression: /[^…]/")
        }
        while let scalar = rest.popFirst() {
            if scalar == "]" { return try checked(ranges) }
            guard rest.first == "-", let last = rest.dropFirst().first, last != "]" else {
                ranges.append(scalar.value...scalar.value)
                continue
            }
            rest.removeFirst(2)
            guard scalar <= last else {
                throw Pattern.Fault(problem: "the range '\(scalar)-\(last)' runs backwards", mend: "turn it round")
            }
            ranges.append(scalar.value...last.value)
        }
        throw Pattern.Fault(
            problem: "a set does not end",
            mend: "close it with ']', or write '[[]' for the bracket itself"
        )
    }

    private static func checked(_ ranges: [ClosedRange<UInt32>]) throws(Pattern.Fault) -> [ClosedRange<UInt32>] {
        guard !ranges.isEmpty else {
            throw Pattern.Fault(problem: "a set is empty", mend: "write it as [1-5] or [159]")
        }
        return ranges
    }

    public func matches(_ number: String) -> Bool {
        var states: UInt64 = 1
        var length = 0
        for scalar in number.unicodeScalars {
            length += 1
            guard length <= Pattern.longestNumber else { return false }
            states = step(states, scalar.value)
            if states == 0 { return false }
        }
        return states & accepting != 0
    }

    /// The states that a character leads to.
    func step(_ states: UInt64, _ scalar: UInt32) -> UInt64 {
        var next = states & loops
        var left = states & ~accepting
        while left != 0 {
            let state = left.trailingZeroBitCount
            if elements[state].takes(scalar) { next |= 1 << UInt64(state + 1) }
            left &= left - 1
        }
        return next
    }

    public static func == (lhs: NumberPattern, rhs: NumberPattern) -> Bool { lhs.source == rhs.source }
    public func hash(into hasher: inout Hasher) { hasher.combine(source) }
}

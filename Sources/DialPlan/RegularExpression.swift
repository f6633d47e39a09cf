/// A regular expression that takes the whole text or nothing: characters, `.`, sets, `\d \w \s`, groups, `|`, and
/// `* + ? {m,n}`.
///
/// Compiled to a bounded automaton whose states are all followed at once (Thompson): matching is linear in the text, so no
/// pattern and no number can hang a call.
public struct RegularExpression: Hashable, Sendable {
    public let source: String
    let program: [Instruction]

    enum Instruction: Hashable, Sendable {
        case any
        case set([ClosedRange<UInt32>], isNegated: Bool)
        /// Go on at either place.
        case fork(Int, Int)
        case jump(Int)
        case accept
    }

    /// Repetition multiplies instructions; beyond this an expression is refused.
    static let longestProgram = 2_000
    /// Parts that are compiled, each as often as it is repeated: an empty group makes no instruction.
    private static let mostVisits = 20_000
    /// Characters: as many alternatives, each in the one before, are a tree that deep.
    private static let longestSource = 4_000

    /// - Throws: `Pattern.Fault` when `source` is malformed, or too much.
    public init(_ source: String) throws(Pattern.Fault) {
        self.source = source
        guard source.unicodeScalars.count <= Self.longestSource else { throw Self.tooLarge }
        var parser = RegularExpressionParser(source)
        let tree = try parser.parse()
        var program: [Instruction] = []
        var visits = 0
        try Self.compile(tree, into: &program, &visits)
        program.append(.accept)
        self.program = program
    }

    /// Takes any text, also an empty one.
    static let everything = RegularExpression(source: ".*", program: [.fork(1, 3), .any, .jump(0), .accept])

    private init(source: String, program: [Instruction]) { (self.source, self.program) = (source, program) }

    public func matches(_ text: String) -> Bool {
        var states = Set<Int>()
        follow(0, into: &states)
        for scalar in text.unicodeScalars {
            var next = Set<Int>()
            for state in states {
                switch program[state] {
                case .any: follow(state + 1, into: &next)
                case .set(let ranges, let isNegated):
                    if ranges.contains(where: { $0.contains(scalar.value) }) != isNegated {
                        follow(state + 1, into: &next)
                    }
                case .fork, .jump, .accept: break
                }
            }
            guard !next.isEmpty else { return false }
            states = next
        }
        return states.contains { program[$0] == .accept }
    }

    /// Adds a state and all that it leads to without a character.
    private func follow(_ start: Int, into states: inout Set<Int>) {
        var pending = [start]
        while let state = pending.popLast() {
            guard states.insert(state).inserted else { continue }
            switch program[state] {
            case .fork(let a, let b): pending += [b, a]
            case .jump(let place): pending.append(place)
            case .any, .set, .accept: break
            }
        }
    }

    private static var tooLarge: Pattern.Fault {
        Pattern.Fault(problem: "the regular expression is too large", mend: "write less, or repeat less in it")
    }

    private static func compile(
        _ node: RegularExpressionNode,
        into program: inout [Instruction],
        _ visits: inout Int
    ) throws(Pattern.Fault) {
        visits += 1
        guard program.count < longestProgram, visits <= mostVisits else { throw tooLarge }
        switch node {
        case .any: program.append(.any)
        case .set(let ranges, let isNegated): program.append(.set(ranges, isNegated: isNegated))
        case .sequence(let parts): for part in parts { try compile(part, into: &program, &visits) }
        case .choice(let a, let b):
            let fork = program.count
            program.append(.accept)
            try compile(a, into: &program, &visits)
            let jump = program.count
            program.append(.accept)
            program[fork] = .fork(fork + 1, program.count)
            try compile(b, into: &program, &visits)
            program[jump] = .jump(program.count)
        case .repeated(let part, let minimum, let maximum):
            for _ in 0..<minimum { try compile(part, into: &program, &visits) }
            guard let maximum else {
                let fork = program.count
                program.append(.accept)
                try compile(part, into: &program, &visits)
                program.append(.jump(fork))
                program[fork] = .fork(fork + 1, program.count)
                return
            }
            var forks: [Int] = []
            for _ in minimum..<max(minimum, maximum) {
                forks.append(program.count)
                program.append(.accept)
                try compile(part, into: &program, &visits)
            }
            for fork in forks { program[fork] = .fork(fork + 1, program.count) }
        }
    }

    public static func == (lhs: RegularExpression, rhs: RegularExpression) -> Bool { lhs.source == rhs.source }
    public func hash(into hasher: inout Hasher) { hasher.combine(source) }
}

indirect enum RegularExpressionNode {
    case any
    case set([ClosedRange<UInt32>], isNegated: Bool)
    case sequence([RegularExpressionNode])
    case choice(RegularExpressionNode, RegularExpressionNode)
    case repeated(RegularExpressionNode, Int, Int?)
}

/// Reads an expression, by recursive descent with a bounded depth.
struct RegularExpressionParser {
    private var rest: Substring.UnicodeScalarView
    private var depth = 0
    private static let deepest = 20
    private static let mostRepeats = 255

    init(_ source: String) { rest = Substring(source).unicodeScalars }

    mutating func parse() throws(Pattern.Fault) -> RegularExpressionNode {
        // The whole text is meant in any case: anchors at the ends say nothing more.
        if rest.first == "^" { rest.removeFirst() }
        if rest.last == "$", rest.dropLast().last != "\\" { rest.removeLast() }
        let node = try choice()
        guard rest.isEmpty else { throw fault("')' without '('", "write '\\)' for the character") }
        return node
    }

    private mutating func choice() throws(Pattern.Fault) -> RegularExpressionNode {
        depth += 1
        defer { depth -= 1 }
        guard depth <= Self.deepest else { throw fault("groups are nested too deeply", "use fewer parentheses") }
        var node = try sequence()
        while rest.first == "|" {
            rest.removeFirst()
            node = .choice(node, try sequence())
        }
        return node
    }

    private mutating func sequence() throws(Pattern.Fault) -> RegularExpressionNode {
        var parts: [RegularExpressionNode] = []
        while let scalar = rest.first, scalar != "|", scalar != ")" {
            rest.removeFirst()
            parts.append(try repetition(of: try atom(scalar)))
        }
        return .sequence(parts)
    }

    private mutating func atom(_ scalar: Unicode.Scalar) throws(Pattern.Fault) -> RegularExpressionNode {
        switch scalar {
        case ".": return .any
        case "(":
            if rest.starts(with: "?:".unicodeScalars) { rest.removeFirst(2) }
            guard rest.first != "?" else { throw fault("'(?' is not supported", "only groups '(…)' and '(?:…)' are") }
            let node = try choice()
            guard rest.popFirst() == ")" else { throw fault("'(' without ')'", "close the group") }
            return node
        case "[": return try set()
        case "\\": return try escape()
        case "*", "+", "?", "{":
            throw fault("'\(scalar)' has nothing to repeat", "write '\\\(scalar)' for the character")
        case "^", "$": throw fault("'\(scalar)' inside an expression", "anchors stand at the ends only")
        default: return .set([scalar.value...scalar.value], isNegated: false)
        }
    }

    private mutating func escape() throws(Pattern.Fault) -> RegularExpressionNode {
        guard let scalar = rest.popFirst() else { throw fault("'\\' at the end", "write '\\\\' for the character") }
        switch scalar {
        case "d": return .set(NumberPattern.digits, isNegated: false)
        case "D": return .set(NumberPattern.digits, isNegated: true)
        case "w": return .set(Self.word, isNegated: false)
        case "W": return .set(Self.word, isNegated: true)
        case "s": return .set(Self.blank, isNegated: false)
        case "S": return .set(Self.blank, isNegated: true)
        default:
            guard !scalar.properties.isAlphabetic, !("0"..."9").contains(scalar) else {
                throw fault("'\\\(scalar)' is not supported", "\\d, \\w and \\s are, and \\ before a sign")
            }
            return .set([scalar.value...scalar.value], isNegated: false)
        }
    }

    private static let word: [ClosedRange<UInt32>] = [48...57, 65...90, 95...95, 97...122]
    private static let blank: [ClosedRange<UInt32>] = [9...13, 32...32]

    private mutating func set() throws(Pattern.Fault) -> RegularExpressionNode {
        let isNegated = rest.first == "^"
        if isNegated { rest.removeFirst() }
        var ranges: [ClosedRange<UInt32>] = []
        while let scalar = rest.popFirst() {
            if scalar == "]", !ranges.isEmpty { return .set(ranges, isNegated: isNegated) }
            if scalar == "\\" {
                guard case .set(let inner, false) = try escape() else {
                    throw fault("a negated class in a set", "negate the set: [^…]")
                }
                ranges += inner
                continue
            }
            guard rest.first == "-", let last = rest.dropFirst().first, last != "]" else {
                ranges.append(scalar.value...scalar.value)
                continue
            }
            rest.removeFirst(2)
            guard scalar <= last else { throw fault("the range '\(scalar)-\(last)' runs backwards", "turn it round") }
            ranges.append(scalar.value...last.value)
        }
        throw fault("a set does not end", "close it with ']'")
    }

    private mutating func repetition(
        of node: RegularExpressionNode
    ) throws(Pattern.Fault) -> RegularExpressionNode {
        switch rest.first {
        case "*":
            rest.removeFirst()
            return .repeated(node, 0, nil)
        case "+":
            rest.removeFirst()
            return .repeated(node, 1, nil)
        case "?":
            rest.removeFirst()
            return .repeated(node, 0, 1)
        case "{":
            rest.removeFirst()
            let minimum = try number()
            var maximum: Int? = minimum
            if rest.first == "," {
                rest.removeFirst()
                maximum = rest.first == "}" ? nil : try number()
            }
            guard rest.popFirst() == "}", maximum.map({ $0 >= minimum }) ?? true else {
                throw fault("'{' is not followed by {m}, {m,} or {m,n}", "write '\\{' for the character")
            }
            return .repeated(node, minimum, maximum)
        default: return node
        }
    }

    private mutating func number() throws(Pattern.Fault) -> Int {
        var digits = ""
        while let scalar = rest.first, ("0"..."9").contains(scalar), digits.count < 4 {
            digits.unicodeScalars.append(scalar)
            rest.removeFirst()
        }
        guard let value = Int(digits), value <= Self.mostRepeats else {
            throw fault("a repetition needs a number up to \(Self.mostRepeats)", "write {2} or {2,5}")
        }
        return value
    }

    private func fault(_ problem: String, _ mend: String) -> Pattern.Fault {
        Pattern.Fault(problem: problem, mend: mend)
    }
}

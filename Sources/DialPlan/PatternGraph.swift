/// Patterns side by side, as one automaton whose states are numbered through: tells which of them take what another takes.
///
/// One pattern and others are followed together over all texts at once (the subset construction, made as far as it is needed): a text
/// that leads the one to acceptance and none of the others disproves that they include it. The length that a number may have is not
/// looked at, so that it errs on the side of what can be reached.
struct PatternGraph {
    /// Who takes the numbers of a pattern.
    enum Takers: Equatable {
        /// All of them are taken, by these patterns, in order: of those that take a number the first counts.
        case all([Int])
        /// There is a number that nobody takes.
        case some
        /// Following them all is too much.
        case unknown
    }

    /// What is looked at before the question is given up, so that it takes milliseconds: pairs of sets of states, and steps from one state
    /// to the next.
    static let mostPairs = 5_000
    static let mostSteps = 200_000

    private var instructions: [RegularExpression.Instruction] = []
    /// Of each pattern: its first state.
    private var starts: [Int] = []
    /// Of each state: its pattern.
    private var owners: [Int] = []
    /// In which round a state was come to last.
    private var visits: [Int] = []
    private var round = 0

    init(_ patterns: [Pattern]) {
        for (owner, pattern) in patterns.enumerated() {
            let (start, program) = (instructions.count, pattern.program)
            starts.append(start)
            owners += repeatElement(owner, count: program.count)
            for instruction in program {
                switch instruction {
                case .fork(let a, let b): instructions.append(.fork(start + a, start + b))
                case .jump(let place): instructions.append(.jump(start + place))
                case .any, .set, .accept: instructions.append(instruction)
                }
            }
        }
        visits = Array(repeating: 0, count: instructions.count)
    }

    /// Whether these patterns take, between them, every number that the one takes.
    mutating func takers(of one: Int, among others: [Int]) -> Takers {
        var search = Search()
        let start = Pair(theirs: settled([starts[one]]), ours: settled(others.map { starts[$0] }))
        guard visit(start, in: &search) else { return .some }
        var steps = 0
        while let pair = search.pending.popLast() {
            for scalar in alphabet(at: pair) {
                let theirs = step(pair.theirs, scalar)
                guard !theirs.isEmpty else { continue }
                steps += pair.theirs.count + pair.ours.count
                guard visit(Pair(theirs: theirs, ours: step(pair.ours, scalar)), in: &search) else { return .some }
            }
            guard search.seen.count <= Self.mostPairs, steps <= Self.mostSteps else { return .unknown }
        }
        return .all(search.takers.sorted())
    }

    /// States of the one and of the others after the same text: those that wait for a character, and those that accept, in order.
    private struct Pair: Hashable { var theirs: [Int], ours: [Int] }

    private struct Search {
        var pending: [Pair] = []
        var seen: Set<Pair> = []
        var takers: Set<Int> = []
    }

    /// False: the text that led here is nobody's.
    private func visit(_ pair: Pair, in search: inout Search) -> Bool {
        guard search.seen.insert(pair).inserted else { return true }
        if pair.theirs.contains(where: accepts) {
            guard let taker = pair.ours.first(where: accepts) else { return false }
            search.takers.insert(owners[taker])
        }
        search.pending.append(pair)
        return true
    }

    private func accepts(_ state: Int) -> Bool { instructions[state] == .accept }

    /// A character of each kind that the pair tells apart.
    private func alphabet(at pair: Pair) -> [UInt32] {
        // Where single characters are waited for, what others make of the rest is no matter: exact numbers are the most of long plans.
        if let characters = charactersAlone(at: pair.theirs) { return characters }
        return bounds(at: pair.theirs).union(bounds(at: pair.ours)).sorted()
    }

    /// What these states wait for, if it is single characters; nil: one takes more than that.
    private func charactersAlone(at states: [Int]) -> [UInt32]? {
        var characters: Set<UInt32> = []
        for state in states where !accepts(state) {
            guard case .set(let ranges, isNegated: false) = instructions[state],
                ranges.allSatisfy({ $0.count == 1 })
            else { return nil }
            for range in ranges { characters.insert(range.lowerBound) }
        }
        return characters.sorted()
    }

    /// The first character of each kind that these states tell apart.
    private func bounds(at states: [Int]) -> Set<UInt32> {
        var bounds: Set<UInt32> = [0]
        for state in states {
            guard case .set(let ranges, _) = instructions[state] else { continue }
            for range in ranges { bounds.formUnion([range.lowerBound, range.upperBound &+ 1]) }
        }
        return bounds
    }

    /// The states that a character leads to.
    private mutating func step(_ states: [Int], _ scalar: UInt32) -> [Int] {
        settled(
            states.filter { state in
                switch instructions[state] {
                case .any: true
                case .set(let ranges, let isNegated): ranges.contains { $0.contains(scalar) } != isNegated
                case .fork, .jump, .accept: false
                }
            }
            .map { $0 + 1 }
        )
    }

    /// These and all that they lead to without a character; forks and jumps, which are gone on from, are left out.
    private mutating func settled(_ states: [Int]) -> [Int] {
        var found: [Int] = []
        var pending = states
        round += 1
        while let state = pending.popLast() {
            guard visits[state] != round else { continue }
            visits[state] = round
            switch instructions[state] {
            case .fork(let a, let b): pending += [a, b]
            case .jump(let place): pending.append(place)
            case .any, .set, .accept: found.append(state)
            }
        }
        return found.sorted()
    }
}

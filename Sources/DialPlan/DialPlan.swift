/// What happens to calls: rules that are tried in the order of the file, and flows that they lead to.
///
/// A value, compiled once when the configuration is read; `PlanRun` takes one call through it.
public struct DialPlan: Equatable, Sendable {
    /// As the tenant calls it (`internal`, `incoming`).
    public var name: String
    /// Where it was read from.
    public var file: String
    public var routes: [Route]
    public var flows: [String: PlanFlow]
    public var tests: [PlanTest]
    /// The tenant's lists of numbers.
    public var lists: [String: NumberList] = [:]
    /// The tenant's queues by their own numbers, which lead into them where no rule is for those.
    public var queues: [String: String] = [:]

    public init(
        name: String,
        file: String = "",
        routes: [Route] = [],
        flows: [String: PlanFlow] = [:],
        tests: [PlanTest] = []
    ) {
        (self.name, self.file, self.routes, self.flows, self.tests) = (name, file, routes, flows, tests)
    }
}

/// One rule: which calls it takes, and what it does with them. The first rule of the file that takes a call wins.
public struct Route: Equatable, Sendable {
    /// The number as dialled.
    public var match: Pattern
    /// The caller's number; nil takes any.
    public var from: Pattern?
    /// The trunk the call came by; nil takes any, and calls that came by none.
    public var trunk: String?
    public var steps: [Step]
    public var position: SourcePosition

    public init(
        match: Pattern,
        from: Pattern? = nil,
        trunk: String? = nil,
        steps: [Step],
        position: SourcePosition = .none
    ) {
        (self.match, self.from, self.trunk, self.steps) = (match, from, trunk, steps)
        self.position = position
    }

    /// Where a rule stands does not change what it does.
    public static func == (lhs: Route, rhs: Route) -> Bool {
        lhs.match == rhs.match && lhs.from == rhs.from && lhs.trunk == rhs.trunk && lhs.steps == rhs.steps
    }

    func takes(called: String, caller: String, trunk arrival: String) -> Bool {
        if let trunk, trunk != arrival { return false }
        if let from, !from.matches(caller) { return false }
        return match.matches(called)
    }
}

extension Route {
    /// In words, whether and why a call takes this rule, for `gudok dialplan route`.
    public func verdict(called: String, caller: String, trunk arrival: String) -> (takes: Bool, why: String) {
        if let trunk, trunk != arrival { return (false, "only calls by trunk \(trunk)") }
        if let from, !from.matches(caller) { return (false, "the caller is not '\(from)'") }
        return match.matches(called) ? (true, "takes it") : (false, "the number is not '\(match)'")
    }
}

/// A named list of steps, reached by `goto` or from a queue.
public struct PlanFlow: Equatable, Sendable {
    public var name: String
    public var steps: [Step]
    public var position: SourcePosition

    public init(name: String, steps: [Step], position: SourcePosition = .none) {
        (self.name, self.steps, self.position) = (name, steps, position)
    }

    /// Where a flow stands does not change what it does.
    public static func == (lhs: PlanFlow, rhs: PlanFlow) -> Bool { lhs.name == rhs.name && lhs.steps == rhs.steps }
}

extension DialPlan {
    /// The rule that a call takes; nil: none does.
    public func route(called: String, caller: String = "", trunk: String = "") -> Route? {
        routes.first { $0.takes(called: called, caller: caller, trunk: trunk) }
    }

    /// Of several numbers that one call may be for, the one whose rule stands first; of those that one rule takes, the first. nil: no rule takes any.
    public func choice(among numbers: [String], caller: String, trunk: String) -> String? {
        let places = numbers.map { number in
            routes.firstIndex { $0.takes(called: number, caller: caller, trunk: trunk) } ?? .max
        }
        guard let first = places.min(), first < .max else { return nil }
        return places.firstIndex(of: first).map { numbers[$0] }
    }

    /// The queue whose own number this is; nil also where a rule is for it, be it for other callers.
    public func queue(of called: String) -> String? {
        queues[called].flatMap { queue in routes.contains { $0.match.matches(called) } ? nil : queue }
    }

    /// Whether the rule for `called` has a step that dials a trunk: what makes a user's call an outbound one.
    public func leadsOut(from called: String, caller: String) -> Bool {
        guard let route = route(called: called, caller: caller) else { return false }
        var visited: Set<String> = []
        return leadsOut(route.steps, &visited)
    }

    private func leadsOut(_ steps: [Step], _ visited: inout Set<String>) -> Bool {
        for step in steps {
            switch step.action {
            case .dial(let dial): if case .trunks = dial.target { return true }
            case .goto(let flow):
                if visited.insert(flow).inserted, let next = flows[flow], leadsOut(next.steps, &visited) { return true }
            default: break
            }
            for branch in step.action.branches where leadsOut(branch, &visited) { return true }
        }
        return false
    }
}

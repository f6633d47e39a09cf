import DialPlan

extension DialPlan {
    /// A rule, a flow or the tests: what an administrator would look for in the file.
    private struct Part: Equatable {
        var name: String
        var steps: [Step] = []
        var tests: [PlanTest] = []
    }

    /// Parts of one plan that are named; the others are counted.
    private static let mostNamed = 20

    /// What becomes different in a tenant's plans, a line each: `+ dialplan night`, `~ dialplan incoming rule 600`,
    /// `- dialplan incoming flow desk`.
    static func changes(from old: [String: DialPlan], to new: [String: DialPlan]) -> [String] {
        let gone = old.keys.filter { new[$0] == nil }.sorted().map { "- dialplan \($0)" }
        return gone
            + new.sorted { $0.key < $1.key }.flatMap { name, plan in
                guard let was = old[name] else { return ["+ dialplan \(name)"] }
                let lines = plan.changes(from: was)
                let rest = lines.count - mostNamed
                return lines.prefix(mostNamed).map { "\($0.mark) dialplan \(name) \($0.part)" }
                    + (rest > 0 ? ["~ dialplan \(name) has \(rest) more changes"] : [])
            }
    }

    private func changes(from old: DialPlan) -> [(mark: String, part: String)] {
        guard routes != old.routes || flows != old.flows || tests != old.tests else { return [] }
        // One name may be that of several rules.
        let (were, are) = (old.parts, parts)
        let (before, after) = (Dictionary(grouping: were, by: \.name), Dictionary(grouping: are, by: \.name))
        var told: Set<String> = []
        let lines = (were.filter { after[$0.name] == nil } + are).compactMap { part -> (String, String)? in
            guard told.insert(part.name).inserted, before[part.name] != after[part.name] else { return nil }
            return (after[part.name] == nil ? "-" : before[part.name] == nil ? "+" : "~", part.name)
        }
        // Each rule is what it was, and another one takes its calls.
        return lines.isEmpty ? [("~", "has its rules in another order")] : lines
    }

    private var parts: [Part] {
        routes.map { Part(name: "rule \($0.written)", steps: $0.steps) }
            + flows.values.sorted { $0.name < $1.name }.map { Part(name: "flow \($0.name)", steps: $0.steps) }
            + [Part(name: "tests", tests: tests)]
    }
}

extension Route {
    /// What takes a call into it.
    fileprivate var written: String {
        "\(match)" + (from.map { " from \($0)" } ?? "") + (trunk.map { " by trunk \($0)" } ?? "")
    }
}

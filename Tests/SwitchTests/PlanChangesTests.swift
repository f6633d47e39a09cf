import DialPlan
import Testing

@testable import Config

/// What an administrator is told of a plan that differs.
@Suite struct PlanChangesTests {
    private func plan(_ rules: [(match: String, cause: String)]) throws -> DialPlan {
        let position = SourcePosition(line: 1, column: 1)
        let routes = try rules.map { rule in
            Route(
                match: try Pattern(rule.match),
                steps: [Step(.hangup(Template(literal: rule.cause)), position: position)],
                position: position
            )
        }
        return DialPlan(name: "p", routes: routes)
    }

    private static let base: [(match: String, cause: String)] = [("600", "busy"), ("600", "declined"), ("7x", "busy")]

    @Test(
        arguments: [
            ([("600", "busy"), ("600", "declined"), ("7x", "busy")], []),
            ([("7x", "busy"), ("600", "busy"), ("600", "declined")], ["~ dialplan p has its rules in another order"]),
            // One of two rules of a name goes, or another comes.
            ([("600", "busy"), ("7x", "busy")], ["~ dialplan p rule 600"]),
            ([("600", "busy"), ("600", "declined"), ("600", "busy"), ("7x", "busy")], ["~ dialplan p rule 600"]),
            ([("600", "declined"), ("600", "busy"), ("7x", "busy")], ["~ dialplan p rule 600"]),
            ([("600", "busy"), ("600", "declined"), ("8", "busy")], ["- dialplan p rule 7x", "+ dialplan p rule 8"]),
        ] as [([(match: String, cause: String)], [String])]
    )
    func `rules are told by name, and their order where nothing else differs`(
        rules: [(match: String, cause: String)],
        told: [String]
    ) throws {
        let (old, new) = (try plan(Self.base), try plan(rules))
        #expect(DialPlan.changes(from: ["p": old], to: ["p": new]) == told)
    }
}

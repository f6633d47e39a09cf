public import DialPlan
import Events

extension DialPlan {
    /// Reads one plan alone: what it names outside itself is not looked for.
    public static func read(_ source: ConfigurationText) -> (plan: DialPlan?, faults: [ConfigFault]) {
        let faults = FaultList()
        var plan = PlanReader(faults: faults).read(source)
        plan?.file = source.name
        if let plan { PlanChecker(plan: plan, tenant: nil, faults: faults).check() }
        return (faults.faults.isEmpty ? plan : nil, faults.sorted)
    }

    /// Values that the aliases of an answer may stand for: the core's loop looks at what comes of it.
    private static let aliasesOfAnswer = 1_000

    /// Reads a list of steps alone: what a URL answers.
    public static func readSteps(_ source: ConfigurationText) -> (steps: [Step]?, faults: [ConfigFault]) {
        let faults = FaultList()
        guard
            let root = YAMLValue.parse(source.text, file: source.name, faults: faults, aliases: aliasesOfAnswer)
        else { return (nil, faults.sorted) }
        let steps = StepReader().readList(root)
        return (faults.faults.isEmpty ? steps : nil, faults.sorted)
    }
}

/// Reads one dial plan's file. What it names outside itself is checked with the tenant that uses it.
struct PlanReader {
    let faults: FaultList

    func read(_ source: ConfigurationText) -> DialPlan? {
        guard let root = YAMLValue.parse(source.text, file: source.name, faults: faults),
            var file = root.mapping("a dial plan")
        else { return nil }
        var plan = DialPlan(name: source.name, file: source.name)
        let steps = StepReader()
        if let routes = file.require("routes", of: "a dial plan") {
            plan.routes = routes.sequence("routes").compactMap { readRoute($0, steps: steps) }
        }
        if let flows = file.take("flows"), var mapping = flows.mapping("flows") {
            for entry in mapping.all() {
                plan.flows[entry.name] = PlanFlow(
                    name: entry.name,
                    steps: steps.readList(entry.value),
                    position: entry.key.position
                )
            }
        }
        if let tests = file.take("tests") {
            for value in tests.sequence("tests") {
                guard let test = readTest(value) else { continue }
                if plan.tests.contains(where: { $0.name == test.name }) {
                    value.fault(.duplicate, "the test '\(test.name)' is given twice", mend: "choose another name")
                }
                plan.tests.append(test)
            }
        }
        file.finish("a dial plan")
        return plan
    }

    private func readRoute(_ value: YAMLValue, steps: StepReader) -> Route? {
        guard var mapping = value.mapping("a rule") else { return nil }
        defer { mapping.finish("a rule") }
        let match = mapping.require("match", of: "a rule")?.pattern("match")
        let from = mapping.take("from").map { $0.pattern("from") }
        let trunk = mapping.take("trunk")?.string("trunk")
        let list = mapping.require("do", of: "a rule").map { value in
            if value.asSequence?.isEmpty == true {
                value.fault(.badValue, "the rule does nothing", mend: "write its steps, such as [{hangup: not-found}]")
            }
            return steps.readList(value)
        }
        guard let match, let list, from.map({ $0 != nil }) ?? true else { return nil }
        return Route(match: match, from: from ?? nil, trunk: trunk, steps: list, position: value.position)
    }

    // MARK: tests

    private func readTest(_ value: YAMLValue) -> PlanTest? {
        guard var mapping = value.mapping("a test") else { return nil }
        defer { mapping.finish("a test") }
        let name = mapping.require("name", of: "a test")?.string("name")
        guard let callValue = mapping.require("call", of: "a test"), var call = callValue.mapping("call") else {
            return nil
        }
        let from = call.require("from", of: "call")?.string("from")
        let to = call.require("to", of: "call")?.string("to")
        let trunk = call.take("trunk")?.string("trunk")
        let callerName = call.take("name")?.string("name")
        let at = call.take("at").flatMap(readTime)
        call.finish("call")
        let dials = mapping.take("dial").map { readOutcomes($0, DialOutcome.self, "dial") } ?? []
        let waits = mapping.take("queue").map { readOutcomes($0, QueueOutcome.self, "queue") } ?? []
        let callbacks = mapping.take("callback").map { readOutcomes($0, CallbackAnswer.self, "callback") } ?? []
        let input = mapping.take("input")?.sequence("input").compactMap { $0.string("an input") } ?? []
        let expected = mapping.require("expect", of: "a test").map { value in
            if value.asSequence?.isEmpty == true {
                value.fault(.badValue, "the test expects nothing", mend: "write what happens, such as [answered]")
            }
            return value.sequence("expect").compactMap(readExpectation)
        }
        guard let name, let from, let to, let expected else { return nil }
        var test = PlanTest(
            name: name,
            from: from,
            to: to,
            trunk: trunk,
            input: input,
            expectations: expected,
            position: value.position
        )
        (test.dials, test.waits, test.callbacks) = (dials, waits, callbacks)
        (test.at, test.callerName) = (at, callerName)
        return test
    }

    private func readOutcomes<T: RawRepresentable & CaseIterable>(
        _ value: YAMLValue,
        _ type: T.Type,
        _ what: String
    ) -> [T] where T.RawValue == String {
        (value.asSequence ?? [value]).compactMap { $0.choice(what, type) }
    }

    private func readTime(_ value: YAMLValue) -> PlanTest.Time? {
        guard let text = value.string("at") else { return nil }
        if let time = PlanTest.Time(written: text) { return time }
        value.fault(
            .badValue,
            "'\(text)' is no time",
            mend: "write it as 2026-01-07T10:00, or 2026-01-07T10:00:00+03:00"
        )
        return nil
    }

    private func readExpectation(_ value: YAMLValue) -> PlanTest.Expectation? {
        let kinds = PlanTest.Kind.allCases
        if let text = value.asScalar {
            if let kind = PlanTest.Kind(rawValue: text), !kind.takesValue { return PlanTest.Expectation(kind) }
            let known = kinds.filter { !$0.takesValue }.map(\.rawValue)
            value.fault(.badValue, "'\(text)' cannot be expected", mend: suggestion(for: text, among: known))
            return nil
        }
        guard var mapping = value.mapping("an expectation") else { return nil }
        let entries = mapping.all()
        guard entries.count == 1, let entry = entries.first else {
            value.fault(.badValue, "an expectation says one thing", mend: "write {played: welcome}")
            return nil
        }
        guard let kind = PlanTest.Kind(rawValue: entry.name), kind.takesValue else {
            let known = kinds.filter(\.takesValue).map(\.rawValue)
            entry.key.fault(
                .unknownKey,
                "'\(entry.name)' cannot be expected",
                mend: suggestion(for: entry.name, among: known)
            )
            return nil
        }
        guard let expected = entry.value.string(entry.name) else { return nil }
        if kind == .hungUp, expected != "never", HangupCause(named: expected) == nil {
            let known = HangupCause.named.map(\.name)
            entry.value.fault(.badValue, "'\(expected)' is no cause", mend: suggestion(for: expected, among: known))
        }
        return PlanTest.Expectation(kind, expected)
    }
}

import DialPlan
import Events

/// The steps that talk to the caller, and those about queues and agents.
extension StepReader {
    func readPlay(_ value: YAMLValue) -> [Template]? {
        let items = value.asSequence ?? [value]
        let prompts = items.compactMap { $0.template("play") }
        if items.isEmpty { value.fault(.badValue, "'play' has no prompt", mend: "name one, or remove the step") }
        return prompts.count == items.count && !prompts.isEmpty ? prompts : nil
    }

    func readSay(_ value: YAMLValue) -> Step.Action? {
        guard var mapping = value.mapping("say") else { return nil }
        let entries = mapping.all()
        guard entries.count == 1, let entry = entries.first, let kind = Step.Say.Kind(rawValue: entry.name) else {
            let known = Step.Say.Kind.allCases.map(\.rawValue)
            value.fault(
                .badValue,
                "say does not tell what",
                mend: suggestion(for: entries.first?.name ?? "", among: known)
            )
            return nil
        }
        return entry.value.template(entry.name).map { .say(Step.Say(kind, $0)) }
    }

    private static let keys = Set("0123456789*#ABCD".map(String.init))

    func readMenu(_ value: YAMLValue) -> Step.Action? {
        guard var mapping = value.mapping("menu") else { return nil }
        defer { mapping.finish("menu") }
        let prompt = mapping.require("prompt", of: "menu")?.template("prompt")
        let timeout = mapping.take("timeout")?.positiveDuration("timeout")
        let attempts = mapping.take("attempts")?.integer("attempts", in: 1...100)
        let invalid = mapping.take("invalid")?.template("invalid")
        var keys: [Step.Menu.Key] = []
        if let value = mapping.require("keys", of: "menu"), var entries = value.mapping("keys") {
            let all = entries.all()
            if all.isEmpty { value.fault(.badValue, "the menu has no key", mend: "write keys: {\"1\": […]}") }
            for entry in all {
                if !Self.keys.contains(entry.name) {
                    entry.key.fault(
                        .badValue,
                        "'\(entry.name)' is no key",
                        mend: "keys are 0-9, '*', '#' and A-D, in quotes"
                    )
                }
                keys.append(Step.Menu.Key(entry.name, readList(entry.value)))
            }
        }
        let otherwise = mapping.take("otherwise").map { readList($0) } ?? []
        guard let prompt else { return nil }
        return .menu(
            Step.Menu(
                prompt: prompt,
                timeout: timeout ?? .seconds(5),
                attempts: attempts ?? 3,
                invalid: invalid,
                keys: keys,
                otherwise: otherwise
            )
        )
    }

    func readCollect(_ value: YAMLValue) -> Step.Action? {
        guard var mapping = value.mapping("collect") else { return nil }
        defer { mapping.finish("collect") }
        let variable = mapping.require("variable", of: "collect")
        let name = variable?.string("variable")
        if let name, !PlanVariable.isName(name) {
            variable?.fault(.badValue, "'\(name)' is no variable's name", mend: "use letters, digits and '_'")
        }
        let prompt = mapping.take("prompt")?.template("prompt")
        let minimum = mapping.take("min")?.integer("min", in: 0...64) ?? 1
        let maximum = mapping.take("max")?.integer("max", in: 1...64) ?? 16
        let timeout = mapping.take("timeout")?.positiveDuration("timeout") ?? .seconds(5)
        let ending = mapping.take("terminator")
        let terminator = ending?.string("terminator") ?? "#"
        if !Self.keys.contains(terminator) {
            ending?.fault(.badValue, "'\(terminator)' is no key", mend: "write one of 0-9, '*', '#' and A-D, in quotes")
        }
        if minimum > maximum {
            value.fault(.badValue, "collect takes more at least than at most", mend: "turn min and max round")
        }
        guard let name else { return nil }
        return .collect(
            Step.Collect(
                variable: name,
                prompt: prompt,
                minimum: minimum,
                maximum: maximum,
                timeout: timeout,
                terminator: terminator
            )
        )
    }

    func readQueue(_ value: YAMLValue) -> Step.Action? {
        if value.asScalar != nil { return value.string("queue").map { .queue(Step.QueueEntry(name: $0)) } }
        guard var mapping = value.mapping("queue") else { return nil }
        defer { mapping.finish("queue") }
        let name = mapping.require("name", of: "queue")?.string("name")
        let priority = mapping.take("priority")?.integer("priority", in: 0...100) ?? 0
        let skill = mapping.take("skill")?.integer("skill", in: 0...1_000) ?? 0
        return name.map { .queue(Step.QueueEntry(name: $0, priority: priority, skill: skill)) }
    }

    func readAgent(_ value: YAMLValue, _ step: inout YAMLMapping) -> Step.Action? {
        let reason = step.take("reason")
        let user = step.take("as")
        let more = step.take("by")
        guard let change = value.choice("agent", Step.AgentStep.Change.self) else { return nil }
        if let reason, !change.takesReason {
            reason.fault(.unknownKey, "'\(change.rawValue)' takes no reason", mend: "remove it")
        }
        if let user, change != .login {
            user.fault(.unknownKey, "'\(change.rawValue)' is for whoever is at the phone", mend: "remove 'as'")
        }
        if let more, change != .extendWrapUp {
            more.fault(.unknownKey, "'\(change.rawValue)' takes no 'by'", mend: "remove it")
        }
        var made = Step.AgentStep(change, reason: reason?.string("reason"), user: user?.template("as"))
        if let more { made.more = more.duration("by") ?? made.more }
        return .agent(made)
    }

    func readSupervise(_ value: YAMLValue) -> Step.Action? {
        guard var mapping = value.mapping("supervise") else { return nil }
        defer { mapping.finish("supervise") }
        let mode = mapping.require("mode", of: "supervise")?.choice("mode", SupervisionMode.self)
        let agent = mapping.require("agent", of: "supervise")?.template("agent")
        guard let mode, let agent else { return nil }
        return .supervise(Step.Supervise(mode: mode, agent: agent))
    }

    func readHTTP(_ value: YAMLValue) -> Step.Action? {
        guard var mapping = value.mapping("http") else { return nil }
        defer { mapping.finish("http") }
        let url = mapping.require("url", of: "http")?.template("url")
        let timeout = mapping.take("timeout")?.positiveDuration("timeout") ?? .seconds(3)
        let fallback = mapping.take("fallback").map { readList($0) } ?? []
        return url.map { .http(Step.HTTPRequest(url: $0, timeout: timeout, fallback: fallback)) }
    }

    func readCallback(_ value: YAMLValue) -> Step.Action? {
        guard var mapping = value.mapping("callback") else { return nil }
        defer { mapping.finish("callback") }
        let queue = mapping.require("queue", of: "callback")?.string("queue")
        let number = mapping.require("number", of: "callback")?.template("number")
        guard let queue, let number else { return nil }
        return .callback(Step.Callback(queue: queue, number: number))
    }
}

public import DialPlan
import Events

/// Checks what a plan names: its own flows and variables, and users, trunks, queues and reasons of the tenant that uses it.
struct PlanChecker {
    let plan: DialPlan
    /// nil: the plan alone is checked.
    let tenant: Tenant?
    let faults: FaultList
    private let variables: Set<String>

    /// With `added` steps beside those of the plan, and variables that are `set` already.
    init(plan: DialPlan, tenant: Tenant?, faults: FaultList, added: [Step] = [], set: some Sequence<String> = []) {
        (self.plan, self.tenant, self.faults) = (plan, tenant, faults)
        var known = Set(PlanVariable.allCases.map(\.rawValue)).union(set)
        for step in plan.allSteps + added {
            switch step.action {
            case .set(let assignments): known.formUnion(assignments.map(\.variable))
            case .collect(let collect): known.insert(collect.variable)
            default: break
            }
        }
        variables = known
    }

    func check() {
        checkShadows()
        for (flow, position) in Circles(plan).closed(of: plan) {
            fault(
                position,
                .badValue,
                "the flow '\(flow)' goes round in circles: no step on its way takes time or ends the call",
                "let one play, ask, dial, queue or hang up"
            )
        }
        for step in plan.allSteps { check(step) }
        guard let tenant else { return }
        for route in plan.routes {
            if let trunk = route.trunk { require("trunk", trunk, in: tenant.trunks.keys, at: route.position) }
        }
        for test in plan.tests {
            if let trunk = test.trunk { require("trunk", trunk, in: tenant.trunks.keys, at: test.position) }
        }
    }

    /// Which rules there are is the plan's own, whoever uses it.
    private func checkShadows() {
        guard tenant == nil else { return }
        for shadow in plan.shadows {
            let named = shadow.takers.prefix(Self.mostTakers).map { "'\($0.match)' in line \($0.position.line)" }
            let rest = shadow.takers.count - named.count
            let takers = named.joined(separator: ", ") + (rest > 0 ? " and \(rest) more" : "")
            faults.add(
                plan.file,
                shadow.route.position,
                .shadowedRule,
                "the rule '\(shadow.route.match)' is never reached: \(takers) "
                    + (shadow.takers.count == 1 ? "takes its calls" : "take its calls"),
                mend: shadow.takers.count == 1
                    ? "move it above that rule, or remove it" : "move it above them, or remove it"
            )
        }
    }

    /// Rules that a fault names before it only counts them.
    private static let mostTakers = 3

    func check(_ step: Step) {
        switch step.action {
        case .answer, .ringing, .echo, .record: break
        case .hangup(let cause):
            check(cause, in: step)
            if let name = cause.constant, HangupCause(named: name) == nil {
                let known = HangupCause.named.map(\.name)
                fault(step.place(of: name), .badValue, "'\(name)' is no cause", suggestion(for: name, among: known))
            }
        case .goto(let flow): require("flow", flow, in: plan.flows.keys, of: step)
        case .dial(let dial):
            check(dial.target, in: step)
            if let callerID = dial.callerID { check(callerID, over: dial.target, in: step) }
        case .transfer(let target), .pickup(let target): check(target, in: step)
        case .park(let park): check(park.slot, in: step)
        case .when(let when): for condition in when.conditions { check(condition, in: step) }
        case .set(let assignments):
            for assignment in assignments {
                check(assignment.value, in: step)
                refuseBuiltIn(assignment.variable, in: step)
            }
        case .play(let prompts): for prompt in prompts { check(prompt, in: step) }
        case .say(let say):
            check(say.value, in: step)
            if let text = say.value.constant, SpokenValue(say.kind, text) == nil {
                fault(
                    step.place(of: text),
                    .badValue,
                    "'\(text)' is no \(say.kind.rawValue)",
                    "write \(say.kind.example)"
                )
            }
        case .menu(let menu):
            check(menu.prompt, in: step)
            if let invalid = menu.invalid { check(invalid, in: step) }
        case .collect(let collect):
            if let prompt = collect.prompt { check(prompt, in: step) }
            refuseBuiltIn(collect.variable, in: step)
        case .http(let request):
            check(request.url, in: step)
            checkURL(request.url, in: step)
        case .hours: break
        case .supervise(let supervise): check(.user(supervise.agent), in: step)
        case .queue(let queue): requireQueue(queue.name, in: step)
        case .callback(let callback):
            requireQueue(callback.queue, in: step)
            check(callback.number, in: step)
            if let number = callback.number.constant, !CallbackNumber.isOne(number) {
                fault(
                    step.place(of: number),
                    .badValue,
                    "'\(number)' cannot be called back",
                    "write a number, or {caller}"
                )
            }
        case .agent(let agent):
            if let user = agent.user { check(.user(user), in: step) }
            // Where a tenant lists none, any will do.
            guard let tenant, !tenant.pauseReasons.isEmpty, let reason = agent.reason else { return }
            require("pause reason", reason, in: tenant.pauseReasons.map(\.name), of: step)
        }
    }

    /// A number that a trunk never shows is a mistake in one of the two.
    private func check(_ callerID: Template, over target: Step.Target, in step: Step) {
        check(callerID, in: step)
        guard case .trunks(let names, _) = target, let number = callerID.constant else { return }
        for name in names {
            guard let rule = tenant?.trunks[name]?.callerID, !rule.allows(number) else { continue }
            fault(
                step.place(of: number),
                .badValue,
                "trunk \(name) does not show '\(number)'",
                "add it to `allow` in the trunk's `caller_id`"
            )
        }
    }

    private func check(_ target: Step.Target, in step: Step) {
        switch target {
        case .user(let number):
            check(number, in: step)
            guard let tenant, let constant = number.constant else { return }
            require("user", constant, in: tenant.users.keys, of: step)
        case .trunks(let names, let number):
            check(number, in: step)
            if let constant = number.constant, constant.contains(where: \.isWhitespace) {
                fault(step.place(of: constant), .badValue, "'\(constant)' is no number", "write it without blanks")
            }
            refuseTwice(names, "trunk", in: step)
            guard let tenant else { return }
            for name in names { require("trunk", name, in: tenant.trunks.keys, of: step) }
        case .group(let numbers):
            refuseTwice(numbers.map(\.source), "user", in: step)
            for number in numbers { check(.user(number), in: step) }
        }
    }

    private func check(_ condition: Step.Condition, in step: Step) {
        if !variables.contains(condition.variable) {
            fault(
                step.place(of: condition.variable),
                .deadReference,
                "there is no variable '\(condition.variable)'",
                suggestion(for: condition.variable, among: variables)
            )
        }
        for case .list(let name) in condition.values where tenant != nil {
            require("list", name, in: plan.lists.keys, of: step)
        }
        let outcomes: [String]
        switch PlanVariable(rawValue: condition.variable) {
        case .dialResult: outcomes = DialOutcome.allCases.map(\.rawValue)
        case .queueResult: outcomes = QueueOutcome.allCases.map(\.rawValue)
        case .callbackResult: outcomes = CallbackAnswer.allCases.map(\.rawValue)
        case .direction: outcomes = CallDirection.allCases.map(\.rawValue)
        case .trunk where tenant != nil: outcomes = [""] + (tenant?.trunks.keys.sorted() ?? [])
        default: return
        }
        for case .text(let text) in condition.values where !outcomes.contains(text) {
            fault(
                step.place(of: text),
                .badValue,
                "\(condition.variable) is never '\(text)'",
                suggestion(for: text, among: outcomes)
            )
        }
    }

    private func check(_ template: Template, in step: Step) {
        for name in template.variables where !variables.contains(name) {
            fault(
                step.place(of: template.source),
                .deadReference,
                "there is no variable '\(name)'",
                suggestion(for: name, among: variables)
            )
        }
    }

    /// The switch's own say how the call is: what a plan writes into them would tell the steps behind something else.
    private func refuseBuiltIn(_ name: String, in step: Step) {
        guard PlanVariable(rawValue: name) != nil else { return }
        fault(
            step.place(of: name),
            .badValue,
            "'\(name)' is the switch's own variable",
            "choose another name, such as my_\(name)"
        )
    }

    private func refuseTwice(_ names: [String], _ what: String, in step: Step) {
        var seen: Set<String> = []
        for name in names where !seen.insert(name).inserted {
            fault(step.place(of: name), .duplicate, "the \(what) '\(name)' is named twice", "remove one of them")
        }
    }

    /// As far as it does not hang on a variable.
    private func checkURL(_ url: Template, in step: Step) {
        let text = url.source
        guard let authority = URLAuthority(of: text), !text.contains(where: \.isWhitespace),
            !authority.variables.isEmpty || authority.isSound
        else {
            return fault(
                step.place(of: text),
                .badValue,
                "'\(text)' is no URL",
                "write http:// or https://, a host and a path"
            )
        }
        // Whoever answers writes steps of the plan: no caller may choose him.
        let own: [PlanVariable] = [.tenant, .trunk, .direction]
        guard let foreign = authority.variables.first(where: { !own.map(\.rawValue).contains($0) }) else { return }
        fault(
            step.place(of: text),
            .badValue,
            "the host of '\(text)' hangs on {\(foreign)}, and so on who calls",
            "write the host out; of variables only {tenant}, {trunk} and {direction} may be in it"
        )
    }

    private func requireQueue(_ name: String, in step: Step) {
        guard let tenant else { return }
        require("queue", name, in: tenant.queues.keys, of: step)
    }

    private func require(_ what: String, _ name: String, in known: some Sequence<String>, of step: Step) {
        require(what, name, in: known, at: step.place(of: name))
    }

    private func require(
        _ what: String,
        _ name: String,
        in known: some Sequence<String>,
        at position: SourcePosition
    ) {
        guard !known.contains(name) else { return }
        let whose = what == "flow" ? "the plan" : "the tenant"
        fault(position, .deadReference, "\(whose) has no \(what) '\(name)'", suggestion(for: name, among: known))
    }

    private func fault(_ position: SourcePosition, _ code: ConfigFault.Code, _ problem: String, _ mend: String) {
        faults.add(plan.file, position, code, problem, mend: mend)
    }
}

extension DialPlan {
    /// Every step, those inside branches too.
    public var allSteps: [Step] { Self.all(routes.flatMap(\.steps) + flows.values.flatMap(\.steps)) }

    /// These steps and those inside their branches.
    static func all(_ steps: [Step]) -> [Step] {
        var found: [Step] = []
        var pending = steps
        while let step = pending.popLast() {
            found.append(step)
            for branch in step.action.branches { pending += branch }
        }
        return found
    }
}

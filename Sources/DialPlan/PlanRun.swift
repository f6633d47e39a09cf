/// One call's way through a dial plan. Sans-IO: it says what is wanted next, and is told how that went.
public struct PlanRun: Sendable {
    /// Where in a list of steps the run is.
    private struct Frame: Sendable {
        var steps: [Step]
        var next = 0
    }

    public let plan: DialPlan
    public private(set) var variables: [String: String]
    /// The last instruction was `.echo`.
    public private(set) var isAtEcho = false
    private var frames: [Frame] = []
    private var trail: [TrailEntry] = []
    /// How the last `dial` ended.
    private var lastOutcome: DialOutcome?

    /// More steps than this without an instruction are a loop of `goto`.
    static let longestWay = 1_000

    public init(plan: DialPlan, variables: [String: String]) {
        (self.plan, self.variables) = (plan, variables)
    }

    /// What was decided since this was last asked for.
    public mutating func takeTrail() -> [TrailEntry] {
        defer { trail = [] }
        return trail
    }

    /// Finds the rule for `called`, and takes its first steps.
    public mutating func start() -> Instruction {
        let route = plan.route(
            called: variables[PlanVariable.called.rawValue] ?? "",
            caller: variables[PlanVariable.caller.rawValue] ?? "",
            trunk: variables[PlanVariable.trunk.rawValue] ?? ""
        )
        guard let route else { return .noRoute }
        trail.append(.routed(match: "\(route.match)", line: route.position.line))
        frames = [Frame(steps: route.steps)]
        return advance()
    }

    /// Goes on after an instruction.
    public mutating func proceed(_ result: StepResult) -> Instruction {
        isAtEcho = false
        guard case .dialled(let outcome) = result else { return advance() }
        lastOutcome = outcome
        variables[PlanVariable.dialResult.rawValue] = outcome.rawValue
        // The talk is over, and with it the call.
        if outcome == .answered { return .hangup(.normal) }
        trail.append(.note("dial_result is \(outcome.rawValue)", line: currentLine))
        return advance()
    }

    private var currentLine: Int {
        guard let frame = frames.last, frame.next > 0, frame.steps.indices.contains(frame.next - 1) else { return 0 }
        return frame.steps[frame.next - 1].position.line
    }

    private mutating func advance() -> Instruction {
        for _ in 0..<Self.longestWay {
            guard let frame = frames.last else { return atTheEnd() }
            guard frame.steps.indices.contains(frame.next) else {
                frames.removeLast()
                continue
            }
            frames[frames.count - 1].next += 1
            if let instruction = take(frame.steps[frame.next]) { return instruction }
        }
        trail.append(.note("the plan goes round in circles: \(Self.longestWay) steps led nowhere", line: currentLine))
        return .hangup(.failed)
    }

    /// The steps ran out: a failed attempt is what the caller hears of, anything else was what the plan wanted.
    private func atTheEnd() -> Instruction { .hangup(lastOutcome.map { HangupCause($0) } ?? .normal) }

    /// nil: the step is done, and the next one's turn.
    private mutating func take(_ step: Step) -> Instruction? {
        let line = step.position.line
        switch step.action {
        case .answer: return say("answer", line, .answer)
        case .ringing: return say("ringing", line, .ringing)
        case .echo:
            isAtEcho = true
            return say("echo", line, .echo)
        case .hangup(let template):
            let name = expand(template)
            if let cause = HangupCause(named: name) { return say("hangup \(name)", line, .hangup(cause)) }
            trail.append(.note("'\(name)' is no cause to hang up with", line: line))
            return .hangup(.failed)
        case .dial(let dial):
            let target = target(dial.target)
            let request = DialRequest(target: target, timeout: dial.timeout)
            return say("dial \(target)", line, .dial(request))
        case .when(let when):
            let holds = when.conditions.allSatisfy { condition in
                let value = variables[condition.variable] ?? ""
                return condition.values.contains { $0.matches(value) }
            }
            frames.append(Frame(steps: holds ? when.then : when.otherwise))
            return nil
        case .goto(let name):
            trail.append(.step("goto \(name)", line: line))
            frames = [Frame(steps: plan.flows[name]?.steps ?? [])]
            return nil
        case .set(let assignments):
            for assignment in assignments { variables[assignment.variable] = expand(assignment.value) }
            return nil
        case .record, .queue, .play, .say, .menu, .collect, .agent, .hours, .http, .callback, .transfer:
            return say(step.name, line, .unsupported(step.name))
        }
    }

    private mutating func say(_ step: String, _ line: Int, _ instruction: Instruction) -> Instruction {
        trail.append(.step(step, line: line))
        return instruction
    }

    private func target(_ target: Step.Target) -> DialTarget {
        switch target {
        case .user(let number): .user(expand(number))
        case .trunk(let name, let number): .trunk(name, number: expand(number))
        }
    }

    private func expand(_ template: Template) -> String { template.expanded(with: variables) }
}

import Events

/// One call's way through a dial plan. Sans-IO: it says what is wanted next, and is told how that went.
public struct PlanRun: Sendable {
    /// Where in a list of steps the run is.
    private struct Frame: Sendable {
        var steps: [Step]
        var next = 0
    }

    /// A step that asks more than once.
    private enum Question: Sendable {
        case menu(Step.Menu, attempt: Int)
        case collect(Step.Collect)
        case pin(Step.AgentStep, user: String)
    }

    public private(set) var plan: DialPlan
    public private(set) var variables: [String: String]
    private var frames: [Frame] = []
    private var trail: [TrailEntry] = []
    /// Whose calls the rules are matched with; nil: the caller's own.
    private var sender: String?
    /// How the last `dial` ended.
    private var lastOutcome: DialOutcome?
    private var question: Question?
    /// Trunks that are left to be tried, and the request for them.
    private var moreTrunks: [String] = []
    private var dialled: DialRequest?
    private var isTransfer = false
    private var hours: Step.Hours?
    private var fallback: [Step] = []

    /// More steps than this at one moment are a plan that goes round in circles, and for whoever carries them out a recursion that must
    /// end.
    static let mostAtOnce = 200
    private var takenAtOnce = 0
    /// It has been ended for that.
    public private(set) var hasCircled = false
    /// More prompts and menus than this are a caller who fell asleep on the keys, or a plan that never lets him go.
    static let longestTalk = 10_000
    private var talked = 0
    /// More questions to URLs than this are URLs that send the call round in circles.
    static let mostQuestions = 1_000
    private var questions = 0

    public init(plan: DialPlan, variables: [String: String]) {
        (self.plan, self.variables) = (plan, variables)
    }

    /// A way that begins in no rule: `proceed` takes these steps.
    public init(plan: DialPlan, variables: [String: String], steps: [Step]) {
        self.init(plan: plan, variables: variables)
        frames = [Frame(steps: steps)]
    }

    /// The same run, with steps before those that it would go on with.
    public func beginning(with steps: [Step]) -> PlanRun {
        var run = self
        run.frames.append(Frame(steps: steps))
        return run
    }

    /// From here on the plan runs for somebody else, of whom these variables tell, because `sender` sends him there: which rules match is
    /// the sender's right, what they say is about who comes.
    public mutating func serve(_ party: [String: String], sentBy sender: String?) {
        variables.merge(party) { $1 }
        variables[PlanVariable.sentBy.rawValue] = sender ?? ""
        self.sender = sender
    }

    /// What was decided since this was last asked for.
    public mutating func takeTrail() -> [TrailEntry] {
        defer { trail = [] }
        return trail
    }

    /// What was carried out last took its time: the steps before it are no circle with those that follow.
    public mutating func timePassed() { takenAtOnce = 0 }

    /// Finds the rule for `called`, and takes its first steps.
    public mutating func start() -> Instruction {
        let called = variables[PlanVariable.called.rawValue] ?? ""
        let route = plan.route(
            called: called,
            caller: sender ?? variables[PlanVariable.caller.rawValue] ?? "",
            trunk: sender == nil ? variables[PlanVariable.trunk.rawValue] ?? "" : ""
        )
        guard let route else {
            guard let queue = plan.queue(of: called) else { return .noRoute }
            trail.append(.note("no rule is for it: the extension of queue \(queue)", line: 0))
            frames = [Frame(steps: [Step(.queue(Step.QueueEntry(name: queue)))])]
            return advance()
        }
        trail.append(.routed(match: route.match.description, line: route.position.line))
        frames = [Frame(steps: route.steps)]
        return advance()
    }

    /// Goes on after an instruction.
    public mutating func proceed(_ result: StepResult) -> Instruction {
        switch result {
        case .done: return advance()
        case .dialled(let outcome): return proceed(after: outcome)
        case .input(let keys): return proceed(upon: keys)
        case .queued(let outcome):
            if outcome == .answered { return .hangup(.normal) }
            leave(outcome)
            return advance()
        case .callback(let answer):
            variables[PlanVariable.callbackResult.rawValue] = answer.rawValue
            trail.append(.note("callback_result is \(answer.rawValue)", line: currentLine))
            return advance()
        case .time(let time):
            guard let hours else { return advance() }
            self.hours = nil
            let isOpen = hours.isOpen(at: time)
            trail.append(.note("\(time.date) \(clock(time.minute)): \(isOpen ? "open" : "closed")", line: currentLine))
            frames.append(Frame(steps: isOpen ? hours.then : hours.otherwise))
            return advance()
        case .steps(let steps):
            trail.append(.note(steps.map { "the URL says \($0.count) steps" } ?? "no usable answer", line: currentLine))
            frames.append(Frame(steps: steps ?? fallback))
            return advance()
        case .jump(let plan, let flow, let outcome):
            leave(outcome)
            let lists = self.plan.lists
            self.plan = plan
            if self.plan.lists.isEmpty { self.plan.lists = lists }
            trail.append(.step("goto \(plan.name)/\(flow)", line: plan.flows[flow]?.position.line ?? 0))
            frames = [Frame(steps: plan.flows[flow]?.steps ?? [])]
            return advance()
        }
    }

    private mutating func leave(_ outcome: QueueOutcome) {
        variables[PlanVariable.queueResult.rawValue] = outcome.rawValue
        trail.append(.note("queue_result is \(outcome.rawValue)", line: currentLine))
    }

    private mutating func proceed(after outcome: DialOutcome) -> Instruction {
        lastOutcome = outcome
        variables[PlanVariable.dialResult.rawValue] = outcome.rawValue
        // The talk is over, and with it the call.
        if outcome == .answered { return .hangup(.normal) }
        trail.append(.note("dial_result is \(outcome.rawValue)", line: currentLine))
        if outcome.isTrunkFault, !moreTrunks.isEmpty, let dialled, case .trunk(_, let number) = dialled.target {
            var next = dialled
            next.target = .trunk(moreTrunks.removeFirst(), number: number)
            next.hasAlternative = !moreTrunks.isEmpty
            return dial(next, currentLine)
        }
        return isTransfer ? .hangup(HangupCause(outcome)) : advance()
    }

    private var currentLine: Int {
        guard let frame = frames.last, frame.next > 0, frame.steps.indices.contains(frame.next - 1) else { return 0 }
        return frame.steps[frame.next - 1].position.line
    }

    private mutating func advance() -> Instruction {
        while let frame = frames.last {
            guard frame.steps.indices.contains(frame.next) else {
                frames.removeLast()
                continue
            }
            frames[frames.count - 1].next += 1
            takenAtOnce += 1
            guard takenAtOnce <= Self.mostAtOnce else {
                hasCircled = true
                let why = "the plan goes round in circles: \(Self.mostAtOnce) steps took no time"
                trail.append(.note(why, line: currentLine))
                return .hangup(.failed)
            }
            if let instruction = take(frame.steps[frame.next]) { return instruction }
        }
        return atTheEnd()
    }

    /// The steps ran out: a failed attempt is what the caller hears of, anything else was what the plan wanted.
    private func atTheEnd() -> Instruction { .hangup(lastOutcome.map { HangupCause($0) } ?? .normal) }

    /// nil: the step is done, and the next one's turn.
    private mutating func take(_ step: Step) -> Instruction? {
        let line = step.position.line
        switch step.action {
        case .answer: return tell("answer", line, .answer)
        case .ringing: return tell("ringing", line, .ringing)
        case .echo: return tell("echo", line, .echo)
        case .hangup(let template):
            let name = expand(template)
            if let cause = HangupCause(named: name) { return tell("hangup \(name)", line, .hangup(cause)) }
            trail.append(.note("'\(name)' is no cause to hang up with", line: line))
            return .hangup(.failed)
        case .dial(let step): return dial(step, line)
        case .transfer(let target):
            isTransfer = true
            return dial(Step.Dial(target: target), line)
        case .when(let when):
            let failed = when.conditions.first { matching($0) == nil }
            let why = failed.map(refusal) ?? when.conditions.map(agreement).joined(separator: ", ")
            trail.append(.note("\(why): \(failed == nil ? "then" : "otherwise")", line: line))
            frames.append(Frame(steps: failed == nil ? when.then : when.otherwise))
            return nil
        case .goto(let name):
            trail.append(.step("goto \(name)", line: line))
            frames = [Frame(steps: plan.flows[name]?.steps ?? [])]
            return nil
        case .set(let assignments):
            for assignment in assignments {
                let value = expand(assignment.value)
                variables[assignment.variable] = value
                trail.append(.variable(assignment.variable, value, line: line))
            }
            return nil
        case .record(let isOn): return tell("record \(isOn)", line, .record(isOn))
        case .queue(let entry):
            let request = QueueRequest(queue: entry.name, priority: entry.priority, skill: entry.skill)
            return tell("queue \(entry.name)", line, .queue(request))
        case .agent(let change):
            guard let user = change.user.map(expand) else {
                return tell("agent \(change.change.rawValue)", line, .agent(change, as: nil))
            }
            question = .pin(change, user: user)
            var ask = Ask(prompts: ["enter-pin"], maximum: 16, timeout: .seconds(8), terminator: "#")
            ask.isSecret = true
            return talk("agent \(change.change.rawValue) as \(user)", line, .ask(ask))
        case .supervise(let step):
            let agent = expand(step.agent)
            let request = SupervisionRequest(mode: step.mode, subject: .agent(agent))
            return tell("supervise \(step.mode.rawValue) \(agent)", line, .supervise(request))
        case .pickup(let target):
            moreTrunks = []
            let users: [String]
            switch target {
            case .user(let number): users = [expand(number)]
            case .group(let numbers): users = numbers.map(expand)
            case .trunks: users = []
            }
            return tell("pickup \(users.joined(separator: " "))", line, .pickup(users))
        case .park(let step):
            moreTrunks = []
            let slot = expand(step.slot)
            return tell("park \(slot)", line, .park(ParkRequest(slot: slot, timeout: step.timeout)))
        case .callback(let callback):
            let number = expand(callback.number)
            return tell("callback \(callback.queue) \(number)", line, .callback(queue: callback.queue, number: number))
        case .hours(let hours):
            self.hours = hours
            return tell("hours", line, .localTime(hours.timeZone))
        case .http(let request):
            questions += 1
            guard questions <= Self.mostQuestions else {
                trail.append(.note("\(Self.mostQuestions) questions to URLs are enough", line: line))
                return .hangup(.failed)
            }
            fallback = request.fallback
            let url = request.url.expandedInURL(with: variables)
            return tell("http \(url.withoutUserInfo)", line, .http(url: url, timeout: request.timeout))
        case .play(let prompts):
            let names = prompts.map(expand)
            return talk("play \(names.joined(separator: " "))", line, .play(names))
        case .say(let say):
            let value = expand(say.value)
            return talk("say \(say.kind.rawValue) \(value)", line, .say(say.kind, value))
        case .menu(let menu):
            question = .menu(menu, attempt: 1)
            return talk("menu \(expand(menu.prompt))", line, .ask(ask(menu)))
        case .collect(let collect):
            question = .collect(collect)
            let ask = Ask(
                prompts: collect.prompt.map { [expand($0)] } ?? [],
                maximum: collect.maximum,
                timeout: collect.timeout,
                terminator: collect.terminator
            )
            return talk("collect \(collect.variable)", line, .ask(ask))
        }
    }

    // MARK: conditions

    private func value(_ condition: Step.Condition) -> String { variables[condition.variable] ?? "" }

    /// What of a condition's values the variable is; nil: none of them.
    private func matching(_ condition: Step.Condition) -> Step.Value? {
        let value = value(condition)
        return condition.values.first { $0.matches(value, lists: plan.lists) }
    }

    private func agreement(_ condition: Step.Condition) -> String {
        let value = "\(condition.variable) '\(value(condition))'"
        // It is the text itself.
        guard let found = matching(condition), !found.isText else { return value }
        return "\(value) is of \(found)"
    }

    /// Values that a decision names before it only counts them.
    private static let mostNamed = 5

    private func refusal(_ condition: Step.Condition) -> String {
        let named = condition.values.prefix(Self.mostNamed).map(\.description).joined(separator: ", ")
        let rest = condition.values.count - Self.mostNamed
        return "\(condition.variable) '\(value(condition))' is not of \(named)" + (rest > 0 ? " and \(rest) more" : "")
    }

    private mutating func tell(_ step: String, _ line: Int, _ instruction: Instruction) -> Instruction {
        trail.append(.step(step, line: line))
        return instruction
    }

    private mutating func talk(_ step: String, _ line: Int, _ instruction: Instruction) -> Instruction {
        talked += 1
        guard talked <= Self.longestTalk else {
            trail.append(.note("\(Self.longestTalk) prompts and menus are enough", line: line))
            return .hangup(.normal)
        }
        return tell(step, line, instruction)
    }

    // MARK: dialling

    private mutating func dial(_ step: Step.Dial, _ line: Int) -> Instruction {
        moreTrunks = []
        let target: DialTarget
        switch step.target {
        case .user(let number): target = .user(expand(number))
        case .group(let numbers): target = .group(numbers.map(expand))
        case .trunks(let names, let number):
            moreTrunks = Array(names.dropFirst())
            target = .trunk(names.first ?? "", number: expand(number))
        }
        // A variable that is not set wishes for nothing.
        let callerID = step.callerID.map(expand).flatMap { $0.isEmpty ? nil : $0 }
        return dial(
            DialRequest(
                target: target,
                timeout: step.timeout,
                hasAlternative: !moreTrunks.isEmpty,
                callerID: callerID
            ),
            line
        )
    }

    private mutating func dial(_ request: DialRequest, _ line: Int) -> Instruction {
        dialled = request
        return tell("dial \(request.target)", line, .dial(request))
    }

    // MARK: keys

    private func ask(_ menu: Step.Menu, after invalid: Bool = false) -> Ask {
        let apology = invalid ? menu.invalid.map { [expand($0)] } ?? [] : []
        return Ask(prompts: apology + [expand(menu.prompt)], maximum: 1, timeout: menu.timeout, terminator: "")
    }

    private mutating func proceed(upon keys: String) -> Instruction {
        switch question {
        case .pin(let change, let user):
            question = nil
            return .agent(change, as: AgentClaim(user: user, pin: keys))
        case .menu(let menu, let attempt):
            if let chosen = menu.keys.first(where: { $0.key == keys }) {
                question = nil
                trail.append(.note("key \(keys)", line: currentLine))
                frames.append(Frame(steps: chosen.steps))
                return advance()
            }
            trail.append(.note(keys.isEmpty ? "no key" : "key \(keys) leads nowhere", line: currentLine))
            guard attempt < menu.attempts else {
                question = nil
                frames.append(Frame(steps: menu.otherwise))
                return advance()
            }
            question = .menu(menu, attempt: attempt + 1)
            return talk("menu again", currentLine, .ask(ask(menu, after: !keys.isEmpty)))
        case .collect(let collect):
            // What follows may ask, too.
            question = nil
            let value = keys.utf8.count < collect.minimum ? "" : keys
            variables[collect.variable] = value
            trail.append(.variable(collect.variable, value, line: currentLine))
            return advance()
        case nil: return advance()
        }
    }

    private func expand(_ template: Template) -> String { template.expanded(with: variables) }

    private func clock(_ minute: Int) -> String {
        let (hour, rest) = minute.quotientAndRemainder(dividingBy: 60)
        return "\(hour):" + (rest < 10 ? "0" : "") + "\(rest)"
    }
}

extension Step.Hours {
    func isOpen(at time: LocalTime) -> Bool {
        !holidays.contains(time.date)
            && open.contains { $0.days.contains(time.weekday) && $0.minutes.contains(time.minute) }
    }
}

extension DialOutcome {
    /// The next trunk may do better.
    fileprivate var isTrunkFault: Bool {
        switch self {
        case .unavailable, .congestion, .failed: true
        case .answered, .noAnswer, .busy, .declined, .notFound: false
        }
    }
}

/// One decision of a run, for `gudok why` and the call's trace.
public enum TrailEntry: Equatable, Sendable {
    /// The rule that took the call; `line` is its line in the plan's file.
    case routed(match: String, line: Int)
    /// A step, in the plan's own words (`dial user 1002`).
    case step(String, line: Int)
    /// What a step found (`dial_result is busy`).
    case note(String, line: Int)
    /// A variable of the plan's own got a value.
    case variable(String, String, line: Int)
}

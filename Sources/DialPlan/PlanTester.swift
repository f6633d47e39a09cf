public import Events
public import Timebase

/// Takes a simulated call through a plan: no network, no clock; whatever the plan asks is answered as the test says.
public struct PlanTester {
    public struct Result: Equatable, Sendable {
        public var test: PlanTest
        /// What happened, in order.
        public var happened: [PlanTest.Expectation]
        /// The first expectation that nothing met; nil: the test passed.
        public var missed: PlanTest.Expectation?
        /// The line of the rule that took the call; nil: none did.
        public var rule: Int?
        public var trail: [TrailEntry]

        public var hasPassed: Bool { missed == nil }
    }

    /// Whose plan it is, as its calls know him.
    public struct Owner: Sendable {
        var tenant: String
        /// The name of a user.
        var nameOf: @Sendable (_ number: String) -> String?
        /// How a user is refused who asks to be let into an operator's talk; nil: he is let in, where there is one.
        var refusal: @Sendable (_ user: String, _ agent: String) -> HangupCause?
        /// What the clocks of a zone show at a moment, his own where none is named.
        var localTime: @Sendable (WallTime, _ zone: String?) -> LocalTime

        public init(
            tenant: String,
            nameOf: @escaping @Sendable (_ number: String) -> String?,
            refusal: @escaping @Sendable (_ user: String, _ agent: String) -> HangupCause? = { _, _ in nil },
            localTime: @escaping @Sendable (WallTime, _ zone: String?) -> LocalTime
        ) {
            (self.tenant, self.nameOf, self.refusal, self.localTime) = (tenant, nameOf, refusal, localTime)
        }

        /// Of a plan that is tested alone.
        public static let nobody = Owner(tenant: "test", nameOf: { _ in nil }) { moment, _ in
            LocalTime(localSeconds: moment.milliseconds / 1_000)
        }
    }

    private let plan: DialPlan
    private let owner: Owner
    /// Where a wait that ended so, by that key, leads to.
    private let wayOut: WayOut
    public typealias WayOut = (_ queue: String, QueueOutcome, _ key: String?) -> QueueWayOut
    /// More instructions than this are a plan that never ends, however long they take.
    private static let longest = 1_000

    public init(
        _ plan: DialPlan,
        of owner: Owner = .nobody,
        wayOut: @escaping WayOut = { _, outcome, _ in QueueWayOut(unruled: outcome) }
    ) {
        (self.plan, self.owner, self.wayOut) = (plan, owner, wayOut)
    }

    /// Runs every test of the plan.
    public func runAll() -> [Result] { plan.tests.map { run($0) } }

    /// Rules that no test took a call through, by line.
    public static func untested(_ plan: DialPlan, _ results: [Result]) -> [Int] {
        let tested = Set(results.compactMap(\.rule))
        return plan.routes.map(\.position.line).filter { !tested.contains($0) }
    }

    public func run(_ test: PlanTest) -> Result {
        let direction: CallDirection =
            test.trunk != nil ? .inbound : plan.leadsOut(from: test.to, caller: test.from) ? .outbound : .internal
        let name = test.callerName ?? (test.trunk == nil ? owner.nameOf(test.from) : nil)
        var run = PlanRun(
            plan: plan,
            variables: [
                "called": test.to, "caller": test.from, "trunk": test.trunk ?? "", "direction": direction.rawValue,
                "tenant": owner.tenant, "caller_name": name ?? "",
            ]
        )
        var script = Script(test, owner)
        var instruction = run.start()
        var trail = run.takeTrail()
        var steps = 0
        while let result = script.answer(instruction, wayOut), steps < Self.longest {
            if instruction.takesTime(until: result) { run.timePassed() }
            instruction = run.proceed(result)
            trail += run.takeTrail()
            steps += 1
        }
        if steps == Self.longest { script.happened.append(PlanTest.Expectation(.hungUp, PlanTest.never)) }
        return Result(
            test: test,
            happened: script.happened,
            missed: Self.missed(test.expectations, in: script.happened),
            rule: trail.lazy.compactMap { if case .routed(_, let line) = $0 { line } else { nil } }.first,
            trail: trail
        )
    }

    /// Expectations hold in their order; other things may happen between them.
    private static func missed(
        _ expected: [PlanTest.Expectation],
        in happened: [PlanTest.Expectation]
    ) -> PlanTest.Expectation? {
        var rest = happened[...]
        for expectation in expected {
            guard let place = rest.firstIndex(of: expectation) else { return expectation }
            rest = rest[(place + 1)...]
        }
        return nil
    }
}

/// The caller of a test, and everybody he meets.
private struct Script {
    private var input: [String]
    private var dials: [DialOutcome]
    private var waits: [QueueOutcome]
    private var callbacks: [CallbackAnswer]
    private let isUser: Bool
    private let refusal: (_ agent: String) -> HangupCause?
    private let clock: (String?) -> LocalTime
    private var isAnswered = false
    var happened: [PlanTest.Expectation] = []

    init(_ test: PlanTest, _ owner: PlanTester.Owner) {
        (input, dials, waits, callbacks) = (test.input, test.dials, test.waits, test.callbacks)
        isUser = test.trunk == nil
        refusal = { test.trunk == nil ? owner.refusal(test.from, $0) : .rejected }
        switch test.at {
        case .moment(let moment): clock = { owner.localTime(moment, $0) }
        case .clock(let time): clock = { _ in time }
        // A Wednesday at noon.
        case nil: clock = { _ in LocalTime(year: 2026, month: 1, day: 14, weekday: 3, minute: 720) }
        }
    }

    private mutating func note(_ kind: PlanTest.Kind, _ value: String? = nil) {
        happened.append(PlanTest.Expectation(kind, value))
    }

    private mutating func connect() {
        guard !isAnswered else { return }
        isAnswered = true
        note(.answered)
    }

    /// How the next who is to be met answers.
    private mutating func meet() -> StepResult {
        let outcome = dials.isEmpty ? .answered : dials.removeFirst()
        if outcome == .answered { connect() }
        return .dialled(outcome)
    }

    /// nil: the call is over.
    private mutating func wait(in queue: String, _ wayOut: PlanTester.WayOut) -> StepResult? {
        var outcome = waits.isEmpty ? .answered : waits.removeFirst()
        // Whom the queue does not let in is not answered for that. Where it leads nobody elsewhere who finds it empty, he waited first.
        let isAtDoor =
            switch (outcome, wayOut(queue, outcome, nil)) {
            case (.full, _), (.empty, .flow), (.empty, .refused): true
            default: false
            }
        if !isAtDoor { connect() }
        note(.queued, queue)
        while true {
            let key = outcome == .key && !input.isEmpty ? input.removeFirst() : nil
            switch wayOut(queue, outcome, key) {
            case .plan: return .queued(outcome)
            case .flow(let plan, let flow): return .jump(plan, flow: flow, after: outcome)
            case .refused(let cause):
                note(.hungUp, cause.name)
                return nil
            case .gone: return nil
            case .line: outcome = waits.isEmpty ? .answered : waits.removeFirst()
            }
        }
    }

    /// nil: the call is over.
    mutating func answer(
        _ instruction: Instruction,
        _ wayOut: PlanTester.WayOut
    ) -> StepResult? {
        switch instruction {
        case .answer: connect()
        case .ringing: break
        case .agent(let step, _):
            connect()
            note(.played, isUser ? step.change.settled(isLoggedIn: false, isPaused: false).prompt : "not-allowed")
        case .echo:
            connect()
            note(.echoed)
            note(.hungUp, PlanTest.never)
            return nil
        case .play(let names):
            connect()
            for name in names { note(.played, name) }
        case .say(let kind, let value):
            connect()
            note(.played, "\(kind.rawValue) \(value)")
        case .ask(let ask):
            connect()
            for name in ask.prompts { note(.played, name) }
            // As a call takes them: up to the key that ends them, or as many as there may be.
            let keyed = input.isEmpty ? "" : input.removeFirst()
            return .input(String(keyed.prefix { String($0) != ask.terminator }.prefix(ask.maximum)))
        case .dial(let request):
            for number in request.target.numbers { note(.dialled, number) }
            return meet()
        case .queue(let request): return wait(in: request.queue, wayOut)
        case .localTime(let zone): return .time(clock(zone))
        case .supervise(let request):
            guard case .agent(let agent) = request.subject else { return nil }
            if let refusal = refusal(agent) {
                note(.hungUp, refusal.name)
                return nil
            }
            connect()
            note(.supervised, agent)
            note(.hungUp, PlanTest.never)
            return nil
        case .pickup(let users):
            note(.pickedUp, users.joined(separator: " "))
            return meet()
        case .park(let request):
            note(.parked, request.slot)
            return meet()
        case .record(let isOn): if isOn { note(.recorded) }
        case .http: return .steps(nil)
        case .callback(let queue, let number):
            let told = callbacks.isEmpty ? .accepted : callbacks.removeFirst()
            let answer = CallbackNumber.isOne(number) ? told : .refused
            if answer == .accepted { note(.queued, queue) }
            return .callback(answer)
        case .hangup(let cause):
            note(.hungUp, cause.name)
            return nil
        case .noRoute:
            note(.hungUp, HangupCause.notFound.name)
            return nil
        }
        return .done
    }
}

extension Instruction {
    /// Whether a call would be at a later moment by then: what is refused at once, or asks nobody, is done at the same one.
    fileprivate func takesTime(until result: StepResult) -> Bool {
        switch (self, result) {
        case (.play, _), (.say, _), (.ask, _), (.agent, _), (.dial, .dialled(.noAnswer)): true
        case (.queue, .queued(let outcome)), (.queue, .jump(_, _, after: let outcome)):
            outcome != .full && outcome != .empty
        case (.answer, _), (.ringing, _), (.echo, _), (.dial, _), (.queue, _), (.localTime, _), (.record, _),
            (.http, _), (.callback, _), (.supervise, _), (.pickup, _), (.park, _), (.hangup, _), (.noRoute, _):
            false
        }
    }
}

extension DialTarget {
    /// Who is rung, each of whom a test may expect.
    fileprivate var numbers: [String] {
        switch self {
        case .user(let number), .trunk(_, let number): [number]
        case .group(let numbers): numbers
        }
    }
}

extension PlanTest.Expectation: CustomStringConvertible {
    public var description: String { kind.rawValue + (value.map { " \($0)" } ?? "") }
}

import ACD
import Config
import DialPlan
import Events
import Media
import SIP
import Timebase

/// The dial plan's run: each instruction is carried out, and its result asks for the next.
extension Call {
    /// Starts the dial plan.
    func begin() {
        guard let opening else { return follow { $0.start() } }
        perform(opening)
    }

    func proceed(_ result: StepResult) {
        guard !isEnding else { return }
        // A breath, too, is one moment: a circle of queues goes by timers.
        if let last = lastStep, now.instant - last >= Self.breath { plan.timePassed() }
        follow { $0.proceed(result) }
    }

    /// Does what the plan says next.
    func follow(_ next: (inout PlanRun) -> Instruction) {
        let hadCircled = plan.hasCircled
        let instruction = next(&plan)
        if plan.hasCircled, !hadCircled {
            core.log(.warning, "plan \(plan.plan.name) goes round in circles: it is ended", call: id)
        }
        perform(instruction)
    }

    /// A circle of queues that nobody waits in goes by timers, each a little later than the one before.
    private static let breath: Duration = .milliseconds(100)

    /// Whether the plan leads the caller into a queue in which he was a breath ago: what sent him on then would do so again.
    private func comesBackAtOnce(into queue: String) -> Bool {
        defer { entries[queue] = now.instant }
        return entries[queue].map { now.instant - $0 < Self.breath } ?? false
    }

    func perform(_ instruction: Instruction) {
        lastStep = now.instant
        enter(.deciding)
        for entry in plan.takeTrail() { publish(Event(entry, plan: plan.plan)) }
        if transfer != nil || history.isSentOn, instruction.isOnesOwn { return finish(.rejected) }
        if needsAnswer(instruction) {
            guard callerIsAnswered else {
                upcoming = instruction
                return answerLocally()
            }
            calleeAnswered()
        }
        carryOut(instruction)
    }

    private func needsAnswer(_ instruction: Instruction) -> Bool {
        if case .queue(let request) = instruction { return mayWait(request) }
        return instruction.needsAnswer
    }

    func carryOut(_ instruction: Instruction) {
        followTransfer(into: instruction)
        if isAttempt, !instruction.mayCallBack { return finish(.rejected) }
        switch instruction {
        case .answer: proceed(.done)
        case .ringing:
            if !callerIsAnswered { act(on: 0) { $0.ring(180, now: $1) } }
            proceed(.done)
        case .echo:
            enter(.echoing)
            startEcho()
        case .dial(let request): dial(request)
        case .play(let names): tell(names)
        case .say(let kind, let value): tell(pieces(kind, value))
        case .ask(let ask): self.ask(ask)
        case .queue(let request):
            guard !comesBackAtOnce(into: request.queue) else {
                publish(.note("the queue \(request.queue) has only just sent him on: he goes round in circles"))
                return finish(.unavailable)
            }
            join(request)
        case .agent(let change, let claim): changeAgent(change, as: claim)
        case .localTime(let zone):
            let time = core.surroundings?.localTime(in: zone ?? tenant.timeZone, at: now.wall)
            proceed(time.map { .time($0) } ?? .done)
        case .record(let isOn):
            record(isOn)
            proceed(.done)
        case .http(let url, let timeout):
            enter(.consulting)
            core.surroundings?.ask(url, timeout: timeout, for: id)
        case .supervise(let request): supervise(request)
        case .pickup(let users): pickUp(ringingAt: users)
        case .park(let request): park(request)
        case .callback(let queue, let number):
            let answer = core.callBack(number, in: QueueID(tenant: tenant.id, name: queue), askedBy: self)
            if answer != .refused { isUnserved = true }
            proceed(.callback(answer))
        case .hangup(let cause): finish(cause)
        case .noRoute:
            core.log(.info, "no route for \(to) in \(plan.plan.name)", call: id)
            publish(.note("no rule of \(plan.plan.name) matches \(to)"))
            finish(.notFound)
        }
    }
}

extension Instruction {
    /// Only a caller who is connected hears and presses anything.
    fileprivate var needsAnswer: Bool {
        switch self {
        case .answer, .echo, .play, .say, .ask, .queue, .agent: true
        case .ringing, .dial, .localTime, .record, .http, .callback, .supervise, .pickup, .park, .hangup,
            .noRoute:
            false
        }
    }
}

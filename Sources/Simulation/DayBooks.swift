import Accounting
public import Events
import Timebase

/// What became of the callers of one queue; times in milliseconds, waits in queues before it included.
public struct QueueSum: Equatable, Sendable {
    public internal(set) var entered = 0
    public internal(set) var outcomes: [QueueOutcome: Int] = [:]
    public internal(set) var wait: Int64 = 0
    public internal(set) var waitOfAnswered: Int64 = 0
    public internal(set) var longestWait: Int64 = 0
    public internal(set) var answeredBy: [String: Int] = [:]

    mutating func leave(_ outcome: QueueOutcome, after wait: Int64, agent: String?) {
        outcomes[outcome, default: 0] += 1
        if let agent { answeredBy[agent, default: 0] += 1 }
        // Nobody waited on the line.
        guard outcome != .calledBack else { return }
        self.wait += wait
        if outcome == .answered { waitOfAnswered += wait }
        longestWait = max(longestWait, wait)
    }

    /// An answer was none.
    mutating func takeBackAnswer(after wait: Int64, agent: String) {
        outcomes[.answered, default: 0] -= 1
        answeredBy[agent, default: 0] -= 1
        if answeredBy[agent] == 0 { answeredBy[agent] = nil }
        self.wait -= wait
        waitOfAnswered -= wait
    }
}

/// What a day's events say of queues and agents, counted twice: as they come, and as the records are folded from them.
///
/// Both must say the same, agents' intervals must tile their shifts, and nobody may be asked for two callers at once.
final class DayBooks: EventSubscriber {
    private struct StayKey: Hashable {
        var call: String
        var entered: Int64
    }

    private var now = Moment(instant: Instant(nanoseconds: 0), wall: WallTime(milliseconds: 0))
    // As they come.
    private(set) var sums: [String: QueueSum] = [:]
    private var waiting: [CallID: (queue: String, since: Instant, carried: Int64)] = [:]
    /// Whom an agent answered last, and what he had waited then.
    private var taken: [CallID: (wait: (queue: String, since: Instant, carried: Int64), waited: Int64)] = [:]
    private var offers: [String: CallID] = [:]
    private var talks: [String: CallID] = [:]
    private var numbers: [CallID: String] = [:]
    /// How each call left its last queue without an agent, and when.
    private var unanswered: [CallID: (outcome: QueueOutcome, at: Instant)] = [:]
    /// Callers who were handed on, in one call or another.
    private(set) var handedOn: Set<String> = []
    private(set) var callbacks = CallbackBooks()
    // As records are folded.
    private var assembler = QueueStayAssembler()
    private var ledger = AgentLedger()
    private var folded: [StayKey: QueueStay] = [:]
    private var intervals: [String: [AgentInterval]] = [:]
    private var open: [String: AgentInterval] = [:]
    /// When the switch was restarted, milliseconds since 1970.
    private(set) var restarts: [Int64] = []
    private(set) var faults: [String] = []

    var stays: [QueueStay] {
        folded.values.sorted { ($0.enteredMilliseconds, $0.callID) < ($1.enteredMilliseconds, $1.callID) }
    }

    func receive(_ envelope: EventEnvelope) {
        now = envelope.at
        count(envelope)
        for output in assembler.apply(envelope) {
            switch output {
            case .opened(let stay), .answered(let stay), .closed(let stay): keep(stay)
            case .missed: break
            }
        }
        guard let change = ledger.apply(envelope) else { return }
        let agent = change.opened.agent
        if let closed = change.closed { intervals[agent, default: []].append(closed) }
        if open[agent] == nil { begin(change.opened) }
        open[agent] = change.opened
    }

    private func keep(_ stay: QueueStay) {
        folded[StayKey(call: stay.callID, entered: stay.enteredMilliseconds)] = stay
    }

    private func count(_ envelope: EventEnvelope) {
        let call = envelope.call
        switch envelope.event {
        case .callStarted(let start):
            guard let call else { break }
            callbacks.started(start, call, at: now.instant)
            // Whoever is called back is the customer of that call.
            numbers[call] = callbacks.isAttempt(call) ? start.to : start.from
        case .transferStarted(let transfer):
            // Who asks somebody first leaves that talk to the party, too.
            for call in [call, transfer.otherCall] {
                if let number = call.flatMap({ numbers[$0] }) { handedOn.insert(number) }
            }
        case .queueEntered(let entry):
            call.map { unanswered[$0] = nil }
            sums[entry.queue, default: QueueSum()].entered += 1
            callbacks.entered(entry, at: now.instant)
            if let call { waiting[call] = (entry.queue, now.instant, entry.carriedMilliseconds) }
        case .callbackChanged(let callback): callbacks.changed(callback, call, at: now.instant)
        case .queueOffered(let queue, let agent):
            if let other = offers[agent] { fault("\(agent) rings for \(other), and is asked for \(call?.value ?? "")") }
            if let other = talks[agent] { fault("\(agent) talks in \(other), and is asked for \(call?.value ?? "")") }
            if callbacks.isAttempt(call) {
                call.map { lookForOvertaken(by: $0, in: queue) }
            } else if call.map({ waiting[$0] == nil }) ?? true {
                fault("\(agent) is asked for one who does not wait")
            }
            offers[agent] = call
        case .queueOfferEnded(let end):
            offers[end.agent] = nil
            if end.result != .answered, call != nil, talks[end.agent] == call { comeBack(end, call) }
        case .queueLeft(let left): leave(left, call)
        case .queueTalkMoved(let move): talks[move.agent] = call
        case .queueTalkEnded(_, let agent): talks[agent] = nil
        case .callEnded(let end):
            guard let call else { break }
            compare(end, with: unanswered.removeValue(forKey: call), call)
            (numbers[call], taken[call]) = (nil, nil)
            callbacks.ended(call)
            if waiting[call] != nil { fault("\(call) is over, and waits") }
            if let agent = offers.first(where: { $0.value == call })?.key {
                fault("\(agent) rings for \(call), which is over")
            }
        case .agentChanged(let change):
            if change.state == .available, let call = offers[change.agent] ?? talks[change.agent] {
                fault("\(change.agent) is available, and has \(call)")
            }
        default: break
        }
    }

    /// Whoever has waited on the line for as long as any rule keeps agents from him, and stands before.
    private func lookForOvertaken(by attempt: CallID, in queue: String) {
        guard let place = callbacks.place(of: attempt) else { return fault("\(attempt) calls back for nobody") }
        let ringing = Set(offers.values)
        for (call, wait) in waiting where wait.queue == queue && !ringing.contains(call) {
            let isOpen = now.instant - wait.since > DayConfiguration.mostRestraint
            if isOpen, wait.since + .milliseconds(-wait.carried) < place {
                fault("\(call) waits in \(queue) before callback \(attempt), and is overtaken")
            }
        }
    }

    private func leave(_ left: QueueLeft, _ call: CallID?) {
        guard let call, let wait = waiting.removeValue(forKey: call) else {
            return fault("one leaves who did not wait")
        }
        let waited = (now.instant - wait.since).wholeNanoseconds / 1_000_000 + wait.carried
        sums[wait.queue, default: QueueSum()].leave(left.outcome, after: waited, agent: left.agent)
        guard let agent = left.agent else {
            unanswered[call] = (left.outcome, now.instant)
            return
        }
        talks[agent] = call
        taken[call] = (wait, waited)
    }

    private func comeBack(_ end: QueueOfferEnded, _ call: CallID?) {
        guard let call, talks[end.agent] == call, let (wait, waited) = taken[call] else {
            return fault("\(end.agent) drops one whom he did not have")
        }
        talks[end.agent] = nil
        waiting[call] = wait
        sums[wait.queue, default: QueueSum()].takeBackAnswer(after: waited, agent: end.agent)
    }

    /// Queues and calls tell one truth: who is abandoned gave up in a queue, and whom a queue let go did not.
    private func compare(_ end: CallEnded, with last: (outcome: QueueOutcome, at: Instant)?, _ call: CallID) {
        guard let last else {
            if end.disposition == .abandoned { fault("\(call) is abandoned, and waited in no queue") }
            return
        }
        if last.outcome.isFlowOut, end.disposition == .abandoned {
            fault("\(call) is abandoned, and left its queue by \(last.outcome)")
        }
        let gaveUp = last.outcome == .abandoned && last.at == now.instant
        if gaveUp, end.disposition != .abandoned, end.disposition != .answered {
            fault("\(call) gave up in its queue, and is \(end.disposition)")
        }
    }

    private func fault(_ words: String) { faults.append("\(now.wall): \(words)") }

    // MARK: restarts

    /// What is open ends here, as the next start of the switch would close it.
    func restart(at moment: Moment) {
        now = moment
        for wait in waiting.values {
            sums[wait.queue, default: QueueSum()].leave(.restart, after: 0, agent: nil)
        }
        for var stay in stays where stay.endedMilliseconds == nil {
            if stay.outcome == nil {
                stay.outcome = .restart
            }
            stay.endedMilliseconds = moment.wall.milliseconds
            keep(stay)
        }
        (waiting, taken, offers, talks, numbers, unanswered) = ([:], [:], [:], [:], [:], [:])
        callbacks.restart()
        (assembler, ledger) = (QueueStayAssembler(), AgentLedger())
        closeIntervals(at: moment.wall.milliseconds)
        restarts.append(moment.wall.milliseconds)
    }

    private func closeIntervals(at end: Int64) {
        // Whoever did not come back after a restart was logged out ever since.
        for (agent, list) in intervals where open[agent] == nil {
            guard let since = list.last?.untilMilliseconds else { continue }
            open[agent] = AgentInterval(agent: agent, state: .loggedOut, sinceMilliseconds: since)
        }
        for (agent, interval) in open where interval.sinceMilliseconds < end {
            var closed = interval
            closed.untilMilliseconds = end
            intervals[agent, default: []].append(closed)
        }
        open = [:]
    }

    /// An agent's first interval, of the day or after a restart: whoever was at work then is at once again.
    private func begin(_ interval: AgentInterval) {
        guard let restarted = restarts.last, let last = intervals[interval.agent]?.last else { return }
        let wasAtWork =
            switch last.state {
            case .available, .paused, .unreachable: true
            case .loggedOut, .ringing, .onCall, .wrapUp, .blocked: false
            }
        if wasAtWork, interval.sinceMilliseconds != restarted {
            fault("\(interval.agent) was \(last.state) when the switch ended, and comes back late")
        }
        guard interval.sinceMilliseconds > restarted else { return }
        var gap = AgentInterval(agent: interval.agent, state: .loggedOut, sinceMilliseconds: restarted)
        gap.untilMilliseconds = interval.sinceMilliseconds
        intervals[interval.agent, default: []].append(gap)
    }

    /// Milliseconds of the day that each agent was in each state.
    var states: [String: [AgentState: Int64]] {
        intervals.mapValues { list in
            list.reduce(into: [:]) { sums, interval in
                sums[interval.state, default: 0] += (interval.untilMilliseconds ?? 0) - interval.sinceMilliseconds
            }
        }
    }

    // MARK: the day's end

    /// Holds both accounts against each other.
    func close(at moment: Moment) -> [String] {
        now = moment
        if let call = waiting.keys.min() { fault("\(call) waits for ever") }
        if let agent = (Array(offers.keys) + talks.keys).min() { fault("\(agent) rings or talks for ever") }
        closeIntervals(at: moment.wall.milliseconds)
        for (agent, list) in intervals.sorted(by: { $0.key < $1.key }) {
            for (last, next) in zip(list, list.dropFirst()) where last.untilMilliseconds != next.sinceMilliseconds {
                fault("\(agent)'s time has a gap or an overlap at \(next.sinceMilliseconds)")
            }
            let sum = list.reduce(0) { $0 + ($1.untilMilliseconds ?? 0) - $1.sinceMilliseconds }
            if sum != moment.wall.milliseconds - (list.first?.sinceMilliseconds ?? 0) {
                fault("\(agent)'s day has \(sum) ms")
            }
        }
        var others: [String: QueueSum] = [:]
        for stay in stays {
            others[stay.queue, default: QueueSum()].entered += 1
            guard let outcome = stay.outcome else { continue }
            others[stay.queue, default: QueueSum()].leave(
                outcome,
                after: stay.totalWaitMilliseconds ?? 0,
                agent: stay.agent
            )
        }
        for queue in Set(sums.keys).union(others.keys).sorted() where sums[queue] != others[queue] {
            fault(
                "\(queue): \(String(describing: sums[queue])) by events, \(String(describing: others[queue])) by records"
            )
        }
        return faults
    }
}

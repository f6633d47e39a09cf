import Config
public import Events
public import Timebase

/// Callers come, are offered to agents, and go.
extension Dispatcher {
    /// How a caller comes into a queue.
    public struct Entry: Sendable {
        public var call: CallID
        public var queue: QueueID
        public var number: String
        public var priority: Int
        public var requiredSkill: Int
        /// Waited in queues before (overflow): the place takes it along.
        public var carried: Duration
        public var isCallback: Bool

        public init(
            call: CallID,
            queue: QueueID,
            number: String,
            priority: Int = 0,
            requiredSkill: Int = 0,
            carried: Duration = .zero,
            isCallback: Bool = false
        ) {
            (self.call, self.queue, self.number, self.priority) = (call, queue, number, priority)
            (self.requiredSkill, self.carried, self.isCallback) = (requiredSkill, carried, isCallback)
        }
    }

    /// A caller wants to wait. `.leave` among the actions says that he may not.
    public func enter(_ entry: Entry, at moment: Moment) -> [Action] {
        now = moment
        guard let queue = queues[entry.queue], callers[entry.call] == nil else {
            emit(.leave(entry.call, queue: entry.queue, .closed))
            return finish()
        }
        let waiter = makeCaller(entry, queue)
        publish(
            .queueEntered(
                QueueEntered(
                    queue: queue.id.name,
                    number: entry.number,
                    priority: entry.priority,
                    position: queue.length + 1,
                    carriedMilliseconds: milliseconds(entry.carried)
                )
            ),
            queue.id.tenant,
            call: entry.call
        )
        if let refusal = refusal(of: queue) {
            left(waiter, refusal, agent: nil)
            emit(.leave(entry.call, queue: queue.id, refusal))
            return finish()
        }
        callers[entry.call] = waiter
        queue.waiting.insert(entry.call, waiter.rank)
        startTimers(waiter)
        touch(queue)
        return finish()
    }

    private func makeCaller(_ entry: Entry, _ queue: QueueLine) -> WaitingCaller {
        let points = Int64(clamping: entry.priority) &+ Int64(clamping: queue.settings.weight)
        let ahead = points &* QueueLine.secondsAPoint &* 1_000_000_000 &+ entry.carried.wholeNanoseconds
        let waiter = WaitingCaller(
            call: entry.call,
            queue: queue,
            entered: now,
            carried: entry.carried,
            rank: QueueLine.CallerRank(entry: now.instant.nanoseconds &- ahead, order: nextOrder()),
            number: entry.number,
            requiredSkill: entry.requiredSkill,
            isCallback: entry.isCallback
        )
        if let sticky = queue.settings.sticky, let last = queue.lastAgents[entry.number], last.until > now.instant,
            let agent = agents[last.agent], queue.members[last.agent] != nil, agent.isLoggedIn, agent.pause == nil,
            agent.isReachable
        {
            waiter.preferred = last.agent
            waiter.preferredUntil = now.instant + sticky.wait
        }
        return waiter
    }

    /// Why nobody may join now.
    private func refusal(of queue: QueueLine) -> QueueOutcome? {
        let settings = queue.settings
        if let most = settings.maxLength, queue.length >= most { return .full }
        if settings.onEmpty != .wait, queue.isEmpty(of: settings.emptyWhen) { return .empty }
        if let longest = settings.maxExpectedWait, let wait = queue.expectedWait(position: queue.length + 1),
            wait > longest
        {
            return .full
        }
        return nil
    }

    private func startTimers(_ waiter: WaitingCaller) {
        let settings = waiter.queue.settings
        if let longest = settings.maxWait {
            timers.start(.longest(waiter.call), at: waiter.entered.instant + (longest - waiter.carried))
        }
        if let every = settings.announcePosition { timers.start(.announcement(waiter.call), at: now.instant + every) }
        startWidening(waiter)
    }

    /// At the next moment from which more agents may take him.
    private func startWidening(_ waiter: WaitingCaller) {
        let waited = waiter.waited(at: now.instant)
        var next = waiter.queue.settings.nextWidening(after: waited).map { now.instant + ($0 - waited) }
        if let until = waiter.preferredUntil, until > now.instant { next = min(next ?? until, until) }
        if let next { timers.start(.widening(waiter.call), at: next) }
    }

    func widen(_ call: CallID) {
        guard let waiter = callers[call] else { return }
        startWidening(waiter)
        touch(waiter.queue)
    }

    func announce(_ call: CallID) {
        guard let waiter = callers[call], let every = waiter.queue.settings.announcePosition,
            let position = waiter.queue.position(of: call)
        else { return }
        timers.start(.announcement(call), at: now.instant + every)
        // Whose phone rings already is not told anything that would be in the way of the answer.
        guard waiter.ringing.isEmpty else { return }
        let wait = waiter.queue.expectedWait(position: position)
        emit(.announce(call, queue: waiter.queue.id, position: position, expectedWait: wait))
    }

    // MARK: offers

    func offer(_ waiter: WaitingCaller, to agent: Agent) {
        let queue = waiter.queue
        queue.waiting.remove(waiter.call)
        queue.offered.insert(waiter.call, waiter.rank)
        var rung = [agent]
        if queue.settings.strategy == .ringAll, !waiter.isCallback {
            for id in queue.free.ordered where id != agent.id {
                guard let member = queue.members[id], mayTake(member, waiter) else { continue }
                rung.append(member.agent)
            }
        }
        for agent in rung { ring(agent, for: waiter) }
    }

    private func ring(_ agent: Agent, for waiter: WaitingCaller) {
        let queue = waiter.queue
        waiter.ringing[agent.id] = now.instant
        waiter.offers += 1
        agent.offer = Agent.Engagement(call: waiter.call, queue: queue.id, since: now.instant)
        queue.members[agent.id]?.lastOffered = nextOrder()
        timers.start(.ring(waiter.call, agent.id), at: now.instant + queue.settings.ringTimeout)
        publish(.queueOffered(queue: queue.id.name, agent: agent.id.number), queue.id.tenant, call: waiter.call)
        refresh(agent)
        emit(.offer(waiter.call, queue: queue.id, agent: agent.id, device: agent.device))
    }

    /// The agent's phone was not answered: he missed it, refused it, or could not be reached.
    public func offerFailed(_ call: CallID, agent: UserID, _ result: OfferResult, at moment: Moment) -> [Action] {
        now = moment
        if let agent = agents[agent] { missed(call, agent, result, isOver: true) }
        return finish()
    }

    /// `isOver`: his phone does not ring any more, and need not be told.
    func missed(_ call: CallID, _ agent: Agent, _ result: OfferResult, isOver: Bool = false) {
        guard agent.offer?.call == call, let waiter = callers[call] else { return }
        let settings = waiter.queue.settings
        let rest: Duration
        switch result {
        case .noAnswer: rest = settings.noAnswerDelay
        case .busy: rest = settings.busyDelay
        case .declined: rest = settings.declineDelay
        case .unavailable, .answered, .elsewhere, .withdrawn: rest = settings.busyDelay
        }
        if result == .noAnswer { agent.missesInARow += 1 }
        if rest > .zero {
            agent.restsUntil = now.instant + rest
            timers.start(.rest(agent.id), at: now.instant + rest)
        }
        if let most = settings.pauseAfterMisses, agent.missesInARow >= most, agent.pause == nil {
            agent.pause = "no-answer"
            agent.missesInARow = 0
            publish(.note("agent \(agent.id.number) is paused: \(most) calls missed in a row"), agent.id.tenant)
        }
        if !isOver { emit(.withdraw(call, agent: agent.id, result)) }
        endOffer(call, agent, result)
    }

    /// Takes an offer back; the caller stands where he stood.
    func endOffer(_ call: CallID, _ agent: Agent, _ result: OfferResult) {
        guard let offer = agent.offer, offer.call == call else { return }
        agent.offer = nil
        timers.stop(.ring(call, agent.id))
        publish(
            .queueOfferEnded(
                QueueOfferEnded(
                    queue: offer.queue.name,
                    agent: agent.id.number,
                    result: result,
                    rangMilliseconds: milliseconds(now.instant - offer.since)
                )
            ),
            offer.queue.tenant,
            call: call
        )
        if let waiter = callers[call] {
            waiter.ringing[agent.id] = nil
            if waiter.ringing.isEmpty, result != .answered {
                waiter.queue.offered.remove(call)
                waiter.queue.waiting.insert(call, waiter.rank)
                touch(waiter.queue)
            }
        }
        refresh(agent)
    }

    /// The agent answered: everybody else stops ringing.
    public func answered(_ call: CallID, by id: UserID, at moment: Moment) -> [Action] {
        now = moment
        guard let waiter = callers[call], let agent = agents[id], agent.offer?.call == call else { return finish() }
        for other in waiter.ringing.keys.sorted(by: { $0.number < $1.number }) where other != id {
            emit(.withdraw(call, agent: other, .elsewhere))
            if let other = agents[other] { endOffer(call, other, .elsewhere) }
        }
        agent.missesInARow = 0
        agent.talk = Agent.Engagement(call: call, queue: waiter.queue.id, since: now.instant)
        talking[call] = id
        endOffer(call, agent, .answered)
        remove(waiter)
        if let sticky = waiter.queue.settings.sticky {
            remember(waiter, agent: id, for: sticky.remember)
        }
        left(waiter, .answered, agent: id)
        return finish()
    }

    private func remember(_ waiter: WaitingCaller, agent: UserID, for time: Duration) {
        let queue = waiter.queue
        // Bounded: the forgotten go when there are many.
        if queue.lastAgents.count >= 50_000 { queue.lastAgents = queue.lastAgents.filter { $0.value.until > now.instant } }
        if queue.lastAgents.count < 50_000 { queue.lastAgents[waiter.number] = (agent, now.instant + time) }
    }

    /// The caller hung up, pressed a way out, or was taken over: every phone that rings for him stops.
    public func leave(_ call: CallID, _ outcome: QueueOutcome, at moment: Moment) -> [Action] {
        now = moment
        if let waiter = callers[call] { drop(waiter, outcome) }
        return finish()
    }

    func eject(_ call: CallID, _ outcome: QueueOutcome) {
        guard let waiter = callers[call] else { return }
        drop(waiter, outcome)
        emit(.leave(call, queue: waiter.queue.id, outcome))
    }

    private func drop(_ waiter: WaitingCaller, _ outcome: QueueOutcome) {
        remove(waiter)
        for id in waiter.ringing.keys.sorted(by: { $0.number < $1.number }) {
            emit(.withdraw(waiter.call, agent: id, .withdrawn))
            if let agent = agents[id] { endOffer(waiter.call, agent, .withdrawn) }
        }
        left(waiter, outcome, agent: nil)
    }

    private func remove(_ waiter: WaitingCaller) {
        callers[waiter.call] = nil
        waiter.queue.waiting.remove(waiter.call)
        waiter.queue.offered.remove(waiter.call)
        for key in [TimerKey.longest(waiter.call), .announcement(waiter.call), .widening(waiter.call)] {
            timers.stop(key)
        }
    }

    private func left(_ waiter: WaitingCaller, _ outcome: QueueOutcome, agent: UserID?) {
        publish(
            .queueLeft(
                QueueLeft(
                    queue: waiter.queue.id.name,
                    outcome: outcome,
                    waitMilliseconds: milliseconds(waiter.waited(at: now.instant)),
                    agent: agent?.number,
                    offers: waiter.offers
                )
            ),
            waiter.queue.id.tenant,
            call: waiter.call
        )
    }

    /// The talk is over, for whatever reason: the agent wraps up.
    public func ended(_ call: CallID, at moment: Moment) -> [Action] {
        now = moment
        if let waiter = callers[call] { drop(waiter, .abandoned) }
        guard let id = talking.removeValue(forKey: call), let agent = agents[id], let talk = agent.talk else {
            return finish()
        }
        let duration = now.instant - talk.since
        agent.talk = nil
        agent.handled += 1
        agent.talked += duration
        let member = queues[talk.queue]?.members[id]
        member?.handled += 1
        member?.talked += duration
        let wrapUp = member?.wrapUp ?? queues[talk.queue]?.settings.wrapUp ?? .zero
        queues[talk.queue]?.noteHandling(duration + wrapUp)
        if wrapUp > .zero { beginWrapUp(agent, queue: talk.queue, for: wrapUp) }
        refresh(agent)
        return finish()
    }

    func milliseconds(_ duration: Duration) -> Int64 { duration.wholeNanoseconds / 1_000_000 }
}

extension QueueLine {
    /// Whether nobody is there who could ever take a call, by the causes that count.
    func isEmpty(of causes: Set<Queue.EmptyCause>) -> Bool {
        !members.values.contains { member in
            switch member.agent.state {
            case .available, .ringing: true
            case .onCall, .wrapUp: !causes.contains(.allBusy)
            case .paused: !causes.contains(.allPaused)
            case .loggedOut, .unreachable, .blocked: false
            }
        }
    }
}

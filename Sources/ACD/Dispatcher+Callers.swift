import Config
public import Events
public import Timebase

/// Callers come, are told where they stand, and go.
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
        /// Nobody is on the line: the place alone waits.
        public var isCallback: Bool
        /// Where he stood in this queue before; nil: behind everybody who came by now.
        public var place: Place?

        public init(
            call: CallID,
            queue: QueueID,
            number: String,
            priority: Int = 0,
            requiredSkill: Int = 0,
            carried: Duration = .zero,
            isCallback: Bool = false,
            place: Place? = nil
        ) {
            (self.call, self.queue, self.number, self.priority) = (call, queue, number, priority)
            (self.requiredSkill, self.carried, self.isCallback) = (requiredSkill, carried, isCallback)
            self.place = place
        }
    }

    /// Where a caller stands in the order of a queue, to be taken along when he leaves the line and keeps the place.
    public struct Place: Equatable, Sendable {
        public let queue: QueueID
        /// What he demands of an agent.
        public let requiredSkill: Int
        let rank: QueueLine.CallerRank
    }

    /// nil: this call does not wait.
    public func place(of call: CallID) -> Place? {
        callers[call].map { Place(queue: $0.queue.id, requiredSkill: $0.requiredSkill, rank: $0.rank) }
    }

    /// Whether `enter` would not let this caller wait now.
    public func refuses(_ entry: Entry, at moment: Moment) -> Bool {
        guard let queue = queues[entry.queue], !entry.isCallback, entry.place?.queue != queue.id else { return false }
        now = moment
        let caller = makeCaller(entry, queue, kept: keptPlace(of: entry, in: queue))
        return refusal(of: queue, at: queue.position(of: caller)) != nil
    }

    private func keptPlace(of entry: Entry, in queue: QueueLine) -> QueueLine.CallerRank? {
        queue.settings.resume == nil ? nil : queue.keptPlaces.memory(of: entry.number, at: now.instant)?.value
    }

    /// The agent went before he spoke with this caller: he is not the one whom the caller knows.
    public func forget(_ agent: UserID, by number: String, in queue: QueueID) {
        queues[queue]?.forget(agent, by: number, at: now.instant)
    }

    /// A caller wants to wait. `.leave` among the actions says that he may not. With `other`, who waits and leaves by that: nobody is
    /// served between the two.
    public func enter(_ entry: Entry, inPlaceOf other: CallID? = nil, at moment: Moment) -> [Action] {
        now = moment
        let before = other.flatMap { callers[$0] }
        if let before { drop(before, .transferred) }
        guard let queue = queues[entry.queue], callers[entry.call] == nil else {
            emit(.leave(entry.call, queue: entry.queue, .closed))
            return finish()
        }
        let standing = entry.place.flatMap { $0.queue == queue.id ? $0.rank : nil }
        guard !entry.isCallback else {
            endTalks(in: entry.call)
            stand(makeCaller(entry, queue, kept: standing))
            return finish()
        }
        let kept = standing ?? keptPlace(of: entry, in: queue)
        let caller = makeCaller(entry, queue, kept: kept)
        publish(
            .queueEntered(
                QueueEntered(
                    queue: queue.id.name,
                    number: entry.number,
                    priority: entry.priority,
                    position: queue.position(of: caller),
                    carriedMilliseconds: milliseconds(entry.carried)
                )
            ),
            queue.id.tenant,
            call: entry.call
        )
        // Whoever was let in once, and comes back to his place or gives it away, is not asked again.
        if standing == nil, before?.queue !== queue, let refusal = refusal(of: queue, at: queue.position(of: caller)) {
            if refusal == .empty { tellPassedOver(for: caller) }
            left(caller, refusal, agent: nil)
            emit(.leave(entry.call, queue: queue.id, refusal))
            return finish()
        }
        // Sent back into a queue by whom he spoke with: that talk is over, now that he is let in.
        endTalks(in: entry.call)
        if let kept, standing == nil {
            // It serves once, and only whoever was let in.
            _ = queue.keptPlaces.take(for: entry.number, at: now.instant)
            if caller.rank == kept {
                publish(.note("was cut off while he waited: has his place back"), queue.id.tenant, call: entry.call)
            }
        }
        stand(caller)
        startTimers(caller)
        return finish()
    }

    func stand(_ caller: WaitingCaller) {
        callers[caller.call] = caller
        if caller.isCallback { caller.queue.callbacks += 1 }
        prefer(caller)
        caller.updateHeading(at: now.instant)
        caller.queue.observe(at: now.instant)
        caller.queue.waiting.insert(caller)
        changed.append(caller)
        startWidening(caller)
    }

    /// `kept`: where he stood when he was cut off; whoever stands better now by what he brings along stays there.
    private func makeCaller(_ entry: Entry, _ queue: QueueLine, kept: QueueLine.CallerRank?) -> WaitingCaller {
        let most = QueueLine.mostPoints
        let points = Int64(min(max(entry.priority, -most), most) + queue.settings.weight)
        let carried = min(max(entry.carried, .zero), QueueLine.mostCarried)
        let ahead = points * QueueLine.secondsAPoint * 1_000_000_000 + carried.wholeNanoseconds
        let fresh = QueueLine.CallerRank(entry: now.instant.nanoseconds &- ahead, order: nextOrder())
        return WaitingCaller(
            call: entry.call,
            queue: queue,
            entered: now,
            carried: carried,
            rank: kept.map { min($0, fresh) } ?? fresh,
            number: entry.number,
            requiredSkill: entry.requiredSkill,
            isCallback: entry.isCallback
        )
    }

    /// Why nobody may join now at this place.
    private func refusal(of queue: QueueLine, at position: Int) -> QueueOutcome? {
        let settings = queue.settings
        if let most = settings.maxLength, queue.length - queue.callbacks >= most { return .full }
        if settings.onEmpty != .wait, queue.isEmpty(of: settings.emptyWhen) { return .empty }
        if let longest = settings.maxExpectedWait, let wait = queue.waitForAgent(position: position), wait > longest {
            return .full
        }
        return nil
    }

    // MARK: the one who is waited for

    /// Who spoke with the caller last is waited for alone, if he is at work.
    private func prefer(_ caller: WaitingCaller) {
        guard let sticky = caller.queue.settings.sticky,
            let last = caller.queue.lastAgent(of: caller.number, at: now.instant),
            let member = caller.queue.members[last], member.pause == nil, member.agent.isAwaitable
        else { return }
        caller.preferred = last
        caller.preferredUntil = now.instant + sticky.wait
        member.agent.awaitedBy.insert(caller.call)
    }

    func forgetPreference(_ caller: WaitingCaller) {
        guard let preferred = caller.preferred else { return }
        agents[preferred]?.awaitedBy.remove(caller.call)
        (caller.preferred, caller.preferredUntil) = (nil, nil)
    }

    /// He went away, or serves this queue no more: nobody waits for him alone any more.
    func release(_ agent: Agent, from queue: QueueLine? = nil) {
        for call in agent.awaitedBy.sorted() {
            guard let caller = callers[call], queue == nil || caller.queue === queue else { continue }
            forgetPreference(caller)
            restand(caller)
        }
        if queue == nil { agent.awaitedBy = [] }
    }

    // MARK: what changes while he waits

    func startTimers(_ caller: WaitingCaller) {
        let settings = caller.queue.settings
        limitWait(of: caller)
        if let longest = settings.maxWaitEmpty, caller.queue.emptySince != nil,
            !timers.contains(.empty(caller.queue.id))
        {
            timers.start(.empty(caller.queue.id), at: now.instant + longest)
        }
        startAnnouncement(caller)
    }

    private func limitWait(of caller: WaitingCaller) {
        let key = TimerKey.longest(caller.call)
        guard let longest = caller.queue.settings.maxWait else { return timers.stop(key) }
        timers.start(key, at: caller.entered.instant + longest)
    }

    /// The queue's rules are others than when he came.
    func followRules(_ caller: WaitingCaller) {
        guard !caller.isCallback else { return }
        limitWait(of: caller)
        if !timers.contains(.announcement(caller.call)) { startAnnouncement(caller) }
    }

    private func startAnnouncement(_ caller: WaitingCaller) {
        guard let every = caller.queue.settings.announcePosition else { return }
        timers.start(.announcement(caller.call), at: now.instant + max(every, Self.shortestPace))
    }

    /// At the next moment from which more agents may take him.
    func startWidening(_ caller: WaitingCaller) {
        let waited = caller.waited(at: now.instant)
        var next = caller.queue.settings.nextWidening(after: waited).map { now.instant + ($0 - waited) }
        if let until = caller.preferredUntil, until > now.instant { next = min(next ?? until, until) }
        if let next { timers.start(.widening(caller.call), at: next) } else { timers.stop(.widening(caller.call)) }
    }

    func widen(_ call: CallID) {
        guard let caller = callers[call] else { return }
        if let until = caller.preferredUntil, until <= now.instant { forgetPreference(caller) }
        startWidening(caller)
        restand(caller)
    }

    /// Puts a caller under the heading of what he demands now; whoever may take him is looked for.
    func restand(_ caller: WaitingCaller) {
        caller.updateHeading(at: now.instant)
        if caller.queue.waiting.remove(caller) {
            caller.queue.waiting.insert(caller)
            changed.append(caller)
        } else if caller.queue.offered.remove(caller) {
            caller.queue.offered.insert(caller)
            watchJoining(caller)
            ringOthers(for: caller)
        }
    }

    func announce(_ call: CallID) {
        guard let caller = callers[call] else { return }
        startAnnouncement(caller)
        // Whose phone rings already is not told anything that would be in the way of the answer.
        guard caller.ringing.isEmpty, caller.queue.settings.announcePosition != nil else { return }
        let position = caller.queue.position(of: caller)
        if caller.queue.settings.announcesImprovement, let told = caller.toldPosition, position >= told { return }
        caller.toldPosition = position
        let wait = caller.queue.expectedWait(position: position, after: now.instant - caller.entered.instant)
        emit(.announce(call, queue: caller.queue.id, position: position, expectedWait: wait))
    }

    // MARK: a queue without anybody

    /// One clock a queue: it runs from when the last agent goes until somebody is there, however many wait.
    func watchEmptiness(of queue: QueueLine) {
        guard let longest = queue.settings.maxWaitEmpty, queue.isEmpty(of: queue.settings.emptyWhen) else {
            queue.emptySince = nil
            return timers.stop(.empty(queue.id))
        }
        let since = queue.emptySince ?? now.instant
        queue.emptySince = since
        timers.start(.empty(queue.id), at: since + longest)
    }

    /// Whoever has waited long enough in a queue without anybody leaves it; the clock goes on for the next.
    func clear(_ queue: QueueLine) {
        guard let longest = queue.settings.maxWaitEmpty, let since = queue.emptySince else { return }
        var next: Instant?
        for caller in queue.waiting.ordered where !caller.isCallback {
            let end = max(since, caller.entered.instant) + longest
            if end <= now.instant {
                eject(caller.call, .empty)
            } else {
                next = min(next ?? end, end)
            }
        }
        if let next { timers.start(.empty(queue.id), at: next) }
    }

    // MARK: the end of the wait

    /// The caller hung up, pressed a way out, or was taken over: every phone that rings for him stops.
    public func leave(_ call: CallID, _ outcome: QueueOutcome, at moment: Moment) -> [Action] {
        now = moment
        if let caller = callers[call] { drop(caller, outcome) }
        return finish()
    }

    func eject(_ call: CallID, _ outcome: QueueOutcome) {
        guard let caller = callers[call] else { return }
        drop(caller, outcome)
        emit(.leave(call, queue: caller.queue.id, outcome))
    }

    func drop(_ caller: WaitingCaller, _ outcome: QueueOutcome) {
        if !caller.isCallback { tellPassedOver(for: caller) }
        remove(caller, isAnswered: false)
        for id in caller.ringing.keys.sorted(by: <) {
            if let agent = agents[id] { takeBack(caller.call, agent) }
        }
        left(caller, outcome, agent: nil)
        if outcome == .abandoned, !caller.isCallback { keepPlace(of: caller) }
    }

    /// For the case that he calls again.
    func keepPlace(of caller: WaitingCaller) {
        guard let resume = caller.queue.settings.resume else { return }
        caller.queue.keptPlaces.remember(caller.rank, for: caller.number, until: now.instant + resume)
    }

    func remove(_ caller: WaitingCaller, isAnswered: Bool) {
        forgetPreference(caller)
        callers[caller.call] = nil
        if caller.isCallback { caller.queue.callbacks -= 1 }
        let queue = caller.queue
        queue.observe(at: now.instant)
        // The last of a line ends it: its time was counted, and so is he.
        if !queue.waiting.isEmpty || (isAnswered && caller.hasWaited) {
            let waited = now.instant - caller.entered.instant
            queue.forecast.noteDeparture(after: waited, isAnswered: isAnswered)
        }
        _ = queue.waiting.remove(caller) || queue.offered.remove(caller)
        let call = caller.call
        for key in [TimerKey.joining(call), .longest(call), .announcement(call), .widening(call)] { timers.stop(key) }
    }

    func left(_ caller: WaitingCaller, _ outcome: QueueOutcome, agent: UserID?) {
        // A place without a caller is no stay until somebody has it.
        guard !caller.isCallback || outcome == .calledBack else { return }
        publish(
            .queueLeft(
                QueueLeft(
                    queue: caller.queue.id.name,
                    outcome: outcome,
                    waitMilliseconds: milliseconds(caller.waited(at: now.instant)),
                    agent: agent?.number,
                    offers: caller.offers
                )
            ),
            caller.queue.id.tenant,
            call: caller.call
        )
    }
}

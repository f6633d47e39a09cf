import Config
public import Events
public import Timebase

/// A phone rings for a caller: answered, missed, taken back. And the talk that comes of it.
extension Dispatcher {
    func ring(_ agent: Agent, for caller: WaitingCaller) {
        let queue = caller.queue
        let timeout = max(queue.settings.ringTimeout, Self.shortestPace)
        // Whoever is asked again when all the others were begins a new round: in it they are asked again too.
        if caller.tried.contains(agent.id) { caller.tried = [] }
        if let left = room { room = max(0, left - 1) }
        caller.ringing[agent.id] = now.instant
        caller.offers += 1
        agent.offer = Agent.Engagement(call: caller.call, queue: queue.id, since: now.instant)
        queue.members[agent.id]?.lastOffered = nextOrder()
        timers.start(.ring(caller.call, agent.id), at: now.instant + timeout)
        let offer = Action.offer(caller.call, queue: queue.id, agent: agent.id, device: agent.device)
        // The call of a call-back begins with its first offer: what is told of it comes after that.
        if caller.isCallback { emit(offer) }
        publish(.queueOffered(queue: queue.id.name, agent: agent.id.number), queue.id.tenant, call: caller.call)
        refresh(agent)
        if !caller.isCallback { emit(offer) }
    }

    /// The agent's phone was not answered: he missed it, refused it, or could not be reached.
    public func offerFailed(_ call: CallID, agent: UserID, _ result: OfferResult, at moment: Moment) -> [Action] {
        now = moment
        if let agent = agents[agent] { missed(call, agent, result, isOver: true) }
        return finish()
    }

    /// The switch had nothing to ring the agent's phone by: nobody has missed anything, and nobody else is asked until `makeRoom`.
    public func offerNotMade(_ call: CallID, agent: UserID, at moment: Moment) -> [Action] {
        now = moment
        room = 0
        if let agent = agents[agent] { endOffer(call, agent, .withdrawn) }
        return finish()
    }

    /// Whether callers wait beside whoever could take them, as no more phones can be rung.
    public var lacksRoom: Bool { room == 0 }

    /// The switch can ring so many phones, or as many as it likes.
    public func makeRoom(_ room: Int?, at moment: Moment) -> [Action] {
        now = moment
        self.room = room
        freed = agents.values.filter(\.isFree).sorted { $1.id < $0.id }
        return finish()
    }

    /// `isOver`: his phone does not ring any more, and need not be told.
    func missed(_ call: CallID, _ agent: Agent, _ result: OfferResult, isOver: Bool = false) {
        guard agent.offer?.call == call, let caller = callers[call] else { return }
        rest(agent, after: result, in: caller.queue)
        caller.tried.insert(agent.id)
        if caller.preferred == agent.id {
            // He was waited for, and did not want to: now anybody.
            forgetPreference(caller)
            restand(caller)
        }
        if !isOver { emit(.withdraw(call, agent: agent.id, result)) }
        endOffer(call, agent, result)
    }

    /// Whoever did not take a call is left alone for a while; too many of them pause him.
    private func rest(_ agent: Agent, after result: OfferResult, in queue: QueueLine) {
        let member = queue.members[agent.id]
        var rest = member?.rest(after: result) ?? .zero
        // A phone that refuses at once would otherwise be asked as fast as it refuses.
        if result != .noAnswer { rest = max(rest, Self.shortestPace) }
        if result == .noAnswer || result == .dropped {
            agent.missesInARow += 1
            member?.missesInARow += 1
        }
        agent.idleSince = now.instant
        if rest > .zero {
            agent.restsUntil = now.instant + rest
            timers.start(.rest(agent.id), at: now.instant + rest)
        }
        guard let most = queue.settings.pauseAfterMisses, agent.pause == nil else { return }
        var place = ""
        switch queue.settings.missesPause {
        case .all:
            guard agent.missesInARow >= most else { return }
            agent.pause = Self.missed
            agent.missesInARow = 0
        case .queue:
            guard let member, member.missesInARow >= most, member.pause == nil else { return }
            leaveOut(member, because: Self.missed)
            place = " in the queue \(queue.id.name)"
        }
        let why = "agent \(agent.id.number) is paused\(place): \(most) calls missed in a row"
        publish(.note(why), agent.id.tenant)
    }

    /// The reason of a pause that nobody asked for.
    private static let missed = "no-answer"

    /// Stops a phone that rings; the caller stands where he stood.
    func takeBack(_ call: CallID, _ agent: Agent) {
        emit(.withdraw(call, agent: agent.id, .withdrawn))
        endOffer(call, agent, .withdrawn)
    }

    private func endOffer(_ call: CallID, _ agent: Agent, _ result: OfferResult) {
        guard let offer = agent.offer, offer.call == call else { return }
        agent.offer = nil
        timers.stop(.ring(call, agent.id))
        // Of an answer the talk tells.
        if result != .answered { tellOfferEnded(offer, agent, result, after: now.instant - offer.since) }
        if let caller = callers[call] {
            caller.ringing[agent.id] = nil
            if caller.ringing.isEmpty, result != .answered {
                caller.queue.observe(at: now.instant)
                caller.queue.offered.remove(caller)
                caller.updateHeading(at: now.instant)
                caller.inLineSince = now.instant
                caller.queue.waiting.insert(caller)
                changed.append(caller)
                watchJoining(caller)
            }
        }
        refresh(agent)
    }

    private func tellOfferEnded(
        _ offer: Agent.Engagement,
        _ agent: Agent,
        _ result: OfferResult,
        after rang: Duration
    ) {
        publish(
            .queueOfferEnded(
                QueueOfferEnded(
                    queue: offer.queue.name,
                    agent: agent.id.number,
                    result: result,
                    rangMilliseconds: milliseconds(rang)
                )
            ),
            offer.queue.tenant,
            call: offer.call
        )
    }

    /// The agent answered: everybody else stops ringing. `isConnected`: false when he hears whose call it is before he has the caller, who has
    /// no answer before that.
    public func answered(
        _ call: CallID,
        by id: UserID,
        isConnected: Bool = true,
        at moment: Moment
    ) -> [Action] {
        now = moment
        guard let caller = callers[call], let agent = agents[id], agent.offer?.call == call else { return finish() }
        for other in caller.ringing.keys.sorted(by: <) where other != id {
            emit(.withdraw(call, agent: other, .elsewhere))
            if let other = agents[other] { endOffer(call, other, .elsewhere) }
        }
        let wrapUp = caller.queue.members[id]?.wrapUp ?? caller.queue.settings.wrapUp
        agent.talk = Agent.Engagement(
            call: call,
            queue: caller.queue.id,
            since: now.instant,
            rang: now.instant - (agent.offer?.since ?? now.instant),
            isConnected: isConnected,
            wrapUp: wrapUp,
            caller: caller
        )
        talking[call, default: []].append(id)
        endOffer(call, agent, .answered)
        if let rang = agent.talk?.rang { caller.queue.forecast.noteRinging(rang) }
        remove(caller, isAnswered: true)
        caller.queue.remember(id, for: caller.number, at: now.instant)
        if isConnected { tellAnswered(agent) }
        return finish()
    }

    /// The agent has heard whose call it is, and has the caller.
    public func connected(_ call: CallID, at moment: Moment) -> [Action] {
        now = moment
        for agent in (talking[call] ?? []).compactMap({ agents[$0] }) where agent.talk?.isConnected == false {
            agent.talk?.isConnected = true
            tellAnswered(agent)
        }
        return finish()
    }

    private func tellAnswered(_ agent: Agent) {
        guard let talk = agent.talk, let caller = talk.caller else { return }
        tellOfferEnded(talk, agent, .answered, after: talk.rang)
        left(caller, caller.isCallback ? .calledBack : .answered, agent: agent.id)
    }

    /// The agent who answered is gone before he spoke with the caller: that was no answer, and he has missed this one, who stands where he
    /// stood. `queue`: the caller's.
    public func dropped(_ call: CallID, queue: QueueID, at moment: Moment) -> [Action] {
        now = moment
        guard let id = talking.removeValue(forKey: call)?.first, let agent = agents[id], let talk = agent.talk,
            let caller = talk.caller
        else {
            emit(.leave(call, queue: queue, .closed))
            return finish()
        }
        agent.talk = nil
        tellOfferEnded(talk, agent, .dropped, after: now.instant - talk.since)
        rest(agent, after: .dropped, in: caller.queue)
        caller.tried.insert(id)
        caller.ringing = [:]
        caller.inLineSince = now.instant
        if queues[queue] === caller.queue {
            stand(caller)
            startTimers(caller)
        } else {
            left(caller, .closed, agent: nil)
            emit(.leave(call, queue: queue, .closed))
        }
        refresh(agent, always: true)
        return finish()
    }

    /// The caller is gone before the agent who answered spoke with him: he has waited to the end, and the agent has missed nothing.
    public func answeredInVain(_ call: CallID, at moment: Moment) -> [Action] {
        now = moment
        if let agent = talking[call]?.first.flatMap({ agents[$0] }) { endInVain(call, of: agent) }
        return finish()
    }

    private func endInVain(_ call: CallID, of agent: Agent) {
        guard let talk = agent.talk, let caller = talk.caller else { return }
        forgetTalk(of: agent.id, in: call)
        agent.talk = nil
        tellOfferEnded(talk, agent, .withdrawn, after: talk.rang)
        left(caller, .abandoned, agent: nil)
        keepPlace(of: caller)
        refresh(agent, always: true)
    }

    /// The agent goes on in another call, with a party that whoever waited for him hands on: it is one talk of his queue.
    ///
    /// `number`: the party's.
    public func moved(
        _ call: CallID,
        to other: CallID,
        by id: UserID,
        number: String,
        at moment: Moment
    ) -> [Action] {
        now = moment
        guard let agent = agents[id], let talk = agent.talk, talk.call == call else { return finish() }
        forgetTalk(of: id, in: call)
        talking[other, default: []].append(id)
        // Nobody waited in that call: there is no place to go back to.
        agent.talk?.call = other
        agent.talk?.caller = nil
        queues[talk.queue]?.remember(id, for: number, at: now.instant)
        refresh(agent)
        return finish()
    }

    /// The talk is over, for whatever reason: the agent wraps up. nil: whoever has it.
    public func ended(_ call: CallID, by id: UserID? = nil, at moment: Moment) -> [Action] {
        now = moment
        if let caller = callers[call] { drop(caller, .abandoned) }
        endTalks(in: call, of: id)
        return finish()
    }

    /// nil: whoever has the caller.
    func endTalks(in call: CallID, of id: UserID? = nil) {
        for agent in talking[call] ?? [] where id == nil || agent == id { endTalk(call, of: agent) }
    }

    private func forgetTalk(of id: UserID, in call: CallID) {
        talking[call]?.removeAll { $0 == id }
        if talking[call]?.isEmpty ?? false { talking[call] = nil }
    }

    private func endTalk(_ call: CallID, of id: UserID) {
        if let agent = agents[id], let talk = agent.talk, !talk.isConnected, talk.caller != nil {
            return endInVain(call, of: agent)
        }
        forgetTalk(of: id, in: call)
        guard let agent = agents[id], let talk = agent.talk else { return }
        let duration = now.instant - talk.since
        agent.talk = nil
        forgetMisses(of: agent)
        agent.handled += 1
        agent.talked += duration
        let queue = queues[talk.queue]
        let member = queue?.members[id]
        member?.handled += 1
        member?.talked += duration
        let wrapUp = wrapUp(of: agent, after: talk)
        queue?.forecast.noteHandling(duration + wrapUp)
        if wrapUp > .zero, !agent.isDismissed { beginWrapUp(agent, queue: talk.queue, for: wrapUp, granted: wrapUp) }
        refresh(agent, always: agent.isDismissed)
    }

    /// As the queue grants it now, or granted it where it is gone.
    func wrapUp(of agent: Agent, after talk: Agent.Engagement) -> Duration {
        let queue = queues[talk.queue]
        return queue?.members[agent.id]?.wrapUp ?? queue?.settings.wrapUp ?? talk.wrapUp
    }
}

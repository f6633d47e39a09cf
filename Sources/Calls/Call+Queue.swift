import ACD
import Config
import DialPlan
import Events
import Media
import Prompts
import SDP
import SIP
import SIPMessage
import Timebase

/// The caller waits in a queue, and agents' phones ring for him.
extension Call {
    /// `other`: who gives him the place that he has there.
    func join(_ request: QueueRequest, inPlaceOf other: CallID? = nil) {
        let queue = QueueID(tenant: tenant.id, name: request.queue)
        // An agent whom his caller sends there is an agent no more, but a caller. A party that is refused is still whose it was.
        if transfer == nil { endService() }
        isUnserved = true
        if transfer == nil || mayWait(request) { queueRequest = request }
        let entry = entry(request)
        keptPlace = nil
        wait(in: queue, since: now) { [self] in $0.enter(entry, inPlaceOf: other, at: now) }
    }

    /// `body`: what gives him his place in the line.
    private func wait(in queue: QueueID, since entered: Moment, _ body: (Dispatcher) -> [Dispatcher.Action]) {
        enter(.queued(QueueStay(queue: queue, entered: entered)))
        makeUnderstood()
        core.dispatch(body)
        if let standing = core.acd.place(of: id) { (place, wayBack) = (standing, nil) }
        // Whoever waits hears music, unless somebody answered in this same turn.
        guard case .queued = stage else { return }
        playMusic()
        for (index, message) in settings(of: queue).messages.enumerated() {
            core.timers.start(.call(id, .message(index)), at: now.instant + message.every)
        }
    }

    private func entry(_ request: QueueRequest) -> Dispatcher.Entry {
        Dispatcher.Entry(
            call: id,
            queue: QueueID(tenant: tenant.id, name: request.queue),
            number: servedParty.number,
            priority: request.priority,
            requiredSkill: request.skill,
            carried: waitedInQueues,
            place: keptPlace
        )
    }

    /// Nobody is answered, and pays for it, to hear that he may not wait.
    func mayWait(_ request: QueueRequest) -> Bool { !core.acd.refuses(entry(request), at: now) }

    func settings(of queue: QueueID) -> Queue { tenant.queues[queue.name] ?? Queue(name: queue.name) }

    private func playMusic(after clips: [PromptClip] = []) {
        guard case .queued(let stay) = stage else { return }
        say(clips, loop: music(stay.queue))
    }

    // MARK: what the dispatcher wants

    /// Rings an agent's phones.
    func offered(to agent: UserID, device: String) {
        guard case .queued = stage else { return fail(agent, .withdrawn) }
        guard case .routes(let routes) = core.phones(of: device, of: tenant) else { return fail(agent, .unavailable) }
        ring(agent, routes.compactMap { invite($0, forQueue: true) })
    }

    /// Rings by these legs, which are made.
    func ring(_ agent: UserID, _ made: [Int]) {
        guard case .queued(var stay) = stage else { return fail(agent, .unavailable) }
        guard !made.isEmpty else { return core.offerFailed(id, agent: agent) }
        stay.ringing[agent] = made
        stay.redirects[agent] = 0
        stage = .queued(stay)
        for index in made { act(on: index) { session, _ in session.start() } }
        core.timers.start(.call(id, .signOfLife(agent)), at: now.instant + core.settings.trunkPatience)
    }

    /// None of an agent's phones has said anything yet, not even 100, which a living one sends within 200 ms (RFC 3261 §17.2.1): he has missed
    /// nothing, as nothing rang.
    func ringsNowhere(at agent: UserID) {
        guard case .queued(var stay) = stage, let rung = stay.ringing[agent],
            rung.allSatisfy({ legs[$0].isOver || legs[$0].session.isSilent })
        else { return }
        stay.ringing[agent] = nil
        stage = .queued(stay)
        for index in rung where !legs[index].isOver { cancel(index, .unavailable, nil) }
        fail(agent, .unavailable)
    }

    private func fail(_ agent: UserID, _ result: OfferResult) {
        core.dispatch { [self] in $0.offerFailed(id, agent: agent, result, at: now) }
    }

    /// Stops an agent's phones.
    func withdrawn(from agent: UserID, _ result: OfferResult) {
        guard case .queued(var stay) = stage, let rung = stay.ringing.removeValue(forKey: agent) else { return }
        stage = .queued(stay)
        core.timers.stop(.call(id, .signOfLife(agent)))
        for index in rung where !legs[index].isOver {
            switch result {
            case .elsewhere: cancel(index, .answeredElsewhere, Session.completedElsewhere)
            case .noAnswer: cancel(index, .noAnswer, nil)
            case .answered, .busy, .declined, .unavailable, .dropped, .withdrawn: cancel(index, .cancelled, nil)
            }
        }
    }

    /// The wait is over without an agent.
    func mustLeave(_ queue: QueueID, _ outcome: QueueOutcome) {
        guard case .queued(let stay) = stage, stay.queue == queue else { return }
        guard callback == nil else {
            return end(.failed, by: .switch, cause: HangupCause(status: 480), reason: "queue-closed")
        }
        leaveQueue(stay)
        follow(tenant.wayOut(of: queue.name, upon: outcome), after: outcome)
    }

    private func follow(_ way: QueueWayOut, after outcome: QueueOutcome) {
        switch way {
        case .flow(let plan, let flow): proceed(.jump(plan, flow: flow, after: outcome))
        case .refused(let cause): finish(cause)
        case .plan, .line, .gone: proceed(.queued(outcome))
        }
    }

    func leaveQueue(_ stay: QueueStay) {
        waitedInQueues += now.instant - stay.entered.instant
        stopMessages(of: stay.queue)
        sayings += 1
        stopTone()
        enter(.deciding)
    }

    /// The wait is over, and with it what is said from time to time.
    func stopMessages(of queue: QueueID) {
        for index in settings(of: queue).messages.indices { core.timers.stop(.call(id, .message(index))) }
        core.timers.stop(.call(id, .announcement))
    }

    /// A key of a waiting caller that leads out of the queue.
    func exitQueue(by key: String) {
        guard case .queued(let stay) = stage else { return }
        let way = tenant.wayOut(of: stay.queue.name, upon: .key, key: key)
        if case .line = way { return }
        publish(.note("key \(key) leads out of the queue"))
        core.dispatch { [self] in $0.leave(id, .key, at: now) }
        leaveQueue(stay)
        // It is what he wants instead.
        isUnserved = false
        follow(way, after: .key)
    }

    func announced(position: Int, expectedWait: Duration?) {
        guard case .queued(let stay) = stage else { return }
        let settings = settings(of: stay.queue)
        let language = self.language(in: settings)
        let spoken = SpokenPlace(position: position, expectedWait: settings.announceWait ? expectedWait : nil)
        announce(
            clips(spoken.pieces(in: language), language: language),
            as: .place(position, expectedWait: spoken.expectedWait)
        )
    }

    func periodicMessage(_ index: Int) {
        guard case .queued(let stay) = stage else { return }
        let messages = settings(of: stay.queue).messages
        guard messages.indices.contains(index) else { return }
        core.timers.start(.call(id, .message(index)), at: now.instant + messages[index].every)
        let (prompt, queue) = (messages[index].prompt, settings(of: stay.queue))
        announce(clips([prompt], language: language(in: queue), or: queue.language), as: .message(prompt))
    }

    /// One after the other: what falls due while another is heard waits for its end. Nothing is said in the way of an answer that may come
    /// at any moment.
    private func announce(_ clips: [PromptClip], as subject: QueueStay.Subject) {
        guard case .queued(var stay) = stage, !clips.isEmpty, stay.ringing.isEmpty else { return }
        if let end = stay.announcementEnds, end > now.instant {
            stay.announcements.removeAll { $0.subject.isLike(subject) }
            stay.announcements.append((subject, clips))
            stage = .queued(stay)
            return core.timers.start(.call(id, .announcement), at: end)
        }
        let end = now.instant + .milliseconds(clips.reduce(0) { $0 + $1.milliseconds })
        stay.announcementEnds = end
        stage = .queued(stay)
        if !stay.announcements.isEmpty { core.timers.start(.call(id, .announcement), at: end) }
        switch subject {
        case .message(let prompt): publish(.prompt(prompt))
        case .place(let place, let wait):
            let more = wait.map { ", \(Int($0.inSeconds)) s to wait" } ?? ""
            publish(.note("is told: number \(place) in the queue\(more)"))
        }
        playMusic(after: clips)
    }

    func announcementEnded() {
        guard case .queued(var stay) = stage, !stay.announcements.isEmpty else { return }
        let (subject, clips) = stay.announcements.removeFirst()
        if !stay.ringing.isEmpty { stay.announcements = [] }
        stage = .queued(stay)
        announce(clips, as: subject)
    }

    // MARK: what the agents' phones say

    /// The agent for whom this leg rings.
    private func agent(of index: Int, in stay: QueueStay) -> UserID? {
        stay.ringing.first { $0.value.contains(index) }?.key
    }

    func agentAnswered(_ index: Int, description: SessionDescription, isOffer: Bool, stay: QueueStay) {
        guard let agent = agent(of: index, in: stay), !isOffer else {
            finishLeg(index, .answeredElsewhere, status: 200, reason: "answered elsewhere")
            return act(on: index) { $0.hangUp(reason: Session.completedElsewhere, now: $1) }
        }
        core.timers.stop(.call(id, .signOfLife(agent)))
        legs[index].progress = .answered
        legs[index].described.remote = description
        for other in stay.ringing[agent] ?? [] where other != index && !legs[other].isOver {
            cancel(other, .answeredElsewhere, Session.completedElsewhere)
        }
        tellAnswer(index)
        configureMedia(index)
        var waited = waitedInQueues + (now.instant - stay.entered.instant)
        if let wish = core.callbacks[id] {
            let carried = max(0, now.wall.milliseconds - wish.requested.milliseconds)
            let entry = QueueEntered(
                queue: stay.queue.name,
                number: to,
                priority: 0,
                position: 1,
                carriedMilliseconds: carried
            )
            publish(.queueEntered(entry))
            waited = .milliseconds(carried)
        }
        let whisper = callback == nil ? whisper(of: stay.queue) : nil
        core.dispatch { [self] in $0.answered(id, by: agent, isConnected: whisper == nil, at: now) }
        served = Service(queue: stay.queue, agent: agent, leg: index)
        noteWayBack(to: stay.queue, waited: waited)
        guard callback == nil else { return callNumber(by: agent, at: index) }
        isUnserved = false
        served?.answer = QueueAnswer(
            connected: now.instant,
            entered: stay.entered,
            waitedBefore: waitedInQueues,
            hadSpoken: hasSpoken
        )
        waitedInQueues = .zero
        stopMessages(of: stay.queue)
        guard let whisper else { return connectAgent(index) }
        enter(.introducing(index))
        followFamily(of: index)
        // The caller's music goes on meanwhile.
        say([whisper], to: index)
    }

    /// What the queue's agents hear before they have the caller.
    private func whisper(of queue: QueueID) -> PromptClip? {
        let settings = settings(of: queue)
        // An agent need not speak his caller's language.
        let language = settings.language ?? tenant.language
        return settings.whisper.flatMap { clips([$0], language: language, or: self.language).first }
    }

    /// The agent has heard whose call it is.
    func introduced(to index: Int) {
        core.connected(self)
        connectAgent(index)
    }

    private func connectAgent(_ index: Int) {
        enter(.talking(index))
        served?.answer?.connected = now.instant
        sayings += 1
        seat(index)
        guard !isEnding else { return }
        beginQueueTalk()
    }

    /// Whether this leg is of an agent who, gone now, has not served the caller whom his queue gave him: he heard the whisper, or they had
    /// each other for less than `short_talk`.
    func servedNobody(_ index: Int) -> Bool {
        guard let served, let answer = served.answer, served.leg == index, transfer == nil else { return false }
        switch stage {
        case .introducing(index): return true
        case .talking(index): return now.instant - answer.connected < settings(of: served.queue).shortTalk
        default: return false
        }
    }

    /// Such an agent is gone: the caller waits on in his place.
    func agentLeft(_ index: Int) {
        guard let service = served, let answer = service.answer else { return }
        let (queue, agent) = (service.queue, service.agent)
        publish(.note("the agent hung up before he spoke with the caller, who waits on"))
        stopRecording()
        stopHolding(index)
        leaveHold(anchor)
        unbridge(anchor)
        release(index)
        dismissListeners(of: index)
        served = nil
        (isUnserved, hasSpoken, waitedInQueues) = (true, answer.hadSpoken, answer.waitedBefore)
        core.acd.forget(agent, by: servedParty.number, in: queue)
        wait(in: queue, since: answer.entered) { [self] in $0.dropped(id, queue: queue, at: now) }
    }

    /// The call ends while the agent is told whose it is: its caller has heard music, and nobody else.
    func answeredInVain() {
        guard let service = served, let answer = service.answer else { return }
        served = nil
        (isUnserved, hasSpoken) = (true, answer.hadSpoken)
        core.acd.forget(service.agent, by: servedParty.number, in: service.queue)
        core.dispatch { [self] in $0.answeredInVain(id, at: now) }
    }

    /// An agent's phone sends the call elsewhere (3xx): that rings in its place, still for this agent and within his time. False:
    /// it leads nowhere.
    func followAgent(_ rejection: Rejection, of index: Int, stay: QueueStay) -> Bool {
        var stay = stay
        guard let agent = agent(of: index, in: stay) else { return false }
        let redirects = stay.redirects[agent, default: 0] + 1
        guard redirects <= core.settings.maximumRedirects else {
            publish(.note("agent \(agent.number) redirects too often"))
            return false
        }
        stay.redirects[agent] = redirects
        stage = .queued(stay)
        // A user who is rung in the agent's place is busy with it as with any call past the queues: not `forQueue`.
        let ways = leads(of: rejection, from: index, timeout: settings(of: stay.queue).ringTimeout).ways
        let made = ways.joined().flatMap { ring($0) }
        // To engage somebody may have changed who rings for this caller.
        guard !made.isEmpty, case .queued(var stay) = stage else { return false }
        legs[index].progress = .over(.redirected, status: rejection.status, reason: rejection.phrase)
        stay.ringing[agent] = (stay.ringing[agent] ?? []).filter { $0 != index } + made
        stage = .queued(stay)
        for index in made { act(on: index) { session, _ in session.start() } }
        return true
    }

    /// One of an agent's phones will not answer; when none is left the agent has missed the call. A 6xx is his own word, whichever phone he
    /// gives it at (RFC 3261 §16.7 step 5).
    func agentRejected(_ index: Int, _ rejection: Rejection, stay: QueueStay) {
        var stay = stay
        guard let agent = agent(of: index, in: stay) else { return }
        stay.ringing[agent]?.removeAll { $0 == index }
        if rejection.status >= 600 {
            let others = stay.ringing[agent] ?? []
            stay.ringing[agent] = []
            stage = .queued(stay)
            for other in others { cancel(other, .cancelled, rejection.reasonForOthers) }
        }
        let isLast = stay.ringing[agent]?.isEmpty ?? true
        if isLast {
            stay.ringing[agent] = nil
            core.timers.stop(.call(id, .signOfLife(agent)))
        }
        stage = .queued(stay)
        guard isLast else { return }
        let result: OfferResult
        switch rejection.outcome {
        case .busy: result = .busy
        case .declined: result = .declined
        case .noAnswer: result = .noAnswer
        case .answered, .unavailable, .notFound, .congestion, .failed: result = .unavailable
        }
        fail(agent, result)
    }
}

/// A caller's place in a queue, in recorded pieces.
struct SpokenPlace {
    var position: Int
    var expectedWait: Duration?

    func pieces(in language: String) -> [String] {
        let spoken = Language(rawValue: language) ?? .en
        var pieces = ["you-are-number"] + Saying.number(Int64(position), in: spoken) + ["in-queue"]
        guard let expectedWait else { return pieces }
        // Nobody believes seconds.
        let minutes = Int(clamping: expectedWait.wholeNanoseconds / 60_000_000_000)
        pieces.append("expected-wait-is")
        pieces += minutes < 1 ? ["less-than-a-minute"] : Saying.duration(seconds: minutes * 60, in: spoken)
        return pieces
    }
}

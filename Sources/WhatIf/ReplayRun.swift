import ACD
import Config
import Events
import Timebase

/// One replay on its way: the queues' own code, and the world around it.
struct ReplayRun {
    enum Happening: Hashable, Sendable {
        case arrival(Int), leaves(Int), pickUp(CallID, UserID), talkEnds(Int), wrapUpEnds(UserID, Int)
        case presence(Int, Int)
        /// A caller's wish of this number stands in the queue, or is called off.
        case wish(Int), calledOff(Int)
    }

    /// What is known of an arrival, and drawn for it, before it comes.
    struct Caller {
        var arrival: RecordedDay.Arrival
        /// After how long in this queue he goes away by himself, and how that counts; nil: he waits for ever.
        var leaves: (after: Int64, outcome: QueueOutcome)?
        var talk: Int64
        var ring: Int64
        var wrapUp: Int64?
        /// An attempt to call back for the wish of this number; nil: he is on the line.
        var wish: Int?
    }

    let replay: Replay
    let staffing: Staffing
    let dispatcher: Dispatcher
    var callers: [Caller] = []
    var numbers: [CallID: Int] = [:]
    var world = TimerQueue<Happening>()
    var random: SeededGenerator
    var now: Moment
    var waiting: Set<Int> = []
    var talking: [Int: UserID] = [:]
    let missRates: [String: Double]
    var stays: [Int: Replay.Stay] = [:]
    var clocks: [String: (since: Int64, state: AgentState)] = [:]
    var states: [String: [AgentState: Int64]] = [:]
    /// Whose wrap-up each agent is in, or was last.
    var lastTalk: [UserID: Int] = [:]
    var wishes: [Wish]
    /// Of arrivals: which wish they leave the line for, and where they stood.
    var wishOfArrival: [CallID: Int] = [:]
    var places: [Int: Dispatcher.Place] = [:]

    /// After the window nobody new comes; whoever waits or talks then is followed so long.
    private static let longestEnd: Int64 = 4 * 3_600_000

    init(_ replay: Replay, _ staffing: Staffing) {
        (self.replay, self.staffing) = (replay, staffing)
        now = Self.moment(replay.day.from, replay.day.from)
        random = SeededGenerator(seed: replay.seed)
        missRates = Dictionary(staffing.agents.map { ($0.user, $0.missRate) }) { first, _ in first }
        dispatcher = Dispatcher(generator: SeededGenerator(seed: replay.seed &+ 1), now: now)
        callers = Self.callers(of: replay.day, &random)
        wishes = replay.day.callbacks.map { Wish($0) }
        addAttempts()
    }

    static func moment(_ wall: Int64, _ start: Int64) -> Moment {
        Moment(
            instant: Instant(nanoseconds: (wall &- start) &* 1_000_000),
            wall: WallTime(milliseconds: wall)
        )
    }

    func instant(_ wall: Int64) -> Instant { Self.moment(wall, replay.day.from).instant }
    func user(_ number: String) -> UserID { UserID(tenant: staffing.tenant.id, number: number) }

    // MARK: before

    static func callers(of day: RecordedDay, _ random: inout SeededGenerator) -> [Caller] {
        let queues = Dictionary(grouping: day.arrivals, by: \.queue)
        let patience = queues.mapValues { stays in Patience(stays.map { ($0.wait, $0.outcome == .abandoned) }) }
        let talks = queues.mapValues { stays in stays.filter { $0.talk != nil } }
        return day.arrivals.map { arrival in
            // Drawn for everybody, so that one caller's lot does not hang on another's.
            let luck = Double.random(in: 0..<1, using: &random)
            let pick = Int.random(in: 0..<Int.max, using: &random)
            let models = talks[arrival.queue] ?? []
            let model = arrival.talk != nil || models.isEmpty ? arrival : models[pick % models.count]
            var caller = Caller(
                arrival: arrival,
                leaves: nil,
                talk: model.talk ?? 0,
                ring: model.ring ?? 0,
                wrapUp: model.wrapUp
            )
            switch arrival.outcome {
            case .abandoned, .key, .transferred, .callback, .closed, .restart:
                caller.leaves = (arrival.wait, arrival.outcome)
            case .answered, .calledBack, .timeout, .empty, .full:
                let limit = patience[arrival.queue]?.limit(beyond: arrival.wait, luck: luck)
                caller.leaves = limit.map { ($0, .abandoned) }
            }
            return caller
        }
    }

    // MARK: the day

    mutating func play(while mayGoOn: () -> Bool) throws(Replay.TookTooLong) -> Replay.Outcome {
        absorb(dispatcher.configure([staffing.tenant.id: staffing.tenant], at: now))
        for (index, agent) in staffing.agents.enumerated() {
            absorb(dispatcher.reachable(true, device: user(agent.user), at: now))
            for step in agent.presence.indices {
                let since = max(agent.presence[step].since, replay.day.from)
                world.start(.presence(index, step), at: instant(since))
            }
        }
        for (index, caller) in callers.enumerated() {
            numbers[caller.arrival.call] = index
            if caller.wish == nil { world.start(.arrival(index), at: instant(caller.arrival.entered)) }
        }
        prepareWishes()
        var turns = 0
        let end = instant(replay.day.until + Self.longestEnd)
        while let next = [world.nextDeadline, dispatcher.nextDeadline()].compactMap({ $0 }).min(), next < end {
            turns += 1
            if turns % 1024 == 0, !mayGoOn() { throw Replay.TookTooLong() }
            // Whatever agents, announcements and rests go on doing after it: the day is over when nobody waits or talks.
            if next >= instant(replay.day.until), waiting.isEmpty, talking.isEmpty { break }
            now = Moment(
                instant: max(next, now.instant),
                wall: WallTime(milliseconds: replay.day.from + next.nanoseconds / 1_000_000)
            )
            if let own = dispatcher.nextDeadline(), own <= next {
                absorb(dispatcher.fire(at: now))
            } else if let happening = world.popDue(now: now.instant) {
                happen(happening)
            }
        }
        now.wall = WallTime(milliseconds: max(replay.day.until, now.wall.milliseconds))
        for agent in clocks.keys.sorted() { enter(agent, .loggedOut) }
        for index in waiting where callers[index].wish == nil { stays[index] = stillWaiting(callers[index].arrival) }
        return Replay.Outcome(
            stays: stays.keys.sorted().compactMap { stays[$0] },
            states: states,
            agents: staffing.tenant.queues.mapValues { $0.agents.map(\.user) }
        )
    }

    mutating func happen(_ happening: Happening) {
        switch happening {
        case .arrival(let index): arrive(index)
        case .leaves(let index):
            guard let leaves = callers[index].leaves else { break }
            absorb(dispatcher.leave(callers[index].arrival.call, leaves.outcome, at: now))
        case .pickUp(let call, let agent): absorb(dispatcher.answered(call, by: agent, at: now))
        case .talkEnds(let index): endTalk(index)
        case .wrapUpEnds(let agent, let index):
            // Only of that talk: he may be in another wrap-up by now.
            if lastTalk[agent] == index { absorb(dispatcher.perform(.endWrapUp, by: agent, at: now) ?? []) }
        case .presence(let agent, let step): change(staffing.agents[agent], step)
        case .wish(let index): stand(index)
        case .calledOff(let index): callOff(index)
        }
    }

    mutating func arrive(_ index: Int) {
        let caller = callers[index]
        waiting.insert(index)
        let entry = Dispatcher.Entry(
            call: caller.arrival.call,
            queue: QueueID(tenant: staffing.tenant.id, name: caller.arrival.queue),
            number: caller.arrival.number,
            priority: caller.arrival.priority,
            carried: .milliseconds(caller.arrival.carried)
        )
        absorb(dispatcher.enter(entry, at: now))
        places[index] = dispatcher.place(of: caller.arrival.call)
        guard waiting.contains(index), let leaves = caller.leaves else { return }
        world.start(.leaves(index), at: now.instant + .milliseconds(leaves.after))
    }

    mutating func change(_ agent: RecordedDay.Agent, _ step: Int) {
        let id = user(agent.user)
        let own = CallID("own-\(agent.user)")
        let before = step == 0 ? .away : agent.presence[step - 1].1
        let after = agent.presence[step].1
        if before == .engaged { absorb(dispatcher.disengaged(id, from: own, at: now)) }
        if before == .unreachable { absorb(dispatcher.reachable(true, device: id, at: now)) }
        switch after {
        case .away: perform(.logOut, id)
        case .here: back(id)
        case .paused(let reason):
            back(id)
            perform(.pause(reason: reason), id)
        case .unreachable:
            back(id)
            absorb(dispatcher.reachable(false, device: id, at: now))
        case .engaged:
            back(id)
            absorb(dispatcher.engaged(id, in: own, at: now))
        }
    }

    mutating func back(_ agent: UserID) {
        if !dispatcher.isLoggedIn(agent) { perform(.logIn(device: nil), agent) }
        if dispatcher.isPaused(agent) { perform(.unpause, agent) }
    }

    mutating func perform(_ command: Dispatcher.AgentCommand, _ agent: UserID) {
        absorb(dispatcher.perform(command, by: agent, at: now) ?? [])
    }

    // MARK: what comes of it

    mutating func absorb(_ actions: [Dispatcher.Action]) {
        for action in actions {
            switch action {
            case .offer(let call, _, let agent, _):
                guard let index = numbers[call] else { continue }
                guard Double.random(in: 0..<1, using: &random) >= missRates[agent.number] ?? 0 else { continue }
                world.start(.pickUp(call, agent), at: now.instant + .milliseconds(callers[index].ring))
            case .withdraw(let call, let agent, _): world.stop(.pickUp(call, agent))
            case .publish(.queueLeft(let left), _, let call?): leave(call, left)
            case .publish(.agentChanged(let change), _, _): enter(change.agent, change.state)
            case .leave, .announce, .publish: break
            }
        }
    }

    mutating func leave(_ call: CallID, _ left: QueueLeft) {
        guard let index = numbers[call] else { return }
        let caller = callers[index]
        waiting.remove(index)
        world.stop(.leaves(index))
        let isAnswered = left.outcome == .answered || left.outcome == .calledBack
        if let wish = caller.wish { return takeUp(wish, index, left) }
        if left.outcome == caller.arrival.outcome { wish(of: caller, after: left) }
        stays[index] = Replay.Stay(
            queue: caller.arrival.queue,
            carried: caller.arrival.carried,
            wait: left.waitMilliseconds - caller.arrival.carried,
            outcome: left.outcome,
            talk: isAnswered ? caller.talk : 0
        )
        if isAnswered { talk(index, left) }
    }

    private func stillWaiting(_ arrival: RecordedDay.Arrival) -> Replay.Stay {
        Replay.Stay(
            queue: arrival.queue,
            carried: arrival.carried,
            wait: now.wall.milliseconds - arrival.entered,
            outcome: nil,
            talk: 0
        )
    }

    mutating func talk(_ index: Int, _ left: QueueLeft) {
        guard let agent = left.agent else { return }
        talking[index] = user(agent)
        world.start(.talkEnds(index), at: now.instant + .milliseconds(callers[index].talk))
    }

    /// The wrap-up lasts as it did, where none is laid down for the replay.
    mutating func endTalk(_ index: Int) {
        let caller = callers[index]
        absorb(dispatcher.ended(caller.arrival.call, at: now))
        if let wish = caller.wish { tryAgain(wish) }
        guard let agent = talking.removeValue(forKey: index), let wrapUp = caller.wrapUp,
            let queue = staffing.tenant.queues[caller.arrival.queue], !replay.alters(wrapUpOf: queue.name)
        else { return }
        let usual = queue.agents.first { $0.user == agent.number }?.wrapUp ?? queue.wrapUp
        let length = Duration.milliseconds(wrapUp)
        lastTalk[agent] = index
        if length > usual { perform(.extendWrapUp(length - usual), agent) }
        if length < usual { world.start(.wrapUpEnds(agent, index), at: now.instant + length) }
    }

    mutating func enter(_ agent: String, _ state: AgentState) {
        let (from, until) = (replay.day.from, replay.day.until)
        let wall = min(max(now.wall.milliseconds, from), until)
        if let clock = clocks[agent] { states[agent, default: [:]][clock.state, default: 0] += wall - clock.since }
        clocks[agent] = (wall, state)
    }
}

import ACD
public import Config
public import Events
import Timebase

/// A recorded day once more, through the code that queues calls, under a virtual clock: the same arrivals at the same moments with
/// the same patience and talks, and other agents, strategies or wrap-ups. The same seed gives the same day.
///
/// Whoever gave up then gives up after the same wait; whoever was answered then, and is not now, gives up as the others of his queue
/// did who waited as long. Whoever was not answered then, and is now, talks as long as somebody of his queue did.
///
/// Whoever left the line then to be called back does so after the same wait, unless he is answered before, and his place stands. Each
/// attempt goes as it did then: the same talk, and the same number of them.
public struct Replay {
    /// The time that it may take was over.
    public struct TookTooLong: Error {}

    /// How one stay went.
    public struct Stay: Equatable, Sendable {
        public var queue: String
        public var carried: Int64
        public var wait: Int64
        /// nil: nobody served him, and he waits to the end.
        public var outcome: QueueOutcome?
        public var talk: Int64
    }

    public struct Outcome: Equatable, Sendable {
        public var stays: [Stay]
        /// Within the window, milliseconds, by agent.
        public var states: [String: [AgentState: Int64]]
        /// Each queue's.
        public var agents: [String: [String]]
    }

    /// More agents in one queue than any centre has.
    public static let mostAgents = 5_000

    let day: RecordedDay
    let tenant: Tenant
    let alterations: [Alteration]
    let seed: UInt64

    /// The tenant as it is now: its rules are those of the replay, too.
    public init(_ day: RecordedDay, tenant: Tenant, alterations: [Alteration] = [], seed: UInt64 = 1) {
        self.seed = seed
        (self.day, self.tenant) = (day, tenant)
        self.alterations = alterations
    }

    /// `mayGoOn` is asked now and then.
    public func run(while mayGoOn: () -> Bool = { true }) throws(TookTooLong) -> Outcome {
        let staffing = Staffing(day, tenant, alterations)
        var run = ReplayRun(self, staffing)
        return try run.play(while: mayGoOn)
    }

    func alters(wrapUpOf queue: String) -> Bool { alterations.contains { $0.concerns(queue) && $0.wrapUp != nil } }
}

/// The tenant and its agents as the replay has them.
struct Staffing {
    private(set) var tenant: Tenant
    private(set) var agents: [RecordedDay.Agent]

    init(_ day: RecordedDay, _ tenant: Tenant, _ alterations: [Alteration]) {
        self.tenant = tenant
        agents = day.agents
        for alteration in alterations {
            for name in tenant.queues.keys.sorted() where alteration.concerns(name) {
                if let strategy = alteration.strategy { self.tenant.queues[name]?.strategy = strategy }
                if let wrapUp = alteration.wrapUp { shorten(name, to: wrapUp) }
                if let count = alteration.agents { staff(name, with: min(max(0, count), Replay.mostAgents), day) }
            }
        }
    }

    private mutating func shorten(_ queue: String, to wrapUp: Duration) {
        tenant.queues[queue]?.wrapUp = wrapUp
        for index in tenant.queues[queue]?.agents.indices ?? 0..<0 { tenant.queues[queue]?.agents[index].wrapUp = nil }
    }

    /// Fewer: those stay who were there longest. More: each further one is there when one of them is, in this queue alone.
    private mutating func staff(_ queue: String, with count: Int, _ day: RecordedDay) {
        guard let list = tenant.queues[queue]?.agents else { return }
        let hours = Dictionary(day.agents.map { ($0.user, $0.timeHere(until: day.until)) }) { first, _ in first }
        let ranked = list.sorted { (hours[$0.user] ?? 0, $1.user) > (hours[$1.user] ?? 0, $0.user) }
        let kept = Set(ranked.prefix(count).map(\.user))
        tenant.queues[queue]?.agents = list.filter { kept.contains($0.user) }
        let models = ranked.filter { (hours[$0.user] ?? 0) > 0 }
        guard count > list.count, !models.isEmpty else { return }
        for number in 0..<(count - list.count) {
            let model = models[number % models.count]
            guard var agent = day.agents.first(where: { $0.user == model.user }),
                var user = tenant.users[model.user]
            else { continue }
            var place = model
            agent.user = "\(model.user)+\(queue)+\(number + 1)"
            (place.user, user.number) = (agent.user, agent.user)
            tenant.users[agent.user] = user
            tenant.queues[queue]?.agents.append(place)
            agents.append(agent)
        }
    }
}

extension RecordedDay.Agent {
    /// Not away.
    fileprivate func timeHere(until end: Int64) -> Int64 {
        let ends = presence.dropFirst().map(\.since) + [end]
        return zip(presence, ends).reduce(0) { $0 + ($1.0.1 == .away ? 0 : $1.1 - $1.0.since) }
    }
}

import Config
import Events
import Timebase

/// What a caller asks of an agent now: who stands in a line under the same demand may be taken by the same agents.
struct Demand: Hashable {
    /// The highest penalty that may be asked.
    var penalty: Int
    /// The least skill.
    var skill: Int
    var isCallback: Bool

    func admits(_ member: Membership) -> Bool { member.penalty <= penalty && member.skill >= skill }
}

/// Callers in order, apart by what they demand: the first whom an agent may take is found without looking at those whom he may
/// not, however many stand before.
struct CallerLine {
    typealias Heap = IndexedHeap<WaitingCaller, QueueLine.CallerRank>

    /// Under which heading a caller stands.
    enum Heading: Hashable {
        case open(Demand)
        /// For this agent alone.
        case awaiting(UserID)
    }

    private var open: [Demand: Heap] = [:]
    private var awaiting: [UserID: Heap] = [:]
    private(set) var count = 0

    var isEmpty: Bool { count == 0 }

    mutating func insert(_ caller: WaitingCaller) {
        remove(caller)
        switch caller.heading {
        case .open(let demand): open[demand, default: Heap()].insert(caller, caller.rank)
        case .awaiting(let agent): awaiting[agent, default: Heap()].insert(caller, caller.rank)
        }
        caller.standing = caller.heading
        count += 1
    }

    @discardableResult
    mutating func remove(_ caller: WaitingCaller) -> Bool {
        let isRemoved: Bool
        switch caller.standing {
        case .open(let demand):
            isRemoved = open[demand]?.remove(caller) ?? false
            if open[demand]?.isEmpty ?? false { open[demand] = nil }
        case .awaiting(let agent):
            isRemoved = awaiting[agent]?.remove(caller) ?? false
            if awaiting[agent]?.isEmpty ?? false { awaiting[agent] = nil }
        case nil: isRemoved = false
        }
        if isRemoved {
            caller.standing = nil
            count -= 1
        }
        return isRemoved
    }

    func contains(_ caller: WaitingCaller) -> Bool {
        switch caller.standing {
        case .open(let demand): open[demand]?.contains(caller) ?? false
        case .awaiting(let agent): awaiting[agent]?.contains(caller) ?? false
        case nil: false
        }
    }

    /// The first whom this agent may take; as many comparisons as there are demands.
    func first(for member: Membership, callbacks: Bool = true) -> WaitingCaller? {
        guard count > 0 else { return nil }
        var best = awaiting.isEmpty ? nil : awaiting[member.agent.id]?.first
        if !callbacks, best?.isCallback ?? false { best = nil }
        for (demand, line) in open where demand.admits(member) && (callbacks || !demand.isCallback) {
            guard let first = line.first else { continue }
            if best.map({ first.rank < $0.rank }) ?? true { best = first }
        }
        return best
    }

    /// Everybody, in no order.
    var callers: [WaitingCaller] {
        open.values.flatMap { $0.entries.map(\.member) } + awaiting.values.flatMap { $0.entries.map(\.member) }
    }

    var ordered: [WaitingCaller] { callers.sorted { $0.rank < $1.rank } }

    func count(before rank: QueueLine.CallerRank) -> Int {
        open.values.reduce(0) { $0 + $1.count(before: rank) }
            + awaiting.values.reduce(0) { $0 + $1.count(before: rank) }
    }
}

/// Agents of a queue who are free, in order, apart by their skill.
struct FreeLine {
    private struct Level {
        var skill: Int
        var line = IndexedHeap<Membership, QueueLine.AgentRank>()
        /// Of one agent in a weighted draw.
        var weight: Int64 { Int64(max(1, skill)) }
    }

    /// By rising skill.
    private var levels: [Level] = []
    private(set) var count = 0

    var isEmpty: Bool { count == 0 }
    var members: [Membership] { levels.flatMap { $0.line.entries.map(\.member) } }

    mutating func insert(_ member: Membership, _ rank: QueueLine.AgentRank) {
        remove(member)
        let place = levels.firstIndex { $0.skill >= member.skill } ?? levels.count
        if place == levels.count || levels[place].skill != member.skill {
            levels.insert(Level(skill: member.skill), at: place)
        }
        levels[place].line.insert(member, rank)
        member.freeLevel = member.skill
        count += 1
    }

    mutating func remove(_ member: Membership) {
        guard let skill = member.freeLevel, let place = levels.firstIndex(where: { $0.skill == skill }) else { return }
        member.freeLevel = nil
        levels[place].line.remove(member)
        if levels[place].line.isEmpty { levels.remove(at: place) }
        count -= 1
    }

    /// Whoever is asked first for such a caller: as many comparisons as there are skills.
    func first(for demand: Demand) -> Membership? {
        var best: (rank: QueueLine.AgentRank, member: Membership)?
        for level in levels.reversed() {
            guard level.skill >= demand.skill else { break }
            guard let entry = level.line.entries.first, entry.rank.penalty <= demand.penalty else { continue }
            if best.map({ entry.rank < $0.rank }) ?? true { best = (entry.rank, entry.member) }
        }
        return best?.member
    }

    /// Whoever is asked first among those who were not asked before.
    func first(for demand: Demand, besides tried: Set<UserID>) -> Membership? {
        var best: (rank: QueueLine.AgentRank, member: Membership)?
        for level in levels where level.skill >= demand.skill {
            for entry in level.line.entries where demand.admits(entry.member) {
                guard best.map({ entry.rank < $0.rank }) ?? true, !tried.contains(entry.member.agent.id) else {
                    continue
                }
                best = (entry.rank, entry.member)
            }
        }
        return best?.member
    }

    /// Everybody who may take such a caller, in order.
    func all(for demand: Demand) -> [Membership] {
        var found: [(rank: QueueLine.AgentRank, member: Membership)] = []
        for level in levels where level.skill >= demand.skill {
            found += level.line.entries.filter { demand.admits($0.member) }
        }
        return found.sorted { $0.rank < $1.rank }.map(\.member)
    }

    /// One of those with the lowest penalty, by lot; `below` draws a number from 0 up to what it is given.
    func drawn(
        for demand: Demand,
        besides tried: Set<UserID>,
        isWeighted: Bool,
        below: (Int64) -> Int64
    ) -> Membership? {
        guard let lowest = first(for: demand)?.penalty else { return nil }
        let fitting = levels.filter { $0.skill >= demand.skill }
        let weight = { (level: Level) in isWeighted ? level.weight : 1 }
        let total = fitting.reduce(0) { $0 + weight($1) * Int64($1.line.count) }
        // Mostly the first draw fits; each is as likely as his weight among those who fit, for the others are drawn again.
        for _ in 0..<(tried.isEmpty ? 16 : 0) {
            var ticket = below(total)
            for level in fitting {
                let share = weight(level) * Int64(level.line.count)
                guard ticket >= share else {
                    let member = level.line.entries[Int(ticket / weight(level))].member
                    if member.penalty == lowest { return member }
                    break
                }
                ticket -= share
            }
        }
        let untried = all(for: demand).filter { !tried.contains($0.agent.id) }
        let candidates = untried.isEmpty ? all(for: demand) : untried
        let few = candidates.filter { $0.penalty == candidates.first?.penalty }
        let weights = few.map { isWeighted ? Int64(max(1, $0.skill)) : 1 }
        var ticket = below(weights.reduce(0, +))
        for (member, weight) in zip(few, weights) {
            ticket -= weight
            if ticket < 0 { return member }
        }
        return few.last
    }
}

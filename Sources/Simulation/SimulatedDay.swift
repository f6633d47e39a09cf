import ACD
import Accounting
public import Config
import Engine
public import Events
import NetAddress
import SIP
import SIPMessage
public import Timebase

/// A day of a contact centre on the whole engine, in virtual time: callers of a carrier in menus and queues, agents who answer,
/// miss, refuse, hold, hand on, pause and leave, phones that are lost, reloads and restarts. Everything follows from the seed.
public final class SimulatedDay {
    /// What the day was like, and what was wrong with it.
    public struct Result: Sendable {
        public var seed: UInt64
        public var kind = Kind.usual
        public var calls = 0
        public var waits: [QueueOutcome: Int] = [:]
        public var transfers = (begun: 0, done: 0)
        public var missedOffers = 0
        public var holds = 0
        public var reloads = 0
        public var restarts = 0
        public var registrationsLost = 0
        /// Everybody who waited, and what some of them were told when they came.
        public var forecasts: [ForetoldWait] = []
        /// Stays in queues, as the records have them.
        public var stays = 0
        /// Of them: answered within 20 seconds.
        public var soon = 0
        public var callbacks: [CallbackState: Int] = [:]
        public var queues: [String: QueueSum] = [:]
        /// Milliseconds in each state, by agent, from his first log-in to `end`.
        public var states: [String: [AgentState: Int64]] = [:]
        public var end = WallTime(milliseconds: 0)
        /// Broken invariants, in words; a day is good when there is none.
        public var faults: [String] = []

        public init(seed: UInt64, faults: [String] = []) {
            (self.seed, self.faults, kind) = (seed, faults, Kind(seed: seed))
        }

        public var summary: String {
            let waits = waits.map { "\($0.value) \($0.key.rawValue)" }.sorted().joined(separator: ", ")
            let callbacks = callbacks.map { "\($0.value) \($0.key.rawValue)" }.sorted().joined(separator: ", ")
            return "seed \(seed), \(kind.rawValue): \(calls) calls, \(stays) stays in queues (\(waits); "
                + "\(soon * 100 / max(1, stays)) % within 20 s), callbacks: \(callbacks), \(missedOffers) offers missed, "
                + "\(transfers.begun) transfers of which \(transfers.done) done, \(holds) holds, "
                + "\(registrationsLost) registrations lost, \(reloads) reloads, \(restarts) restarts"
        }
    }

    /// How much there is to do.
    public enum Kind: String, Sendable, CaseIterable {
        /// Agents are at work, and most callers are answered soon.
        case usual
        /// Too many callers for the agents, half of whom are away: most give up, overflow, or ask to be called back.
        case overloaded

        init(seed: UInt64) { self = seed % 4 == 2 ? .overloaded : .usual }

        /// Milliseconds to the next caller, at most, in a rush and in a lull.
        var mostBetweenCalls: (rush: Int64, lull: Int64) {
            switch self {
            case .usual: (9_000, 14_000)
            case .overloaded: (4_000, 9_000)
            }
        }
    }

    private enum Happening: Hashable, Sendable { case arrival, doing(Int), ownCall(Int), loss(Int), reload, restart }

    private struct Forecast {
        var queue: String
        var at: Instant
        var expected: Duration
        var longest: Duration?
    }

    private let seed: UInt64
    private let kind: Kind
    private let agents: Int
    private let restarts: Bool
    private var unborn: Int
    private var random: SeededGenerator
    private var centre: DayConfiguration
    private let plant: SimulatedSwitch
    private let books = DayBooks()
    private let isPerfect: Bool
    private var happenings = TimerQueue<Happening>()
    private var forecasts: [String: [Forecast]] = [:]
    private var result: Result

    /// `observers` hear every event. nil when the configuration does not read, which a test finds out.
    public init?(
        seed: UInt64,
        agents: Int = 50,
        calls: Int = 5_000,
        conditions: NetworkConditions = .perfect,
        restarts: Bool = true,
        observers: [any EventSubscriber] = []
    ) {
        (self.seed, self.agents, self.restarts, unborn) = (seed, agents, restarts, calls)
        kind = Kind(seed: seed)
        random = SeededGenerator(seed: seed)
        centre = DayConfiguration(agents: agents, random: &random)
        guard let configuration = centre.read() else { return nil }
        isPerfect = conditions.loss == 0
        result = Result(seed: seed)
        var phones: [SimulatedPhone] = []
        for (index, number) in centre.agents.enumerated() {
            phones.append(
                SimulatedPhone(
                    number: "\(number)",
                    address: SocketAddress(.v4(0x0A00_0064 + UInt32(index)), 5060),
                    transport: index % 10 == 9 ? .tcp : .udp,
                    temper: .atWork(colleagues: centre.agents),
                    seed: random.next()
                )
            )
        }
        let carrier = SocketAddress(.v4(0x0A00_0163), 5060)
        phones.append(
            SimulatedPhone(number: "carrier", address: carrier, isCarrier: true, temper: .public, seed: random.next())
        )
        plant = SimulatedSwitch(
            configuration,
            phones: phones,
            conditions: conditions,
            observers: [books] + observers,
            seed: random.next()
        )
    }

    /// The tenant as it is configured now.
    public var tenant: Tenant? { plant.configuration.tenants.values.first }

    /// Lets the day pass, and looks what is left.
    public func run() -> Result {
        for index in 0..<agents {
            plant.turn(index) { $0.register(at: $1) }
            happenings.start(.doing(index), at: later(60...3_600))
            happenings.start(.ownCall(index), at: later(30...3_600))
        }
        plant.advance(by: .seconds(5))
        for number in centre.agents { plant.perform(.logIn(device: nil), "\(number)") }
        happenings.start(.arrival, at: plant.now.instant)
        happenings.start(.loss(Int.random(in: 0..<agents, using: &random)), at: later(10...200))
        happenings.start(.reload, at: later(30...300))
        if restarts {
            happenings.start(.restart, at: plant.now.instant + .seconds(unborn) * Int.random(in: 1...2, using: &random))
        }
        while unborn > 0, plant.faults.isEmpty, let next = happenings.nextDeadline {
            plant.advance(to: next)
            while let happening = happenings.popDue(now: plant.now.instant) { happen(happening) }
        }
        // The longest waiting, ringing and talking of any call.
        plant.advance(by: .seconds(1_200))
        // Nobody may be at work for those who are to be called back.
        for id in plant.tally.openCallbacks.map(\.id) {
            _ = plant.turn { try? $0.cancelCallback(id, tenant: nil, at: $1) }
        }
        for index in plant.phones.indices { plant.turn(index) { $0.leaveEverything(at: $1) } }
        plant.advance(by: .seconds(300))
        return judge()
    }

    private func happen(_ happening: Happening) {
        switch happening {
        case .arrival: arrive()
        case .doing(let index):
            plant.perform(doing(), plant.phones[index].number)
            happenings.start(happening, at: later(30...1_800))
        case .ownCall(let index):
            plant.turn(index) { $0.dial(at: $1) }
            happenings.start(happening, at: later(120...3_600))
        case .loss(let index):
            plant.lose(index)
            result.registrationsLost += 1
            happenings.start(.loss(Int.random(in: 0..<agents, using: &random)), at: later(10...600))
        case .reload:
            centre.change(&random)
            // What the day's rules are made of always reads; the first of them was looked at.
            if let configuration = centre.read() { plant.apply(configuration) }
            result.reloads += 1
            happenings.start(.reload, at: later(60...2_400))
        case .restart:
            books.restart(at: plant.now)
            plant.restart()
            result.restarts += 1
            happenings.start(.restart, at: later(1_200...9_000))
        }
    }

    /// A caller of the carrier; some numbers are known from earlier.
    private func arrive() {
        unborn -= 1
        let caller = "+7916\(Int.random(in: 1_000_000..<1_002_000, using: &random))"
        let queue = Int.random(in: DayConfiguration.queues.indices, using: &random)
        let isDirect = chance(80)
        let name = DayConfiguration.queues[queue]
        if isDirect, let view = plant.engine.queueViews(at: plant.now).first(where: { $0.id.name == name }) {
            if let wait = view.expectedWait {
                let longest = tenant?.queues[name]?.maxWait
                forecasts[caller, default: []].append(
                    Forecast(queue: name, at: plant.now.instant, expected: wait, longest: longest)
                )
            }
        }
        let number = isDirect ? DayConfiguration.number(of: queue) : DayConfiguration.menuNumber
        plant.turn(agents) { $0.dial(number, as: caller, at: $1) }
        // Rushes and lulls by the quarter of an hour.
        let isRush = plant.now.instant.nanoseconds / 900_000_000_000 % 3 == 0
        let most = isRush ? kind.mostBetweenCalls.rush : kind.mostBetweenCalls.lull
        happenings.start(.arrival, at: plant.now.instant + .milliseconds(Int64.random(in: 0...most, using: &random)))
    }

    /// What an agent, or his supervisor, thinks of doing next; mostly that he is at work.
    private func doing() -> Dispatcher.AgentCommand {
        // A day with too much to do is one on which agents keep away, too.
        if kind == .usual, !chance(40) {
            return [.unpause, .logIn(device: nil), .unblock].randomElement(using: &random) ?? .unpause
        }
        return switch Int.random(in: 0..<20, using: &random) {
        case 0..<3: .pause(reason: "tea")
        case 3: .pauseIn(queue: DayConfiguration.queues.randomElement(using: &random) ?? "", reason: "training")
        case 4: .logOut
        case 5: .endWrapUp
        case 6: .extendWrapUp(.seconds(20))
        case 7: .block
        case 8..<10: .unblock
        case 10..<15: .unpause
        default: .logIn(device: nil)
        }
    }

    private func judge() -> Result {
        result.calls = plant.tally.started
        result.waits = plant.tally.waits
        result.transfers = plant.tally.transfers
        result.callbacks = plant.tally.callbacks
        result.missedOffers = plant.tally.missedOffers
        result.holds = plant.tally.holds
        result.faults = plant.remainders() + books.close(at: plant.now)
        let stays = books.stays
        result.stays = stays.count
        result.soon = stays.count { $0.outcome == .answered && ($0.waitMilliseconds ?? .max) <= 20_000 }
        (result.queues, result.states, result.end) = (books.sums, books.states, plant.now.wall)
        if isPerfect {
            result.faults += PhonesView(plant.phones.prefix(agents), books).differences(from: stays)
        }
        result.forecasts = stays.compactMap(foretold)
        return result
    }

    private func foretold(_ stay: QueueStay) -> ForetoldWait? {
        guard let wait = stay.waitMilliseconds else { return nil }
        let entered = Instant(nanoseconds: stay.enteredMilliseconds * 1_000_000)
        let told = forecasts[stay.number]?.first {
            $0.queue == stay.queue && abs(stay.enteredMilliseconds - SimulatedSwitch.milliseconds($0.at)) < 100
        }
        return ForetoldWait(
            queue: stay.queue,
            entered: entered,
            left: entered + .milliseconds(wait),
            carried: .milliseconds(stay.carriedMilliseconds),
            isAnswered: stay.outcome == .answered || stay.outcome == .calledBack,
            longest: stay.outcome == .timeout ? .milliseconds(wait) : told?.longest,
            expected: told.flatMap { $0.expected > .zero ? $0.expected : nil }
        )
    }

    private func chance(_ percent: Int) -> Bool { Int.random(in: 0..<100, using: &random) < percent }

    private func later(_ seconds: ClosedRange<Int64>) -> Instant {
        let range = (seconds.lowerBound * 1000)...(seconds.upperBound * 1000)
        return plant.now.instant + .milliseconds(Int64.random(in: range, using: &random))
    }
}

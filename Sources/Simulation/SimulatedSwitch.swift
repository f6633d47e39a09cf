import ACD
import Calls
import Config
import Engine
import Events
import Media
import NetAddress
import SIP
import SIPMessage
import Timebase

/// The whole engine under a virtual clock, and the phones at the other ends of a network that may lose, repeat and reorder.
///
/// Whatever changes is looked at: as soon as an event tells of more than a message, every invariant is checked.
final class SimulatedSwitch {
    private static let start = Moment(
        instant: Instant(nanoseconds: 0),
        wall: WallTime(milliseconds: 1_767_225_600_000)
    )
    static let address = SocketAddress(.v4(0x0A00_0001), 5060)

    private(set) var media = SimulatedMedia(address: .v4(0x0A00_0001))
    private(set) var engine: Engine
    private(set) var configuration: Configuration
    let tally = CallTally()
    let phones: [SimulatedPhone]
    /// What went over the wire either way, repetitions included: by method, `answers`, `early media` (183), and `tcp`.
    private(set) var messages: [String: Int] = [:]
    /// The first invariants that did not hold, in words.
    private(set) var faults: [String] = []
    private(set) var now: Moment
    private let world = SimulatedWorld()
    private let bus = EventBus(node: "simulation")
    private var random: SeededGenerator
    private var network: LossyNetwork
    private var places: [SocketAddress: Int] = [:]
    /// When each phone wants to be called next.
    private var deadlines: [Instant?]
    /// Phones that may have something to send.
    private var active: Set<Int> = []
    /// What is being said, until its end.
    private var sayings = TimerQueue<UInt64>()
    private var endings: [UInt64: MediaEvent] = [:]
    private var sayingCount: UInt64 = 0

    init(
        _ configuration: Configuration,
        phones: [SimulatedPhone],
        conditions: NetworkConditions,
        observers: [any EventSubscriber] = [],
        seed: UInt64
    ) {
        (self.configuration, self.phones) = (configuration, phones)
        now = Self.start
        random = SeededGenerator(seed: seed)
        network = LossyNetwork(conditions, seed: random.next())
        deadlines = Array(repeating: nil, count: phones.count)
        bus.subscribe(tally)
        for observer in observers { bus.subscribe(observer) }
        engine = Self.engine(configuration, world, media, bus, seed: random.next(), now: now)
        for (index, phone) in phones.enumerated() { places[phone.address] = index }
    }

    private static func engine(
        _ configuration: Configuration,
        _ world: SimulatedWorld,
        _ media: SimulatedMedia,
        _ bus: EventBus,
        seed: UInt64,
        now: Moment
    ) -> Engine {
        let engine = Engine(
            configuration: configuration,
            secret: Array("simulation".utf8),
            media: media,
            outlet: world,
            bus: bus,
            generator: SharedGenerator(seed: seed),
            now: now
        )
        engine.listeners = [Transport.udp, .tcp].map { Listener(transport: $0, address: address) }
        return engine
    }

    // MARK: what happens to the switch

    /// Does something with the engine, and hands on what comes of it.
    func turn<T>(_ body: (Engine, Moment) throws -> T) rethrows -> T {
        defer { settle() }
        return try body(engine, now)
    }

    /// Does something with a phone.
    func turn(_ index: Int, _ body: (SimulatedPhone, Instant) -> Void) {
        body(phones[index], now.instant)
        touch(index)
        settle()
    }

    func apply(_ next: Configuration) {
        configuration = next
        turn { $0.apply(next, changes: [], at: $1) }
    }

    /// The process dies and comes again: what was in memory is gone, and so are its connections; what is on disk is read.
    func restart() {
        media = SimulatedMedia(address: .v4(0x0A00_0001))
        (sayings, endings) = (TimerQueue(), [:])
        _ = world.takeOutput()
        engine = Self.engine(configuration, world, media, bus, seed: random.next(), now: now)
        tally.restart()
        turn { $0.restore(world.registrations.sorted { $0.key < $1.key }.map(\.value), at: $1) }
        turn { $0.restore(world.memories, at: $1) }
        turn { $0.restore(world.paces, at: $1) }
        for tenant in configuration.tenants.keys { turn { $0.restore(tally.openCallbacks, of: tenant, at: $1) } }
        for (index, phone) in phones.enumerated() where phone.transport == .tcp {
            turn(index) { $0.comeBack(at: $1) }
        }
    }

    /// A phone takes its registration back, or its connection breaks; it comes back by itself.
    func lose(_ index: Int) {
        let phone = phones[index]
        if phone.transport == .tcp {
            let flow = Flow(transport: .tcp, local: Self.address, remote: phone.address)
            turn { $0.connectionClosed(flow, at: $1) }
            turn(index) { $0.register(at: $1) }
        } else {
            turn(index) { $0.register(seconds: 0, at: $1) }
        }
    }

    func perform(_ command: Dispatcher.AgentCommand, _ number: String) {
        let supervisor = AuditedAct.Actor(.controlSocket, "supervisor")
        // One who is not logged in is refused: that is right too.
        turn { _ = try? $0.perform(command, agent: number, tenant: nil, by: supervisor, at: $1) }
    }

    /// Hands one datagram of a stranger in, and gives what goes out upon it at once.
    func exchange(_ bytes: [UInt8], from stranger: SocketAddress) -> [[UInt8]] {
        _ = world.takeOutput()
        set(now.instant + .milliseconds(1))
        engine.receive(bytes, over: Flow(transport: .udp, local: Self.address, remote: stranger), at: now)
        return world.takeOutput().map(\.0)
    }

    // MARK: time

    func advance(by duration: Duration) { advance(to: now.instant + duration) }

    func advance(to end: Instant) {
        settle()
        while let next = nextMoment(), next <= end {
            set(max(next, now.instant))
            while let datagram = network.arrived(now: now.instant) { deliver(datagram) }
            if let deadline = engine.nextDeadline(), deadline <= now.instant { engine.fire(at: now) }
            for index in phones.indices where deadlines[index].map({ $0 <= now.instant }) ?? false {
                phones[index].fire(at: now.instant)
                touch(index)
            }
            while let saying = sayings.popDue(now: now.instant) {
                if let event = endings.removeValue(forKey: saying) { media.happen(event) }
            }
            settle()
            check()
        }
        set(end)
    }

    private func check() {
        guard tally.takeNews(), faults.isEmpty else { return }
        faults = engine.watch(at: now).found
    }

    private func set(_ instant: Instant) {
        // From the start: a wall clock in milliseconds that is moved by each step falls behind.
        now = Moment(instant: instant, wall: Self.start.wall.advanced(by: instant - Self.start.instant))
    }

    private func nextMoment() -> Instant? {
        var next = [network.nextArrival, engine.nextDeadline(), sayings.nextDeadline].compactMap { $0 }.min()
        for case let deadline? in deadlines where next.map({ deadline < $0 }) ?? true { next = deadline }
        return next
    }

    private func touch(_ index: Int) {
        active.insert(index)
        deadlines[index] = phones[index].nextDeadline
    }

    private func deliver(_ datagram: LossyNetwork.Datagram) {
        if datagram.to == Self.address {
            let flow = Flow(transport: datagram.transport, local: datagram.to, remote: datagram.from)
            return engine.receive(datagram.bytes, over: flow, at: now)
        }
        guard let index = places[datagram.to] else { return }
        phones[index].receive(datagram.bytes, from: datagram.from, at: now.instant)
        touch(index)
    }

    /// Hands on what everybody sent and what the media plane and the disk said, until nobody has anything more.
    private func settle() {
        var isBusy = true
        while isBusy {
            isBusy = false
            for (bytes, flow) in world.takeOutput() {
                guard isTaken(flow) else {
                    isBusy = true
                    engine.transportFailed(flow, why: "refused", at: now)
                    continue
                }
                send(bytes, over: flow)
            }
            for index in active.sorted() {
                for (bytes, flow) in phones[index].takeOutput() { send(bytes, over: flow) }
            }
            active = []
            for (milliseconds, event) in media.takeSayings() {
                sayingCount += 1
                endings[sayingCount] = event
                sayings.start(sayingCount, at: now.instant + .milliseconds(milliseconds))
            }
            let events = media.takeEvents()
            if !events.isEmpty {
                isBusy = true
                engine.receive(events, at: now)
            }
            let opened = tally.takeOpened()
            if !opened.isEmpty {
                isBusy = true
                engine.recorded(opened, at: now)
            }
        }
    }

    /// Whether somebody listens there: phones of UDP take no TCP.
    private func isTaken(_ flow: Flow) -> Bool {
        guard flow.transport == .tcp, let index = places[flow.remote] else { return true }
        return phones[index].transport == .tcp
    }

    private func send(_ bytes: [UInt8], over flow: Flow) {
        count(bytes, over: flow)
        let datagram = LossyNetwork.Datagram(
            transport: flow.transport,
            from: flow.local,
            to: flow.remote,
            bytes: bytes
        )
        network.send(datagram, now: now.instant)
    }

    private func count(_ bytes: [UInt8], over flow: Flow) {
        let words = String(decoding: bytes.prefix(16), as: UTF8.self).split(separator: " ", maxSplits: 2)
        guard let first = words.first else { return }
        let isEarly = first == "SIP/2.0" && words.dropFirst().first == "183"
        messages[isEarly ? "early media" : first == "SIP/2.0" ? "answers" : String(first), default: 0] += 1
        if flow.transport == .tcp { messages["tcp", default: 0] += 1 }
    }

    /// What the wall clock showed, in milliseconds since 1970.
    static func milliseconds(_ instant: Instant) -> Int64 {
        start.wall.advanced(by: instant - start.instant).milliseconds
    }

    // MARK: the end

    /// What does not hold when all is over: everything that began has ended, once, and nothing is left.
    func remainders() -> [String] {
        var found = tally.faults + faults + media.faults
        for (table, count) in engine.residue.sorted(by: { $0.key < $1.key }) where count > 0 {
            found.append("\(count) left in \(table)")
        }
        if !media.mixes.isEmpty { found.append("\(media.mixes.count) ports left in mixes") }
        if !media.open.isEmpty { found.append("\(media.open.count) ports left open") }
        if tally.started != tally.closed + tally.cut {
            found.append("\(tally.started) calls began, \(tally.closed) records were closed, \(tally.cut) cut off")
        }
        for callback in tally.openCallbacks { found.append("callback \(callback.id) is \(callback.state) for ever") }
        if tally.unclosed > 0 { found.append("\(tally.unclosed) calls never ended") }
        for phone in phones where phone.residue > 0 {
            found.append("phone \(phone.number) has \(phone.residue) things left")
        }
        return found
    }
}

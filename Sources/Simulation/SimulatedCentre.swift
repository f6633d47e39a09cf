import ACD
import Accounting
import Calls
import Config
import DialPlan
import Engine
public import Events
import Media
import NetAddress
import SDP
import SIP
import SIPMessage
import SoftPhone
import Timebase

/// A small contact centre under a virtual clock: the whole engine, some phones and a carrier, and a network between them that may
/// lose, repeat and reorder. Everything follows from the seed.
public final class SimulatedCentre {
    /// What a run was like, and what was wrong with it.
    public struct Result: Sendable {
        public var seed: UInt64
        public var calls = 0
        public var answered = 0
        /// Supervisors who were let into talks, or whose phones rang for that.
        public var supervisions = 0
        /// Parties that were handed on, and how many of them somebody took.
        public var transfers = (begun: 0, done: 0)
        /// Callers whose wait in a queue ended so.
        public var waits: [QueueOutcome: Int] = [:]
        /// What went over the wire either way, repetitions included: by method, `answers`, `early media` (183), and `tcp`.
        public var messages: [String: Int] = [:]
        /// Broken invariants, in words; a run is good when there is none.
        public var faults: [String] = []

        public init(seed: UInt64, calls: Int = 0, answered: Int = 0, faults: [String] = []) {
            (self.seed, self.calls, self.answered, self.faults) = (seed, calls, answered, faults)
        }
    }

    private let seed: UInt64
    private var random: SeededGenerator
    private var network: LossyNetwork
    private let media = SimulatedMedia(address: .v4(0x0A00_0001))
    private let engine: Engine
    private let world: World
    private let tally = Tally()
    private var phones: [SimulatedPhone] = []
    /// What is being said, until its end.
    private var sayings = TimerQueue<UInt64>()
    private var endings: [UInt64: MediaEvent] = [:]
    private var sayingCount: UInt64 = 0
    private var broken: [String] = []
    private var messages: [String: Int] = [:]
    private var supervisions = 0
    private var now = Moment(instant: Instant(nanoseconds: 0), wall: WallTime(milliseconds: 1_767_225_600_000))

    static let switchAddress = SocketAddress(.v4(0x0A00_0001), 5060)
    private static let carrierAddress = SocketAddress(.v4(0x0A00_0063), 5060)

    /// Read once: the configuration of every run.
    private static let configuration: Configuration? = {
        let users = (1001...1004).map {
            "  - {extension: \"\($0)\", password: p\($0)\($0 == 1004 ? ", role: supervisor" : "")}"
        }.joined(separator: "\n")
        return Configuration.read(
            node: ConfigurationText(
                name: "node",
                text: """
                    node: simulation
                    sip: {listen: ["udp://10.0.0.1:5060", "tcp://10.0.0.1:5060"]}
                    calls: {session_expires: 90s}
                    media: {address: 10.0.0.1, ports: 20000-29999}
                    """
            ),
            tenants: [
                ConfigurationText(
                    name: "tenant",
                    text: """
                        tenant: demo
                        domains: [demo.test]
                        users:
                        \(users)
                        trunks:
                          - {name: carrier, host: 10.0.0.99, accept_from: [10.0.0.99], dialplan: incoming, probe: false}
                        dialplans: {internal: internal.yaml, incoming: incoming.yaml}
                        queues:
                          - name: sales
                            strategy: longest-idle
                            ring_timeout: 8s
                            wrap_up: 3s
                            max_wait: 12s
                            announce_position: every 10s
                            messages: [{prompt: please-hold, every: 600s}]
                            whisper: incoming-call-from-queue
                            record: true
                            agents: [{user: "1001"}, {user: "1002"}]
                            on_timeout: {dialplan: incoming, flow: nobody}
                          - name: support
                            strategy: ring-all
                            ring_timeout: 8s
                            agents: [{user: "1002"}, {user: "1003", penalty: 1}, {user: "1004"}]
                        """
                )
            ],
            dialPlans: [
                ConfigurationText(
                    name: "internal.yaml",
                    text: """
                        routes:
                          - {match: "600", do: [answer, echo]}
                          - {match: "700", do: [{queue: support}]}
                          - {match: "*45", do: [{agent: toggle-login}]}
                          - {match: "*5.", do: [{supervise: {mode: whisper, agent: "{called:2}"}}]}
                          - {match: "1xxx", do: [{dial: {user: "{called}", timeout: 20s}}]}
                          - {match: "+.", do: [{dial: {trunk: carrier, number: "{called}", timeout: 20s}}]}
                        """
                ),
                ConfigurationText(
                    name: "incoming.yaml",
                    text: """
                        routes:
                          - match: "+74950000700"
                            do:
                              - menu:
                                  prompt: main-menu
                                  timeout: 3s
                                  attempts: 1
                                  keys: {"5": [{queue: support}]}
                                  otherwise: [{queue: sales}]
                          - match: "."
                            do: [{dial: {user: "1001", timeout: 10s}}, {dial: {user: "1002", timeout: 10s}}]
                        flows:
                          nobody: [{play: nobody-available}, {hangup: normal}]
                        """
                ),
            ]
        ).configuration
    }()

    /// nil when the built-in configuration does not read, which a test finds out.
    public init?(seed: UInt64, conditions: NetworkConditions) {
        guard let configuration = Self.configuration else { return nil }
        self.seed = seed
        random = SeededGenerator(seed: seed)
        network = LossyNetwork(conditions, seed: seed &+ 1)
        world = World()
        let bus = EventBus(node: "simulation")
        bus.subscribe(tally)
        engine = Engine(
            configuration: configuration,
            secret: Array("simulation".utf8),
            media: media,
            outlet: world,
            bus: bus,
            generator: SeededGenerator(seed: seed &+ 2),
            now: now
        )
        engine.listeners = [Transport.udp, .tcp].map { Listener(transport: $0, address: Self.switchAddress) }
        for number in 1001...1004 {
            let address = SocketAddress(.v4(0x0A00_0000 | UInt32(number - 1000 + 10)), 5060)
            phones.append(
                SimulatedPhone(
                    number: "\(number)",
                    address: address,
                    transport: number == 1003 ? .tcp : .udp,
                    isCarrier: false,
                    seed: random.next()
                )
            )
        }
        phones.append(
            SimulatedPhone(number: "carrier", address: Self.carrierAddress, isCarrier: true, seed: random.next())
        )
    }

    /// Lets everybody register, places `calls` calls at odd moments, waits until all is over, and looks what is left.
    public func run(calls: Int) -> Result {
        for phone in phones where !phone.isCarrier { phone.register(at: now.instant) }
        advance(by: .seconds(5))
        for number in ["1001", "1002", "1003"] { change(.logIn(device: nil), number) }
        for _ in 0..<calls {
            if Int.random(in: 0..<4, using: &random) == 0 { changeSomebody() }
            if Int.random(in: 0..<4, using: &random) == 0 { loseSomebody() }
            let caller = Int.random(in: phones.indices, using: &random)
            phones[caller].dial(at: now.instant)
            advance(by: .milliseconds(Int64.random(in: 0...8_000, using: &random)))
        }
        for _ in 0..<8 {
            advance(by: .milliseconds(Int64.random(in: 0...5_000, using: &random)))
            if Int.random(in: 0..<3, using: &random) == 0 { superviseSomebody() }
        }
        // The longest ringing, talking and giving up of any call.
        advance(by: .seconds(300))
        for phone in phones { phone.leaveEverything(at: now.instant) }
        advance(by: .seconds(200))
        return judge()
    }

    /// A supervisor who wants to hear whatever talk there is, and may change his mind about how far he is in it.
    private func superviseSomebody() {
        let talks = engine.liveCalls.filter { $0.state == .talking || $0.state == .held }
        guard let talk = talks.randomElement(using: &random),
            let mode = SupervisionMode.allCases.randomElement(using: &random)
        else { return }
        let supervisor = AuditedAct.Actor(.controlSocket, "supervisor")
        let request = SupervisionRequest(mode: mode, subject: .call(talk.id))
        // Refused where he talks himself, or the codec is not understood: that is right too.
        let made = try? engine.supervise(request, by: "1004", tenant: nil, actor: supervisor, at: now)
        if made != nil { supervisions += 1 }
        settle()
    }

    /// A supervisor's hand in the middle of whatever goes on.
    private func changeSomebody() {
        let commands: [Dispatcher.AgentCommand] = [
            .logIn(device: nil), .logOut, .pause(reason: "break"), .unpause, .endWrapUp, .extendWrapUp(.seconds(5)),
        ]
        guard let command = commands.randomElement(using: &random) else { return }
        change(command, "\(Int.random(in: 1001...1004, using: &random))")
    }

    /// A phone takes its registration back, or its connection breaks; it comes back by itself.
    private func loseSomebody() {
        let phones = phones.filter { !$0.isCarrier }
        guard let phone = phones.randomElement(using: &random) else { return }
        if phone.transport == .tcp {
            engine.connectionClosed(flow(to: phone), at: now)
            phone.register(at: now.instant)
        } else {
            phone.register(seconds: 0, at: now.instant)
        }
        settle()
    }

    private func flow(to phone: SimulatedPhone) -> Flow {
        Flow(transport: phone.transport, local: Self.switchAddress, remote: phone.address)
    }

    private func change(_ command: Dispatcher.AgentCommand, _ number: String) {
        // One who is not logged in is refused: that is right too.
        let supervisor = AuditedAct.Actor(.controlSocket, "supervisor")
        _ = try? engine.perform(command, agent: number, tenant: nil, by: supervisor, at: now)
        settle()
    }

    /// Hands one datagram of a stranger in, and gives what goes out upon it at once.
    public func exchange(_ bytes: [UInt8]) -> [[UInt8]] {
        _ = world.takeOutput()
        let stranger = SocketAddress(.v4(0x0A00_00C8), 5060)
        let flow = Flow(transport: .udp, local: Self.switchAddress, remote: stranger)
        set(now.instant + .milliseconds(1))
        engine.receive(bytes, over: flow, at: now)
        return world.takeOutput().map(\.0)
    }

    // MARK: time

    private func advance(by duration: Duration) {
        let end = now.instant + duration
        settle()
        while let next = nextMoment(), next <= end {
            set(max(next, now.instant))
            while let datagram = network.arrived(now: now.instant) { deliver(datagram) }
            if let deadline = engine.nextDeadline(), deadline <= now.instant { engine.fire(at: now) }
            for phone in phones { phone.fire(at: now.instant) }
            while let saying = sayings.popDue(now: now.instant) {
                if let event = endings.removeValue(forKey: saying) { media.happen(event) }
            }
            settle()
            if broken.isEmpty { broken = engine.watch(at: now).found }
        }
        set(end)
    }

    private func set(_ instant: Instant) {
        let passed = instant - now.instant
        now = Moment(instant: instant, wall: now.wall.advanced(by: passed))
    }

    private func nextMoment() -> Instant? {
        var moments = [network.nextArrival, engine.nextDeadline(), sayings.nextDeadline]
        for phone in phones { moments.append(phone.nextDeadline) }
        return moments.compactMap { $0 }.min()
    }

    private func deliver(_ datagram: LossyNetwork.Datagram) {
        if datagram.to == Self.switchAddress {
            let flow = Flow(transport: datagram.transport, local: datagram.to, remote: datagram.from)
            return engine.receive(datagram.bytes, over: flow, at: now)
        }
        phones.first { $0.address == datagram.to }?.receive(datagram.bytes, from: datagram.from, at: now.instant)
    }

    /// Hands on what everybody sent and what the media plane and the disk said, until nobody has anything more.
    private func settle() {
        var isBusy = true
        while isBusy {
            isBusy = false
            for (bytes, flow) in world.takeOutput() {
                send(bytes, over: flow)
            }
            for phone in phones {
                for (bytes, flow) in phone.takeOutput() {
                    send(bytes, over: flow)
                }
            }
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

    // MARK: invariants

    private func judge() -> Result {
        var result = Result(seed: seed, calls: tally.started, answered: tally.answered)
        result.faults = tally.faults + broken
        result.waits = tally.waits
        result.messages = messages
        for (table, count) in engine.residue.sorted(by: { $0.key < $1.key }) where count > 0 {
            result.faults.append("\(count) left in \(table)")
        }
        result.supervisions = supervisions
        result.transfers = tally.transfers
        result.faults += media.faults
        if !media.mixes.isEmpty { result.faults.append("\(media.mixes.count) ports left in mixes") }
        if !media.open.isEmpty { result.faults.append("\(media.open.count) ports left open") }
        if tally.started != tally.closed {
            result.faults.append("\(tally.started) calls began and \(tally.closed) records were closed")
        }
        if tally.unclosed > 0 { result.faults.append("\(tally.unclosed) calls never ended") }
        for phone in phones where phone.residue > 0 {
            result.faults.append("phone \(phone.number) has \(phone.residue) things left")
        }
        return result
    }
}

/// What the engine asks of the world in a simulation.
private final class World: EngineOutlet {
    private var output: [([UInt8], Flow)] = []

    func takeOutput() -> [([UInt8], Flow)] {
        defer { output = [] }
        return output
    }

    func transmit(_ bytes: [UInt8], over flow: Flow) { output.append((bytes, flow)) }
    func resolve(host: String) {}
    func store(_ change: RegistrationChange) {}
    func prompt(_ name: String, language: String) -> PromptClip? { Self.second }
    func localTime(in zone: String, at moment: WallTime) -> LocalTime {
        LocalTime(localSeconds: moment.milliseconds / 1000)
    }
    func ask(_ url: String, timeout: Duration, for call: CallID) {}
    func record(_ order: RecordingOrder) {}
    func remember(_ agent: UserID, _ memory: Dispatcher.AgentMemory) {}
    func log(_ level: LogLevel, _ text: String, call: CallID?) {}

    /// Every prompt lasts a second.
    private static let second = PromptClip(
        alaw: Array(repeating: 0xD5, count: 8_000),
        µlaw: Array(repeating: 0xFF, count: 8_000)
    )
}

/// Counts calls and legs, and notes what must not be.
private final class Tally: EventSubscriber {
    private var assembler = CallRecordAssembler()
    private var legs: [CallID: Set<Int>] = [:]
    private var ended: Set<CallID> = []
    private var opened: [CallID] = []
    private(set) var started = 0
    private(set) var answered = 0
    private(set) var waits: [QueueOutcome: Int] = [:]
    private(set) var closed = 0
    private(set) var transfers = (begun: 0, done: 0)
    private(set) var faults: [String] = []

    var unclosed: Int { assembler.count }

    func takeOpened() -> [CallID] {
        defer { opened = [] }
        return opened
    }

    func receive(_ envelope: EventEnvelope) {
        guard let call = envelope.call else { return }
        // A BYE may still be repeated when its call's record is closed; nothing else happens by then.
        if case .sip = envelope.event { return }
        // A recording is final after its call, and a state of an agent is his own.
        switch envelope.event {
        case .recordingEnded, .agentChanged: return
        default: break
        }
        if ended.contains(call) { faults.append("\(envelope.event) after the call's end") }
        switch envelope.event {
        case .callStarted:
            started += 1
            legs[call] = [0]
        case .transferStarted: transfers.begun += 1
        case .transferEnded(let end): if end.isDone { transfers.done += 1 }
        case .queueLeft(let left): waits[left.outcome, default: 0] += 1
        case .legStarted(let leg): legs[call, default: []].insert(leg.leg)
        case .legEnded(let end):
            if legs[call]?.remove(end.leg) == nil { faults.append("leg \(end.leg) ended twice") }
        case .callEnded:
            ended.insert(call)
            if let left = legs.removeValue(forKey: call), !left.isEmpty {
                faults.append("legs \(left.sorted()) outlived their call")
            }
        default: break
        }
        switch assembler.apply(envelope) {
        case .opened: opened.append(call)
        case .closed(let record):
            closed += 1
            if record.answeredAt != nil { answered += 1 }
            if record.disposition == nil { faults.append("a record without disposition") }
        case .answered, .changed, nil: break
        }
    }
}

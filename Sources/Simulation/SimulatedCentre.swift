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
        /// What phones that watch colleagues were told, and how often that was a call.
        public var lamps = (told: 0, lit: 0)
        /// Codes that led into another call, which rang or was parked.
        public var pickUps = 0
        /// Callers who asked to be called back, by what came of it.
        public var callbacks: [CallbackState: Int] = [:]
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
    private let plant: SimulatedSwitch
    private var supervisions = 0

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
                            callback: {attempts: 2, retry_after: 10s}
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
                          - {match: "*81xxx", do: [{pickup: {user: "{called:2}"}}]}
                          - {match: "*8", do: [{pickup: {group: ["1001", "1002", "1003", "1004"]}}]}
                          - {match: "*7x", do: [{park: {slot: "{called:2}", timeout: 5s}}]}
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
                          nobody: [{callback: {queue: sales, number: "+74951112233"}}, {play: nobody-available}, {hangup: normal}]
                        """
                ),
            ]
        ).configuration
    }()

    /// Phones, by their place, and whom they watch.
    private static let watches = [(0, "1002"), (1, "1003"), (3, "1001")]

    /// nil when the built-in configuration does not read, which a test finds out.
    public init?(seed: UInt64, conditions: NetworkConditions) {
        guard let configuration = Self.configuration else { return nil }
        self.seed = seed
        random = SeededGenerator(seed: seed)
        var phones: [SimulatedPhone] = []
        for number in 1001...1004 {
            let address = SocketAddress(.v4(0x0A00_0000 | UInt32(number - 1000 + 10)), 5060)
            phones.append(
                SimulatedPhone(
                    number: "\(number)",
                    address: address,
                    transport: number == 1003 ? .tcp : .udp,
                    temper: .restless,
                    seed: random.next()
                )
            )
        }
        let carrier = SocketAddress(.v4(0x0A00_0063), 5060)
        phones.append(
            SimulatedPhone(number: "carrier", address: carrier, isCarrier: true, temper: .restless, seed: random.next())
        )
        plant = SimulatedSwitch(configuration, phones: phones, conditions: conditions, seed: random.next())
    }

    /// Lets everybody register, places `calls` calls at odd moments, waits until all is over, and looks what is left.
    public func run(calls: Int) -> Result {
        for (index, phone) in plant.phones.enumerated() where !phone.isCarrier {
            plant.turn(index) { $0.register(at: $1) }
        }
        plant.advance(by: .seconds(5))
        for (index, number) in Self.watches { plant.turn(index) { $0.watch(number, at: $1) } }
        for number in ["1001", "1002", "1003"] { plant.perform(.logIn(device: nil), number) }
        for _ in 0..<calls {
            if Int.random(in: 0..<4, using: &random) == 0 { changeSomebody() }
            if Int.random(in: 0..<4, using: &random) == 0 { plant.lose(Int.random(in: 0..<4, using: &random)) }
            plant.turn(Int.random(in: plant.phones.indices, using: &random)) { $0.dial(at: $1) }
            plant.advance(by: .milliseconds(Int64.random(in: 0...8_000, using: &random)))
        }
        for _ in 0..<8 {
            plant.advance(by: .milliseconds(Int64.random(in: 0...5_000, using: &random)))
            if Int.random(in: 0..<3, using: &random) == 0 { superviseSomebody() }
            if Int.random(in: 0..<3, using: &random) == 0 { pickUpSomething() }
        }
        // The longest ringing, talking and giving up of any call.
        plant.advance(by: .seconds(300))
        // Nobody may be at work for those who are to be called back.
        for id in plant.tally.openCallbacks.map(\.id) {
            _ = plant.turn { try? $0.cancelCallback(id, tenant: nil, at: $1) }
        }
        for index in plant.phones.indices { plant.turn(index) { $0.leaveEverything(at: $1) } }
        plant.advance(by: .seconds(100))
        // The answer to the end of a subscription is what there is then: nothing.
        for (index, number) in Self.watches { plant.turn(index) { $0.watch(number, seconds: 0, at: $1) } }
        plant.advance(by: .seconds(100))
        return judge()
    }

    /// A supervisor who wants to hear whatever talk there is, and may change his mind about how far he is in it.
    private func superviseSomebody() {
        let talks = plant.engine.liveCalls.filter { $0.state == .talking || $0.state == .held }
        guard let talk = talks.randomElement(using: &random),
            let mode = SupervisionMode.allCases.randomElement(using: &random)
        else { return }
        let supervisor = AuditedAct.Actor(.controlSocket, "supervisor")
        let request = SupervisionRequest(mode: mode, subject: .call(talk.id))
        // Refused where he talks himself, or the codec is not understood: that is right too.
        let made = plant.turn { try? $0.supervise(request, by: "1004", tenant: nil, actor: supervisor, at: $1) }
        if made != nil { supervisions += 1 }
    }

    /// Somebody takes who waits in a slot, or else what rings.
    private func pickUpSomething() {
        let live = plant.engine.liveCalls
        let code = live.lazy.compactMap(\.slot).first.map { "*7\($0)" }
        guard code != nil || live.contains(where: { $0.state == .ringing }) else { return }
        plant.turn(Int.random(in: 0..<4, using: &random)) { $0.dial(code ?? "*8", at: $1) }
    }

    /// A supervisor's hand in the middle of whatever goes on.
    private func changeSomebody() {
        let commands: [Dispatcher.AgentCommand] = [
            .logIn(device: nil), .logOut, .pause(reason: "break"), .unpause, .endWrapUp, .extendWrapUp(.seconds(5)),
        ]
        guard let command = commands.randomElement(using: &random) else { return }
        plant.perform(command, "\(Int.random(in: 1001...1004, using: &random))")
    }

    /// Hands one datagram of a stranger in, and gives what goes out upon it at once.
    public func exchange(_ bytes: [UInt8]) -> [[UInt8]] {
        plant.exchange(bytes, from: SocketAddress(.v4(0x0A00_00C8), 5060))
    }

    private func judge() -> Result {
        var result = Result(seed: seed, calls: plant.tally.started, answered: plant.tally.answered)
        result.faults = plant.remainders()
        result.waits = plant.tally.waits
        result.callbacks = plant.tally.callbacks
        result.messages = plant.messages
        for (index, number) in Self.watches {
            let lamp = plant.phones[index].lamp
            if lamp.isLit { result.faults.append("the lamp of \(number) at \(plant.phones[index].number) stays lit") }
            if lamp.told.all == 0 { result.faults.append("nobody told \(plant.phones[index].number) of \(number)") }
            result.lamps.told += lamp.told.all
            result.lamps.lit += lamp.told.lit
        }
        result.supervisions = supervisions
        result.transfers = plant.tally.transfers
        result.pickUps = plant.tally.pickUps
        return result
    }
}

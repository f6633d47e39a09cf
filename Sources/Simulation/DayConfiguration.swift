import Config
import Timebase

/// The contact centre of a simulated day, by its seed: agents 1001 and up in five queues, every queue under rules of its own.
struct DayConfiguration {
    static let queues = ["sales", "support", "billing", "delivery", "claims"]
    let agents: ClosedRange<Int>
    private var rules: [String]
    private var members: [String]

    init(agents count: Int, random: inout SeededGenerator) {
        agents = 1001...(1000 + count)
        rules = Self.queues.map { _ in "" }
        members = rules
        for index in Self.queues.indices {
            rules[index] = Self.rules(of: index, &random)
            members[index] = members(&random)
        }
    }

    /// A supervisor changes a queue's rules, or who serves it.
    mutating func change(_ random: inout SeededGenerator) {
        let index = Int.random(in: Self.queues.indices, using: &random)
        if Bool.random(using: &random) {
            rules[index] = Self.rules(of: index, &random)
        } else {
            members[index] = members(&random)
        }
    }

    /// The number that leads straight into a queue.
    static func number(of queue: Int) -> String { "+7495000070\(queue)" }
    static let menuNumber = "+74950000710"
    /// For so long at most a queue's rules keep any of its agents from a caller: by penalty, or for whom he spoke with last.
    static let mostRestraint: Duration = .seconds(16)

    private func members(_ random: inout SeededGenerator) -> String {
        agents.shuffled(using: &random).prefix(agents.count * 2 / 5).map {
            "{user: \"\($0)\", penalty: \(Int.random(in: 0...1, using: &random)), skill: \(Int.random(in: 0...3, using: &random))}"
        }.joined(separator: ", ")
    }

    private static func rules(of index: Int, _ random: inout SeededGenerator) -> String {
        let strategy = Queue.Strategy.allCases.randomElement(using: &random) ?? .longestIdle
        // Whoever waited too long goes on to the next queue, hears that nobody is there, or asks to be called back.
        let ways = [queues[(index + 1) % queues.count], "nobody", "ask-\(queues[index])"]
        let overflow = ways.randomElement(using: &random) ?? "nobody"
        var lines = [
            "strategy: \(strategy.rawValue)",
            "ring_timeout: \(Int.random(in: 8...14, using: &random))s",
            "ring_step: \(Int.random(in: 2...6, using: &random))s",
            "wrap_up: \(Int.random(in: 0...20, using: &random))s",
            "max_wait: \(Int.random(in: 40...240, using: &random))s",
            "on_timeout: {dialplan: incoming, flow: \(overflow)}",
            "no_answer_delay: \(Int.random(in: 0...10, using: &random))s",
            "pause_after_misses: \(Int.random(in: 2...5, using: &random))",
            "widen: [{after: 10s, penalty: 1}]",
            "service_level: {seconds: 20, target: 80}",
        ]
        if Bool.random(using: &random) { lines.append("pause_scope: queue") }
        if Bool.random(using: &random) { lines.append("announce_position: every 20s") }
        if Bool.random(using: &random) { lines.append("messages: [{prompt: please-hold, every: 30s}]") }
        if Bool.random(using: &random) { lines.append("whisper: incoming-call-from-queue") }
        if Bool.random(using: &random) { lines.append("record: true") }
        if Bool.random(using: &random) {
            lines.append("keys: {\"1\": {dialplan: incoming, flow: ask-\(queues[index])}}")
            lines.append("callback: {attempts: 2, retry_after: \(Int.random(in: 20...300, using: &random))s}")
        } else {
            lines.append("callback: {attempts: 1}")
        }
        if Bool.random(using: &random) { lines.append("sticky: {remember: 2h, wait: 15s}") }
        if Bool.random(using: &random) { lines.append("resume: 60s") }
        if Bool.random(using: &random) { lines.append("max_length: \(Int.random(in: 5...30, using: &random))") }
        return lines.map { "    \($0)\n" }.joined()
    }

    /// nil when it does not read, which a test finds out.
    func read() -> Configuration? {
        let users = agents.map { "  - {extension: \"\($0)\", password: p\($0)}\n" }.joined()
        let queues = Self.queues.indices.map {
            "  - name: \(Self.queues[$0])\n\(rules[$0])    agents: [\(members[$0])]\n"
        }.joined()
        let node = """
            node: simulation
            sip: {listen: ["udp://10.0.0.1:5060", "tcp://10.0.0.1:5060"]}
            calls: {session_expires: 90s}
            media: {address: 10.0.0.1, ports: 20000-29999}
            """
        let tenant =
            """
            tenant: demo
            domains: [demo.test]
            users:
            \(users)trunks:
              - {name: carrier, host: 10.0.1.99, accept_from: [10.0.1.99], dialplan: incoming, probe: false}
            dialplans: {internal: internal.yaml, incoming: incoming.yaml}
            queues:
            \(queues)
            """
        return Configuration.read(
            node: ConfigurationText(name: "node", text: node),
            tenants: [ConfigurationText(name: "tenant", text: tenant)],
            dialPlans: [
                ConfigurationText(name: "internal.yaml", text: Self.internalPlan),
                ConfigurationText(name: "incoming.yaml", text: Self.incomingPlan),
            ]
        ).configuration
    }

    private static let internalPlan = """
        routes:
          - {match: "600", do: [answer, echo]}
          - {match: "700", do: [{queue: support}]}
          - {match: "1xxx", do: [{dial: {user: "{called}", timeout: 20s}}]}
          - {match: "+.", do: [{dial: {trunk: carrier, number: "{called}", timeout: 20s}}]}
        """

    private static let incomingPlan: String = {
        let direct = queues.indices.map { "  - {match: \"\(number(of: $0))\", do: [{queue: \(queues[$0])}]}\n" }
            .joined()
        let keys = queues.indices.map { "\"\($0 + 1)\": [{queue: \(queues[$0])}]" }.joined(separator: ", ")
        let flows = queues.map { queue in
            """
              \(queue): [{queue: \(queue)}]
              ask-\(queue):
                - callback: {queue: \(queue), number: "{caller}"}
                - play: nobody-available
                - hangup: normal

            """
        }.joined()
        return """
            routes:
            \(direct)  - match: "\(menuNumber)"
                do:
                  - menu: {prompt: main-menu, timeout: 3s, attempts: 1, keys: {\(keys)}, otherwise: [{queue: sales}]}
            flows:
            \(flows)  nobody: [{play: nobody-available}, {hangup: normal}]
            """
    }()
}

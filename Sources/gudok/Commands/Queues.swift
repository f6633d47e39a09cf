public import ACD
public import ArgumentParser
import Console
import ControlAPI
import Foundation
import Switch

/// What a live listing takes.
struct LiveOptions: ParsableArguments {
    @Option(name: .long, help: "Only this tenant's.") var tenant: String?
    @Flag(name: .long, help: "Draw it anew every second, until interrupted.") var watch = false
    @OptionGroup var format: FormatOption
    @OptionGroup var config: ConfigOption

    func show(_ what: String, keys: [String], columns: [Listing.Column]) async throws {
        let files = try config.files()
        let request = ControlRequest(path: ["api", "v1", what], query: tenant.map { ["tenant": $0] } ?? [:])
        guard watch else { return try format.show(try await files.ask(request), keys: keys, columns: columns) }
        // A terminal is drawn over; whatever reads along gets a line a row.
        let form = format.format ?? (Terminal.isTerminal ? .table : .jsonl)
        let clear = form == .table ? "\u{1B}[H\u{1B}[2J" : ""
        // Whoever asks when no switch is there is told so, as without `--watch`.
        var json = try await files.ask(request)
        while true {
            let listing = try Listing(json: json, keys: keys, columns: columns)
            let text = listing.text(form, isColored: Terminal.isColored(noColor: format.noColor))
            try Output.write(clear + text)
            try await Task.sleep(for: .seconds(1))
            json = try await askPatiently(request, files)
        }
    }

    /// Waits for a switch that restarts.
    private func askPatiently(_ request: ControlRequest, _ files: ConfigurationFiles) async throws -> Data {
        var trouble: String?
        while true {
            let reply: ControlReply
            do {
                reply = try await ControlClient(socketPath: files.socketPath).send(request)
            } catch {
                if case ControlClient.Fault.notAllowed = error { throw Failure("\(error)") }
                let isSilent = if case ControlClient.Fault.silent = error { true } else { false }
                let now = isSilent ? "the switch does not answer" : "the switch is gone"
                if now != trouble { Output.complain("gudok: \(now); waiting for it to come back") }
                trouble = now
                try await Task.sleep(for: .seconds(1))
                continue
            }
            if trouble != nil { Output.complain("gudok: the switch is back") }
            return try files.content(of: reply)
        }
    }
}

struct Queues: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "The queues now: who waits, who is there, and today's figures."
    )

    @OptionGroup var live: LiveOptions

    static let brief: [Listing.Column] = [
        .init("queue"), .init("waiting"), .init("longest_wait_s", "LONGEST S"), .init("agents_available", "FREE"),
        .init("agents_busy", "BUSY"), .init("offered_today", "OFFERED"), .init("answered_today", "ANSWERED"),
        .init("service_level_today", "SL"),
    ]

    func run() async throws {
        try await live.show(
            "queues",
            keys: [
                "tenant", "queue", "waiting", "longest_wait_s", "agents_available", "agents_busy", "agents_paused",
                "offered_today", "answered_today", "abandoned_today", "service_level_today", "asa_s_today",
                "estimated_wait_s",
            ],
            columns: [
                .init("tenant"), .init("queue"), .init("waiting"), .init("longest_wait_s", "LONGEST S"),
                .init("agents_available", "FREE"), .init("agents_busy", "BUSY"), .init("agents_paused", "PAUSED"),
                .init("offered_today", "OFFERED"), .init("answered_today", "ANSWERED"),
                .init("abandoned_today", "ABANDONED"), .init("service_level_today", "SL"),
                .init("asa_s_today", "ASA S"), .init("estimated_wait_s", "EST. WAIT S"),
            ]
        )
    }
}

struct Agents: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "The agents now: their states, and since when.")

    @OptionGroup var live: LiveOptions

    func run() async throws {
        try await live.show("agents", keys: Agents.keys, columns: Agents.columns)
    }

    static let keys = [
        "tenant", "user", "name", "state", "reason", "since", "queues", "calls_today", "talk_s_today", "current_call",
        "device", "paused_in", "pending_pause", "pending_logout", "alarm",
    ]
    static let columns: [Listing.Column] = [
        .init("tenant"), .init("user", "AGENT"), .init("name"), .init("state"), .init("reason"), .init("since"),
        .init("queues"), .init("paused_in"), .init("calls_today", "CALLS"), .init("talk_s_today", "TALK S"),
        .init("current_call", "CALL"),
        .init("pending_pause", "THEN PAUSE"), .init("pending_logout", "THEN OUT"), .init("alarm"),
    ]
}

struct ChangeAgent: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "agent",
        abstract: "Changes an agent's working state.",
        discussion: "login, logout, pause, unpause, end-wrap-up, extend-wrap-up, block or unblock"
    )

    @Argument(help: "login, logout, pause, unpause, end-wrap-up, extend-wrap-up, block or unblock.")
    var action: AgentAction
    @Argument(help: "The agent's extension.") var agent: String
    @Option(name: .long, help: "Why, of a pause: one of the tenant's pause_reasons.") var reason: String?
    @Option(name: .long, help: "Of a pause and its end: in this queue alone.") var queue: String?
    @Option(name: .long, help: "The extension whose phones ring for him, of a login elsewhere.") var device: String?
    @Option(name: .long, help: "How much longer the wrap-up lasts.") var seconds: Int?
    @Option(name: .long, help: "Whose agent; may be left out when there is one tenant.") var tenant: String?
    @OptionGroup var config: ConfigOption

    private struct Change: Encodable {
        var action: String
        var reason: String?
        var queue: String?
        var device: String?
        var seconds: Int?
        var tenant: String?
    }

    private struct Answer: Decodable { var summary: String }

    func validate() throws {
        let given: [AgentAction.Option: Bool] = [
            .device: device != nil, .reason: reason != nil, .queue: queue != nil, .seconds: seconds != nil,
        ]
        if let option = action.firstRefused(of: given) {
            throw ValidationError("'\(action.rawValue)' takes no --\(option.rawValue)")
        }
    }

    func run() async throws {
        let change = Change(
            action: action.rawValue,
            reason: reason,
            queue: queue,
            device: device,
            seconds: seconds,
            tenant: tenant
        )
        let request = ControlRequest(
            method: "POST",
            path: ["api", "v1", "agents", agent],
            body: Array(try JSONEncoder().encode(change))
        )
        let answer = try JSONDecoder().decode(Answer.self, from: try await config.files().ask(request))
        print("\(agent) is \(answer.summary)")
    }
}

extension AgentAction: ExpressibleByArgument {}

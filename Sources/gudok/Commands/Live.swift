import ArgumentParser
import Console
import ControlAPI
import Foundation
import Switch

struct Registrations: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "The phones that are registered now.")

    @Option(name: .long, help: "Only this tenant's.") var tenant: String?
    @OptionGroup var format: FormatOption
    @OptionGroup var config: ConfigOption

    func run() async throws {
        let rows = try await config.files().ask(listing("registrations", tenant))
        try format.show(
            rows,
            keys: [
                "tenant", "user", "contact", "transport", "source", "user_agent", "registered_at", "expires_at",
                "rtt_ms",
            ],
            columns: [
                .init("tenant"), .init("user"), .init("contact"), .init("source"), .init("expires_at", "EXPIRES"),
                .init("rtt_ms", "RTT MS"), .init("user_agent", "PHONE"),
            ]
        )
    }
}

struct Calls: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "The calls that are up now.")

    @OptionGroup var live: LiveOptions

    func run() async throws {
        try await live.show(
            "calls",
            keys: [
                "call_id", "tenant", "state", "from", "to", "queue", "agent", "parked", "since", "duration_s", "mos_a",
                "mos_b",
            ],
            columns: [
                .init("call_id", "CALL"), .init("tenant"), .init("state"), .init("from"), .init("to"), .init("parked"),
                .init("since"), .init("duration_s", "SECONDS"),
            ]
        )
    }
}

struct Trunks: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "The trunks, and whether they answer.")

    @Option(name: .long, help: "Only this tenant's.") var tenant: String?
    @OptionGroup var format: FormatOption
    @OptionGroup var config: ConfigOption

    func run() async throws {
        let rows = try await config.files().ask(listing("trunks", tenant))
        try format.show(
            rows,
            keys: [
                "tenant", "trunk", "address", "state", "since", "reason", "rtt_ms", "probed", "active_calls",
                "max_calls",
                "registration", "registration_reason",
            ],
            columns: [
                .init("tenant"), .init("trunk"), .init("address"), .init("state"), .init("active_calls", "CALLS"),
                .init("max_calls", "MOST"), .init("rtt_ms", "RTT MS"), .init("reason"),
                .init("registration"), .init("registration_reason", "WHY NOT"),
            ]
        )
    }
}

struct Sinks: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Where call records go, and what waits for each sink."
    )

    @Option(name: .long, help: "Only this tenant's.") var tenant: String?
    @OptionGroup var format: FormatOption
    @OptionGroup var config: ConfigOption

    func run() async throws {
        let rows = try await config.files().ask(listing("sinks", tenant))
        try format.show(
            rows,
            keys: ["tenant", "sink", "to", "waiting", "failures", "reason"],
            columns: [
                .init("tenant"), .init("sink"), .init("to"), .init("waiting"), .init("failures"), .init("reason"),
            ]
        )
    }
}

private func listing(_ what: String, _ tenant: String?) -> ControlRequest {
    ControlRequest(path: ["api", "v1", what], query: tenant.map { ["tenant": $0] } ?? [:])
}

struct PlaceCall: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "call",
        abstract: "Rings FROM, and upon the answer connects it to TO."
    )

    @Argument(help: "A user's extension.") var from: String
    @Argument(help: "What FROM would dial.") var to: String
    @Option(name: .long, help: "Whose user; may be left out when there is one tenant.") var tenant: String?
    @OptionGroup var config: ConfigOption

    private struct Answer: Decodable { var call_id: String }

    func run() async throws {
        var body = ["from": from, "to": to]
        body["tenant"] = tenant
        let request = ControlRequest(
            method: "POST",
            path: ["api", "v1", "calls"],
            body: Array(try JSONEncoder().encode(body))
        )
        print(try JSONDecoder().decode(Answer.self, from: try await config.files().ask(request)).call_id)
    }
}

struct HangUp: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "hangup", abstract: "Ends a call.")

    @Argument(help: "The call's id.") var call: String
    @Option(name: .long, help: "Whose; another tenant's is refused.") var tenant: String?
    @OptionGroup var config: ConfigOption

    func run() async throws {
        let query = tenant.map { ["tenant": $0] } ?? [:]
        let request = ControlRequest(method: "DELETE", path: ["api", "v1", "calls", call], query: query)
        _ = try await config.files().ask(request)
        print("\(call) ended")
    }
}

import ArgumentParser
import ControlAPI
import Events
import Foundation
import Switch

/// What must not be heard later, a card's number, is silence of its true length in the recording.
struct PauseRecording: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pause",
        abstract: "Leaves silence in a live call's recording until it is resumed."
    )

    @Argument(help: "The call's id.") var call: String
    @Option(name: .long, help: "Whose; another tenant's is refused.") var tenant: String?
    @OptionGroup var config: ConfigOption

    func run() async throws { try await config.changeRecording(of: call, tenant, action: "pause", said: "paused") }
}

struct ResumeRecording: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "resume",
        abstract: "Goes on with a live call's recording that was paused."
    )

    @Argument(help: "The call's id.") var call: String
    @Option(name: .long, help: "Whose; another tenant's is refused.") var tenant: String?
    @OptionGroup var config: ConfigOption

    func run() async throws {
        try await config.changeRecording(of: call, tenant, action: "resume", said: "running again")
    }
}

extension ConfigOption {
    fileprivate func changeRecording(
        of call: String,
        _ tenant: String?,
        action: String,
        said: String
    ) async throws {
        let request = ControlRequest(
            method: "POST",
            path: ["api", "v1", "calls", call, "recording"],
            query: tenant.map { ["tenant": $0] } ?? [:],
            body: Array(try JSONEncoder().encode(["action": action]))
        )
        _ = try await files().ask(request)
        print("\(call): its recording is \(said)")
    }
}

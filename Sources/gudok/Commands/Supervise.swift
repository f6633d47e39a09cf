public import ArgumentParser
import ControlAPI
public import Events
import Foundation
import Switch

struct Supervise: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Lets a supervisor into a talk: his phone rings, and upon his answer he hears it.",
        discussion: """
            Said again it changes the mode. On the phone the keys do so too: 1 listen, 2 whisper, 3 barge, 4 take-over. When the \
            supervisor hangs up the talk goes on without him; when it ends, his phone is let go.
            """
    )

    @Argument(
        help: "listen, whisper (to the operator alone), barge (both hear), or take-over (the operator is released)."
    )
    var mode: SupervisionMode
    @Argument(help: "The call's id: whoever works in it; or an operator's extension: until he leaves the call.")
    var subject: String
    @Option(name: .long, help: "The supervisor's extension.") var by: String
    @Option(name: .long, help: "Whose call; may be left out when there is one tenant.") var tenant: String?
    @OptionGroup var config: ConfigOption

    private struct Body: Encodable {
        var by: String
        var mode: SupervisionMode
        var tenant: String?
    }

    private struct Answer: Decodable {
        var call_id: String
        var supervised_call: String
        var agent: String
    }

    func run() async throws {
        let files = try config.files()
        // A call's id has 26 characters, which no extension that people dial has.
        let kind = subject.utf8.count == 26 ? "calls" : "agents"
        let request = ControlRequest(
            method: "POST",
            path: ["api", "v1", kind, subject, "supervise"],
            body: Array(try JSONEncoder().encode(Body(by: by, mode: mode, tenant: tenant)))
        )
        let answer = try JSONDecoder().decode(Answer.self, from: try await files.ask(request))
        print("\(by): \(mode.rawValue) in call \(answer.supervised_call) of \(answer.agent), by call \(answer.call_id)")
    }
}

extension SupervisionMode: ExpressibleByArgument {}

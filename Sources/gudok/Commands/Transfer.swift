import ArgumentParser
import ControlAPI
import Foundation
import Switch

struct Transfer: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Hands a call on: the operator's party goes to TO, and he is let go when somebody takes it.",
        discussion: """
            TO is what the operator could dial. When nobody takes the party it is the operator's again. A caller in a queue or a \
            menu goes there by himself.
            """
    )

    @Argument(help: "The call's id.") var call: String
    @Argument(help: "A number of the tenant's internal dial plan.") var to: String
    @Option(name: .long, help: "Whose call; another tenant's is refused.") var tenant: String?
    @OptionGroup var config: ConfigOption

    func run() async throws {
        var body = ["to": to]
        body["tenant"] = tenant
        let request = ControlRequest(
            method: "POST",
            path: ["api", "v1", "calls", call, "transfer"],
            body: Array(try JSONEncoder().encode(body))
        )
        _ = try await config.files().ask(request)
        print("\(call): on its way to \(to)")
    }
}

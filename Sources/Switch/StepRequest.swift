import Config
import DialPlan
import NIOCore

/// One question to a URL: what is a call to do next? The answer's body is a list of steps, as a dial plan writes them (JSON is
/// YAML too): `[{"queue": "sales"}]`.
struct StepRequest: Sendable {
    /// A longer answer is no list of steps.
    static let longestAnswer = 65_536

    var url: String
    var timeout: Duration

    func send(by web: WebClient, on loop: any EventLoop) -> EventLoopFuture<[Step]> {
        web.get(url, within: timeout, longest: Self.longestAnswer, on: loop).flatMapThrowing { body in
            let (steps, faults) = DialPlan.readSteps(
                ConfigurationText(name: url, text: String(decoding: body, as: UTF8.self))
            )
            guard let steps else { throw WebClient.Fault(faults.map(\.description).joined(separator: "; ")) }
            return steps
        }
    }
}

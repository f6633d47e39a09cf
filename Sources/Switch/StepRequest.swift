import Config
import DialPlan
import Foundation
import NIOCore

/// One question to a URL: what is a call to do next? The answer's body is a list of steps, as a dial plan writes them (JSON is
/// YAML too): `[{"queue": "sales"}]`.
struct StepRequest: Sendable {
    /// A longer answer is no list of steps.
    static let longestAnswer = 65_536

    /// Faults of one answer that are told.
    private static let mostFaults = 3
    /// Answers are read one after the other, beside the core's loop: a stranger wrote them.
    private static let desk = DispatchQueue(label: "gudok.answers")

    var url: String
    var timeout: Duration

    func send(by web: WebClient, on loop: any EventLoop) -> EventLoopFuture<[Step]> {
        web.get(url, within: timeout, longest: Self.longestAnswer, on: loop).flatMap { body in
            let steps = loop.makePromise(of: [Step].self)
            Self.desk.async { steps.completeWith(Result { try read(body) }) }
            return steps.futureResult
        }
    }

    private func read(_ body: [UInt8]) throws -> [Step] {
        let text = String(decoding: body, as: UTF8.self)
        let (steps, faults) = DialPlan.readSteps(ConfigurationText(name: url, text: text))
        guard let steps else {
            let told = faults.prefix(Self.mostFaults).map(\.description)
            let more = faults.count > told.count ? ["and \(faults.count - told.count) more"] : []
            throw WebClient.Fault((told + more).joined(separator: "; "))
        }
        return steps
    }
}

import Events
import Media
import Timebase

/// What must hold of calls between turns, looked at once a second.
extension CallCore {
    /// The last words of a leg, with all their repetitions (RFC 3261 §17.1.2.2), are over long before.
    static let longestEnding: Duration = .seconds(120)

    /// Ends legs and closes ports that outlived their call; in words, what was wrong.
    func mendCalls() -> [String] {
        var faults: [String] = []
        for call in everyCall.sorted(by: { $0.id < $1.id }) {
            guard case .ending(_, let since) = call.stage, now.instant - since.instant > Self.longestEnding else {
                continue
            }
            faults.append("\(call.id) ended long ago, and legs or ports of it were left")
            call.abandonLegs()
        }
        for (port, leg) in ports.sorted(by: { $0.key.rawValue < $1.key.rawValue }) where call(leg.call) == nil {
            faults.append("media port \(port.rawValue) was open for \(leg.call), which is no more")
            giveUpPort(port)
        }
        return faults
    }
}

import Accounting
import Events

/// The talks of queues as the agents' phones saw them, over a network that loses nothing.
struct PhonesView {
    private static let tolerance: Int64 = 100
    /// Whose caller hangs up in the whisper has not spoken with him.
    private static let whisper: Int64 = 1_000
    /// Who hangs up in the whisper, or within `short_talk` after it, has served nobody: a second each.
    private static let shortestTalk: Int64 = 2_000

    private var talks: [String: [SimulatedPhone.Talk]] = [:]
    private let handedOn: Set<String>
    private let restarts: [Int64]

    init(_ phones: some Sequence<SimulatedPhone>, _ books: DayBooks) {
        for phone in phones { talks[phone.number] = phone.talks }
        (handedOn, restarts) = (books.handedOn, books.restarts)
    }

    /// Each talk of the records was one of a phone's, at the same time; each of a phone's with a caller of the carrier, who was not
    /// handed on, is in the records.
    func differences(from stays: [QueueStay]) -> [String] {
        var faults: [String] = []
        var recorded: Set<Talk> = []
        for stay in stays where stay.outcome == .answered || stay.outcome == .calledBack {
            guard let agent = stay.agent, let connected = stay.connectedMilliseconds else {
                faults.append("\(stay.callID) was answered by nobody")
                continue
            }
            // An answer to an offer that was taken back just then may lie beside the talk: it ends at once. Whoever was handed to a queue's
            // agent by a colleague who had asked him first is the customer of that talk; the phone knows it by the colleague.
            let talk = talks[agent]?.filter {
                ($0.caller == stay.number || handedOn.contains(stay.number))
                    && Self.mayConnect(after: connected - SimulatedSwitch.milliseconds($0.since))
            }.max { $0.until ?? $0.since < $1.until ?? $1.since }
            guard let talk else {
                // Who hangs up before the ACK of his answer has not spoken; his BYE follows the ACK at once.
                if let talked = stay.talkMilliseconds, talked <= Self.tolerance { continue }
                faults.append("\(stay.callID): \(agent) did not speak with \(stay.number) at \(connected)")
                continue
            }
            recorded.insert(Talk(agent: agent, caller: stay.number, since: SimulatedSwitch.milliseconds(talk.since)))
            guard !handedOn.contains(stay.number), stay.talkMilliseconds != nil, let ended = stay.endedMilliseconds
            else { continue }
            if abs(SimulatedSwitch.milliseconds(talk.until ?? talk.since) - ended) > Self.tolerance {
                faults.append(
                    "\(stay.callID): \(agent) spoke until \(SimulatedSwitch.milliseconds(talk.until ?? talk.since)), not \(ended)"
                )
            }
        }
        for (agent, talks) in talks.sorted(by: { $0.key < $1.key }) {
            for talk in talks where talk.caller.hasPrefix("+7916") && !handedOn.contains(talk.caller) {
                let since = SimulatedSwitch.milliseconds(talk.since)
                // An answer that crossed the caller's or another agent's end is no talk.
                let shortest = Self.tolerance + (talk.isLeft ? Self.shortestTalk : Self.whisper)
                guard SimulatedSwitch.milliseconds(talk.until ?? talk.since) - since > shortest else { continue }
                // Whom a crash cuts off in the whisper has spoken with nobody, whatever his phone thinks.
                let heard = since - Self.tolerance...since + Self.whisper + Self.tolerance
                guard !restarts.contains(where: heard.contains) else { continue }
                if !recorded.contains(Talk(agent: agent, caller: talk.caller, since: since)) {
                    let until = SimulatedSwitch.milliseconds(talk.until ?? talk.since)
                    let who = talk.isLeft ? "he" : "the other side"
                    faults.append(
                        "\(agent) spoke with \(talk.caller) at \(since) for \(until - since) ms, \(who) ended it, and no record says so"
                    )
                }
            }
        }
        return faults
    }

    /// Whether an agent may have his caller so many milliseconds after his phone's answer.
    private static func mayConnect(after milliseconds: Int64) -> Bool {
        (-tolerance...tolerance + whisper).contains(milliseconds)
    }

    private struct Talk: Hashable {
        var agent: String
        var caller: String
        var since: Int64
    }
}

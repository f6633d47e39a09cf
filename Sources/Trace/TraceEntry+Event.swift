public import Events
import Timebase

extension TraceEntry.Kind {
    /// nil for what the ladder shows otherwise: a leg's ringing and answer are messages already.
    public init?(_ event: Event) {
        switch event {
        case .sip(let seen): self = .message(TracedMessage(seen))
        case .callStarted(let start):
            let who = start.trunk.map { "trunk \($0)" } ?? start.user.map { "user \($0)" } ?? "the switch"
            self = .event("\(start.direction.rawValue) call from \(start.from) (\(who)) to \(start.to)")
        case .routed(let plan, let match, let line): self = .event("dial plan \(plan), line \(line): \(match)")
        case .step(let step): self = .event(step)
        case .legStarted(let leg): self = .event("leg \(leg.leg): \(leg.target) at \(leg.address)")
        case .legEnded(let end):
            let code = end.sipCode.map { " (\($0))" } ?? ""
            self = .event("leg \(end.leg): \(end.result.rawValue)\(code)")
        case .callHeld(let leg): self = .event("leg \(leg) holds")
        case .callResumed(let leg): self = .event("leg \(leg) is back")
        case .digit(let leg, let key, let source): self = .event("leg \(leg): key \(key) (\(source))")
        case .note(let text): self = .event(text)
        case .legMedia(let leg, let report): self = .event("leg \(leg) media: \(report.summary)")
        case .queueEntered(let entry):
            let carried = entry.carriedMilliseconds > 0 ? ", \(entry.carriedMilliseconds / 1000) s waited before" : ""
            self = .event("queue \(entry.queue): place \(entry.position), priority \(entry.priority)\(carried)")
        case .queueOffered(let queue, let agent): self = .event("queue \(queue): agent \(agent) is rung")
        case .queueOfferEnded(let end):
            let rang = Double(end.rangMilliseconds) / 1000
            self = .event("queue \(end.queue): agent \(end.agent): \(end.result.rawValue) after \(rang) s")
        case .queueLeft(let left):
            let agent = left.agent.map { " by agent \($0)" } ?? ""
            let waited = Double(left.waitMilliseconds) / 1000
            self = .event(
                "queue \(left.queue): \(left.outcome.rawValue)\(agent) after \(waited) s, \(left.offers) phones rung"
            )
        case .queueTalkMoved(let move):
            self = .event(
                "queue \(move.queue): agent \(move.agent) goes on here with the party, from call \(move.from)"
            )
        case .queueTalkEnded(let queue, let agent): self = .event("queue \(queue): agent \(agent) is done")
        case .agentChanged(let change):
            self = .event("agent \(change.agent) is \(change.state.rawValue)\(change.reason.map { " (\($0))" } ?? "")")
        case .callbackChanged(let callback):
            let why = callback.reason.map { ": \($0)" } ?? ""
            let by = callback.agent.map { ", by agent \($0)" } ?? ""
            self = .event(
                "callback of \(callback.number): \(callback.state.rawValue), attempt \(callback.attempts)\(by)\(why)"
            )
        case .variable(let name, let value): self = .event("\(name) is '\(value)'")
        case .prompt(let name): self = .event("prompt \(name)")
        case .recordingStarted(let recording): self = .event("recording \(recording.id) begins: \(recording.policy)")
        case .recordingPaused(let id): self = .event("recording \(id) pauses")
        case .recordingResumed(let id): self = .event("recording \(id) goes on")
        case .recordingJoined(let id, let agent): self = .event("recording \(id): agent \(agent) speaks in it")
        case .recordingEnded(let end):
            let seconds = Double(end.milliseconds) / 1000
            self = .event("recording \(end.id): \(end.fault ?? "complete"), \(seconds) s, \(end.octets) octets")
        case .notRecorded(let why): self = .event("not recorded: \(why.rawValue)")
        case .transferStarted(let transfer):
            let other = transfer.otherCall.map { ", joined with call \($0)" } ?? ""
            let words = "\(transfer.kind.rawValue) transfer of leg \(transfer.party) to \(transfer.target)"
            self = .event("\(words) by leg \(transfer.leg) (\(transfer.by))\(other)")
        case .transferEnded(let end):
            self = .event(
                end.isDone
                    ? "transfer to \(end.target) is done"
                    : "transfer to \(end.target) failed (\(end.sipCode)): back to leg \(end.leg)"
            )
        case .callEnded(let end):
            self = .event("\(end.disposition.rawValue): \(end.reason), by \(end.hangupBy.rawValue), \(end.sipCode)")
        case .legCodec(let leg, let codec): self = .event("leg \(leg) speaks \(codec ?? "nothing known") now")
        case .legReached(let leg, let address): self = .event("leg \(leg): \(address) responds")
        case .callRinging, .callAnswered, .legProvisional, .legAnswered, .registered, .unregistered,
            .registrationExpired, .trunkUp, .trunkDown, .trunkRegistered, .trunkUnregistered, .configurationApplied,
            .audited, .queuePauseChanged, .pauseExceeded:
            return nil
        }
    }
}

extension MediaReport {
    private func hundredths(_ value: Double) -> Double { Double(Int(value * 100)) / 100 }

    /// In one line: the verdict, and why.
    var summary: String {
        var parts = [verdict.rawValue]
        if received.packets > 0 || sent.packets > 0 {
            let lost = received.lost.map { ", \($0) lost" } ?? ""
            parts.append("\(received.packets) in, \(sent.packets) out\(lost)")
        }
        if let mos = received.mos {
            let least = received.leastMOS.map { ", \(hundredths($0)) at worst" } ?? ""
            parts.append("MOS \(hundredths(mos))\(least)")
        }
        if let delay = firstPacketDelayMilliseconds { parts.append("first packet after \(Int(delay)) ms") }
        if let latched = latchedAddress, latched != signalledAddress {
            parts.append("from \(latched) instead of \(signalledAddress ?? "nowhere")")
        }
        if foreignPackets > 0 { parts.append("\(foreignPackets) foreign packets refused") }
        if let unagreedPackets, unagreedPackets > 0 {
            parts.append("\(unagreedPackets) packets of payload types that were not agreed upon dropped")
        }
        return parts.joined(separator: ", ")
    }
}

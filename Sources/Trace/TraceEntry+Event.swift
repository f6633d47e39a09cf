import Events
import Timebase

extension TraceEntry.Kind {
    /// nil for what the ladder shows otherwise: a leg's ringing and answer are messages already.
    init?(_ event: Event) {
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
        case .callEnded(let end):
            self = .event("\(end.disposition.rawValue): \(end.reason), by \(end.hangupBy.rawValue), \(end.sipCode)")
        case .callRinging, .callAnswered, .legProvisional, .legAnswered, .registered, .unregistered,
            .registrationExpired, .trunkUp, .trunkDown, .configurationApplied:
            return nil
        }
    }
}

extension MediaReport {
    /// In one line: the verdict, and why.
    var summary: String {
        var parts = [verdict.rawValue]
        if received.packets > 0 || sent.packets > 0 {
            parts.append("\(received.packets) in, \(sent.packets) out, \(received.lost) lost")
        }
        if let mos = received.mos { parts.append("MOS \(Double(Int(mos * 100)) / 100)") }
        if let delay = firstPacketDelayMilliseconds { parts.append("first packet after \(Int(delay)) ms") }
        if let latched = latchedAddress, latched != signalledAddress {
            parts.append("from \(latched) instead of \(signalledAddress ?? "nowhere")")
        }
        if foreignPackets > 0 { parts.append("\(foreignPackets) foreign packets refused") }
        return parts.joined(separator: ", ")
    }
}

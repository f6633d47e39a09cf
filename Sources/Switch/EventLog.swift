import Events

/// Tells the log what happens, with the call's id on every line.
final class EventLog: EventSubscriber {
    private let log: LogSink

    init(_ log: LogSink) { self.log = log }

    func receive(_ envelope: EventEnvelope) {
        guard let (level, text) = line(envelope.event) else { return }
        let tenant = envelope.tenant.map { "\($0): " } ?? ""
        log.log(level, tenant + text, call: envelope.call, at: envelope.at)
    }

    private func line(_ event: Event) -> (LogLevel, String)? {
        switch event {
        case .callStarted(let start):
            let by = start.trunk.map { " by trunk \($0)" } ?? ""
            return (.info, "\(start.direction.rawValue) call from \(start.from)\(by) to \(start.to)")
        case .transferStarted(let transfer):
            return (.info, "\(transfer.kind.rawValue) transfer to \(transfer.target) by \(transfer.by)")
        case .transferEnded(let end):
            return (.info, "transfer to \(end.target): \(end.isDone ? "done" : "failed, \(end.sipCode)")")
        case .callAnswered: return (.info, "answered")
        case .callEnded(let end):
            let by = end.hangupBy.rawValue
            return (.info, "ended: \(end.disposition.rawValue), \(end.reason), by \(by), \(end.sipCode)")
        case .routed(let plan, let match, let line): return (.debug, "dial plan \(plan), line \(line): \(match)")
        case .step(let step): return (.debug, step)
        case .note(let note): return (.info, note)
        case .legStarted(let leg): return (.debug, "leg \(leg.leg): \(leg.target) at \(leg.address)")
        case .legEnded(let end): return (.debug, "leg \(end.leg): \(end.result.rawValue)")
        case .registered(let who):
            return (.info, "user \(who.user) registered \(who.contact) from \(who.transport):\(who.source)")
        case .unregistered(let who), .registrationExpired(let who):
            return (.info, "user \(who.user) lost \(who.contact): \(who.reason ?? "expired")")
        // The engine has told of these itself.
        case .trunkUp, .trunkDown, .trunkRegistered, .trunkUnregistered: return nil
        case .configurationApplied(let changes):
            return (
                .notice,
                "configuration applied: \(changes.isEmpty ? "nothing changed" : changes.joined(separator: "; "))"
            )
        case .queueLeft(let left):
            let agent = left.agent.map { " by \($0)" } ?? ""
            return (.info, "queue \(left.queue): \(left.outcome.rawValue)\(agent) after \(left.waitMilliseconds) ms")
        case .callbackChanged(let callback):
            let by = callback.agent.map { " by agent \($0)" } ?? ""
            let why = callback.reason.map { ": \($0)" } ?? ""
            return (
                .info, "callback of \(callback.number), queue \(callback.queue): \(callback.state.rawValue)\(by)\(why)"
            )
        case .agentChanged(let change):
            return (.info, "agent \(change.agent): \(change.state.rawValue)\(change.reason.map { " (\($0))" } ?? "")")
        case .pauseExceeded(let pause):
            let limit = pause.limit == .pause ? "one such pause" : "such pauses of a shift"
            let minutes = Double(pause.limitMilliseconds) / 60_000
            return (
                .warning,
                "agent \(pause.agent): paused (\(pause.reason)) longer than \(minutes) min, the limit of \(limit)"
            )
        case .audited(let act):
            let why = act.detail.map { ": \($0)" } ?? ""
            let level: LogLevel = act.outcome == .done ? .info : .notice
            return (level, "\(act.actor.name): \(act.action) \(act.object) \(act.outcome.rawValue)\(why)")
        case .recordingEnded(let end) where !end.isComplete:
            return (.error, "recording \(end.id) failed: \(end.fault ?? "")")
        case .queueOffered, .queueOfferEnded, .queueEntered, .queueTalkEnded, .variable, .prompt, .recordingStarted,
            .recordingPaused, .recordingResumed, .recordingEnded, .notRecorded:
            return nil
        case .callRinging, .callHeld, .callResumed, .legReached, .legProvisional, .legAnswered, .legMedia, .digit, .sip:
            return nil
        }
    }
}

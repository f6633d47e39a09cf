import Events

/// Tells the log what happens, with the call's id on every line.
final class EventLog: EventSubscriber {
    private let log: LogSink

    init(_ log: LogSink) { self.log = log }

    func receive(_ envelope: EventEnvelope) {
        // What the log would not take is not put into words.
        func tell(_ level: LogLevel, _ text: @autoclosure () -> String) {
            guard log.takes(level) else { return }
            let tenant = envelope.tenant.map { "\($0): " } ?? ""
            log.log(level, tenant + text(), call: envelope.call, at: envelope.at)
        }
        switch envelope.event {
        case .callStarted(let start):
            let by = start.trunk.map { " by trunk \($0)" } ?? ""
            tell(.info, "\(start.direction.rawValue) call from \(start.from)\(by) to \(start.to)")
        case .transferStarted(let transfer):
            tell(.info, "\(transfer.kind.rawValue) transfer to \(transfer.target) by \(transfer.by)")
        case .transferEnded(let end):
            tell(.info, "transfer to \(end.target): \(end.isDone ? "done" : "failed, \(end.sipCode)")")
        case .callAnswered: tell(.info, "answered")
        case .callEnded(let end):
            let by = end.hangupBy.rawValue
            tell(.info, "ended: \(end.disposition.rawValue), \(end.reason), by \(by), \(end.sipCode)")
        case .routed(let plan, let match, let line): tell(.debug, "dial plan \(plan), line \(line): \(match)")
        case .step(let step): tell(.debug, step)
        case .note(let note): tell(.info, note)
        case .legStarted(let leg): tell(.debug, "leg \(leg.leg): \(leg.target) at \(leg.address)")
        case .legEnded(let end): tell(.debug, "leg \(end.leg): \(end.result.rawValue)")
        case .registered(let who):
            tell(.info, "user \(who.user) registered \(who.contact) from \(who.transport):\(who.source)")
        case .unregistered(let who), .registrationExpired(let who):
            tell(.info, "user \(who.user) lost \(who.contact): \(who.reason ?? "expired")")
        // The engine has told of these itself.
        case .trunkUp, .trunkDown, .trunkRegistered, .trunkUnregistered: break
        case .configurationApplied(let changes):
            let what = changes.isEmpty ? "nothing changed" : changes.joined(separator: "; ")
            tell(.notice, "configuration applied: \(what)")
        case .queueLeft(let left):
            let agent = left.agent.map { " by \($0)" } ?? ""
            tell(.info, "queue \(left.queue): \(left.outcome.rawValue)\(agent) after \(left.waitMilliseconds) ms")
        case .callbackChanged(let callback):
            let by = callback.agent.map { " by agent \($0)" } ?? ""
            let why = callback.reason.map { ": \($0)" } ?? ""
            tell(
                .info,
                "callback of \(callback.number), queue \(callback.queue): \(callback.state.rawValue)\(by)\(why)"
            )
        case .agentChanged(let change):
            tell(.info, "agent \(change.agent): \(change.state.rawValue)\(change.reason.map { " (\($0))" } ?? "")")
        case .queuePauseChanged(let change):
            let what = change.reason.map { "paused here (\($0))" } ?? "asked again"
            tell(.info, "agent \(change.agent), queue \(change.queue): \(what)")
        case .pauseExceeded(let pause):
            let limit = pause.limit == .pause ? "one such pause" : "such pauses of a shift"
            let seconds = pause.limitMilliseconds / 1_000
            let time = seconds % 60 == 0 ? "\(seconds / 60) min" : "\(seconds) s"
            tell(.warning, "agent \(pause.agent): paused (\(pause.reason)) longer than \(time), the limit of \(limit)")
        case .audited(let act):
            let why = act.detail.map { ": \($0)" } ?? ""
            let level: LogLevel = act.outcome == .done ? .info : .notice
            tell(level, "\(act.actor.name): \(act.action) \(act.object) \(act.outcome.rawValue)\(why)")
        case .recordingEnded(let end) where !end.isComplete:
            tell(.error, "recording \(end.id) failed: \(end.fault ?? "")")
        case .queueOffered, .queueOfferEnded, .queueEntered, .queueTalkMoved, .queueTalkEnded, .variable, .prompt,
            .recordingStarted,
            .recordingPaused, .recordingResumed, .recordingJoined, .recordingEnded, .notRecorded:
            break
        case .callRinging, .callHeld, .callResumed, .legReached, .legProvisional, .legAnswered, .legCodec, .legMedia,
            .digit, .sip:
            break
        }
    }
}

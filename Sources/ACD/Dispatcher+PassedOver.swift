import Config
import Events
import Timebase

/// Whom of a queue's agents a decision passes over, and why: a line in the call's story.
extension Dispatcher {
    /// Of a long list the first alone: a decision does not cost more for it.
    private static let mostLookedAt = 20

    private enum Cause: Hashable {
        case state(AgentState, reason: String?)
        /// This queue leaves him out.
        case pausedHere(String)
        case rests
        /// Somebody else is waited for alone.
        case awaits(UserID)
        case penalty(allowed: Int)
        case skill(demanded: Int)
        /// He did not answer this caller; others are asked before him.
        case tried
        /// He might have it, and the queue's rule names another.
        case isBehind
    }

    /// Said when a caller is offered, and when he leaves without an agent; not when it is what was said last.
    func tellPassedOver(for caller: WaitingCaller) {
        let words = passedOver(for: caller)
        guard words != caller.toldPassedOver else { return }
        caller.toldPassedOver = words
        guard !words.isEmpty else { return }
        let queue = caller.queue.id
        publish(.note("queue \(queue.name): passed over: \(words)"), queue.tenant, call: caller.call)
    }

    private func passedOver(for caller: WaitingCaller) -> String {
        let roster = caller.queue.roster
        var causes: [Cause] = []
        var agents: [Cause: [String]] = [:]
        for member in roster.prefix(Self.mostLookedAt) where caller.ringing[member.agent.id] == nil {
            let cause = cause(of: member, for: caller)
            if agents[cause] == nil { causes.append(cause) }
            agents[cause, default: []].append(member.agent.id.number)
        }
        var parts = causes.map { "\(agents[$0, default: []].joined(separator: ", ")) \(words(for: $0, caller.queue))" }
        if roster.count > Self.mostLookedAt { parts.append("and \(roster.count - Self.mostLookedAt) more") }
        return parts.joined(separator: "; ")
    }

    private func cause(of member: Membership, for caller: WaitingCaller) -> Cause {
        let agent = member.agent
        let state = agent.state
        guard state == .available else { return .state(state, reason: state == .paused ? agent.pause : nil) }
        if let reason = member.pause { return .pausedHere(reason) }
        if agent.restsUntil != nil { return .rests }
        if let preferred = caller.preferred, preferred != agent.id { return .awaits(preferred) }
        let waited = caller.waited(at: now.instant)
        let settings = caller.queue.settings
        let penalty = settings.allowedPenalty(after: waited)
        if member.penalty > penalty { return .penalty(allowed: penalty) }
        let skill = settings.demandedSkill(caller.requiredSkill, after: waited)
        if member.skill < skill { return .skill(demanded: skill) }
        return caller.tried.contains(agent.id) ? .tried : .isBehind
    }

    private func words(for cause: Cause, _ queue: QueueLine) -> String {
        switch cause {
        case .state(.paused, let reason?): "paused (\(reason))"
        case .state(.ringing, _): "ringing for another"
        case .state(let state, _): state.rawValue
        case .pausedHere(let reason): "paused here (\(reason))"
        case .rests: "resting after a call not taken"
        case .awaits(let agent): "not \(agent.number), who is waited for"
        case .penalty(let allowed): "of a penalty above \(allowed)"
        case .skill(let demanded): "of a skill below \(demanded)"
        case .tried: "asked before"
        case .isBehind: "free, and behind by \(queue.settings.strategy.rawValue)"
        }
    }
}

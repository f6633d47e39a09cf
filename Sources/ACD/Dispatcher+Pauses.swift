import Events
import Timebase

/// Pauses that last too long are told of.
extension Dispatcher {
    /// Waits for the next limit of the pause that lasts, if there is one.
    func watchPause(of agent: Agent) {
        if let next = agent.pauses.nextLimit(pauseReasons[agent.id.tenant] ?? []) {
            timers.start(.pauseLimit(agent.id), at: max(next.at, now.instant))
        } else {
            timers.stop(.pauseLimit(agent.id))
        }
    }

    func pauseLimitReached(_ agent: Agent) {
        guard let running = agent.pauses.running,
            let next = agent.pauses.nextLimit(pauseReasons[agent.id.tenant] ?? []), next.at <= now.instant
        else { return watchPause(of: agent) }
        agent.pauses.exceed(next.limit)
        publish(
            .pauseExceeded(
                PauseExceeded(
                    agent: agent.id.number,
                    reason: running.reason,
                    limit: next.limit,
                    limitMilliseconds: milliseconds(next.of)
                )
            ),
            agent.id.tenant
        )
        watchPause(of: agent)
    }
}

import Engine
import ACD
import Config
import Events
import Timebase

/// The live view of queues and agents.
extension Node {
    func queueRows(of tenant: String?) async throws -> [QueueRow] {
        let views = try await handle.ask { core in core.turn { $0.queueViews(at: $1) } }
        return views.filter { tenant == nil || $0.id.tenant.name == tenant }.map { QueueRow($0, today: nil) }
    }

    func agentRows(of tenant: String?) async throws -> [AgentRow] {
        let (views, names) = try await handle.ask { core in
            let tenants = core.engine.configuration.tenants
            let views = core.engine.agentViews()
            return (views, views.map { tenants[$0.id.tenant]?.users[$0.id.number]?.name })
        }
        return zip(views, names).filter { tenant == nil || $0.0.id.tenant.name == tenant }
            .map { AgentRow($0.0, name: $0.1, today: nil) }
    }
}

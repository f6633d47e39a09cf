import Engine
import ACD
import Config
import Events
import Foundation
import Reports
import Timebase

/// The live view of queues and agents. Today's figures are the report of the same interval.
extension Node {
    func queueRows(of tenant: String?) async throws -> [QueueRow] {
        let views = try await handle.ask { core in core.turn { $0.queueViews(at: $1) } }
            .filter { tenant == nil || $0.id.tenant.name == tenant }
        var today: [QueueID: QueueToday] = [:]
        for tenant in Set(views.map(\.id.tenant)) {
            for row in await todays(of: tenant, { try $0.queueRows(Reporter.Request(window: $0.today)) }) {
                today[QueueID(tenant: tenant, name: row.queue)] = QueueToday(
                    offered: row.offered,
                    answered: row.answered,
                    abandoned: row.abandoned,
                    serviceLevel: row.service_level,
                    averageSpeedOfAnswer: row.asa_s
                )
            }
        }
        return views.map { QueueRow($0, today: today[$0.id]) }
    }

    func agentRows(of tenant: String?) async throws -> [AgentRow] {
        let (views, names) = try await handle.ask { core in
            let tenants = core.engine.configuration.tenants
            let views = core.engine.agentViews()
            return (views, views.map { tenants[$0.id.tenant]?.users[$0.id.number]?.name })
        }
        var today: [UserID: AgentToday] = [:]
        for tenant in Set(views.map(\.id.tenant)) {
            for row in await todays(of: tenant, { try $0.agentRows(Reporter.Request(window: $0.today)) }) {
                today[UserID(tenant: tenant, number: row.agent)] = AgentToday(
                    calls: row.handled + row.direct_calls,
                    talk: ((row.talk_s + row.hold_s + row.direct_talk_s) * 1000).rounded() / 1000
                )
            }
        }
        return zip(views, names).filter { tenant == nil || $0.0.id.tenant.name == tenant }
            .map { AgentRow($0.0, name: $0.1, today: today[$0.0.id]) }
    }

    /// A live view is a second old at most, whatever the disk does.
    private static let patience: Duration = .seconds(1)

    /// Figures that cannot be read, or not in time, are told in the log: the live view goes on without them.
    private func todays<Row: Sendable>(
        of tenant: TenantID,
        _ rows: @escaping @Sendable (Reporter) throws -> [Row]
    ) async -> [Row] {
        do {
            guard let found = try await handle.ask({ $0.engine.configuration.tenants[tenant] }) else { return [] }
            let folder = files.dataFolder
            let read = try await reading.run(atMost: Self.patience) {
                try rows(Reporter(tenant: found, folder: folder, now: Date(), isSwitchUp: true))
            }
            if let read { return read }
            log.log(.warning, "tenant \(tenant): today's figures are not read within \(Self.patience)")
        } catch {
            log.log(.error, "tenant \(tenant): today's figures cannot be read: \(error)")
        }
        return []
    }
}

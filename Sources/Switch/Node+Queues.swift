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
        let reports = await todays(of: Set(views.map(\.id.tenant))) {
            try $0.queueRows(Reporter.Request(window: $0.today))
        }
        for (tenant, rows) in reports {
            for row in rows {
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

    /// `agent`: his row alone.
    func agentRows(of tenant: String?, agent: String? = nil) async throws -> [AgentRow] {
        let named = try await handle.ask { core in
            let tenants = core.engine.configuration.tenants
            return core.engine.agentViews()
                .filter { tenant == nil || $0.id.tenant.name == tenant }
                .filter { agent == nil || $0.id.number == agent }
                .map { (view: $0, name: tenants[$0.id.tenant]?.users[$0.id.number]?.name) }
        }
        var today: [UserID: AgentToday] = [:]
        let reports = await todays(of: Set(named.map(\.view.id.tenant))) {
            var request = Reporter.Request(window: $0.today)
            request.filters[.agent] = agent
            return try $0.agentRows(request)
        }
        for (tenant, rows) in reports {
            for row in rows {
                today[UserID(tenant: tenant, number: row.agent)] = AgentToday(
                    calls: row.handled + row.direct_calls,
                    talk: ((row.talk_s + row.hold_s + row.direct_talk_s) * 1000).rounded() / 1000
                )
            }
        }
        return named.map { AgentRow($0.view, name: $0.name, today: today[$0.view.id]) }
    }

    /// A live view is a second old at most, whatever the disk does, and however many tenants there are.
    private static let patience: Duration = .seconds(1)

    /// Those that cannot be read, or not in time, are told in the log: the live view goes on without them.
    private func todays<Row: Sendable>(
        of tenants: Set<TenantID>,
        _ rows: @escaping @Sendable (Reporter) throws -> [Row]
    ) async -> [TenantID: [Row]] {
        let wanted: [TenantID: Tenant]
        do {
            wanted = try await handle.ask { $0.engine.configuration.tenants.filter { tenants.contains($0.key) } }
        } catch {
            // The switch is ending.
            return [:]
        }
        let folder = files.dataFolder
        let figures = await TodaysFigures<Row>.read(of: wanted.keys.sorted(), by: reading, atMost: Self.patience) {
            guard let tenant = wanted[$0] else { return [] }
            return try rows(Reporter(tenant: tenant, folder: folder, now: Date(), isSwitchUp: true))
        }
        tell(figures.trouble)
        return figures.rows
    }

    /// Once when it begins, and when it is over: live views are drawn every second.
    private func tell(_ trouble: String?) {
        switch (trouble, isLackingFigures) {
        case (let trouble?, false): log.log(.warning, trouble)
        case (nil, true): log.log(.notice, "today's figures are read again")
        case (.some, true), (nil, false): break
        }
        isLackingFigures = trouble != nil
    }
}

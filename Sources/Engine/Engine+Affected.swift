import ACD
import Calls
public import Config
import Events
import SIP
import Timebase

/// Who would feel a new configuration, before it is put in force.
extension Engine {
    /// A line each: `queue sales: 3 agents leave, 2 are on calls`, of this queue; of a queue that goes, who waits in it too; of a trunk or
    /// a user that goes, the calls that are up there and the phones that are signed off.
    public func affected(by next: Configuration) -> [String] {
        configuration.tenants.sorted { $0.key < $1.key }.flatMap { id, tenant in
            let after = next.tenants[id]
            return tenant.queues.values.sorted { $0.name < $1.name }
                .compactMap { effect(on: $0, of: id, after: after?.queues[$0.name]) }
                + tenant.trunks.keys.sorted().filter { after?.trunks[$0] == nil }
                .compactMap { effect(onLeaving: TrunkID(tenant: id, name: $0)) }
                + tenant.users.keys.sorted().filter { after?.users[$0] == nil }
                .compactMap { effect(onLeaving: UserID(tenant: id, number: $0)) }
        }
    }

    private func effect(on queue: Queue, of tenant: TenantID, after: Queue?) -> String? {
        let staying = after.map { Set($0.agents.map(\.user)) } ?? []
        let leaving = queue.agents.map(\.user).filter { !staying.contains($0) }
        let waiting = after == nil ? calls.acd.waiting(in: QueueID(tenant: tenant, name: queue.name)) : 0
        guard !leaving.isEmpty || waiting > 0 else { return nil }
        let states = leaving.compactMap { calls.acd.agentView(UserID(tenant: tenant, number: $0)) }
            .filter { $0.queue == queue.name }.map(\.state)
        let (busy, rung) = (states.count { $0 == .onCall }, states.count { $0 == .ringing })
        let effects = [
            Self.counted(leaving.count, "agent leaves", "agents leave"),
            busy > 0 ? Self.counted(busy, "is on a call", "are on calls") : nil,
            rung > 0 ? Self.counted(rung, "is rung", "are rung") : nil,
            waiting > 0 ? Self.counted(waiting, "caller waits", "callers wait") : nil,
        ]
        return "! queue \(queue.name): \(effects.compactMap(\.self).joined(separator: ", "))"
    }

    private static func counted(_ count: Int, _ one: String, _ many: String) -> String {
        "\(count) \(count == 1 ? one : many)"
    }

    /// They go on, and no more can begin.
    private func effect(onLeaving trunk: TrunkID) -> String? {
        let up = calls.count(over: trunk)
        return up > 0 ? "! trunk \(trunk.name): \(Self.counted(up, "call is", "calls are")) up" : nil
    }

    private func effect(onLeaving user: UserID) -> String? {
        let (up, phones) = (calls.count(with: user), registrar.bindings(for: user, now: now.instant).count)
        let effects =
            (up > 0 ? [up == 1 ? "is in a call" : "is in \(up) calls"] : [])
            + (phones > 0 ? ["\(Self.counted(phones, "phone is", "phones are")) signed off"] : [])
        return effects.isEmpty ? nil : "! user \(user.number): \(effects.joined(separator: ", "))"
    }
}

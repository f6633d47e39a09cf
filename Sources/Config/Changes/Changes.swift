import DialPlan
public import Events

extension Configuration {
    /// What becomes different, a line each: `+ user 1004`, `~ queue sales ring_timeout 15s → 20s`, `- trunk old`. With several
    /// tenants each line names its own.
    public func changes(from old: Configuration?) -> [String] {
        let before = old?.tenants ?? [:]
        let ids = Set(tenants.keys).union(before.keys).sorted()
        return (old.map { node.changes(from: $0.node) } ?? [])
            + ids.flatMap { id in
                let lines = Self.changes(from: before[id], to: tenants[id])
                return ids.count > 1 ? lines.map { "\($0) (tenant \(id))" } : lines
            }
    }

    /// What becomes different for one tenant.
    public func changes(of id: TenantID, from old: Configuration) -> [String] {
        Self.changes(from: old.tenants[id], to: tenants[id])
    }

    private static func changes(from old: Tenant?, to new: Tenant?) -> [String] {
        let before = old?.described ?? []
        let after = new?.described ?? []
        var lines: [String] = []
        for part in before where !after.contains(where: { $0.isSame(as: part) }) {
            lines.append("- \(part.kind) \(part.name)")
        }
        for part in after {
            guard let was = before.first(where: { $0.isSame(as: part) }) else {
                lines.append("+ \(part.kind) \(part.name)")
                continue
            }
            for (a, b) in zip(was.settings, part.settings) where a.value != b.value {
                let values = Described.secrets.contains(b.key) ? "" : " \(a.value) → \(b.value)"
                lines.append("~ \(part.kind) \(part.name) \(b.key)\(values)")
            }
        }
        for (name, list) in new?.lists.sorted(by: { $0.key < $1.key }) ?? [] {
            // One that is longer or shorter by now is told with the tenant's other settings.
            guard let was = old?.lists[name], was.count == list.count, was != list else { continue }
            lines.append("~ list \(name) has other numbers")
        }
        return lines + DialPlan.changes(from: old?.dialPlans ?? [:], to: new?.dialPlans ?? [:])
    }
}

extension Described {
    fileprivate func isSame(as other: Described) -> Bool { kind == other.kind && name == other.name }
}

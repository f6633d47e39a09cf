public import DialPlan

/// When users are to work, and when to pause, week by week on the tenant's clock: what adherence is measured against.
public struct ShiftPlan: Equatable, Sendable {
    public var name: String
    public var work: [OpeningHours]
    /// Within the work.
    public var pauses: [OpeningHours]
    public var users: Set<String>
    /// Of users who are in no plan by their extension.
    public var roles: Set<User.Role>

    public init(
        name: String,
        work: [OpeningHours],
        pauses: [OpeningHours] = [],
        users: Set<String> = [],
        roles: Set<User.Role> = []
    ) {
        (self.name, self.work, self.pauses, self.users, self.roles) = (name, work, pauses, users, roles)
    }

    /// The first pause that is not within the work of each of its days.
    var stray: OpeningHours? {
        pauses.first { pause in
            !pause.days.allSatisfy { day in
                work.contains {
                    $0.days.contains(day) && $0.minutes.lowerBound <= pause.minutes.lowerBound
                        && $0.minutes.upperBound >= pause.minutes.upperBound
                }
            }
        }
    }

    /// As the YAML has it.
    var written: String {
        let hours = { (list: [OpeningHours]) in "[\(list.map { quoted($0.description) }.joined(separator: ", "))]" }
        var parts = ["name: \(quoted(name))", "work: \(hours(work))"]
        if !pauses.isEmpty { parts.append("pauses: \(hours(pauses))") }
        if !users.isEmpty { parts.append("users: [\(users.sorted().map(quoted).joined(separator: ", "))]") }
        if !roles.isEmpty { parts.append("roles: [\(roles.map(\.rawValue).sorted().joined(separator: ", "))]") }
        return "{\(parts.joined(separator: ", "))}"
    }
}

extension Tenant {
    /// A user's own plan, or else his role's; nil: none says when he works.
    public func shift(of number: String) -> ShiftPlan? {
        shifts.first { $0.users.contains(number) }
            ?? users[number].flatMap { user in shifts.first { $0.roles.contains(user.role) } }
    }
}

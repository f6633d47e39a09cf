/// What agents pause for.
public struct PauseReason: Equatable, Sendable {
    public var name: String
    /// Whether the time is paid, in reports of work time.
    public var isPaid = true
    /// One pause may last so long; longer raises an alarm.
    public var limit: Duration?
    /// All pauses of a shift together.
    public var shiftLimit: Duration?
    /// Who may begin it.
    public var grantedBy: Grantor = .operator

    /// Whose word a pause needs.
    public enum Grantor: String, CaseIterable, Sendable { case `operator`, supervisor }

    public init(
        _ name: String,
        isPaid: Bool = true,
        limit: Duration? = nil,
        shiftLimit: Duration? = nil,
        grantedBy: Grantor = .operator
    ) {
        (self.name, self.isPaid, self.limit, self.shiftLimit) = (name, isPaid, limit, shiftLimit)
        self.grantedBy = grantedBy
    }

    /// As the YAML has it.
    var written: String {
        guard self != PauseReason(name) else { return quoted(name) }
        var parts = ["name: \(quoted(name))", "paid: \(isPaid)"]
        if let limit { parts.append("limit: \(limit.written)") }
        if let shiftLimit { parts.append("shift_limit: \(shiftLimit.written)") }
        if grantedBy != .operator { parts.append("by: \(grantedBy.rawValue)") }
        return "{\(parts.joined(separator: ", "))}"
    }
}

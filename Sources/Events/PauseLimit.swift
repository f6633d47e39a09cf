/// How long somebody may pause.
public enum PauseLimit: String, Codable, Sendable, CaseIterable {
    /// One pause.
    case pause = "pause-limit"
    /// All pauses of a shift with one reason.
    case shift = "shift-limit"
}

public struct PauseExceeded: Codable, Equatable, Sendable {
    public var agent: String
    public var reason: String
    public var limit: PauseLimit
    public var limitMilliseconds: Int64

    public init(agent: String, reason: String, limit: PauseLimit, limitMilliseconds: Int64) {
        (self.agent, self.reason, self.limit) = (agent, reason, limit)
        self.limitMilliseconds = limitMilliseconds
    }
}

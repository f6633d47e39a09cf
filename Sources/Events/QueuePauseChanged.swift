/// Whether one of his queues asks an agent, whatever his state is.
public struct QueuePauseChanged: Codable, Equatable, Sendable {
    public var queue: String
    public var agent: String
    /// Why it leaves him out; nil: it asks him again.
    public var reason: String?

    public init(queue: String, agent: String, reason: String?) {
        (self.queue, self.agent, self.reason) = (queue, agent, reason)
    }
}

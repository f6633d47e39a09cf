/// Callers who wait for an agent. Read and checked; the steps that lead here come later.
public struct Queue: Equatable, Sendable {
    public enum Strategy: String, CaseIterable, Sendable {
        case ringAll = "ring-all"
        case longestIdle = "longest-idle"
        case roundRobin = "round-robin"
        case fewestCalls = "fewest-calls"
        case leastTalkTime = "least-talk-time"
        case random
        case skills
        case linear
    }

    /// Where a caller goes on.
    public struct Destination: Equatable, Sendable {
        public var dialPlan: String
        public var flow: String
    }

    public enum OnEmpty: Equatable, Sendable {
        case wait
        case refuse
        case leave(Destination)
    }

    public struct Agent: Equatable, Sendable {
        public var user: String
        public var penalty = 0
        public var skill = 0
    }

    public var name: String
    public var number: String?
    public var strategy: Strategy = .longestIdle
    public var ringTimeout: Duration = .seconds(15)
    public var wrapUp: Duration = .zero
    public var maxWait: Duration?
    /// Answered within so many seconds counts; the target in per cent.
    public var serviceLevelSeconds = 20
    public var serviceLevelTarget = 80
    /// Whoever leaves before this is a short abandon.
    public var abandonThreshold: Duration = .seconds(5)
    public var music: String?
    public var announcePosition: Duration?
    public var isRecorded = false
    public var agents: [Agent] = []
    public var onTimeout: Destination?
    public var onEmpty: OnEmpty = .wait

    public init(name: String) { self.name = name }
}

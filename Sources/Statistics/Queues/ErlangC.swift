import Glibc

/// Erlang's waiting system: Poisson arrivals, exponential handle times, nobody gives up. Because callers do give up, it
/// overstates waits. P_w comes from the loss formula's recursion, which holds for any number of agents; the service level
/// within T is 1 − P_w·e^(−(N−A)·T÷H), the average wait P_w·H ÷ (N−A) (liquisearch.com, "Erlang C formula").
public struct ErlangC: Hashable, Sendable {
    /// More agents than any centre has: a bound on the recursion, one step of which is one agent.
    public static let mostAgents = 1_000_000

    public let agents: Int
    /// A: offered traffic in erlangs, that is calls per second times seconds per call.
    public let traffic: Double
    /// Average handle time in seconds.
    public let handle: Double
    /// P_w: the probability that a call has to wait. 1 when the traffic is as much as the agents, or more.
    public let waitProbability: Double

    /// Nil for anything out of these ranges.
    ///
    /// - Parameters:
    ///   - calls: calls in the interval, 0 or more.
    ///   - interval: its length in seconds, above 0.
    ///   - handle: average handle time in seconds, 0 or more.
    ///   - agents: 0 to `mostAgents`.
    public init?(calls: Double, interval: Double, handle: Double, agents: Int) {
        guard let traffic = Self.traffic(calls, interval, handle), (0...Self.mostAgents).contains(agents) else {
            return nil
        }
        var ladder = Ladder(traffic: traffic)
        if traffic > 0, traffic < Double(agents) {
            while ladder.agents < agents { ladder.climb() }
        }
        (self.agents, self.traffic, self.handle) = (agents, traffic, handle)
        waitProbability = traffic == 0 ? 0 : traffic < Double(agents) ? ladder.waitProbability : 1
    }

    private init(agents: Int, traffic: Double, handle: Double, waitProbability: Double) {
        (self.agents, self.traffic, self.handle) = (agents, traffic, handle)
        self.waitProbability = waitProbability
    }

    /// Whether the agents can do the work at all; otherwise the queue grows without end.
    public var isStable: Bool { traffic == 0 || traffic < Double(agents) }

    /// The share of calls, from 0 to 1, that is answered within so many seconds.
    public func serviceLevel(within threshold: Double) -> Double {
        guard isStable, threshold >= 0 else { return 0 }
        guard waitProbability > 0 else { return 1 }
        return 1 - waitProbability * exp(-(Double(agents) - traffic) * threshold / handle)
    }

    /// The average speed of answer in seconds; infinite when the queue grows without end.
    public var averageWait: Double {
        guard isStable else { return .infinity }
        return waitProbability > 0 ? waitProbability * handle / (Double(agents) - traffic) : 0
    }

    /// The share of their time, from 0 to 1, that agents handle calls.
    public var occupancy: Double {
        guard traffic > 0 else { return 0 }
        return isStable ? traffic / Double(agents) : 1
    }

    /// The fewest agents with which the share `target` (0 to 1) of calls is answered within `threshold` seconds.
    ///
    /// - Parameters:
    ///   - calls: calls in the interval, 0 or more.
    ///   - interval: its length in seconds, above 0.
    ///   - handle: average handle time in seconds, 0 or more.
    ///   - threshold: seconds, 0 or more.
    ///   - target: 0 to 1.
    /// - Returns: nil when an input is out of its range, or when not even `mostAgents` do.
    public static func agentsNeeded(
        calls: Double,
        interval: Double,
        handle: Double,
        threshold: Double,
        target: Double
    ) -> Int? {
        guard let traffic = traffic(calls, interval, handle), threshold >= 0, (0...1).contains(target) else {
            return nil
        }
        guard traffic > 0 else { return 0 }
        guard traffic < Double(mostAgents) else { return nil }
        var ladder = Ladder(traffic: traffic)
        while ladder.agents < mostAgents {
            ladder.climb()
            guard traffic < Double(ladder.agents) else { continue }
            let system = ErlangC(
                agents: ladder.agents,
                traffic: traffic,
                handle: handle,
                waitProbability: ladder.waitProbability
            )
            if system.serviceLevel(within: threshold) >= target { return ladder.agents }
        }
        return nil
    }

    /// Erlangs; infinite when the product is beyond a Double, which no number of agents can serve.
    private static func traffic(_ calls: Double, _ interval: Double, _ handle: Double) -> Double? {
        guard calls.isFinite, interval.isFinite, handle.isFinite, calls >= 0, interval > 0, handle >= 0 else {
            return nil
        }
        return calls == 0 || handle == 0 ? 0 : calls / interval * handle
    }

    /// B(k) = A·B(k−1) ÷ (k + A·B(k−1)) with B(0) = 1: the loss formula, which never leaves 0…1.
    private struct Ladder {
        let traffic: Double
        var agents = 0
        var loss = 1.0

        init(traffic: Double) { self.traffic = traffic }

        mutating func climb() {
            agents += 1
            let offered = traffic * loss
            loss = offered / (Double(agents) + offered)
        }

        var waitProbability: Double { loss / (1 - traffic / Double(agents) * (1 - loss)) }
    }
}

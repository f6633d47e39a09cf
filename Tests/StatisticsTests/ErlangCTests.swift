import Statistics
import Testing

@Suite("Erlang C")
struct ErlangCTests {
    struct Vector: Sendable {
        var calls, interval, handle: Double
        var agents: Int
        var threshold, traffic, wait, level, answer, occupancy: Double
    }

    static let vectors: [Vector] = [
        vector(360, 1800, 240, 55, 15, [48, 0.238701, 0.845883, 8.184032, 0.872727]),
        vector(100, 1800, 180, 14, 20, [10, 0.174132, 0.888350, 7.835937, 0.714286]),
        vector(100, 1800, 180, 11, 20, [10, 0.682118, 0.389614, 122.781277, 0.909091]),
        vector(200, 3600, 240, 16, 20, [13.333333, 0.387202, 0.689953, 34.848173, 0.833333]),
        vector(1000, 3600, 300, 90, 20, [83.333333, 0.367289, 0.764501, 16.528027, 0.925926]),
    ]

    static func vector(_ c: Double, _ i: Double, _ h: Double, _ n: Int, _ t: Double, _ out: [Double]) -> Vector {
        Vector(
            calls: c,
            interval: i,
            handle: h,
            agents: n,
            threshold: t,
            traffic: out[0],
            wait: out[1],
            level: out[2],
            answer: out[3],
            occupancy: out[4]
        )
    }

    @Test(arguments: vectors)
    func `known answers to a millionth`(vector: Vector) throws {
        let system = try #require(
            ErlangC(calls: vector.calls, interval: vector.interval, handle: vector.handle, agents: vector.agents)
        )
        #expect(abs(system.traffic - vector.traffic) < 1e-6)
        #expect(abs(system.waitProbability - vector.wait) < 1e-6)
        #expect(abs(system.serviceLevel(within: vector.threshold) - vector.level) < 1e-6)
        #expect(abs(system.averageWait - vector.answer) < 1e-6)
        #expect(abs(system.occupancy - vector.occupancy) < 1e-6)
    }

    @Test func `one hundred calls in half an hour of three minutes need fourteen agents for 80 in 20`() throws {
        let needed = { (target: Double) in
            ErlangC.agentsNeeded(calls: 100, interval: 1800, handle: 180, threshold: 20, target: target)
        }
        #expect(needed(0.8) == 14)
        // The least number that can do the work at all, and the number before the answer is not enough.
        #expect(needed(0) == 11)
        let fewer = try #require(ErlangC(calls: 100, interval: 1800, handle: 180, agents: 13))
        #expect(fewer.serviceLevel(within: 20) < 0.8)
    }

    @Test func `as much traffic as agents is a wait without end`() throws {
        for agents in [0, 1, 9, 10] {
            let system = try #require(ErlangC(calls: 100, interval: 1800, handle: 180, agents: agents))
            #expect(!system.isStable)
            #expect(system.waitProbability == 1)
            #expect(system.serviceLevel(within: 1e9) == 0)
            #expect(system.averageWait == .infinity)
            #expect(system.occupancy == 1)
        }
    }

    @Test func `no calls wait for nobody`() throws {
        let idle = try #require(ErlangC(calls: 0, interval: 1800, handle: 180, agents: 0))
        #expect(idle.serviceLevel(within: 0) == 1)
        #expect((idle.averageWait, idle.occupancy) == (0, 0))
        #expect(ErlangC.agentsNeeded(calls: 0, interval: 1800, handle: 180, threshold: 20, target: 0.8) == 0)
    }

    @Test func `numbers beyond sense are refused or answered, and never trap`() {
        let numbers = [
            -1, 0, .leastNormalMagnitude, 1, 1e6, 1e18, .greatestFiniteMagnitude, .infinity, -.infinity, .nan,
            .leastNonzeroMagnitude,
        ]
        for calls in numbers {
            for interval in numbers {
                for handle in numbers {
                    let needed = ErlangC.agentsNeeded(
                        calls: calls,
                        interval: interval,
                        handle: handle,
                        threshold: 20,
                        target: 0.8
                    )
                    #expect(needed ?? 0 <= ErlangC.mostAgents)
                    guard let system = ErlangC(calls: calls, interval: interval, handle: handle, agents: 5) else {
                        continue
                    }
                    #expect((0...1).contains(system.waitProbability))
                    for threshold in numbers { #expect((0...1).contains(system.serviceLevel(within: threshold))) }
                    #expect(system.averageWait >= 0)
                }
            }
        }
        #expect(ErlangC(calls: 1, interval: 1, handle: 1, agents: -1) == nil)
        #expect(ErlangC(calls: 1, interval: 1, handle: 1, agents: .max) == nil)
        #expect(ErlangC.agentsNeeded(calls: 1, interval: 1, handle: 1, threshold: 20, target: 1.1) == nil)
        #expect(ErlangC.agentsNeeded(calls: 1, interval: 1, handle: 1, threshold: .nan, target: 1) == nil)
        let crowd = ErlangC(calls: 900_000, interval: 3600, handle: 3600, agents: ErlangC.mostAgents)
        #expect(crowd?.serviceLevel(within: 20) == 1)
    }
}

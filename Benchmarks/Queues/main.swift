import Foundation

// What one decision of the dispatcher costs, how that grows, and how good its expected waits are: `make bench` prints it beside
// the targets.

for (queues, agents, callers) in [(2, 20, 50), (20, 200, 500), (200, 2_000, 5_000)] {
    for strategy in [DecisionBench.Mix.mixed, .skilled] {
        DecisionBench(queues: queues, agents: agents, callers: callers, mix: strategy).report()
    }
}
// One queue that has them all: where anything that grows faster than a logarithm would show.
for (agents, callers) in [(20, 50), (200, 500), (2_000, 5_000)] {
    DecisionBench(queues: 1, agents: agents, callers: callers, mix: .mixed).report()
}
print("\nExpected wait at the entry against the wait that came of it, over simulated days")
ForecastBench.report()

import Events
import Foundation
import Simulation
import Synchronization
import Testing

/// Phones that call, hold, cancel, refuse and vanish over networks of every kind, against the whole engine under a virtual clock.
@Suite struct CentreTests {
    /// A slice of what `make simulate` runs; fewer or more by SIMULATION_RUNS, one alone by SIMULATION_SEED.
    private static let runs = UInt64(ProcessInfo.processInfo.environment["SIMULATION_RUNS"] ?? "") ?? 1_000

    private static func run(_ seed: UInt64) -> SimulatedCentre.Result? {
        let conditions: NetworkConditions = seed % 3 == 0 ? .perfect : .hostile
        return SimulatedCentre(seed: seed, conditions: conditions)?.run(calls: 1 + Int(seed % 2))
    }

    @Test func `no leg outlives its call, every call has one record, no port, timer or table entry is left`() async {
        if let only = UInt64(ProcessInfo.processInfo.environment["SIMULATION_SEED"] ?? "") {
            let result = Self.run(only)
            #expect(result?.faults == [])
            return
        }
        let progress = Progress()
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<max(2, ProcessInfo.processInfo.activeProcessorCount) {
                group.addTask {
                    while let seed = progress.next(below: Self.runs) {
                        progress.note(Self.run(seed), seed)
                        // Other tests wait for the same threads, some with a limit of time.
                        await Task.yield()
                    }
                }
            }
        }
        let total = progress.total
        for result in total.bad {
            Issue.record("SIMULATION_SEED=\(result.seed): \(result.faults.joined(separator: "; "))")
        }
        // The runs are worth something only when calls were made, and some of them answered.
        #expect(total.calls > Int(Self.runs) / 2)
        #expect(total.answered > Int(Self.runs) / 10)
        #expect(total.waits[.answered, default: 0] > Int(Self.runs) / 50)
        #expect(total.waits[.abandoned, default: 0] > 0 && total.waits[.timeout, default: 0] > 0)
        #expect(total.supervisions > Int(Self.runs) / 200)
        #expect(total.transfers.begun > Int(Self.runs) / 20 && total.transfers.done > Int(Self.runs) / 50)
        #expect(total.lamps.lit > Int(Self.runs) && total.lamps.told > total.lamps.lit)
        #expect(total.pickUps > Int(Self.runs) / 200, "\(total.pickUps)")
        #expect(total.callbacks[.done, default: 0] > 0 && total.callbacks[.failed, default: 0] > 0)
        for kind in ["BYE", "CANCEL", "INFO", "PRACK", "REGISTER", "UPDATE", "early media", "tcp"] {
            #expect(total.messages[kind, default: 0] > Int(Self.runs) / 10, "\(kind)")
        }
        let waits = total.waits.map { "\($0.value) \($0.key.rawValue)" }.sorted().joined(separator: ", ")
        print(
            "\(Self.runs) runs, \(total.calls) calls, \(total.answered) answered, \(total.supervisions) supervisions, \(total.transfers.begun) transfers of which \(total.transfers.done) done; callbacks: \(total.callbacks); waits: \(waits)"
        )
    }

    @Test func `the same seed gives the same run`() {
        let (first, second) = (Self.run(7), Self.run(7))
        #expect(first?.calls == second?.calls && first?.answered == second?.answered)
        #expect(first?.faults == second?.faults)
    }
}

/// How far the runs have come, shared by the threads that run them.
private final class Progress: Sendable {
    struct Total {
        var next: UInt64 = 0
        var calls = 0
        var answered = 0
        var supervisions = 0
        var transfers = (begun: 0, done: 0)
        var lamps = (told: 0, lit: 0)
        var pickUps = 0
        var callbacks: [CallbackState: Int] = [:]
        var waits: [QueueOutcome: Int] = [:]
        var messages: [String: Int] = [:]
        var bad: [SimulatedCentre.Result] = []
    }

    private let state = Mutex(Total())
    var total: Total { state.withLock { $0 } }

    /// nil when all are taken, or enough are bad.
    func next(below runs: UInt64) -> UInt64? {
        state.withLock { state in
            guard state.next < runs, state.bad.count < 10 else { return nil }
            defer { state.next += 1 }
            return state.next
        }
    }

    func note(_ result: SimulatedCentre.Result?, _ seed: UInt64) {
        let result = result ?? SimulatedCentre.Result(seed: seed, faults: ["the configuration does not read"])
        state.withLock { state in
            state.calls += result.calls
            state.answered += result.answered
            state.supervisions += result.supervisions
            state.transfers.begun += result.transfers.begun
            state.transfers.done += result.transfers.done
            state.pickUps += result.pickUps
            state.lamps = (state.lamps.told + result.lamps.told, state.lamps.lit + result.lamps.lit)
            state.waits.merge(result.waits, uniquingKeysWith: +)
            state.callbacks.merge(result.callbacks, uniquingKeysWith: +)
            state.messages.merge(result.messages, uniquingKeysWith: +)
            if !result.faults.isEmpty { state.bad.append(result) }
        }
    }
}

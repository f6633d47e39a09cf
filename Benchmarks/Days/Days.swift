import Foundation
import Simulation
import Synchronization

/// Whole days of a contact centre on the whole engine: `Days [days] [first seed] [calls a day]`. Ends with 1 when a day is bad, and
/// names its seed; every third day has a network that loses, repeats and reorders.
@main struct Days {
    static func main() async {
        let arguments = CommandLine.arguments.dropFirst().map { UInt64($0) }
        guard !arguments.contains(nil), arguments.count <= 3 else {
            say("usage: Days [days] [first seed] [calls a day]")
            exit(64)
        }
        let numbers = arguments.compactMap { $0 }
        let first = numbers.count > 1 ? numbers[1] : 1
        let run = Run(
            first..<(first &+ (numbers.first ?? 1_000)),
            calls: numbers.count > 2 ? Int(clamping: numbers[2]) : 5_000
        )
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<ProcessInfo.processInfo.activeProcessorCount {
                group.addTask { while let seed = run.next() { run.day(seed) } }
            }
        }
        exit(run.report() ? 0 : 1)
    }
}

/// How far the days have come, shared by the threads that simulate them.
private final class Run: Sendable {
    private struct State {
        var next: UInt64
        var results: [SimulatedDay.Result] = []
    }

    private let end: UInt64
    private let calls: Int
    private let state: Mutex<State>

    init(_ seeds: Range<UInt64>, calls: Int) {
        (end, self.calls) = (seeds.upperBound, calls)
        state = Mutex(State(next: seeds.lowerBound))
    }

    func next() -> UInt64? {
        state.withLock { state in
            guard state.next < end else { return nil }
            defer { state.next += 1 }
            return state.next
        }
    }

    func day(_ seed: UInt64) {
        let conditions: NetworkConditions = seed % 3 == 0 ? .hostile : .perfect
        guard let result = SimulatedDay(seed: seed, calls: calls, conditions: conditions)?.run() else {
            let unread = SimulatedDay.Result(seed: seed, faults: ["the configuration does not read"])
            return state.withLock { $0.results.append(unread) }
        }
        state.withLock { $0.results.append(result) }
        say(result.summary)
        for fault in result.faults.prefix(5) { say("BAD DAY, seed \(seed): \(fault)") }
    }

    /// True when every day was good.
    func report() -> Bool {
        let results = state.withLock { $0.results }
        let bad = results.filter { !$0.faults.isEmpty }.map(\.seed).sorted()
        let waits = WaitError(results.map(\.forecasts))
        say("\(results.count) days, \(results.reduce(0) { $0 + $1.calls }) calls; \(waits)")
        if !bad.isEmpty { say("bad days, by seed: \(bad.map(String.init).joined(separator: " "))") }
        return bad.isEmpty
    }
}

/// At once, also into a file.
private func say(_ line: String) { FileHandle.standardOutput.write(Data((line + "\n").utf8)) }

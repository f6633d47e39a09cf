import Synchronization
import Timebase

/// One stream of numbers for all parts of an engine, as the system's is. Each part would draw the same numbers from a copy of its own,
/// and two of them sent requests with the same branch.
final class SharedGenerator: RandomNumberGenerator, Sendable {
    private let state: Mutex<SeededGenerator>

    init(seed: UInt64) { state = Mutex(SeededGenerator(seed: seed)) }

    func next() -> UInt64 { state.withLock { $0.next() } }
}

import Dispatch
import Synchronization

/// Where forecasts and replays are reckoned: on a thread of its own, one after the other, and a few at a time. However many are asked
/// for, calls keep their processor.
final class PlanningDesk: Sendable {
    /// So many wait already.
    struct Full: Error {}

    /// Under way or waiting.
    static let most = 4
    /// Seconds that one replay may take.
    static let patience = 30.0

    private let queue = DispatchQueue(label: "gudok.planning", qos: .utility)
    private let count = Mutex(0)

    func run<Value: Sendable>(_ work: @escaping @Sendable () throws -> Value) async throws -> Value {
        let isTaken = count.withLock { count in
            guard count < Self.most else { return false }
            count += 1
            return true
        }
        guard isTaken else { throw Full() }
        return try await withCheckedThrowingContinuation { answer in
            queue.async { [self] in
                let result = Result { try work() }
                count.withLock { $0 -= 1 }
                answer.resume(with: result)
            }
        }
    }
}

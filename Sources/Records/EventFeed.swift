import Events
import Synchronization

/// Events that are on disk, handed to whoever follows the stream now. Whoever is too slow is cut off, and may resume.
public final class EventFeed: Sendable {
    private struct State {
        var next = 0
        var followers: [Int: AsyncStream<JournalEntry>.Continuation] = [:]
    }

    /// What may wait for one follower.
    private static let longestQueue = 10_000
    private let state = Mutex(State())

    public init() {}

    /// What comes from now on.
    public func follow() -> AsyncStream<JournalEntry> {
        let (stream, continuation) = AsyncStream<JournalEntry>.makeStream(
            bufferingPolicy: .bufferingOldest(Self.longestQueue)
        )
        let id = state.withLock { state in
            state.next += 1
            state.followers[state.next] = continuation
            return state.next
        }
        continuation.onTermination = { [weak self] _ in self?.state.withLock { $0.followers[id] = nil } }
        return stream
    }

    var isFollowed: Bool { state.withLock { !$0.followers.isEmpty } }

    func publish(_ entries: [JournalEntry]) {
        let followers = state.withLock { $0.followers }
        for (id, follower) in followers {
            for entry in entries {
                guard case .dropped = follower.yield(entry) else { continue }
                follower.finish()
                state.withLock { $0.followers[id] = nil }
                break
            }
        }
    }

    /// Ends every stream.
    public func close() { for follower in state.withLock({ $0.followers }).values { follower.finish() } }
}

import Synchronization

/// An answer that one task waits for. The first that is given counts.
public final class OneAnswer<Value: Sendable>: Sendable {
    private enum State {
        case open(CheckedContinuation<Value, Never>?)
        /// Before anybody waited.
        case given(Value)
        case taken
    }

    private let state = Mutex(State.open(nil))

    public init() {}

    /// What else is done for it is done in vain.
    public var isGiven: Bool {
        state.withLock { if case .open = $0 { false } else { true } }
    }

    public func give(_ value: Value) {
        let waiting = state.withLock { state -> CheckedContinuation<Value, Never>? in
            guard case .open(let waiting) = state else { return nil }
            state = waiting == nil ? .given(value) : .taken
            return waiting
        }
        waiting?.resume(returning: value)
    }

    /// Once, by one task.
    public func wait() async -> Value {
        await withCheckedContinuation { continuation in
            let early = state.withLock { state -> Value? in
                guard case .given(let value) = state else {
                    state = .open(continuation)
                    return nil
                }
                state = .taken
                return value
            }
            if let early { continuation.resume(returning: early) }
        }
    }

    /// `late` is the answer when none is given within `patience`.
    public func wait(atMost patience: Duration, else late: Value) async -> Value {
        let timer = Task {
            // Cancelled, the answer is there.
            guard (try? await Task.sleep(for: patience)) != nil else { return }
            give(late)
        }
        defer { timer.cancel() }
        return await wait()
    }
}

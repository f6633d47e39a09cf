import Dispatch
import Synchronization

/// Where what takes long is done, and what a disk may hold up: on threads of its own, so many at once, and a few more that wait. However
/// many ask, calls keep their processor, and whoever asks for something else his answer.
///
/// Swift's own threads are as few as the machine's processors: two reads of a file that wait for the disk, and no other request goes on.
final class Desk: Sendable {
    /// So many are under way or wait already.
    struct Full: Error {
        let most: Int
        let what: String
    }

    /// Does the work, and gives what is to be done when its place is free again: to answer.
    private typealias Job = @Sendable () -> (@Sendable () -> Void)

    private struct State {
        var free: [DispatchQueue]
        var waiting: [Job] = []
        var count = 0
    }

    private let what: String
    private let most: Int
    private let state: Mutex<State>

    /// `what` is done at the desk, as those are told who find no place: "reports".
    init(for what: String, seats: Int, most: Int) {
        (self.what, self.most) = (what, most)
        state = Mutex(State(free: (0..<seats).map { DispatchQueue(label: "gudok.\(what).\($0)") }))
    }

    /// - Throws: what `work` throws; ``Full``.
    func run<Value: Sendable>(_ work: @escaping @Sendable () throws -> Value) async throws -> Value {
        try await withCheckedThrowingContinuation { continuation in
            submit(work) { continuation.resume(with: $0) }
        }
    }

    /// nil: it is not done yet, and nobody waits for it any more.
    func run<Value: Sendable>(
        atMost patience: Duration,
        _ work: @escaping @Sendable () throws -> Value
    ) async throws -> Value? {
        try await firstAnswer(within: patience) { submit(work, $0) }
    }

    private func submit<Value: Sendable>(
        _ work: @escaping @Sendable () throws -> Value,
        _ answer: @escaping @Sendable (Result<Value, any Error>) -> Void
    ) {
        let job: Job = {
            let result = Result { try work() }
            return { answer(result) }
        }
        let (isTaken, seat) = state.withLock { state -> (Bool, DispatchQueue?) in
            guard state.count < most else { return (false, nil) }
            state.count += 1
            guard let seat = state.free.popLast() else {
                state.waiting.append(job)
                return (true, nil)
            }
            return (true, seat)
        }
        guard isTaken else { return answer(.failure(Full(most: most, what: what))) }
        if let seat { seat.async { [self] in occupy(seat, with: job) } }
    }

    private func occupy(_ seat: DispatchQueue, with first: @escaping Job) {
        var job: Job? = first
        while let now = job {
            let answer = now()
            job = next(at: seat)
            answer()
        }
    }

    /// The next that waits; nil: the seat is free.
    private func next(at seat: DispatchQueue) -> Job? {
        state.withLock { state in
            state.count -= 1
            guard state.waiting.isEmpty else { return state.waiting.removeFirst() }
            state.free.append(seat)
            return nil
        }
    }
}

/// What `start` answers, or nil when that takes longer.
func firstAnswer<Value: Sendable>(
    within patience: Duration,
    _ start: (@escaping @Sendable (Result<Value, any Error>) -> Void) -> Void
) async throws -> Value? {
    let open = OpenAnswer<Value>()
    let timer = Task {
        // Cancelled, the answer is there.
        guard (try? await Task.sleep(for: patience)) != nil else { return }
        open.give(.success(nil))
    }
    defer { timer.cancel() }
    return try await withCheckedThrowingContinuation { continuation in
        open.wait(continuation)
        start { open.give($0.map { $0 }) }
    }
}

/// One who waits, and is answered once.
private final class OpenAnswer<Value: Sendable>: Sendable {
    private enum State {
        case nobody
        case waiting(CheckedContinuation<Value?, any Error>)
        /// Before anybody waited.
        case early(Result<Value?, any Error>)
        case answered
    }

    private let state = Mutex(State.nobody)

    func wait(_ continuation: CheckedContinuation<Value?, any Error>) {
        let early: Result<Value?, any Error>? = state.withLock { state in
            guard case .early(let result) = state else {
                state = .waiting(continuation)
                return nil
            }
            state = .answered
            return result
        }
        if let early { continuation.resume(with: early) }
    }

    func give(_ result: Result<Value?, any Error>) {
        let continuation: CheckedContinuation<Value?, any Error>? = state.withLock { state in
            switch state {
            case .nobody:
                state = .early(result)
                return nil
            case .waiting(let continuation):
                state = .answered
                return continuation
            case .early, .answered: return nil
            }
        }
        continuation?.resume(with: result)
    }
}

import Dispatch
import Synchronization
import Threading

/// Where what takes long is done, and what a disk may hold up: by threads of its own, so many at once, and a few more that wait. However
/// many ask, calls keep their processor, and whoever asks for something else his answer.
///
/// Swift's own threads are as few as the machine's processors: two reads of a file that wait for the disk, and no other request goes on.
final class WorkerPool: Sendable {
    /// So many are under way or wait already.
    struct Full: Error, CustomStringConvertible {
        let most: Int
        let what: String

        var description: String { "\(most) \(what) are under way or waiting" }
    }

    private struct Job: Sendable {
        /// Nobody waits for it any more.
        let isForsaken: @Sendable () -> Bool
        /// Does the work, and gives what is to be done when its place is free again: to answer.
        let run: @Sendable () -> (@Sendable () -> Void)
    }

    private struct State {
        var free: [DispatchQueue]
        var waiting: [Job] = []
        var busy = 0
    }

    private let what: String
    private let most: Int
    private let state: Mutex<State>

    /// `what` they do, as those are told who find no place: "reports".
    init(for what: String, workers: Int, most: Int) {
        (self.what, self.most) = (what, most)
        state = Mutex(State(free: (0..<workers).map { DispatchQueue(label: "gudok.\(what).\($0)") }))
    }

    /// - Throws: what `work` throws; ``Full``.
    func run<Value: Sendable>(_ work: @escaping @Sendable () throws -> Value) async throws -> Value {
        let answer = OneAnswer<Result<Value, any Error>>()
        try submit({ Result { try work() } }, for: answer)
        return try await answer.wait().get()
    }

    /// nil: it is not done yet, and nobody waits for it any more.
    func run<Value: Sendable>(
        atMost patience: Duration,
        _ work: @escaping @Sendable () throws -> Value
    ) async throws -> Value? {
        let answer = OneAnswer<Result<Value?, any Error>>()
        try submit({ Result { try work() } }, for: answer)
        return try await answer.wait(atMost: patience, else: .success(nil)).get()
    }

    private func submit<Value: Sendable>(
        _ work: @escaping @Sendable () -> Value,
        for answer: OneAnswer<Value>
    ) throws(Full) {
        let job = Job(isForsaken: { answer.isGiven }) {
            let value = work()
            return { answer.give(value) }
        }
        let (isTaken, worker) = state.withLock { state -> (Bool, DispatchQueue?) in
            guard let worker = state.free.popLast() else {
                // Whom nobody waits for any more takes no place.
                if state.busy + state.waiting.count >= most { state.waiting.removeAll { $0.isForsaken() } }
                guard state.busy + state.waiting.count < most else { return (false, nil) }
                state.waiting.append(job)
                return (true, nil)
            }
            state.busy += 1
            return (true, worker)
        }
        guard isTaken else { throw Full(most: most, what: what) }
        if let worker { worker.async { [self] in occupy(worker, with: job) } }
    }

    private func occupy(_ worker: DispatchQueue, with first: Job) {
        var job: Job? = first
        while let now = job {
            let answer = now.run()
            job = next(for: worker)
            answer()
        }
    }

    /// The next that waits; nil: the worker is free.
    private func next(for worker: DispatchQueue) -> Job? {
        state.withLock { state in
            while !state.waiting.isEmpty {
                let job = state.waiting.removeFirst()
                if !job.isForsaken() { return job }
            }
            state.busy -= 1
            state.free.append(worker)
            return nil
        }
    }
}

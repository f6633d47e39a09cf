import Events
import Foundation
import Records
import Synchronization
import Threading

/// Puts on disk what the core must not wait for, on a thread of its own. What the disk does not take is told once, and tried again every
/// second until it does.
final class DiskErrand: Sendable {
    private struct State {
        var isDue = false
        var hasFailed = false
    }

    private static let pause: TimeInterval = 1
    private let what: String
    private let log: LogSink
    private let queue: DispatchQueue
    private let state = Mutex(State())

    /// `what`: as the log names it.
    init(_ what: String, log: LogSink) {
        (self.what, self.log) = (what, log)
        queue = DispatchQueue(label: "gudok.disk.\(what)")
    }

    /// Something waits. `write` takes all there is, and keeps what it throws for.
    func call(_ write: @escaping @Sendable () throws -> Void) {
        let isFirst = state.withLock { state in
            defer { state.isDue = true }
            return !state.isDue
        }
        if isFirst { queue.async { self.attempt(write) } }
    }

    /// Returns when what was called for has been tried, or after `patience`: the disk may hang.
    func wait(atMost patience: Duration) async {
        let tried = OneAnswer<Void>()
        queue.async { tried.give(()) }
        await tried.wait(atMost: patience, else: ())
    }

    /// Writes what waits before it returns, or gives it up.
    func flush(_ write: @escaping @Sendable () throws -> Void) {
        queue.sync {
            do { try write() } catch { log.log(.error, "\(what): lost at the end: \(error.inWords)") }
        }
    }

    private func attempt(_ write: @escaping @Sendable () throws -> Void) {
        state.withLock { $0.isDue = false }
        do {
            try write()
            let isRecovery = state.withLock { state in
                defer { state.hasFailed = false }
                return state.hasFailed
            }
            if isRecovery { log.log(.notice, "\(what): on disk again") }
        } catch {
            let isNews = state.withLock { state in
                defer { (state.isDue, state.hasFailed) = (true, true) }
                return !state.hasFailed
            }
            if isNews { log.log(.error, "\(what): cannot be written, tried again until it can: \(error.inWords)") }
            queue.asyncAfter(deadline: .now() + Self.pause) { self.attempt(write) }
        }
    }
}

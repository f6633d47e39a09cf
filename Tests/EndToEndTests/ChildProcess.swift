import CSpawn
import Foundation
import Glibc
import Synchronization

/// A process whose output is gathered and can be waited upon: no sleeps, a condition and a deadline.
final class ChildProcess: Sendable {
    /// What the thread knows that reads the output and waits for the end.
    private final class Observed: Sendable {
        struct State {
            var text = ""
            /// What `waitpid` told; all of the output is in `text` by then.
            var status: Int32?
        }
        let state = Mutex(State())
        let changed = DispatchSemaphore(value: 0)
    }

    let pid: pid_t
    private let observed = Observed()

    init(_ program: String, _ arguments: [String], in folder: URL? = nil, environment: [String: String] = [:]) throws {
        var ends: [Int32] = [-1, -1]
        guard pipe_alone(&ends) == 0 else { throw SpawnFault(what: "no pipe for the output of \(program)") }
        defer { close(ends[1]) }
        do {
            pid = try spawn(program, arguments, in: folder, environment: environment, output: ends[1])
        } catch {
            close(ends[0])
            throw error
        }
        Reaper.shared.watch(pid)
        Thread.detachNewThread { [pid, observed, output = ends[0]] in
            Self.observe(pid, observed, output)
            close(output)
        }
    }

    private static func observe(_ pid: pid_t, _ observed: Observed, _ output: Int32) {
        var wanted = pollfd(fd: output, events: Int16(POLLIN), revents: 0)
        while true {
            let isReady = poll(&wanted, 1, 20) > 0
            // Asked before the read: what it has written before its end is read with it.
            var end = siginfo_t()
            let hasEnded = waitid(P_PID, id_t(pid), &end, WEXITED | WNOHANG | WNOWAIT) == 0 && end.si_signo == SIGCHLD
            let isOver = observed.state.withLock { state in
                if isReady, !read(output, into: &state.text) { wanted.fd = -1 }
                guard hasEnded else { return false }
                while poll(&wanted, 1, 0) > 0, read(output, into: &state.text) {}
                // Within the lock: nobody signals a number that is free again.
                var status: Int32 = 0
                waitpid(pid, &status, 0)
                state.status = status
                Reaper.shared.forget(pid)
                return true
            }
            observed.changed.signal()
            if isOver { return }
        }
    }

    /// False: that was all.
    private static func read(_ file: Int32, into text: inout String) -> Bool {
        var octets = [UInt8](repeating: 0, count: 65_536)
        let count = Glibc.read(file, &octets, octets.count)
        text += String(decoding: octets.prefix(max(0, count)), as: UTF8.self)
        return count > 0
    }

    var text: String { observed.state.withLock { $0.text } }
    var isRunning: Bool { observed.state.withLock { $0.status == nil } }

    /// Waits until the output satisfies `condition`; false at the deadline or at the process's end without it.
    func waitFor(_ seconds: Double = 20, _ condition: (String) -> Bool) -> Bool {
        wait(seconds) { condition($0.text) ? true : $0.status == nil ? nil : false } ?? false
    }

    func signal(_ number: Int32) { observed.state.withLock { if $0.status == nil { kill(pid, number) } } }

    /// Waits for the end, and with it for all of the output: the exit's code, or the number of the signal that ended it. Nil when it did
    /// not come in time (the process is then killed).
    @discardableResult
    func exitCode(within seconds: Double = 30) -> Int32? {
        if let status = wait(seconds, { $0.status }) { return status & 0x7F == 0 ? status >> 8 & 0xFF : status & 0x7F }
        signal(SIGKILL)
        return nil
    }

    private func wait<Found>(_ seconds: Double, _ find: (Observed.State) -> Found?) -> Found? {
        let deadline = DispatchTime.now() + seconds
        while true {
            let state = observed.state.withLock { $0 }
            if let found = find(state) { return found }
            if .now() >= deadline { return nil }
            _ = observed.changed.wait(timeout: deadline)
        }
    }

    deinit { signal(SIGKILL) }
}

/// Waits until `condition` holds, looking again every few milliseconds; false at the deadline.
func eventually(within seconds: Double = 10, _ condition: () throws -> Bool) rethrows -> Bool {
    let deadline = ContinuousClock.now + .seconds(seconds)
    let tick = DispatchSemaphore(value: 0)
    while true {
        if try condition() { return true }
        if ContinuousClock.now >= deadline { return false }
        _ = tick.wait(timeout: .now() + .milliseconds(10))
    }
}

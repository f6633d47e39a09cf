import Foundation
import Synchronization

/// A process whose output is gathered and can be waited upon: no sleeps, a condition and a deadline.
final class ChildProcess: Sendable {
    private struct Output {
        var text = ""
        var isOver = false
    }

    // Foundation's Process is not Sendable; it is started in `init` and afterwards only signalled and waited for.
    private let process = Process()
    private let output = Mutex(Output())
    private let changed = DispatchSemaphore(value: 0)
    private let pipe = Pipe()

    init(_ program: String, _ arguments: [String], in folder: URL? = nil, environment: [String: String] = [:]) throws {
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = arguments
        if let folder { process.currentDirectoryURL = folder }
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = pipe
        process.standardError = pipe
        try process.run()
        Reaper.shared.watch(pid)
        gather()
    }

    /// On a thread of its own: a dispatch source outlives its file when a process that was started at the same time has inherited it,
    /// and an event of it then ends the tests.
    private func gather() {
        Thread.detachNewThread { [weak self, pipe] in
            let file = pipe.fileHandleForReading.fileDescriptor
            var wanted = pollfd(fd: file, events: Int16(POLLIN), revents: 0)
            while true {
                let isReady = poll(&wanted, 1, 100) > 0
                guard let self else { return }
                if isReady, self.take(from: file) { return }
            }
        }
    }

    /// True: that was all.
    private func take(from file: Int32) -> Bool {
        defer { changed.signal() }
        // Within the lock: what has left the pipe is in the text.
        return output.withLock { output in
            var octets = [UInt8](repeating: 0, count: 65_536)
            let count = read(file, &octets, octets.count)
            output.text += String(decoding: octets.prefix(max(0, count)), as: UTF8.self)
            output.isOver = count <= 0
            return output.isOver
        }
    }

    var text: String { output.withLock { $0.text } }
    var pid: Int32 { process.processIdentifier }
    var isRunning: Bool { process.isRunning }

    /// Waits until the output satisfies `condition`; false at the deadline or at the process's end without it.
    func waitFor(_ seconds: Double = 20, _ condition: (String) -> Bool) -> Bool {
        let deadline = DispatchTime.now() + seconds
        while true {
            let (text, isOver) = output.withLock { ($0.text, $0.isOver) }
            if condition(text) { return true }
            if isOver { return condition(self.text) }
            if changed.wait(timeout: deadline) == .timedOut { return condition(self.text) }
        }
    }

    /// Waits until all is here that a process has said which is over. The pipe's end need not come: processes that were started at the
    /// same time may have inherited the other side.
    func readToEnd() {
        let deadline = DispatchTime.now() + 20
        while true {
            let isAllHere = output.withLock { output in
                var left: Int32 = 0
                return output.isOver
                    || ioctl(pipe.fileHandleForReading.fileDescriptor, UInt(FIONREAD), &left) == 0 && left == 0
            }
            if isAllHere || changed.wait(timeout: min(deadline, .now() + 0.01)) == .timedOut && .now() >= deadline {
                return
            }
        }
    }

    func signal(_ number: Int32) { kill(pid, number) }

    /// Waits for the end; nil when it did not come in time (the process is then killed).
    @discardableResult
    func exitCode(within seconds: Double = 30) -> Int32? {
        let deadline = Date(timeIntervalSinceNow: seconds)
        let ended = DispatchSemaphore(value: 0)
        let process = self.process
        process.terminationHandler = { _ in ended.signal() }
        defer { Reaper.shared.forget(pid) }
        if !process.isRunning { return process.terminationStatus }
        guard ended.wait(timeout: .now() + max(0, deadline.timeIntervalSinceNow)) == .success else {
            signal(SIGKILL)
            process.waitUntilExit()
            return nil
        }
        return process.terminationStatus
    }

    deinit {
        if process.isRunning { kill(pid, SIGKILL) }
        Reaper.shared.forget(pid)
    }
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

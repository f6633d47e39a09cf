import Foundation
import Synchronization
import Testing

@testable import Switch

/// Work that a disk holds up.
@Suite struct WorkerPoolTests {
    /// Holds up whoever passes until it is opened.
    private final class Gate: Sendable {
        private let semaphore = DispatchSemaphore(value: 0)
        private let (arrivals, arrive) = AsyncStream.makeStream(of: Void.self)

        func pass() {
            arrive.yield()
            semaphore.wait()
        }

        /// Returns when so many stand before it, who were not awaited yet.
        func await(_ count: Int) async { for await _ in arrivals.prefix(count) {} }

        func open(for count: Int) { for _ in 0..<count { semaphore.signal() } }
    }

    private struct Fault: Error {}

    @Test func `whoever is held up keeps nobody else waiting but in this pool`() async throws {
        // As many as Swift has threads, and more.
        let workers = ProcessInfo.processInfo.activeProcessorCount + 2
        let (pool, gate) = (WorkerPool(for: "readings", workers: workers, most: workers + 3), Gate())
        let held = (0..<workers).map { number in
            Task {
                try await pool.run {
                    gate.pass()
                    return number
                }
            }
        }
        await gate.await(workers)
        let waiting = (0..<3).map { number in Task.immediate { try await pool.run { number } } }
        await #expect(throws: WorkerPool.Full.self) { try await pool.run { true } }
        #expect(try await WorkerPool(for: "others", workers: 1, most: 1).run { 7 } == 7)
        gate.open(for: workers)
        for (number, task) in held.enumerated() { #expect(try await task.value == number) }
        for (number, task) in waiting.enumerated() { #expect(try await task.value == number) }
        #expect(try await pool.run(atMost: .seconds(60)) { 5 } == 5)
    }

    @Test func `work that nobody waits for any more takes nobody's place, and is not begun`() async throws {
        let (pool, gate) = (WorkerPool(for: "readings", workers: 1, most: 2), Gate())
        let begun = Mutex(0)
        let held = Task { try await pool.run { gate.pass() } }
        await gate.await(1)
        for _ in 0..<5 {
            let late: Void? = try await pool.run(atMost: .milliseconds(1)) { begun.withLock { $0 += 1 } }
            #expect(late == nil)
        }
        let next = Task.immediate { try await pool.run { 7 } }
        gate.open(for: 1)
        try await held.value
        #expect(try await next.value == 7)
        #expect(begun.withLock(\.self) == 0)
    }

    @Test func `what work throws reaches who asked for it, and frees the worker`() async throws {
        let pool = WorkerPool(for: "readings", workers: 1, most: 1)
        for _ in 0..<3 {
            await #expect(throws: Fault.self) { try await pool.run { throw Fault() } }
            await #expect(throws: Fault.self) { try await pool.run(atMost: .seconds(60)) { throw Fault() } }
        }
        #expect(try await pool.run { 1 } == 1)
    }

    @Test func `an errand that hangs lets those go who wait for it`() async throws {
        let gate = Gate()
        let errand = DiskErrand("a test", log: LogSink(format: .text, level: .error))
        errand.call {
            gate.pass()
        }
        let start = ContinuousClock.now
        await errand.wait(atMost: .milliseconds(20))
        #expect(.now - start >= .milliseconds(19))
        gate.open(for: 1)
        await errand.wait(atMost: .seconds(60))
        await gate.await(1)
    }
}

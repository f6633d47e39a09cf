import Foundation
import Testing

@testable import Switch

/// Work that a disk holds up.
@Suite struct DeskTests {
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

    @Test func `whoever is held up keeps nobody else waiting but at this desk`() async throws {
        // As many as Swift has threads, and more.
        let seats = ProcessInfo.processInfo.activeProcessorCount + 2
        let (desk, gate) = (Desk(for: "readings", seats: seats, most: seats + 3), Gate())
        let held = (0..<seats).map { number in
            Task {
                try await desk.run {
                    gate.pass()
                    return number
                }
            }
        }
        await gate.await(seats)
        for _ in 0..<3 { #expect(try await desk.run(atMost: .milliseconds(1)) { true } == nil) }
        await #expect(throws: Desk.Full.self) { try await desk.run { true } }
        #expect(try await Desk(for: "others", seats: 1, most: 1).run { 7 } == 7)
        gate.open(for: seats)
        for (number, task) in held.enumerated() { #expect(try await task.value == number) }
        #expect(try await desk.run(atMost: .seconds(60)) { 5 } == 5)
    }

    @Test func `what work throws reaches who asked for it, and frees the seat`() async throws {
        let desk = Desk(for: "readings", seats: 1, most: 1)
        for _ in 0..<3 {
            await #expect(throws: Fault.self) { try await desk.run { throw Fault() } }
            await #expect(throws: Fault.self) { try await desk.run(atMost: .seconds(60)) { throw Fault() } }
        }
        #expect(try await desk.run { 1 } == 1)
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

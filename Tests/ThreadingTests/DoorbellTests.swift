import Synchronization
import Testing

@testable import Threading

@Suite struct DoorbellTests {
    @Test func `a ring before the wait is not lost, and rings for one wait`() {
        let bell = Doorbell()
        bell.ring()
        bell.ring()
        let start = ContinuousClock.now
        #expect(bell.isThere && bell.wait(atMost: .seconds(60)))
        #expect(.now - start < .seconds(30))
        let second = ContinuousClock.now
        #expect(!bell.wait(atMost: .milliseconds(20)))
        #expect(.now - second >= .milliseconds(19))
    }

    @Test func `who waits goes on when another thread rings`() throws {
        let shared = Shared()
        let thread = try #require(
            OwnThread(named: "waiter") {
                shared.bell.wait(atMost: .seconds(60))
                shared.isAwake.store(true, ordering: .releasing)
                shared.answer.ring()
            }
        )
        shared.bell.ring()
        shared.answer.wait(atMost: .seconds(30))
        let isAwake = shared.isAwake.load(ordering: .acquiring)
        thread.join()
        #expect(isAwake)
    }

    private final class Shared: Sendable {
        let (bell, answer) = (Doorbell(), Doorbell())
        let isAwake = Atomic(false)
    }

    @Test func `no patience is no wait`() {
        let start = ContinuousClock.now
        for patience in [Duration.zero, .microseconds(999), .seconds(-5)] { Doorbell().wait(atMost: patience) }
        #expect(.now - start < .seconds(5))
    }
}

import ACD
import Config
import Events
import Testing
import Timebase

/// Places of callers who are to be called back, among those who wait on the line.
@Suite struct CallbackPlaceTests {
    private let floor = Floor(agents: [agent("1")]) {
        $0.ringTimeout = .seconds(600)
        $0.maxLength = 2
    }

    /// Serves everybody; in which order.
    private func served() -> [CallID] {
        floor.perform(.unpause, "1")
        var served: [CallID] = []
        while let call = floor.offeredCalls.first {
            served.append(call)
            floor.answer(call, "1")
            floor.end(call)
        }
        return served
    }

    @Test func `whoever leaves the line keeps the place that he had in it`() throws {
        floor.perform(.pause(reason: "tea"), "1")
        let first = floor.enter()
        floor.pass(.seconds(1))
        let second = floor.enter()
        let place = try #require(floor.dispatcher.place(of: second))
        floor.pass(.seconds(1))
        floor.leave(second)
        let third = floor.enter()
        floor.pass(.seconds(5))
        let callback = floor.enter(isCallback: true, place: place)
        #expect(served() == [first, callback, third])
    }

    @Test func `without a place a callback stands behind those who wait, and takes nobody's room`() {
        floor.perform(.pause(reason: "tea"), "1")
        let first = floor.enter()
        let callback = floor.enter(isCallback: true)
        let second = floor.enter()
        #expect(floor.left == [])
        #expect(floor.enter() != second && floor.left == [.full])
        let view = floor.dispatcher.queueViews(at: floor.now).first
        #expect(view?.waiting == 2 && view?.callbacks == 1)
        #expect(served() == [first, callback, second])
        #expect(floor.dispatcher.queueViews(at: floor.now).first?.callbacks == 0)
    }

    @Test func `a callback is no stay until an agent has it`() {
        let callback = floor.enter(number: "+74951112233", isCallback: true)
        let entered = floor.events.contains { if case .queueEntered = $0 { true } else { false } }
        #expect(!entered && floor.offered == ["1"])
        floor.answer(callback, "1")
        let left = floor.events.compactMap { event -> QueueOutcome? in
            if case .queueLeft(let left) = event { left.outcome } else { nil }
        }
        #expect(left == [.calledBack])
        floor.end(callback)
        #expect(floor.state("1") == .available)
    }
}

import ACD
import Config
import Events
import Testing

/// An agent's phone that answers and is gone at once has answered nobody.
@Suite struct DroppedAnswerTests {
    @Test func `the caller stands where he stood, with his wait, and the agent has missed him`() {
        let floor = Floor(agents: [agent("1")]) { $0.wrapUp = .seconds(30) }
        floor.perform(.pause(reason: "break"), "1")
        let first = floor.enter()
        floor.pass(.seconds(10))
        let second = floor.enter()
        floor.perform(.unpause, "1")
        floor.answer(first, "1")
        #expect(floor.state("1") == .onCall)
        floor.pass(.milliseconds(300))
        floor.drop(first)
        #expect(floor.dispatcher.caller(first, at: floor.now)?.position == 1)
        #expect(floor.dispatcher.caller(first, at: floor.now)?.waited == .milliseconds(10_300))
        #expect(floor.dispatcher.caller(second, at: floor.now)?.position == 2)
        // No wrap-up, but a rest: he is rung again when it is over, and not before.
        #expect(floor.state("1") == .available && floor.offered == [])
        let told = floor.events.compactMap { if case .queueOfferEnded(let end) = $0 { end.result } else { nil } }
        #expect(told == [.answered, .dropped])
        floor.pass(.seconds(5))
        #expect(floor.offeredCalls == [first])
    }

    /// What was told of offers and of the stay, in this order.
    private func told(_ floor: Floor) -> [String] {
        floor.events.compactMap {
            switch $0 {
            case .queueOfferEnded(let end): "\(end.result) after \(end.rangMilliseconds)"
            case .queueLeft(let left): "\(left.outcome) after \(left.waitMilliseconds)"
            default: nil
            }
        }
    }

    @Test(arguments: ["connected", "agent gone", "caller gone", "call gone"])
    func `an agent who hears whose call it is has answered when he has the caller`(end: String) {
        let floor = Floor(agents: [agent("1")]) { $0.wrapUp = .seconds(30) }
        let call = floor.enter()
        floor.pass(.seconds(2))
        floor.answer(call, "1", isConnected: false)
        floor.pass(.seconds(4))
        #expect(floor.state("1") == .onCall && told(floor) == [])
        // He waits, and is offered to nobody.
        let view = floor.dispatcher.queueViews(at: floor.now).first
        #expect(view?.waiting == 1 && view?.longestWait == .seconds(6))
        #expect(floor.dispatcher.caller(call, at: floor.now) == nil)
        // A crash now leaves nothing to wrap up.
        #expect(floor.dispatcher.memory(of: Floor.id("1"))?.wrapUpRemaining == nil)
        switch end {
        case "connected":
            floor.connect(call)
            #expect(told(floor) == ["answered after 2000", "answered after 6000"])
            #expect(floor.dispatcher.memory(of: Floor.id("1"))?.wrapUpRemaining == 30_000)
            floor.end(call)
            #expect(floor.state("1") == .wrapUp)
        case "agent gone":
            floor.drop(call)
            #expect(told(floor) == ["dropped after 4000"] && floor.state("1") == .available)
            #expect(floor.dispatcher.caller(call, at: floor.now)?.waited == .seconds(6))
        case "caller gone":
            floor.turn { $0.answeredInVain(call, at: floor.now) }
            #expect(told(floor) == ["withdrawn after 2000", "abandoned after 6000"])
            #expect(floor.state("1") == .available)
        default:
            floor.turn { $0.gone(call, at: floor.now) }
            #expect(told(floor) == ["withdrawn after 2000", "abandoned after 6000"])
            #expect(floor.state("1") == .available)
        }
    }

    @Test func `whoever is free has the caller at once`() {
        let floor = Floor(agents: three) { $0.strategy = .ringAll }
        let call = floor.enter()
        floor.answer(call, "1")
        #expect(floor.withdrawn == ["2": .elsewhere, "3": .elsewhere])
        floor.drop(call)
        #expect(floor.offered == ["2", "3"])
        floor.answer(call, "3")
        floor.end(call)
        #expect(floor.dispatcher.faults() == [])
    }

    @Test func `a phone that does nothing else pauses its agent as one that is not answered does`() {
        let floor = Floor(agents: [agent("1")]) { $0.pauseAfterMisses = 3 }
        let call = floor.enter()
        for _ in 1...3 {
            floor.answer(call, "1")
            floor.drop(call)
            floor.pass(.seconds(5))
        }
        #expect(floor.state("1") == .paused)
        #expect(floor.dispatcher.agentView(Floor.id("1"))?.reason == "no-answer")
    }

    @Test func `his wait goes on towards the queue's longest`() {
        let floor = Floor(agents: [agent("1")]) { $0.maxWait = .seconds(20) }
        floor.perform(.pause(reason: "break"), "1")
        let call = floor.enter()
        floor.pass(.seconds(15))
        floor.perform(.unpause, "1")
        floor.answer(call, "1")
        floor.perform(.pause(reason: "break"), "1")
        floor.drop(call)
        floor.pass(.seconds(5))
        #expect(floor.left == [.timeout])
    }

    @Test func `a queue that is gone meanwhile lets him go on`() {
        let floor = Floor(agents: [agent("1")])
        let call = floor.enter()
        floor.answer(call, "1")
        floor.queues = [:]
        floor.apply()
        floor.drop(call)
        #expect(floor.left == [.closed])
    }

    @Test
    func `who comes back to his place is let in whatever the rules say, and stands before those who came by then`() {
        let floor = Floor(agents: []) { $0.maxLength = 2 }
        let first = floor.enter()
        floor.pass(.seconds(5))
        let place = floor.dispatcher.place(of: first)
        floor.turn { $0.leave(first, .transferred, at: floor.now) }
        let others = [floor.enter(), floor.enter()]
        floor.pass(.seconds(5))
        let again = floor.enter(carried: .seconds(5), place: place)
        #expect(floor.left == [])
        #expect(floor.dispatcher.caller(again, at: floor.now)?.position == 1)
        #expect(floor.dispatcher.caller(others[0], at: floor.now)?.position == 2)
        #expect(floor.dispatcher.caller(again, at: floor.now)?.waited == .seconds(5))
    }
}

import ACD
import Config
import Events
import Testing
import Timebase

@Suite struct PassedOverTests {
    private static func told(_ floor: Floor) -> [String] {
        floor.events.compactMap { event in
            guard case .note(let text) = event, let words = text.split(separator: "passed over: ").last,
                text.contains("passed over")
            else { return nil }
            return String(words)
        }
    }

    @Test func `whoever is offered a caller, the others are passed over by their states, rests and ranks`() {
        let floor = Floor(agents: (1...8).map { agent("\($0)") } + [agent("9", penalty: 1)]) {
            ($0.strategy, $0.wrapUp) = (.linear, .seconds(30))
            $0.widening = [Queue.Widening(after: .seconds(60), penalty: 1, skill: nil)]
        }
        floor.perform(.pause(reason: "lunch"), "1")
        floor.perform(.logOut, "2")
        floor.reachable(false, "3")
        floor.engage("4", "own")
        #expect(floor.serve() == "5")
        #expect(
            Self.told(floor) == [
                "1 paused (lunch); 2 logged-out; 3 unreachable; 4 on-call; 6, 7, 8 free, and behind by linear; 9 of a penalty above 0"
            ]
        )
        let call = floor.enter()
        floor.fail(call, "6", .busy)
        #expect(
            Self.told(floor).last
                == "1 paused (lunch); 2 logged-out; 3 unreachable; 4 on-call; 5 wrap-up; 6 resting after a call not taken; "
                + "8 free, and behind by linear; 9 of a penalty above 0"
        )
    }

    @Test func `a caller who leaves without an agent has his reasons told, once each`() {
        let floor = Floor(agents: [agent("1"), agent("2", skill: 3)])
        floor.perform(.pause(reason: "tea"), "1")
        let call = floor.enter(skill: 5)
        #expect(Self.told(floor) == [])
        floor.pass(.seconds(100))
        floor.leave(call)
        #expect(Self.told(floor) == ["1 paused (tea); 2 of a skill below 5"])
        guard case .queueLeft = floor.events.last else { return #expect(Bool(false)) }
    }

    @Test func `the same decision is told once, and of a long list the first alone`() {
        let floor = Floor(agents: (0..<70).map { agent("\(100 + $0)") }) { $0.strategy = .linear }
        for number in 101..<170 { floor.perform(.logOut, "\(number)") }
        let call = floor.enter()
        floor.fail(call, "100", .busy)
        floor.pass(.seconds(10))
        #expect(floor.ringing(call) == ["100"])
        let told = Self.told(floor)
        #expect(told.count == 1 && told.first?.hasSuffix("119 logged-out; and 50 more") == true)
    }

    @Test func `a queue that nobody serves says who is not there`() {
        let floor = Floor(agents: [agent("1")]) { $0.onEmpty = .refuse }
        floor.perform(.logOut, "1")
        floor.enter()
        #expect(floor.left == [.empty] && Self.told(floor) == ["1 logged-out"])
    }
}

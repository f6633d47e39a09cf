import ACD
import Config
import Events
import Testing
import Timebase

@Suite struct PauseTests {
    private func floor(_ reason: PauseReason) -> Floor {
        let floor = Floor(agents: [agent("1")])
        floor.reasons = [reason]
        floor.apply()
        return floor
    }

    /// The alarms so far, by their limits.
    private func alarms(_ floor: Floor) -> [PauseLimit] {
        floor.events.compactMap { if case .pauseExceeded(let pause) = $0 { pause.limit } else { nil } }
    }

    private func exceeded(_ floor: Floor) -> Set<PauseLimit>? { floor.dispatcher.agentView(Floor.id("1"))?.exceeded }

    @Test func `a pause that lasts too long raises one alarm, which goes with the pause`() {
        let floor = floor(PauseReason("lunch", limit: .seconds(2_700)))
        floor.perform(.pause(reason: "lunch"), "1")
        floor.pass(.milliseconds(2_699_999))
        #expect(alarms(floor) == [])
        floor.pass(.milliseconds(1))
        #expect(alarms(floor) == [.pause])
        #expect(exceeded(floor) == [.pause])
        floor.pass(.seconds(10_000))
        #expect(alarms(floor) == [.pause])
        floor.perform(.unpause, "1")
        #expect(exceeded(floor) == [])
    }

    @Test func `a pause without a limit, and one that ends in time, raise none`() {
        let floor = floor(PauseReason("lunch", limit: .seconds(60)))
        floor.perform(.pause(reason: "training"), "1")
        floor.pass(.seconds(100_000))
        floor.perform(.pause(reason: "lunch"), "1")
        floor.pass(.seconds(59))
        floor.perform(.unpause, "1")
        floor.pass(.seconds(100))
        #expect(alarms(floor) == [])
    }

    @Test func `pauses of a shift add up, and another reason starts its own sum`() {
        let floor = floor(PauseReason("break", shiftLimit: .seconds(900)))
        for _ in 0..<2 {
            floor.perform(.pause(reason: "break"), "1")
            floor.pass(.seconds(400))
            floor.perform(.pause(reason: "meeting"), "1")
            floor.pass(.seconds(400))
            floor.perform(.unpause, "1")
        }
        #expect(alarms(floor) == [])
        floor.perform(.pause(reason: "break"), "1")
        floor.pass(.seconds(99))
        #expect(alarms(floor) == [])
        floor.pass(.seconds(1))
        #expect(alarms(floor) == [.shift])
    }

    @Test(arguments: [(3_600, [PauseLimit.shift]), (4 * 3_600, [])])
    func `a short log-out does not begin a new shift`(_ seconds: Int, _ expected: [PauseLimit]) {
        let floor = floor(PauseReason("break", shiftLimit: .seconds(900)))
        floor.perform(.pause(reason: "break"), "1")
        floor.pass(.seconds(899))
        floor.perform(.logOut, "1")
        floor.pass(.seconds(seconds))
        floor.perform(.logIn(device: nil), "1")
        floor.perform(.pause(reason: "break"), "1")
        floor.pass(.seconds(2))
        #expect(alarms(floor) == expected)
    }

    @Test func `a pause that waits for the end of a call is not counted before`() {
        let floor = floor(PauseReason("lunch", limit: .seconds(60)))
        let call = floor.enter()
        floor.answer(call, "1")
        floor.perform(.pause(reason: "lunch"), "1")
        floor.pass(.seconds(600))
        #expect(alarms(floor) == [])
        floor.end(call)
        floor.pass(.seconds(60))
        #expect(alarms(floor) == [.pause])
    }

    @Test func `calls, wrap-ups and blocks in a pause stop its clock, and begin no new one`() throws {
        let floor = floor(PauseReason("lunch", limit: .seconds(60), shiftLimit: .seconds(100)))
        floor.perform(.pause(reason: "lunch"), "1")
        floor.pass(.seconds(40))
        floor.engage("1", "own")
        floor.pass(.seconds(500))
        floor.disengage("1", "own")
        floor.pass(.seconds(10))
        floor.perform(.block, "1")
        floor.pass(.seconds(500))
        floor.perform(.unblock, "1")
        floor.pass(.milliseconds(9_999))
        #expect(alarms(floor) == [])
        floor.pass(.milliseconds(1))
        #expect(alarms(floor) == [.pause])
        floor.engage("1", "own")
        #expect(exceeded(floor) == [.pause])
        let memory = try #require(floor.dispatcher.memory(of: Floor.id("1")))
        #expect(memory.pausedSince == nil && memory.pauseUsed == 60_000)
        floor.disengage("1", "own")
        floor.pass(.seconds(40))
        #expect(alarms(floor) == [.pause, .shift])
        // Taken back in a call it is over, though the next has the same reason.
        floor.engage("1", "own")
        floor.perform(.unpause, "1")
        floor.perform(.pause(reason: "lunch"), "1")
        #expect(exceeded(floor) == [])

        let after = self.floor(PauseReason("lunch", limit: .seconds(70)))
        after.turn { $0.restore([Floor.id("1"): memory], at: after.now) }
        after.pass(.seconds(10))
        #expect(alarms(after) == [.pause])
    }

    @Test func `a limit that is made shorter holds for the pause that lasts`() {
        let floor = floor(PauseReason("lunch", limit: .seconds(3_600)))
        floor.perform(.pause(reason: "lunch"), "1")
        floor.pass(.seconds(600))
        floor.reasons = [PauseReason("lunch", limit: .seconds(300))]
        floor.apply()
        floor.pass(.zero)
        #expect(alarms(floor) == [.pause])
    }

    @Test func `a restart in the pause keeps its clock and the shift's sum`() throws {
        let reason = PauseReason("break", limit: .seconds(600), shiftLimit: .seconds(900))
        let before = floor(reason)
        before.perform(.pause(reason: "break"), "1")
        before.pass(.seconds(500))
        before.perform(.unpause, "1")
        before.perform(.pause(reason: "break"), "1")
        before.pass(.seconds(300))
        let memory = try #require(before.dispatcher.memory(of: Floor.id("1")))

        let after = Floor()
        after.add("sales", [agent("1")])
        after.reasons = [reason]
        after.apply()
        after.pass(before.now.instant - after.now.instant)
        after.turn { $0.restore([Floor.id("1"): memory], at: after.now) }
        after.pass(.seconds(99))
        #expect(alarms(after) == [])
        after.pass(.seconds(1))
        #expect(alarms(after) == [.shift])
        after.pass(.seconds(200))
        #expect(alarms(after) == [.shift, .pause])
    }
}

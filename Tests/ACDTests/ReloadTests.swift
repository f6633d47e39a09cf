import ACD
import Config
import Events
import Testing
import Timebase

@Suite struct ReloadTests {
    private func floor(_ change: (inout Queue) -> Void = { _ in }) -> Floor {
        Floor(agents: [agent("1")]) {
            $0.wrapUp = .seconds(30)
            change(&$0)
        }
    }

    /// One who talks in a queue's call.
    private func talking(_ change: (inout Queue) -> Void = { _ in }) -> (Floor, CallID) {
        let floor = floor(change)
        let call = floor.enter()
        floor.answer(call, "1")
        return (floor, call)
    }

    @Test func `a reload touches no state, clock, pause or counter`() {
        let floor = Floor(agents: three) {
            ($0.wrapUp, $0.ringTimeout, $0.noAnswerDelay) = (.seconds(30), .seconds(20), .seconds(60))
        }
        let call = floor.enter()
        floor.answer(call, "1")
        floor.end(call)
        floor.perform(.pause(reason: "lunch"), "2")
        let waiting = floor.enter()
        floor.pass(.seconds(10))
        let before = floor.dispatcher.agentViews().map { "\($0)" }
        let events = floor.events.count
        floor.apply()
        #expect(floor.dispatcher.agentViews().map { "\($0)" } == before)
        #expect(floor.actions == [])
        #expect(floor.events.count == events)
        floor.pass(.seconds(9))
        #expect(floor.ringing(waiting) == ["3"])
        floor.pass(.seconds(1))
        #expect(floor.withdrawn == ["3": .noAnswer])
        floor.pass(.seconds(10))
        #expect(floor.ringing(waiting) == ["1"])
    }

    @Test func `a reload that widens reaches those who wait`() {
        let floor = Floor(agents: [agent("1", penalty: 3)]) {
            $0.widening = [Queue.Widening(after: .seconds(600), penalty: 3, skill: nil)]
        }
        let call = floor.enter()
        floor.queues["sales"]?.widening = [Queue.Widening(after: .seconds(20), penalty: 3, skill: nil)]
        floor.pass(.seconds(5))
        floor.apply()
        floor.pass(.seconds(15))
        #expect(floor.ringing(call) == ["1"])
    }

    @Test func `a reload that shortens the longest wait, or has positions told, reaches those who wait`() {
        let floor = floor { $0.maxWait = .seconds(20) }
        floor.perform(.logOut, "1")
        let call = floor.enter()
        floor.queues["sales"]?.announcePosition = .seconds(2)
        floor.queues["sales"]?.maxWait = nil
        floor.pass(.seconds(5))
        floor.apply()
        floor.pass(.seconds(2))
        #expect(floor.actions == [.announce(call, queue: Floor.queue("sales"), position: 1, expectedWait: nil)])
        floor.pass(.seconds(100))
        #expect(floor.left == [])
        floor.queues["sales"]?.maxWait = .seconds(110)
        floor.apply()
        floor.pass(.seconds(3))
        #expect(floor.left == [.timeout])
    }

    @Test func `queues that a reload gives the same clock are cleared by name, in every run`() {
        let names = (1...8).map { "queue\($0)" }
        let floor = floor()
        for name in names { floor.add(name, []) }
        floor.apply()
        for name in names { floor.enter(name) }
        for name in names { floor.queues[name]?.maxWaitEmpty = .seconds(10) }
        floor.apply()
        floor.pass(.seconds(10))
        let cleared = floor.actions.compactMap { action -> String? in
            if case .leave(_, let queue, .empty) = action { queue.name } else { nil }
        }
        #expect(cleared == names)
    }

    @Test func `a queue that is removed sends its callers away, and lets its talks end`() {
        let floor = Floor(agents: [agent("1"), agent("2")]) { $0.wrapUp = .seconds(30) }
        floor.add("other", [agent("1")])
        let call = floor.enter()
        floor.answer(call, "1")
        floor.enter()
        floor.enter()
        floor.queues["sales"] = nil
        floor.apply()
        #expect(floor.left == [.closed, .closed])
        #expect(floor.withdrawn == ["2": .withdrawn])
        #expect(floor.state("1") == .onCall)
        floor.end(call)
        // What it granted after a call is his.
        #expect(floor.state("1") == .wrapUp)
        floor.pass(.seconds(30))
        #expect(floor.state("1") == .available)
    }

    @Test func `who is taken out of a queue stops ringing for it`() {
        let floor = Floor(agents: [agent("1"), agent("2")])
        let call = floor.enter()
        floor.queues["sales"]?.agents.removeFirst()
        floor.apply()
        #expect(floor.withdrawn == ["1": .withdrawn])
        #expect(floor.ringing(call) == ["2"])
    }

    @Test func `a user who is removed while he talks is forgotten after it`() {
        let (floor, call) = talking()
        floor.users.remove("1")
        floor.queues["sales"]?.agents = []
        floor.apply()
        #expect(floor.state("1") == .onCall)
        #expect(floor.dispatcher.perform(.logIn(device: nil), by: Floor.id("1"), at: floor.now) == nil)
        floor.end(call)
        #expect(floor.state("1") == nil)
        guard
            case .agentChanged(let last) = floor.events.last(where: {
                if case .agentChanged = $0 { true } else { false }
            })
        else { return }
        #expect(last.state == .loggedOut)
    }

    @Test func `a user who is removed in his wrap-up, or while his phone rings, leaves nothing`() {
        for isRinging in [true, false] {
            let floor = floor()
            if isRinging { floor.enter() } else { floor.serve() }
            floor.users.remove("1")
            floor.queues["sales"]?.agents = []
            floor.apply()
            #expect(floor.state("1") == nil)
            #expect(floor.withdrawn == (isRinging ? ["1": .withdrawn] : [:]))
        }
    }

    // MARK: restart

    @Test func `log-in, pause, device and the rest of a wrap-up outlive a restart`() throws {
        let floor = Floor(agents: three) { $0.wrapUp = .seconds(30) }
        floor.serve()
        floor.perform(.logIn(device: "9"), "2")
        floor.perform(.pause(reason: "lunch"), "2")
        floor.perform(.block, "3")
        floor.pass(.seconds(10))
        floor.turn { $0.fire(at: floor.now) }
        var memories: [UserID: Dispatcher.AgentMemory] = [:]
        for number in ["1", "2", "3"] { memories[Floor.id(number)] = floor.dispatcher.memory(of: Floor.id(number)) }
        let next = Floor()
        next.add("sales", three) { $0.wrapUp = .seconds(30) }
        next.apply()
        next.pass(floor.now.instant - next.now.instant)
        next.turn { $0.restore(memories, at: next.now) }
        for number in ["1", "2", "3", "9"] { next.reachable(true, number) }
        #expect(next.state("1") == .wrapUp)
        #expect(next.state("2") == .paused)
        #expect(next.dispatcher.agentView(Floor.id("2"))?.reason == "lunch")
        #expect(next.dispatcher.agentView(Floor.id("2"))?.device == "9")
        for number in ["1", "2", "3"] {
            let before = try #require(floor.dispatcher.agentView(Floor.id(number)))
            #expect(next.dispatcher.agentView(Floor.id(number))?.since.wall == before.since.wall)
        }
        #expect(next.state("3") == .blocked)
        next.pass(.seconds(20))
        #expect(next.state("1") == .available)
        next.perform(.unpause, "2")
        #expect(next.state("2") == .available)
    }

    @Test func `who is in a queue's call when the switch dies wraps up after the start, and in full`() throws {
        let floor = Floor(agents: three) { $0.wrapUp = .seconds(30) }
        floor.answer(floor.enter(), "1")
        floor.pass(.seconds(50))
        let memory = try #require(floor.dispatcher.memory(of: Floor.id("1")))
        let next = Floor()
        next.add("sales", three) { $0.wrapUp = .seconds(30) }
        next.apply()
        next.pass(floor.now.instant - next.now.instant + .seconds(5))
        next.turn { $0.restore([Floor.id("1"): memory], at: next.now) }
        next.reachable(true, "1")
        next.pass(.milliseconds(29_999))
        #expect(next.state("1") == .wrapUp)
        next.pass(.milliseconds(1))
        #expect(next.state("1") == .available)
    }

    @Test func `neither a call of his own nor the time down eats the rest of the wrap-up that the call interrupted`()
        throws
    {
        let floor = floor()
        floor.serve()
        floor.pass(.seconds(10))
        floor.engage("1", "own")
        floor.pass(.seconds(60))
        let memory = try #require(floor.dispatcher.memory(of: Floor.id("1")))
        let next = self.floor()
        next.pass(floor.now.instant - next.now.instant + .seconds(60))
        next.turn { $0.restore([Floor.id("1"): memory], at: next.now) }
        next.pass(.milliseconds(19_999))
        #expect(next.state("1") == .wrapUp)
        next.pass(.milliseconds(1))
        #expect(next.state("1") == .available)
    }
}

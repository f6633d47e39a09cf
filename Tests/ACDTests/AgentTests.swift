import ACD
import Config
import Events
import Testing
import Timebase

@Suite struct AgentTests {
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

    // MARK: missed calls

    @Test func `a ring time-out asks the next at once, and lets the one who missed it rest`() {
        let floor = Floor(agents: [agent("1"), agent("2")]) { $0.strategy = .linear }
        let call = floor.enter()
        floor.pass(.seconds(15))
        #expect(floor.withdrawn == ["1": .noAnswer])
        #expect(floor.ringing(call) == ["2"])
        #expect(floor.state("1") == .available)
        let second = floor.enter()
        #expect(floor.offered == [])
        floor.pass(.seconds(5))
        #expect(floor.ringing(second) == ["1"])
    }

    @Test(arguments: [(OfferResult.busy, 20), (.declined, 30), (.unavailable, 20), (.noAnswer, 10)])
    func `each kind of refusal has its own rest`(_ result: OfferResult, _ seconds: Int) {
        let floor = floor {
            ($0.noAnswerDelay, $0.busyDelay, $0.declineDelay) = (.seconds(10), .seconds(20), .seconds(30))
        }
        let call = floor.enter()
        floor.fail(call, "1", result)
        floor.pass(.seconds(seconds) - .milliseconds(1))
        #expect(floor.ringing(call) == [])
        floor.pass(.milliseconds(1))
        #expect(floor.ringing(call) == ["1"])
    }

    @Test func `an agent's own rests count before the queue's`() {
        let own = { (busy: Int) in
            var agent = agent("1")
            (agent.noAnswerDelay, agent.busyDelay, agent.declineDelay) = (.seconds(2), .seconds(busy), .seconds(4))
            return agent
        }
        let floor = Floor(agents: [own(3)]) {
            ($0.noAnswerDelay, $0.busyDelay, $0.declineDelay) = (.seconds(10), .seconds(20), .seconds(30))
        }
        let call = floor.enter()
        for (result, seconds) in [(OfferResult.busy, 3), (.declined, 4), (.unavailable, 3), (.noAnswer, 2)] {
            #expect(floor.ringing(call) == ["1"])
            floor.fail(call, "1", result)
            floor.pass(.seconds(seconds) - .milliseconds(1))
            #expect(floor.ringing(call) == [])
            floor.pass(.milliseconds(1))
        }
        // A reload may give him others.
        floor.queues["sales"]?.agents = [own(7)]
        floor.apply()
        floor.fail(call, "1", .busy)
        floor.pass(.seconds(6))
        #expect(floor.ringing(call) == [])
        floor.pass(.seconds(1))
        #expect(floor.ringing(call) == ["1"])
    }

    @Test func `so many misses in a row pause him, and an answer between starts anew`() {
        let floor = floor { ($0.pauseAfterMisses, $0.wrapUp) = (2, .zero) }
        let call = floor.enter()
        floor.pass(.seconds(20))
        floor.answer(call, "1")
        floor.end(call)
        let second = floor.enter()
        floor.pass(.seconds(15))
        #expect(floor.state("1") == .available)
        floor.pass(.seconds(20))
        #expect(floor.state("1") == .paused)
        #expect(floor.dispatcher.agentView(Floor.id("1"))?.reason == "no-answer")
        floor.perform(.unpause, "1")
        #expect(floor.ringing(second) == ["1"])
        floor.fail(second, "1", .busy)
        floor.pass(.seconds(10))
        floor.fail(second, "1", .declined)
        #expect(floor.state("1") == .available)
    }

    // MARK: while it rings, while he talks

    @Test func `pause, log-out, block, a lost phone and a call of his own stop what rings`() {
        let doings: [(Floor) -> Void] = [
            { $0.perform(.pause(reason: "tea"), "1") }, { $0.perform(.logOut, "1") }, { $0.perform(.block, "1") },
            { $0.engage("1", "own") }, { $0.perform(.logIn(device: "9"), "1") }, { $0.reachable(false, "1") },
        ]
        for doing in doings {
            let floor = Floor(agents: [agent("1"), agent("2")])
            let call = floor.enter()
            doing(floor)
            #expect(floor.withdrawn["1"] == .withdrawn)
            #expect(floor.ringing(call) == ["2"])
        }
    }

    @Test func `a pause during the talk begins after it and its wrap-up`() {
        let (floor, call) = talking()
        floor.perform(.pause(reason: "lunch"), "1")
        #expect(floor.state("1") == .onCall)
        #expect(floor.dispatcher.agentView(Floor.id("1"))?.pendingPause == "lunch")
        floor.end(call)
        #expect(floor.state("1") == .wrapUp)
        floor.pass(.seconds(30))
        #expect(floor.state("1") == .paused)
    }

    @Test func `a log-out during the talk waits for its end and its wrap-up`() {
        let (floor, call) = talking()
        floor.perform(.logOut, "1")
        #expect(floor.state("1") == .onCall)
        floor.end(call)
        #expect(floor.state("1") == .wrapUp)
        floor.pass(.seconds(30))
        #expect(floor.state("1") == .loggedOut)
    }

    @Test func `a lost phone makes unreachable, and a found one available`() {
        let floor = floor()
        floor.reachable(false, "1")
        #expect(floor.state("1") == .unreachable)
        let call = floor.enter()
        #expect(floor.offered == [])
        floor.reachable(true, "1")
        #expect(floor.ringing(call) == ["1"])
    }

    // MARK: wrap-up

    @Test func `the wrap-up keeps him from calls for so long, and no longer`() {
        let (floor, call) = talking()
        floor.end(call)
        let next = floor.enter()
        floor.pass(.milliseconds(29_999))
        #expect(floor.ringing(next) == [])
        floor.pass(.milliseconds(1))
        #expect(floor.ringing(next) == ["1"])
    }

    @Test func `an agent's own wrap-up goes before the queue's`() {
        let floor = Floor(agents: [agent("1", wrapUp: .seconds(5))]) { $0.wrapUp = .seconds(30) }
        floor.serve()
        floor.pass(.seconds(5))
        #expect(floor.state("1") == .available)
    }

    @Test func `the wrap-up can be extended, and ended early`() {
        let (floor, call) = talking()
        floor.end(call)
        floor.perform(.extendWrapUp(.seconds(30)), "1")
        floor.perform(.extendWrapUp(.seconds(-50)), "1")
        floor.pass(.seconds(59))
        #expect(floor.state("1") == .wrapUp)
        floor.perform(.endWrapUp, "1")
        #expect(floor.state("1") == .available)
        let granted = floor.events.compactMap { event in
            if case .agentChanged(let change) = event { change.grantedMilliseconds } else { nil }
        }
        #expect(granted == [30_000])
    }

    @Test func `a call of his own does not shorten the wrap-up`() {
        let (floor, call) = talking()
        floor.end(call)
        floor.pass(.seconds(10))
        floor.engage("1", "own")
        #expect(floor.state("1") == .onCall)
        floor.pass(.seconds(100))
        floor.disengage("1", "own")
        #expect(floor.state("1") == .wrapUp)
        floor.pass(.seconds(19))
        #expect(floor.state("1") == .wrapUp)
        floor.pass(.seconds(1))
        #expect(floor.state("1") == .available)
    }

    @Test func `a consultation that outlasts the queue's call leaves the wrap-up whole`() {
        let (floor, call) = talking()
        floor.engage("1", "own")
        floor.end(call)
        #expect(floor.state("1") == .onCall)
        floor.pass(.seconds(100))
        floor.disengage("1", "own")
        #expect(floor.state("1") == .wrapUp)
        floor.pass(.seconds(30))
        #expect(floor.state("1") == .available)
    }

    @Test func `another queue's call does not come into the wrap-up`() {
        let floor = floor()
        floor.add("support", [agent("1")])
        floor.apply()
        floor.serve()
        let next = floor.enter("support")
        floor.pass(.seconds(29))
        #expect(floor.ringing(next) == [])
        floor.pass(.seconds(1))
        #expect(floor.ringing(next) == ["1"])
    }

    // MARK: calls of his own

    @Test func `another leg of a queue's call keeps him on call after its talk, and he wraps up after it`() {
        let (floor, call) = talking()
        // He sends the caller to himself, and answers there.
        floor.engage("1", call)
        #expect(floor.dispatcher.agentView(Floor.id("1"))?.currentCall == call)
        floor.end(call)
        #expect(floor.state("1") == .onCall && floor.dispatcher.agentView(Floor.id("1"))?.currentCall == call)
        guard case .agentChanged(let change) = floor.events.last else { return #expect(Bool(false)) }
        #expect(change.state == .onCall && change.queue == nil)
        let second = floor.enter()
        #expect(floor.offered == [])
        floor.pass(.seconds(100))
        floor.disengage("1", call)
        #expect(floor.state("1") == .wrapUp && floor.ringing(second) == [])
        floor.pass(.seconds(30))
        #expect(floor.ringing(second) == ["1"])
    }

    @Test func `whoever goes over from one call of his own to another is told of with that one`() {
        let floor = floor()
        floor.engage("1", "a")
        floor.engage("1", "b")
        let before = floor.events.count
        floor.disengage("1", "a")
        #expect(floor.events.count == before + 1 && floor.dispatcher.agentView(Floor.id("1"))?.currentCall == "b")
        floor.disengage("1", "b")
        #expect(floor.state("1") == .available)
    }

    @Test func `calls of his own keep him busy until the last is over`() {
        let floor = floor()
        floor.engage("1", "a")
        floor.engage("1", "b")
        let call = floor.enter()
        floor.disengage("1", "a")
        #expect(floor.ringing(call) == [])
        floor.disengage("1", "b")
        #expect(floor.ringing(call) == ["1"])
    }

    @Test func `a queue's call that is passed on keeps the next one busy`() {
        let floor = Floor(agents: [agent("1"), agent("2")])
        let call = floor.enter()
        floor.answer(call, "1")
        floor.engage("2", call)
        floor.end(call)
        #expect(floor.state("2") == .onCall)
        #expect(floor.state("1") == .available)
    }

    @Test func `what a call leaves behind is taken away when it is gone`() {
        let floor = floor()
        floor.engage("1", "own")
        #expect(floor.dispatcher.knownCalls == ["own"])
        floor.turn { $0.gone("own", at: floor.now) }
        #expect(floor.state("1") == .available)
        #expect(floor.dispatcher.knownCalls == [])
    }

    // MARK: hot desk

    @Test func `who logs in elsewhere is rung there, and reached there`() {
        let floor = floor()
        floor.users.insert("9")
        floor.apply()
        floor.perform(.logIn(device: "9"), "1")
        #expect(floor.state("1") == .unreachable)
        floor.reachable(true, "9")
        floor.enter()
        #expect(
            floor.actions.contains {
                $0 == .offer("c1", queue: Floor.queue("sales"), agent: Floor.id("1"), device: "9")
            }
        )
        floor.leave("c1")
        floor.engage("9", "own")
        #expect(floor.state("1") == .onCall)
        floor.disengage("9", "own")
        floor.reachable(false, "1")
        #expect(floor.state("1") == .available)
        floor.perform(.logOut, "1")
        #expect(floor.dispatcher.agentView(Floor.id("1"))?.device == "1")
    }

    @Test func `whoever uses the phone that he has left does not make him busy`() {
        let floor = floor()
        floor.users.insert("9")
        floor.apply()
        #expect(floor.dispatcher.occupant(of: Floor.id("1")) == Floor.id("1"))
        floor.perform(.logIn(device: "9"), "1")
        floor.reachable(true, "9")
        #expect(floor.dispatcher.occupant(of: Floor.id("9")) == Floor.id("1"))
        #expect(floor.dispatcher.occupant(of: Floor.id("1")) == nil)
        let call = floor.enter()
        #expect(floor.ringing(call) == ["1"])
        floor.engage("1", "a colleague's")
        #expect(floor.ringing(call) == ["1"])
        floor.leave(call)
        #expect(floor.state("1") == .available)
        floor.disengage("1", "a colleague's")
        floor.perform(.logIn(device: nil), "1")
        #expect(floor.dispatcher.occupant(of: Floor.id("1")) == Floor.id("1"))
        #expect(floor.dispatcher.occupant(of: Floor.id("9")) == Floor.id("9"))
    }

    @Test func `a device has one operator`() {
        let floor = Floor(agents: [agent("1"), agent("2")])
        floor.perform(.logIn(device: "2"), "1")
        #expect(floor.state("2") == .loggedOut)
        #expect(floor.state("1") == .available)
        floor.perform(.logIn(device: nil), "2")
        #expect(floor.state("1") == .loggedOut)
        #expect(floor.state("2") == .available)
    }

    @Test func `a call ends for whom it began, whoever sits there then`() {
        let floor = Floor(agents: [agent("1"), agent("2")])
        floor.engage("2", "own")
        floor.perform(.logIn(device: "2"), "1")
        floor.disengage("2", "own")
        floor.perform(.logIn(device: nil), "2")
        #expect(floor.state("2") == .available)
    }

    @Test func `a call that rings a second time at a device is still his who sat there when it began`() {
        let floor = Floor(agents: [agent("1"), agent("2")])
        floor.engage("2", "own")
        floor.perform(.logIn(device: "2"), "1")
        floor.engage("2", "own")
        #expect(floor.dispatcher.speaker(at: Floor.id("2"), in: "own") == Floor.id("2"))
        #expect(floor.dispatcher.speaker(at: Floor.id("2"), in: "other") == Floor.id("1"))
        #expect(floor.state("1") == .available)
        floor.disengage("2", "own")
        floor.perform(.logIn(device: nil), "2")
        #expect(floor.state("2") == .available)
    }

    @Test func `a talk that goes on in another call is one, though another agent's of that call ends`() {
        let floor = Floor(agents: [agent("1")])
        floor.add("support", [agent("2", wrapUp: .seconds(10))])
        floor.apply()
        floor.start("2")
        let customers = floor.enter()
        floor.answer(customers, "1")
        let asked = floor.enter("support")
        floor.answer(asked, "2")
        floor.turn { $0.moved(asked, to: customers, by: Floor.id("2"), number: "+7", at: floor.now) }
        #expect(floor.dispatcher.agentView(Floor.id("2"))?.currentCall == customers)
        floor.end(asked)
        floor.turn { $0.ended(customers, by: Floor.id("1"), at: floor.now) }
        #expect(floor.state("1") == .available && floor.state("2") == .onCall)
        floor.end(customers)
        #expect(floor.state("2") == .wrapUp)
        floor.pass(.seconds(10))
        #expect(floor.dispatcher.agentView(Floor.id("2"))?.currentCall == nil)
    }

    @Test func `who logs in by a call at another's phone is rung there when that call is over`() {
        let floor = Floor(agents: [agent("1"), agent("2")])
        floor.perform(.logOut, "1")
        floor.engage("2", "code")
        let call = floor.enter()
        floor.perform(.logIn(device: "2", by: "code"), "1")
        #expect(floor.offered == [] && floor.state("1") == .onCall && floor.state("2") == .loggedOut)
        floor.disengage("2", "code")
        #expect(floor.ringing(call) == ["1"])
    }
}

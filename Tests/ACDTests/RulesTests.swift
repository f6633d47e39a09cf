import ACD
import Config
import Events
import Testing
import Timebase

@Suite struct RulesTests {
    // MARK: penalties and skills

    @Test func `penalties widen with waiting`() {
        let floor = Floor(agents: [agent("1", penalty: 1), agent("2", penalty: 5)]) {
            $0.widening = [
                Queue.Widening(after: .seconds(20), penalty: 1, skill: nil),
                Queue.Widening(after: .seconds(40), penalty: 5, skill: nil),
            ]
            $0.ringTimeout = .seconds(300)
        }
        let first = floor.enter()
        let second = floor.enter()
        #expect(floor.offered == [])
        floor.pass(.seconds(20))
        #expect(floor.ringing(first) == ["1"])
        #expect(floor.ringing(second) == [])
        floor.pass(.seconds(20))
        #expect(floor.ringing(second) == ["2"])
    }

    @Test func `a wait that was brought along widens at once`() {
        let floor = Floor(agents: [agent("1", penalty: 5)]) {
            $0.widening = [Queue.Widening(after: .seconds(40), penalty: 5, skill: nil)]
        }
        floor.enter(carried: .seconds(40))
        #expect(floor.offered == ["1"])
    }

    @Test func `a ring-all caller's widening rings more phones`() {
        let floor = Floor(agents: [agent("1"), agent("2", penalty: 1)]) {
            $0.strategy = .ringAll
            $0.widening = [Queue.Widening(after: .seconds(10), penalty: 1, skill: nil)]
        }
        let call = floor.enter()
        #expect(floor.ringing(call) == ["1"])
        floor.pass(.seconds(10))
        #expect(floor.ringing(call) == ["1", "2"])
    }

    @Test func `skills relax with waiting, and whoever demands less is not held up`() {
        let floor = Floor(agents: [agent("1", skill: 1)]) {
            $0.widening = [Queue.Widening(after: .seconds(30), penalty: nil, skill: 1)]
        }
        let hard = floor.enter(skill: 3)
        #expect(floor.offered == [])
        let easy = floor.enter(skill: 1)
        #expect(floor.ringing(easy) == ["1"])
        floor.answer(easy, "1")
        floor.pass(.seconds(30))
        floor.end(easy)
        #expect(floor.ringing(hard) == ["1"])
    }

    @Test func `the queue's own least skill holds for everybody`() {
        let floor = Floor(agents: [agent("1", skill: 1), agent("2", skill: 2)]) { $0.minimumSkill = 2 }
        floor.enter()
        #expect(floor.offered == ["2"])
        floor.enter()
        #expect(floor.offered == [])
    }

    // MARK: sticky

    @Test func `whom the caller knew is known again when another was gone before he spoke`() {
        let floor = Floor(agents: three) {
            $0.strategy = .linear
            $0.sticky = Queue.Sticky(remember: .seconds(3600), wait: .seconds(30))
        }
        let first = floor.enter(number: "+7495")
        floor.fail(first, "1", .declined)
        floor.answer(first, "2")
        floor.end(first)
        floor.pass(.seconds(60))
        floor.engage("2", "own")
        let second = floor.enter(number: "+7495")
        floor.pass(.seconds(31))
        #expect(floor.ringing(second) == ["1"])
        floor.answer(second, "1")
        floor.dispatcher.forget(Floor.id("1"), by: "+7495", in: Floor.queue("sales"))
        floor.drop(second)
        floor.leave(second)
        floor.disengage("2", "own")
        floor.pass(.seconds(60))
        let third = floor.enter(number: "+7495")
        #expect(floor.ringing(third) == ["2"])
    }

    private var sticky: Floor {
        let floor = Floor(agents: three) { $0.sticky = Queue.Sticky(remember: .seconds(3600), wait: .seconds(30)) }
        floor.serve(number: "+7495")
        return floor
    }

    @Test func `the last agent is asked though others are idle longer`() {
        let floor = sticky
        floor.enter(number: "+7495")
        #expect(floor.offered == ["1"])
    }

    @Test func `the last agent is waited for, then the rest are asked`() {
        let floor = sticky
        floor.engage("1", "own")
        let call = floor.enter(number: "+7495")
        #expect(floor.offered == [])
        floor.pass(.seconds(30))
        #expect(floor.ringing(call) == ["2"])
    }

    @Test func `the last agent is not waited for when he goes away`() {
        for command in [Dispatcher.AgentCommand.logOut, .pause(reason: "tea"), .block] {
            let floor = sticky
            floor.engage("1", "own")
            let call = floor.enter(number: "+7495")
            floor.perform(command, "1")
            #expect(floor.ringing(call) == ["2"], "\(command)")
        }
        let floor = sticky
        floor.engage("1", "own")
        let call = floor.enter(number: "+7495")
        floor.reachable(false, "1")
        #expect(floor.ringing(call) == ["2"])
    }

    @Test func `the last agent who declines is not waited for`() {
        let floor = sticky
        let call = floor.enter(number: "+7495")
        floor.fail(call, "1", .declined)
        #expect(floor.ringing(call) == ["2"])
    }

    @Test func `an agent who went before he spoke with the caller is not remembered, another is`() {
        let floor = sticky
        let queue = QueueID(tenant: Floor.tenant, name: "sales")
        floor.dispatcher.forget(Floor.id("2"), by: "+7495", in: queue)
        floor.dispatcher.forget(Floor.id("1"), by: "+7496", in: queue)
        floor.enter(number: "+7495")
        #expect(floor.offered == ["1"])
        let other = sticky
        other.dispatcher.forget(Floor.id("1"), by: "+7495", in: queue)
        other.enter(number: "+7495")
        #expect(other.offered == ["2"])
    }

    @Test func `nobody is remembered for ever, nor for callers without a number`() {
        let floor = sticky
        floor.serve(number: "")
        floor.enter(number: "")
        #expect(floor.offered == ["3"])
        floor.pass(.seconds(3601))
        floor.enter(number: "+7495")
        #expect(floor.offered != ["1"])
    }

    // MARK: joining and leaving

    @Test func `no more than may wait are let in`() {
        let floor = Floor(agents: three) { $0.maxLength = 1 }
        floor.perform(.pause(reason: "tea"), "1")
        floor.enter()
        floor.enter()
        #expect(floor.left == [.full])
    }

    @Test(arguments: [
        ([Queue.EmptyCause.noAgents], AgentState.paused, false), ([.noAgents, .allPaused], .paused, true),
        ([.noAgents], .onCall, false), ([.noAgents, .allBusy], .onCall, true), ([.noAgents], .loggedOut, true),
        ([.noAgents], .unreachable, true), ([.noAgents], .blocked, true),
        ([.noAgents, .allPaused, .allBusy], .available, false),
    ]) func `a queue is empty by the causes that count`(
        _ causes: [Queue.EmptyCause],
        _ state: AgentState,
        _ isRefused: Bool
    ) {
        let floor = Floor(agents: [agent("1")]) {
            $0.onEmpty = .refuse
            $0.emptyWhen = Set(causes)
        }
        switch state {
        case .paused: floor.perform(.pause(reason: "tea"), "1")
        case .onCall: floor.engage("1", "own")
        case .loggedOut: floor.perform(.logOut, "1")
        case .unreachable: floor.reachable(false, "1")
        case .blocked: floor.perform(.block, "1")
        default: break
        }
        floor.enter()
        #expect(floor.left == (isRefused ? [.empty] : []))
    }

    @Test func `a queue that waits lets callers in though nobody is there`() {
        let floor = Floor(agents: [agent("1")])
        floor.perform(.logOut, "1")
        let call = floor.enter()
        #expect(floor.left == [])
        floor.perform(.logIn(device: nil), "1")
        #expect(floor.ringing(call) == ["1"])
    }

    @Test func `an expected wait that is too long refuses`() {
        let floor = Floor(agents: [agent("1")]) { $0.maxExpectedWait = .seconds(200) }
        floor.answer(floor.enter(), "1")
        floor.enter()
        #expect(floor.left == [])
        floor.enter()
        #expect(floor.left == [.full])
    }

    @Test func `the longest wait ends in a time-out, and stops the phones`() {
        let floor = Floor(agents: [agent("1")]) {
            $0.maxWait = .seconds(30)
            $0.ringTimeout = .seconds(60)
        }
        floor.enter(carried: .seconds(100))
        #expect(floor.offered == ["1"])
        floor.pass(.seconds(29))
        #expect(floor.left == [])
        floor.pass(.seconds(1))
        #expect(floor.left == [.timeout])
        #expect(floor.withdrawn == ["1": .withdrawn])
        #expect(floor.state("1") == .available)
    }

    @Test func `who waits in a queue without anybody leaves it in time, from when the last went or he came`() {
        let floor = Floor(agents: [agent("1")]) {
            ($0.maxWaitEmpty, $0.onEmpty, $0.ringTimeout) = (.seconds(30), .wait, .seconds(300))
        }
        floor.answer(floor.enter(), "1")
        floor.enter()
        floor.pass(.seconds(100))
        // Who talks is there.
        #expect(floor.left == [])
        floor.reachable(false, "1")
        floor.end(CallID("c1"))
        floor.pass(.seconds(20))
        floor.enter()
        floor.enter(isCallback: true)
        floor.pass(.seconds(9))
        #expect(floor.left == [])
        floor.pass(.seconds(1))
        #expect(floor.left == [.empty])
        floor.pass(.seconds(19))
        #expect(floor.left == [])
        floor.pass(.seconds(1))
        #expect(floor.left == [.empty])
        let view = floor.dispatcher.queueViews(at: floor.now).first
        #expect(view?.waiting == 0 && view?.callbacks == 1)
    }

    @Test func `the clock of a queue without anybody begins anew when somebody was there, and follows a reload`() {
        let floor = Floor(agents: [agent("1")]) {
            ($0.maxWaitEmpty, $0.emptyWhen) = (.seconds(30), [.noAgents, .allPaused])
        }
        floor.perform(.pause(reason: "tea"), "1")
        let call = floor.enter()
        floor.pass(.seconds(29))
        floor.perform(.unpause, "1")
        #expect(floor.ringing(call) == ["1"])
        floor.perform(.pause(reason: "tea"), "1")
        floor.fail(call, "1", .declined)
        floor.pass(.seconds(29))
        #expect(floor.left == [])
        floor.queues["sales"]?.maxWaitEmpty = nil
        floor.apply()
        floor.pass(.seconds(300))
        #expect(floor.left == [])
        floor.queues["sales"]?.maxWaitEmpty = .seconds(10)
        floor.apply()
        floor.pass(.seconds(10))
        #expect(floor.left == [.empty])
    }

    @Test func `a caller who hangs up stops every phone`() {
        let floor = Floor(agents: three) { $0.strategy = .ringAll }
        let call = floor.enter()
        floor.leave(call)
        #expect(floor.withdrawn == ["1": .withdrawn, "2": .withdrawn, "3": .withdrawn])
        floor.answer(call, "1")
        #expect(floor.state("1") == .available)
    }

    @Test func `nobody enters twice, nor where there is no queue`() {
        let floor = Floor(agents: [agent("1")])
        floor.enter("nowhere")
        #expect(floor.left == [.closed])
        let call = floor.enter()
        floor.turn { $0.enter(Dispatcher.Entry(call: call, queue: Floor.queue("sales"), number: ""), at: floor.now) }
        #expect(floor.left == [.closed])
    }

    @Test func `a caller sent back into a queue frees whom he spoke with`() {
        let floor = Floor(agents: [agent("1"), agent("2")])
        let call = floor.enter()
        floor.answer(call, "1")
        floor.turn { $0.enter(Dispatcher.Entry(call: call, queue: Floor.queue("sales"), number: ""), at: floor.now) }
        #expect(floor.ringing(call) == ["2"])
        #expect(floor.state("1") == .available)
    }

    @Test func `positions are announced to those for whom nobody rings`() {
        let floor = Floor(agents: [agent("1")]) {
            $0.announcePosition = .seconds(30)
            $0.ringTimeout = .seconds(300)
        }
        floor.enter()
        let second = floor.enter()
        floor.pass(.seconds(30))
        let told = floor.actions.compactMap { action -> Int? in
            guard case .announce(second, _, let position, _) = action else { return nil }
            return position
        }
        #expect(told == [2])
        #expect(floor.actions.count == 1)
    }

    @Test func `whoever has not moved up since he was told last is told nothing, where a queue wants it so`() {
        let floor = Floor(agents: [agent("1")]) {
            $0.announcePosition = .seconds(10)
            $0.ringTimeout = .seconds(300)
            $0.announcesImprovement = true
        }
        let first = floor.enter()
        let second = floor.enter()
        let third = floor.enter()
        floor.answer(first, "1")
        func told(_ call: CallID) -> [Int] {
            floor.actions.compactMap { action in
                guard case .announce(call, _, let position, _) = action else { return nil }
                return position
            }
        }
        floor.pass(.seconds(30))
        #expect(told(second) == [1] && told(third) == [2])
        floor.leave(second)
        floor.pass(.seconds(30))
        #expect(told(third) == [1])
    }

    @Test func `a pace of nothing does not turn for ever`() {
        let floor = Floor(agents: [agent("1")]) {
            $0.announcePosition = .zero
            $0.ringTimeout = .zero
            ($0.noAnswerDelay, $0.busyDelay, $0.declineDelay) = (.zero, .zero, .zero)
            $0.pauseAfterMisses = nil
        }
        let call = floor.enter()
        floor.fail(call, "1", .busy)
        #expect(floor.offered == [])
        floor.pass(.seconds(10))
        #expect(floor.offered.count <= 10)
    }
}

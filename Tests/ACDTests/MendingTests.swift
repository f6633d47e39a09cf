import Config
import Events
import Testing
import Timebase

@testable import ACD

/// Faults that no turn can make, put in by hand, and what the check of every second makes of them.
@Suite struct MendingTests {
    private let floor = Floor(agents: [Queue.Agent(user: "1"), Queue.Agent(user: "2"), Queue.Agent(user: "3")]) {
        $0.wrapUp = .seconds(10)
        $0.noAnswerDelay = .seconds(5)
    }
    private var dispatcher: Dispatcher { floor.dispatcher }

    private func agent(_ number: String) throws -> Agent { try #require(dispatcher.agents[Floor.id(number)]) }

    /// Mends, and gives what the ledger is told of this agent.
    @discardableResult
    private func mend(_ fault: String, _ number: String = "1") -> [AgentState] {
        let (found, left, actions) = dispatcher.mend(at: floor.now)
        #expect(found.contains { $0.contains(fault) }, "\(found)")
        #expect(left == [] && dispatcher.faults() == [])
        return actions.compactMap {
            guard case .publish(.agentChanged(let change), _, _) = $0, change.agent == number else { return nil }
            return change.state
        }
    }

    @Test func `nothing is found where nothing is wrong, and what is due is done, not mended`() {
        let call = floor.enter()
        let later = Moment(instant: floor.now.instant + .seconds(15), wall: floor.now.wall.advanced(by: .seconds(15)))
        let (found, left, actions) = dispatcher.mend(at: later)
        #expect(found == [] && left == [])
        #expect(actions.contains(.withdraw(call, agent: Floor.id("1"), .noAnswer)))
    }

    @Test func `a phone that rings for one who is gone stops, and its agent is offered the next caller`() throws {
        let call = floor.enter()
        let caller = try #require(dispatcher.callers[call])
        dispatcher.remove(caller, isAnswered: false)
        #expect(mend("rings for \(call), who is gone") == [.available])
        let others = ["2", "3"].map(Floor.id)
        #expect(others.allSatisfy { dispatcher.agents[$0]?.offer == nil })
        floor.enter()
        #expect(try agent("1").offer != nil)
    }

    @Test
    func `an agent who talks in a call that is not his is freed; a talk that only he knows goes on until its end`()
        throws
    {
        let call = floor.enter()
        floor.answer(call, "1")
        dispatcher.talking[call] = nil
        #expect(mend("talks in \(call), which is not his") == [])
        #expect(try agent("1").state == .onCall)
        floor.turn { $0.gone(call, at: floor.now) }
        #expect(try agent("1").state == .wrapUp)

        let other = floor.enter()
        floor.answer(other, "2")
        dispatcher.talking[other] = [Floor.id("3")]
        try agent("3").talk = agent("2").talk
        #expect(mend("talks in \(other)", "2") == [.available])
    }

    @Test func `a call of his own that nobody knows keeps nobody busy, and his wrap-up goes on`() throws {
        let call = floor.enter()
        floor.answer(call, "1")
        floor.turn { $0.engaged(Floor.id("1"), in: CallID("own"), at: floor.now) }
        floor.turn { $0.ended(call, at: floor.now) }
        dispatcher.engagements = [:]
        #expect(mend("is kept busy by own, which nobody knows") == [.wrapUp])
        floor.pass(.seconds(10))
        #expect(try agent("1").state == .available)
    }

    @Test func `clocks that were lost are started again: ringing, wrap-up and rest end`() throws {
        let call = floor.enter()
        dispatcher.timers = TimerQueue()
        mend("rings without an end")
        floor.pass(.seconds(15))
        #expect(try agent("1").restsUntil != nil && agent("2").offer?.call == call)
        dispatcher.timers = TimerQueue()
        mend("rests without an end")
        floor.pass(.seconds(5))
        #expect(try agent("1").isFree)
        floor.answer(call, "2")
        floor.turn { $0.ended(call, at: floor.now) }
        dispatcher.timers = TimerQueue()
        mend("wraps up without a clock")
        floor.pass(.seconds(10))
        #expect(try agent("2").state == .available)
    }

    @Test func `whoever stands in no line is put back, and served at once`() throws {
        for number in ["1", "2", "3"] { floor.perform(.pause(reason: "tea"), number) }
        let call = floor.enter()
        let caller = try #require(dispatcher.callers[call])
        caller.queue.waiting.remove(caller)
        mend("waits and stands in no line")
        caller.queue.free.remove(try #require(caller.queue.members[Floor.id("1")]))
        floor.perform(.unpause, "1")
        #expect(try agent("1").offer?.call == call)
    }

    @Test func `free agents who stand nowhere, and counts that are wrong, are made anew`() throws {
        let queue = try #require(dispatcher.queues[Floor.queue("sales")])
        queue.free.remove(try #require(queue.members[Floor.id("1")]))
        mend("is free and does not stand there")
        queue.staff = QueueLine.Staff()
        mend("agents are miscounted")
        try agent("1").told = .paused
        #expect(mend("was told paused") == [.available])
    }
}

import Config
import Events
import Testing
import Timebase

@testable import ACD

/// Agents whom one queue leaves out, while they serve their others.
@Suite("Pauses of one queue")
struct QueuePauseTests {
    /// Agent 1 serves both, 2 only sales.
    private static func floor(_ change: (inout Queue) -> Void = { _ in }) -> Floor {
        let floor = Floor()
        floor.add("sales", [Queue.Agent(user: "1"), Queue.Agent(user: "2")]) {
            $0.strategy = .linear
            change(&$0)
        }
        floor.add("support", [Queue.Agent(user: "1")])
        floor.apply()
        floor.start("1")
        floor.start("2")
        return floor
    }

    private static func staff(_ floor: Floor, _ queue: String) -> (available: Int, paused: Int)? {
        floor.dispatcher.queueViews(at: floor.now).first { $0.id.name == queue }.map { ($0.available, $0.paused) }
    }

    @Test func `the queue asks others, and the agent is there for his others`() throws {
        let floor = Self.floor()
        floor.perform(.pauseIn(queue: "sales", reason: "training"), "1")
        #expect(floor.state("1") == .available)
        #expect(floor.dispatcher.agentView(Floor.id("1"))?.summary == "available, paused in sales (training)")
        #expect(try #require(Self.staff(floor, "sales")) == (1, 1))
        #expect(try #require(Self.staff(floor, "support")) == (1, 0))
        let first = floor.enter("sales")
        #expect(floor.ringing(first) == ["2"])
        let second = floor.enter("sales")
        #expect(floor.ringing(second) == [])
        let third = floor.enter("support")
        #expect(floor.ringing(third) == ["1"])
        floor.answer(third, "1")
        floor.end(third)
        #expect(floor.ringing(second) == [])
        // Whoever waits is his at once when the queue asks him again.
        floor.perform(.unpauseIn(queue: "sales"), "1")
        #expect(floor.ringing(second) == ["1"])
        #expect(floor.dispatcher.agentView(Floor.id("1"))?.pausedIn == [:])
    }

    @Test func `a phone that rings for the queue stops, one that rings for another does not`() {
        let floor = Self.floor()
        let first = floor.enter("sales")
        #expect(floor.ringing(first) == ["1"])
        floor.perform(.pauseIn(queue: "sales", reason: "training"), "1")
        #expect(floor.ringing(first) == ["2"])
        let second = floor.enter("support")
        #expect(floor.ringing(second) == ["1"])
        floor.perform(.unpauseIn(queue: "sales"), "1")
        floor.perform(.pauseIn(queue: "sales", reason: "training"), "1")
        #expect(floor.ringing(second) == ["1"])
    }

    @Test func `missed calls pause in their queue alone where it says so, and an answer between starts anew`() {
        let floor = Self.floor { ($0.pauseAfterMisses, $0.missesPause, $0.noAnswerDelay) = (2, .queue, .zero) }
        floor.perform(.pauseIn(queue: "sales", reason: "x"), "2")
        let call = floor.enter("sales")
        floor.pass(.seconds(15))
        #expect(floor.ringing(call) == ["1"])
        floor.answer(call, "1")
        floor.end(call)
        let again = floor.enter("sales")
        floor.pass(.seconds(15))
        #expect(floor.dispatcher.agentView(Floor.id("1"))?.pausedIn == [:])
        floor.pass(.seconds(15))
        #expect(floor.ringing(again) == [])
        #expect(floor.state("1") == .available)
        #expect(floor.dispatcher.agentView(Floor.id("1"))?.pausedIn == ["sales": "no-answer"])
        let change = QueuePauseChanged(queue: "sales", agent: "1", reason: "no-answer")
        #expect(floor.events.contains(.queuePauseChanged(change)))
        let other = floor.enter("support")
        #expect(floor.ringing(other) == ["1"])
    }

    @Test func `a caller who waits for him alone waits for anybody then`() {
        let floor = Self.floor { $0.sticky = Queue.Sticky() }
        let first = floor.enter("sales", number: "+7495")
        floor.answer(first, "1")
        floor.end(first)
        floor.engage("1", "own")
        let second = floor.enter("sales", number: "+7495")
        #expect(floor.ringing(second) == [])
        floor.perform(.pauseIn(queue: "sales", reason: "training"), "1")
        #expect(floor.ringing(second) == ["2"])
        // Nor is he waited for by who comes later.
        floor.answer(second, "2")
        floor.end(second)
        let third = floor.enter("sales", number: "+7495")
        #expect(floor.ringing(third) == ["2"])
    }

    @Test func `nobody is there for callers where all are paused here, and log-out and the end of a pause end it`() {
        let floor = Self.floor { ($0.onEmpty, $0.emptyWhen) = (.refuse, [.noAgents, .allPaused]) }
        floor.perform(.pauseIn(queue: "sales", reason: "training"), "1")
        floor.perform(.pauseIn(queue: "sales", reason: "training"), "2")
        let refused = floor.enter("sales")
        #expect(floor.dispatcher.caller(refused, at: floor.now) == nil)
        floor.perform(.unpause, "1")
        let taken = floor.enter("sales")
        #expect(floor.ringing(taken) == ["1"])
        floor.perform(.logOut, "2")
        floor.perform(.logIn(device: nil), "2")
        #expect(floor.dispatcher.agentView(Floor.id("2"))?.pausedIn == [:])
    }

    @Test func `it outlives a reload and a restart, and why somebody was passed over is said`() throws {
        let floor = Self.floor()
        floor.perform(.pauseIn(queue: "sales", reason: "training"), "1")
        floor.apply()
        #expect(floor.dispatcher.agentView(Floor.id("1"))?.pausedIn == ["sales": "training"])
        let memory = try #require(floor.dispatcher.memory(of: Floor.id("1")))
        let call = floor.enter("sales")
        let notes = floor.events.compactMap { if case .note(let text) = $0 { text } else { nil } }
        #expect(notes.last?.contains("1 paused here (training)") == true, "\(notes)")
        floor.answer(call, "2")

        let next = Self.floor()
        next.turn { $0.restore([Floor.id("1"): memory], at: next.now) }
        #expect(next.dispatcher.agentView(Floor.id("1"))?.pausedIn == ["sales": "training"])
        #expect(try #require(Self.staff(next, "sales")) == (1, 1))
    }
}

import ACD
import Config
import Events
import Testing
import Timebase

/// What a queue expects its next caller to wait.
@Suite struct ExpectedWaitTests {
    private func expected(_ floor: Floor) -> Double? {
        floor.dispatcher.queueViews(at: floor.now).first?.expectedWait?.inSeconds
    }

    @Test func `callers who give up shorten the wait of those behind them`() throws {
        // One agent who talks for a minute; a caller every ten seconds, who gives up after one to four minutes.
        let floor = Floor(agents: [agent("1")])
        var waiting: [(call: CallID, until: Int)] = []
        var talk: (call: CallID, since: Int)?
        for second in stride(from: 0, to: 3_600, by: 10) {
            if let over = talk, second - over.since >= 60 {
                floor.end(over.call)
                talk = nil
            }
            for (call, until) in waiting where second >= until { floor.leave(call) }
            waiting.removeAll { second >= $0.until }
            waiting.append((floor.enter(), second + 60 + second * 7 % 180))
            if talk == nil, let next = waiting.first(where: { !floor.ringing($0.call).isEmpty }) {
                floor.answer(next.call, "1")
                waiting.removeAll { $0.call == next.call }
                talk = (next.call, second)
            }
            floor.pass(.seconds(10))
        }
        let wait = try #require(expected(floor))
        let answers = Double(waiting.count + 1) * 70
        #expect(answers > 700 && wait > 120 && wait < 300, "\(wait) s, \(answers) s if nobody gave up")
    }

    @Test func `a line of one has a pace, too`() throws {
        // One agent who talks for two seconds; each caller comes a second after the last was answered, and waits for one.
        let floor = Floor(agents: [agent("1")])
        var next = floor.enter()
        for _ in 0..<100 {
            floor.answer(next, "1")
            let talk = next
            floor.pass(.seconds(1))
            next = floor.enter()
            floor.pass(.seconds(1))
            floor.end(talk)
        }
        floor.answer(next, "1")
        let wait = try #require(expected(floor))
        // What is believed beforehand, three talks of three minutes, has long been outweighed; he was told half a minute, and ever more.
        #expect(wait < 4, "\(wait) s")
    }

    @Test func `what was learnt outlives a restart`() throws {
        let floor = Floor(agents: [agent("1")])
        for _ in 0..<40 {
            floor.serve(for: .seconds(2))
            floor.pass(.seconds(1))
        }
        floor.answer(floor.enter(), "1")
        floor.enter()
        let learnt = try #require(expected(floor))
        let next = Floor()
        next.add("sales", [agent("1")])
        next.apply()
        next.start("1")
        next.answer(next.enter(), "1")
        next.enter()
        #expect(learnt < 60 && expected(next) ?? 0 > 3 * learnt)
        let memory = try #require(floor.dispatcher.memory(of: Floor.queue("sales")))
        next.dispatcher.restore([Floor.queue("sales"): memory, Floor.queue("gone"): memory])
        #expect(abs((expected(next) ?? 0) - learnt) < 0.01, "\(learnt) s")
    }

    @Test func `nobody is told of more than the longest wait`() throws {
        let floor = Floor(agents: [agent("1")]) { $0.maxWait = .seconds(120) }
        floor.answer(floor.enter(), "1")
        for _ in 0..<10 { floor.enter() }
        #expect(expected(floor) == 120)
    }

    @Test func `whoever has waited is told what is left of the longest wait`() throws {
        let floor = Floor(agents: [agent("1")]) {
            $0.maxWait = .seconds(120)
            $0.announcePosition = .seconds(30)
        }
        floor.answer(floor.enter(), "1")
        for _ in 0..<10 { floor.enter() }
        floor.pass(.seconds(30))
        let waits = floor.actions.compactMap { action -> Duration? in
            guard case .announce(_, _, let position, let wait) = action, position > 3 else { return nil }
            return wait
        }
        #expect(waits.count == 7 && waits.allSatisfy { $0 == .seconds(90) }, "\(waits)")
    }

    @Test func `a wait for which nobody is let in is not cut off at the longest wait`() {
        let floor = Floor(agents: [agent("1")]) { ($0.maxWait, $0.maxExpectedWait) = (.seconds(120), .seconds(600)) }
        floor.answer(floor.enter(), "1")
        for _ in 0..<10 { floor.enter() }
        #expect(floor.left == [.full])
    }
}

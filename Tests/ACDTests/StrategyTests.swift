import ACD
import Config
import Events
import Testing
import Timebase

@Suite struct StrategyTests {
    private func floor(_ strategy: Queue.Strategy, _ agents: [Queue.Agent] = three, seed: UInt64 = 1) -> Floor {
        Floor(agents: agents, seed: seed) { $0.strategy = strategy }
    }

    @Test func `ring-all rings everybody, and one who becomes free joins in`() {
        let floor = floor(.ringAll)
        floor.perform(.pause(reason: "tea"), "3")
        let call = floor.enter()
        #expect(floor.offered == ["1", "2"])
        floor.perform(.unpause, "3")
        #expect(floor.offered == ["3"])
        floor.answer(call, "2")
        #expect(floor.withdrawn == ["1": .elsewhere, "3": .elsewhere])
        #expect(floor.state("2") == .onCall)
        #expect(floor.state("1") == .available)
    }

    @Test func `who let a caller go before he had him is asked again when everybody else was`() {
        let floor = floor(.linear)
        let call = floor.enter()
        floor.answer(call, "1")
        floor.drop(call)
        #expect(floor.offered == ["2"])
        floor.pass(.seconds(6))
        floor.fail(call, "2", .declined)
        #expect(floor.offered == ["3"])
        floor.fail(call, "3", .declined)
        #expect(floor.offered == ["1"])
    }

    @Test func `two who answer a ring-all call are one who has it and one who has not`() {
        let floor = floor(.ringAll)
        let call = floor.enter()
        floor.answer(call, "1")
        floor.answer(call, "2")
        #expect(floor.actions == [])
        #expect(floor.state("1") == .onCall)
        #expect(floor.state("2") == .available)
    }

    @Test func `in ring-all one who does not answer leaves the others ringing`() {
        let floor = floor(.ringAll)
        let call = floor.enter()
        floor.fail(call, "2", .declined)
        #expect(floor.ringing(call) == ["1", "3"])
        #expect(floor.offered == [])
    }

    @Test func `a call-back rings one agent of a ring-all queue`() {
        let floor = floor(.ringAll)
        floor.enter(isCallback: true)
        #expect(floor.offered == ["1"])
    }

    @Test func `longest-idle asks whoever is idle longest`() {
        let floor = floor(.longestIdle)
        #expect((0..<4).map { _ in floor.serve() } == ["1", "2", "3", "1"])
    }

    @Test func `a phone that rang for a caller who hung up costs no place among the idle`() {
        let floor = floor(.longestIdle)
        let call = floor.enter()
        floor.pass(.seconds(3))
        floor.leave(call)
        #expect(floor.serve() == "1")
    }

    @Test func `round-robin goes on after whom it asked last, whoever was idle longest`() {
        let floor = floor(.roundRobin)
        #expect((0..<2).map { _ in floor.serve() } == ["1", "2"])
        floor.perform(.pause(reason: "tea"), "3")
        floor.pass(.seconds(5))
        #expect(floor.serve() == "1")
        floor.perform(.unpause, "3")
        #expect((0..<3).map { _ in floor.serve() } == ["3", "2", "1"])
    }

    @Test func `round-robin keeps its memory over a reload`() {
        let floor = floor(.roundRobin)
        floor.serve()
        floor.apply()
        #expect(floor.serve() == "2")
    }

    @Test func `fewest-calls asks whoever took fewest of this queue`() {
        let floor = floor(.fewestCalls)
        #expect((0..<3).map { _ in floor.serve() } == ["1", "2", "3"])
        floor.perform(.pause(reason: "tea"), "1")
        floor.serve()
        floor.perform(.unpause, "1")
        #expect((0..<2).map { _ in floor.serve() } == ["3", "1"])
    }

    @Test func `least-talk-time asks whoever talked least`() {
        let floor = floor(.leastTalkTime)
        floor.serve(for: .seconds(300))
        floor.serve(for: .seconds(10))
        floor.serve(for: .seconds(60))
        #expect(floor.serve(for: .seconds(20)) == "2")
        #expect(floor.serve() == "2")
    }

    @Test func `linear asks in the order of the list`() {
        let floor = floor(.linear)
        #expect((0..<3).map { _ in floor.serve() } == ["1", "1", "1"])
        floor.perform(.pause(reason: "tea"), "1")
        #expect(floor.serve() == "2")
    }

    @Test func `ring-progressively adds the next of the list at each step, and those before ring on`() {
        let floor = Floor(agents: three) { ($0.strategy, $0.ringStep) = (.ringProgressively, .seconds(5)) }
        let call = floor.enter()
        #expect(floor.ringing(call) == ["1"])
        floor.pass(.milliseconds(4_900))
        #expect(floor.ringing(call) == ["1"])
        floor.pass(.milliseconds(200))
        #expect(floor.ringing(call) == ["1", "2"])
        floor.fail(call, "2", .declined)
        #expect(floor.ringing(call) == ["1"])
        floor.pass(.seconds(5))
        #expect(floor.ringing(call) == ["1", "3"])
        floor.answer(call, "3")
        #expect(floor.state("1") == .available && floor.state("3") == .onCall)
        floor.pass(.seconds(60))
        #expect(floor.dispatcher.faults() == [])
    }

    @Test func `ring-progressively: who becomes free after his step joins at once, and each caller begins with one`() {
        let floor = Floor(agents: three) { ($0.strategy, $0.ringStep) = (.ringProgressively, .seconds(5)) }
        floor.perform(.pause(reason: "tea"), "2")
        floor.perform(.pause(reason: "tea"), "3")
        let call = floor.enter()
        floor.pass(.seconds(6))
        #expect(floor.ringing(call) == ["1"])
        floor.perform(.unpause, "3")
        #expect(floor.ringing(call) == ["1", "3"])
        floor.perform(.unpause, "2")
        #expect(floor.ringing(call) == ["1", "3"])
        let second = floor.enter()
        #expect(floor.ringing(second) == ["2"])
        // Nobody is asked twice at once, and the first of all to be missed goes on ringing nobody.
        floor.apply()
        #expect(floor.ringing(call) == ["1", "3"])
    }

    @Test func `ring-progressively: of several who become free in one turn the first of the list rings beside`() {
        let floor = Floor()
        floor.add("sales", ["1", "2", "3", "4"].map { agent($0) }) {
            ($0.strategy, $0.ringStep) = (.ringProgressively, .seconds(1))
        }
        floor.add("support", ["2", "3", "4"].map { agent($0) }) { $0.strategy = .ringAll }
        floor.apply()
        for number in ["1", "2", "3", "4"] { floor.start(number) }
        let other = floor.enter("support")
        #expect(floor.ringing(other) == ["2", "3", "4"])
        let call = floor.enter("sales")
        floor.pass(.milliseconds(1_400))
        #expect(floor.ringing(call) == ["1"])
        floor.leave(other)
        #expect(floor.ringing(call) == ["1", "2"])
        floor.pass(.seconds(1))
        #expect(floor.ringing(call) == ["1", "2", "3"])
    }

    @Test func `linear comes to everybody though the first miss call after call`() {
        let floor = Floor(agents: three) {
            $0.strategy = .linear
            $0.noAnswerDelay = .zero
            $0.pauseAfterMisses = nil
        }
        floor.enter()
        var asked = floor.offered
        for _ in 0..<5 {
            floor.pass(.seconds(15))
            asked += floor.offered
        }
        #expect(asked == ["1", "2", "3", "1", "2", "3"])
    }

    @Test func `ring-progressively: who is due to an earlier caller just then keeps no other free one from ringing`() {
        // 1 rings for the second caller; at four seconds the first one's demand relaxes, to what 2 can, and the second is due another phone.
        let floor = Floor(agents: [agent("1"), agent("2", skill: 1), agent("3")]) {
            ($0.strategy, $0.ringStep) = (.ringProgressively, .seconds(2))
            $0.widening = [Queue.Widening(after: .seconds(4), penalty: nil, skill: 1)]
        }
        let hard = floor.enter(skill: 9)
        floor.pass(.seconds(2))
        let easy = floor.enter()
        #expect(floor.ringing(easy) == ["1"])
        floor.pass(.seconds(2))
        #expect(floor.ringing(hard) == ["2"] && floor.ringing(easy) == ["1", "3"])
        #expect(floor.dispatcher.faults() == [])
    }

    @Test(arguments: Queue.Strategy.allCases.filter { ![.ringAll, .ringProgressively].contains($0) })
    func `once everybody was asked they are asked again, those of a penalty too`(strategy: Queue.Strategy) {
        let floor = Floor(agents: [agent("1"), agent("2"), agent("3", penalty: 1)]) {
            $0.strategy = strategy
            ($0.ringTimeout, $0.noAnswerDelay, $0.pauseAfterMisses) = (.seconds(2), .seconds(1), nil)
        }
        floor.enter()
        var asked = floor.offered
        for _ in 0..<8 {
            floor.pass(.seconds(2))
            asked += floor.offered
        }
        for round in stride(from: 0, to: 9, by: 3) {
            #expect(Set(asked[round..<min(round + 3, asked.count)]) == ["1", "2", "3"], "\(asked)")
        }
    }

    @Test func `skills asks the most skilled, then whoever is idle longest`() {
        let floor = floor(.skills, [agent("1", skill: 1), agent("2", skill: 5), agent("3", skill: 5)])
        #expect((0..<3).map { _ in floor.serve() } == ["2", "3", "2"])
        floor.perform(.pause(reason: "tea"), "2")
        floor.perform(.pause(reason: "tea"), "3")
        #expect(floor.serve() == "1")
    }

    @Test func `random asks everybody about as often`() {
        let floor = floor(.random)
        var counts: [String: Int] = [:]
        for _ in 0..<600 { counts[floor.serve(for: .seconds(1)) ?? "", default: 0] += 1 }
        for number in ["1", "2", "3"] { #expect((150...250).contains(counts[number] ?? 0), "\(counts)") }
    }

    @Test func `weighted-random asks in proportion to skills`() {
        let floor = floor(.weightedRandom, [agent("1", skill: 1), agent("2", skill: 2), agent("3", skill: 3)])
        var counts: [String: Int] = [:]
        for _ in 0..<1200 { counts[floor.serve(for: .seconds(1)) ?? "", default: 0] += 1 }
        #expect((150...250).contains(counts["1"] ?? 0), "\(counts)")
        #expect((340...460).contains(counts["2"] ?? 0), "\(counts)")
        #expect((530...670).contains(counts["3"] ?? 0), "\(counts)")
    }

    @Test(arguments: Queue.Strategy.allCases) func `every strategy asks lower penalties first`(
        _ strategy: Queue.Strategy
    ) {
        let floor = floor(strategy, [agent("1", penalty: 2, skill: 9), agent("2", penalty: 1), agent("3", penalty: 1)])
        if strategy == .ringAll { return }
        for _ in 0..<5 { #expect(floor.serve() != "1") }
    }

    @Test(arguments: Queue.Strategy.allCases) func `every strategy goes on to the next agent at once`(
        _ strategy: Queue.Strategy
    ) {
        let floor = floor(strategy)
        let call = floor.enter()
        if strategy == .ringAll { return }
        let first = floor.offered
        floor.fail(call, first.first ?? "", .declined)
        #expect(floor.offered.count == 1)
        #expect(floor.offered != first)
    }

    @Test func `of several who become free at once the strategy chooses`() {
        let floor = Floor(agents: [agent("1"), agent("2", skill: 5), agent("3")]) {
            $0.strategy = .skills
            $0.wrapUp = .seconds(10)
        }
        let calls = (0..<3).map { _ in floor.enter() }
        for call in calls { floor.answer(call, floor.ringing(call).first ?? "") }
        let next = floor.enter()
        for call in calls { floor.end(call) }
        floor.pass(.seconds(10))
        #expect(floor.ringing(next) == ["2"])
    }
}

import ACD
import Config
import Events
import Testing
import Timebase

@Suite struct CallerOrderTests {
    private func order(resume: Duration? = nil, _ enter: (Floor) -> [CallID]) -> [CallID] {
        let floor = Floor(agents: [agent("1")]) {
            $0.ringTimeout = .seconds(600)
            $0.resume = resume
        }
        floor.perform(.pause(reason: "tea"), "1")
        let calls = enter(floor)
        floor.perform(.unpause, "1")
        var served: [CallID] = []
        while let call = floor.offeredCalls.first {
            served.append(call)
            floor.answer(call, "1")
            floor.end(call)
        }
        #expect(Set(served) == Set(calls))
        return served
    }

    @Test func `who came first is served first`() {
        let served = order { floor in (0..<4).map { _ in floor.enter() } }
        #expect(served == ["c1", "c2", "c3", "c4"])
    }

    @Test func `a point of priority is worth ten seconds, and no more`() {
        let served = order { floor in
            let first = floor.enter()
            floor.pass(.milliseconds(9_900))
            let second = floor.enter(priority: 1)
            floor.pass(.milliseconds(200))
            return [first, second, floor.enter(priority: 1)]
        }
        #expect(served == ["c2", "c1", "c3"])
    }

    @Test func `a wait that was brought along counts`() {
        let served = order { floor in
            let first = floor.enter()
            floor.pass(.seconds(10))
            return [first, floor.enter(carried: .seconds(11)), floor.enter(carried: .seconds(9))]
        }
        #expect(served == ["c2", "c1", "c3"])
    }

    /// Somebody waits, is cut off, and comes back after `away` behind another; whose phone rings then.
    private func resumed(
        _ resume: Duration?,
        away: Duration,
        number: String = "+74951112233",
        back: String = "+74951112233"
    ) -> [CallID] {
        let floor = Floor(agents: [agent("1")]) { $0.resume = resume }
        floor.perform(.pause(reason: "tea"), "1")
        floor.leave(floor.enter(number: number))
        floor.enter(number: "+74950000001")
        floor.pass(away)
        floor.enter(number: back)
        floor.perform(.unpause, "1")
        return floor.offeredCalls
    }

    @Test func `who is cut off and calls again in time has his place back`() {
        #expect(resumed(.seconds(60), away: .seconds(59)) == ["c3"])
        #expect(resumed(.seconds(60), away: .seconds(60)) == ["c2"])
        #expect(resumed(nil, away: .seconds(1)) == ["c2"])
        #expect(resumed(.seconds(60), away: .seconds(1), back: "+74951112234") == ["c2"])
    }

    @Test func `nobody has the place of another who hides his number`() {
        #expect(resumed(.seconds(60), away: .seconds(1), number: "", back: "") == ["c2"])
        #expect(resumed(.seconds(60), away: .seconds(1), number: "anonymous", back: "anonymous") == ["c2"])
    }

    @Test func `a kept place serves once`() {
        let served = order(resume: .seconds(600)) { floor in
            floor.leave(floor.enter(number: "+74951112233"))
            let other = floor.enter(number: "+74950000001")
            return [other, floor.enter(number: "+74951112233"), floor.enter(number: "+74951112233")]
        }
        #expect(served == ["c3", "c2", "c4"])
    }

    @Test func `whoever was answered, or left by a key, keeps no place`() {
        let floor = Floor(agents: [agent("1")]) { $0.resume = .seconds(600) }
        floor.serve(number: "+74951112233")
        floor.perform(.pause(reason: "tea"), "1")
        let gone = floor.enter(number: "+74951112233")
        floor.turn { $0.leave(gone, .key, at: floor.now) }
        let other = floor.enter(number: "+74950000001")
        floor.enter(number: "+74951112233")
        floor.perform(.unpause, "1")
        #expect(floor.offeredCalls == [other])
    }

    @Test func `no priority overflows`() {
        let served = order { floor in
            [
                floor.enter(priority: .min), floor.enter(priority: .max, carried: .seconds(Int64.max)), floor.enter(),
            ]
        }
        #expect(served == ["c2", "c3", "c1"])
    }

    @Test func `nobody starves under a stream of higher priority`() {
        let floor = Floor(agents: [agent("1")])
        let busy = floor.enter()
        floor.answer(busy, "1")
        let poor = floor.enter()
        var current = busy
        var seconds = 0
        while floor.ringing(poor).isEmpty, seconds < 1000 {
            floor.enter(priority: 5)
            floor.pass(.seconds(5))
            seconds += 5
            floor.end(current)
            if let next = floor.offeredCalls.first, next != poor {
                floor.answer(next, "1")
                current = next
            }
        }
        // Five points are fifty seconds: only who came in those stands before him.
        #expect(seconds <= 60)
    }

    @Test func `an agent of several queues takes whoever stands first in any`() {
        let floor = Floor("a", agents: [agent("1")])
        floor.add("b", [agent("1")])
        floor.add("c", [agent("1")]) { $0.weight = 1 }
        floor.apply()
        let busy = floor.enter("a")
        floor.answer(busy, "1")
        let second = floor.enter("b")
        floor.pass(.seconds(1))
        floor.enter("a")
        floor.pass(.seconds(1))
        let first = floor.enter("c")
        floor.end(busy)
        #expect(floor.offeredCalls == [first])
        floor.answer(first, "1")
        floor.end(first)
        #expect(floor.offeredCalls == [second])
    }

    @Test func `who takes the place of one who waits is not asked by the rules of joining`() {
        let floor = Floor(agents: [agent("1")]) { $0.onEmpty = .refuse }
        floor.perform(.pause(reason: "tea"), "1")
        let asked = floor.enter()
        floor.perform(.logOut, "1")
        let entry = Dispatcher.Entry(call: "party", queue: Floor.queue("sales"), number: "+7")
        floor.turn { $0.enter(entry, inPlaceOf: asked, at: floor.now) }
        #expect(floor.left == [] && floor.dispatcher.caller("party", at: floor.now)?.position == 1)
        floor.enter()
        #expect(floor.left == [.empty])
    }
}

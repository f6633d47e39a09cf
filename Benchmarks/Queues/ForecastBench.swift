import ACD
import Config
import Events
import Foundation
import SIP
import Simulation
import Timebase

/// Days of 50 agents in five queues who are busier at noon than in the morning, and days on which there is too much to do: what
/// callers who had to wait were foretold is compared with the wait that came of it.
enum ForecastBench {
    private enum Happening: Hashable, Sendable {
        case arrival, hangUp(CallID), answer(CallID, UserID), talkEnds(CallID), doing(UserID)
    }

    /// Means in seconds.
    private struct Load {
        var name: String
        var betweenCalls: Double
        var patience: Double
    }

    static func report() {
        let loads = [
            Load(name: "busy at noon", betweenCalls: 5, patience: 600),
            Load(name: "too much, patient", betweenCalls: 3.6, patience: 600),
            Load(name: "too much, impatient", betweenCalls: 3, patience: 120),
        ]
        for load in loads { print("\(load.name): \(WaitError((1...UInt64(5)).map { day($0, load) }))") }
    }

    private static func day(_ seed: UInt64, _ load: Load) -> [ForetoldWait] {
        var random = SeededGenerator(seed: seed)
        var now = Moment(instant: Instant(nanoseconds: 0), wall: WallTime(milliseconds: 0))
        var world = TimerQueue<Happening>()
        let dispatcher = Dispatcher(generator: SeededGenerator(seed: seed), now: now)
        var foretold: [CallID: (wait: Duration?, entered: Instant)] = [:]
        var waits: [ForetoldWait] = []
        var calls = 0
        let settings = (0..<5).map { index in
            var queue = Queue(name: "")
            queue.wrapUp = .seconds(10 * index)
            queue.strategy = [.longestIdle, .linear, .roundRobin, .fewestCalls, .random][index]
            return queue
        }
        func later(_ mean: Double) -> Instant {
            now.instant + .milliseconds(Int64(-log(Double.random(in: 1e-6..<1, using: &random)) * mean * 1000))
        }
        func absorb(_ actions: [Dispatcher.Action]) {
            for action in actions {
                switch action {
                case .offer(let call, _, let agent, _):
                    if Int.random(in: 0..<10, using: &random) > 0 { world.start(.answer(call, agent), at: later(4)) }
                case .publish(.queueLeft(let left), _, let call?):
                    guard let told = foretold.removeValue(forKey: call) else { continue }
                    let isAnswered = left.outcome == .answered
                    if isAnswered { world.start(.talkEnds(call), at: later(180)) }
                    waits.append(
                        ForetoldWait(
                            queue: left.queue,
                            entered: told.entered,
                            left: now.instant,
                            isAnswered: isAnswered,
                            // Whoever finds somebody free waits for a phone to be picked up: no art in that.
                            expected: told.wait.flatMap { $0 > .zero ? $0 : nil }
                        )
                    )
                default: break
                }
            }
        }
        absorb(dispatcher.configure(tenant(settings, agents: 50, memberships: 2), at: now))
        for agent in (0..<50).map(userID) {
            absorb(dispatcher.reachable(true, device: agent, at: now))
            absorb(dispatcher.perform(.logIn(device: nil), by: agent, at: now) ?? [])
            world.start(.doing(agent), at: later(3600))
        }
        world.start(.arrival, at: later(5))
        while calls < 5_000, let next = world.nextDeadline {
            if let own = dispatcher.nextDeadline(), own <= next {
                now.instant = max(own, now.instant)
                absorb(dispatcher.fire(at: now))
                continue
            }
            now.instant = next
            switch world.popDue(now: next) {
            case .arrival:
                calls += 1
                let queue = queueID(Int.random(in: 0..<5, using: &random))
                let wait = dispatcher.queueViews(at: now).first { $0.id == queue }?.expectedWait
                let call = CallID("c\(calls)")
                foretold[call] = (wait, now.instant)
                absorb(dispatcher.enter(Dispatcher.Entry(call: call, queue: queue, number: ""), at: now))
                world.start(.hangUp(call), at: later(load.patience))
                // Two waves a day.
                let wave = 1 + 0.35 * sin(Double(calls) / 5_000 * 4 * Double.pi)
                world.start(.arrival, at: later(load.betweenCalls / wave))
            case .hangUp(let call): absorb(dispatcher.leave(call, .abandoned, at: now))
            case .answer(let call, let agent): absorb(dispatcher.answered(call, by: agent, at: now))
            case .talkEnds(let call): absorb(dispatcher.ended(call, at: now))
            case .doing(let agent):
                let isPaused = dispatcher.isPaused(agent)
                absorb(dispatcher.perform(isPaused ? .unpause : .pause(reason: "tea"), by: agent, at: now) ?? [])
                world.start(.doing(agent), at: later(isPaused ? 3600 : 600))
            case nil: break
            }
        }
        return waits
    }
}

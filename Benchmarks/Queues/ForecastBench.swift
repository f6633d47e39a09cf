import ACD
import Config
import Events
import Foundation
import SIP
import Timebase

/// Days of 50 agents in five queues who are busier at noon than in the morning: every caller who had to wait and was answered is
/// compared with what was foretold when he came.
enum ForecastBench {
    private enum Happening: Hashable, Sendable {
        case arrival, hangUp(CallID), answer(CallID, UserID), talkEnds(CallID), doing(UserID)
    }

    static func report() {
        var errors: [Double] = []
        var waits: [Double] = []
        for seed in 1...UInt64(5) { day(seed, &errors, &waits) }
        errors.sort()
        waits.sort()
        guard !errors.isEmpty else { return }
        let text = String(
            format: "%d callers: median error %.0f s of a median wait of %.0f s; nine in ten within %.0f s",
            errors.count,
            errors[errors.count / 2],
            waits[waits.count / 2],
            errors[errors.count * 9 / 10]
        )
        print(text)
    }

    private static func day(_ seed: UInt64, _ errors: inout [Double], _ waits: inout [Double]) {
        var random = SeededGenerator(seed: seed)
        var now = Moment(instant: Instant(nanoseconds: 0), wall: WallTime(milliseconds: 0))
        var world = TimerQueue<Happening>()
        let dispatcher = Dispatcher(generator: SeededGenerator(seed: seed), now: now)
        var foretold: [CallID: (wait: Duration, entered: Instant)] = [:]
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
                    guard let told = foretold.removeValue(forKey: call), left.outcome == .answered else { continue }
                    world.start(.talkEnds(call), at: later(180))
                    let wait = (now.instant - told.entered).inSeconds
                    // Whoever finds somebody free waits for a phone to be picked up: no art in that.
                    guard told.wait > .zero else { continue }
                    errors.append(abs(wait - told.wait.inSeconds))
                    waits.append(wait)
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
                let wait = dispatcher.queueViews(at: now).first { $0.id == queue }?.expectedWait ?? .zero
                let call = CallID("c\(calls)")
                foretold[call] = (wait, now.instant)
                absorb(dispatcher.enter(Dispatcher.Entry(call: call, queue: queue, number: ""), at: now))
                world.start(.hangUp(call), at: later(600))
                // Two waves a day.
                let load = 1 + 0.35 * sin(Double(calls) / 5_000 * 4 * Double.pi)
                world.start(.arrival, at: later(5.0 / load))
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
    }
}

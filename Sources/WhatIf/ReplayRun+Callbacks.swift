import ACD
import Config
import Events
import Timebase

/// Callers who leave the line and are called back: as the engine does it (`Calls/CallCore+Callbacks.swift`), without the phones.
extension ReplayRun {
    /// A wish on its way through the day.
    struct Wish {
        let recorded: RecordedDay.Callback
        /// Indices of callers, one an attempt.
        var attempts: [Int] = []
        var next = 0
        /// When it was made in this replay, milliseconds since 1970.
        var requested: Int64
        var place: Dispatcher.Place?
        /// Waited on the line before.
        var waited: Int64 = 0

        init(_ recorded: RecordedDay.Callback) {
            (self.recorded, requested) = (recorded, recorded.requested)
        }
    }

    /// Nobody had come to it: it goes as another of its queue did, or as a caller's talk.
    private func model(of queue: String, _ pick: Int) -> (ring: Int64, talk: Int64, wrapUp: Int64?) {
        let attempts = replay.day.callbacks.filter { $0.queue == queue }.flatMap(\.attempts)
        guard attempts.isEmpty else {
            let model = attempts[pick % attempts.count]
            return (model.ring, model.talk, model.wrapUp)
        }
        let talks = replay.day.arrivals.filter { $0.queue == queue && $0.talk != nil }
        guard !talks.isEmpty else { return (0, 0, nil) }
        let model = talks[pick % talks.count]
        return (model.ring ?? 0, model.talk ?? 0, model.wrapUp)
    }

    mutating func addAttempts() {
        for (number, wish) in wishes.enumerated() {
            let recorded = wish.recorded
            let pick = Int.random(in: 0..<Int.max, using: &random)
            var lengths = recorded.attempts.map { ($0.ring, $0.talk, $0.wrapUp) }
            if lengths.isEmpty { lengths = [model(of: recorded.queue, pick)] }
            for (attempt, length) in lengths.enumerated() {
                let arrival = RecordedDay.Arrival(
                    call: CallID("\(recorded.id)#\(attempt)"),
                    queue: recorded.queue,
                    number: recorded.number,
                    priority: 0,
                    entered: recorded.requested,
                    carried: 0,
                    wait: 0,
                    outcome: .calledBack,
                    talk: length.1,
                    wrapUp: length.2,
                    ring: length.0
                )
                wishes[number].attempts.append(callers.count)
                callers.append(
                    Caller(
                        arrival: arrival,
                        leaves: nil,
                        talk: length.1,
                        ring: length.0,
                        wrapUp: length.2,
                        wish: number
                    )
                )
            }
        }
    }

    /// Those that no arrival of the day makes stand when they were made, or from its beginning on.
    mutating func prepareWishes() {
        for (number, wish) in wishes.enumerated() {
            if let cancelled = wish.recorded.cancelled { world.start(.calledOff(number), at: instant(cancelled)) }
            if let asker = wish.recorded.askedBy, numbers[asker] != nil {
                wishOfArrival[asker] = number
            } else {
                let start = max(wish.recorded.requested, replay.day.from)
                wishes[number].waited = start - wish.recorded.requested
                world.start(.wish(number), at: instant(start))
            }
        }
    }

    /// He left the line, and a moment later wishes what he wished then.
    mutating func wish(of caller: Caller, after left: QueueLeft) {
        guard let number = wishOfArrival[caller.arrival.call], let index = numbers[caller.arrival.call] else { return }
        let pause = wishes[number].recorded.requested - (caller.arrival.entered + caller.arrival.wait)
        wishes[number].place = places[index]
        wishes[number].waited = left.waitMilliseconds
        wishes[number].requested = now.wall.milliseconds + max(0, pause)
        world.start(.wish(number), at: now.instant + .milliseconds(max(0, pause)))
    }

    mutating func stand(_ number: Int) {
        let wish = wishes[number]
        guard wish.attempts.indices.contains(wish.next) else { return }
        let isFirst = wish.next == 0
        let entry = Dispatcher.Entry(
            call: callers[wish.attempts[wish.next]].arrival.call,
            queue: QueueID(tenant: staffing.tenant.id, name: wish.recorded.queue),
            number: wish.recorded.number,
            requiredSkill: wish.recorded.skill,
            carried: isFirst ? .milliseconds(wish.waited) : .zero,
            isCallback: true,
            place: isFirst ? wish.place : nil
        )
        absorb(dispatcher.enter(entry, at: now))
    }

    mutating func callOff(_ number: Int) {
        let wish = wishes[number]
        world.stop(.wish(number))
        wishOfArrival = wishOfArrival.filter { $0.value != number }
        guard wish.attempts.indices.contains(wish.next) else { return }
        wishes[number].next = wish.attempts.count
        absorb(dispatcher.leave(callers[wish.attempts[wish.next]].arrival.call, .closed, at: now))
    }

    /// An agent has it, and calls the number.
    mutating func takeUp(_ number: Int, _ index: Int, _ left: QueueLeft) {
        wishes[number].next += 1
        stays[index] = Replay.Stay(
            queue: wishes[number].recorded.queue,
            carried: 0,
            wait: now.wall.milliseconds - wishes[number].requested,
            outcome: .calledBack,
            talk: callers[index].talk
        )
        talk(index, left)
    }

    /// As many times as it was tried then: who was not reached stands behind those who came meanwhile.
    mutating func tryAgain(_ number: Int) {
        let wish = wishes[number]
        guard wish.attempts.indices.contains(wish.next),
            let rules = staffing.tenant.queues[wish.recorded.queue]?.callingBack
        else { return }
        world.start(.wish(number), at: now.instant + rules.retryAfter)
    }
}

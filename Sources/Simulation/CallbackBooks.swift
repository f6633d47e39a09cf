import Events
import Timebase

/// Call-backs of a day: which calls are attempts, and where in the line each of them may stand at best.
struct CallbackBooks {
    private struct Wish: Hashable {
        var queue: String
        var number: String
    }

    /// Calls that are attempts, as long as they live.
    private var live: [CallID: Wish] = [:]
    /// Where each may stand at best: the entry of who asked, or of an earlier stay whose place he had kept.
    private var places: [Wish: Instant] = [:]
    private var began: [CallID: Instant] = [:]

    func isAttempt(_ call: CallID?) -> Bool { call.map { live[$0] != nil } ?? false }

    mutating func started(_ start: CallStarted, _ call: CallID, at now: Instant) {
        began[call] = now
        if start.source.hasPrefix("queue ") {
            live[call] = Wish(queue: String(start.source.dropFirst(6)), number: start.to)
        }
    }

    mutating func entered(_ entry: QueueEntered, at now: Instant) {
        let entered = now + .milliseconds(-entry.carriedMilliseconds)
        places[Wish(queue: entry.queue, number: entry.number), default: entered].lower(to: entered)
    }

    mutating func changed(_ callback: CallbackChanged, _ call: CallID?, at now: Instant) {
        // Who has answered is a caller like any other from there on, whatever queue he is handed on to.
        if callback.state == .done, let call { live[call] = nil }
        guard callback.state == .waiting, callback.attempts == 0 else { return }
        let asked = call.flatMap { began[$0] } ?? now
        places[Wish(queue: callback.queue, number: callback.number), default: asked].lower(to: asked)
    }

    /// When the best place of this attempt was taken; nil: it is none.
    func place(of call: CallID) -> Instant? { live[call].flatMap { places[$0] } }

    mutating func ended(_ call: CallID) { (live[call], began[call]) = (nil, nil) }

    mutating func restart() { (live, began) = ([:], [:]) }
}

extension Instant {
    fileprivate mutating func lower(to other: Instant) { self = min(self, other) }
}

import ACD
import Events
import Timebase

/// A caller who is to be called back: his place waits in the queue, and an agent whose turn it is calls him.
struct Callback {
    let id: String
    let queue: QueueID
    let number: String
    let requested: WallTime
    var skill = 0
    /// Talks that were tried.
    var attempts = 0
    /// Who called last.
    var agent: String?
    var state = CallbackState.waiting
    /// The call of the next attempt, which is also its name in the queue; nil while the pause before it lasts.
    var call: CallID?
    /// When the pause before the next attempt ends, or ended; nil while there has been none since it was asked for, or an attempt is made.
    var next: WallTime?

    func changed(because reason: String?) -> CallbackChanged {
        CallbackChanged(
            id: id,
            queue: queue.name,
            number: number,
            requestedMilliseconds: requested.milliseconds,
            state: state,
            attempts: attempts,
            skill: skill,
            agent: agent,
            reason: reason,
            nextMilliseconds: next?.milliseconds
        )
    }
}

/// Everybody who is to be called back.
struct CallbackBook {
    private struct Wish: Hashable {
        var queue: QueueID
        var number: String
    }

    /// Bounds what callers can make us keep.
    static let most = 10_000

    private var callbacks: [String: Callback] = [:]
    private var attempts: [CallID: String] = [:]
    private var wishes: [Wish: String] = [:]

    var isFull: Bool { callbacks.count >= Self.most }
    var count: Int { callbacks.count }
    /// In the order in which they were asked for.
    var all: [Callback] { callbacks.values.sorted { $0.id < $1.id } }

    subscript(id: String) -> Callback? { callbacks[id] }
    subscript(call: CallID) -> Callback? { attempts[call].flatMap { callbacks[$0] } }

    /// The wish of a caller who is to be called back there; its id.
    func wish(of number: String, in queue: QueueID) -> String? { wishes[Wish(queue: queue, number: number)] }

    /// Adds it, or puts it in the place of what was known of it.
    mutating func set(_ callback: Callback) {
        if let old = callbacks[callback.id]?.call { attempts[old] = nil }
        callbacks[callback.id] = callback
        wishes[Wish(queue: callback.queue, number: callback.number)] = callback.id
        if let call = callback.call { attempts[call] = callback.id }
    }

    mutating func remove(_ callback: Callback) {
        if let call = callbacks.removeValue(forKey: callback.id)?.call { attempts[call] = nil }
        wishes[Wish(queue: callback.queue, number: callback.number)] = nil
    }
}

import Events
import Foundation
import Records
import Synchronization
import Timebase

/// Writes what is audited on the core's loop, on a thread of its own and in order. What the disk does not take is kept and tried
/// again with the next, and at the end.
final class AuditKeeper: EventSubscriber, Sendable {
    private struct Waiting {
        var act: AuditedAct
        var at: WallTime
    }

    /// More than these are told to the log instead: people and their phones do not act so fast.
    static let mostWaiting = 10_000

    private let database: NodeDatabase
    private let log: LogSink
    private let waiting = Mutex<[Waiting]>([])
    private let queue = DispatchQueue(label: "gudok.audit")

    init(database: NodeDatabase, log: LogSink) { (self.database, self.log) = (database, log) }

    func receive(_ envelope: EventEnvelope) {
        guard case .audited(let act) = envelope.event else { return }
        let isTaken = waiting.withLock { waiting in
            guard waiting.count < Self.mostWaiting else { return false }
            waiting.append(Waiting(act: act, at: envelope.at.wall))
            return true
        }
        if isTaken {
            queue.async { self.write() }
        } else {
            log.log(.error, "the audit log has no room for: \(act.actor.name) \(act.action) \(act.object)")
        }
    }

    /// Waits until everything is on disk.
    func flush() { queue.sync { write() } }

    private func write() {
        let batch = waiting.withLock { waiting in
            defer { waiting = [] }
            return waiting
        }
        for (index, next) in batch.enumerated() {
            do {
                try database.audit([next.act], at: next.at)
            } catch {
                log.log(.error, "the audit log cannot be written, \(batch.count - index) entries wait: \(error)")
                return waiting.withLock { $0 = batch[index...] + $0 }
            }
        }
    }
}

import Events
import Foundation
import Records
import Synchronization
import Timebase

/// Writes what is audited on the core's loop, on a thread of its own and in order.
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
    private let errand: DiskErrand

    init(database: NodeDatabase, log: LogSink) {
        (self.database, self.log) = (database, log)
        errand = DiskErrand("the audit log", log: log)
    }

    func receive(_ envelope: EventEnvelope) {
        guard case .audited(let act) = envelope.event else { return }
        let isTaken = waiting.withLock { waiting in
            guard waiting.count < Self.mostWaiting else { return false }
            waiting.append(Waiting(act: act, at: envelope.at.wall))
            return true
        }
        if isTaken {
            errand.call(write)
        } else {
            log.log(.error, "the audit log has no room for: \(act.actor.name) \(act.action) \(act.object)")
        }
    }

    /// Returns when what was heard so far is on disk, or the log says why it is not, or the disk takes its time.
    func wait() async { await errand.wait(atMost: .seconds(2)) }

    /// Waits until everything is on disk.
    func flush() { errand.flush(write) }

    @Sendable private func write() throws {
        let batch = waiting.withLock { waiting in
            defer { waiting = [] }
            return waiting
        }
        for (index, next) in batch.enumerated() {
            do {
                try database.audit([next.act], at: next.at)
            } catch {
                waiting.withLock { $0 = batch[index...] + $0 }
                throw error
            }
        }
    }
}

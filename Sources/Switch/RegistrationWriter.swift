import Engine
import Events
import Foundation
import Records
import SIP
import Synchronization

/// Keeps registrations on disk, on a queue of its own; of several changes that wait together one transaction is made.
final class RegistrationWriter: Sendable {
    private let database: NodeDatabase
    private let log: LogSink
    private let queue = DispatchQueue(label: "gudok.registrations")
    private let waiting = Mutex<[RegistrationChange]>([])

    init(database: NodeDatabase, log: LogSink) { (self.database, self.log) = (database, log) }

    func add(_ change: RegistrationChange) {
        let isFirst = waiting.withLock { waiting in
            waiting.append(change)
            return waiting.count == 1
        }
        if isFirst { queue.async { [self] in write() } }
    }

    /// Waits until everything is on disk.
    func flush() { queue.sync { write() } }

    private func write() {
        let changes = waiting.withLock { waiting in
            defer { waiting = [] }
            return waiting
        }
        // The last word about each contact counts.
        var latest: [String: RegistrationChange] = [:]
        for change in changes {
            switch change {
            case .put(let stored), .remove(let stored): latest["\(stored.user) \(stored.contact)"] = change
            }
        }
        guard !latest.isEmpty else { return }
        do {
            try database.put(latest.values.compactMap { if case .put(let stored) = $0 { stored } else { nil } })
            try database.remove(latest.values.compactMap { if case .remove(let stored) = $0 { stored } else { nil } })
        } catch {
            log.log(.error, "\(latest.count) registrations cannot be kept over a restart: \(error)")
        }
    }
}

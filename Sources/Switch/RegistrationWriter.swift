import Engine
import Events
import Foundation
import Records
import SIP
import Synchronization

/// Keeps registrations on disk, on a queue of its own; of several changes that wait together one transaction is made.
final class RegistrationWriter: Sendable {
    private let database: NodeDatabase
    private let errand: DiskErrand
    /// The last word about each contact, which is what counts.
    private let waiting = Mutex<[String: RegistrationChange]>([:])

    init(database: NodeDatabase, log: LogSink) {
        self.database = database
        errand = DiskErrand("registrations, for a restart", log: log)
    }

    func add(_ change: RegistrationChange) {
        switch change {
        case .put(let stored), .remove(let stored):
            waiting.withLock { $0["\(stored.user) \(stored.contact)"] = change }
        }
        errand.call(write)
    }

    /// Waits until everything is on disk.
    func flush() { errand.flush(write) }

    @Sendable private func write() throws {
        let latest = waiting.withLock { waiting in
            defer { waiting = [:] }
            return waiting
        }
        guard !latest.isEmpty else { return }
        do {
            try database.put(latest.values.compactMap { if case .put(let stored) = $0 { stored } else { nil } })
            try database.remove(latest.values.compactMap { if case .remove(let stored) = $0 { stored } else { nil } })
        } catch {
            waiting.withLock { $0.merge(latest) { newer, _ in newer } }
            throw error
        }
    }
}

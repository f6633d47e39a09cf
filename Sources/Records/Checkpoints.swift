import Events
import Foundation
import GRDB
import Synchronization

/// Moves what has gathered in the write-ahead logs of tenants' files into the files themselves, on a thread of its own.
///
/// SQLite does it by itself, in the commit that finds a thousand pages; but the disk is waited for twice, and every call that begins
/// meanwhile would wait for the record of its start.
final class Checkpoints: Sendable {
    /// A file is due after so many rows: with their traces some 16 MB of log, half of it the same pages again.
    static let rows = 1_000
    /// Where SQLite does it by itself after all, in pages: when this thread has not kept up.
    static let mostPages = 32_000
    /// What is written meanwhile is left over, and a log begins anew only when nothing is. On a busy switch a gap is found in some ten passes.
    private static let passes = 20

    private struct State {
        var rows: [TenantID: Int] = [:]
        var due: Set<TenantID> = []
        var isOver = false
    }

    private let folder: URL
    private let onTrouble: @Sendable (String) -> Void
    private let state = Mutex(State())
    private let wake = DispatchSemaphore(value: 0)
    private let over = DispatchSemaphore(value: 0)

    init(folder: URL, onTrouble: @escaping @Sendable (String) -> Void) {
        (self.folder, self.onTrouble) = (folder, onTrouble)
        let thread = Thread { [self] in run() }
        thread.name = "gudok-wal"
        thread.start()
    }

    /// So many rows more are in a tenant's log.
    func note(_ rows: Int, of tenant: TenantID) {
        let isDue = state.withLock { state in
            state.rows[tenant, default: 0] += rows
            guard state.rows[tenant, default: 0] >= Self.rows else { return false }
            state.rows[tenant] = nil
            return state.due.insert(tenant).inserted
        }
        if isDue { wake.signal() }
    }

    func stop() {
        state.withLock { $0.isOver = true }
        wake.signal()
        over.wait()
    }

    private func run() {
        while true {
            wake.wait()
            let (due, isOver) = state.withLock { state in
                defer { state.due = [] }
                return (state.due, state.isOver)
            }
            if isOver { break }
            for tenant in due {
                do {
                    try checkpoint(tenant)
                } catch {
                    onTrouble("the write-ahead log of tenant \(tenant) cannot be moved into its file: \(error.inWords)")
                }
            }
        }
        over.signal()
    }

    private func checkpoint(_ tenant: TenantID) throws {
        guard let database = try TenantDatabase(reading: folder, tenant: tenant) else { return }
        for _ in 0..<Self.passes {
            if try database.checkpoint() || state.withLock(\.isOver) { break }
            Thread.sleep(forTimeInterval: 0.05)
        }
    }
}

import Events
import Foundation
import Records
import Timebase

/// What the last run has left in the folder of data.
extension Node {
    /// Who was to be called back when these tenants were served last.
    static func openCallbacks(
        in folder: URL,
        of tenants: [TenantID],
        _ log: LogSink
    ) -> [(TenantID, [CallbackChanged])] {
        var query = CallbackQuery()
        (query.isOnlyOpen, query.limit) = (true, .max)
        return tenants.compactMap { tenant in
            do {
                guard let database = try TenantDatabase(reading: folder, tenant: tenant) else { return nil }
                return (tenant, try database.callbacks(query).map(\.callback))
            } catch {
                log.log(.error, "tenant \(tenant): nobody is called back whom the last run was to: \(error.inWords)")
                return nil
            }
        }
    }

    /// What was applied and whose file has changed since comes from there, and is to go with it.
    static func forget(_ database: NodeDatabase, allBut kept: [NodeDatabase.AppliedFile], _ log: LogSink) {
        do {
            guard try database.applied().count > kept.count else { return }
            try database.apply(kept, noting: [], at: SystemClock.now().wall)
        } catch {
            log.log(.error, "what was applied and has a file by now is kept until the next start: \(error.inWords)")
        }
    }

    /// Whoever holds a tenant's file keeps all of them from their calls for so many seconds.
    private static let patienceOfStart = 0.5

    /// What the last run left open, and the tenants in whose files it cannot be closed yet: they have their calls, as on a disk that fails
    /// later, and keep nobody else from theirs.
    static func closeInterrupted(
        in folder: URL,
        _ post: CorePost,
        _ log: LogSink
    ) throws -> (closed: [(TenantID, TenantDatabase.Interrupted)], owed: [TenantID: RecordWriter.Recovery]) {
        var closed: [(TenantID, TenantDatabase.Interrupted)] = []
        var owed: [TenantID: RecordWriter.Recovery] = [:]
        for tenant in try RecordFolder(folder).tenants {
            if let loss = RecordFolder(folder).loss(of: tenant) { log.log(.error, "tenant \(tenant): \(loss)") }
            do {
                let database = try TenantDatabase(folder: folder, tenant: tenant, patience: patienceOfStart)
                closed.append((tenant, try closeInterrupted(of: tenant, in: folder, database, log)))
            } catch {
                log.log(.error, "tenant \(tenant): calls are taken, but not put on record yet: \(error.inWords)")
                owed[tenant] = { database in
                    let ends = try closeInterrupted(of: tenant, in: folder, database, log).ends
                    post.handle?.post { $0.records.tell(ends, of: tenant, at: SystemClock.now().instant) }
                }
            }
        }
        return (closed, owed)
    }

    private static func closeInterrupted(
        of tenant: TenantID,
        in folder: URL,
        _ database: TenantDatabase,
        _ log: LogSink
    ) throws -> TenantDatabase.Interrupted {
        let now = SystemClock.now().wall
        let ahead = try database.lastKnown - now.milliseconds
        if ahead > 5_000 {
            log.log(
                .error,
                "tenant \(tenant): the clock is \(ahead / 1_000) s behind the last records; set it: until then agents' time is lost"
            )
        }
        // A recording proves that the switch lived while it was spoken.
        let recordings = try TapeRoom.repair(in: folder, tenant: tenant, database)
        let lived = min(recordings.map(\.at).max() ?? now, now)
        var interrupted = try database.closeInterrupted(lived: recordings.isEmpty ? 0 : lived.milliseconds)
        if !interrupted.calls.isEmpty {
            log.log(
                .warning,
                "tenant \(tenant): \(interrupted.calls.count) calls were cut off by the last end of the switch"
            )
        }
        interrupted.ends = recordings + interrupted.ends
        return interrupted
    }
}

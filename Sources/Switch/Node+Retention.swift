import Config
import Engine
import Events
import Foundation

/// Deletes recordings that their tenants keep no longer.
extension Node {
    static let retentionPace: Duration = .seconds(3600)

    /// Once an hour, beside everything else: a folder with many files takes its time.
    func startRetention() -> Task<Void, Never> {
        let (handle, database, folder, log) = (handle, database, files.dataFolder, log)
        return Task.detached {
            while !Task.isCancelled {
                for tenant in (try? await handle.ask { Array($0.engine.configuration.tenants.values) }) ?? [] {
                    do {
                        _ = try RecordingRetention(folder: folder, tenant: tenant)
                            .apply(now: Date(), by: AuditedAct.Actor(.switch, "retention"), in: database)
                    } catch {
                        log.log(.error, "tenant \(tenant.id): recordings past their time cannot be deleted: \(error)")
                    }
                }
                // Cancelled in its sleep it is over at once.
                guard (try? await Task.sleep(for: Self.retentionPace)) != nil else { return }
            }
        }
    }
}

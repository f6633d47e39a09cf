import Config
import Engine
import Events
import Foundation
import Records
import Timebase

/// Deletes recordings that their tenants keep no longer, and notes in the audit log how far their manifests are.
extension Node {
    /// How much is over a quota is what one such time records.
    static let retentionPace: Duration = .seconds(60)
    static let manifestPace: Duration = .seconds(3600)

    /// Beside everything else: a folder with many files takes its time.
    func startRetention() -> Task<Void, Never> {
        let (handle, database, folder, log) = (handle, database, files.dataFolder, log)
        return Task.detached {
            var noted: ContinuousClock.Instant?
            while !Task.isCancelled {
                let isToBeNoted = noted.map { .now - $0 >= Self.manifestPace } ?? true
                if isToBeNoted { noted = .now }
                for tenant in (try? await handle.ask { Array($0.engine.configuration.tenants.values) }) ?? [] {
                    do {
                        _ = try RecordingRetention(folder: folder, tenant: tenant)
                            .apply(now: Date(), by: AuditedAct.Actor(.switch, "retention"), in: database)
                    } catch {
                        log.log(
                            .error,
                            "tenant \(tenant.id): recordings past their time cannot be deleted: \(error.inWords)"
                        )
                    }
                    if isToBeNoted { Self.noteManifest(of: tenant.id, in: folder, database, log) }
                }
                // Cancelled in its sleep it is over at once.
                guard (try? await Task.sleep(for: Self.retentionPace)) != nil else { return }
            }
        }
    }

    private static func noteManifest(of tenant: TenantID, in folder: URL, _ node: NodeDatabase, _ log: LogSink) {
        do {
            guard let head = try TenantDatabase(reading: folder, tenant: tenant)?.recordingHead() else { return }
            try node.note(head, of: tenant, at: SystemClock.now().wall)
        } catch {
            log.log(.error, "tenant \(tenant): the manifest of the recordings cannot be noted: \(error.inWords)")
        }
    }
}

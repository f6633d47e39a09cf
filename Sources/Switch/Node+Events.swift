import ControlAPI
import Events
import Foundation
import Records

/// The stream of events over HTTP: what was missed comes first, from the tenants' files, so that a follower may resume after a
/// break or a restart of the switch.
extension Node {
    /// `last`: the last event that the follower has; nil: only what comes from now on.
    func events(after last: Int64?, of tenant: TenantID?) -> AsyncStream<ServerEvent> {
        let live = feed.follow()
        let folder = files.dataFolder
        let (stream, continuation) = AsyncStream<ServerEvent>.makeStream()
        let task = Task.detached {
            var known = last ?? .max
            if let last {
                known = Self.replay(after: last, of: tenant, in: folder) { continuation.yield(ServerEvent($0)) }
            }
            for await entry in live where tenant == nil || entry.tenant == tenant {
                // What was replayed from the disk a moment ago is not told twice.
                guard last == nil || entry.id > known else { continue }
                continuation.yield(ServerEvent(entry))
            }
            continuation.finish()
        }
        continuation.onTermination = { _ in task.cancel() }
        return stream
    }

    /// - Returns: the id of the last event that is on disk.
    private static func replay(
        after last: Int64,
        of tenant: TenantID?,
        in folder: URL,
        _ tell: (JournalEntry) -> Void
    ) -> Int64 {
        var known = last
        while true {
            var page: [JournalEntry] = []
            for tenant in tenant.map({ [$0] }) ?? RecordFolder(folder).tenants {
                guard let database = try? TenantDatabase(reading: folder, tenant: tenant) else { continue }
                page += (try? database.events(after: known, limit: 500)) ?? []
            }
            guard !page.isEmpty else { return known }
            // Of several files only what all of them have been read up to.
            page.sort { $0.id < $1.id }
            for entry in page.prefix(500) {
                tell(entry)
                known = entry.id
            }
        }
    }
}

extension ServerEvent {
    init(_ entry: JournalEntry) { self.init(id: "\(entry.id)", type: "message", data: entry.json) }
}

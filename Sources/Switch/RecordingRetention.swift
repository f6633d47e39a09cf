public import Config
public import Events
public import Foundation
public import Records
import Timebase

/// How long a tenant's recordings are kept: by age, then by room; what is on legal hold stays.
public struct RecordingRetention {
    private let folder: URL
    private let tenant: Tenant

    public init(folder: URL, tenant: Tenant) { (self.folder, self.tenant) = (folder, tenant) }

    /// Deletes what is past its time. A file is gone before its row says so: never a row that lies about a file that is there. What
    /// cannot be noted in the audit log is not deleted.
    ///
    /// - Returns: the ids of what was deleted.
    public func apply(now: Date, by actor: AuditedAct.Actor, in log: NodeDatabase) throws -> [String] {
        let policy = tenant.recordings
        guard policy.keep != nil || policy.quota != nil,
            let known = try TenantDatabase(reading: folder, tenant: tenant.id)
        else { return [] }
        let moment = Int64((now.timeIntervalSince1970 * 1000).rounded())
        let limit = policy.keep.map { moment - Int64($0.inMilliseconds.rounded()) }
        // Mostly there is nothing to do, and then the rows are not looked at one by one.
        let shelf = try known.shelf()
        guard let oldest = shelf.oldestDeletable,
            limit.map({ oldest < $0 }) ?? false || shelf.octets > policy.quota ?? .max
        else { return [] }
        let database = try TenantDatabase(folder: folder, tenant: tenant.id)
        let rows = try database.recordings(RecordingQuery()).filter { $0.state != .recording }
        // What may not be deleted has its room before all else.
        var room = rows.filter(\.isOnLegalHold).reduce(policy.quota ?? .max) { $0 - ($1.octets ?? 0) }
        var deleted: [String] = []
        // Newest first: what finds no room any more is the oldest.
        for row in rows where !row.isOnLegalHold {
            let isOld = limit.map { row.startedMilliseconds < $0 } ?? false
            room -= row.octets ?? 0
            guard isOld || room < 0 else { continue }
            let act = AuditedAct(
                by: actor,
                "recording.delete",
                "recording \(row.id)",
                tenant: tenant.id,
                after: "deleted",
                detail: "call \(row.callID), \(isOld ? "older than the tenant keeps" : "over the tenant's quota")"
            )
            let path = TapeRoom.folder(of: tenant.id, in: folder).appending(path: row.file)
            // The rows were read at the beginning; who was put on hold meanwhile stays.
            let isGone = try database.delete(recording: row.id, at: moment) {
                try log.audit([act], at: WallTime(milliseconds: moment))
                if FileManager.default.fileExists(atPath: path.path) { try FileManager.default.removeItem(at: path) }
            }
            if isGone { deleted.append(row.id) }
        }
        return deleted
    }
}

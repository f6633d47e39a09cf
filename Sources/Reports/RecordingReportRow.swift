public import Accounting
public import Events
public import Records

/// A recording with its tenant and the place of its file, below the tenant's folder of recordings.
public struct RecordingReportRow: Encodable, Sendable {
    public var id: String
    public var call_id: String
    public var tenant: String
    public var file: String
    public var policy: String
    @OrNull public var queue: String?
    /// null: an earlier version recorded it.
    @OrNull public var agents: [String]?
    public var started_at: String
    @OrNull public var duration_s: Double?
    @OrNull public var octets: Int64?
    @OrNull public var sha256: String?
    public var state: String
    @OrNull public var fault: String?
    public var pauses: [[Int64?]]
    @OrNull public var lost_frames: Int64?
    public var legal_hold: Bool
    public var deleted: Bool

    public init(_ row: RecordingRow, _ tenant: TenantID) {
        (id, call_id, file, policy) = (row.id, row.callID, row.file, row.policy)
        (queue, agents) = (row.queue, row.agents)
        self.tenant = tenant.name
        started_at = stamp(row.startedMilliseconds)
        duration_s = row.milliseconds.map(seconds)
        (octets, sha256, fault) = (row.octets, row.sha256, row.fault)
        (state, pauses) = (row.state.rawValue, row.pauses)
        lost_frames = row.lostFrames
        legal_hold = row.isOnLegalHold
        deleted = row.deletedMilliseconds != nil
    }

    public static let keys = [
        "id", "call_id", "tenant", "file", "policy", "started_at", "duration_s", "octets", "sha256", "state", "fault",
        "pauses", "lost_frames", "legal_hold", "deleted", "queue", "agents",
    ]
}

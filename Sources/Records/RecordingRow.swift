public import Events
import Foundation
import GRDB

/// A recording as it is kept: where its file is, what became of it.
public struct RecordingRow: Codable, Equatable, Sendable {
    public enum State: String, Codable, Sendable, CaseIterable { case recording, final, failed }

    public var id: String
    public var callID: String
    /// Below the tenant's folder of recordings.
    public var file: String
    public var policy: String
    /// Whose talk it is of; nil: past the queues, or an earlier version recorded it.
    public var queue: String?
    /// Our users who speak in it, by extension; nil: an earlier version recorded it.
    public var agents: [String]?
    /// Milliseconds since 1970.
    public var startedMilliseconds: Int64
    /// nil while it goes on.
    public var milliseconds: Int64?
    public var octets: Int64?
    /// Hexadecimal.
    public var sha256: String?
    public var state: State
    public var fault: String?
    /// From when to when it is silence on purpose, milliseconds from its start; without an end when it ended so.
    public var pauses: [[Int64?]] = []
    /// Packets of both sides that never came, or too late, and are silence in the file; nil: nobody counted to the end.
    public var lostFrames: Int64?
    /// Never deleted while this holds.
    public var isOnLegalHold: Bool
    /// When its file was deleted, milliseconds since 1970.
    public var deletedMilliseconds: Int64?

    public enum CodingKeys: String, CodingKey, CaseIterable, Sendable {
        case id
        case callID = "call_id"
        case file, policy, queue, agents
        case startedMilliseconds = "started_ms"
        case milliseconds, octets, sha256, state, fault, pauses
        case lostFrames = "lost_frames"
        case isOnLegalHold = "legal_hold"
        case deletedMilliseconds = "deleted_ms"
    }

    init(_ start: RecordingStarted, callID: String, startedMilliseconds: Int64) {
        (id, file, policy, self.callID) = (start.id, start.file, start.policy, callID)
        (self.startedMilliseconds, state, isOnLegalHold) = (startedMilliseconds, .recording, false)
        (queue, agents) = (start.queue, start.agents)
    }

    init(_ row: Row) {
        (id, callID, file, policy) = (row["id"], row["call_id"], row["file"], row["policy"])
        (startedMilliseconds, milliseconds, octets) = (row["started_ms"], row["milliseconds"], row["octets"])
        (sha256, fault, isOnLegalHold) = (row["sha256"], row["fault"], row["legal_hold"])
        (deletedMilliseconds, lostFrames) = (row["deleted_ms"], row["lost_frames"])
        state = State(rawValue: row["state"]) ?? .failed
        // A file that is only read may be of a version before the pauses.
        let pauses: String? = row["pauses"]
        self.pauses = pauses.flatMap { try? JSONDecoder().decode([[Int64?]].self, from: Data($0.utf8)) } ?? []
        queue = row["queue"]
        let agents: String? = row["agents"]
        self.agents = agents.flatMap { try? JSONDecoder().decode([String].self, from: Data($0.utf8)) }
    }

    func agentsAsJSON() throws -> String? {
        try agents.map { String(decoding: try JSONEncoder().encode($0), as: UTF8.self) }
    }

    /// A row that is there already keeps what became of it.
    static let insert = """
        INSERT OR IGNORE INTO recordings (id, call_id, file, policy, started_ms, queue, agents, state)
        VALUES (?, ?, ?, ?, ?, ?, ?, 'recording')
        """

    static let join = "UPDATE recordings SET agents = json_insert(agents, '$[#]', ?) WHERE id = ?"

    static let pause = """
        UPDATE recordings SET pauses = json_insert(pauses, '$[#]', json_array(? - started_ms, NULL)) WHERE id = ?
        """
    static let resume = "UPDATE recordings SET pauses = json_set(pauses, '$[#-1][1]', ? - started_ms) WHERE id = ?"

    static func end(_ end: RecordingEnded, in database: Database) throws {
        let state = end.isComplete ? State.final : .failed
        // A pause that nobody ended ends with the file.
        try database.cachedStatement(
            sql: """
                UPDATE recordings SET state = ?, fault = ?, milliseconds = ?, octets = ?, sha256 = ?, lost_frames = ?,
                  pauses = CASE json_type(pauses, '$[#-1][1]')
                    WHEN 'null' THEN json_set(pauses, '$[#-1][1]', max(?, json_extract(pauses, '$[#-1][0]'))) ELSE pauses END
                WHERE id = ?
                """
        ).execute(arguments: [
            state.rawValue, end.fault, end.milliseconds, end.octets, end.digest, end.lostFrames, end.milliseconds,
            end.id,
        ])
        try RecordingLink.append(end.id, to: database)
        guard end.isEmpty else { return }
        // A call that is over does not say of itself any more that nothing of it is to be heard.
        try database.cachedStatement(
            sql: """
                UPDATE calls SET recording = NULL, not_recorded = ?
                WHERE call_id = (SELECT call_id FROM recordings WHERE id = ?) AND recording = ?
                """
        ).execute(arguments: [NotRecorded.failed.rawValue, end.id, end.id])
    }
}

/// Which recordings are asked for, newest first.
public struct RecordingQuery: Sendable {
    /// Milliseconds since 1970: begun then or later.
    public var since: Int64?
    /// Milliseconds since 1970: begun before that.
    public var until: Int64?
    public var id: String?
    public var callID: String?
    /// Of the call that it was made of, as those below; it came by it, or an attempt went out over it.
    public var trunk: String?
    public var from: String?
    public var to: String?
    public var disposition: Disposition?
    /// Of the talk itself, which need not be the call's last.
    public var queue: String?
    /// Whoever of ours speaks in it.
    public var agent: String?
    public var state: RecordingRow.State?
    /// Those whose file is gone, too.
    public var includesDeleted = false
    /// Only what comes after this recording in the listing.
    public var before: Place?
    public var limit: Int?

    /// Where a recording stands in the listing, whatever is written meanwhile.
    public struct Place: Sendable {
        public var startedMilliseconds: Int64
        public var id: String

        public init(_ row: RecordingRow) { (startedMilliseconds, id) = (row.startedMilliseconds, row.id) }
    }

    public init() {}

    var statement: (sql: String, arguments: StatementArguments) {
        var conditions: [String] = []
        var arguments: [any DatabaseValueConvertible] = []
        func add(_ condition: String, _ value: (any DatabaseValueConvertible)?) {
            guard let value else { return }
            conditions.append(condition)
            arguments.append(value)
        }
        add("started_ms >= ?", since)
        add("started_ms < ?", until)
        add("id = ?", id)
        add("recordings.call_id = ?", callID)
        let ofCall = "EXISTS (SELECT 1 FROM calls WHERE calls.call_id = recordings.call_id AND"
        if let trunk {
            let legs = "SELECT 1 FROM trunk_legs WHERE trunk_legs.call_id = recordings.call_id AND trunk = ?"
            conditions.append("(\(ofCall) calls.trunk = ?) OR EXISTS (\(legs)))")
            arguments += [trunk, trunk]
        }
        add("\(ofCall) calls.\"from\" = ?)", from)
        add("\(ofCall) calls.\"to\" = ?)", to)
        add("\(ofCall) calls.disposition = ?)", disposition?.rawValue)
        // Of a recording of an earlier version no more is known than of its call.
        if let queue {
            conditions.append("(recordings.queue = ? OR recordings.agents IS NULL AND \(ofCall) calls.queue = ?))")
            arguments += [queue, queue]
        }
        if let agent {
            let talked = "leg.value->>'user' = ? AND leg.value->>'answered_at' IS NOT NULL"
            let handed = "EXISTS (SELECT 1 FROM json_each(legs) leg WHERE \(talked))"
            let inCall = "\(ofCall) (agent = ? OR user = ? OR \(handed)))"
            let speaks = "EXISTS (SELECT 1 FROM json_each(recordings.agents) WHERE value = ?)"
            conditions.append("(\(speaks) OR recordings.agents IS NULL AND \(inCall))")
            arguments += [agent, agent, agent, agent]
        }
        add("state = ?", state?.rawValue)
        if let before {
            conditions.append("(started_ms, id) < (?, ?)")
            arguments += [before.startedMilliseconds, before.id]
        }
        if !includesDeleted { conditions.append("deleted_ms IS NULL") }
        let filter = conditions.isEmpty ? "" : " WHERE " + conditions.joined(separator: " AND ")
        let limiting = limit.map { " LIMIT \(max(0, $0))" } ?? ""
        let sql = "SELECT * FROM recordings\(filter) ORDER BY started_ms DESC, id DESC\(limiting)"
        return (sql, StatementArguments(arguments))
    }
}

import Accounting
public import Events
import Foundation
import GRDB
import Timebase

/// An event as it is kept for those who follow the stream, and may come back after a break.
public struct JournalEntry: Equatable, Sendable {
    /// Rises over all tenants and restarts: milliseconds since 1970 in the upper bits, a count in the lower twelve.
    public var id: Int64
    public var tenant: TenantID
    /// One object: `id`, `at`, `tenant`, `call_id`, `type`, `data`.
    public var json: String

    /// What is worth following: calls from start to end, queues, agents, recordings, registrations, trunks. The steps of plans and
    /// the legs' own doings are in the calls' traces.
    static func isKept(_ event: Event) -> Bool {
        switch event {
        case .callStarted, .callRinging, .callAnswered, .callHeld, .callResumed, .callEnded, .transferStarted,
            .transferEnded, .queueEntered, .queueOffered, .queueOfferEnded, .queueLeft, .queueTalkMoved,
            .queueTalkEnded,
            .callbackChanged, .agentChanged,
            .recordingStarted, .recordingPaused,
            .recordingResumed, .recordingJoined, .recordingEnded, .notRecorded, .registered, .unregistered,
            .registrationExpired,
            .trunkUp, .trunkDown, .trunkRegistered, .trunkUnregistered,
            .queuePauseChanged, .pauseExceeded, .audited:
            true
        default: false
        }
    }

    static let schema = """
        CREATE TABLE events (id INTEGER PRIMARY KEY, call_id TEXT, type TEXT NOT NULL, json TEXT NOT NULL);
        CREATE INDEX events_by_call ON events (call_id) WHERE call_id IS NOT NULL;
        """

    /// The stream is followed by number: an index by call cost every event of every call, and nobody asked it.
    static let followedByNumber = "DROP INDEX events_by_call"

    static let insert = "INSERT OR IGNORE INTO events (id, call_id, type, json) VALUES (?, ?, ?, ?)"
}

/// What the last run left open.
extension JournalEntry {
    private struct Line<Content: Decodable>: Decodable {
        var at: String
        var data: Content

        /// nil: a version that knows other events wrote it.
        init?(_ json: String) {
            guard let line = try? JSONDecoder().decode(Self.self, from: Data(json.utf8)) else { return nil }
            self = line
        }
    }

    /// No row of a call is written so long after the journal had its start. In milliseconds.
    static let longestWithoutRow: Int64 = 600_000

    /// Makes the rows of the calls that have none yet: their starts were all that came to disk. (A call that ended and has no row is set aside.)
    static func recordStarts(of tenant: TenantID, _ database: Database) throws {
        let rows = try Row.fetchAll(
            database,
            sql: """
                SELECT call_id, type, json FROM events
                WHERE id >= (SELECT max(id) FROM events) - (:longest << 12) AND type IN ('callStarted', 'callEnded')
                  AND NOT EXISTS (SELECT 1 FROM calls WHERE calls.call_id = events.call_id) ORDER BY id
                """,
            arguments: ["longest": longestWithoutRow]
        )
        let ended = Set(rows.filter { $0["type"] == "callEnded" }.map { $0["call_id"] as String })
        var assembler = CallRecordAssembler()
        for row in rows where !ended.contains(row["call_id"]) {
            guard let line = Line<CallStarted>(row["json"]), let wall = WallTime(line.at) else { continue }
            let start = EventEnvelope(
                sequence: 0,
                node: "",
                at: Moment(instant: Instant(nanoseconds: 0), wall: wall),
                tenant: tenant,
                call: CallID(row["call_id"]),
                event: .callStarted(line.data)
            )
            if case .opened(let record) = assembler.apply(start) { try CallRow.write(record, to: database) }
        }
    }

    /// The transfers that the last run did not end, in calls that it did not end either: nobody took the party.
    static func openTransfers(_ database: Database, at now: Int64) throws -> [CutOff] {
        let rows = try Row.fetchCursor(
            database,
            sql: """
                SELECT call_id, type, json FROM events
                WHERE id >= (SELECT min(\(milliseconds(of: "started_at"))) FROM calls
                             WHERE ended_at IS NULL) << 12
                  AND type IN ('transferStarted', 'transferEnded')
                  AND call_id IN (SELECT call_id FROM calls WHERE ended_at IS NULL) ORDER BY id
                """
        )
        var open: [String: TransferStarted] = [:]
        while let row = try rows.next() {
            let (call, type): (String, String) = (row["call_id"], row["type"])
            guard type == "transferStarted" else {
                open[call] = nil
                continue
            }
            open[call] = Line<TransferStarted>(row["json"])?.data
        }
        return open.sorted { $0.key < $1.key }.map { call, start in
            let end = TransferEnded(leg: start.leg, target: start.target, isDone: false, sipCode: 487)
            return CutOff(call: call, event: .transferEnded(end), at: WallTime(milliseconds: now))
        }
    }
}

/// An event on its way to the journal: it is written out on the writer's thread.
struct JournalDraft: Sendable {
    var id: Int64
    var event: Event
    var tenant: TenantID
    var call: CallID?
    var at: WallTime

    /// The event's name and its text. Every call has a dozen of them: the encoder's text is taken as it is, not read again.
    func written() -> (type: String, json: [UInt8])? {
        // `{"TYPE":{…}}`
        guard let octets = try? JSONTextEncoder().encode(event), octets.count > 6,
            let quote = octets[2...].firstIndex(of: UInt8(ascii: "\"")), quote + 2 < octets.count
        else { return nil }
        let type = String(decoding: octets[2..<quote], as: UTF8.self)
        var out = JSONText()
        out.raw("{")
        out.field("at", "\(at)")
        out.field("call_id", call?.value)
        out.key("data")
        out.raw(Self.unwrapped(octets[(quote + 2)..<(octets.count - 1)]))
        out.field("id", "\(id)")
        out.field("tenant", tenant.name)
        out.field("type", type)
        out.raw("}")
        return (type, out.octets)
    }

    /// An event that holds one thing without a name (`{"_0":…}`) is that thing.
    static func unwrapped(_ object: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        guard object.starts(with: Array("{\"_0\":".utf8)) else { return object }
        let value = object.dropFirst(6).dropLast()
        var (depth, isText, isEscaped) = (0, false, false)
        for octet in value {
            if isEscaped {
                isEscaped = false
            } else if isText {
                if octet == UInt8(ascii: "\\") { isEscaped = true }
                if octet == UInt8(ascii: "\"") { isText = false }
            } else {
                switch octet {
                case UInt8(ascii: "\""): isText = true
                case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
                case UInt8(ascii: "}"), UInt8(ascii: "]"): depth -= 1
                // Another thing follows.
                case UInt8(ascii: ",") where depth == 0: return object
                default: break
                }
            }
        }
        return value
    }
}

extension TenantDatabase {
    /// Events after `known` up to `horizon`, the first first.
    public func events(after known: Int64, through horizon: Int64, limit: Int) throws -> [JournalEntry] {
        try read { database in
            // A file that is being made has none yet.
            guard try database.tableExists("events") else { return [] }
            return try Row.fetchAll(
                database,
                sql: "SELECT id, json FROM events WHERE id > ? AND id <= ? ORDER BY id LIMIT ?",
                arguments: [known, horizon, limit]
            ).map { JournalEntry(id: $0["id"], tenant: tenant, json: $0["json"]) }
        }
    }

    /// The last event's id; 0 when there is none.
    func lastEvent() throws -> Int64 {
        try read { try Int64.fetchOne($0, sql: "SELECT max(id) FROM events") ?? 0 }
    }

    /// Drops what is older than `limit`, but for what the start after a crash may ask for.
    func pruneEvents(before limit: WallTime) throws {
        try queue.write {
            try $0.execute(
                sql: "DELETE FROM events WHERE id < min(?, (SELECT max(id) FROM events) - (? << 12))",
                arguments: [limit.milliseconds << 12, JournalEntry.longestWithoutRow]
            )
        }
    }
}

import Accounting
import Events
import Foundation
import GRDB
import Testing
import Timebase

@testable import Records

@Suite struct HistoryTests {
    static func withDatabase(_ body: (TenantDatabase, URL) throws -> Void) throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "history-\(UUID().uuidString.prefix(8))")
        defer { try? FileManager.default.removeItem(at: folder) }
        try body(TenantDatabase(folder: folder, tenant: "demo"), folder)
    }

    private static func interval(_ state: AgentState, _ since: Int64, agent: String = "1001") -> HistoryRow {
        .agent(AgentInterval(agent: agent, state: state, sinceMilliseconds: since))
    }

    private static func intervals(_ database: TenantDatabase) throws -> [AgentInterval] {
        try database.agentIntervals(of: "1001", from: 0, until: .max)
    }

    @Test func `the database refuses a gap, an overlap, a second open interval, and a hole made later`() throws {
        try Self.withDatabase { database, _ in
            let insert =
                "INSERT INTO agent_states (agent, since_ms, until_ms, state) VALUES ('1001', ?, ?, 'available')"
            func run(_ sql: String, _ arguments: StatementArguments = []) throws {
                try database.queue.write { try $0.execute(sql: sql, arguments: arguments) }
            }
            try run(insert, [100, 200])
            #expect(throws: DatabaseError.self) { try run(insert, [201, 300]) }
            #expect(throws: DatabaseError.self) { try run(insert, [199, 300]) }
            #expect(throws: DatabaseError.self) { try run(insert, [50, 100]) }
            #expect(throws: DatabaseError.self) { try run(insert, [200, 200]) }
            #expect(throws: DatabaseError.self) {
                try run(insert.replacingOccurrences(of: "INSERT", with: "INSERT OR REPLACE"), [100, 300])
            }
            try run(insert, [200, 300])
            try run(insert, [300, nil])
            #expect(throws: DatabaseError.self) { try run(insert, [400, nil]) }
            #expect(throws: DatabaseError.self) {
                try run("UPDATE agent_states SET until_ms = 250 WHERE since_ms = 200")
            }
            #expect(throws: DatabaseError.self) {
                try run("UPDATE agent_states SET since_ms = 150 WHERE since_ms = 200")
            }
            #expect(throws: DatabaseError.self) { try run("DELETE FROM agent_states WHERE since_ms = 200") }
            try run("UPDATE agent_states SET until_ms = 400 WHERE since_ms = 300")
            try run("DELETE FROM agent_states WHERE since_ms = 100")
            #expect(try Self.intervals(database).map(\.sinceMilliseconds) == [200, 300])
        }
    }

    @Test func `after a crash intervals end at the last beat, and the time down is logged out`() throws {
        try Self.withDatabase { database, _ in
            try database.write([Self.interval(.available, 1_000), Self.interval(.onCall, 5_000)])
            try database.beat(at: WallTime(milliseconds: 9_000))
            _ = try database.closeInterrupted(at: WallTime(milliseconds: 60_000))
            #expect(try Self.intervals(database).last?.untilMilliseconds == 9_000)
            #expect(try Self.intervals(database).last?.state == .onCall)
            try database.write([Self.interval(.available, 50_000), Self.interval(.paused, 50_000)])
            // The clock was set back before this: what begins in the past begins where the last one ended.
            _ = try database.closeInterrupted(at: WallTime(milliseconds: 60_000))
            try database.write([Self.interval(.available, 20_000), Self.interval(.paused, 70_000)])
            let all = try Self.intervals(database)
            #expect(all.map(\.state) == [.available, .onCall, .loggedOut, .paused])
            #expect(all.map(\.sinceMilliseconds) == [1_000, 5_000, 9_000, 70_000])
            for (one, next) in zip(all, all.dropFirst()) { #expect(one.untilMilliseconds == next.sinceMilliseconds) }
            let row = try #require(try database.agentTotals(from: 0, until: 80_000, now: 80_000).first)
            #expect(row.isWhole && row.covered == 79_000 && row.loggedIn == 79_000 - 61_000)
        }
    }

    @Test func `after a crash a wait is interrupted, a talk stays answered, a recording has failed`() throws {
        try Self.withDatabase { database, _ in
            var waiting = QueueStay(callID: "w", queue: "q", number: "1", enteredMilliseconds: 1_000)
            var talking = waiting
            talking.callID = "t"
            (talking.outcome, talking.waitMilliseconds, talking.agent) = (.answered, 500, "1001")
            talking.connectedMilliseconds = 1_500
            let start = RecordingStarted(id: "r", file: "f", policy: "plan")
            let recording = RecordingRow(start, callID: "t", startedMilliseconds: 1_500)
            try database.write([.stay(waiting), .stay(talking), .recordingStarted(recording)])
            try database.beat(at: WallTime(milliseconds: 8_000))
            _ = try database.closeInterrupted(at: WallTime(milliseconds: 90_000))
            waiting = try #require(try database.stays(of: "w").first)
            #expect(waiting.outcome == .restart && waiting.waitMilliseconds == 7_000)
            #expect(waiting.endedMilliseconds == 8_000)
            talking = try #require(try database.stays(of: "t").first)
            #expect(talking.outcome == .answered && talking.talkMilliseconds == 6_500)
            var row = try #require(try database.recordings(RecordingQuery()).first)
            #expect(row.state == .failed && row.fault == "engine-restart")
            try database.finish(
                RecordingEnded(id: "r", isComplete: true, milliseconds: 6_000, octets: 9, digest: "ab")
            )
            row = try #require(try database.recordings(RecordingQuery()).first)
            #expect(row.state == .final && row.fault == nil && row.sha256 == "ab" && row.milliseconds == 6_000)
            #expect(try database.setLegalHold(true, recording: "r"))
            #expect(try !database.markDeleted(recording: "r", at: 1))
            #expect(try database.setLegalHold(false, recording: "r"))
            #expect(try database.markDeleted(recording: "r", at: 1))
            #expect(try database.recordings(RecordingQuery()).isEmpty)
        }
    }

    @Test func `stamps that people read are those of the integers`() throws {
        try Self.withDatabase { database, _ in
            for index in 0..<500 as Range<Int64> {
                let entered = 1_700_000_000_000 + index * 999_983
                try database.write([
                    .stay(QueueStay(callID: "\(index)", queue: "q", number: "1", enteredMilliseconds: entered))
                ])
            }
            let rows = try database.queue.read {
                try Row.fetchAll($0, sql: "SELECT entered_ms, entered_at, ended_at FROM queue_stays")
            }
            #expect(rows.count == 500)
            for row in rows {
                #expect(WallTime(row["entered_at"] as String)?.milliseconds == row["entered_ms"] as Int64)
                #expect(row["ended_at"] as String? == nil)
            }
        }
    }

    @Test func `a row that the database refuses holds up no other, and callbacks are kept`() throws {
        try Self.withDatabase { database, _ in
            let bad = RecordingEnded(id: "r", isComplete: true, milliseconds: 1, octets: 1, digest: nil)
            var callback = Callback(id: "c", queue: "q", number: "1", requestedMilliseconds: 5, state: "waiting")
            try database.queue.write {
                try $0.execute(
                    sql: """
                        CREATE TEMP TRIGGER no BEFORE INSERT ON missed_offers
                        BEGIN SELECT RAISE(ABORT, 'no'); END
                        """
                )
            }
            let offer = MissedOffer(
                callID: "x",
                queue: "q",
                agent: "1",
                atMilliseconds: 1,
                result: .busy,
                rangMilliseconds: 1
            )
            let rows: [HistoryRow] = [.callback(callback), .missed(offer), .recordingEnded(bad)]
            #expect(throws: DatabaseError.self) { try database.write(rows) }
            #expect(try database.callbacks().isEmpty)
            #expect(try database.writeSingly(rows).count == 1)
            (callback.state, callback.doneMilliseconds) = ("done", 9)
            try database.write([.callback(callback)])
            #expect(try database.callbacks() == [callback])
            #expect(try database.callbacks(onlyOpen: true).isEmpty)
        }
    }
}

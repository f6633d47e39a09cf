import Accounting
import Events
import Foundation
import GRDB
import Testing
import Timebase
import Trace

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

    @Test func `after a crash a whole trace stays what it is, though parts of it are left beside it`() throws {
        try Self.withDatabase { database, _ in
            let start = Moment(instant: Instant(nanoseconds: 0), wall: WallTime(milliseconds: 0))
            func trace(_ call: CallID, _ entries: Int) -> CallTrace {
                var trace = CallTrace(callID: call, tenant: "demo", started: start, from: "1", to: "2")
                trace.entries = (0..<entries).map { TraceEntry(offset: Int64($0), kind: .event("step \($0)")) }
                return trace
            }
            let parts = [trace("over", 1), trace("cut-off", 2)].map { TraceDraft.part(TracePart(trace: $0, first: 0)) }
            try database.queue.write { database in
                try database.execute(
                    sql: """
                        INSERT INTO calls (call_id, tenant, direction, "from", "to", started_at, legs, sip_call_ids)
                        VALUES ('cut-off', 'demo', 'internal', '1', '2', '1970-01-01T00:00:00.000Z', '[]', '[]')
                        """
                )
            }
            try database.write([.whole(trace("over", 3))] + parts)
            #expect(try database.unfinishedTrace(of: "cut-off")?.entries.count == 2)
            _ = try database.closeInterrupted()
            #expect(try database.trace(of: "over")?.entries.count == 3)
            // Its end is the last of it.
            #expect(try database.trace(of: "cut-off")?.entries.count == 3)
            #expect(try database.unfinishedTrace(of: "over") == nil)
        }
    }

    @Test func `after a crash intervals end at the last beat, and the time down is logged out`() throws {
        try Self.withDatabase { database, _ in
            try database.write([Self.interval(.available, 1_000), Self.interval(.onCall, 5_000)])
            try database.beat(at: WallTime(milliseconds: 9_000))
            let told = try database.closeInterrupted().ends
            let change = AgentChanged(
                agent: "1001",
                state: .loggedOut,
                reason: "engine-restart",
                queue: nil,
                device: "1001"
            )
            #expect(told == [CutOff(call: nil, event: .agentChanged(change), at: WallTime(milliseconds: 9_000))])
            // Until he does something he is logged out, whether he logs in again or not; another restart changes nothing.
            #expect(try database.closeInterrupted().ends.isEmpty)
            let known = try Self.intervals(database)
            #expect(known.map(\.state) == [.available, .onCall, .loggedOut])
            #expect(known.map(\.untilMilliseconds) == [5_000, 9_000, nil])
            let out = try #require(try database.agentTotals(from: 0, until: 30_000, now: 30_000).first)
            #expect(out.states["logged-out"] == 21_000 && out.isWhole)
            try database.write([Self.interval(.available, 50_000), Self.interval(.paused, 50_000)])
            // The clock was set back before this: what begins in the past begins where the last one ended.
            _ = try database.closeInterrupted()
            try database.write([Self.interval(.available, 20_000), Self.interval(.paused, 70_000)])
            let all = try Self.intervals(database)
            #expect(all.map(\.state) == [.available, .onCall, .loggedOut, .available, .paused])
            #expect(all.map(\.sinceMilliseconds) == [1_000, 5_000, 9_000, 50_000, 70_000])
            for (one, next) in zip(all, all.dropFirst()) { #expect(one.untilMilliseconds == next.sinceMilliseconds) }
            let row = try #require(try database.agentTotals(from: 0, until: 80_000, now: 80_000).first)
            #expect(row.isWhole && row.covered == 79_000 && row.loggedIn == 79_000 - 41_000)
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
            var call = CallRecord(
                callID: "t",
                tenant: "demo",
                direction: .inbound,
                from: "1",
                to: "2",
                startedAt: "\(WallTime(milliseconds: 1_000))"
            )
            call.answeredAt = call.startedAt
            // Before that he was another agent's, who handed him on.
            var before = QueueStay(callID: "t", queue: "p", number: "1", enteredMilliseconds: 900)
            (before.outcome, before.waitMilliseconds, before.agent) = (.answered, 0, "1002")
            (before.connectedMilliseconds, before.talkMilliseconds) = (900, 60)
            before.endedMilliseconds = 960
            try database.write([
                .call(call), .stay(before), .stay(waiting), .stay(talking), .recordingStarted(recording),
            ])
            // A phone rings for who waits.
            var ringing = AgentInterval(agent: "1003", state: .ringing, sinceMilliseconds: 6_000)
            (ringing.queue, ringing.callID) = ("q", "w")
            try database.write([.agent(ringing)])
            try database.beat(at: WallTime(milliseconds: 8_000))
            let transfer = TransferStarted(leg: 1, party: 0, kind: .blind, target: "1009", by: "user 1001")
            let done = TransferEnded(leg: 1, target: "1008", isDone: true, sipCode: 200)
            let told = [.transferStarted(transfer), .transferEnded(done), .transferStarted(transfer)] as [Event]
            let drafts = told.enumerated().map { place, event in
                JournalDraft(
                    id: 7_000 << 12 + Int64(place),
                    event: event,
                    tenant: "demo",
                    call: "t",
                    at: WallTime(milliseconds: 7_000)
                )
            }
            try database.write(drafts.map { .event($0) })
            try database.beat(at: WallTime(milliseconds: 8_000))
            let ends = try database.closeInterrupted().ends.map(\.event)
            let failed = TransferEnded(leg: 1, target: "1009", isDone: false, sipCode: 487)
            #expect(ends.first == .transferEnded(failed))
            let rung = QueueOfferEnded(queue: "q", agent: "1003", result: .withdrawn, rangMilliseconds: 2_000)
            #expect(ends.contains(.queueOfferEnded(rung)))
            let offer = try #require(try database.missedOffers(of: "w").first)
            #expect(offer.agent == "1003" && offer.result == .withdrawn && offer.rangMilliseconds == 2_000)
            // What the queue knows of the call is what the call's record knows.
            let cut = try #require(try database.call("t"))
            #expect(cut.setup == 0 && cut.queueWait == 0.5 && cut.talk == 6.5 && cut.duration == 7)
            waiting = try #require(try database.stays(of: "w").first)
            #expect(waiting.outcome == .restart && waiting.waitMilliseconds == 7_000)
            #expect(waiting.endedMilliseconds == 8_000 && waiting.offers == 1)
            talking = try #require(try database.stays(of: "t").last)
            #expect(
                talking.outcome == .answered && talking.talkMilliseconds == 6_500 && talking.holdMilliseconds == nil
            )
            #expect(try database.stays(of: "t").allSatisfy { $0.callerHungUp == false })
            var row = try #require(try database.recordings(RecordingQuery()).first)
            // Whoever owns the folder of recordings repairs the file, and ends its row.
            #expect(row.state == .recording)
            #expect(try database.interruptedRecordings().map(\.id) == ["r"])
            try database.finish(
                RecordingEnded(id: "r", isComplete: true, milliseconds: 6_000, octets: 9, digest: "ab")
            )
            row = try #require(try database.recordings(RecordingQuery()).first)
            #expect(row.state == .final && row.fault == nil && row.sha256 == "ab" && row.milliseconds == 6_000)
            #expect(try database.setLegalHold(true, recording: "r"))
            #expect(
                try !database.delete(recording: "r", at: 1) { Issue.record("its file is removed though it is held") }
            )
            #expect(try database.setLegalHold(false, recording: "r"))
            #expect(throws: CancellationError.self) {
                try database.delete(recording: "r", at: 1) { throw CancellationError() }
            }
            #expect(try database.recordings(RecordingQuery()).count == 1)
            #expect(try database.delete(recording: "r", at: 1) {})
            #expect(try database.recordings(RecordingQuery()).isEmpty)
            #expect(try !database.setLegalHold(true, recording: "r"))
            #expect(try !database.delete(recording: "r", at: 2) { Issue.record("its file is removed twice") })
        }
    }

    @Test func `a recording is found by its own queue and by who speaks in it, and not by the call's other talks`()
        throws
    {
        try Self.withDatabase { database, _ in
            var record = CallRecord(
                callID: "c",
                tenant: "demo",
                direction: .inbound,
                from: "+7",
                to: "600",
                startedAt: "\(WallTime(milliseconds: 1_000))"
            )
            (record.queue, record.agent) = ("support", "1003")
            let talks = [("sales", "1001"), ("support", "1003")].map { queue, agent in
                let start = RecordingStarted(id: agent, file: agent, policy: "plan", queue: queue, agents: [agent])
                return HistoryRow.recordingStarted(RecordingRow(start, callID: "c", startedMilliseconds: 1_500))
            }
            try database.write([.call(record)] + talks + [.recordingJoined(id: "1003", agent: "1005")])
            for (agent, found) in [("1001", ["1001"]), ("1003", ["1003"]), ("1005", ["1003"]), ("1002", [])] {
                var query = RecordingQuery()
                query.agent = agent
                #expect(try database.recordings(query).map(\.id) == found, "\(agent)")
            }
            for (queue, found) in [("sales", ["1001"]), ("support", ["1003"]), ("other", [])] {
                var query = RecordingQuery()
                query.queue = queue
                #expect(try database.recordings(query).map(\.id) == found, "\(queue)")
            }
        }
    }

    @Test func `a recording of an earlier version is found by every agent who speaks in its call`() throws {
        try Self.withDatabase { database, _ in
            let stamp = "\(WallTime(milliseconds: 1_000))"
            var record = CallRecord(
                callID: "c",
                tenant: "demo",
                direction: .inbound,
                from: "+7",
                to: "600",
                startedAt: stamp
            )
            record.agent = "1001"
            record.legs = ["1003", "1004"].map { user in
                var leg = LegRecord(legID: user, target: "user", address: "", startedAt: stamp, sipCallID: "")
                leg.user = user
                return leg
            }
            record.legs[1].answeredAt = stamp
            let recording = RecordingRow(
                RecordingStarted(id: "r", file: "f", policy: "plan"),
                callID: "c",
                startedMilliseconds: 1_500
            )
            try database.write([.call(record), .recordingStarted(recording)])
            for (agent, count) in [("1001", 1), ("1004", 1), ("1003", 0), ("1002", 0)] {
                var query = RecordingQuery()
                query.agent = agent
                #expect(try database.recordings(query).count == count, "\(agent)")
            }
        }
    }

    @Test func `after a crash a call ends at the last known time, and no leg of it before its answer`() throws {
        try Self.withDatabase { database, _ in
            func stamp(_ milliseconds: Int64) -> String { "\(WallTime(milliseconds: milliseconds))" }
            var record = CallRecord(
                callID: "c",
                tenant: "demo",
                direction: .inbound,
                from: "+7",
                to: "600",
                startedAt: stamp(1_000)
            )
            // The queue answered him at once, the agent later.
            record.answeredAt = stamp(1_002)
            record.legs = [
                LegRecord(legID: "b", target: "user 1001", address: "", startedAt: stamp(1_200), sipCallID: "")
            ]
            record.legs[0].answeredAt = stamp(1_500)
            for (id, beat, end) in [("c", 6_500, 6_500), ("set back", 900, 1_500)] as [(String, Int64, Int64)] {
                record.callID = id
                try database.write([.call(record)], at: WallTime(milliseconds: beat))
                #expect(try database.closeInterrupted().calls == [id])
                let call = try #require(try database.call(id))
                #expect(call.endedAt == stamp(end) && call.legs.first?.endedAt == stamp(end))
                #expect(call.setup == 0.002 && call.duration == Double(end - 1_000) / 1_000)
                #expect(call.talk == Double(end - 1_002) / 1_000 && call.queueWait == 0 && call.hold == nil)
            }
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
            var wish = CallbackChanged(
                id: "c",
                queue: "q",
                number: "1",
                requestedMilliseconds: 5,
                state: .waiting,
                attempts: 0,
                skill: 3,
                agent: nil,
                reason: nil,
                nextMilliseconds: 7
            )
            let callback = CallbackRow(wish, at: 5)
            var open = CallbackQuery()
            open.isOnlyOpen = true
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
            #expect(try database.callbacks(CallbackQuery()).isEmpty)
            let now = WallTime(milliseconds: 1)
            #expect(throws: CancellationError.self) {
                try database.writeSingly(rows, at: now) { _ in throw CancellationError() }
            }
            #expect(try database.callbacks(CallbackQuery()).isEmpty)
            var refused: [SetAside.Refused] = []
            try database.writeSingly(rows, at: now) { refused = $0 }
            #expect(refused.count == 1 && refused.first?.why.contains("no") == true)
            #expect(try database.callbacks(open) == [callback])
            (wish.state, wish.agent, wish.nextMilliseconds) = (.done, "1001", nil)
            try database.write([.callback(CallbackRow(wish, at: 9))])
            #expect(try database.callbacks(CallbackQuery()) == [CallbackRow(wish, at: 9)])
            #expect(try database.callbacks(open).isEmpty)
        }
    }

    @Test func `a recording of which nothing is to be heard is none of its call, that has ended before it`() throws {
        try Self.withDatabase { database, _ in
            let stamp = "\(WallTime(milliseconds: 1_000))"
            for name in ["empty", "heard"] {
                var record = CallRecord(
                    callID: name,
                    tenant: "demo",
                    direction: .inbound,
                    from: "+7",
                    to: "600",
                    startedAt: stamp
                )
                (record.recording, record.endedAt) = (name, stamp)
                let start = RecordingStarted(id: name, file: "f", policy: "plan")
                let row = RecordingRow(start, callID: name, startedMilliseconds: 1_000)
                let milliseconds: Int64 = name == "empty" ? 0 : 1
                let end = RecordingEnded(
                    id: name,
                    isComplete: false,
                    milliseconds: milliseconds,
                    octets: milliseconds,
                    digest: nil
                )
                try database.write([.call(record), .recordingStarted(row), .recordingEnded(end)])
            }
            let (empty, heard) = (try database.call("empty"), try database.call("heard"))
            #expect(empty?.recording == nil && empty?.notRecorded == .failed)
            #expect(heard?.recording == "heard" && heard?.notRecorded == nil)
        }
    }

    @Test func `the writer keeps a call's record, stay, states and recording together, and the clock while it is open`()
        throws
    {
        try Self.withDatabase { database, folder in
            let writer = RecordWriter(folder: folder, onCommitted: { _ in }, onTrouble: { Issue.record("\($0)") })
            let bus = EventBus(node: "n")
            bus.subscribe(writer)
            let moment = { (seconds: Int64) in
                Moment(
                    instant: Instant(nanoseconds: seconds * 1_000_000_000),
                    wall: WallTime(milliseconds: 1_700_000_000_000 + seconds * 1_000)
                )
            }
            func publish(_ event: Event, _ second: Int64) {
                bus.publish(event, tenant: "demo", call: "c", at: moment(second))
            }
            let start = CallStarted(
                direction: .inbound,
                from: "+7",
                fromName: nil,
                to: "600",
                trunk: nil,
                user: nil,
                source: "s",
                sipCallID: "x"
            )
            func change(_ state: AgentState) -> Event {
                .agentChanged(AgentChanged(agent: "1001", state: state, reason: nil, queue: "q", device: "1001"))
            }
            publish(change(.available), 0)
            publish(.callStarted(start), 1)
            publish(
                .queueEntered(
                    QueueEntered(queue: "q", number: "+7", priority: 0, position: 1, carriedMilliseconds: 0)
                ),
                2
            )
            publish(change(.onCall), 5)
            publish(
                .queueLeft(
                    QueueLeft(queue: "q", outcome: .answered, waitMilliseconds: 3_000, agent: "1001", offers: 1)
                ),
                5
            )
            publish(.variable(name: "city", value: "Ufa"), 5)
            publish(.recordingStarted(RecordingStarted(id: "r", file: "f", policy: "queue q")), 6)
            writer.stop()
            #expect(try database.call("c")?.recording == "r")
            #expect(try database.recordings(RecordingQuery()).first?.callID == "c")
            #expect(try database.stays(of: "c").first?.outcome == .answered)
            #expect(
                try database.agentIntervals(of: "1001", from: 0, until: .max).map(\.state) == [.available, .onCall]
            )
            // What is open when the writer ends has a last known time.
            let beat = try database.queue.read { try Int64.fetchOne($0, sql: "SELECT at_ms FROM clock") }
            #expect((beat ?? 0) > 1_700_000_000_000)
            #expect(try database.closeInterrupted().calls == ["c"])
            #expect(try database.call("c")?.variables == ["city": "Ufa"])
            let last = try #require(try database.agentIntervals(of: "1001", from: 0, until: .max).last)
            #expect(last.state == .loggedOut && last.sinceMilliseconds == beat)
        }
    }

    @Test func `a disk that fails loses neither a stay nor an interval, and keeps their order`() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "history-\(UUID().uuidString.prefix(8))")
        defer { try? FileManager.default.removeItem(at: folder) }
        // A file where the folder should be.
        try Data("x".utf8).write(to: folder)
        let bus = EventBus(node: "n")
        let writer = RecordWriter(folder: folder, onCommitted: { _ in }, onTrouble: { _ in })
        bus.subscribe(writer)
        for second in 0..<40 as Range<Int64> {
            let state: AgentState = second.isMultiple(of: 2) ? .available : .paused
            let change = AgentChanged(agent: "1001", state: state, reason: nil, queue: nil, device: "1001")
            let moment = Moment(
                instant: Instant(nanoseconds: second * 1_000_000_000),
                wall: WallTime(milliseconds: 1_700_000_000_000 + second * 1_000)
            )
            bus.publish(.agentChanged(change), tenant: "demo", at: moment)
            let entry = QueueEntered(queue: "q", number: "+7", priority: 0, position: 1, carriedMilliseconds: 0)
            bus.publish(.queueEntered(entry), tenant: "demo", call: CallID("c\(second)"), at: moment)
            if second == 20 { _ = DispatchSemaphore(value: 0).wait(timeout: .now() + .milliseconds(300)) }
            if second == 30 { try FileManager.default.removeItem(at: folder) }
        }
        writer.stop()
        let database = try TenantDatabase(folder: folder, tenant: "demo")
        let intervals = try database.agentIntervals(of: "1001", from: 0, until: .max)
        #expect(intervals.count == 40)
        #expect(intervals.dropLast().allSatisfy { $0.untilMilliseconds == $0.sinceMilliseconds + 1_000 })
        let totals = try database.queueTotals(from: 0, until: .max, threshold: 1, short: 1, now: 0)
        #expect(totals.first?.waiting == 40)
    }

    @Test func `what agents and queues were is kept in the node's file`() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "history-\(UUID().uuidString.prefix(8))")
        defer { try? FileManager.default.removeItem(at: folder) }
        let database = try NodeDatabase(folder: folder)
        let (first, second) = (UserID(tenant: "a", number: "1001"), UserID(tenant: "b", number: "1001"))
        let queue = QueueID(tenant: "a", name: "1001")
        try database.saveMemory(of: .agent(first), json: "{}")
        try database.saveMemory(of: .agent(second), json: "{\"x\":1}")
        try database.saveMemory(of: .agent(first), json: "{\"y\":2}")
        try database.saveMemory(of: .queue(queue), json: "{\"z\":3}")
        let memories = try NodeDatabase(folder: folder).memories()
        #expect(memories[.agent(first)] == "{\"y\":2}" && memories[.queue(queue)] == "{\"z\":3}" && memories.count == 3)
        try database.saveMemory(of: .queue(queue), json: nil)
        #expect(try NodeDatabase(folder: folder).memories().count == 2)
    }
}

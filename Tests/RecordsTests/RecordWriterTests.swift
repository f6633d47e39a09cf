import Accounting
import Events
import Foundation
import GRDB
import Synchronization
import Testing
import Timebase

@testable import Records

@Suite struct RecordWriterTests {
    private static func folder() -> URL {
        FileManager.default.temporaryDirectory.appending(path: "records-\(UUID().uuidString.prefix(8))")
    }

    /// What the writer said, gathered over its threads.
    private final class Heard: Sendable {
        let committed = Mutex<Set<CallID>>([])
        let troubles = Mutex<[String]>([])
    }

    private func writer(_ folder: URL, _ heard: Heard) -> RecordWriter {
        RecordWriter(
            folder: folder,
            onCommitted: { calls in heard.committed.withLock { $0.formUnion(calls) } },
            onTrouble: { text in heard.troubles.withLock { $0.append(text) } }
        )
    }

    private static let moment = Moment(
        instant: Instant(nanoseconds: 1),
        wall: WallTime(milliseconds: 1_800_000_000_000)
    )

    @Test func `whoever reads while a tenant's file is made finds all of it, or none`() throws {
        for _ in 0..<20 {
            let folder = Self.folder()
            defer { try? FileManager.default.removeItem(at: folder) }
            let made = DispatchSemaphore(value: 0)
            // A thread of its own: those that tests run on may all be busy.
            Thread.detachNewThread {
                #expect(throws: Never.self) { _ = try TenantDatabase(folder: folder, tenant: "demo") }
                made.signal()
            }
            var reader: TenantDatabase?
            let deadline = Date(timeIntervalSinceNow: 20)
            while reader == nil, Date() < deadline {
                reader = try TenantDatabase(reading: folder, tenant: "demo")
            }
            let found = try #require(reader)
            let tables = try found.queue.read { database in
                try String.fetchSet(database, sql: "SELECT name FROM sqlite_master WHERE type = 'table'")
            }
            #expect(tables.isSuperset(of: ["calls", "agent_states", "events"]))
            made.wait()
        }
    }

    private func begin(_ bus: EventBus, _ call: CallID, tenant: TenantID = "demo", to: String = "600") {
        let start = CallStarted(
            direction: .inbound,
            from: "+7",
            fromName: nil,
            to: to,
            trunk: "carrier",
            user: nil,
            source: "s",
            sipCallID: call.value
        )
        bus.publish(.callStarted(start), tenant: tenant, call: call, at: Self.moment)
    }

    private func end(_ bus: EventBus, _ call: CallID, tenant: TenantID = "demo", _ disposition: Disposition = .answered)
    {
        let end = CallEnded(disposition: disposition, hangupBy: .caller, sipCode: 200, q850Cause: 16, reason: "normal")
        bus.publish(.callEnded(end), tenant: tenant, call: call, at: Self.moment)
    }

    private func eventually(_ condition: () -> Bool) -> Bool {
        let deadline = Date(timeIntervalSinceNow: 20)
        while !condition() {
            guard Date() < deadline else { return false }
            _ = DispatchSemaphore(value: 0).wait(timeout: .now() + .milliseconds(10))
        }
        return true
    }

    @Test func `a thousand calls of two tenants: each start told, each row there once, no tenant's with the other's`()
        throws
    {
        let (folder, heard) = (Self.folder(), Heard())
        defer { try? FileManager.default.removeItem(at: folder) }
        let bus = EventBus(node: "n")
        let writer = writer(folder, heard)
        bus.subscribe(writer)
        for index in 0..<1_000 {
            let call = CallID("call-\(1000 + index)")
            begin(bus, call, tenant: index % 2 == 0 ? "a" : "b", to: "\(index)")
            end(bus, call, tenant: index % 2 == 0 ? "a" : "b")
        }
        writer.stop()
        #expect(heard.committed.withLock { $0.count } == 1_000)
        let records = RecordFolder(folder)
        let tenants = try records.tenants
        #expect(tenants == ["a", "b"])
        for tenant in tenants {
            let rows = try records.calls(CallQuery(), of: [tenant])
            #expect(rows.count == 500 && rows.allSatisfy { $0.tenant == tenant.name && $0.endedAt != nil })
        }
        var query = CallQuery()
        query.to = "7"
        #expect(try records.calls(query, of: records.tenants).map(\.callID) == ["call-1007"])
        query = CallQuery()
        query.limit = 3
        #expect(try records.calls(query, of: records.tenants).map(\.callID) == ["call-1999", "call-1998", "call-1997"])
        #expect(try records.trace(of: "call-1000") != nil)
    }

    @Test func `what the last run left open is closed before anything else is written, though not at the start`() throws
    {
        let (folder, heard) = (Self.folder(), Heard())
        defer { try? FileManager.default.removeItem(at: folder) }
        let attempts = Mutex(0)
        let found = Mutex<[String]>([])
        let writer = RecordWriter(
            folder: folder,
            owed: [
                "demo": { database in
                    attempts.withLock { $0 += 1 }
                    guard attempts.withLock({ $0 > 2 }) else { throw DatabaseError(resultCode: .SQLITE_BUSY) }
                    let (calls, lived) = (try database.calls(CallQuery()).map(\.callID), try database.lastKnown)
                    found.withLock { $0 = calls + ["\(lived)"] }
                }
            ],
            onCommitted: { calls in heard.committed.withLock { $0.formUnion(calls) } },
            onTrouble: { text in heard.troubles.withLock { $0.append(text) } }
        )
        let bus = EventBus(node: "n")
        bus.subscribe(writer)
        #expect(writer.status(now: Self.moment.instant).owing == 1)
        begin(bus, "new")
        #expect(eventually { heard.committed.withLock { $0 == ["new"] } })
        #expect(eventually { writer.status(now: Self.moment.instant).owing == 0 })
        writer.stop()
        #expect(attempts.withLock { $0 } == 3 && found.withLock { $0 } == ["0"])
    }

    @Test func `the node's own file that was taken away takes nothing until it is back`() throws {
        let folder = Self.folder()
        defer { try? FileManager.default.removeItem(at: folder) }
        let database = try NodeDatabase(folder: folder)
        let (place, aside) = (folder.appending(path: "gudok.sqlite"), folder.appending(path: "aside"))
        let act = AuditedAct(by: .init(.switch, "start"), "backup", "node")
        try FileManager.default.moveItem(at: place, to: aside)
        let fault = #expect(throws: OpeningFault.self) { try database.audit([act], at: Self.moment.wall) }
        #expect(fault.map { "\($0)".contains("gudok.sqlite was taken away or replaced") } ?? false)
        try FileManager.default.moveItem(at: aside, to: place)
        try database.audit([act], at: Self.moment.wall)
        #expect(try database.auditEntries(NodeDatabase.AuditQuery()).count == 1)
    }

    @Test func `a file that is taken away under the writer is told of, and the next record makes a new one`() throws {
        let (folder, heard) = (Self.folder(), Heard())
        defer { try? FileManager.default.removeItem(at: folder) }
        let bus = EventBus(node: "n")
        let writer = writer(folder, heard)
        bus.subscribe(writer)
        begin(bus, "first")
        #expect(eventually { heard.committed.withLock { $0 == ["first"] } })
        let own = folder.appending(path: "tenants/demo")
        for name in try FileManager.default.contentsOfDirectory(atPath: own.path) {
            try FileManager.default.removeItem(at: own.appending(path: name))
        }
        begin(bus, "second")
        end(bus, "first")
        #expect(eventually { heard.committed.withLock { $0 == ["first", "second"] } })
        writer.stop()
        let calls = try RecordFolder(folder).calls(CallQuery(), of: ["demo"])
        #expect(Set(calls.map(\.callID)) == ["first", "second"])
        #expect(heard.troubles.withLock { $0.count { $0.contains("taken away") } } == 1)
    }

    @Test func `the start of a call waits for a few traces of others, not for all`() throws {
        let folder = Self.folder()
        defer { try? FileManager.default.removeItem(at: folder) }
        let traces: @Sendable () throws -> Int? = {
            try TenantDatabase(reading: folder, tenant: "demo")?.queue
                .read { try Int.fetchOne($0, sql: "SELECT count(*) FROM traces") }
        }
        /// Traces on disk when starts were; the writer's thread stands still until the test lets it go on.
        let seen = Mutex<[Int?]>([])
        let (committed, goOn) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
        let bus = EventBus(node: "n")
        let writer = RecordWriter(
            folder: folder,
            onCommitted: { _ in
                seen.withLock { $0.append(try? traces()) }
                committed.signal()
                goOn.wait()
            },
            onTrouble: { Issue.record("\($0)") }
        )
        bus.subscribe(writer)
        begin(bus, "first")
        committed.wait()
        for index in 0..<500 {
            begin(bus, CallID("\(index)"))
            end(bus, CallID("\(index)"))
        }
        goOn.signal()
        committed.wait()
        begin(bus, "last")
        goOn.signal()
        committed.wait()
        goOn.signal()
        writer.stop()
        let counts = seen.withLock { $0 }
        #expect(counts.count == 3 && counts[1] == 0 && (1..<100).contains(counts[2] ?? 0), "\(counts)")
        #expect(try traces() == 500)
    }

    @Test func `what the log holds comes into the file without anybody's waiting for it`() throws {
        let (folder, heard) = (Self.folder(), Heard())
        defer { try? FileManager.default.removeItem(at: folder) }
        let bus = EventBus(node: "n")
        let writer = writer(folder, heard)
        bus.subscribe(writer)
        for index in 0..<2_000 {
            begin(bus, CallID("\(index)"))
            end(bus, CallID("\(index)"))
        }
        /// Without the log beside it.
        let alone = folder.appending(path: "alone.sqlite")
        let calls = {
            try? FileManager.default.removeItem(at: alone)
            try FileManager.default.copyItem(at: TenantDatabase.path(in: folder, of: "demo"), to: alone)
            return try DatabaseQueue(path: alone.path)
                .read { try Int.fetchOne($0, sql: "SELECT count(*) FROM calls") ?? 0 }
        }
        #expect(eventually { (try? calls()) ?? 0 >= 1_000 })
        writer.stop()
        #expect(heard.troubles.withLock { $0 } == [])
    }

    @Test func `a disk that fails loses no record and is reported`() throws {
        let (folder, heard) = (Self.folder(), Heard())
        defer { try? FileManager.default.removeItem(at: folder) }
        // A file where the folder should be.
        try Data("x".utf8).write(to: folder)
        let bus = EventBus(node: "n")
        let writer = writer(folder, heard)
        bus.subscribe(writer)
        begin(bus, "one")
        #expect(eventually { heard.troubles.withLock { !$0.isEmpty } })
        #expect(heard.committed.withLock { $0.isEmpty })
        end(bus, "one")
        try FileManager.default.removeItem(at: folder)
        #expect(eventually { heard.committed.withLock { $0.contains("one") } })
        writer.stop()
        #expect(try RecordFolder(folder).call("one")?.endedAt != nil)
    }

    @Test func `a tenant whose disk has no room holds up nobody else's records, nor their traces`() throws {
        let (folder, heard) = (Self.folder(), Heard())
        defer { try? FileManager.default.removeItem(at: folder) }
        let tenants = folder.appending(path: "tenants")
        try FileManager.default.createDirectory(at: tenants, withIntermediateDirectories: true)
        try Data("x".utf8).write(to: tenants.appending(path: "full"))
        let bus = EventBus(node: "n")
        let writer = writer(folder, heard)
        bus.subscribe(writer)
        begin(bus, "waits", tenant: "full")
        end(bus, "waits", tenant: "full")
        #expect(eventually { heard.troubles.withLock { !$0.isEmpty } })
        begin(bus, "goes")
        end(bus, "goes")
        func traces(_ tenant: TenantID) -> Int {
            let database = try? TenantDatabase(reading: folder, tenant: tenant)
            return (try? database?.queue.read { try Int.fetchOne($0, sql: "SELECT count(*) FROM traces") }) ?? 0
        }
        #expect(eventually { heard.committed.withLock { $0.contains("goes") } && traces("demo") == 1 })
        #expect(heard.committed.withLock { !$0.contains("waits") })
        try FileManager.default.removeItem(at: tenants.appending(path: "full"))
        #expect(eventually { heard.committed.withLock { $0.contains("waits") } && traces("full") == 1 })
        writer.stop()
    }

    @Test func `a row that the database will never take is set aside whole, and holds up nothing that comes after`()
        throws
    {
        let (folder, heard) = (Self.folder(), Heard())
        defer { try? FileManager.default.removeItem(at: folder) }
        let bus = EventBus(node: "n")
        let writer = writer(folder, heard)
        bus.subscribe(writer)
        // No constraint of the table: what SQLite says of a text that is too big, or of a damaged cell, is no such thing either.
        try TenantDatabase(folder: folder, tenant: "demo").queue.write { database in
            try database.execute(
                sql: """
                    CREATE TRIGGER never BEFORE INSERT ON calls WHEN NEW.call_id = 'poison' BEGIN SELECT json('{'); END
                    """
            )
        }
        begin(bus, "before")
        begin(bus, "poison", to: "601")
        begin(bus, "after")
        end(bus, "after")
        #expect(eventually { heard.committed.withLock { $0.isSuperset(of: ["before", "poison", "after"]) } })
        end(bus, "before")
        writer.stop()
        #expect(writer.status(now: Self.moment.instant).setAside > 0)
        let records = RecordFolder(folder)
        #expect(try records.call("before")?.endedAt != nil && records.call("after")?.endedAt != nil)
        let (count, place) = try records.setAside(of: "demo")
        let lines = try String(contentsOf: place, encoding: .utf8).split(separator: "\n")
        #expect(count == lines.count && count > 0)
        let line = try #require(lines.first)
        let found = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
        let row = try #require(found?["row"] as? [String: Any])
        #expect(
            found?["kind"] as? String == "call" && row["call_id"] as? String == "poison"
                && row["to"] as? String == "601"
        )
        #expect((found?["why"] as? String)?.contains("malformed JSON") == true)
        #expect(heard.troubles.withLock { $0.contains { $0.contains("set aside in \(place.path)") } })
    }

    @Test func `a database that takes nothing at all is waited for, and nothing is set aside`() throws {
        let (folder, heard) = (Self.folder(), Heard())
        defer { try? FileManager.default.removeItem(at: folder) }
        let database = try TenantDatabase(folder: folder, tenant: "demo")
        try database.queue.write {
            try $0.execute(sql: "ALTER TABLE clock RENAME TO gone; ALTER TABLE calls RENAME TO lost")
        }
        let bus = EventBus(node: "n")
        let writer = writer(folder, heard)
        bus.subscribe(writer)
        begin(bus, "one")
        #expect(eventually { heard.troubles.withLock { $0.contains { $0.contains("cannot be written") } } })
        #expect(try RecordFolder(folder).setAside(of: "demo").count == 0)
        try database.queue.write {
            try $0.execute(sql: "ALTER TABLE gone RENAME TO clock; ALTER TABLE lost RENAME TO calls")
        }
        #expect(eventually { heard.committed.withLock { $0.contains("one") } })
        writer.stop()
    }

    @Test func `a disk that fails to the end: what found no room is told in full, and what went wrong not each time`()
        throws
    {
        let (folder, heard) = (Self.folder(), Heard())
        defer { try? FileManager.default.removeItem(at: folder) }
        try Data("x".utf8).write(to: folder)
        let bus = EventBus(node: "n")
        let writer = writer(folder, heard)
        bus.subscribe(writer)
        begin(bus, "one", to: "601")
        end(bus, "one")
        begin(bus, "two")
        writer.stop(patience: 1)
        let told = heard.troubles.withLock { $0 }
        #expect(told.count { $0.contains("cannot be written") } == 1)
        let lost = told.filter { $0.hasPrefix("not on disk, the record of a call: {") }
        #expect(lost.count == 2 && lost.contains { $0.contains("\"one\"") && $0.contains("601") }, "\(told)")
    }

    @Test func `a call whose start alone came to disk has its record`() throws {
        let folder = Self.folder()
        defer { try? FileManager.default.removeItem(at: folder) }
        let database = try TenantDatabase(folder: folder, tenant: "demo")
        let start = CallStarted(
            direction: .inbound,
            from: "+7",
            fromName: "Anna \"A\"",
            to: "600",
            trunk: "carrier",
            user: nil,
            source: "s",
            sipCallID: "x@y"
        )
        func draft(_ id: Int64, _ event: Event, _ call: CallID) -> HistoryRow {
            .event(JournalDraft(id: id, event: event, tenant: "demo", call: call, at: Self.moment.wall))
        }
        let now = Self.moment.wall.milliseconds << 12
        try database.write([draft(now, .callStarted(start), "one"), draft(now + 1, .callAnswered, "two")], at: nil)
        #expect(try database.call("one") == nil)
        let interrupted = try database.closeInterrupted(lived: Self.moment.wall.milliseconds + 40)
        #expect(interrupted.calls == ["one"])
        let record = try #require(try database.call("one"))
        #expect(record.fromName == start.fromName && record.trunk == "carrier" && record.sipCallIDs == ["x@y"])
        #expect(record.disposition == .failed && record.reason == "engine-restart" && record.duration == 0.04)
        #expect(record.legs.count == 1 && record.legs[0].trunk == "carrier" && record.legs[0].endedAt == record.endedAt)
        #expect(try database.closeInterrupted().calls.isEmpty)
    }

    @Test func `calls that a dead process left open are closed once each`() throws {
        let (folder, heard) = (Self.folder(), Heard())
        defer { try? FileManager.default.removeItem(at: folder) }
        let bus = EventBus(node: "n")
        let writer = writer(folder, heard)
        bus.subscribe(writer)
        begin(bus, "ringing")
        begin(bus, "talking")
        bus.publish(.callAnswered, tenant: "demo", call: "talking", at: Self.moment)
        begin(bus, "over")
        end(bus, "over", .busy)
        let entry = QueueEntered(queue: "q", number: "1", priority: 0, position: 1, carriedMilliseconds: 0)
        let left = QueueLeft(queue: "q", outcome: .answered, waitMilliseconds: 0, agent: "1001", offers: 1)
        for call in ["waiting", "served"] as [CallID] {
            begin(bus, call)
            bus.publish(.callAnswered, tenant: "demo", call: call, at: Self.moment)
            bus.publish(.queueEntered(entry), tenant: "demo", call: call, at: Self.moment)
        }
        bus.publish(.queueLeft(left), tenant: "demo", call: "served", at: Self.moment)
        writer.stop()
        let database = try TenantDatabase(folder: folder, tenant: "demo")
        let told = try database.lastEvent()
        let interrupted = try database.closeInterrupted()
        #expect(interrupted.calls.sorted() == ["ringing", "served", "talking", "waiting"])
        try tellsEnds(interrupted, after: told, folder, heard)
        let (waited, served) = (try database.call("waiting"), try database.call("served"))
        #expect(waited?.disposition == .abandoned && waited?.queue == "q" && waited?.notRecorded == .noTalk)
        #expect(served?.disposition == .answered && served?.queue == "q" && served?.agent == "1001")
        #expect(try database.closeInterrupted().calls.isEmpty)
        #expect(try database.call("ringing")?.disposition == .failed)
        #expect(try database.call("talking")?.disposition == .answered)
        #expect(try database.call("talking")?.reason == "engine-restart")
        #expect(try database.call("over")?.disposition == .busy)
        #expect(try database.calls(CallQuery()).count == 5)
    }

    @Test func `a file of the time when calls were kept by their ids keeps every call, and its indexes`() throws {
        let old = try DatabaseQueue()
        try TenantDatabase.migrator.migrate(old, upTo: "attempts of callbacks")
        var record = CallRecord(
            callID: "one",
            tenant: "demo",
            direction: .inbound,
            from: "+7",
            to: "600",
            startedAt: "2026-01-01T00:00:00.000Z"
        )
        (record.disposition, record.variables) = (.answered, ["city": "Уфа"])
        let indexes =
            "SELECT name FROM sqlite_master WHERE type = 'index' AND tbl_name = 'calls' AND sql IS NOT NULL ORDER BY name"
        let before = try old.write { database in
            try CallRow.write(record, to: database)
            return try String.fetchAll(database, sql: indexes)
        }
        try TenantDatabase.migrator.migrate(old, upTo: "calls by number")
        try old.read { database in
            #expect(try Row.fetchAll(database, sql: "SELECT * FROM calls").map(CallRow.record) == [record])
            #expect(try String.fetchAll(database, sql: indexes) == before)
            let sql = try String.fetchOne(database, sql: "SELECT sql FROM sqlite_master WHERE name = 'calls'")
            #expect(sql?.contains("WITHOUT") == false)
        }
    }

    @Test func `an empty text is a text, and what is nil is none`() throws {
        try DatabaseQueue().write { database in
            try database.execute(sql: "CREATE TABLE words (a TEXT, b TEXT, c TEXT, d TEXT)")
            try database.write("INSERT INTO words VALUES (?, ?, ?, ?)") { row in
                row.add("")
                row.add(utf8: [])
                row.add(nil as String?)
                row.add("Уфа")
            }
            let row = try #require(try Row.fetchOne(database, sql: "SELECT * FROM words"))
            #expect(row == ["a": "", "b": "", "c": nil, "d": "Уфа"])
        }
    }

    @Test func `a folder that cannot be read is not one without records`() throws {
        let folder = Self.folder()
        defer { try? FileManager.default.removeItem(at: folder) }
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        #expect(try RecordFolder(folder).tenants.isEmpty)
        // Whoever runs the tests, nobody gets to the end of this.
        let link = folder.appending(path: "tenants").path
        try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: link)
        #expect(throws: OpeningFault.self) { try RecordFolder(folder).tenants }
        #expect(throws: OpeningFault.self) { try TenantDatabase(reading: folder, tenant: TenantID("a")) }
        let denied = OpeningFault(place: folder, cause: POSIXError(.EACCES))
        #expect("\(denied)" == "\(folder.path) is not yours to read; run this as the owner of the data folder")
    }

    @Test func `the node's key stays, and its file is its owner's alone`() throws {
        let folder = Self.folder()
        defer { try? FileManager.default.removeItem(at: folder) }
        let key = try NodeDatabase(folder: folder).nonceKey()
        #expect(key.count == 32)
        #expect(try NodeDatabase(folder: folder).nonceKey() == key)
        let attributes = try FileManager.default.attributesOfItem(atPath: folder.appending(path: "gudok.sqlite").path)
        #expect(attributes[.posixPermissions] as? Int == 0o600)
    }

    /// Who follows the stream of events hears of each that it is over, behind all that he has, and once.
    private func tellsEnds(
        _ interrupted: TenantDatabase.Interrupted,
        after known: Int64,
        _ folder: URL,
        _ heard: Heard
    ) throws {
        let next = RecordWriter(
            folder: folder,
            onCommitted: { _ in },
            feed: EventFeed(after: known),
            onTrouble: { text in heard.troubles.withLock { $0.append(text) } }
        )
        next.tell(interrupted.ends, of: "demo", at: Self.moment.instant)
        next.stop()
        let database = try TenantDatabase(folder: folder, tenant: "demo")
        let told = try database.events(after: known, through: .max, limit: 100).map { entry in
            let object = try JSONSerialization.jsonObject(with: Data(entry.json.utf8)) as? [String: Any]
            let data = object?["data"] as? [String: Any]
            return ["type", "call_id"].map { object?[$0] as? String ?? "" }.joined(separator: " ")
                + " \(data?["outcome"] as? String ?? data?["disposition"] as? String ?? "")"
        }
        #expect(
            told.sorted() == [
                "callEnded ringing failed", "callEnded served answered", "callEnded talking answered",
                "callEnded waiting abandoned", "queueLeft waiting engine-restart", "queueTalkEnded served ",
            ]
        )
    }
}

import Events
import Foundation
import GRDB
import Testing
import Timebase

@testable import Records

@Suite struct AuditTests {
    private static let at = WallTime(milliseconds: 1_800_000_000_000)

    private static func withDatabase(_ body: (NodeDatabase, URL) throws -> Void) throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "audit-\(UUID().uuidString.prefix(8))")
        defer { try? FileManager.default.removeItem(at: folder) }
        try body(try NodeDatabase(folder: folder), folder)
    }

    private static func act(_ action: String, _ number: Int, outcome: AuditedAct.Outcome = .done) -> AuditedAct {
        let actor = AuditedAct.Actor(.sip, "100\(number)")
        return AuditedAct(by: actor, action, "agent 100\(number)", tenant: TenantID("demo"), outcome: outcome)
    }

    /// What somebody with the file in hand does, who drops the triggers first.
    private static func tamper(_ folder: URL, _ sql: String) throws {
        let queue = try DatabaseQueue(path: folder.appending(path: "gudok.sqlite").path)
        try queue.write { database in
            for trigger in ["audit_stays", "audit_keeps", "audit_follows"] {
                try database.execute(sql: "DROP TRIGGER \(trigger)")
            }
            try database.execute(sql: sql)
        }
    }

    @Test func `entries are found by who, what, where and when, newest first`() throws {
        try Self.withDatabase { database, _ in
            try database.audit([Self.act("agent.login", 1), Self.act("agent.pause", 1)], at: Self.at)
            let later = Self.at.advanced(by: .seconds(1))
            try database.audit([Self.act("agents", 2), Self.act("agent.login", 2, outcome: .refused)], at: later)
            func ids(_ change: (inout NodeDatabase.AuditQuery) -> Void) throws -> [Int64] {
                var query = NodeDatabase.AuditQuery()
                change(&query)
                return try database.auditEntries(query).map(\.id)
            }
            #expect(try ids { _ in } == [4, 3, 2, 1])
            #expect(try ids { $0.action = "agent" } == [4, 2, 1])
            #expect(try ids { $0.action = "agent.login" } == [4, 1])
            #expect(try ids { $0.actor = "1001" } == [2, 1])
            #expect(try ids { $0.outcome = .refused } == [4])
            #expect(try ids { $0.since = later } == [4, 3])
            #expect(try ids { $0.until = later } == [2, 1])
            #expect(try ids { $0.tenant = "other" } == [])
            #expect(try ids { ($0.after, $0.limit) = (1, 2) } == [2, 3])
        }
    }

    @Test func `what was named is kept no longer than a name is`() throws {
        try Self.withDatabase { database, _ in
            let long = String(repeating: "A", count: 5_000)
            let act = AuditedAct(by: .init(.http, long), "hangup", long, tenant: TenantID(long))
            try database.audit([act], at: Self.at)
            let entry = try #require(try database.auditEntries(NodeDatabase.AuditQuery()).first)
            for text in [entry.object, entry.actor, entry.tenant] { #expect(text == long.prefix(200) + "…") }
            #expect(try database.verifyAudit().fault == nil)
        }
    }

    @Test func `the database refuses to change, remove or insert what is not at the end`() throws {
        try Self.withDatabase { database, folder in
            try database.audit([Self.act("a", 1), Self.act("b", 1)], at: Self.at)
            let queue = try DatabaseQueue(path: folder.appending(path: "gudok.sqlite").path)
            let attempts = [
                "UPDATE audit SET actor = 'nobody' WHERE id = 1", "DELETE FROM audit WHERE id = 2",
                "INSERT INTO audit (id, at, channel, actor, action, object, outcome, hash) "
                    + "VALUES (1, '', '', '', '', '', 'done', '')",
                "INSERT OR REPLACE INTO audit (id, at, channel, actor, action, object, outcome, hash) "
                    + "VALUES (2, '', '', '', '', '', 'done', '')",
            ]
            for sql in attempts {
                #expect(throws: DatabaseError.self, "\(sql)") { try queue.write { try $0.execute(sql: sql) } }
            }
            #expect(try database.verifyAudit().fault == nil)
        }
    }

    @Test(arguments: [
        ("UPDATE audit SET actor = 'nobody' WHERE id = 2", "entry 2 of"),
        ("DELETE FROM audit WHERE id = 2", "entry 2 is missing"),
        ("UPDATE audit SET detail = '' WHERE id = 3", "entry 3 of"),
        ("DELETE FROM audit WHERE id > 2", "the last 2 entries"),
        ("UPDATE audit SET actor = 'ab', action = 'c' WHERE id = 1", "entry 1 of"),
    ])
    func `whoever gets round that is found out`(_ sql: String, _ fault: String) throws {
        try Self.withDatabase { database, folder in
            let first = AuditedAct(by: .init(.sip, "a"), "bc", "x")
            try database.audit([first] + (2...4).map { Self.act("agent.login", $0) }, at: Self.at)
            let verdict = try database.verifyAudit()
            #expect(verdict.fault == nil && verdict.entries == 4)
            #expect(try database.hasAuditHead(verdict.head))
            try Self.tamper(folder, sql)
            #expect(try database.verifyAudit().fault?.contains(fault) == true)
        }
    }

    @Test func `a log of before the chain becomes its beginning`() throws {
        try Self.withDatabase { database, _ in
            try database.write { database in
                try database.execute(
                    sql: """
                        DROP TABLE audit;
                        CREATE TABLE audit (id INTEGER PRIMARY KEY AUTOINCREMENT, at TEXT, actor TEXT, action TEXT, detail TEXT);
                        INSERT INTO audit (at, actor, action, detail) VALUES ('2026-01-01T00:00:00.000Z', 'SIGHUP', 'apply', 'x');
                        """
                )
                try NodeDatabase.chainAudit(database)
            }
            try database.audit([Self.act("a", 1)], at: Self.at)
            #expect(
                try database.verifyAudit()
                    == .init(entries: 2, head: database.auditEntries(.init())[0].hash, fault: nil)
            )
        }
    }
}

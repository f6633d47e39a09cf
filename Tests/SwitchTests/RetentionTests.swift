import Config
import Events
import Foundation
import GRDB
import Testing
import Timebase

@testable import Records
@testable import Switch

@Suite struct RetentionTests {
    /// A tenant's recordings, 1,000 octets each, the first named begun last.
    private static func shelf(_ names: [String], in folder: URL) throws -> TenantDatabase {
        let database = try TenantDatabase(folder: folder, tenant: "demo")
        let files = TapeRoom.folder(of: "demo", in: folder)
        try FileManager.default.createDirectory(at: files, withIntermediateDirectories: true)
        for (index, name) in names.enumerated() {
            let start = RecordingStarted(id: name, file: "\(name).wav", policy: "always")
            let row = RecordingRow(start, callID: name, startedMilliseconds: 1_000_000 - Int64(index))
            try Data(count: 1_000).write(to: files.appending(path: row.file))
            let end = RecordingEnded(id: name, isComplete: true, milliseconds: 1, octets: 1_000, digest: nil)
            try database.write([.recordingStarted(row)] + (name == "writing" ? [] : [.recordingEnded(end)]))
        }
        return database
    }

    @Test func `retention looks every minute, and at the rows only where something is over`() throws {
        #expect(Node.retentionPace <= .seconds(60))
        let folder = FileManager.default.temporaryDirectory.appending(path: "gudok-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        let database = try Self.shelf(["newest", "second", "oldest", "writing"], in: folder)
        #expect(try database.shelf() == .init(octets: 3_000, oldestDeletable: 1_000_000 - 2))
        #expect(try database.setLegalHold(true, recording: "oldest"))
        #expect(try database.shelf() == .init(octets: 3_000, oldestDeletable: 1_000_000 - 1))
        var tenant = Tenant(id: "demo", domains: ["demo.test"])
        let log = try NodeDatabase(folder: folder)
        func delete() throws -> [String] {
            try RecordingRetention(folder: folder, tenant: tenant)
                .apply(now: Date(timeIntervalSince1970: 1_010), by: AuditedAct.Actor(.switch, "retention"), in: log)
        }
        (tenant.recordings.quota, tenant.recordings.keep) = (3_000, .seconds(11))
        #expect(try delete() == [])
        tenant.recordings.quota = 2_999
        #expect(try delete() == ["second"])
        tenant.recordings.keep = .seconds(9)
        #expect(try delete() == ["newest"])
        #expect(try database.shelf() == .init(octets: 1_000, oldestDeletable: nil))
    }

    @Test func `a hold that is put on while recordings are deleted wins, and what is being written stays`() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "gudok-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        let names = ["newest", "first", "second", "third", "held", "writing"]
        let database = try Self.shelf(names, in: folder)
        #expect(try database.setLegalHold(true, recording: "held"))
        // Somebody is as quick as can be.
        try database.queue.write {
            try $0.execute(
                sql: """
                    CREATE TRIGGER quick AFTER UPDATE OF deleted_ms ON recordings WHEN NEW.id = 'first'
                    BEGIN UPDATE recordings SET legal_hold = 1 WHERE id = 'second'; END
                    """
            )
        }
        var tenant = Tenant(id: "demo", domains: ["demo.test"])
        // Of it 1,000 octets are for what is held before.
        tenant.recordings.quota = 2_500
        let log = try NodeDatabase(folder: folder)
        let retention = RecordingRetention(folder: folder, tenant: tenant)
        let actor = AuditedAct.Actor(.switch, "retention")
        #expect(try retention.apply(now: Date(), by: actor, in: log) == ["first", "third"])
        let files = TapeRoom.folder(of: "demo", in: folder)
        let kept = names.filter { FileManager.default.fileExists(atPath: files.appending(path: "\($0).wav").path) }
        #expect(kept == ["newest", "second", "held", "writing"])
        #expect(try database.recordings(RecordingQuery()).map(\.id) == kept)
        let audited = try log.auditEntries(NodeDatabase.AuditQuery()).map(\.object)
        #expect(audited.sorted() == ["recording first", "recording third"])
        // Released, it goes with the next.
        #expect(try database.setLegalHold(false, recording: "second"))
        #expect(try retention.apply(now: Date(), by: actor, in: log) == ["second"])
    }
}

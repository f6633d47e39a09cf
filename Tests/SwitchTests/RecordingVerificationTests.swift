import Events
import Foundation
import GRDB
import Testing
import Timebase

@testable import Records
@testable import Switch

@Suite struct RecordingVerificationTests {
    /// A tenant with three recordings that are as they were written, and their files.
    private final class Shelf {
        let folder = FileManager.default.temporaryDirectory.appending(path: "gudok-\(UUID().uuidString)")
        let database: TenantDatabase
        let log: NodeDatabase

        init() throws {
            database = try TenantDatabase(folder: folder, tenant: "demo")
            log = try NodeDatabase(folder: folder)
            for name in ["a", "b", "c"] { try add(name) }
        }

        deinit { try? FileManager.default.removeItem(at: folder) }

        func file(_ name: String) -> URL { TapeRoom.folder(of: "demo", in: folder).appending(path: "\(name).wav") }

        func add(_ name: String) throws {
            try FileManager.default.createDirectory(
                at: file("").deletingLastPathComponent(),
                withIntermediateDirectories: true
            )
            try Data("the voice of \(name)".utf8).write(to: file(name))
            let digest = try FileDigest(of: file(name))
            let start = RecordingStarted(id: name, file: "\(name).wav", policy: "plan")
            let end = RecordingEnded(
                id: name,
                isComplete: true,
                milliseconds: 1,
                octets: digest.octets,
                digest: digest.sha256
            )
            let row = RecordingRow(start, callID: "call-\(name)", startedMilliseconds: 1)
            try database.write([.recordingStarted(row), .recordingEnded(end)])
        }

        func execute(_ sql: String) throws { try database.queue.write { try $0.execute(sql: sql) } }

        func note() throws {
            let head = try #require(try database.recordingHead())
            try log.note(head, of: "demo", at: WallTime(milliseconds: 1))
        }

        /// `changed a`, sorted; what is sound is left out.
        func faults() throws -> [String] {
            try RecordingVerification(folder: folder, tenant: "demo").findings().filter { !$0.verdict.isSound }
                .map {
                    "\($0.verdict.rawValue) \($0.recording ?? $0.path?.split(separator: "/").last.map(String.init) ?? "-")"
                }
                .sorted()
        }
    }

    @Test func `what is as it was written is nothing to look into, nor is what was deleted, failed empty or goes on`()
        throws
    {
        let shelf = try Shelf()
        let start = RecordingStarted(id: "d", file: "d.wav", policy: "plan")
        let end = RecordingEnded(id: "d", isComplete: false, fault: "no room", milliseconds: 0, octets: 0, digest: nil)
        let row = RecordingRow(start, callID: "call-d", startedMilliseconds: 1)
        let going = RecordingRow(
            RecordingStarted(id: "e", file: "e.wav", policy: "plan"),
            callID: "call-e",
            startedMilliseconds: 1
        )
        try shelf.database.write([.recordingStarted(row), .recordingEnded(end), .recordingStarted(going)])
        #expect(
            try shelf.database.delete(recording: "a", at: 2) { try FileManager.default.removeItem(at: shelf.file("a")) }
        )
        try shelf.note()
        #expect(try shelf.faults() == [])
        let verdicts = try RecordingVerification(folder: shelf.folder, tenant: "demo").findings().map(\.verdict)
        #expect(Set(verdicts) == [.deleted, .asWritten, .empty, .underWay])
    }

    @Test func `what a crash cut off is missing when its file is gone, and empty when nothing was in it`() throws {
        let shelf = try Shelf()
        for id in ["d", "e"] {
            let start = RecordingStarted(id: id, file: "\(id).wav", policy: "plan")
            let row = RecordingRow(start, callID: "call-\(id)", startedMilliseconds: 1)
            try shelf.database.write([.recordingStarted(row)])
        }
        try Data().write(to: shelf.file("e"))
        _ = try shelf.database.closeInterrupted()
        _ = try TapeRoom.repair(in: shelf.folder, tenant: "demo", shelf.database)
        try shelf.note()
        #expect(try shelf.faults() == ["missing d"])
    }

    @Test func `a recording that has ended does not go on, whatever its row says, nor end a second time`() throws {
        let shelf = try Shelf()
        try shelf.note()
        try shelf.execute("UPDATE recordings SET state = 'recording', milliseconds = NULL WHERE id = 'a'")
        try Data("another voice".utf8).write(to: shelf.file("a"))
        #expect(try shelf.faults() == ["altered a"])
        // The next start repairs what a crash left open, and not this.
        #expect(try TapeRoom.repair(in: shelf.folder, tenant: "demo", shelf.database).isEmpty)
        _ = try shelf.database.closeInterrupted()
        #expect(try shelf.faults() == ["altered a"])
        let digest = try FileDigest(of: shelf.file("a"))
        let end = RecordingEnded(id: "a", isComplete: true, milliseconds: 1, octets: 13, digest: digest.sha256)
        try shelf.database.finish(end)
        #expect(try shelf.faults() == ["altered a"])
    }

    @Test func `files: changed, missing, put in`() throws {
        let shelf = try Shelf()
        try Data("another voice".utf8).write(to: shelf.file("a"))
        try FileManager.default.removeItem(at: shelf.file("b"))
        try Data("a voice".utf8).write(to: shelf.file("stranger"))
        #expect(try shelf.faults() == ["changed a", "missing b", "stray stranger.wav"])
    }

    @Test(arguments: [
        ("UPDATE recordings SET sha256 = NULL WHERE id = 'a'", ["altered a"]),
        ("UPDATE recordings SET call_id = 'call-b' WHERE id = 'a'", ["altered a"]),
        ("DELETE FROM recordings WHERE id = 'b'", ["removed b", "stray b.wav"]),
        ("DROP TRIGGER recording_links_keep; DELETE FROM recording_links WHERE id = 'b'", ["altered b", "manifest -"]),
        (
            "DROP TRIGGER recording_links_stay; UPDATE recording_links SET sha256 = 'f00' WHERE id = 'c'",
            ["altered c", "manifest -"]
        ),
    ])
    func `rows and the manifest: what was taken away or changed is named`(sql: String, faults: [String]) throws {
        let shelf = try Shelf()
        try shelf.execute(sql)
        #expect(try shelf.faults() == faults)
    }

    @Test func `a manifest that was written anew, or cut off, is not the one that the audit log noted`() throws {
        let shelf = try Shelf()
        try shelf.note()
        try shelf.note()
        #expect(try shelf.log.notedHeads(of: "demo").map(\.count) == [3])
        try shelf.execute("DROP TRIGGER recording_links_keep; DROP TRIGGER recording_links_stay")
        try shelf.execute("DELETE FROM recording_links WHERE id = 'c'; DELETE FROM recordings WHERE id = 'c'")
        try FileManager.default.removeItem(at: shelf.file("c"))
        #expect(try shelf.faults() == ["manifest -"])
        // File, row and the whole chain changed together.
        try shelf.execute("DROP TABLE recording_links; UPDATE recordings SET sha256 = 'f00' WHERE id = 'a'")
        try shelf.database.queue.write { try RecordingLink.begin($0) }
        try shelf.add("c")
        #expect(try shelf.faults() == ["changed a", "manifest -"])
        #expect(try shelf.log.verifyAudit().fault == nil)
    }

    @Test func `recordings of a version without a manifest begin it as they are`() throws {
        let old = try DatabaseQueue()
        try TenantDatabase.migrator.migrate(old, upTo: "callbacks put off")
        try old.write { database in
            for (id, milliseconds) in [("b", "2"), ("a", "1"), ("goes on", "NULL")] {
                try database.execute(
                    sql: """
                        INSERT INTO recordings (id, call_id, file, policy, started_ms, milliseconds, octets, state)
                        VALUES ('\(id)', 'c', 'f', 'plan', 1, \(milliseconds), 5, 'final')
                        """
                )
            }
        }
        try TenantDatabase.migrator.migrate(old)
        let manifest = try old.read { try RecordingManifest($0, noted: []) }
        #expect(manifest.fault == nil && manifest.links.keys.sorted() == ["a", "b"] && manifest.head.count == 2)
    }
}

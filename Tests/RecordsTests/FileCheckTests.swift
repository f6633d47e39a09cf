import Foundation
import GRDB
import Testing

@testable import Records

/// What is said of databases that are another version's, or of which something is gone.
@Suite("Files that cannot be what they were")
struct FileCheckTests {
    private let folder = FileManager.default.temporaryDirectory.appending(path: "gudok-\(UUID().uuidString.prefix(8))")
    private var node: URL { folder.appending(path: "gudok.sqlite") }
    private var own: URL { folder.appending(path: "tenants/demo/cdr.sqlite") }

    private func withFiles(_ body: (RecordFolder) throws -> Void) throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        _ = try NodeDatabase(folder: folder)
        _ = try TenantDatabase(folder: folder, tenant: "demo")
        let records = RecordFolder(folder)
        #expect(records.faultOfNode() == nil && records.fault(of: "demo") == nil && records.loss(of: "demo") == nil)
        #expect(records.faultOfWriting(of: nil) == nil && records.faultOfWriting(of: "demo") == nil)
        try body(records)
    }

    private func change(_ place: URL, _ statement: String) throws {
        try DatabaseQueue(path: place.path).write { try $0.execute(sql: statement) }
    }

    @Test func `what a later version has changed is neither opened nor called sound`() throws {
        try withFiles { records in
            for place in [node, own] {
                try change(place, "INSERT INTO grdb_migrations VALUES ('of a later version')")
            }
            let words = "is of a later version of gudok; start that one"
            let faults = [
                #expect(throws: OpeningFault.self) { _ = try NodeDatabase(folder: folder) }?.description,
                #expect(throws: OpeningFault.self) { _ = try TenantDatabase(folder: folder, tenant: "demo") }?
                    .description,
                records.faultOfNode(), records.fault(of: "demo"),
            ]
            for fault in faults { #expect(fault?.contains(words) == true, "\(fault ?? "nothing")") }
        }
    }

    @Test func `a table and a column that are gone are named`() throws {
        try withFiles { records in
            try change(own, "ALTER TABLE queue_stays RENAME TO elsewhere")
            try change(node, "ALTER TABLE agents DROP COLUMN memory")
            #expect(records.fault(of: "demo")?.contains("is damaged: queue_stays.") == true)
            #expect(records.faultOfNode()?.contains("is damaged: agents.memory is missing") == true)
        }
    }

    @Test func `records that are gone though there is a history, and links that lead nowhere, are told`() throws {
        try withFiles { records in
            for rest in ["", "-wal", "-shm"] { try? FileManager.default.removeItem(atPath: own.path + rest) }
            #expect(records.loss(of: "demo") == nil && records.fault(of: "demo") == nil)
            try FileManager.default.createSymbolicLink(atPath: own.path, withDestinationPath: "/nowhere/cdr.sqlite")
            #expect(records.fault(of: "demo")?.contains("cdr.sqlite is a link that leads nowhere; mount") == true)
            try FileManager.default.removeItem(at: own)
            let recordings = own.deletingLastPathComponent().appending(path: "recordings/2026")
            try FileManager.default.createDirectory(at: recordings, withIntermediateDirectories: true)
            #expect(records.loss(of: "demo")?.contains("cdr.sqlite is not there, though he has recordings") == true)
            try Data().write(to: own)
            #expect(records.loss(of: "demo")?.contains("cdr.sqlite is empty") == true)
            let empty = try #require(try TenantDatabase(reading: folder, tenant: "demo"))
            let fault = #expect(throws: OpeningFault.self) { _ = try empty.isOfThisVersion }
            #expect(fault?.description == records.fault(of: "demo"))
        }
    }

    @Test(.enabled(if: getuid() != 0)) func `what may not be written is told before it has to be`() throws {
        try withFiles { records in
            for place in [node, own] { chmod(place.path, 0o400) }
            #expect(
                records.faultOfWriting(of: nil)?.contains("gudok.sqlite cannot be written: Permission denied") == true
            )
            #expect(records.faultOfWriting(of: "demo")?.contains("cdr.sqlite cannot be written") == true)
        }
    }
}

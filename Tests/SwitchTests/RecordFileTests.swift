import Accounting
import Foundation
import Testing

@testable import Switch

@Suite struct RecordFileTests {
    @Test func `what was handed over before a crash is not written again`() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "file-\(UUID().uuidString.prefix(8))")
        defer { try? FileManager.default.removeItem(at: folder) }
        let own = folder.appending(path: "tenants/demo")
        try FileManager.default.createDirectory(at: own, withIntermediateDirectories: true)
        let records = ["1", "2", "3"].map { id in
            CallRecord(
                callID: id,
                tenant: "demo",
                direction: .inbound,
                from: "+7",
                to: "600",
                startedAt: "2027-01-15T08:00:00.000Z"
            )
        }
        let file = RecordFile(tenant: "demo", name: "calls.jsonl", in: folder)
        try file.append(Array(records[..<2]))
        try file.append(Array(records[1...]))
        let text = try String(contentsOf: own.appending(path: "calls.jsonl"), encoding: .utf8)
        let ids = text.split(separator: "\n").compactMap { line in
            (try? JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])?["call_id"] as? String
        }
        #expect(ids == ["1", "2", "3"])
    }
}

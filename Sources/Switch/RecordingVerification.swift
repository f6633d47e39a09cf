public import Events
public import Foundation
import Records

/// Every recording of a tenant held against its file, its row against the manifest, and files and calls against the rows.
public struct RecordingVerification {
    public enum Verdict: String, Encodable, Sendable, CaseIterable {
        case asWritten = "as-written"
        /// The file is not what it was when it ended.
        case changed
        /// The row's file is not there.
        case missing
        /// Nothing tells what the file was: its hash could not be made, or was taken away.
        case unhashed
        /// The row says something else than it did when the recording ended.
        case altered
        /// A call or the manifest names it, and it has no row any more.
        case removed
        /// A file that no row knows.
        case stray
        /// The chain of the manifest is broken.
        case manifest
        /// It failed before anything was written.
        case empty
        case deleted
        case underWay = "under-way"

        /// It is nothing that somebody should look into.
        public var isSound: Bool {
            switch self {
            case .asWritten, .empty, .deleted, .underWay: true
            case .changed, .missing, .unhashed, .altered, .removed, .stray, .manifest: false
            }
        }
    }

    /// One line of what was found; null where there is nothing to be said.
    public struct Finding: Encodable, Sendable {
        public var verdict: Verdict
        public var tenant: String
        public var recording: String?
        public var callID: String?
        public var path: String?
        public var detail: String?

        public enum CodingKeys: String, CodingKey, CaseIterable, Sendable {
            case verdict, tenant, recording
            case callID = "call_id"
            case path, detail
        }

        public func encode(to encoder: any Encoder) throws {
            var keys = encoder.container(keyedBy: CodingKeys.self)
            try keys.encode(verdict, forKey: .verdict)
            try keys.encode(tenant, forKey: .tenant)
            try keys.encode(recording, forKey: .recording)
            try keys.encode(callID, forKey: .callID)
            try keys.encode(path, forKey: .path)
            try keys.encode(detail, forKey: .detail)
        }
    }

    private let folder: URL
    private let tenant: TenantID

    public init(folder: URL, tenant: TenantID) { (self.folder, self.tenant) = (folder, tenant) }

    /// Reads every file; nothing when the tenant has no records.
    public func findings() throws -> [Finding] {
        // What ends meanwhile is in the books when they are read.
        let files = BackupManifest.paths(below: TapeRoom.folder(of: tenant, in: folder))
        let noted = try NodeDatabase(reading: folder)?.notedHeads(of: tenant) ?? []
        guard let database = try TenantDatabase(reading: folder, tenant: tenant) else { return strays(files) }
        let books = try database.recordingBooks(noted: noted)
        var found = books.rows.map { judge($0, books.manifest) }
        if let fault = books.manifest?.fault { found.append(finding(.manifest, detail: fault)) }
        found += books.removed.map { id, call in
            var found = finding(.removed, detail: "it has no row any more")
            (found.recording, found.callID) = (id, call)
            return found
        }
        return found + strays(try unknown(files, database))
    }

    /// The files that no row knows.
    private func unknown(_ files: [String], _ database: TenantDatabase) throws -> [String] {
        var left = files
        for isLast in [false, true] where !left.isEmpty {
            // A recording that has just begun has its row in a moment.
            if isLast { Thread.sleep(forTimeInterval: 1) }
            let known = Set(try database.recordings(RecordingQuery()).map(\.file))
            left.removeAll { known.contains($0) }
        }
        return left
    }

    private func finding(_ verdict: Verdict, detail: String? = nil) -> Finding {
        Finding(verdict: verdict, tenant: tenant.name, detail: detail)
    }

    private func judge(_ row: RecordingRow, _ manifest: RecordingManifest?) -> Finding {
        let path = TapeRoom.folder(of: tenant, in: folder).appending(path: row.file)
        var found = finding(.asWritten)
        (found.recording, found.callID, found.path) = (row.id, row.callID, path.path)
        if row.state == .recording {
            let link = manifest?.links[row.id]
            found.verdict = link == nil ? .underWay : .altered
            found.detail = link.map { "it goes on, says its row, and ended at link \($0.place)" }
        } else if let manifest, let fault = Self.alteration(of: row, manifest) {
            (found.verdict, found.detail) = (.altered, fault)
        } else if row.deletedMilliseconds != nil {
            found.verdict = .deleted
        } else {
            (found.verdict, found.detail) = judge(path, of: row)
        }
        return found
    }

    /// What a row says otherwise than the manifest; nil: nothing.
    private static func alteration(of row: RecordingRow, _ manifest: RecordingManifest) -> String? {
        guard let link = manifest.links[row.id] else { return "the manifest does not know it" }
        if link.sha256 != row.sha256 { return "its SHA-256 was \(link.sha256 ?? "none")" }
        if link.octets != row.octets ?? 0 { return "it had \(link.octets) octets" }
        if link.callID != row.callID { return "it was of call \(link.callID)" }
        return nil
    }

    private func judge(_ path: URL, of row: RecordingRow) -> (Verdict, String?) {
        guard let hash = row.sha256 else {
            // A crash leaves a file behind, though it be one without a sound.
            let isLost = row.fault == TapeRoom.unrepaired && !FileManager.default.fileExists(atPath: path.path)
            guard !isLost else { return (.missing, row.fault) }
            let isEmpty = row.state == .failed && row.octets ?? 0 == 0
            return isEmpty ? (.empty, row.fault) : (.unhashed, row.fault)
        }
        guard FileManager.default.fileExists(atPath: path.path) else { return (.missing, nil) }
        do {
            return try FileDigest(of: path).sha256 == hash ? (.asWritten, row.fault) : (.changed, nil)
        } catch {
            return (.missing, "it cannot be read: \(FileFault(reading: error))")
        }
    }

    private func strays(_ files: [String]) -> [Finding] {
        files.map { file in
            var found = finding(.stray, detail: "no row knows it")
            found.path = TapeRoom.folder(of: tenant, in: folder).appending(path: file).path
            return found
        }
    }
}

import Foundation

/// What a backup holds, its first file. The archive: this, `configuration/node.yaml` and the certificates that it names,
/// `configuration/tenants/`, `configuration/dialplans/` with lists and prompts, and `data/` as the data folder has it.
struct BackupManifest: Codable {
    struct File: Codable {
        /// Within the archive.
        var path: String
        var octets: Int64
        /// Hexadecimal.
        var sha256: String
    }

    static let name = "manifest.json"
    static let nodeFile = "configuration/node.yaml"
    /// What `tls.ca_file` names.
    static let certificates = "configuration/certificates.pem"
    static let tenants = "configuration/tenants"
    static let dialPlans = "configuration/dialplans"
    static let data = "data"
    /// Rises when an older `restore` could not read the archive.
    static let currentFormat = 1

    var format = Self.currentFormat
    var node: String
    /// RFC 3339.
    var madeAt: String
    var hasRecordings: Bool
    var files: [File]

    enum CodingKeys: String, CodingKey {
        case format, node
        case madeAt = "made_at"
        case hasRecordings = "has_recordings"
        case files
    }

    static func read(_ folder: URL) throws -> BackupManifest {
        let data = try Data(contentsOf: folder.appending(path: name))
        return try JSONDecoder().decode(BackupManifest.self, from: data)
    }

    func write(to folder: URL) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        try encoder.encode(self).write(to: folder.appending(path: Self.name))
    }

    /// Every file below a folder, with its path from there; whatever is neither a file nor a folder is named too.
    static func paths(below folder: URL) -> [String] {
        let found = FileManager.default.enumerator(atPath: folder.path)?.compactMap { $0 as? String } ?? []
        return found.filter { path in
            let attributes = try? FileManager.default.attributesOfItem(atPath: folder.appending(path: path).path)
            return attributes?[.type] as? FileAttributeType != .typeDirectory
        }.sorted()
    }

    static func describe(_ path: String, in folder: URL) throws -> File {
        let digest = try FileDigest(of: folder.appending(path: path))
        return File(path: path, octets: digest.octets, sha256: digest.sha256)
    }
}

/// Why there is no backup, or nothing was restored.
public struct BackupFault: Error, CustomStringConvertible {
    public var description: String
    init(_ description: String) { self.description = description }
}

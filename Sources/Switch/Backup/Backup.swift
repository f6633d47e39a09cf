import Config
import Events
public import Foundation
import Glibc
import Records
import Timebase

/// A copy of everything of one node while it runs: databases as of one moment each, the final recordings that they know, and the
/// files of the configuration, in one archive.
public struct Backup {
    public struct Summary: Sendable {
        public var tenants = 0
        public var recordings = 0
        /// Final recordings whose files are not where they should be.
        public var missing = 0
        /// Of the archive.
        public var octets: Int64 = 0
    }

    private let files: ConfigurationFiles
    private let includesRecordings: Bool

    public init(_ files: ConfigurationFiles, includesRecordings: Bool = true) {
        (self.files, self.includesRecordings) = (files, includesRecordings)
    }

    /// The archive appears under its name when it is whole; until then it, too, is its owner's alone.
    public func write(to archive: URL) throws -> Summary {
        try Self.sweep(files.dataFolder)
        let staging = files.dataFolder.appending(path: "\(Self.prefix)\(getpid())")
        try FileManager.default.createDirectory(
            at: staging,
            withIntermediateDirectories: true,
            attributes: [.posixPermissions: 0o700]
        )
        defer { try? FileManager.default.removeItem(at: staging) }
        var summary = Summary()
        try copyConfiguration(to: staging)
        try copyDatabases(to: staging, &summary)
        let manifest = BackupManifest(
            node: files.nodeConfiguration.name,
            madeAt: "\(SystemClock.now().wall)",
            hasRecordings: includesRecordings,
            files: try BackupManifest.paths(below: staging).map { try BackupManifest.describe($0, in: staging) }
        )
        try manifest.write(to: staging)
        try pack(staging, into: archive)
        let size = try FileManager.default.attributesOfItem(atPath: archive.path)[.size] as? NSNumber
        summary.octets = size?.int64Value ?? 0
        return summary
    }

    private func pack(_ staging: URL, into archive: URL) throws {
        // tar goes by the ending, so the name that is not final yet differs at its beginning.
        let partial = archive.deletingLastPathComponent()
            .appending(path: ".partial-\(getpid())-\(archive.lastPathComponent)")
        guard
            FileManager.default.createFile(atPath: partial.path, contents: nil, attributes: [.posixPermissions: 0o600])
        else {
            throw BackupFault("\(archive.path) cannot be written; choose a folder that is there and is yours")
        }
        do {
            let names = [BackupManifest.name, "configuration", BackupManifest.data]
            try Tar.pack(names, of: staging, into: partial)
            guard rename(partial.path, archive.path) == 0 else {
                throw BackupFault("\(archive.path) cannot be written: \(String(cString: strerror(errno)))")
            }
        } catch {
            try? FileManager.default.removeItem(at: partial)
            throw error
        }
    }

    // MARK: the parts

    private func copyConfiguration(to staging: URL) throws {
        try put(files.node.text, at: staging.appending(path: BackupManifest.nodeFile), as: files.file)
        let tenants = staging.appending(path: BackupManifest.tenants)
        let plans = staging.appending(path: BackupManifest.dialPlans)
        try put(files.tenants.values, into: tenants, as: files.tenantsFolder)
        try put(files.dialPlans.values, into: plans, as: files.dialPlansFolder)
        try put(files.lists, into: plans.appending(path: "lists"), as: files.listsFolder)
        if let named = files.nodeConfiguration.certificates {
            try link(files.resolve(named.path), at: staging.appending(path: BackupManifest.certificates))
        }
        guard FileManager.default.fileExists(atPath: files.promptsFolder.path) else { return }
        for path in BackupManifest.paths(below: files.promptsFolder) {
            let prompt = files.promptsFolder.appending(path: path).resolvingSymlinksInPath()
            try link(prompt, at: plans.appending(path: "prompts/\(path)"))
        }
    }

    private func put(_ texts: some Sequence<ConfigurationText>, into folder: URL, as source: URL) throws {
        for text in texts {
            let name = text.fileName
            try put(text.text, at: folder.appending(path: name), as: source.appending(path: name))
        }
        guard FileManager.default.fileExists(atPath: folder.path) else { return }
        try FileMode.of(source).map { try FileMode.set($0, of: folder) }
    }

    /// There are passwords in it: it is for those alone who may read the file that it comes from, or for its owner if it has none.
    private func put(_ text: String, at place: URL, as source: URL) throws {
        try Self.makeFolder(of: place)
        try Data(text.utf8).write(to: place)
        try FileMode.set(FileMode.of(source) ?? 0o600, of: place)
    }

    private func copyDatabases(to staging: URL, _ summary: inout Summary) throws {
        let data = staging.appending(path: BackupManifest.data)
        try FileManager.default.createDirectory(at: data, withIntermediateDirectories: true)
        let node = files.dataFolder.appending(path: "gudok.sqlite")
        if FileManager.default.fileExists(atPath: node.path) {
            try DatabaseCopy.make(of: node, at: data.appending(path: "gudok.sqlite"))
        }
        for tenant in try RecordFolder(files.dataFolder).tenants {
            let own = "tenants/\(tenant.name)"
            let database = files.dataFolder.appending(path: "\(own)/cdr.sqlite")
            guard FileManager.default.fileExists(atPath: database.path) else { continue }
            let copy = data.appending(path: "\(own)/cdr.sqlite")
            try Self.makeFolder(of: copy)
            try DatabaseCopy.make(of: database, at: copy)
            summary.tenants += 1
            try copySetAside(of: tenant, to: data)
            if includesRecordings { try copyRecordings(of: tenant, to: data, &summary) }
        }
    }

    /// The rows that the tenant's database refused; copied, not linked: the switch adds to the file.
    private func copySetAside(of tenant: TenantID, to data: URL) throws {
        let (count, place) = try RecordFolder(files.dataFolder).setAside(of: tenant)
        guard count > 0 else { return }
        try FileManager.default.copyItem(at: place, to: try RecordFolder(data).setAside(of: tenant).place)
    }

    /// The files that the copied rows call finished: these do not change any more.
    private func copyRecordings(of tenant: TenantID, to data: URL, _ summary: inout Summary) throws {
        guard let copy = try TenantDatabase(reading: data, tenant: tenant) else { return }
        let (from, to) = (TapeRoom.folder(of: tenant, in: files.dataFolder), TapeRoom.folder(of: tenant, in: data))
        for row in try copy.recordings(RecordingQuery()) where row.state != .recording {
            let file = from.appending(path: row.file)
            guard FileManager.default.fileExists(atPath: file.path) else {
                summary.missing += try isMissed(row, of: tenant) ? 1 : 0
                continue
            }
            try link(file, at: to.appending(path: row.file))
            summary.recordings += 1
        }
    }

    /// One that failed may have no file, and retention may have been here since the row was copied.
    private func isMissed(_ row: RecordingRow, of tenant: TenantID) throws -> Bool {
        let now = try RecordFolder(files.dataFolder).recording(row.id, of: [tenant])?.0
        return now?.state == .final && now?.deletedMilliseconds == nil
    }

    /// A second name for the file where the file system has that, and else a copy.
    private func link(_ file: URL, at place: URL) throws {
        try Self.makeFolder(of: place)
        if Glibc.link(file.path, place.path) != 0 { try FileManager.default.copyItem(at: file, to: place) }
    }

    private static func makeFolder(of place: URL) throws {
        try FileManager.default.createDirectory(
            at: place.deletingLastPathComponent(),
            withIntermediateDirectories: true
        )
    }

    // MARK: leftovers

    static let prefix = ".backup-"

    /// Removes what a backup left behind whose process was killed.
    static func sweep(_ folder: URL) throws {
        guard FileManager.default.fileExists(atPath: folder.path) else { return }
        for name in try FileManager.default.contentsOfDirectory(atPath: folder.path) where name.hasPrefix(prefix) {
            guard let owner = Int32(name.dropFirst(prefix.count)), kill(owner, 0) != 0, errno == ESRCH else {
                continue
            }
            try FileManager.default.removeItem(at: folder.appending(path: name))
        }
    }
}

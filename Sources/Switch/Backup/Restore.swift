import ControlAPI
import Events
public import Foundation
import Glibc
import Records
import Timebase

/// Puts a backup back: everything is unpacked and verified beside its place first, and moved there when it is sound. Whatever
/// fails, what was there before is there still.
public struct Restore {
    public struct Summary: Sendable {
        public var madeAt: String
        public var tenants: Int
        public var recordings: Int
        public var data: URL
        /// What the backup took the place of, under its new names.
        public var setAside: [URL]
        /// The node's file that was there stays, as it says this machine's addresses; true: the backup's was another.
        public var isNodeFileOther: Bool
    }

    private let archive: URL
    private let nodeFile: URL
    private let isForced: Bool

    /// `nodeFile` is where the node's file is, or is to be: one that is there stays, and says where everything else goes. By force
    /// what is there gives way; it is set aside, not deleted.
    public init(_ archive: URL, nodeFile: URL, isForced: Bool) {
        (self.archive, self.nodeFile, self.isForced) = (archive, nodeFile, isForced)
    }

    public func run() async throws -> Summary {
        guard FileManager.default.isReadableFile(atPath: archive.path) else {
            throw BackupFault("\(archive.path) cannot be read; name a file that `gudok backup` wrote")
        }
        let base = nodeFile.deletingLastPathComponent()
        let isBaseNew = !FileManager.default.fileExists(atPath: base.path)
        let staging = base.appending(path: ".restore-\(getpid())")
        try FileManager.default.createDirectory(
            at: staging,
            withIntermediateDirectories: true,
            attributes: [.posixPermissions: 0o700]
        )
        var isDone = false
        defer { try? FileManager.default.removeItem(at: isBaseNew && !isDone ? base : staging) }
        let unpacked = try UnpackedBackup(archive, in: staging)
        let isNodeFileThere = FileManager.default.fileExists(atPath: nodeFile.path)
        let node = isNodeFileThere ? nodeFile : unpacked.nodeFile
        let places = try RestorePlaces(reading: node, as: nodeFile)
        // Whoever begins to serve the folder has its files open long before he answers.
        let isDataThere = FileManager.default.fileExists(atPath: places.data.path)
        let lock = isDataThere ? try await FolderLock(places.data) : nil
        defer { withExtendedLifetime(lock) {} }
        try await refuseServed(places.data)
        var moves = try places.moves(of: unpacked, isForced: isForced)
        if !isNodeFileThere { moves.append(RestoreMove(from: unpacked.nodeFile, to: nodeFile)) }
        let act = AuditedAct(by: .commandLine, "restore", "node \(unpacked.manifest.node)", detail: archive.path)
        try NodeDatabase(folder: unpacked.data).audit([act], at: SystemClock.now().wall)
        try FileMode.closeData(unpacked.data)
        try await refuseServed(places.data)
        let setAside = try RestoreMove.perform(moves)
        isDone = true
        return Summary(
            madeAt: unpacked.manifest.madeAt,
            tenants: unpacked.tenants,
            recordings: unpacked.recordings,
            data: places.data,
            setAside: setAside,
            isNodeFileOther: isNodeFileThere
                && !FileManager.default.contentsEqual(
                    atPath: nodeFile.path,
                    andPath: unpacked.nodeFile.path
                )
        )
    }

    /// A switch keeps its databases open: nobody may change them under it, forced or not.
    private func refuseServed(_ data: URL) async throws {
        guard await Service(of: data, at: data.appending(path: "control.sock").path) != .none else { return }
        throw BackupFault("a switch serves \(data.path); stop it first")
    }
}

import Foundation
import Records

/// A backup that was unpacked and found sound: every file as the manifest has it, no other, and the databases whole.
struct UnpackedBackup {
    let folder: URL
    let manifest: BackupManifest

    init(_ archive: URL, in folder: URL) throws {
        self.folder = folder
        do {
            try Tar.unpack(archive, into: folder)
            manifest = try BackupManifest.read(folder)
        } catch {
            let why = (error as? BackupFault)?.description ?? "it has no manifest that can be read"
            throw BackupFault("\(archive.path) is no backup, or a broken one (\(why)); nothing was changed")
        }
        guard manifest.format <= BackupManifest.currentFormat else {
            throw BackupFault(
                "\(archive.path) was made by a newer gudok; restore it with that one, nothing was changed"
            )
        }
        if let fault = try firstFault() {
            throw BackupFault("\(archive.path) is broken: \(fault); nothing was changed")
        }
    }

    var nodeFile: URL { folder.appending(path: BackupManifest.nodeFile) }
    var data: URL { folder.appending(path: BackupManifest.data) }

    var tenants: Int { manifest.files.count { $0.path.hasSuffix("/cdr.sqlite") } }
    var recordings: Int {
        manifest.files.count { $0.path.hasPrefix("data/tenants/") && $0.path.contains("/recordings/") }
    }

    private func firstFault() throws -> String? {
        let known = Dictionary(manifest.files.map { ($0.path, $0) }) { first, _ in first }
        let found = BackupManifest.paths(below: folder).filter { $0 != BackupManifest.name }
        if let stranger = found.first(where: { known[$0] == nil }) { return "\(stranger) is not in its manifest" }
        let missing =
            Set(known.keys).subtracting(found).min()
            ?? (known[BackupManifest.nodeFile] == nil ? BackupManifest.nodeFile : nil)
        if let missing { return "\(missing) is missing" }
        for file in manifest.files {
            let attributes = try FileManager.default.attributesOfItem(atPath: folder.appending(path: file.path).path)
            guard attributes[.type] as? FileAttributeType == .typeRegular else {
                return "\(file.path) is no plain file"
            }
            let real = try BackupManifest.describe(file.path, in: folder)
            guard real.sha256 == file.sha256 else { return "\(file.path) is not what was backed up: its hash differs" }
            guard file.path.hasSuffix(".sqlite") else { continue }
            if let fault = DatabaseCopy.fault(of: folder.appending(path: file.path)) { return "\(file.path): \(fault)" }
        }
        if let verdict = try NodeDatabase(reading: data)?.verifyAudit(), let fault = verdict.fault {
            return "its audit log was tampered with: \(fault)"
        }
        return nil
    }
}

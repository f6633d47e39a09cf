import Config
import Foundation

/// Where a node's parts lie on this machine, as a node's file says.
struct RestorePlaces {
    let data: URL
    private let tenants: URL
    private let dialPlans: URL
    /// nil: the node's file names none, or one of the machine's own.
    private let certificates: URL?

    /// Reads `file` as if it lay at `place`: its paths are relative to that.
    init(reading file: URL, as place: URL) throws {
        let text = try ConfigurationFiles.read(file, named: place.lastPathComponent)
        let (read, faults) = NodeConfiguration.read(text)
        guard let read else { throw ConfigurationFiles.Trouble(faults) }
        let resolve = { (path: String) in
            path.hasPrefix("/")
                ? URL(fileURLWithPath: path)
                : place.deletingLastPathComponent().appending(path: path).standardizedFileURL
        }
        (data, tenants, dialPlans) = (
            try Self.place(behind: resolve(read.data)), resolve(read.tenantsPath), resolve(read.dialPlansPath)
        )
        certificates = read.certificates.flatMap { $0.path.hasPrefix("/") ? nil : resolve($0.path) }
    }

    /// Data that are on another disk by a link stay on that.
    private static func place(behind folder: URL) throws -> URL {
        guard (try? FileManager.default.destinationOfSymbolicLink(atPath: folder.path)) != nil else { return folder }
        guard FileManager.default.fileExists(atPath: folder.path) else {
            throw BackupFault("\(folder.path) is a link that leads nowhere; mount the disk that it leads to")
        }
        return folder.resolvingSymlinksInPath()
    }

    /// What goes where. What is there already as the backup has it stays; anything else in these places is in the way.
    func moves(of backup: UnpackedBackup, isForced: Bool) throws -> [RestoreMove] {
        var moves = [RestoreMove(from: backup.data, to: data)]
        var inTheWay = try hasData ? [data] : []
        let named = backup.folder.appending(path: BackupManifest.certificates)
        if let certificates, FileManager.default.fileExists(atPath: named.path),
            !FileManager.default.contentsEqual(atPath: named.path, andPath: certificates.path)
        {
            moves.append(RestoreMove(from: named, to: certificates))
            if FileManager.default.fileExists(atPath: certificates.path) { inTheWay.append(certificates) }
        }
        let parts = [(BackupManifest.tenants, tenants, false), (BackupManifest.dialPlans, dialPlans, true)]
        for (name, place, hasPrompts) in parts {
            let folder = backup.folder.appending(path: name)
            let wanted = BackupManifest.paths(below: folder)
            for path in wanted {
                let (from, to) = (folder.appending(path: path), place.appending(path: path))
                if FileManager.default.contentsEqual(atPath: from.path, andPath: to.path) { continue }
                moves.append(RestoreMove(from: from, to: to))
                if FileManager.default.fileExists(atPath: to.path) { inTheWay.append(to) }
            }
            for stranger in Self.read(in: place, withPrompts: hasPrompts) where !wanted.contains(stranger) {
                inTheWay.append(place.appending(path: stranger))
                moves.append(RestoreMove(from: nil, to: place.appending(path: stranger)))
            }
        }
        guard inTheWay.isEmpty || isForced else {
            let names = inTheWay.prefix(5).map(\.path).joined(separator: ", ")
            let more = inTheWay.count > 5 ? " and \(inTheWay.count - 5) more" : ""
            throw BackupFault("in the way: \(names)\(more); restore elsewhere, or set it aside with --force")
        }
        return moves
    }

    /// Files in a folder that a switch would read.
    private static func read(in folder: URL, withPrompts: Bool) -> [String] {
        let top = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
        let own = top.filter { ConfigurationFiles.isNamed($0) }
        guard withPrompts else { return own }
        return own
            + ["lists", "prompts"].flatMap { part in
                BackupManifest.paths(below: folder.appending(path: part)).map { "\(part)/\($0)" }
            }
    }

    /// A folder in which only a socket was left holds nothing.
    private var hasData: Bool {
        get throws {
            guard FileManager.default.fileExists(atPath: data.path) else { return false }
            return try FileManager.default.contentsOfDirectory(atPath: data.path).contains {
                !$0.hasPrefix("control.sock") && !$0.hasPrefix(Backup.prefix)
            }
        }
    }
}

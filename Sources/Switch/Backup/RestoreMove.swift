import Foundation
import Glibc
import Records
import Timebase

/// One file or folder on its way to its place; what is there is set aside.
struct RestoreMove {
    /// nil: only set aside what is there.
    var from: URL?
    var to: URL

    init(from: URL?, to: URL) { (self.from, self.to) = (from, to) }

    /// All of them, or none.
    ///
    /// - Returns: what was set aside, under its new names.
    static func perform(_ moves: [RestoreMove]) throws -> [URL] {
        let files = FileManager.default
        let mark = "\(SystemClock.now().wall)".filter { $0.isNumber || $0 == "T" }
        var setAside: [URL] = []
        var back: [() throws -> Void] = []
        do {
            for move in moves {
                if files.fileExists(atPath: move.to.path) {
                    // An ending that no switch reads.
                    let aside = URL(fileURLWithPath: "\(move.to.path).before-\(mark)")
                    try files.moveItem(at: move.to, to: aside)
                    setAside.append(aside)
                    back.append { try files.moveItem(at: aside, to: move.to) }
                }
                guard let from = move.from else { continue }
                try Self.makeFolder(of: move.to, as: from)
                // On another file system this copies: the name is taken only by what is whole.
                let arriving = URL(fileURLWithPath: "\(move.to.path).arriving-\(getpid())")
                back.append { if files.fileExists(atPath: arriving.path) { try files.removeItem(at: arriving) } }
                try files.moveItem(at: from, to: arriving)
                try files.moveItem(at: arriving, to: move.to)
                back.append { try files.removeItem(at: move.to) }
            }
        } catch {
            do { for step in back.reversed() { try step() } } catch let second {
                let names = setAside.map(\.path).joined(separator: ", ")
                throw BackupFault(
                    "\(error.inWords); and putting back what was there failed: \(second.inWords); it is in \(names)"
                )
            }
            throw BackupFault("\(error.inWords); what was there is as it was")
        }
        return setAside
    }

    /// The folder that the file goes to has the mode of that which it comes from, if it is made for it.
    private static func makeFolder(of place: URL, as source: URL) throws {
        let (folder, model) = (place.deletingLastPathComponent(), source.deletingLastPathComponent())
        guard !FileManager.default.fileExists(atPath: folder.path) else { return }
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        try FileMode.of(model).map { try FileMode.set($0, of: folder) }
    }
}

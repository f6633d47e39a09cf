import Foundation

/// Who may read what a backup holds, and what is made of it.
enum FileMode {
    /// nil: there is no such file or folder.
    static func of(_ place: URL) -> Int? {
        let attributes = try? FileManager.default.attributesOfItem(atPath: place.resolvingSymlinksInPath().path)
        return (attributes?[.posixPermissions] as? NSNumber)?.intValue
    }

    static func set(_ mode: Int, of place: URL) throws {
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: place.path)
    }

    /// Gives a data folder the modes with which the switch makes one, whatever tar and the umask made of them: databases are their
    /// owner's alone, and the folders of recordings let his group in.
    static func closeData(_ folder: URL) throws {
        let files = FileManager.default
        try set(0o700, of: folder)
        for path in files.enumerator(atPath: folder.path)?.compactMap({ $0 as? String }) ?? [] {
            let place = folder.appending(path: path)
            var isFolder: ObjCBool = false
            guard files.fileExists(atPath: place.path, isDirectory: &isFolder) else { continue }
            if isFolder.boolValue {
                try set(path.split(separator: "/").contains("recordings") ? 0o750 : 0o700, of: place)
            } else if [".sqlite", ".jsonl"].contains(where: path.hasSuffix) {
                try set(0o600, of: place)
            }
        }
    }
}

import Foundation

/// The machine's own tar.
enum Tar {
    /// Packs what `names` name below `folder`; a file's ending chooses the compression (`.tar.gz`, `.tar.xz`, …).
    static func pack(_ names: [String], of folder: URL, into archive: URL) throws {
        try run(
            [
                "--create", "--auto-compress", "--force-local", "--numeric-owner", "--owner=0", "--group=0", "--file",
                archive.path, "--directory", folder.path, "--",
            ] + names
        )
    }

    /// Unpacks an archive; nothing of it can leave `folder`, as tar refuses absolute paths and `..`.
    static func unpack(_ archive: URL, into folder: URL) throws {
        try run([
            "--extract", "--force-local", "--no-same-owner", "--no-same-permissions", "--file", archive.path,
            "--directory", folder.path,
        ])
    }

    private static func run(_ arguments: [String]) throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["tar"] + arguments
        process.environment = ProcessInfo.processInfo.environment.merging(["LC_ALL": "C"]) { $1 }
        let complaints = Pipe()
        (process.standardInput, process.standardError) = (FileHandle.nullDevice, complaints)
        try process.run()
        let text = complaints.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        guard process.terminationReason == .exit, process.terminationStatus == 0 else {
            let first = String(decoding: text, as: UTF8.self).split(separator: "\n").first ?? "tar gave up"
            throw BackupFault(String(first))
        }
    }
}

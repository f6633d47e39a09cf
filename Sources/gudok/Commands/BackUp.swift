import ArgumentParser
import Config
import Console
import Events
import Foundation
import Records
import Switch

struct BackUp: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "backup",
        abstract: "Writes a consistent copy of everything into one archive, while calls run.",
        discussion: """
            Configuration, prompts, databases and finished recordings, each with its SHA-256. It holds what the data folder \
            holds: keep it as safe.
            """
    )

    @Argument(help: "The archive: .tar, or .tar.gz, .tar.xz, .tar.zst, which is compressed.") var file: String
    @Flag(name: .long, help: "Leave the recordings' files out.") var withoutRecordings = false
    @OptionGroup var config: ConfigOption

    func validate() throws {
        let endings = [".tar", ".tar.gz", ".tar.xz", ".tar.zst"]
        guard endings.contains(where: file.hasSuffix) else {
            throw ValidationError("'\(file)' is to be a tar archive: let it end in \(endings.joined(separator: ", "))")
        }
    }

    func run() async throws {
        // What was applied is in the database.
        let files = try config.filesInFolders()
        try files.note(AuditedAct(by: .commandLine, "backup", "node \(files.nodeConfiguration.name)", detail: file))
        let summary: Backup.Summary
        do {
            summary = try Backup(files, includesRecordings: !withoutRecordings).write(to: URL(fileURLWithPath: file))
        } catch {
            throw Failure("there is no backup: \(error.inWords)")
        }
        let parts = [counted(summary.tenants, "tenant"), counted(summary.recordings, "recording")]
        print("\(file): \(parts.joined(separator: ", ")), \(summary.octets) octets")
        // Who makes a backup each night, and reads nothing of it, is to know.
        guard summary.missing == 0 else {
            throw Failure(
                "\(counted(summary.missing, "recording")) known to the records not there, and not in it; see: gudok recordings verify"
            )
        }
    }
}

struct RestoreCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "restore",
        abstract: "Puts a backup back: verified first, and then all of it or nothing.",
        discussion: """
            A node's file that is there stays, and says where everything goes; without one the backup's is put there. What is \
            in the way is a refusal, or with --force set aside under another name.
            """
    )

    @Argument(help: "What `gudok backup` wrote.") var file: String
    @Flag(name: .long, help: "Set aside what is in the way.") var force = false
    @OptionGroup var config: ConfigOption

    func run() async throws {
        let nodeFile = URL(fileURLWithPath: config.config)
        let restore = Restore(URL(fileURLWithPath: file), nodeFile: nodeFile, isForced: force)
        let summary: Restore.Summary
        do { summary = try await restore.run() } catch { throw Failure("\(error.inWords)") }
        let parts = [counted(summary.tenants, "tenant"), counted(summary.recordings, "recording")]
        print("restored as of \(summary.madeAt): \(parts.joined(separator: ", "))")
        print("data: \(summary.data.path)")
        for place in summary.setAside { print("set aside: \(place.path)") }
        if summary.isNodeFileOther { print("kept: \(nodeFile.path), which is not the backup's") }
    }
}

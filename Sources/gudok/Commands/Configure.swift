import ArgumentParser
import Config
import Console
import ControlAPI
import DialPlan
import Events
import Foundation
import Records
import Switch
import Timebase

struct Check: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Checks the node's, tenants' and dial plans' files.",
        discussion: """
            Each fault is a line: file:line:column: error: what is wrong [code]; how to mend it. Lines of number lists that match no number, and \
            what of the node's file is hardly meant, are warnings, on the error output, and no failure.
            """
    )

    @OptionGroup var config: ConfigOption

    func run() throws {
        do {
            // What was applied stands beside them at the next start, and may not agree with them.
            let files = try ConfigurationFiles(file: config.config).inForce()
            let configuration = try files.configuration()
            for warning in configuration.node.warnings + files.listWarnings { Output.complain(warning) }
            let missing = files.missingPrompts(in: configuration)
            guard missing.isEmpty else {
                throw Self.failed(missing.map(\.description))
            }
            let rules = configuration.tenants.values.flatMap(\.dialPlans.values).reduce(0) { $0 + $1.routes.count }
            print("ok: \(counted(configuration.tenants.count, "tenant")), \(counted(rules, "rule"))")
        } catch let trouble as ConfigurationFiles.Trouble {
            throw Self.failed(trouble.lines, mend: trouble.mend)
        }
    }

    /// The faults are what was asked for; that there are some is the failure.
    private static func failed(_ faults: [String], mend: String? = nil) -> Failure {
        print(faults.joined(separator: "\n"))
        return Failure("\(counted(faults.count, "fault")); \(mend ?? "mend the lines above")")
    }
}

struct Apply: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Shows what files change, and puts them in force: all of them, or none.",
        discussion: """
            Without a running switch they are put into the data folder, for the next start. What is applied counts over the \
            file in the node's folders, over SIGHUP and restarts, until that file changes.
            """
    )

    @Argument(help: "Tenants' and dial plans' files.") var paths: [String] = []
    @Option(name: .long, help: "Take back what was applied of a tenant, or of a plan by its file's name.")
    var remove: [String] = []
    @Flag(name: .long, help: "Only show, and fail where that would.") var dryRun = false
    @Flag(name: .long, help: "Though tests of dial plans fail or prompts are missing; the audit log says so.")
    var force = false
    @OptionGroup var config: ConfigOption

    func validate() throws {
        if paths.isEmpty, remove.isEmpty { throw ValidationError("name files, or --remove what was applied") }
    }

    func run() async throws {
        let folders = try config.filesInFolders()
        var wanted = Application(remove: remove, isDryRun: dryRun, isForced: force)
        for path in paths {
            do {
                let file = URL(fileURLWithPath: path)
                wanted.files.append(try ConfigurationFiles.read(file, named: path, mayBePipe: true))
            } catch {
                throw Failure("\(error.inWords)")
            }
        }
        let outcome = try await outcome(of: wanted, folders)
        try Output.write(lines: outcome.changes.isEmpty ? ["nothing changes"] : outcome.changes)
        for warning in outcome.warnings { Output.complain("gudok: warning: \(warning)") }
    }

    private func outcome(of wanted: Application, _ folders: ConfigurationFiles) async throws -> Application.Outcome {
        // Nobody else applies from the reading to the writing. A switch that starts has the lock until it can be asked.
        let isAnswering = await folders.service == .answering
        let lock: FolderLock?
        do { lock = isAnswering || dryRun ? nil : try await FolderLock(folders.dataFolder) } catch {
            throw Failure("\(error.inWords)")
        }
        defer { withExtendedLifetime(lock) {} }
        // One that cannot be asked says so: what it does not know of is not applied behind its back.
        if await folders.service != .none {
            let request = ControlRequest(
                method: "POST",
                path: ["api", "v1", "apply"],
                body: Array(try JSONEncoder().encode(wanted))
            )
            return try JSONDecoder().decode(Application.Outcome.self, from: try await folders.ask(request))
        }
        do {
            return try wanted.perform(on: try config.files(), inFolders: folders, by: .commandLine)
        } catch let failure as Failure {
            throw failure
        } catch {
            throw Failure("\(error.inWords)")
        }
    }
}

struct Export: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Prints a tenant as YAML that `apply` accepts.")

    @Option(name: .long, help: "Which tenant; may be left out when there is one.") var tenant: String?
    @OptionGroup var config: ConfigOption

    func run() async throws {
        let found = try await config.tenantInForce(tenant)
        let files = try config.files()
        // What a switch has in force that cannot be asked, nobody knows.
        if await files.service != .none {
            try Output.write(try await files.ask(ControlRequest(path: ["api", "v1", "tenants", found.id.name])))
        } else {
            try files.note(AuditedAct(by: .commandLine, "export", "tenant \(found.id)", tenant: found.id))
            try Output.write(found.export())
        }
    }
}

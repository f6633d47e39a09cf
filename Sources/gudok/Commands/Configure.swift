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
        discussion: "Each fault is a line: file:line:column: error: what is wrong [code]; how to mend it."
    )

    @OptionGroup var config: ConfigOption

    func run() throws {
        do {
            let files = try ConfigurationFiles(file: config.config)
            let configuration = try files.configuration()
            let missing = files.missingPrompts(in: configuration)
            guard missing.isEmpty else {
                print(missing.map(\.description).joined(separator: "\n"))
                throw ExitCode(1)
            }
            let rules = configuration.tenants.values.flatMap(\.dialPlans.values).reduce(0) { $0 + $1.routes.count }
            print("ok: \(counted(configuration.tenants.count, "tenant")), \(counted(rules, "rule"))")
        } catch let code as ExitCode {
            throw code
        } catch {
            print(error)
            throw ExitCode(1)
        }
    }
}

struct Apply: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Shows what files change, and puts them in force: all of them, or none.",
        discussion: "Without a running switch they are put into the data folder, for the next start."
    )

    @Argument(help: "Tenants' and dial plans' files.") var paths: [String]
    @Flag(name: .long, help: "Only show.") var dryRun = false
    @Flag(name: .long, help: "Though tests of dial plans fail or prompts are missing; the audit log says so.")
    var force = false
    @OptionGroup var config: ConfigOption

    private struct Body: Encodable {
        struct File: Encodable {
            var name: String
            var text: String
        }

        var files: [File]
        var dry_run: Bool
        var force: Bool
    }

    private struct Answer: Decodable { var changes: [String] }

    func run() async throws {
        let files = try config.files()
        var texts: [ConfigurationText] = []
        for path in paths {
            do {
                texts.append(try ConfigurationFiles.read(URL(fileURLWithPath: path), named: path))
            } catch {
                throw Failure("\(error)")
            }
        }
        let changes: [String]
        if await files.isServed {
            let body = Body(files: texts.map { Body.File(name: $0.name, text: $0.text) }, dry_run: dryRun, force: force)
            let request = ControlRequest(
                method: "POST",
                path: ["api", "v1", "apply"],
                body: Array(try JSONEncoder().encode(body))
            )
            changes = try JSONDecoder().decode(Answer.self, from: try await files.ask(request)).changes
        } else {
            changes = try applyToFolder(files, texts)
        }
        print(changes.isEmpty ? "nothing changes" : changes.joined(separator: "\n"))
    }

    private func applyToFolder(_ files: ConfigurationFiles, _ texts: [ConfigurationText]) throws -> [String] {
        var next = files
        for text in texts { next.put(text) }
        do {
            let configuration = try next.configuration()
            let changes = configuration.changes(from: try? files.configuration())
            guard !dryRun else { return changes }
            let failed = files.obstacles(to: next, configuration)
            guard failed.isEmpty || force else {
                let why = failed.joined(separator: "; ")
                try files.note(
                    AuditedAct(by: .commandLine, "apply", "configuration", outcome: .refused, detail: why)
                )
                throw Failure((failed + [ConfigurationFiles.override]).joined(separator: "\n"))
            }
            let now = WallTime(milliseconds: Int64(Date().timeIntervalSince1970 * 1000))
            let acts = AuditedAct.application(by: .commandLine, changes: changes, despite: failed)
            try NodeDatabase(folder: files.dataFolder).apply(next.applied, noting: acts, at: now)
            return changes
        } catch let failure as Failure {
            throw failure
        } catch {
            throw Failure("\(error)")
        }
    }
}

struct Export: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Prints a tenant as YAML that `apply` accepts.")

    @Option(name: .long, help: "Which tenant; may be left out when there is one.") var tenant: String?
    @OptionGroup var config: ConfigOption

    func run() async throws {
        let files = try config.files()
        let configuration: Configuration
        do {
            configuration = try files.configuration()
        } catch {
            throw Failure("\(error)")
        }
        let names = configuration.tenants.keys.sorted().map(\.name)
        guard let name = tenant ?? (names.count == 1 ? names[0] : nil) else {
            throw Failure("there are \(names.count) tenants; name one with --tenant: \(names.joined(separator: ", "))")
        }
        if await files.isServed {
            let data = try await files.ask(ControlRequest(path: ["api", "v1", "tenants", name]))
            try Output.write(data)
            return
        }
        guard let found = configuration.tenants[TenantID(name)] else {
            throw Failure("there is no tenant '\(name)'; there are: \(names.joined(separator: ", "))")
        }
        try files.note(AuditedAct(by: .commandLine, "export", "tenant \(name)", tenant: found.id))
        try Output.write(found.export())
    }
}

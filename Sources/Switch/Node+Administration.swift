import Accounting
import Config
import ControlAPI
import Engine
public import Events
import Foundation
import Records
import Timebase

/// What administrators change, and what they leave in the audit log.
extension Node {
    /// Puts files in force, and takes away what was applied: all of it, or with a fault in any, nothing.
    func apply(_ wanted: Application, by actor: AuditedAct.Actor) async throws -> Application.Outcome {
        try await inTurn { node in
            // The folders as they are now: whoever changed a file there and applies it has nothing to be told.
            let folders = try? ConfigurationFiles(file: node.files.file.path)
            let next = try wanted.result(on: node.files, inFolders: folders)
            return try await node.put(next, wanted, over: folders, by: actor)
        }
    }

    /// Reads the files again (SIGHUP): a file that is gone takes its tenant along; what was applied stays where its file is what it was,
    /// as over a restart.
    public func reload() async {
        do {
            try await control?.renewSocket()
        } catch {
            log.log(.error, "the control socket cannot be made anew: \(error.inWords)")
        }
        do {
            let changes = try await inTurn { node in
                let actor = AuditedAct.Actor(.signal, "SIGHUP")
                let fresh: ConfigurationFiles
                do {
                    fresh = try ConfigurationFiles(file: node.files.file.path).joined(by: node.files.applied)
                } catch {
                    await node.noteFailure(error, by: actor)
                    throw error
                }
                return try await node.put(fresh, Application(), over: nil, by: actor).changes
            }
            log.log(.notice, "files read again: \(changes.count) changes")
        } catch {
            log.log(.error, "the files were read again and nothing was changed: \(error.inWords)")
        }
    }

    /// One change after the other: each waits for the core in its middle, and the next one starts from what it made of the files.
    private func inTurn<Outcome: Sendable>(
        _ change: @escaping @Sendable (isolated Node) async throws -> Outcome
    ) async throws -> Outcome {
        let before = changing
        let task = Task {
            await before?.value
            return try await change(self)
        }
        changing = Task { _ = await task.result }
        return try await task.value
    }

    private func put(
        _ next: ConfigurationFiles,
        _ wanted: Application,
        over folders: ConfigurationFiles?,
        by actor: AuditedAct.Actor
    ) async throws -> Application.Outcome {
        let isDryRun = wanted.isDryRun
        let configuration: Configuration
        do {
            configuration = try next.configuration()
        } catch {
            if !isDryRun { await noteFailure(error, by: actor) }
            throw error
        }
        let (old, affected) = try await handle.ask { core in
            (core.engine.configuration, core.engine.affected(by: configuration))
        }
        let changes = configuration.changes(from: old) + affected
        let outcome = Application.Outcome(
            changes: changes,
            warnings: wanted.warnings(configuration, over: folders)
        )
        let failed = wanted.obstacles(on: files, next, configuration)
        if !failed.isEmpty, !wanted.isForced {
            let why = failed.joined(separator: "; ")
            if !isDryRun { await note(AuditedAct(by: actor, "apply", "configuration", outcome: .refused, detail: why)) }
            throw ConfigurationFiles.Trouble(failed, mend: ConfigurationFiles.override)
        }
        guard !isDryRun else { return outcome }
        // Metrics, reports and log-ins go on meanwhile; another change waits its turn.
        await prompts.loadBeside([PromptStore.shipped, files.promptsFolder])
        let acts = AuditedAct.application(by: actor, changes: changes, despite: failed)
        try database.apply(next.applied, noting: acts, at: SystemClock.now().wall)
        // Before they take calls: what a plan asks for meanwhile is not among it.
        let back = configuration.tenants.keys.filter { old.tenants[$0] == nil }.sorted()
        if !back.isEmpty { await waitForRecords(until: .now + .seconds(2)) }
        let callbacks = Self.openCallbacks(in: next.dataFolder, of: back, log)
        try await handle.ask { core in
            core.turn { $0.apply(configuration, changes: changes, at: $1) }
            for (tenant, open) in callbacks { core.turn { $0.restore(open, of: tenant, at: $1) } }
        }
        files = next
        delivery.serve(configuration.tenants)
        return outcome
    }

    private func noteFailure(_ error: any Error, by actor: AuditedAct.Actor) async {
        await note(AuditedAct(by: actor, "apply", "configuration", outcome: .failed, detail: "\(error.inWords)"))
    }

    /// Tells, on the bus as everything is told, what somebody did over the control interface; returns when it is on disk, as far as that does not hang.
    func note(_ act: AuditedAct) async {
        do {
            try await handle.ask { core in core.turn { $0.note(act, at: $1) } }
            await audit.wait()
        } catch {
            log.log(.error, "not in the audit log: \(error.inWords); \(act.actor.name) \(act.action) \(act.object)")
        }
    }
}

extension ConfigurationFiles {
    /// What to do about obstacles.
    public static let override = "mend that, or override with --force"

    /// What the next start would put in force.
    public func inForce() throws -> ConfigurationFiles {
        joined(by: try NodeDatabase(reading: dataFolder)?.applied() ?? [])
    }
}

extension AuditedAct {
    /// What an `apply` leaves in the log; the tests that failed are an entry of their own, for whoever looks for `--force`.
    public static func application(by actor: Actor, changes: [String], despite failed: [String]) -> [AuditedAct] {
        var acts: [AuditedAct] = []
        if !failed.isEmpty {
            let tests = failed.joined(separator: "; ")
            acts.append(AuditedAct(by: actor, "apply.force", "configuration", detail: tests))
        }
        let text = changes.isEmpty ? "nothing changed" : changes.joined(separator: "; ")
        acts.append(AuditedAct(by: actor, "apply", "configuration", after: text))
        return acts
    }
}

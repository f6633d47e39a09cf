import Accounting
import Config
import ControlAPI
import Engine
import Events
import Foundation
public import Records
import Timebase

/// What administrators change, and what they leave in the audit log.
extension Node {
    /// Puts files in force: all of them, or with a fault in any, none.
    ///
    /// - Returns: what became different.
    func apply(_ texts: [ConfigurationText], isDryRun: Bool, isForced: Bool) async throws -> [String] {
        var next = files
        for text in texts { next.put(text) }
        return try await put(next, isDryRun: isDryRun, isForced: isForced, actor: "control socket")
    }

    /// Reads the files again (SIGHUP): a file that is gone takes its tenant along.
    public func reload() async {
        do {
            let fresh = try ConfigurationFiles(file: files.file.path)
            let changes = try await put(fresh, isDryRun: false, isForced: false, actor: "SIGHUP")
            log.log(.notice, "files read again: \(changes.count) changes")
        } catch {
            log.log(.error, "the files were read again and nothing was changed: \(error)")
        }
    }

    private func put(
        _ next: ConfigurationFiles,
        isDryRun: Bool,
        isForced: Bool,
        actor: String
    ) async throws -> [String] {
        let configuration = try next.configuration()
        let (old, affected) = try await handle.ask { core in
            (core.engine.configuration, core.engine.affected(by: configuration))
        }
        let changes = configuration.changes(from: old) + affected
        guard !isDryRun else { return changes }
        let failed = configuration.failedPlanTests
        if !failed.isEmpty {
            guard isForced else {
                throw ConfigurationFiles.Trouble(failed + ["mend the plan or its test, or override with --force"])
            }
            note("apply --force", failed.joined(separator: "\n"))
        }
        prompts.load([files.promptsFolder])
        try database.apply(next.applied, actor: actor, changes: changes, at: "\(SystemClock.now().wall)")
        try await handle.ask { core in core.turn { $0.apply(configuration, changes: changes, at: $1) } }
        files = next
        return changes
    }

    /// Notes an act of an administrator.
    func note(_ action: String, _ detail: String) {
        do {
            try database.audit(
                actor: "control interface",
                action: action,
                detail: detail,
                at: "\(SystemClock.now().wall)"
            )
        } catch {
            log.log(.error, "the audit log cannot be written: \(error)")
        }
    }

    /// Call records over HTTP, with the filters of `gudok cdr`.
    func records(matching query: [String: String]) async throws -> ControlReply {
        var wanted = CallQuery()
        wanted.since = query["since"].flatMap { WallTime($0) }
        wanted.until = query["until"].flatMap { WallTime($0) }
        (wanted.from, wanted.to, wanted.trunk) = (query["from"], query["to"], query["trunk"])
        (wanted.user, wanted.queue, wanted.agent) = (query["user"], query["queue"], query["agent"])
        wanted.disposition = query["disposition"].flatMap { Disposition(rawValue: $0) }
        wanted.limit = min(query["limit"].flatMap { Int($0) } ?? 100, 10_000)
        let folder = files.dataFolder
        let tenants = query["tenant"].map { [TenantID($0)] } ?? RecordFolder(folder).tenants
        return .json(try RecordFolder(folder).calls(wanted, of: tenants))
    }
}

extension ConfigurationFiles {
    /// As the database keeps them.
    public var applied: [NodeDatabase.AppliedFile] {
        tenants.map { NodeDatabase.AppliedFile(kind: .tenant, name: $0.key, text: $0.value.text) }
            + dialPlans.map { NodeDatabase.AppliedFile(kind: .dialPlan, name: $0.key, text: $0.value.text) }
    }
}

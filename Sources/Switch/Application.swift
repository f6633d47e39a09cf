public import Config
import DialPlan
public import Events
import Foundation
import Records
import SIP
import Timebase

/// What `gudok apply` asks for, of a running switch or of the data folder: texts to put in force, and what was applied to take away.
public struct Application: Encodable, Sendable {
    public var files: [ConfigurationText]
    /// Tenants, and file names of plans, whose applied text is to go.
    public var remove: [String]
    public var isDryRun: Bool
    /// Though tests of dial plans fail, prompts are missing or hashes of passwords are over another realm.
    public var isForced: Bool

    private enum CodingKeys: String, CodingKey {
        case files, remove
        case isDryRun = "dry_run"
        case isForced = "force"
    }

    public init(files: [ConfigurationText] = [], remove: [String] = [], isDryRun: Bool = false, isForced: Bool = false)
    {
        (self.files, self.remove, self.isDryRun, self.isForced) = (files, remove, isDryRun, isForced)
    }

    public struct Outcome: Codable, Sendable {
        /// What becomes different, a line each.
        public var changes: [String]
        /// What of it another file may end, or does nothing.
        public var warnings: [String] = []
    }

    /// `folders` are the files as they lie there now; nil: they cannot be read.
    func result(
        on known: ConfigurationFiles,
        inFolders folders: ConfigurationFiles?
    ) throws(ConfigurationFiles.Trouble) -> ConfigurationFiles {
        var next = known
        if let folders { next.learn(filesOf: folders) }
        for name in remove { try next.remove(applied: name) }
        if let (first, second) = ConfigurationFiles.doubled(among: files) {
            let which =
                ConfigurationFiles.tenantName(in: first.text).map { "tenant \($0)" } ?? "the plan \(first.fileName)"
            throw ConfigurationFiles.Trouble(
                "\(second.name):1:1: error: \(which) is in \(first.name) too [duplicate]; apply one of them"
            )
        }
        for text in files { next.put(text) }
        return next
    }

    /// Puts it into the data folder, for the next start; a dry run says what that would do, and fails as it would.
    public func perform(
        on known: ConfigurationFiles,
        inFolders folders: ConfigurationFiles,
        by actor: AuditedAct.Actor
    ) throws -> Outcome {
        let next = try result(on: known, inFolders: folders)
        let configuration = try next.configuration()
        let before = try? known.configuration()
        // What is not readable together has nothing to be compared with.
        let named = remove.map { "- applied \($0)" } + files.map { "+ file \($0.name)" }
        let changes = before.map { configuration.changes(from: $0) } ?? named
        let outcome = Outcome(changes: changes, warnings: warnings(configuration, over: folders))
        let now = SystemClock.now().wall
        let failed = obstacles(on: known, next, configuration)
        guard failed.isEmpty || isForced else {
            if !isDryRun {
                let why = failed.joined(separator: "; ")
                let act = AuditedAct(by: actor, "apply", "configuration", outcome: .refused, detail: why)
                try Self.nodeDatabase(in: known.dataFolder, at: now).audit([act], at: now)
            }
            throw ConfigurationFiles.Trouble(failed, mend: ConfigurationFiles.override)
        }
        guard !isDryRun else { return outcome }
        let acts = AuditedAct.application(by: actor, changes: changes, despite: failed)
        try Self.nodeDatabase(in: known.dataFolder, at: now).apply(next.applied, noting: acts, at: now)
        return outcome
    }

    /// The next start finds it made, and would not see that it was lost.
    private static func nodeDatabase(in folder: URL, at now: WallTime) throws -> NodeDatabase {
        let database = try NodeDatabase(folder: folder)
        _ = try database.noteLoss(at: now)
        return database
    }

    /// Why it is refused unless it is forced: tests that fail in its own files, or that did not fail before, and recordings that are
    /// missing now and were not. What somebody forced into another file is not this one's fault.
    func obstacles(on known: ConfigurationFiles, _ next: ConfigurationFiles, _ configuration: Configuration) -> [String]
    {
        let before = try? known.configuration()
        let failedBefore = Set(before?.failedPlanTests ?? [])
        let own = Set(files.map(\.name))
        let failed = configuration.failedPlanTests.filter { own.contains($0.file) || !failedBefore.contains($0) }
        let missingBefore = Set(before.map { known.missingPrompts(in: $0) }?.map { [$0.file, $0.problem] } ?? [])
        let missing = next.missingPrompts(in: configuration).filter { !missingBefore.contains([$0.file, $0.problem]) }
        return failed.map(\.description) + missing.map(\.description) + staleHashes(before, configuration)
    }

    /// Tenants who get another realm, while users keep hashes that were made over the old one: nobody's password would fit.
    private func staleHashes(_ before: Configuration?, _ configuration: Configuration) -> [String] {
        configuration.tenants.values.sorted { $0.id < $1.id }.compactMap { tenant in
            guard let old = before?.tenants[tenant.id], old.realm != tenant.realm else { return nil }
            let stale = tenant.users.values.filter { $0.credentials.ha1 == old.users[$0.number]?.credentials.ha1 }
            guard let first = stale.map(\.number).min() else { return nil }
            let whose = stale.count == 1 ? "the hash of user \(first) is" : "the hashes of \(stale.count) users are"
            return
                "tenant \(tenant.id) gets the realm \(tenant.realm), and \(whose) over \(old.realm): no password fits; "
                + "write `realm: \(old.realm)`, or the passwords"
        }
    }

    /// What whoever applies this should know.
    func warnings(_ configuration: Configuration, over folders: ConfigurationFiles?) -> [String] {
        (folders.map { overruling($0, configuration) } ?? []) + unused(in: configuration)
    }

    /// Where files of the folders say otherwise: whoever changes one puts it in force again.
    private func overruling(_ folders: ConfigurationFiles, _ configuration: Configuration) -> [String] {
        let other = try? folders.configuration()
        return files.compactMap { text in
            guard let file = folders.file(for: text), file.text != text.text else { return nil }
            let tenant = ConfigurationFiles.tenantName(in: text.text)
            if let tenant, let other, configuration.changes(of: TenantID(tenant), from: other).isEmpty { return nil }
            return "\(file.name) says otherwise: it counts again when it is changed, or after "
                + "`gudok apply --remove \(tenant ?? text.fileName)`"
        }
    }

    /// Dial plans that no tenant names, and what would be wrong with them for each.
    private func unused(in configuration: Configuration) -> [String] {
        let used = Set(configuration.tenants.values.flatMap(\.dialPlans.values).map(\.file))
        let unused = files.filter { ConfigurationFiles.tenantName(in: $0.text) == nil && !used.contains($0.name) }
        return unused.flatMap { text in
            let why = "\(text.name): no tenant has the dial plan \(text.fileName)"
            return ["\(why), which does nothing; name it in `dialplans` of one"]
                + configuration.faults(ofUnused: text).map(\.description)
        }
    }
}

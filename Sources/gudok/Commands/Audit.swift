public import ArgumentParser
import Console
public import Events
import Foundation
import Records
import Switch
import Timebase

struct Audit: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Who did what to the switch, and who was refused: newest first.",
        discussion: "Reads the data folder directly, with or without a running switch.",
        subcommands: [ListAudit.self, VerifyAudit.self],
        defaultSubcommand: ListAudit.self
    )
}

struct ListAudit: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "list", abstract: "The entries, newest first.")

    @OptionGroup var period: PeriodOption
    @Option(name: .long) var tenant: String?
    @Option(name: .long, help: "Who, as the entries name him.") var actor: String?
    @Option(name: .long, help: "agent.login, or a family of them: agent, recording, supervise, apply.") var action:
        String?
    @Option(name: .long, help: "done, refused or failed.") var outcome: AuditedAct.Outcome?
    @Option(name: .long, help: "At most so many.") var limit: Int = 100
    @OptionGroup var format: FormatOption
    @OptionGroup var config: ConfigOption

    func validate() throws {
        try checkLimit(limit)
    }

    func run() async throws {
        if tenant != nil { _ = try await config.owners(tenant) }
        var query = NodeDatabase.AuditQuery()
        (query.since, query.until) = (period.window.since, period.window.until)
        (query.tenant, query.actor, query.action) = (tenant, actor, action)
        (query.outcome, query.limit) = (outcome, limit)
        let entries = try NodeDatabase(reading: config.files().dataFolder)?.auditEntries(query) ?? []
        try format.show(
            try JSONEncoder().encode(entries),
            keys: AuditEntry.CodingKeys.allCases.map(\.rawValue),
            columns: [
                .init("id", "#"), .init("at"), .init("tenant"), .init("actor", "WHO"), .init("action"), .init("object"),
                .init("outcome"), .init("before"), .init("after"), .init("detail"),
            ]
        )
    }
}

struct VerifyAudit: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Checks that no entry was changed, removed or inserted.",
        discussion: """
            Each entry holds the hash of the one before it. Keep the printed head somewhere else: with --head it shows later that \
            the log was not written anew as a whole.
            """
    )

    @Option(name: .long, help: "A head that was printed before: it must still be in the chain.") var head: String?
    @OptionGroup var config: ConfigOption

    func run() async throws {
        let folder = try config.files().dataFolder
        guard let database = try NodeDatabase(reading: folder) else {
            throw Failure("there is no audit log in \(folder.path): no switch has run there")
        }
        let verdict = try database.verifyAudit()
        if let fault = verdict.fault {
            throw Failure("the audit log was tampered with: \(fault); the \(verdict.entries) entries before are sound")
        }
        if let head, try !database.hasAuditHead(head.lowercased()) {
            throw Failure("no entry has the hash \(head): the log was written anew, or this is another one's head")
        }
        print("\(verdict.entries) entries, each as it was written; head \(verdict.head)")
    }
}

extension AuditedAct.Outcome: ExpressibleByArgument {}

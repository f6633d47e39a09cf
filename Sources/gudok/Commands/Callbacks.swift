import ArgumentParser
import Console
import ControlAPI
import Events
import Foundation
import Records
import Switch
import Timebase

struct Callbacks: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Callers who asked to be called back: lists them, cancels one.",
        subcommands: [ListCallbacks.self, CancelCallback.self],
        defaultSubcommand: ListCallbacks.self
    )
}

struct ListCallbacks: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "list", abstract: "The callbacks, newest first.")

    @OptionGroup var period: PeriodOption
    @Option(name: .long) var tenant: String?
    @Option(name: .long) var queue: String?
    @Flag(name: .long, help: "Only those that are not over.") var open = false
    @Option(name: .long, help: "Those that were asked for before this one.") var before: String?
    @Option(name: .long, help: "At most so many.") var limit: Int = 100
    @OptionGroup var format: FormatOption
    @OptionGroup var config: ConfigOption

    func validate() throws { try checkLimit(limit) }

    func run() async throws {
        var query = CallbackQuery()
        (query.queue, query.isOnlyOpen, query.before, query.limit) = (queue, open, before, limit)
        let folder = RecordFolder(try config.files().dataFolder)
        let owners = try await config.owners(tenant)
        let rows = try folder.callbacks(query, of: owners, in: try await period.windows(config))
        try format.show(
            try JSONEncoder().encode(rows),
            keys: CallbackListing.keys,
            columns: [
                .init("id", "CALLBACK"), .init("requested_at", "ASKED"), .init("queue"), .init("number"),
                .init("state"),
                .init("attempts", "TRIES"), .init("agent"), .init("reason"),
            ]
        )
    }
}

struct CancelCallback: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cancel",
        abstract: "Calls a caller back no more; an attempt under way ends."
    )

    @Argument(help: "The callback's id.") var id: String
    @Option(name: .long, help: "Whose; another tenant's is refused.") var tenant: String?
    @OptionGroup var config: ConfigOption

    func run() async throws {
        let request = ControlRequest(
            method: "DELETE",
            path: ["api", "v1", "callbacks", id],
            query: tenant.map { ["tenant": $0] } ?? [:]
        )
        _ = try await config.files().ask(request)
        print("\(id): cancelled")
    }
}

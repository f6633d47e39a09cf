public import ArgumentParser
import Config
public import Console
import ControlAPI
import Events
import Foundation
import Records
import Switch
import Timebase

struct ConfigOption: ParsableArguments {
    @Option(name: .long, help: "The node's file.") var config = "./gudok.yaml"

    /// With what was applied to the data folder.
    func files() throws -> ConfigurationFiles {
        let inFolders = try filesInFolders()
        do { return try inFolders.inForce() } catch {
            throw Failure("what was applied to \(inFolders.dataFolder.path) cannot be read: \(error.inWords)")
        }
    }

    /// Those that lie there as files.
    func filesInFolders() throws -> ConfigurationFiles {
        do {
            return try ConfigurationFiles(file: config)
        } catch {
            throw Failure("\(error.inWords)")
        }
    }
}

extension ConfigOption {
    /// Of the running switch: its files may have changed since it read them, or others been applied. Where none runs, what its next start
    /// would put in force.
    func configurationInForce() async throws -> Configuration {
        let files = try files()
        guard try await isSwitchUp else { return try read(files) }
        let told = try await files.ask(ControlRequest(path: ["api", "v1", "configuration"]))
        return try read(files.replaced(by: try JSONDecoder().decode(ConfigurationFiles.Texts.self, from: told)))
    }

    var isSwitchUp: Bool {
        get async throws {
            try await files().service != .none
        }
    }

    private func read(_ files: ConfigurationFiles) throws -> Configuration {
        do { return try files.configuration() } catch { throw Failure("\(error.inWords)") }
    }
}

/// The calls that a listing is of.
struct CallFilter: ParsableArguments {
    @Option(name: .long, help: "Only this tenant's.") var tenant: String?
    @Option(name: .long, help: "Only of this queue.") var queue: String?
    @Option(name: .long, help: "Only of the queue's agent with this extension.") var agent: String?
    @Option(name: .long, help: "Only by this trunk.") var trunk: String?
    @Option(name: .long, help: "Who called: the whole number.") var from: String?
    @Option(name: .long, help: "What was called: the whole number.") var to: String?
    @Option(name: .long, help: "How they ended.") var disposition: Disposition?
}

/// The period that a listing is of.
struct PeriodOption: ParsableArguments {
    // The value may begin with a dash.
    @Option(name: .long, parsing: .unconditional, help: "Not before: RFC 3339, a date, today, yesterday, -2h.")
    var since: String?
    @Option(name: .long, parsing: .unconditional, help: "Before, in the same words; now if left out.")
    var until: String?

    func validate() throws { try Self.validate(since: since, until: until) }

    /// Times that can be read, the first before the second.
    static func validate(since: String?, until: String?) throws {
        let now = Date()
        // When a day begins is the tenant's affair: what is refused here lies the wrong way round on every clock of the earth.
        let zones = stride(from: -12 * 60, through: 14 * 60, by: 15).compactMap { TimeZone(secondsFromGMT: $0 * 60) }
        let dates = try [("since", since), ("until", until)].map { name, text -> [Date]? in
            guard let text else { return nil }
            let read = zones.compactMap { TimeFilter(text, now: now, zone: $0)?.date }
            guard read.count == zones.count else {
                throw ValidationError("--\(name) is '\(text)': \(TimeFilter.hint)")
            }
            return read
        }
        guard let first = dates[0], let last = dates[1], zip(first, last).allSatisfy({ $0 >= $1 }) else { return }
        throw ValidationError(
            "--since '\(since ?? "")' is not before --until '\(until ?? "")': nothing lies between them"
        )
    }

    /// On the machine's clock.
    var window: RecordFolder.Window { window(in: .current) }

    /// Of each tenant: his days begin on his own clock, and one who is in no configuration has the machine's.
    func windows(_ config: ConfigOption) async throws -> (TenantID) -> RecordFolder.Window {
        guard [since, until].contains(where: { $0.map(TimeFilter.namesDay) ?? false }) else {
            let window = window
            return { _ in window }
        }
        let tenants = try await config.configurationInForce().tenants
        return { window(in: tenants[$0].flatMap { TimeZone(identifier: $0.timeZone) } ?? .current) }
    }

    private func window(in zone: TimeZone) -> RecordFolder.Window {
        let now = Date()
        let read = { (text: String?) in
            text.flatMap { TimeFilter($0, now: now, zone: zone) }.map(WallTime.init)
        }
        return RecordFolder.Window(since: read(since), until: read(until))
    }
}

extension WallTime {
    fileprivate init(_ filter: TimeFilter) {
        self.init(milliseconds: Int64((filter.date.timeIntervalSince1970 * 1000).rounded()))
    }
}

struct FormatOption: ParsableArguments {
    @Option(name: .long, help: "table, json, jsonl or csv; a table on a terminal.") var format: OutputFormat?
    @Flag(name: .long, help: "No colours.") var noColor = false

    func show(_ json: Data, keys: [String], columns: [Listing.Column]) throws {
        let listing = try Listing(json: json, keys: keys, columns: columns)
        let text = listing.text(format ?? .table, isColored: Terminal.isColored(noColor: noColor))
        try Output.write(text)
    }
}

extension OutputFormat: ExpressibleByArgument {}

/// A list of nothing looks like a list with nothing in it, so `--limit` asks for a row at least, as `limit` does over HTTP.
func checkLimit(_ limit: Int?) throws {
    if let limit, limit < 1 { throw ValidationError("--limit is \(limit): write 1 or more") }
}

extension ConfigurationFiles {
    /// Asks the running switch.
    func ask(_ request: ControlRequest) async throws -> Data {
        let reply: ControlReply
        do {
            reply = try await ControlClient(socketPath: socketPath).send(request)
        } catch {
            if case ControlClient.Fault.notRunning = error, await service == .silent {
                throw Failure("a switch serves \(dataFolder.path), but \(FolderLock.silence)")
            }
            throw Failure("\(error.inWords)")
        }
        return try content(of: reply)
    }

    /// What the switch answered, or why it did not do what was asked.
    func content(of reply: ControlReply) throws -> Data {
        guard reply.status < 300 else {
            guard let problem = try? JSONDecoder().decode(ControlReply.Problem.self, from: Data(reply.body)) else {
                let text = String(decoding: reply.body.prefix(200), as: UTF8.self).trimmingCharacters(
                    in: .whitespacesAndNewlines
                )
                throw Failure("the switch answered \(reply.status): \(text)")
            }
            // What a request names in its query is an option here.
            let mend = problem.error.code == "which-tenant" ? "name one with --tenant" : problem.error.mend
            throw Failure("\(problem.error.what); \(mend)")
        }
        return Data(reply.body)
    }

    /// Does what `body` does; what it throws is the reason of the act's refusal in the audit log, of the tenant that was named.
    func noting<Result>(_ wanted: AuditedAct, of tenant: String?, _ body: () throws -> Result) throws -> Result {
        do {
            return try body()
        } catch {
            var act = wanted
            (act.outcome, act.tenant, act.detail) = (.refused, tenant.map { TenantID($0) }, "\(error.inWords)")
            try note(act)
            throw error
        }
    }

    /// Notes in the audit log what a command is about to do with the data folder itself: what cannot be noted is not done.
    func note(_ act: AuditedAct) throws {
        do {
            let now = WallTime(milliseconds: Int64(Date().timeIntervalSince1970 * 1000))
            let database = try NodeDatabase(folder: dataFolder)
            // The next start finds it made, and would not see that it was lost.
            _ = try database.noteLoss(at: now)
            try database.audit([act], at: now)
        } catch {
            throw Failure(
                "the audit log in \(dataFolder.path) cannot be written, and nothing was done: \(error.inWords)"
            )
        }
    }
}

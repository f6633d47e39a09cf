import ArgumentParser
import Config
import Console
import Events
import Foundation
import Records
import Reports
import Switch
import Timebase

struct Recordings: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Recordings: lists them, takes one out, checks them, pauses, holds and prunes them.",
        subcommands: [
            ListRecordings.self, GetRecording.self, VerifyRecordings.self, PauseRecording.self, ResumeRecording.self,
            HoldRecording.self, PruneRecordings.self,
        ],
        defaultSubcommand: ListRecordings.self
    )
}

private struct Shelf {
    let files: ConfigurationFiles
    let tenants: [TenantID]
    var folder: URL { files.dataFolder }

    init(_ config: ConfigOption, _ tenant: String?) async throws {
        files = try config.files()
        tenants = try await config.owners(tenant)
    }

    func find(
        _ query: RecordingQuery,
        in window: ((TenantID) -> RecordFolder.Window)? = nil
    ) throws -> [(RecordingRow, TenantID)] {
        try RecordFolder(folder).recordings(query, of: tenants, in: window)
    }

    func one(_ id: String) throws -> (RecordingRow, TenantID) {
        guard let found = try RecordFolder(folder).recording(id, of: tenants) else {
            throw Failure("there is no recording \(id); see: gudok recordings")
        }
        return found
    }

    func path(_ row: RecordingRow, _ tenant: TenantID) -> URL {
        files.recordingsFolder(of: tenant).appending(path: row.file)
    }
}

struct ListRecordings: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "list", abstract: "The recordings, newest first.")

    @OptionGroup var period: PeriodOption
    @OptionGroup var calls: CallFilter
    @Option(name: .long, help: "Of this call.") var call: String?
    @Option(name: .long, help: "At most so many.") var limit: Int = 100
    @Option(name: .long, help: "Go on after this recording, the last one of a listing.") var before: String?
    @OptionGroup var format: FormatOption
    @OptionGroup var config: ConfigOption

    func validate() throws {
        try checkLimit(limit)
    }

    func run() async throws {
        var query = RecordingQuery()
        (query.from, query.to, query.trunk) = (calls.from, calls.to, calls.trunk)
        (query.queue, query.agent, query.disposition) = (calls.queue, calls.agent, calls.disposition)
        (query.callID, query.limit) = (call, limit)
        let shelf = try await Shelf(config, calls.tenant)
        query.before = try before.map { RecordingQuery.Place(try shelf.one($0).0) }
        let found = try shelf.find(query, in: try await period.windows(config))
        try format.show(
            try JSONEncoder().encode(found.map { RecordingReportRow($0.0, $0.1) }),
            keys: RecordingReportRow.keys,
            columns: [
                .init("id", "RECORDING"), .init("started_at", "STARTED"), .init("duration_s", "SECONDS"),
                .init("octets", "OCTETS"), .init("state"), .init("policy"), .init("fault"),
            ]
        )
    }
}

struct GetRecording: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "get", abstract: "Copies a recording to a file.")

    @Argument(help: "The recording's id.") var id: String
    @Option(name: .shortAndLong, help: "Where to; - for standard output.") var output: String
    @Option(name: .long) var tenant: String?
    @OptionGroup var config: ConfigOption

    func run() async throws {
        let shelf = try await Shelf(config, tenant)
        let wanted = AuditedAct(by: .commandLine, "recording.get", "recording \(id)")
        let (row, owner, file) = try config.files().noting(wanted, of: tenant) {
            let (row, owner) = try shelf.one(id)
            let path = shelf.path(row, owner)
            do {
                return (row, owner, try FileHandle(forReadingFrom: path))
            } catch {
                let why = row.deletedMilliseconds == nil ? "\(FileFault(reading: error))" : "it was deleted"
                throw Failure("\(path.path) cannot be read: \(why)")
            }
        }
        try config.files().note(
            AuditedAct(
                by: .commandLine,
                "recording.get",
                "recording \(id)",
                tenant: owner,
                detail: "call \(row.callID)"
            )
        )
        if output == "-" {
            try copy(file) { try Output.write($0) }
            return
        }
        do {
            let place = URL(fileURLWithPath: output)
            try Data().write(to: place)
            let copied = try FileHandle(forWritingTo: place)
            let octets = try copy(file) { try copied.write(contentsOf: $0) }
            try copied.close()
            print("\(output): \(octets) octets")
        } catch {
            throw Failure("\(output) cannot be written: \(FileFault(writing: error))")
        }
    }

    /// A piece at a time: hours of sound are not to be held in memory.
    @discardableResult
    private func copy(_ file: FileHandle, to write: (Data) throws -> Void) throws -> Int64 {
        var octets: Int64 = 0
        while let part = try file.read(upToCount: 1 << 20), !part.isEmpty {
            try write(part)
            octets += Int64(part.count)
        }
        return octets
    }
}

/// Compares every file with its SHA-256 of when it ended, and every row with the manifest.
struct VerifyRecordings: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Checks that no recording was changed, removed or put in.",
        discussion: """
            Each file must have the SHA-256 that its row has, each row what the chained manifest says of it, each recording that a call \
            names a row, and each file too. A table shows what is not so; json, jsonl and csv have a line for every recording.
            """
    )

    @Option(name: .long) var tenant: String?
    @OptionGroup var format: FormatOption
    @OptionGroup var config: ConfigOption

    func run() async throws {
        let shelf = try await Shelf(config, tenant)
        let found = try shelf.tenants.flatMap { try RecordingVerification(folder: shelf.folder, tenant: $0).findings() }
        let bad = found.filter { !$0.verdict.isSound }
        let isForPeople = format.format ?? .table == .table
        if !isForPeople || !bad.isEmpty {
            try format.show(
                try JSONEncoder().encode(isForPeople ? bad : found),
                keys: RecordingVerification.Finding.CodingKeys.allCases.map(\.rawValue),
                columns: [
                    .init("verdict"), .init("recording"), .init("call_id", "CALL"), .init("path"), .init("detail"),
                ]
            )
        }
        if isForPeople {
            let good = found.count { $0.verdict == .asWritten }
            print("\(counted(good, "recording")) as written")
        }
        guard bad.isEmpty else { throw Failure("\(counted(bad.count, "recording")) to look into; see the list") }
    }
}

struct HoldRecording: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "hold",
        abstract: "Keeps a recording from being deleted."
    )

    @Argument(help: "The recording's id.") var id: String
    @Flag(name: .long, help: "Lift the hold.") var release = false
    @Option(name: .long) var tenant: String?
    @OptionGroup var config: ConfigOption

    func run() async throws {
        let shelf = try await Shelf(config, tenant)
        var act = AuditedAct(by: .commandLine, release ? "recording.release" : "recording.hold", "recording \(id)")
        let (row, owner) = try config.files().noting(act, of: tenant) {
            let (row, owner) = try shelf.one(id)
            guard release || row.deletedMilliseconds == nil else {
                throw Failure("recording \(id) was deleted: there is nothing left to hold")
            }
            return (row, owner)
        }
        (act.tenant, act.detail) = (owner, "call \(row.callID)")
        (act.before, act.after) = (row.isOnLegalHold ? "held" : "not held", release ? "not held" : "held")
        try config.files().note(act)
        guard try TenantDatabase(folder: shelf.folder, tenant: owner).setLegalHold(!release, recording: id) else {
            throw Failure("recording \(id) was deleted meanwhile: there is nothing left to hold")
        }
        print("\(id) is \(release ? "released" : "held")")
    }
}

/// Deletes what is older than the tenant keeps, then the oldest above its quota; never what is on hold.
struct PruneRecordings: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "prune",
        abstract: "Deletes what is past the tenant's keep and quota_mib; the switch does so every minute too."
    )

    @Option(name: .long) var tenant: String?
    @OptionGroup var config: ConfigOption

    func run() async throws {
        let folder = try config.files().dataFolder
        // A switch that runs keeps what it was told to keep, whatever its files say by now.
        let owners =
            tenant == nil
            ? try await config.configurationInForce().tenants.values.sorted { $0.id < $1.id }
            : [try await config.tenantInForce(tenant)]
        let log = try NodeDatabase(folder: folder)
        var isWhole = true
        for owner in owners {
            do {
                let deleted = try RecordingRetention(folder: folder, tenant: owner)
                    .apply(now: Date(), by: .commandLine, in: log)
                print("\(owner.id): \(counted(deleted.count, "recording")) deleted")
            } catch {
                Output.complain(
                    "gudok: tenant \(owner.id): recordings past their time cannot be deleted: \(error.inWords)"
                )
                isWhole = false
            }
        }
        if !isWhole { throw ExitCode(1) }
    }
}

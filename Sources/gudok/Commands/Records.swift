import Accounting
public import ArgumentParser
import Console
import ControlAPI
public import Events
import Foundation
import Records
import Switch
import Timebase
import Trace

struct CallRecords: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cdr",
        abstract: "Call detail records, newest first.",
        discussion: "Reads the databases directly, with or without a running switch."
    )

    @OptionGroup var period: PeriodOption
    @OptionGroup var calls: CallFilter
    @Option(name: .long, help: "At most so many.") var limit: Int = 100
    @Option(name: .long, help: "Go on after this call, the last one of a listing.") var before: String?
    @Argument(help: "Only this call.") var call: String?
    @OptionGroup var format: FormatOption
    @OptionGroup var config: ConfigOption

    func validate() throws {
        try checkLimit(limit)
    }

    func run() async throws {
        let records = try await find()
        let encoder = JSONEncoder()
        try format.show(
            try encoder.encode(records),
            keys: CallRecord.CodingKeys.allCases.map(\.rawValue),
            columns: [
                .init("call_id", "CALL"), .init("started_at", "STARTED"), .init("direction"), .init("from"),
                .init("to"),
                .init("disposition"), .init("talk_s", "TALK S"), .init("duration_s", "TOTAL S"),
                .init("hangup_by", "ENDED BY"), .init("reason"),
            ]
        )
    }

    private func find() async throws -> [CallRecord] {
        let folder = RecordFolder(try config.files().dataFolder)
        let owners = try await config.owners(calls.tenant)
        if let call {
            guard let record = try folder.call(call, of: owners) else {
                throw Failure("there is no call \(call); see: gudok cdr")
            }
            return [record]
        }
        var query = CallQuery()
        (query.from, query.to, query.trunk) = (calls.from, calls.to, calls.trunk)
        (query.queue, query.agent, query.disposition) = (calls.queue, calls.agent, calls.disposition)
        query.limit = limit
        if let before {
            guard let last = try folder.call(before, of: owners) else {
                throw Failure("there is no call \(before); give --before the last call of a listing")
            }
            query.before = CallQuery.Place(startedAt: last.startedAt, callID: last.callID)
        }
        return try folder.calls(query, of: owners, in: try await period.windows(config))
    }
}

extension Disposition: ExpressibleByArgument {}

struct TraceCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "trace",
        abstract: "The SIP ladder of a finished or live call, both legs side by side."
    )

    @Argument(help: "The call's id, or `last`.") var call: String?
    @Flag(name: .long, help: "Show each call's ladder as it ends.") var follow = false
    @Option(name: .long, help: "Write the messages for Wireshark instead.") var pcap: String?
    @Flag(name: .long, help: "Print the whole messages too.") var messages = false
    @Option(name: .long, help: "Whose; another tenant's are not there.") var tenant: String?
    @OptionGroup var config: ConfigOption

    func validate() throws {
        if (call == nil) != follow { throw ValidationError("name a call, or --follow: one of the two") }
        if follow, pcap != nil { throw ValidationError("--pcap writes one call: name it, without --follow") }
    }

    func run() async throws {
        let files = try config.files()
        if follow { return try await followCalls(files) }
        let trace = try await CallTrace.find(call ?? "", of: tenant, config)
        if let pcap {
            do {
                try Data(PacketCapture(trace).bytes).write(to: URL(fileURLWithPath: pcap))
            } catch {
                throw Failure("\(pcap) cannot be written: \(FileFault(writing: error))")
            }
            return
        }
        try show(trace)
    }

    func show(_ trace: CallTrace) throws {
        var lines = Ladder(trace, width: Terminal.width).lines
        if messages {
            for case .message(let message) in trace.entries.map(\.kind) {
                let way = message.isIncoming ? "from" : "to"
                lines += ["", "--- leg \(message.leg), \(way) \(message.transport):\(message.remote)"]
                lines += message.text.split(separator: "\r\n", omittingEmptySubsequences: false).map(String.init)
            }
        }
        try Output.write(lines: lines)
    }

    /// A ladder is on disk some moments after the record.
    private static let mostLooks = 10

    private func followCalls(_ files: ConfigurationFiles) async throws {
        let folder = RecordFolder(files.dataFolder)
        let owners = try await config.owners(tenant)
        var query = CallQuery()
        query.limit = 10_000
        let found = try folder.calls(query, of: owners)
        var known = Set(found.map(\.callID))
        // The oldest first, as ids rise with time; kept until its ladder is shown, however many begin after it. Of each, how often it was over and
        // its ladder not there yet.
        var live = Dictionary(found.filter { $0.endedAt == nil }.map { ($0.callID, 0) }) { $1 }
        query.limit = 200
        while !Task.isCancelled {
            // A tenant may have come since.
            let owners = try await config.owners(tenant)
            for record in try folder.calls(query, of: owners) where known.insert(record.callID).inserted {
                live[record.callID] = 0
            }
            let over = try live.filter { id, _ in try folder.call(id, of: owners)?.endedAt != nil }
            for (id, looks) in over.sorted(by: { $0.key < $1.key }) {
                live[id] = looks < Self.mostLooks ? looks + 1 : nil
                if let trace = try folder.trace(of: id, of: owners) {
                    live[id] = nil
                    try show(trace)
                } else if live[id] == nil {
                    try Output.write(lines: ["# \(id) has no trace: there was no room for it, or it is gone"])
                }
            }
            try await Task.sleep(for: .milliseconds(500))
        }
    }
}

/// The decisions of a call in words: which rule, who was rung and who was passed over, which timer, who hung up.
struct Why: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "The decisions of a call in words.")

    @Argument(help: "The call's id, or `last`.") var call: String
    @Option(name: .long, help: "Whose; another tenant's are not there.") var tenant: String?
    @OptionGroup var config: ConfigOption

    func run() async throws {
        let trace = try await CallTrace.find(call, of: tenant, config)
        var lines = ["\(trace.callID)  \(trace.started.wall)  \(trace.from) → \(trace.to)"]
        for decision in trace.decisions {
            lines.append(String(format: "%9.3f  ", Double(decision.offset) / 1_000_000) + decision.text)
        }
        if trace.omitted > 0 { lines.append("           … and \(trace.omitted) more found no room in the trace") }
        try Output.write(lines: lines)
    }
}

extension CallTrace {
    /// The trace of a live or finished call; `last` is the newest.
    static func find(_ call: String, of tenant: String?, _ config: ConfigOption) async throws -> CallTrace {
        let (files, owners) = (try config.files(), try await config.owners(tenant))
        let folder = RecordFolder(files.dataFolder)
        var id = call
        if call == "last" {
            var newest = CallQuery()
            newest.limit = 1
            guard let last = try folder.calls(newest, of: owners).first else {
                throw Failure("there is no call yet; see: gudok cdr")
            }
            id = last.callID
        }
        let query = tenant.map { ["tenant": $0] } ?? [:]
        let request = ControlRequest(path: ["api", "v1", "trace", id], query: query)
        let reply = try? await ControlClient(socketPath: files.socketPath).send(request)
        if let reply, reply.status == 200 { return try JSONDecoder().decode(CallTrace.self, from: Data(reply.body)) }
        // Of a call that ended just now the trace may be on its way to the disk, and its end too where the switch knows of no such call.
        for _ in 0..<15 {
            if let trace = try folder.trace(of: id, of: owners) { return trace }
            guard let call = try folder.call(id, of: owners), call.endedAt != nil || reply != nil else { break }
            try await Task.sleep(for: .milliseconds(100))
        }
        guard let call = try folder.call(id, of: owners) else {
            throw Failure("there is no call \(id); see: gudok cdr")
        }
        if call.endedAt == nil {
            if let trace = try folder.unfinishedTrace(of: id, of: owners) { return trace }
            guard await files.service == .none else {
                let silence = FolderLock.silence
                throw Failure("nothing is on disk yet of call \(id), and the switch has not told of it: \(silence)")
            }
        }
        guard call.endedAt != nil, call.reason != "engine-restart" else {
            throw Failure("the switch died in call \(id), and its trace with it; its record is there: gudok cdr \(id)")
        }
        throw Failure("the trace of call \(id) was dropped, for its age or for want of room; see: gudok cdr \(id)")
    }
}

import Accounting
import Config
import Events
import Foundation
import NIOCore
import NIOPosix
import Records
import Synchronization

/// Hands the records of a tenant's calls to one of its sinks, each once its call is over, in the order in which they ended.
///
/// What the sink has not taken stays in the tenant's file, over restarts too, and is tried again until the sink does: nothing is passed over, as
/// whoever adds records up must have them all. A sink may get a record twice, where the switch died between its word and ours; `call_id` tells.
final class RecordDelivery: Sendable {
    struct Status: Sendable {
        var tenant: TenantID
        var sink: CDRSink
        /// Attempts that failed since the start.
        var failures: UInt64
        /// Why the last one did; nil: it did not.
        var fault: String?
    }

    private struct State {
        var isOver = false
        var failures: UInt64 = 0
        /// In a row.
        var failed = 0
        /// So many records are handed over at once: fewer while they are refused, as some take no large requests.
        var size = RecordDelivery.most
        var fault: String?
        var toldAt: ContinuousClock.Instant?
    }

    /// Records that are handed over at once.
    private static let most = 100
    /// A sink that has everything is looked after so often, one that takes nothing less and less.
    private static let (pace, longestPause): (TimeInterval, TimeInterval) = (0.5, 60)
    /// A fault that lasts is told again.
    private static let toldAgainAfter: Duration = .seconds(3_600)

    private let tenant: TenantID
    let sink: CDRSink
    private let folder: URL
    private let web: WebClient
    private let log: LogSink
    private let queue: DispatchQueue
    private let database: Mutex<TenantDatabase?> = Mutex(nil)
    private let state = Mutex(State())

    /// Begins at once; `folder` is the switch's folder of data.
    init(_ sink: CDRSink, of tenant: TenantID, folder: URL, web: WebClient, log: LogSink) {
        (self.sink, self.tenant, self.folder, self.web, self.log) = (sink, tenant, folder, web, log)
        queue = DispatchQueue(label: "gudok.cdr.\(tenant).\(sink.name)")
        queue.async { self.attempt() }
    }

    /// What is under way may come to its end; nothing else begins.
    func stop() { state.withLock { $0.isOver = true } }

    var status: Status {
        state.withLock { Status(tenant: tenant, sink: sink, failures: $0.failures, fault: $0.fault) }
    }

    // MARK: the queue

    private func attempt() {
        guard state.withLock({ !$0.isOver }) else { return }
        do {
            let size = state.withLock(\.size)
            guard let batch = try open().undelivered(to: sink.name, limit: size) else { return rest() }
            switch sink.target {
            case .file(let name):
                try RecordFile(tenant: tenant, name: name, in: folder).append(batch.records)
                try settle(batch)
            case .url(let url): try post(batch, to: url)
            }
        } catch { failed(error) }
    }

    private func post(_ batch: SinkBatch, to url: String) throws {
        let body = try Self.encoder.encode(batch.records)
        web.post(Array(body), to: url, within: sink.timeout, on: MultiThreadedEventLoopGroup.singleton.any())
            .whenComplete { result in
                self.queue.async {
                    // Whoever came in its place hands these over once more.
                    guard self.state.withLock({ !$0.isOver }) else { return }
                    do {
                        try result.get()
                        try self.settle(batch)
                    } catch { self.failed(error) }
                }
            }
    }

    private func settle(_ batch: SinkBatch) throws {
        try open().delivered(batch, to: sink.name)
        let isRecovery = state.withLock { state in
            defer { (state.failed, state.fault) = (0, nil) }
            state.size = min(Self.most, state.size * 2)
            return state.fault != nil
        }
        if isRecovery { log.log(.notice, "\(name) takes records again") }
        queue.async { self.attempt() }
    }

    private func failed(_ error: any Error) {
        let (pause, isNews) = state.withLock { state in
            state.failures &+= 1
            // Fewer may be taken: that is tried at once.
            if state.size == 1 { state.failed = min(state.failed + 1, 10) }
            state.size = max(1, state.size / 2)
            let fault = "\(error.inWords)"
            let isNews = state.fault == nil || state.toldAt.map { .now - $0 > Self.toldAgainAfter } ?? true
            if isNews { state.toldAt = .now }
            state.fault = fault
            return (min(Self.longestPause, Self.pace * Double(1 << state.failed)), isNews)
        }
        if isNews {
            log.log(.error, "\(name) takes no records, which wait and are tried again: \(error.inWords)")
        }
        again(after: pause)
    }

    private func rest() { again(after: Self.pace) }

    private func again(after pause: TimeInterval) { queue.asyncAfter(deadline: .now() + pause) { self.attempt() } }

    private func open() throws -> TenantDatabase {
        try database.withLock { known in
            if let known, known.isInPlace { return known }
            let opened = try TenantDatabase(folder: folder, tenant: tenant)
            // Where a damaged file was moved away the new one knows of no sinks.
            try opened.addSink(sink.name)
            known = opened
            return opened
        }
    }

    private var name: String { "tenant \(tenant): the sink \(sink.name) (\(sink.shown))" }

    /// As `gudok cdr --format json` writes them.
    static var encoder: JSONEncoder {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return encoder
    }
}

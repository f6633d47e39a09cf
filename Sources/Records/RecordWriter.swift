import Accounting
public import Events
public import Foundation
import Synchronization
public import Timebase
public import Trace

/// Puts call records and traces on disk, on a thread of its own: the core hands events over and goes on.
///
/// A record is never lost: when the disk fails, what could not be written stays queued and is tried again. A trace may be: beyond a
/// bound the newest are dropped and counted.
public final class RecordWriter: EventSubscriber {
    public struct Settings: Sendable {
        public var durability: RecordDurability = .process
        public var traceDays = 30
        /// Of one tenant, on disk.
        public var traceOctets: Int64 = 1 << 30
        /// Waiting to be written.
        public var queuedTraces = 2_000

        public init() {}
    }

    public struct Status: Sendable {
        public var queued: Int
        public var written: UInt64
        public var droppedTraces: UInt64
        public var failures: UInt64
        /// How long the oldest record that is not on disk has waited.
        public var lag: Duration
    }

    private var assembler = CallRecordAssembler()
    private var collector = TraceCollector()
    private let worker: RecordWorker

    /// `onCommitted` tells, on the writer's thread, which calls' starts are on disk; `onTrouble` what went wrong.
    public init(
        folder: URL,
        settings: Settings = Settings(),
        onCommitted: @escaping @Sendable ([CallID]) -> Void,
        onTrouble: @escaping @Sendable (String) -> Void
    ) {
        worker = RecordWorker(folder: folder, settings: settings, onCommitted: onCommitted, onTrouble: onTrouble)
        worker.start()
    }

    /// On the core's loop.
    public func receive(_ envelope: EventEnvelope) {
        if let trace = collector.apply(envelope) { worker.add(trace) }
        guard let output = assembler.apply(envelope), let tenant = envelope.tenant, let call = envelope.call else {
            return
        }
        switch output {
        case .opened(let record): worker.add(record, of: tenant, opening: call, at: envelope.at.instant)
        case .answered(let record), .closed(let record):
            worker.add(record, of: tenant, opening: nil, at: envelope.at.instant)
        }
    }

    /// The trace so far of a call that lives; on the core's loop.
    public func liveTrace(of call: CallID) -> CallTrace? { collector.trace(of: call) }

    public func status(now: Instant) -> Status { worker.status(now: now) }

    /// Writes what is queued, and ends the thread; waits at most `patience` seconds.
    public func stop(patience: Double = 10) { worker.stop(patience: patience) }
}

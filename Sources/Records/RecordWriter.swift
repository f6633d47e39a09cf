public import Accounting
public import Events
public import Foundation
import Synchronization
public import Timebase
public import Trace

/// Puts the records of calls, queues, agents and recordings, and traces on disk, on a thread of its own: the core hands events over and goes on.
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
        /// Rows that no database will take.
        public var setAside: UInt64
        /// Tenants in whose files the last run's end is not closed yet, as they could not be used since the start.
        public var owing: Int
        /// How long the oldest record that is not on disk has waited.
        public var lag: Duration
    }

    /// Closes what the last run left open in a tenant's file.
    public typealias Recovery = @Sendable (TenantDatabase) throws -> Void

    private var assembler = CallRecordAssembler()
    private var stays = QueueStayAssembler()
    private var ledger = AgentLedger()
    private var ownTalks = OwnTalkAssembler()
    private var collector = TraceCollector()
    private let worker: RecordWorker
    private var lastEvent: Int64

    /// `owed`: what could not be done at the start, and is before anything else is written. `onCommitted` tells, on the writer's thread, which calls' starts are on disk; `onTrouble` what went wrong.
    public init(
        folder: URL,
        settings: Settings = Settings(),
        owed: [TenantID: Recovery] = [:],
        onCommitted: @escaping @Sendable ([CallID]) -> Void,
        feed: EventFeed = EventFeed(),
        onTrouble: @escaping @Sendable (String) -> Void
    ) {
        // A clock that was set back over the restart must not number events below those that followers have.
        lastEvent = feed.horizon(of: nil)
        worker = RecordWorker(
            folder: folder,
            settings: settings,
            owed: owed,
            onCommitted: onCommitted,
            feed: feed,
            onTrouble: onTrouble
        )
        worker.start()
    }

    /// Stays of the last run whose agents may go on with their wrap-ups; before the first event.
    public func restore(_ stays: [QueueStayAssembler.Unsettled], of tenant: TenantID) {
        for stay in stays {
            self.stays.restore(stay, of: tenant)
            ledger.restore(stay, of: tenant)
        }
    }

    /// The agents have been told what they were in the last run: whose wrap-ups do not go on is known. On the core's loop.
    public func settleWrapUps(at instant: Instant) {
        for (tenant, output) in stays.settleUnheard() { worker.add([HistoryRow(output)], of: tenant, at: instant) }
    }

    /// On the core's loop.
    public func receive(_ envelope: EventEnvelope) {
        if let trace = collector.apply(envelope) { worker.add(.whole(trace)) }
        // Messages are of the traces alone, and most of what comes.
        if case .sip = envelope.event { return }
        guard let tenant = envelope.tenant else { return }
        var rows: [HistoryRow] = []
        var isStart = false
        switch assembler.apply(envelope) {
        case .opened(let record):
            rows.append(.call(record))
            isStart = true
        case .answered(let record), .changed(let record), .closed(let record): rows.append(.call(record))
        case nil: break
        }
        rows += stays.apply(envelope).map(HistoryRow.init)
        if let change = ledger.apply(envelope) { rows.append(.agent(change.opened)) }
        for talk in ownTalks.apply(envelope) { rows.append(.ownTalk(talk)) }
        switch envelope.event {
        case .recordingStarted(let start):
            guard let call = envelope.call else { break }
            let started = envelope.at.wall.milliseconds
            rows.append(.recordingStarted(RecordingRow(start, callID: call.value, startedMilliseconds: started)))
        case .recordingPaused(let id): rows.append(.recordingPaused(id: id, at: envelope.at.wall.milliseconds))
        case .recordingResumed(let id): rows.append(.recordingResumed(id: id, at: envelope.at.wall.milliseconds))
        case .recordingJoined(let id, let agent): rows.append(.recordingJoined(id: id, agent: agent))
        case .recordingEnded(let end): rows.append(.recordingEnded(end))
        case .callbackChanged(let change):
            rows.append(.callback(CallbackRow(change, at: envelope.at.wall.milliseconds)))
        default: break
        }
        if JournalEntry.isKept(envelope.event) {
            let entry = journaled(envelope.event, of: tenant, call: envelope.call, at: envelope.at.wall)
            if isStart {
                // The journal has all that is known of the call: it is on record by that, and its row follows with the rest of its story.
                worker.add([entry], of: tenant, opening: envelope.call, at: envelope.at.instant)
            } else {
                rows.append(entry)
            }
        }
        if !rows.isEmpty { worker.add(rows, of: tenant, at: envelope.at.instant) }
    }

    /// What a crash leaves of a call that goes on after its answer, or rings for long, is so old at most.
    private static let longestUnwritten: Duration = .seconds(2)

    /// Puts out what has changed in the records and traces of living calls; on the core's loop, from time to time.
    public func keepUp(at instant: Instant) {
        let records = assembler.unwritten(for: Self.longestUnwritten, at: instant)
        for (tenant, records) in Dictionary(grouping: records, by: \.tenant) {
            worker.add(records.map { .call($0) }, of: TenantID(tenant), at: instant)
        }
        for part in collector.unkept(for: Self.longestUnwritten, at: instant) { worker.add(.part(part)) }
    }

    /// The stream of events tells how what the last run left open ended, as the records do already; before the first event.
    public func tell(_ ends: [CutOff], of tenant: TenantID, at instant: Instant) {
        guard !ends.isEmpty else { return }
        let rows = ends.map { journaled($0.event, of: tenant, call: $0.call.map { CallID($0) }, at: $0.at) }
        worker.add(rows, of: tenant, at: instant)
    }

    private func journaled(_ event: Event, of tenant: TenantID, call: CallID?, at wall: WallTime) -> HistoryRow {
        lastEvent = max(lastEvent &+ 1, wall.milliseconds << 12)
        return .event(JournalDraft(id: lastEvent, event: event, tenant: tenant, call: call, at: wall))
    }

    /// The trace so far of a call that lives; on the core's loop.
    public func liveTrace(of call: CallID) -> CallTrace? { collector.trace(of: call) }

    public func status(now: Instant) -> Status { worker.status(now: now) }

    /// Writes what is queued, and ends the thread; waits at most `patience` seconds.
    public func stop(patience: Double = 10) { worker.stop(patience: patience) }
}

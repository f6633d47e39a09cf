import Accounting
import Events
import GRDB

/// One thing to be written, in the order in which it became true.
enum HistoryRow: Sendable {
    case call(CallRecord)
    case stay(QueueStay)
    case missed(MissedOffer)
    case ownTalk(OwnTalk)
    /// The agent's new state; it closes the one before.
    case agent(AgentInterval)
    case recordingStarted(RecordingRow)
    /// Milliseconds since 1970.
    case recordingPaused(id: String, at: Int64)
    case recordingResumed(id: String, at: Int64)
    case recordingJoined(id: String, agent: String)
    case recordingEnded(RecordingEnded)
    case callback(CallbackRow)
    case event(JournalDraft)

    init(_ output: QueueStayAssembler.Output) {
        switch output {
        case .opened(let stay), .answered(let stay), .closed(let stay): self = .stay(stay)
        case .missed(let offer): self = .missed(offer)
        }
    }

    func write(to database: Database) throws {
        switch self {
        case .call(let record): try CallRow.write(record, to: database)
        case .stay(let stay):
            try database.cachedStatement(sql: StayRow.upsert).execute(arguments: StayRow.arguments(stay))
        case .missed(let offer):
            try database.cachedStatement(sql: StayRow.insertOffer).execute(arguments: StayRow.arguments(offer))
        case .ownTalk(let talk):
            try database.cachedStatement(sql: OwnTalkRow.upsert).execute(arguments: OwnTalkRow.arguments(talk))
        case .agent(let interval): try AgentRow.begin(interval, in: database)
        case .recordingStarted(let recording):
            let statement = try database.cachedStatement(sql: RecordingRow.insert)
            try statement.execute(arguments: [
                recording.id, recording.callID, recording.file, recording.policy, recording.startedMilliseconds,
                recording.queue, try recording.agentsAsJSON(),
            ])
        case .recordingPaused(let id, let at):
            try database.cachedStatement(sql: RecordingRow.pause).execute(arguments: [at, id])
        case .recordingResumed(let id, let at):
            try database.cachedStatement(sql: RecordingRow.resume).execute(arguments: [at, id])
        case .recordingJoined(let id, let agent):
            try database.cachedStatement(sql: RecordingRow.join).execute(arguments: [agent, id])
        case .recordingEnded(let end): try RecordingRow.end(end, in: database)
        case .callback(let callback):
            try database.cachedStatement(sql: CallbackRow.upsert).execute(arguments: callback.arguments)
        case .event(let draft):
            guard let (type, json) = draft.written() else { return }
            try database.write(JournalEntry.insert) { row in
                row.add(draft.id)
                row.add(draft.call?.value)
                row.add(type)
                row.add(utf8: json)
            }
        }
    }

    /// The number of an event; nil for what is none.
    var eventID: Int64? {
        guard case .event(let draft) = self else { return nil }
        return draft.id
    }

    /// What is written again and again, of which the last says it all; nil for what is written once.
    private var subject: String? {
        switch self {
        case .call(let record): "c" + record.callID
        case .stay(let stay): "s\(stay.enteredMilliseconds)" + stay.callID
        case .ownTalk(let talk): "t\(talk.beganMilliseconds) \(talk.agent) \(talk.callID)"
        case .callback(let callback): "b" + callback.callback.id
        case .missed, .agent, .recordingStarted, .recordingPaused, .recordingResumed, .recordingJoined, .recordingEnded,
            .event:
            nil
        }
    }

    /// The rows without those that later ones replace, in their order.
    static func latest(of rows: [HistoryRow]) -> [HistoryRow] {
        var seen: Set<String> = []
        return rows.reversed().filter { row in row.subject.map { seen.insert($0).inserted } ?? true }.reversed()
    }
}

/// What the last run left open: while there is such a thing, the clock in the file is kept, so that a crash has a time.
struct OpenThings {
    private var names: Set<String> = []

    var isEmpty: Bool { names.isEmpty }

    mutating func note(_ row: HistoryRow) {
        switch row {
        case .call(let record): mark("c" + record.callID, record.endedAt == nil)
        case .agent(let interval): mark("a" + interval.agent, interval.state != .loggedOut)
        case .recordingStarted(let recording): mark("r" + recording.id, true)
        case .recordingEnded(let end): mark("r" + end.id, false)
        case .stay, .missed, .ownTalk, .callback, .recordingPaused, .recordingResumed, .recordingJoined, .event: break
        }
    }

    private mutating func mark(_ name: String, _ isOpen: Bool) {
        if isOpen { names.insert(name) } else { names.remove(name) }
    }
}

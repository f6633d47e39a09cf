public import Events
public import Timebase

/// Folds the events of calls into their records. Sans-IO; holds the calls that live, and nothing else.
///
/// Durations come from the monotonic clock. A stamp is the call's start on the wall clock and the monotonic time since: a clock
/// that is set in the middle of a call spoils neither.
public struct CallRecordAssembler: Sendable {
    public enum Output: Equatable, Sendable {
        /// The call began: its row is to be on disk before its final answer goes out.
        case opened(CallRecord)
        /// The caller was answered.
        case answered(CallRecord)
        /// It has a recording: the row names it as soon as the recording has a row of its own. Other changes are had by `unwritten`.
        case changed(CallRecord)
        case closed(CallRecord)
    }

    fileprivate struct Live: Sendable {
        var record: CallRecord
        let started: Moment
        var ringing: Instant?
        /// The first party that the caller reached answered, or its phones stopped ringing, or the plan went on without it.
        var rung: Instant?
        var answered: Instant?
        var hold = HoldClock()
        /// In which queue the caller waits, since when, and for how long he did in queues before.
        var waiting: (queue: String, since: Instant)?
        var waited: Duration = .zero
        /// The part of it that a caller who was answered already spent: he waited, and talked to nobody.
        var waitedAnswered: Duration = .zero
        /// When that one was there: where the switch rang him, the call to the other party begins then.
        var callerCame: Instant?
        /// The leg of whoever began the call: of several phones that the switch rang for him, the one that he answered.
        var caller = 0
        /// The leg that answered the caller's call.
        var peer: Int?
        /// The leg of a queue's agent who has answered and may not have the caller yet.
        var introduced: Int?
        /// What it was before a queue's agent had the caller, for the case that he is gone at once.
        var beforeAnswer: BeforeAnswer?
        /// Since when the record says more than was put out last.
        var unwritten: Instant?

        struct BeforeAnswer: Sendable {
            var waiting: (queue: String, since: Instant)?
            var waited: Duration
            var waitedAnswered: Duration
            var peer: Int?
            var codec: String?
            var user: String?
            var agent: String?
            var queue: String?
            var notRecorded: NotRecorded?
            var hold: HoldClock
        }

        func stamp(_ moment: Moment) -> String { "\(started.wall.advanced(by: moment.instant - started.instant))" }
    }

    private var live: [CallID: Live] = [:]

    public init() {}

    /// Calls that have not ended.
    public var count: Int { live.count }

    public mutating func apply(_ envelope: EventEnvelope) -> Output? {
        guard let id = envelope.call else { return nil }
        if case .callStarted(let start) = envelope.event { return open(start, id, envelope) }
        guard let place = live.index(forKey: id) else { return nil }
        if case .callEnded(let end) = envelope.event {
            var call = live.remove(at: place).value
            call.finish(end, envelope.at)
            return .closed(call.written)
        }
        // In place: a record that is taken out to be changed is copied with all its legs.
        return live.values[place].apply(envelope.event, at: envelope.at)
    }

    /// Records of living calls that have not been put out as they are for so long: after a crash they are what is known of these calls.
    public mutating func unwritten(for age: Duration, at now: Instant) -> [CallRecord] {
        live.values.indices.compactMap { live.values[$0].putOut(unwrittenFor: age, at: now) }
    }

    private mutating func open(_ start: CallStarted, _ id: CallID, _ envelope: EventEnvelope) -> Output {
        let stamp = "\(envelope.at.wall)"
        var record = CallRecord(
            callID: id.value,
            tenant: envelope.tenant?.name ?? "",
            // Of a user's call the first leg over a trunk tells, not what its rule may do.
            direction: start.direction == .inbound ? .inbound : .internal,
            from: start.from,
            to: start.to,
            startedAt: stamp
        )
        record.fromName = start.fromName
        record.trunk = start.trunk
        record.user = start.user
        record.sipCallIDs = [start.sipCallID]
        var caller = LegRecord(
            legID: "\(LegID(call: id, index: 0))",
            target: LegRecord.caller,
            address: start.source,
            startedAt: stamp,
            sipCallID: start.sipCallID
        )
        caller.user = start.user
        caller.trunk = start.trunk
        record.legs = [caller]
        live[id] = Live(record: record, started: envelope.at)
        return .opened(record)
    }
}

extension CallRecordAssembler.Live {
    /// The record as its row has it. A queue may ring agents for hours, and each ringing is a leg: of those that were over without an answer the last
    /// ones are enough, as `missed_offers` has them all.
    fileprivate var written: CallRecord {
        let legs = record.legs
        let vain = legs.indices.filter {
            legs[$0].queue != nil && legs[$0].answeredAt == nil && legs[$0].endedAt != nil
        }
        guard vain.count > CallRecord.mostVainOffers else { return record }
        let dropped = Set(vain.dropLast(CallRecord.mostVainOffers))
        let sipCallIDs = Set(dropped.compactMap { legs[$0].sipCallID })
        var shortened = record
        shortened.legs = legs.indices.filter { !dropped.contains($0) }.map { legs[$0] }
        shortened.sipCallIDs.removeAll(where: sipCallIDs.contains)
        return shortened
    }

    fileprivate mutating func putOut(unwrittenFor age: Duration, at now: Instant) -> CallRecord? {
        guard let since = unwritten, now - since >= age else { return nil }
        unwritten = nil
        return written
    }

    /// What of it is to be written at once.
    fileprivate mutating func apply(_ event: Event, at: Moment) -> CallRecordAssembler.Output? {
        let before = unwritten
        unwritten = before ?? at.instant
        switch event {
        case .callRinging:
            // Whoever rings after a talk (a transfer) is no part of reaching the first.
            if ringing == nil, peer == nil {
                ringing = at.instant
                record.ringingAt = stamp(at)
            }
        case .callAnswered:
            stopRinging(at)
            answered = at.instant
            record.answeredAt = stamp(at)
            unwritten = nil
            return .answered(written)
        case .callHeld(let leg):
            hold.begin(leg, at.instant)
            unwritten = before
        case .callResumed(let leg):
            hold.end(leg, at.instant)
            unwritten = before
        case .legStarted(let leg): add(leg, at)
        case .legReached(let leg, let address):
            if record.legs.indices.contains(leg) { record.legs[leg].address = address }
        case .legAnswered(let leg, let codec): answer(leg, codec, at)
        case .legCodec(let leg, let codec): change(leg, to: codec)
        case .legEnded(let ending): end(ending, at)
        case .legMedia(let leg, let report): media(leg, report)
        case .queueEntered(let entry): enter(entry, at)
        case .queueLeft(let left): leave(left, at)
        case .queueTalkMoved(let move): (record.queue, record.agent) = (move.queue, move.agent)
        case .queueOfferEnded(let end): if end.result != .answered { takeBackAnswer(by: end.agent) }
        case .callbackChanged(let callback): set("callback", callback.id)
        case .variable(let name, let value): set(name, value)
        case .recordingStarted(let recording):
            guard record.recording == nil else { break }
            record.recording = recording.id
            record.notRecorded = nil
            unwritten = nil
            return .changed(written)
        case .recordingEnded(let end):
            guard end.isEmpty, record.recording == end.id else { break }
            (record.recording, record.notRecorded) = (nil, .failed)
            unwritten = nil
            return .changed(written)
        case .notRecorded(let why): if record.recording == nil { record.notRecorded = why }
        case .callStarted, .callEnded, .transferStarted, .transferEnded, .routed, .step, .legProvisional, .digit, .note,
            .sip,
            .queueOffered,
            .queueTalkEnded, .agentChanged, .prompt, .recordingPaused, .recordingResumed, .recordingJoined, .registered,
            .unregistered, .registrationExpired, .trunkUp, .trunkDown, .trunkRegistered,
            .trunkUnregistered, .configurationApplied, .audited, .queuePauseChanged, .pauseExceeded:
            unwritten = before
        }
        return nil
    }

    fileprivate mutating func add(_ leg: LegStarted, _ at: Moment) {
        var made = LegRecord(
            legID: "\(record.callID)/\(leg.leg)",
            target: leg.target,
            address: leg.address,
            startedAt: stamp(at),
            sipCallID: leg.sipCallID
        )
        made.user = leg.user
        made.trunk = leg.trunk
        made.queue = waiting?.queue
        made.transferredBy = leg.transferredBy.map { "\(record.callID)/\($0)" }
        record.legs.append(made)
        if let callID = leg.sipCallID { record.sipCallIDs.append(callID) }
        if leg.leadsOut ?? false { record.direction = .outbound }
        if record.direction == .outbound, record.trunk == nil { record.trunk = leg.trunk }
    }

    fileprivate mutating func answer(_ leg: Int, _ codec: String?, _ at: Moment) {
        guard record.legs.indices.contains(leg) else { return }
        record.legs[leg].answeredAt = stamp(at)
        record.legs[leg].codec = codec
        if leg == 0 || record.legs[leg].target == LegRecord.caller {
            (caller, callerCame) = (leg, at.instant)
            record.codecA = codec
            return
        }
        stopRinging(at)
        // A queue's agent has the caller when the queue lets him go.
        guard waiting == nil else { return introduced = leg }
        peer = leg
        record.codecB = codec
        if record.user == nil { record.user = record.legs[leg].user }
        if record.direction == .outbound, let trunk = record.legs[leg].trunk { record.trunk = trunk }
    }

    private mutating func change(_ leg: Int, to codec: String?) {
        guard record.legs.indices.contains(leg) else { return }
        record.legs[leg].codec = codec
        if leg == caller { record.codecA = codec }
        if leg == peer { record.codecB = codec }
    }

    private mutating func rememberBeforeAnswer() {
        beforeAnswer = CallRecordAssembler.Live.BeforeAnswer(
            waiting: waiting,
            waited: waited,
            waitedAnswered: waitedAnswered,
            peer: peer,
            codec: record.codecB,
            user: record.user,
            agent: record.agent,
            queue: record.queue,
            notRecorded: record.notRecorded,
            hold: hold
        )
    }

    /// A queue's agent who had answered, and is gone or whose caller is before they spoke, never had him: he has waited all the time.
    fileprivate mutating func takeBackAnswer(by agent: String) {
        guard let before = beforeAnswer, waiting == nil, record.agent == agent else { return }
        beforeAnswer = nil
        (waiting, waited, waitedAnswered) = (before.waiting, before.waited, before.waitedAnswered)
        (peer, record.codecB) = (before.peer, before.codec)
        (record.user, record.agent, record.queue) = (before.user, before.agent, before.queue)
        (record.notRecorded, hold) = (before.notRecorded, before.hold)
    }

    fileprivate mutating func end(_ end: LegEnded, _ at: Moment) {
        guard record.legs.indices.contains(end.leg) else { return }
        record.legs[end.leg].endedAt = stamp(at)
        // The last of the phones that rang.
        if end.leg != caller, record.legs.indices.allSatisfy({ $0 == caller || record.legs[$0].endedAt != nil }) {
            stopRinging(at)
        }
        record.legs[end.leg].sipCode = end.sipCode
        record.legs[end.leg].result = end.result
        record.legs[end.leg].reason = end.reason
    }

    fileprivate mutating func media(_ leg: Int, _ report: MediaReport) {
        guard record.legs.indices.contains(leg) else { return }
        record.legs[leg].media = report
    }

    private mutating func stopRinging(_ at: Moment) {
        if ringing != nil, rung == nil { rung = at.instant }
    }

    fileprivate mutating func enter(_ entry: QueueEntered, _ at: Moment) {
        stopRinging(at)
        stopWaiting(at)
        waiting = (entry.queue, at.instant)
        // The queue whose agent took the call stays, whatever queues it sees after that.
        if record.agent == nil { record.queue = entry.queue }
    }

    fileprivate mutating func leave(_ left: QueueLeft, _ at: Moment) {
        if left.outcome == .answered { rememberBeforeAnswer() }
        stopWaiting(at)
        guard left.outcome == .answered || left.outcome == .calledBack, let agent = left.agent else { return }
        if let introduced { (peer, record.codecB) = (introduced, record.legs[introduced].codec) }
        introduced = nil
        (record.queue, record.agent) = (left.queue, agent)
        // Whoever calls a caller back made that call; of another, the first user who had the caller is its user.
        if left.outcome == .calledBack || record.user == nil { record.user = agent }
    }

    private mutating func stopWaiting(_ at: Moment) {
        if let waiting {
            waited += at.instant - waiting.since
            if let answered { waitedAnswered += at.instant - max(answered, waiting.since) }
        }
        waiting = nil
    }

    fileprivate mutating func set(_ name: String, _ value: String) {
        let isKnown = record.variables[name] != nil
        if isKnown || record.variables.count < CallRecord.mostVariables { record.variables[name] = value }
    }

    fileprivate mutating func finish(_ end: CallEnded, _ at: Moment) {
        stopWaiting(at)
        record.endedAt = stamp(at)
        // The switch itself may have answered before anybody's phone rang.
        record.setup = [ringing, answered].compactMap { $0 }.min().map { sign in
            seconds(sign - (callerCame.flatMap { $0 < sign ? $0 : nil } ?? started.instant))
        }
        record.ring = ringing.map { seconds((rung ?? at.instant) - $0) }
        record.queueWait = seconds(waited)
        let talk = answered.map { at.instant - $0 - waitedAnswered } ?? .zero
        record.talk = seconds(end.disposition.isTalk ? talk : .zero)
        record.hold = seconds(end.disposition.isTalk ? hold.total(at: at.instant) : .zero)
        record.duration = seconds(at.instant - started.instant)
        record.disposition = end.disposition
        record.hangupBy = end.hangupBy
        record.sipCode = end.sipCode
        record.q850Cause = end.q850Cause
        record.reason = end.reason
        if answered != nil, record.recording == nil, record.notRecorded == nil { record.notRecorded = .noTalk }
        if let media = record.legs[caller].media {
            record.mosA = media.received.mos.map(rounded)
            record.packetsLostA = media.received.lost
            record.jitterA = media.received.jitterMilliseconds.map(rounded)
        }
        if let peer, let media = record.legs[peer].media {
            record.mosB = media.received.mos.map(rounded)
            record.packetsLostB = media.received.lost
            record.jitterB = media.received.jitterMilliseconds.map(rounded)
        }
    }

    /// Whole milliseconds.
    private func seconds(_ duration: Duration) -> Double {
        Double(duration.wholeMilliseconds) / 1000
    }

    private func rounded(_ value: Double) -> Double { (value * 1000).rounded() / 1000 }
}

import Events
import Foundation
import Testing
import Timebase

@testable import Accounting

@Suite struct HistoryTests {
    private static let wall = WallTime(milliseconds: 1_800_000_000_000)

    /// So many seconds into the story; the wall clock may have been set meanwhile.
    private static func at(_ seconds: Double, step: Int64 = 0) -> Moment {
        let passed = Duration.milliseconds(Int64(seconds * 1000))
        return Moment(
            instant: Instant(nanoseconds: 7_000_000_000) + passed,
            wall: WallTime(milliseconds: wall.advanced(by: passed).milliseconds + step)
        )
    }

    private static func envelope(_ event: Event, _ moment: Moment, call: CallID? = "CALL") -> EventEnvelope {
        EventEnvelope(sequence: 1, node: "n", at: moment, tenant: "demo", call: call, event: event)
    }

    private static func start() -> Event {
        .callStarted(
            CallStarted(
                direction: .inbound,
                from: "+7495",
                fromName: nil,
                to: "600",
                trunk: "carrier",
                user: nil,
                source: "s",
                sipCallID: "a"
            )
        )
    }

    private static func end(_ disposition: Disposition, by party: Party = .caller) -> Event {
        .callEnded(
            CallEnded(disposition: disposition, hangupBy: party, sipCode: 200, q850Cause: 16, reason: "normal")
        )
    }

    private static func enter(_ queue: String, carried: Int64 = 0) -> Event {
        .queueEntered(
            QueueEntered(queue: queue, number: "+7495", priority: 2, position: 3, carriedMilliseconds: carried)
        )
    }

    private static func left(_ queue: String, _ outcome: QueueOutcome, agent: String? = nil) -> Event {
        .queueLeft(QueueLeft(queue: queue, outcome: outcome, waitMilliseconds: 0, agent: agent, offers: 2))
    }

    private static func agent(
        _ state: AgentState,
        queue: String? = nil,
        reason: String? = nil,
        granted: Int64? = nil
    ) -> Event {
        .agentChanged(
            AgentChanged(
                agent: "1001",
                state: state,
                reason: reason,
                queue: queue,
                device: "1001",
                grantedMilliseconds: granted
            )
        )
    }

    private static func offerEnded(_ result: OfferResult, agent: String, _ milliseconds: Int64) -> Event {
        .queueOfferEnded(
            QueueOfferEnded(queue: "sales", agent: agent, result: result, rangMilliseconds: milliseconds)
        )
    }

    /// Ten seconds of waiting, thirty of talk with five of hold, seven of wrap-up.
    private static func answered(step: Int64 = 0) -> [EventEnvelope] {
        [
            envelope(start(), at(0)), envelope(enter("sales", carried: 4_000), at(2)),
            envelope(offerEnded(.noAnswer, agent: "1002", 5_000), at(8)),
            envelope(agent(.ringing, queue: "sales"), at(9)),
            envelope(offerEnded(.answered, agent: "1001", 3_000), at(12)),
            envelope(agent(.onCall, queue: "sales"), at(12)),
            envelope(left("sales", .answered, agent: "1001"), at(12)),
            envelope(.callHeld(leg: 1), at(20, step: step)), envelope(.callResumed(leg: 1), at(25, step: step)),
            envelope(agent(.wrapUp, queue: "sales"), at(42, step: step), call: nil),
            envelope(end(.answered), at(42, step: step)),
            envelope(agent(.available), at(49, step: step), call: nil),
        ]
    }

    private func fold(_ envelopes: [EventEnvelope]) -> [QueueStayAssembler.Output] {
        var assembler = QueueStayAssembler()
        let outputs = envelopes.flatMap { assembler.apply($0) }
        #expect(assembler.count == 0)
        return outputs
    }

    @Test(arguments: [(5_000, 2_000), (7_000, 0), (30_000, 0)] as [(Int64, Int64)])
    func `what a wrap-up has beyond the queue's grant was extended`(granted: Int64, extended: Int64) throws {
        var story = Self.answered()
        story[9].event = Self.agent(.wrapUp, queue: "sales", granted: granted)
        let stay = try #require(last(fold(story)))
        #expect(stay.wrapUpMilliseconds == 7_000 && stay.extendedMilliseconds == extended)
    }

    @Test func `a call of the agent's own in the middle of a wrap-up extends nothing`() throws {
        var story = Self.answered()
        story[9].event = Self.agent(.wrapUp, queue: "sales", granted: 5_000)
        story.insert(Self.envelope(Self.agent(.onCall), Self.at(43), call: "OWN"), at: 11)
        let rest = Self.agent(.wrapUp, queue: "sales", granted: 5_000)
        story.insert(Self.envelope(rest, Self.at(46), call: nil), at: 12)
        let stay = try #require(last(fold(story)))
        #expect(stay.wrapUpMilliseconds == 4_000 && stay.extendedMilliseconds == 0)
    }

    private func last(_ outputs: [QueueStayAssembler.Output]) -> QueueStay? {
        for case .closed(let stay) in outputs.reversed() { return stay }
        return nil
    }

    @Test(arguments: [0, 3_600_000, -3_600_000])
    func `a stay has its wait, ring, talk, hold and wrap-up, whatever the wall clock does`(step: Int64) throws {
        let outputs = fold(Self.answered(step: step))
        guard case .opened(let first) = outputs.first else { throw CancellationError() }
        #expect(
            first.outcome == nil && first.priority == 2 && first.position == 3 && first.carriedMilliseconds == 4_000
        )
        let missed = outputs.compactMap { if case .missed(let offer) = $0 { offer } else { nil } }
        #expect(missed.map(\.agent) == ["1002"] && missed.first?.rangMilliseconds == 5_000)
        #expect(missed.first?.atMilliseconds == Self.at(8).wall.milliseconds)
        let stay = try #require(last(outputs))
        #expect(stay.waitMilliseconds == 10_000 && stay.totalWaitMilliseconds == 14_000)
        #expect(stay.outcome == .answered && stay.agent == "1001" && stay.offers == 2 && stay.ringMilliseconds == 3_000)
        #expect(stay.talkMilliseconds == 30_000 && stay.holdMilliseconds == 5_000 && stay.wrapUpMilliseconds == 7_000)
        #expect(stay.enteredMilliseconds == Self.at(2).wall.milliseconds)
        #expect(stay.connectedMilliseconds == Self.at(12).wall.milliseconds)
        #expect(stay.endedMilliseconds == Self.at(42).wall.milliseconds && stay.callerHungUp == true)
    }

    @Test func `an answer that was none leaves one stay with its whole wait, and a miss of the agent`() throws {
        var events = Array(Self.answered().prefix(7))
        events += [
            Self.envelope(Self.offerEnded(.dropped, agent: "1001", 400), Self.at(12.4)),
            Self.envelope(Self.agent(.available), Self.at(12.4), call: nil),
            Self.envelope(Self.left("sales", .abandoned), Self.at(20)),
            Self.envelope(Self.end(.abandoned), Self.at(20)),
        ]
        let outputs = fold(events)
        let stays = Set(
            outputs.compactMap { output -> Int64? in
                switch output {
                case .opened(let stay), .answered(let stay), .closed(let stay): stay.enteredMilliseconds
                case .missed: nil
                }
            }
        )
        let stay = try #require(last(outputs))
        #expect(stays.count == 1 && stay.outcome == .abandoned && stay.waitMilliseconds == 18_000)
        #expect(stay.agent == nil && stay.connectedMilliseconds == nil && stay.talkMilliseconds == nil)
        #expect(stay.ringMilliseconds == nil && stay.callerHungUp == true)
        let missed = outputs.compactMap { if case .missed(let offer) = $0 { offer.result } else { nil } }
        #expect(missed == [.noAnswer, .dropped])
    }

    @Test(arguments: [AgentState.onCall, .blocked])
    func `a call of his own, or a block, interrupts the wrap-up and is none of it`(state: AgentState) throws {
        let own: [EventEnvelope] = [
            Self.envelope(Self.agent(state), Self.at(45), call: state == .onCall ? "OWN" : nil),
            Self.envelope(Self.agent(.wrapUp, queue: "sales"), Self.at(60), call: nil),
            Self.envelope(Self.agent(.available), Self.at(64), call: nil),
        ]
        let stay = try #require(last(fold(Array(Self.answered().dropLast()) + own)))
        // Three seconds before it, four after.
        #expect(stay.wrapUpMilliseconds == 7_000)
    }

    @Test func `who hangs up after the talk was handed on says nothing of it`() throws {
        let events = [
            Self.envelope(.queueTalkEnded(queue: "sales", agent: "1001"), Self.at(22)),
            Self.envelope(Self.agent(.available), Self.at(22), call: nil),
            Self.envelope(Self.end(.answered), Self.at(90)),
        ]
        let stay = try #require(last(fold(Array(Self.answered().prefix(7)) + events)))
        #expect(stay.talkMilliseconds == 10_000 && stay.callerHungUp == false && stay.wrapUpMilliseconds == 0)
    }

    @Test(arguments: [Party.caller, .callee])
    func `whose hang-up ended the talk with the call is told, though the queue's word of its end comes first`(
        party: Party
    ) throws {
        let events = [
            Self.envelope(.queueTalkEnded(queue: "sales", agent: "1001"), Self.at(22)),
            Self.envelope(Self.agent(.available), Self.at(22), call: nil),
            Self.envelope(Self.end(.answered, by: party), Self.at(22)),
        ]
        let stay = try #require(last(fold(Array(Self.answered().prefix(7)) + events)))
        #expect(stay.callerHungUp == (party == .caller))
    }

    @Test func `who hangs up in the next queue at once hung up there, and not on the agent who handed him on`() throws {
        let outputs = fold(
            Array(Self.answered().prefix(7)) + [
                Self.envelope(.queueTalkEnded(queue: "sales", agent: "1001"), Self.at(22)),
                Self.envelope(Self.agent(.available), Self.at(22), call: nil),
                Self.envelope(Self.enter("support"), Self.at(22)),
                Self.envelope(Self.left("support", .abandoned), Self.at(22)),
                Self.envelope(Self.end(.answered), Self.at(22)),
            ]
        )
        var latest: [String: QueueStay] = [:]
        for case .closed(let stay) in outputs { latest[stay.queue] = stay }
        #expect(latest["sales"]?.callerHungUp == false && latest["support"]?.callerHungUp == true)
    }

    @Test
    func `a talk that goes on in another call with the party is one stay, beside that of the one who hands it on`()
        throws
    {
        func support(_ seconds: Double, _ state: AgentState) -> EventEnvelope {
            let change = AgentChanged(agent: "1003", state: state, reason: nil, queue: "support", device: "1003")
            return Self.envelope(.agentChanged(change), Self.at(seconds), call: nil)
        }
        let moved = QueueTalkMoved(queue: "support", agent: "1003", from: "ASKED", number: "+7495")
        let outputs = fold(
            Array(Self.answered().prefix(7)) + [
                Self.envelope(Self.start(), Self.at(14), call: "ASKED"),
                Self.envelope(Self.enter("support"), Self.at(14), call: "ASKED"),
                support(16, .onCall),
                Self.envelope(Self.left("support", .answered, agent: "1003"), Self.at(16), call: "ASKED"),
                Self.envelope(.queueTalkMoved(moved), Self.at(20)),
                Self.envelope(Self.end(.answered), Self.at(20), call: "ASKED"),
                Self.envelope(.queueTalkEnded(queue: "sales", agent: "1001"), Self.at(21)),
                Self.envelope(Self.agent(.available), Self.at(21), call: nil),
                Self.envelope(.callHeld(leg: 0), Self.at(30)), Self.envelope(.callResumed(leg: 0), Self.at(32)),
                Self.envelope(.queueTalkEnded(queue: "support", agent: "1003"), Self.at(40)),
                support(40, .wrapUp), Self.envelope(Self.end(.answered), Self.at(40)), support(45, .available),
            ]
        )
        var latest: [String: QueueStay] = [:]
        for case .closed(let stay) in outputs { latest[stay.queue] = stay }
        let (sales, asked) = (try #require(latest["sales"]), try #require(latest["support"]))
        #expect(sales.talkMilliseconds == 9_000 && sales.callerHungUp == false && sales.holdMilliseconds == 0)
        #expect(asked.callID == "ASKED" && asked.talkMilliseconds == 24_000 && asked.holdMilliseconds == 2_000)
        #expect(asked.callerHungUp == true && asked.wrapUpMilliseconds == 5_000)
    }

    @Test(arguments: [true, false])
    func `the talk of a call-back begins when who is called answers: ringing and busy tone are none`(
        isReached: Bool
    ) throws {
        let reached = [Self.envelope(.callAnswered, Self.at(9)), Self.envelope(.callHeld(leg: 1), Self.at(12))]
        let stay = try #require(
            last(
                fold(
                    [
                        Self.envelope(Self.start(), Self.at(0)), Self.envelope(Self.enter("sales"), Self.at(5)),
                        Self.envelope(Self.agent(.onCall, queue: "sales"), Self.at(5)),
                        Self.envelope(Self.left("sales", .calledBack, agent: "1001"), Self.at(5)),
                    ] + (isReached ? reached : []) + [
                        Self.envelope(Self.agent(.wrapUp, queue: "sales"), Self.at(14), call: nil),
                        Self.envelope(Self.end(isReached ? .answered : .busy), Self.at(14)),
                        Self.envelope(Self.agent(.available), Self.at(16), call: nil),
                    ]
                )
            )
        )
        #expect(stay.talkMilliseconds == (isReached ? 5_000 : 0) && stay.holdMilliseconds == (isReached ? 2_000 : 0))
        #expect(stay.connectedMilliseconds == Self.at(5).wall.milliseconds && stay.wrapUpMilliseconds == 2_000)
        #expect(stay.endedMilliseconds == Self.at(14).wall.milliseconds)
    }

    @Test func `an abandoned stay, and two stays that begin at once`() throws {
        let outputs = fold([
            Self.envelope(Self.start(), Self.at(0)), Self.envelope(Self.enter("a"), Self.at(1)),
            Self.envelope(Self.left("a", .full), Self.at(1)), Self.envelope(Self.enter("b"), Self.at(1)),
            Self.envelope(Self.left("b", .abandoned), Self.at(4)), Self.envelope(Self.end(.abandoned), Self.at(4)),
        ])
        var latest: [Int64: QueueStay] = [:]
        for case .closed(let stay) in outputs { latest[stay.enteredMilliseconds] = stay }
        #expect(latest.count == 2)
        let abandoned = try #require(latest.values.first { $0.queue == "b" })
        #expect(
            abandoned.outcome == .abandoned && abandoned.waitMilliseconds == 3_000 && abandoned.callerHungUp == true
        )
        #expect(latest.values.first { $0.queue == "a" }?.outcome == .full)
    }

    @Test func `a call that ends without a word from the queue closes its stay`() throws {
        let stay = try #require(
            last(
                fold([
                    Self.envelope(Self.start(), Self.at(0)), Self.envelope(Self.enter("a"), Self.at(1)),
                    Self.envelope(Self.end(.failed, by: .switch), Self.at(3)),
                ])
            )
        )
        #expect(stay.outcome == .closed && stay.endedMilliseconds == Self.at(3).wall.milliseconds)
    }

    @Test func `the call record names the queue, the agent, the wait, the recording and the variables`() throws {
        var assembler = CallRecordAssembler()
        var record: CallRecord?
        let leg = LegStarted(leg: 1, target: "user 1001", user: "1001", trunk: nil, address: "x", sipCallID: "c")
        let more: [EventEnvelope] = [
            Self.envelope(Self.start(), Self.at(0)), Self.envelope(Self.enter("first"), Self.at(1)),
            Self.envelope(Self.left("first", .timeout), Self.at(4)),
            Self.envelope(.variable(name: "city", value: "\"Уфа\""), Self.at(4)),
            Self.envelope(Self.enter("sales"), Self.at(5)), Self.envelope(.legStarted(leg), Self.at(6)),
            Self.envelope(Self.left("sales", .answered, agent: "1001"), Self.at(8)),
            Self.envelope(
                .recordingStarted(RecordingStarted(id: "R1", file: "f", policy: "queue sales")),
                Self.at(8)
            ),
            Self.envelope(.recordingStarted(RecordingStarted(id: "R2", file: "g", policy: "plan")), Self.at(9)),
            Self.envelope(Self.end(.answered), Self.at(20)),
        ]
        for envelope in more {
            switch assembler.apply(envelope) {
            case .changed(let changed): #expect(changed.recording == "R1")
            case .closed(let closed): record = closed
            default: break
            }
        }
        let closed = try #require(record)
        #expect(closed.queue == "sales" && closed.agent == "1001" && closed.queueWait == 6 && closed.recording == "R1")
        #expect(closed.variables == ["city": "\"Уфа\""] && closed.legs.last?.queue == "sales")
        #expect(closed.variables.json == Array("{\"city\":\"\\\"Уфа\\\"\"}".utf8))
    }

    @Test(arguments: [0, 3_600_000, -3_600_000])
    func `an agent's intervals tile time through a shift in which the clock is set, and into the next`(step: Int64) {
        let changes: [(Event, Moment)] = [
            (Self.agent(.loggedOut), Self.at(0)), (Self.agent(.available), Self.at(10)),
            (Self.agent(.available), Self.at(11)), (Self.agent(.paused, reason: "lunch"), Self.at(20, step: step)),
            (Self.agent(.paused, reason: "training"), Self.at(30, step: step)),
            (Self.agent(.loggedOut), Self.at(40, step: step)), (Self.agent(.available), Self.at(5_000, step: step)),
            (Self.agent(.onCall, queue: "q"), Self.at(5_000, step: step)),
            (Self.agent(.wrapUp, queue: "q"), Self.at(5_030, step: step)),
        ]
        var ledger = AgentLedger()
        var intervals: [AgentInterval] = []
        var open: AgentInterval?
        for (event, moment) in changes {
            guard let change = ledger.apply(Self.envelope(event, moment)) else { continue }
            if let closed = change.closed {
                intervals.append(closed)
                #expect(closed.untilMilliseconds == change.opened.sinceMilliseconds)
            }
            open = change.opened
        }
        for (one, next) in zip(intervals, intervals.dropFirst()) {
            #expect(one.untilMilliseconds == next.sinceMilliseconds)
        }
        #expect(intervals.map(\.state) == [.available, .paused, .paused, .loggedOut, .onCall])
        #expect(intervals.map(\.reason) == [nil, "lunch", "training", nil, nil])
        let lengths = intervals.map { ($0.untilMilliseconds ?? 0) - $0.sinceMilliseconds }
        #expect(lengths == [10_000, 10_000, 10_000, 4_960_000 + step, 30_000])
        #expect(open?.state == .wrapUp && open?.callID == "CALL")
    }

    @Test func `the rest of a wrap-up that goes on after a restart is of the call that was talked in`() {
        var stay = QueueStay(callID: "ASKED", queue: "sales", number: "+7495", enteredMilliseconds: 0)
        stay.agent = "1001"
        var ledger = AgentLedger()
        let left = QueueStayAssembler.Unsettled(stay: stay, wrapUpMilliseconds: 500, talkedIn: "CALL")
        ledger.restore(left, of: "demo")
        let goesOn = ledger.apply(Self.envelope(Self.agent(.wrapUp, queue: "sales"), Self.at(0), call: nil))
        #expect(goesOn?.opened.callID == "CALL" && goesOn?.opened.queue == "sales")
        let other = ledger.apply(Self.envelope(Self.agent(.wrapUp, queue: "support"), Self.at(1), call: nil))
        #expect(other?.opened.callID == nil)
    }

    @Test func `a wrap-up that does not go on after a restart was as long as the ledger has it`() {
        func left(_ agent: String) -> QueueStayAssembler.Unsettled {
            var stay = QueueStay(callID: agent, queue: "sales", number: "+7495", enteredMilliseconds: 0)
            stay.agent = agent
            return QueueStayAssembler.Unsettled(stay: stay, wrapUpMilliseconds: 500, talkedIn: agent)
        }
        var stays = QueueStayAssembler()
        for agent in ["1001", "1002"] { stays.restore(left(agent), of: "demo") }
        #expect(stays.apply(Self.envelope(Self.agent(.wrapUp, queue: "sales"), Self.at(0), call: nil)) == [])
        // The other is no user any more.
        var settled = left("1002").stay
        (settled.wrapUpMilliseconds, settled.extendedMilliseconds) = (500, 0)
        #expect(stays.settleUnheard().map(\.output) == [.closed(settled)])
        #expect(stays.settleUnheard().isEmpty && stays.count == 1)
        let after = stays.apply(Self.envelope(Self.agent(.available), Self.at(2), call: nil))
        var whole = left("1001").stay
        (whole.wrapUpMilliseconds, whole.extendedMilliseconds) = (2_500, 0)
        #expect(after == [.closed(whole)])
    }
}

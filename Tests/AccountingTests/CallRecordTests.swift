import Events
import Foundation
import Testing
import Timebase

@testable import Accounting

@Suite struct CallRecordTests {
    private static let wall = WallTime(milliseconds: 1_800_000_000_000)

    /// A moment so many seconds into the call; the wall clock may have been set meanwhile.
    private static func at(_ seconds: Double, clockStep: Int64 = 0) -> Moment {
        let passed = Duration.milliseconds(Int64(seconds * 1000))
        return Moment(
            instant: Instant(nanoseconds: 5_000_000_000) + passed,
            wall: WallTime(milliseconds: wall.advanced(by: passed).milliseconds + clockStep)
        )
    }

    private static let start = CallStarted(
        direction: .inbound,
        from: "+7495",
        fromName: "Ann \"A\"",
        to: "700",
        trunk: "carrier",
        user: nil,
        source: "udp:127.0.0.1:5080",
        sipCallID: "a@b"
    )

    /// Folds a call's events; what came out.
    private func fold(_ events: [(Moment, Event)]) -> [CallRecordAssembler.Output] {
        var assembler = CallRecordAssembler()
        var outputs: [CallRecordAssembler.Output] = []
        for (index, (moment, event)) in events.enumerated() {
            let envelope = EventEnvelope(
                sequence: UInt64(index),
                node: "n",
                at: moment,
                tenant: "demo",
                call: "CALL",
                event: event
            )
            if let output = assembler.apply(envelope) { outputs.append(output) }
        }
        #expect(assembler.count == 0)
        return outputs
    }

    private func closed(_ outputs: [CallRecordAssembler.Output]) -> CallRecord? {
        if case .closed(let record) = outputs.last { record } else { nil }
    }

    private static let answeredCall: [(Moment, Event)] = [
        (at(0), .callStarted(start)),
        (
            at(0.01),
            .legStarted(
                LegStarted(leg: 1, target: "user 1001", user: "1001", trunk: nil, address: "x", sipCallID: "c@d")
            )
        ),
        (at(0.5), .callRinging), (at(3), .legAnswered(leg: 1, codec: "PCMA")),
        (at(3), .legAnswered(leg: 0, codec: "PCMA")),
        (at(3), .callAnswered), (at(5), .callHeld(leg: 0)), (at(6), .callHeld(leg: 1)), (at(8), .callResumed(leg: 0)),
        (at(9), .callResumed(leg: 1)),
    ]

    private static func end(_ moment: Moment, _ disposition: Disposition = .answered) -> (Moment, Event) {
        (
            moment,
            .callEnded(
                CallEnded(disposition: disposition, hangupBy: .callee, sipCode: 200, q850Cause: 16, reason: "normal")
            )
        )
    }

    @Test func `durations of an answered call with holds that overlap`() throws {
        let outputs = fold(Self.answeredCall + [Self.end(Self.at(13))])
        #expect(outputs.count == 3)
        let record = try #require(closed(outputs))
        #expect(
            record.setup == 0.5 && record.ring == 2.5 && record.talk == 10 && record.hold == 4 && record.duration == 13
        )
        #expect(record.user == "1001" && record.codecB == "PCMA" && record.legs.count == 2)
        #expect(record.answeredAt == "\(Self.at(3).wall)" && record.endedAt == "\(Self.at(13).wall)")
    }

    @Test(arguments: [3_600_000, -3_600_000])
    func `a clock that is set by an hour in the call spoils neither durations nor stamps`(step: Int64) throws {
        let record = try #require(closed(fold(Self.answeredCall + [Self.end(Self.at(13, clockStep: step))])))
        #expect(record.duration == 13 && record.talk == 10)
        #expect(record.endedAt == "\(Self.at(13).wall)")
    }

    @Test func `who waits in a queue does not talk, and who waited before he was answered did not either`() throws {
        func entered(_ time: Double) -> (Moment, Event) {
            let entry = QueueEntered(queue: "q", number: "1", priority: 0, position: 1, carriedMilliseconds: 0)
            return (Self.at(time), .queueEntered(entry))
        }
        func left(_ time: Double) -> (Moment, Event) {
            let left = QueueLeft(queue: "q", outcome: .timeout, waitMilliseconds: 0, agent: nil, offers: 0)
            return (Self.at(time), .queueLeft(left))
        }
        let served = Self.answeredCall.prefix(6) + [entered(4), left(9), Self.end(Self.at(13))]
        let record = try #require(closed(fold(Array(served))))
        #expect(record.talk == 5 && record.queueWait == 5 && record.duration == 13)
        let early = [Self.answeredCall[0], entered(1)] + Self.answeredCall[1..<6] + [left(9), Self.end(Self.at(13))]
        let other = try #require(closed(fold(early)))
        #expect(other.talk == 4 && other.queueWait == 8)
    }

    @Test(arguments: [nil, "1001"] as [String?])
    func `a queue's agent is the call's user once he has the caller, and not when he hung up before`(
        agent: String?
    ) throws {
        let entry = QueueEntered(queue: "q", number: "1", priority: 0, position: 1, carriedMilliseconds: 0)
        let left = QueueLeft(
            queue: "q",
            outcome: agent == nil ? .timeout : .answered,
            waitMilliseconds: 0,
            agent: agent,
            offers: 1
        )
        let events: [(Moment, Event)] = [
            Self.answeredCall[0], (Self.at(0.005), .queueEntered(entry)), Self.answeredCall[1],
            (Self.at(0.2), .callAnswered), (Self.at(2), .legAnswered(leg: 1, codec: "PCMA")),
            (Self.at(3), .queueLeft(left)), Self.end(Self.at(13)),
        ]
        let record = try #require(closed(fold(events)))
        #expect(record.user == agent && record.agent == agent)
    }

    @Test func `an agent who is gone at once never had the caller, who has waited all the time`() throws {
        let entry = QueueEntered(queue: "q", number: "1", priority: 0, position: 1, carriedMilliseconds: 0)
        let answered = QueueLeft(queue: "q", outcome: .answered, waitMilliseconds: 0, agent: "1001", offers: 1)
        let dropped = QueueOfferEnded(queue: "q", agent: "1001", result: .dropped, rangMilliseconds: 300)
        let events: [(Moment, Event)] = [
            Self.answeredCall[0], (Self.at(0.2), .callAnswered), (Self.at(1), .queueEntered(entry)),
            Self.answeredCall[1], (Self.at(5), .legAnswered(leg: 1, codec: "PCMA")), (Self.at(5), .queueLeft(answered)),
            (Self.at(5.1), .callHeld(leg: 1)), (Self.at(5.1), .notRecorded(.noPolicy)),
            (Self.at(5.2), .callResumed(leg: 1)),
            (Self.at(5.3), .queueOfferEnded(dropped)),
        ]
        let gaveUp = QueueLeft(queue: "q", outcome: .abandoned, waitMilliseconds: 0, agent: nil, offers: 1)
        let lost = try #require(
            closed(fold(events + [(Self.at(9), .queueLeft(gaveUp)), Self.end(Self.at(9), .abandoned)]))
        )
        #expect(lost.user == nil && lost.agent == nil && lost.queue == "q" && lost.codecB == nil)
        #expect(lost.talk == 0 && lost.queueWait == 8 && lost.hold == 0 && lost.notRecorded == .noTalk)
        var next = answered
        next.agent = "1002"
        let served = try #require(closed(fold(events + [(Self.at(9), .queueLeft(next)), Self.end(Self.at(19))])))
        #expect(served.user == "1002" && served.agent == "1002" && served.queueWait == 8)
    }

    @Test func `what rings behind a menu rings until it is answered, what rings in a transfer does not count`() throws {
        let menu: [(Moment, Event)] = [
            Self.answeredCall[0], Self.answeredCall[1], (Self.at(0.2), .callAnswered), (Self.at(4), .callRinging),
            (Self.at(6), .legAnswered(leg: 1, codec: "PCMA")),
        ]
        let record = try #require(closed(fold(menu + [Self.end(Self.at(13))])))
        #expect(record.setup == 0.2 && record.ring == 2 && record.ringingAt == "\(Self.at(4).wall)")
        let refused: [(Moment, Event)] = [
            Self.answeredCall[0], Self.answeredCall[1], (Self.at(0.2), .callAnswered), (Self.at(4), .callRinging),
            (Self.at(6.5), .legEnded(LegEnded(leg: 1, result: .busy, sipCode: 486, reason: "Busy Here"))),
        ]
        #expect(try #require(closed(fold(refused + [Self.end(Self.at(13))]))).ring == 2.5)
        let transferred: [(Moment, Event)] = [
            Self.answeredCall[0], Self.answeredCall[1], (Self.at(1), .callAnswered),
            (Self.at(2), .legAnswered(leg: 1, codec: "PCMA")), (Self.at(5), .callRinging),
        ]
        let other = try #require(closed(fold(transferred + [Self.end(Self.at(13))])))
        #expect(other.setup == 1 && other.ring == nil && other.ringingAt == nil)
    }

    @Test func `the first party's phone rings no longer when the plan goes on to a queue, a menu or somebody else`()
        throws
    {
        let missed: [(Moment, Event)] = [
            Self.answeredCall[0], Self.answeredCall[1], (Self.at(2), .callRinging),
            (Self.at(20), .legEnded(LegEnded(leg: 1, result: .noAnswer, sipCode: 408, reason: "no-answer"))),
        ]
        func reached(_ leg: Int, _ time: Double) -> [(Moment, Event)] {
            let who = LegStarted(
                leg: leg,
                target: "user 1002",
                user: "1002",
                trunk: nil,
                address: "",
                sipCallID: "l\(leg)"
            )
            return [(Self.at(time - 5), .legStarted(who)), (Self.at(time), .legAnswered(leg: leg, codec: "PCMA"))]
        }
        let queue = QueueEntered(queue: "q", number: "1", priority: 0, position: 1, carriedMilliseconds: 0)
        let queued = missed + [(Self.at(20), .callAnswered), (Self.at(20), .queueEntered(queue))] + reached(2, 320)
        #expect(try #require(closed(fold(queued + [Self.end(Self.at(330))]))).ring == 18)
        let menu = missed + [(Self.at(20), .callAnswered)] + reached(2, 90)
        #expect(try #require(closed(fold(menu + [Self.end(Self.at(100))]))).ring == 18)
        let next = missed + reached(2, 30) + [(Self.at(30), .callAnswered)]
        #expect(try #require(closed(fold(next + [Self.end(Self.at(40))]))).ring == 18)
        // The announcement of a queue before it rings for him: nobody's phone did.
        let waiting: [(Moment, Event)] = [
            Self.answeredCall[0], (Self.at(1), .callRinging), (Self.at(3), .queueEntered(queue)),
        ]
        #expect(try #require(closed(fold(waiting + reached(1, 60) + [Self.end(Self.at(70))]))).ring == 2)
    }

    @Test func `a user's call is outbound when whom he calls is tried over a trunk, whatever its rule may do`() throws {
        var start = Self.start
        (start.direction, start.trunk, start.user) = (.outbound, nil, "1001")
        func leg(_ number: Int, trunk: String?, leadsOut: Bool?) -> (Moment, Event) {
            let leg = LegStarted(
                leg: number,
                target: "t",
                user: trunk == nil ? "1002" : nil,
                trunk: trunk,
                address: "x",
                sipCallID: nil,
                leadsOut: leadsOut
            )
            return (Self.at(1), .legStarted(leg))
        }
        let begun = [(Self.at(0), Event.callStarted(start)), leg(1, trunk: nil, leadsOut: nil)]
        let inside = try #require(closed(fold(begun + [Self.end(Self.at(2))])))
        #expect(inside.direction == .internal && inside.trunk == nil)
        let handedOn = try #require(closed(fold(begun + [leg(2, trunk: "a", leadsOut: nil), Self.end(Self.at(2))])))
        #expect(handedOn.direction == .internal && handedOn.trunk == nil)
        let outside = try #require(closed(fold(begun + [leg(2, trunk: "a", leadsOut: true), Self.end(Self.at(2))])))
        #expect(outside.direction == .outbound && outside.trunk == "a")
    }

    @Test func `what is spoken last is on record, of a party that is gone what it spoke`() throws {
        let next = LegStarted(leg: 2, target: "user 1002", user: "1002", trunk: nil, address: "", sipCallID: "l2")
        let talk =
            Self.answeredCall + [
                (Self.at(20), .legCodec(leg: 0, codec: "G722")), (Self.at(20), .legCodec(leg: 1, codec: "G722")),
                (Self.at(30), .legStarted(next)), (Self.at(31), .legAnswered(leg: 2, codec: "opus")),
                (Self.at(32), .legCodec(leg: 2, codec: "PCMA")), (Self.at(32), .legCodec(leg: 0, codec: "PCMA")),
            ]
        let record = try #require(closed(fold(talk + [Self.end(Self.at(40))])))
        #expect(record.codecA == "PCMA" && record.codecB == "PCMA")
        #expect(record.legs.map(\.codec) == ["PCMA", "G722", "PCMA"])
    }

    @Test func `a call that the switch began is set up and answered by whom it reaches, not by its caller`() throws {
        let begun: [(Moment, Event)] = [
            Self.answeredCall[0], (Self.at(5), .legAnswered(leg: 0, codec: "PCMA")),
            (
                Self.at(5),
                .legStarted(
                    LegStarted(leg: 1, target: "trunk c", user: nil, trunk: "c", address: "x", sipCallID: "c@d")
                )
            ),
            (Self.at(5.5), .callRinging),
        ]
        let reached = begun + [(Self.at(9), .legAnswered(leg: 1, codec: "PCMA")), (Self.at(9), .callAnswered)]
        let record = try #require(closed(fold(reached + [Self.end(Self.at(13))])))
        #expect(record.setup == 0.5 && record.ring == 3.5 && record.talk == 4 && record.duration == 13)
        #expect(record.answeredAt == "\(Self.at(9).wall)" && record.legs[0].answeredAt == "\(Self.at(5).wall)")
        let busy =
            begun + [
                (Self.at(7), .legEnded(LegEnded(leg: 1, result: .busy, sipCode: 486, reason: "Busy Here"))),
                Self.end(Self.at(11), .busy),
            ]
        let refused = try #require(closed(fold(busy)))
        #expect(refused.setup == 0.5 && refused.ring == 1.5 && refused.talk == 0 && refused.answeredAt == nil)
        #expect(refused.notRecorded == nil)
    }

    @Test func `of a queue's ringings without an answer the last ones are kept, and all other legs`() throws {
        let entry = QueueEntered(queue: "q", number: "1", priority: 0, position: 1, carriedMilliseconds: 0)
        var events = [Self.answeredCall[0], (Self.at(1), Event.queueEntered(entry))]
        let count = CallRecord.mostVainOffers + 50
        for leg in 1...count {
            let start = LegStarted(
                leg: leg,
                target: "user \(leg)",
                user: "\(leg)",
                trunk: nil,
                address: "x",
                sipCallID: "sip-\(leg)"
            )
            events.append((Self.at(1), .legStarted(start)))
            guard leg < count else { continue }
            events.append((Self.at(1), .legEnded(LegEnded(leg: leg, result: .noAnswer, sipCode: 487, reason: "r"))))
        }
        events.append((Self.at(2), .legAnswered(leg: count, codec: "PCMA")))
        let left = QueueLeft(queue: "q", outcome: .answered, waitMilliseconds: 0, agent: "\(count)", offers: count)
        events.append((Self.at(2), .queueLeft(left)))
        let record = try #require(closed(fold(events + [Self.end(Self.at(9))])))
        #expect(record.legs.count == CallRecord.mostVainOffers + 2 && record.codecB == "PCMA")
        #expect(record.legs.first?.target == LegRecord.caller && record.legs.last?.user == "\(count)")
        #expect(record.legs[1].user == "50" && record.sipCallIDs.count == CallRecord.mostVainOffers + 2)
        #expect(record.legs[1].legID.hasSuffix("/50"))
    }

    @Test func `a recording that failed before anything was written is none, and the next one of the call is`() throws {
        let started = { (id: String) in Event.recordingStarted(RecordingStarted(id: id, file: "f", policy: "plan")) }
        let failed = { (id: String, milliseconds: Int64) in
            Event.recordingEnded(
                RecordingEnded(id: id, isComplete: false, milliseconds: milliseconds, octets: 0, digest: nil)
            )
        }
        let begun = [Self.answeredCall[0], (Self.at(1), .callAnswered), (Self.at(1), started("a"))]
        let empty = begun + [(Self.at(2), failed("a", 0))]
        var record = try #require(closed(fold(empty + [Self.end(Self.at(9))])))
        #expect(record.recording == nil && record.notRecorded == .failed)
        record = try #require(closed(fold(empty + [(Self.at(3), started("b")), Self.end(Self.at(9))])))
        #expect(record.recording == "b" && record.notRecorded == nil)
        record = try #require(closed(fold(begun + [(Self.at(2), failed("a", 1_000)), Self.end(Self.at(9))])))
        #expect(record.recording == "a" && record.notRecorded == nil)
    }

    @Test(arguments: [Disposition.answered, .noAnswer, .abandoned, .failed])
    func `what the switch says to a caller whom nobody takes is no talk`(disposition: Disposition) throws {
        let events = [Self.answeredCall[0], (Self.at(1), .callAnswered), Self.end(Self.at(9), disposition)]
        #expect(try #require(closed(fold(events))).talk == (disposition == .answered ? 8 : 0))
    }

    @Test func `a call that failed has no talk, though somebody answered it`() throws {
        let begun = Array(Self.answeredCall.prefix(6))
        let talk = try #require(closed(fold(begun + [Self.end(Self.at(9))])))
        #expect(talk.answeredAt != nil && talk.codecB != nil && talk.talk == 6)
        #expect(try #require(closed(fold(begun + [Self.end(Self.at(9), .failed)]))).talk == 0)
    }

    @Test func `a hold that lasts to the end counts, an unanswered call does not talk`() throws {
        let held = try #require(closed(fold(Array(Self.answeredCall.prefix(7)) + [Self.end(Self.at(9))])))
        #expect(held.hold == 4)
        let events: [(Moment, Event)] = [
            (Self.at(0), .callStarted(Self.start)), (Self.at(1), .callRinging),
            (
                Self.at(4),
                .callEnded(
                    CallEnded(
                        disposition: .cancelled,
                        hangupBy: .caller,
                        sipCode: 487,
                        q850Cause: 16,
                        reason: "cancelled"
                    )
                )
            ),
        ]
        let record = try #require(closed(fold(events)))
        #expect(record.talk == 0 && record.ring == 3 && record.answeredAt == nil && record.disposition == .cancelled)
    }

    @Test func `the JSON has every key of the contract, the empty ones as null`() throws {
        let record = try #require(closed(fold(Self.answeredCall + [Self.end(Self.at(13))])))
        let object = try #require(
            try JSONSerialization.jsonObject(with: JSONEncoder().encode(record)) as? [String: Any]
        )
        #expect(Set(object.keys) == Set(CallRecord.CodingKeys.allCases.map(\.rawValue)))
        #expect(object["queue"] is NSNull && object["recording"] is NSNull)
        #expect(try JSONDecoder().decode(CallRecord.self, from: JSONEncoder().encode(record)) == record)
    }

    @Test func `legs written by hand read like the encoder's`() throws {
        var leg = LegRecord(legID: "x/1", target: "user \"Ж\" \\ \u{1}\n", address: "a", startedAt: "t", sipCallID: "c")
        leg.result = .answeredElsewhere
        leg.sipCode = 487
        leg.transferredBy = "x/0"
        leg.media = MediaReport(
            received: StreamReport(packets: 5, octets: 800, lost: 1, jitterMilliseconds: 0.25, rFactor: 93.2, mos: 4.4),
            roundTripMilliseconds: 12.5,
            signalledAddress: "192.0.2.1:4000",
            verdict: .receivingOnly
        )
        let legs = [leg, LegRecord(legID: "x/0", target: "caller", address: "", startedAt: "", sipCallID: "")]
        #expect(try JSONDecoder().decode([LegRecord].self, from: Data(legs.json)) == legs)
        leg.media?.firstPacketDelayMilliseconds = 12.345_678_9
        leg.media?.received.jitterMilliseconds = 0.1 + 0.2
        #expect(String(decoding: [leg].json, as: UTF8.self).contains(#""first_packet_ms":12.346,"#))
        #expect(String(decoding: [leg].json, as: UTF8.self).contains(#""jitter_ms":0.3,"#))
        #expect(["a\"b", "\u{1}\n"].json == Array("[\"a\\\"b\",\"\\u0001\\u000a\"]".utf8))
    }

    @Test(arguments: [
        ("2026-11-23T10:00:00Z", "2026-11-23T10:00:00.000Z"),
        ("2026-11-23t13:00:00.5+03:00", "2026-11-23T10:00:00.500Z"),
        ("2026-11-23T00:29:59.123456-05:30", "2026-11-23T05:59:59.123Z"), ("2026-11-23T10:00:00.z", nil),
        ("2026-11-23T10:00:00", nil), ("2026-11-23T24:00:00Z", nil), ("2026-13-23T10:00:00Z", nil),
        ("2026-11-23T10:00:00+3:00", nil), ("-026-11-23T10:00:00Z", nil), ("", nil),
    ])
    func `RFC 3339: any offset and fraction is read`(text: String, stamp: String?) {
        #expect(WallTime(text).map { "\($0)" } == stamp)
    }

    @Test(arguments: [
        (0, "1970-01-01T00:00:00.000Z"), (951_782_400_000, "2000-02-29T00:00:00.000Z"),
        (1_709_208_000_123, "2024-02-29T12:00:00.123Z"), (-1, "1969-12-31T23:59:59.999Z"),
        (4_107_542_399_999, "2100-02-28T23:59:59.999Z"),
    ])
    func `RFC 3339: stamps are written and read back`(milliseconds: Int64, text: String) {
        #expect("\(WallTime(milliseconds: milliseconds))" == text)
        #expect(WallTime(text)?.milliseconds == milliseconds)
    }

    @Test func `what changed in a living call's record is put out once, when it is old enough`() {
        var assembler = CallRecordAssembler()
        func apply(_ event: Event, _ moment: Moment) {
            _ = assembler.apply(
                EventEnvelope(
                    sequence: 1,
                    node: "n",
                    at: moment,
                    tenant: "demo",
                    call: "CALL",
                    event: event
                )
            )
        }
        func legs(at seconds: Double) -> [String] {
            assembler.unwritten(for: .seconds(2), at: Self.at(seconds).instant).flatMap(\.legs).map(\.target)
        }
        for (moment, event) in Self.answeredCall { apply(event, moment) }
        #expect(legs(at: 100).isEmpty)
        apply(.note("a word changes nothing"), Self.at(50))
        #expect(legs(at: 100).isEmpty)
        // The other party is handed on.
        let next = LegStarted(leg: 2, target: "user 1002", user: "1002", trunk: nil, address: "x", sipCallID: "e@f")
        apply(.legStarted(next), Self.at(60))
        #expect(legs(at: 61).isEmpty)
        #expect(legs(at: 62).last == "user 1002")
        #expect(legs(at: 100).isEmpty)
    }
}

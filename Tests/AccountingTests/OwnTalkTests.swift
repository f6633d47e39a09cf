import Events
import Testing
import Timebase

@testable import Accounting

@Suite struct OwnTalkTests {
    private static let wall = WallTime(milliseconds: 1_800_000_000_000)

    /// What happened in calls, at so many seconds.
    private final class Story {
        private var assembler = OwnTalkAssembler()
        /// By agent, call and beginning in seconds, as it was told last: seconds of talk; nil: it lasts.
        private(set) var talks: [String: Double?] = [:]
        private(set) var told = 0
        var open: Int { assembler.count }

        func at(_ seconds: Double, _ event: Event, call: CallID? = "A") {
            let passed = Duration.milliseconds(Int64(seconds * 1000))
            let moment = Moment(
                instant: Instant(nanoseconds: 7_000_000_000) + passed,
                // A clock that is set in the middle spoils nothing.
                wall: wall.advanced(by: passed + (seconds > 3 ? .seconds(3_600) : .zero))
            )
            let envelope = EventEnvelope(
                sequence: 1,
                node: "n",
                at: moment,
                tenant: "demo",
                call: call,
                event: event
            )
            for talk in assembler.apply(envelope) {
                told += 1
                let began = Double(talk.beganMilliseconds - wall.milliseconds) / 1000
                talks["\(talk.agent) \(talk.callID) \(began)"] = talk.talkMilliseconds.map { Double($0) / 1000 }
            }
        }

        func start(_ seconds: Double, user: String? = nil, call: CallID = "A") {
            let start = CallStarted(
                direction: user == nil ? .inbound : .internal,
                from: user ?? "+7495",
                fromName: nil,
                to: "600",
                trunk: nil,
                user: user,
                source: "s",
                sipCallID: "a"
            )
            at(seconds, .callStarted(start), call: call)
        }

        func rings(_ seconds: Double, _ leg: Int, _ user: String?, call: CallID = "A") {
            let started = LegStarted(leg: leg, target: "t", user: user, trunk: nil, address: "x", sipCallID: "c")
            at(seconds, .legStarted(started), call: call)
        }

        func answers(_ seconds: Double, _ leg: Int, call: CallID = "A") {
            at(seconds, .legAnswered(leg: leg, codec: "PCMA"), call: call)
        }

        func ends(_ seconds: Double, _ leg: Int, call: CallID = "A") {
            at(seconds, .legEnded(LegEnded(leg: leg, result: .answered, sipCode: 200, reason: "normal")), call: call)
        }

        func over(_ seconds: Double, call: CallID = "A") {
            let end = CallEnded(
                disposition: .answered,
                hangupBy: .caller,
                sipCode: 200,
                q850Cause: 16,
                reason: "normal"
            )
            at(seconds, .callEnded(end), call: call)
        }

        func state(
            _ seconds: Double,
            _ agent: String,
            _ state: AgentState,
            queue: String? = nil,
            device: String? = nil
        ) {
            let change = AgentChanged(agent: agent, state: state, reason: nil, queue: queue, device: device ?? agent)
            at(seconds, .agentChanged(change), call: nil)
        }
    }

    @Test func `a phone that only rang has no talk, and who answers has his from his answer to his end`() {
        let story = Story()
        story.start(0)
        for (leg, agent) in [(1, "1001"), (2, "1002")] {
            story.state(0, agent, .onCall)
            story.rings(0, leg, agent)
        }
        story.ends(5, 1)
        story.state(5, "1001", .available)
        story.answers(5, 2)
        story.answers(5, 0)
        story.ends(11, 2)
        story.over(11.5)
        #expect(story.talks == ["1002 A 5.0": 6] && story.told == 2 && story.open == 0)
    }

    @Test func `whom he holds he does not speak with: two talks at once are no more than the time that they took`() {
        let story = Story()
        story.start(0, user: "1001")
        story.state(0, "1001", .onCall)
        story.rings(0, 1, nil)
        for leg in [0, 1] { story.answers(1, leg) }
        story.at(3, .callHeld(leg: 0))
        story.start(4, user: "1001", call: "B")
        story.rings(4, 1, "1003", call: "B")
        for leg in [0, 1] { story.answers(5, leg, call: "B") }
        story.over(8, call: "B")
        story.at(9, .callResumed(leg: 0))
        // Held by the other side he is in the talk still.
        story.at(10, .callHeld(leg: 1))
        story.over(12)
        #expect(story.talks.values.compactMap { $0 }.sorted() == [3, 5], "\(story.talks)")
    }

    @Test func `a call that is handed on is each one's while he has it, and nobody's while it is parked`() {
        let story = Story()
        story.start(0)
        story.answers(0, 0)
        for (leg, agent, from, until) in [(1, "1001", 1.0, 3.0), (2, "1002", 8, 10), (3, "1001", 12, 15)] {
            story.state(from - 1, agent, .onCall)
            story.rings(from - 1, leg, agent)
            story.answers(from, leg)
            story.ends(until, leg)
            story.state(until, agent, .available)
        }
        story.over(15)
        #expect(story.talks == ["1001 A 1.0": 2, "1002 A 8.0": 2, "1001 A 12.0": 3])
    }

    @Test func `what he says in a queue's call is the queue's, and his own as far as it outlasts that`() {
        let story = Story()
        story.start(0)
        story.answers(0, 0)
        story.state(1, "1001", .onCall, queue: "sales")
        story.rings(1, 1, "1001")
        story.answers(2, 1)
        // He sends the caller to himself.
        story.rings(4, 2, "1001")
        story.answers(5, 2)
        story.ends(5, 1)
        story.state(5, "1001", .onCall)
        story.ends(9, 2)
        story.over(9)
        #expect(story.talks == ["1001 A 5.0": 4])
    }

    @Test func `who hands his party on speaks with nobody until it comes back, and the party with whoever gets it`() {
        let story = Story()
        story.start(0, user: "1001")
        story.state(0, "1001", .onCall)
        story.state(0, "1002", .onCall)
        story.rings(0, 1, "1002")
        for leg in [0, 1] { story.answers(1, leg) }
        func handsOn(_ at: Double) {
            let start = TransferStarted(leg: 0, party: 1, kind: .blind, target: "1003", by: "user 1001")
            story.at(at, .transferStarted(start))
        }
        handsOn(3)
        story.at(4, .transferEnded(TransferEnded(leg: 0, target: "1003", isDone: false, sipCode: 486)))
        handsOn(6)
        story.rings(6, 2, nil)
        story.answers(7, 2)
        story.at(7, .transferEnded(TransferEnded(leg: 0, target: "1003", isDone: true, sipCode: 200)))
        story.ends(7, 0)
        story.over(10)
        let (own, others) = (
            ["1001 A 1.0": 2.0, "1001 A 4.0": 2], ["1002 A 1.0": 2.0, "1002 A 4.0": 2, "1002 A 7.0": 3]
        )
        #expect(story.talks == own.merging(others) { $1 }, "\(story.talks)")
    }

    @Test func `who keeps a queue's caller and joins him with whom he asked has no talk of his own`() {
        let story = Story()
        story.start(0)
        story.state(0, "1001", .onCall, queue: "sales")
        story.rings(0, 1, "1001")
        for leg in [0, 1] { story.answers(1, leg) }
        story.start(2, user: "1001", call: "B")
        story.rings(2, 1, "1005", call: "B")
        for leg in [0, 1] { story.answers(3, leg, call: "B") }
        // He asks for it in the dialog of the second call: the caller comes there.
        let start = TransferStarted(leg: 0, party: 1, kind: .attended, target: "+7495", by: "user 1001")
        story.at(5, .transferStarted(start), call: "B")
        story.rings(5, 2, nil, call: "B")
        story.answers(5, 2, call: "B")
        story.over(5)
        story.state(5, "1001", .onCall)
        story.at(5.001, .transferEnded(TransferEnded(leg: 0, target: "+7495", isDone: true, sipCode: 200)), call: "B")
        story.ends(5.001, 0, call: "B")
        story.state(5.001, "1001", .available)
        story.over(9, call: "B")
        #expect(story.talks.isEmpty && story.open == 0, "\(story.talks)")
    }

    @Test func `a talk that goes on at another phone of his is one`() {
        let story = Story()
        story.state(0, "1001", .onCall)
        story.start(0, user: "1001")
        story.rings(0, 1, nil)
        story.answers(1, 1)
        story.answers(1, 0)
        story.rings(4, 2, "1001")
        story.answers(4, 2)
        story.ends(4, 0)
        story.over(7)
        #expect(story.talks == ["1001 A 1.0": 6])
    }

    @Test func `a call without a second party, and one of somebody who is logged out, are no talks`() {
        let story = Story()
        story.state(0, "1001", .onCall)
        story.start(0, user: "1001")
        story.answers(0, 0)
        story.over(3)
        story.start(4, user: "1002", call: "B")
        story.rings(4, 1, nil, call: "B")
        story.answers(5, 1, call: "B")
        story.answers(5, 0, call: "B")
        story.over(6, call: "B")
        #expect(story.told == 0 && story.open == 0)
    }

    @Test func `at another's device it is the talk of who sat there when it began`() {
        let story = Story()
        story.state(0, "1001", .available, device: "1009")
        story.state(1, "1001", .onCall, device: "1009")
        story.start(1, user: "1009")
        story.rings(1, 1, nil)
        story.answers(2, 1)
        story.answers(2, 0)
        story.ends(4, 0)
        story.over(4)
        story.state(5, "1001", .available)
        story.state(5, "1009", .onCall)
        story.start(5, user: "1009", call: "B")
        story.rings(5, 1, nil, call: "B")
        story.answers(6, 1, call: "B")
        story.answers(6, 0, call: "B")
        story.over(8, call: "B")
        #expect(story.talks == ["1001 A 2.0": 2, "1009 B 3606.0": 2])
    }
}

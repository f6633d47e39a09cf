import Config
import Events
import SIP
import Testing
import Timebase

@testable import WhatIf

/// A recorded day through the queues' own code.
@Suite struct ReplayTests {
    private static func tenant(agents: [String], wrapUp: Duration = .seconds(5)) -> Tenant {
        var queue = Queue(name: "sales")
        queue.wrapUp = wrapUp
        queue.agents = agents.map { Queue.Agent(user: $0) }
        let users = agents.map {
            User(
                number: $0,
                name: nil,
                role: .operator,
                credentials: Credentials(username: $0, realm: "r", password: "p")
            )
        }
        return Tenant(
            id: "demo",
            domains: ["demo.test"],
            users: Dictionary(users.map { ($0.number, $0) }) { first, _ in first },
            queues: ["sales": queue]
        )
    }

    private static func arrival(
        _ call: CallID,
        at entered: Int64,
        wait: Int64,
        _ outcome: QueueOutcome,
        talk: Int64? = nil
    ) -> RecordedDay.Arrival {
        RecordedDay.Arrival(
            call: call,
            queue: "sales",
            number: call.value,
            priority: 0,
            entered: entered * 1000,
            carried: 0,
            wait: wait * 1000,
            outcome: outcome,
            talk: talk.map { $0 * 1000 },
            wrapUp: talk == nil ? nil : 5_000,
            ring: talk == nil ? nil : 2_000
        )
    }

    /// One agent: a's talk keeps b waiting and c goes.
    private static let day = RecordedDay(
        from: 0,
        until: 3_600_000,
        arrivals: [
            arrival("a", at: 10, wait: 2, .answered, talk: 30), arrival("b", at: 20, wait: 29, .answered, talk: 30),
            arrival("c", at: 21, wait: 10, .abandoned),
        ],
        agents: [RecordedDay.Agent(user: "1001", presence: [(0, .here)], missRate: 0)]
    )

    private static func play(_ day: RecordedDay = day, _ alterations: Alteration...) -> Replay.Outcome {
        Replay(day, tenant: tenant(agents: ["1001"]), alterations: alterations).run()
    }

    private static func words(_ outcome: Replay.Outcome) -> [String] {
        outcome.stays.map { "\($0.outcome.rawValue) after \($0.wait / 1000)" }
    }

    @Test func `as it was, it is as it was`() {
        let outcome = Self.play()
        #expect(Self.words(outcome) == ["answered after 2", "answered after 29", "abandoned after 10"])
        let states = outcome.states["1001"] ?? [:]
        #expect(states[.onCall] == 60_000 && states[.wrapUp] == 10_000 && states[.ringing] == 4_000)
        #expect(states.values.reduce(0, +) == 3_600_000)
        #expect(Self.play() == outcome)
    }

    @Test func `more agents, fewer, another wrap-up`() {
        #expect(Self.words(Self.play(Self.day, Alteration(agents: 2)))[1] == "answered after 2")
        #expect(Self.words(Self.play(Self.day, Alteration(queue: "sales", agents: 3)))[2] == "answered after 2")
        #expect(Self.words(Self.play(Self.day, Alteration(queue: "other", agents: 3))) == Self.words(Self.play()))
        // Without anybody, whoever was answered gives up as the one who gave up did, if he has not waited longer than that one.
        #expect(Self.words(Self.play(Self.day, Alteration(agents: 0))).first == "abandoned after 10")
        #expect(Self.words(Self.play(Self.day, Alteration(wrapUp: .zero)))[1] == "answered after 24")
        #expect(Self.words(Self.play(Self.day, Alteration(wrapUp: .seconds(60))))[1] == "answered after 84")
    }

    @Test func `an agent takes calls while he was there, and not in a pause or a call of his own`() {
        for absence in [RecordedDay.Presence.away, .paused("lunch"), .unreachable, .engaged] {
            var day = Self.day
            day.agents[0].presence = [(0, absence), (100_000, .here)]
            let waits = Self.play(day).stays.filter { $0.outcome == .answered }.map { $0.wait / 1000 }
            #expect(waits.first == 92, "\(absence): \(waits)")
        }
        var day = Self.day
        day.agents[0].missRate = 1
        #expect(!Self.play(day).stays.contains { $0.outcome == .answered })
    }

    @Test func `patience is estimated from those who gave up and those who were spared it`() {
        // Ten at first; at 10 one of ten gives up, at 20 two of eight, and five were answered.
        let waits: [(wait: Int64, gaveUp: Bool)] =
            [(5, false), (10, true), (20, true), (20, true)].map { ($0.0, $0.1) } + [(12, false)]
            + Array(repeating: (30, false), count: 5)
        let patience = Patience(waits)
        // Of nine who wait at 10 one goes, of seven at 20 two: 8/9, then 8/9 · 5/7.
        #expect(patience.limit(beyond: 0, luck: 0.95) == 10)
        #expect(patience.limit(beyond: 0, luck: 0.8) == 20)
        #expect(patience.limit(beyond: 0, luck: 0.6) == nil)
        #expect(patience.limit(beyond: 10, luck: 0.72) == 20 && patience.limit(beyond: 20, luck: 0.99) == nil)
    }
}

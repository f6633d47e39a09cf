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

    private static func play(_ day: RecordedDay = day, _ alterations: Alteration...) throws -> Replay.Outcome {
        try Replay(day, tenant: tenant(agents: ["1001"]), alterations: alterations).run()
    }

    private static func words(_ outcome: Replay.Outcome) -> [String] {
        outcome.stays.map { "\($0.outcome?.rawValue ?? "waits") after \($0.wait / 1000)" }
    }

    @Test func `as it was, it is as it was`() throws {
        let outcome = try Self.play()
        #expect(Self.words(outcome) == ["answered after 2", "answered after 29", "abandoned after 10"])
        let states = outcome.states["1001"] ?? [:]
        #expect(states[.onCall] == 60_000 && states[.wrapUp] == 10_000 && states[.ringing] == 4_000)
        #expect(states.values.reduce(0, +) == 3_600_000)
        #expect(try Self.play() == outcome)
    }

    @Test func `more agents, fewer, another wrap-up`() throws {
        #expect(try Self.words(Self.play(Self.day, Alteration(agents: 2)))[1] == "answered after 2")
        #expect(try Self.words(Self.play(Self.day, Alteration(queue: "sales", agents: 3)))[2] == "answered after 2")
        #expect(try Self.words(Self.play(Self.day, Alteration(queue: "other", agents: 3))) == Self.words(Self.play()))
        // Without anybody, one gives up as he did; of the others it is known only that they wait longer.
        let alone = try Self.words(Self.play(Self.day, Alteration(agents: 0)))
        #expect(alone == ["waits after 3590", "waits after 3580", "abandoned after 10"])
        #expect(try Self.words(Self.play(Self.day, Alteration(wrapUp: .zero)))[1] == "answered after 24")
        #expect(try Self.words(Self.play(Self.day, Alteration(wrapUp: .seconds(60))))[1] == "answered after 84")
    }

    @Test func `whom nobody serves, and who would never give up, waits to the end and counts`() throws {
        var day = Self.day
        day.arrivals.removeAll { $0.outcome == .abandoned }
        #expect(try Self.words(Self.play(day, Alteration(agents: 0))) == ["waits after 3590", "waits after 3580"])
        day.arrivals[1].entered = 3_000_000
        #expect(try Self.words(Self.play(day, Alteration(agents: 0))).last == "waits after 600")
    }

    @Test func `an agent takes calls while he was there, and not in a pause or a call of his own`() throws {
        for absence in [RecordedDay.Presence.away, .paused("lunch"), .unreachable, .engaged] {
            var day = Self.day
            day.agents[0].presence = [(0, absence), (100_000, .here)]
            let waits = try Self.play(day).stays.filter { $0.outcome == .answered }.map { $0.wait / 1000 }
            #expect(waits.first == 92, "\(absence): \(waits)")
        }
        var day = Self.day
        day.agents[0].missRate = 1
        #expect(try !Self.play(day).stays.contains { $0.outcome == .answered })
    }

    /// `b` presses the key after five seconds while the agent speaks with `a`; `d` comes behind him and waits on the line.
    private static func asking(_ attempts: [(began: Int64, talk: Int64)], cancelled: Int64? = nil) -> RecordedDay {
        var day = day
        day.arrivals = [
            arrival("a", at: 10, wait: 2, .answered, talk: 30), arrival("b", at: 20, wait: 5, .key),
            arrival("d", at: 30, wait: 60, .answered, talk: 30),
        ]
        day.callbacks = [
            RecordedDay.Callback(
                id: "w",
                queue: "sales",
                number: "+7",
                requested: 27_000,
                askedBy: "b",
                attempts: attempts.map {
                    RecordedDay.Callback.Attempt(
                        began: $0.began * 1000,
                        ring: 2_000,
                        talk: $0.talk * 1000,
                        wrapUp: 5_000
                    )
                },
                cancelled: cancelled.map { $0 * 1000 }
            )
        ]
        return day
    }

    @Test func `who is called back is served in his place, and the agent is with him meanwhile`() throws {
        // a: 12 to 42, wrap-up to 47; b's agent answers at 49 and has him until 89, and until 94; d at 96.
        let outcome = try Self.play(Self.asking([(49, 40)]))
        #expect(
            Self.words(outcome) == [
                "answered after 2", "key after 5", "answered after 66", "called-back after 22",
            ]
        )
        #expect(outcome.states["1001"]?[.onCall] == 100_000)
        // Two agents: b is taken before he presses anything, and nobody is called back.
        let quick = try Self.play(Self.asking([(49, 40)]), Alteration(agents: 2))
        #expect(Self.words(quick) == ["answered after 2", "answered after 2", "answered after 19"])
    }

    @Test func `an attempt that failed is made again behind those who came meanwhile, and one called off never`() throws
    {
        var tenant = Self.tenant(agents: ["1001"])
        tenant.queues["sales"]?.callingBack.retryAfter = .seconds(1)
        let twice = try Replay(Self.asking([(49, 10), (103, 20)]), tenant: tenant).run()
        // The first until 59 and 64; d from 66 to 96 and 101; the second from 103.
        #expect(
            Self.words(twice) == [
                "answered after 2", "key after 5", "answered after 36", "called-back after 22", "called-back after 76",
            ]
        )
        let off = try Self.play(Self.asking([], cancelled: 40))
        #expect(Self.words(off) == ["answered after 2", "key after 5", "answered after 19"])
    }

    @Test func `a wish from before the day stands from its beginning on`() throws {
        var day = Self.asking([(4, 60)])
        (day.callbacks[0].askedBy, day.callbacks[0].requested) = (nil, -100_000)
        let outcome = try Self.play(day)
        #expect(Self.words(outcome).last == "called-back after 102" && Self.words(outcome)[0] == "answered after 59")
    }

    @Test func `a replay ends when its time is over`() throws {
        var day = Self.day
        day.arrivals = (0..<2_000).map { Self.arrival(CallID("c\($0)"), at: $0, wait: 1, .abandoned) }
        var asked = 0
        #expect(throws: Replay.TookTooLong.self) {
            try Replay(day, tenant: Self.tenant(agents: ["1001"])).run {
                asked += 1
                return asked < 2
            }
        }
        #expect(asked == 2)
    }

    @Test func `patience is estimated from those who gave up and those who were spared it`() throws {
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

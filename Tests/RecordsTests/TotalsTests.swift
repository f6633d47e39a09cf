import Accounting
import Events
import Foundation
import GRDB
import Testing
import Timebase

@testable import Records

@Suite struct TotalsTests {
    private static let start: Int64 = 1_700_000_000_000

    private static func randomStays(_ count: Int, _ generator: inout SeededGenerator) -> [QueueStay] {
        (0..<count).map { index in
            var stay = QueueStay(
                callID: "call-\(index)",
                queue: "queue-\(Int.random(in: 0..<4, using: &generator))",
                number: "\(index)",
                enteredMilliseconds: start + Int64.random(in: 0..<100_000_000, using: &generator)
            )
            stay.carriedMilliseconds = Bool.random(using: &generator) ? 0 : 7_000
            stay.outcome =
                Int.random(in: 0..<20, using: &generator) == 0
                ? nil : QueueOutcome.allCases.randomElement(using: &generator)
            guard let outcome = stay.outcome else { return stay }
            let wait = Int64.random(in: 0..<40_000, using: &generator)
            stay.waitMilliseconds = wait
            stay.endedMilliseconds = stay.enteredMilliseconds + wait
            guard outcome == .answered || outcome == .calledBack else { return stay }
            stay.agent = "100\(Int.random(in: 1...3, using: &generator))"
            stay.ringMilliseconds = Int64.random(in: 0..<9_000, using: &generator)
            stay.connectedMilliseconds = stay.enteredMilliseconds + wait
            stay.talkMilliseconds = Int64.random(in: 0..<300_000, using: &generator)
            stay.holdMilliseconds = Int64.random(in: 0..<9_000, using: &generator)
            stay.wrapUpMilliseconds = Bool.random(using: &generator) ? nil : 6_000
            stay.extendedMilliseconds = stay.wrapUpMilliseconds.map { _ in
                [0, 0, 2_500].randomElement(using: &generator) ?? 0
            }
            return stay
        }
    }

    private static let now = start + 200_000_000

    /// The same, the slow and obvious way.
    private static func naive(_ stays: [QueueStay], _ queue: String, _ from: Int64, _ until: Int64) -> QueueTotalsRow {
        var row = QueueTotalsRow(queue: queue, from: from, until: until)
        for stay in stays where stay.queue == queue && (from..<until).contains(stay.enteredMilliseconds) {
            // Nobody waited on the line.
            if stay.outcome == .calledBack { continue }
            row.offered += 1
            let wait = stay.totalWaitMilliseconds ?? (now - stay.enteredMilliseconds + stay.carriedMilliseconds)
            row.waitAll += wait
            row.maxWait = max(row.maxWait, wait)
            if wait > 20_000 { row.exceeded += 1 }
            switch stay.outcome {
            case nil:
                row.waiting += 1
                if wait > 20_000 { row.waitingBeyond += 1 }
            case .answered:
                row.answered += 1
                row.waitAnswered += wait
                if stay.talkMilliseconds != nil { row.talked += 1 }
                if stay.wrapUpMilliseconds != nil { row.wrappedUp += 1 }
                if wait <= 20_000 { row.answeredWithin += 1 }
                row.ring += stay.ringMilliseconds ?? 0
            case .abandoned, .restart:
                row.abandoned += 1
                row.waitAbandoned += wait
                if wait <= 20_000 { row.abandonedWithin += 1 }
                if wait <= 5_000 { row.shortAbandoned += 1 }
            default: row.overflowed += 1
            }
            row.talk += stay.talkMilliseconds ?? 0
            row.hold += stay.holdMilliseconds ?? 0
            row.wrapUp += stay.wrapUpMilliseconds ?? 0
            row.extended += stay.extendedMilliseconds ?? 0
        }
        return row
    }

    @Test(arguments: [1, 2, 3] as [UInt64])
    func `totals of random stays are those counted by hand, by the days of a zone that changes its clock too`(
        seed: UInt64
    ) throws {
        try HistoryTests.withDatabase { database, _ in
            var generator = SeededGenerator(seed: seed)
            let stays = Self.randomStays(1_500, &generator)
            try database.write(stays.map { .stay($0) })
            let hour: Int64 = 3_600_000
            // Midnights with a day of 23 hours or of 25 among them, said by the caller.
            let edges = [
                Self.start, Self.start + (seed.isMultiple(of: 2) ? 23 : 25) * hour, Self.start + 27 * hour,
                Self.start + 30 * hour,
            ]
            for (boundaries, limits) in [(nil as [Int64]?, [edges[0], edges[3]]), (edges, edges)] {
                let rows = try database.queueTotals(
                    from: edges[0],
                    until: edges[3],
                    threshold: 20_000,
                    short: 5_000,
                    now: Self.now,
                    groupedBy: boundaries
                )
                let wanted = (0..<4).flatMap { queue in
                    zip(limits, limits.dropFirst()).map { Self.naive(stays, "queue-\(queue)", $0, $1) }
                }
                #expect(rows == wanted.filter { $0.offered > 0 })
                for row in rows {
                    let sum = row.answered + row.abandoned + row.overflowed + row.waiting
                    #expect(row.offered == sum)
                }
            }
            let own = try database.queueTotals(
                from: edges[0],
                until: edges[3],
                queue: "queue-1",
                agent: "1002",
                threshold: 20_000,
                short: 5_000,
                now: Self.now
            )
            let taken = stays.filter { $0.agent == "1002" }
            #expect(own == [Self.naive(taken, "queue-1", edges[0], edges[3])].filter { $0.offered > 0 })
        }
    }

    /// Two spellings of one text, and one whose first mark joins what is before it.
    private static let reasons = ["lunch", "\"a b\" Ж", "caf\u{E9}", "cafe\u{301}", "\u{301}x", nil]

    /// Which intervals keep the sums of those before them: those that the writer gave some; of these the later half, as in a file that
    /// was brought up to date; none.
    enum Keeping: CaseIterable { case all, later, none }

    @Test(arguments: [4, 5, 6] as [UInt64], Keeping.allCases)
    func `an agent's states in any window sum up to it, each as counted by hand`(seed: UInt64, keeping: Keeping) throws
    {
        try HistoryTests.withDatabase { database, _ in
            // Many in an hour, some, one in several hours.
            let longest: Int64 = seed == 4 ? 5_000 : seed == 5 ? 3_000_000 : 30_000_000
            var generator = SeededGenerator(seed: seed)
            var intervals: [AgentInterval] = []
            var time: Int64 = 1_000
            for _ in 0..<400 {
                let state = AgentState.allCases.randomElement(using: &generator) ?? .available
                var made = AgentInterval(agent: "1001", state: state, sinceMilliseconds: time)
                if state == .paused { made.reason = Self.reasons.randomElement(using: &generator) ?? nil }
                time += Int64.random(in: 1...longest, using: &generator)
                made.untilMilliseconds = time
                intervals.append(made)
            }
            try database.write(intervals.map { .agent($0) })
            if keeping != .all {
                try Self.forgetSums(database, before: keeping == .none ? .max : time / 2)
            }
            for _ in 0..<50 {
                let from = Int64.random(in: 0..<time, using: &generator)
                let until = Int64.random(in: from..<time, using: &generator) + 1
                let row = try #require(try database.agentTotals(from: from, until: until, now: time).first)
                var states: [String: Int64] = [:]
                var pauses: [String: Int64] = [:]
                for one in intervals {
                    let length = min(one.untilMilliseconds ?? 0, until) - max(one.sinceMilliseconds, from)
                    guard length > 0 else { continue }
                    states[one.state.rawValue, default: 0] += length
                    if one.state == .paused { pauses[one.reason ?? "", default: 0] += length }
                }
                #expect(row.states == states && row.pauses == pauses)
                let middle = Int64.random(in: from...until, using: &generator)
                let times = try database.workTimes(of: "1001", edges: [from, middle, until], now: time)
                let sums = [
                    times.map(\.onCall), times.map(\.wrapUp), times.map(\.ringing), times.map(\.available),
                ].map { $0.reduce(0, +) }
                let kinds: [AgentState] = [.onCall, .wrapUp, .ringing, .available]
                #expect(sums == kinds.map { states[$0.rawValue] ?? 0 })
                #expect(try database.workTimes(of: "1001", edges: [from, middle], now: time).first == times.first)
                #expect(row.isWhole && row.covered == max(0, until - max(from, 1_000)))
            }
        }
    }

    private static func forgetSums(_ database: TenantDatabase, before time: Int64) throws {
        try database.queue.write { database in
            #expect(try Int.fetchOne(database, sql: "SELECT count(sums) FROM agent_states") ?? 0 > 0)
            try database.execute(sql: "DROP TRIGGER agent_states_summed_up")
            try database.execute(sql: "UPDATE agent_states SET sums = NULL WHERE since_ms < ?", arguments: [time])
        }
    }

    @Test(arguments: 20...29 as ClosedRange<UInt64>)
    func `kept sums are those of the intervals through crashes, clocks set back, and oldest ones gone`(
        seed: UInt64
    ) throws {
        try HistoryTests.withDatabase { database, _ in
            var generator = SeededGenerator(seed: seed)
            var time: Int64 = 10_000_000
            for _ in 0..<300 {
                time += Int64.random(in: -200_000...4_000_000, using: &generator)
                if Int.random(in: 0..<20, using: &generator) == 0 {
                    try database.beat(
                        at: WallTime(milliseconds: time + Int64.random(in: -90_000...0, using: &generator))
                    )
                    _ = try database.closeInterrupted()
                }
                var made = AgentInterval(agent: "1001", state: .paused, sinceMilliseconds: time)
                made.state = AgentState.allCases.randomElement(using: &generator) ?? .paused
                if made.state == .paused {
                    made.reason = Self.reasons.randomElement(using: &generator) ?? nil
                }
                try database.write([.agent(made)])
            }
            if seed.isMultiple(of: 2) {
                try database.queue.write { try $0.execute(sql: "DELETE FROM agent_states WHERE since_ms < 90000000") }
            }
            let windows = (0..<60).map { _ in
                let from = Int64.random(in: 0..<time, using: &generator)
                return from..<(from + Int64.random(in: 1...200_000_000, using: &generator))
            }
            let totals = {
                try windows.map { window in
                    try database.agentTotals(from: window.lowerBound, until: window.upperBound, now: time + 7)
                }
            }
            let kept = try totals()
            #expect(kept.allSatisfy { $0.allSatisfy(\.isWhole) })
            try Self.forgetSums(database, before: .max)
            #expect(try totals() == kept)
        }
    }

    @Test func `what a closed interval was, and what it sums up, stays`() throws {
        try HistoryTests.withDatabase { database, _ in
            try database.write([
                .agent(AgentInterval(agent: "1001", state: .available, sinceMilliseconds: 5)),
                .agent(AgentInterval(agent: "1001", state: .loggedOut, sinceMilliseconds: 500_000_000)),
            ])
            #expect(
                try database.queue.read {
                    try String.fetchAll($0, sql: "SELECT sums FROM agent_states ORDER BY since_ms")
                }
                    == ["{}", "{\"available\":499999995}"]
            )
            for change in ["state = 'paused'", "reason = 'x'", "sums = NULL"] {
                #expect(throws: DatabaseError.self) {
                    try database.queue.write {
                        try $0.execute(sql: "UPDATE agent_states SET \(change) WHERE since_ms = 5")
                    }
                }
            }
        }
    }

    /// A tenant's file as an earlier version made it.
    private static func file(in folder: URL, upTo migration: String) throws -> DatabaseQueue {
        let place = TenantDatabase.path(in: folder, of: "demo")
        try FileManager.default.createDirectory(
            at: place.deletingLastPathComponent(),
            withIntermediateDirectories: true
        )
        let file = try DatabaseQueue(path: place.path)
        try TenantDatabase.migrator.migrate(file, upTo: migration)
        return file
    }

    @Test func `a file of the time before agents' sums has the same totals, and keeps sums from then on`() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "gudok-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        let old = try Self.file(in: folder, upTo: "events by number")
        try old.write { database in
            for hour in 0..<50 as Range<Int64> {
                try database.execute(
                    sql: "INSERT INTO agent_states (agent, since_ms, until_ms, state) VALUES ('1001', ?, ?, ?)",
                    arguments: [
                        hour * 3_600_000, (hour + 1) * 3_600_000, hour.isMultiple(of: 2) ? "available" : "on-call",
                    ]
                )
            }
        }
        try old.close()
        let reading = try #require(try TenantDatabase(reading: folder, tenant: "demo"))
        #expect(try !reading.isOfThisVersion)
        let database = try TenantDatabase(folder: folder, tenant: "demo")
        #expect(try reading.isOfThisVersion)
        for hour in 50..<100 as Range<Int64> {
            let state = hour.isMultiple(of: 2) ? AgentState.available : .onCall
            let interval = AgentInterval(agent: "1001", state: state, sinceMilliseconds: hour * 3_600_000)
            try database.write([.agent(interval)])
        }
        for (from, until) in [(0, 100), (20, 80), (60, 90), (49, 51)] as [(Int64, Int64)] {
            let row = try #require(
                try reading.agentTotals(from: from * 3_600_000, until: until * 3_600_000, now: 360_000_000).first
            )
            let half = (until - from) * 1_800_000
            #expect(row.states == ["available": half, "on-call": half] && row.isWhole)
        }
    }

    @Test func `an agent's calls and offers, those of which he is not guilty apart`() throws {
        try HistoryTests.withDatabase { database, _ in
            var generator = SeededGenerator(seed: 9)
            let stays = Self.randomStays(300, &generator)
            var rows: [HistoryRow] = stays.map { .stay($0) }
            rows.append(.agent(AgentInterval(agent: "1002", state: .available, sinceMilliseconds: Self.start)))
            for (index, result) in [OfferResult.noAnswer, .declined, .elsewhere, .withdrawn].enumerated() {
                let offer = MissedOffer(
                    callID: "call-1",
                    queue: "q",
                    agent: "1002",
                    atMilliseconds: Self.start + Int64(index),
                    result: result,
                    rangMilliseconds: 1
                )
                rows.append(.missed(offer))
            }
            try database.write(rows)
            let row = try #require(
                try database.agentTotals(from: Self.start, until: .max, agent: "1002", now: Self.start + 5).first
            )
            let taken = stays.filter { $0.agent == "1002" }
            #expect(row.handled == taken.count && row.offers == taken.count + 4 && row.missed == 2)
            #expect(row.talk == taken.reduce(0) { $0 + ($1.talkMilliseconds ?? 0) })
            #expect(row.covered == 5 && row.isWhole)
            #expect(try database.missedOffers(of: "call-1").count == 4)
            // The calls behind the numbers add up to them.
            let calls = try database.agentCalls(from: Self.start, until: .max, agent: "1002")
            let answered = calls.filter { $0.result == "answered" }
            #expect(calls.count == row.offers && answered.count == row.handled)
            #expect(calls.filter { ["no-answer", "declined"].contains($0.result) }.count == row.missed)
            let sum = { (value: (AgentCall) -> Int64?) in calls.reduce(0) { $0 + (value($1) ?? 0) } }
            #expect(sum { $0.talkMilliseconds } == row.talk && sum { $0.holdMilliseconds } == row.hold)
            #expect(sum { $0.wrapUpMilliseconds } == row.wrapUp)
        }
    }

    @Test func `a call is found by each queue, agent and trunk that it came by`() throws {
        try HistoryTests.withDatabase { database, _ in
            var stays: [HistoryRow] = []
            for (index, (queue, agent)) in [("sales", "1001"), ("support", "1003")].enumerated() {
                let entered = Self.start + Int64(index) * 1_000
                var stay = QueueStay(callID: "a", queue: queue, number: "+7", enteredMilliseconds: entered)
                (stay.agent, stay.outcome, stay.connectedMilliseconds) = (agent, .answered, entered)
                stays.append(.stay(stay))
            }
            try database.write(
                stays + [
                    Self.call("a", .inbound, from: "+7", to: "600", second: 0, .answered),
                    Self.call("b", .inbound, from: "+8", to: "600", second: 1, .answered),
                ]
            )
            try database.queue.write {
                try $0.execute(
                    sql: """
                        INSERT INTO trunk_legs (call_id, leg, trunk, direction, started_at, answered, failed, talk_ms, duration_ms)
                        VALUES ('b', 1, 'spare', 'outbound', '2027', 0, 1, 0, 1)
                        """
                )
            }
            func found(_ change: (inout CallQuery) -> Void) throws -> [String] {
                var query = CallQuery(from: Self.start, until: Self.start + 10_000)
                change(&query)
                #expect(try database.callTotals(query).reduce(0) { $0 + $1.calls } == database.calls(query).count)
                return try database.calls(query).map(\.callID)
            }
            #expect(try found { $0.queue = "sales" } == ["a"] && found { $0.queue = "support" } == ["a"])
            #expect(try found { $0.agent = "1001" }.contains("a") && found { $0.agent = "1003" } == ["a"])
            #expect(try found { $0.trunk = "spare" } == ["b"] && found { $0.queue = "none" } == [])
        }
    }

    @Test func `whom a restart left logged in has not gone, and who stayed away has`() throws {
        try HistoryTests.withDatabase { database, _ in
            let intervals: [(Int64, Int64?, AgentState, String?)] = [
                (0, 10, .available, nil), (10, 20, .loggedOut, "engine-restart"), (20, 30, .paused, "lunch"),
                (30, 40, .loggedOut, nil), (40, 50, .available, nil), (50, 60, .loggedOut, "engine-restart"),
                (60, 70, .loggedOut, nil), (70, 80, .available, nil), (80, nil, .loggedOut, "engine-restart"),
            ]
            try database.write(
                intervals.map { since, until, state, reason in
                    var interval = AgentInterval(agent: "1001", state: state, sinceMilliseconds: since)
                    (interval.untilMilliseconds, interval.reason) = (until, reason)
                    return .agent(interval)
                }
            )
            #expect(try database.presence(of: "1001", from: 0, until: 90, now: 90) == [0..<30, 40..<50, 70..<80])
            #expect(try database.presence(of: "1001", from: 12, until: 18, now: 90) == [12..<18])
        }
    }

    @Test func `who is blocked has not gone, unless he was not there`() throws {
        try HistoryTests.withDatabase { database, _ in
            let intervals: [(Int64, Int64?, AgentState)] = [
                (0, 10, .blocked), (10, 20, .loggedOut), (20, 30, .available), (30, 40, .blocked), (40, 50, .paused),
                (50, 60, .loggedOut), (60, nil, .blocked),
            ]
            try database.write(
                intervals.map { since, until, state in
                    .agent(
                        AgentInterval(
                            agent: "1001",
                            state: state,
                            sinceMilliseconds: since,
                            untilMilliseconds: until
                        )
                    )
                }
            )
            #expect(try database.presence(of: "1001", from: 0, until: 90, now: 90) == [20..<50])
        }
    }

    @Test func `talks past the queues count where they began, a call once, and those that last not yet`() throws {
        try HistoryTests.withDatabase { database, _ in
            let talk = { (agent: String, call: String, began: Int64, length: Int64?) in
                HistoryRow.ownTalk(
                    OwnTalk(agent: agent, callID: call, beganMilliseconds: began, talkMilliseconds: length)
                )
            }
            try database.write([
                talk("1001", "a", 1_000, nil), talk("1001", "a", 1_000, 2_000), talk("1002", "a", 3_000, 4_000),
                talk("1001", "a", 9_000, 3_000), talk("1001", "b", 12_000, 500), talk("1001", "c", 20_000, nil),
            ])
            let totals = { (from: Int64, until: Int64) in
                try database.agentTotals(from: from, until: until, agent: "1001").first.map {
                    [$0.ownCalls, Int($0.ownTalk)]
                }
            }
            #expect(try totals(0, 30_000) == [2, 5_500])
            #expect(try totals(0, 5_000) == [1, 2_000] && totals(12_000, 12_001) == [1, 500])
            #expect(try totals(13_000, 30_000) == [0, 0])
            let calls = try database.agentCalls(from: 0, until: 30_000, agent: "1001")
            #expect(calls.map(\.callID) == ["a", "b"] && calls.map(\.talkMilliseconds) == [5_000, 500])
            // A crash: what lasts has lasted until the last known time.
            try database.beat(at: WallTime(milliseconds: 27_000))
            _ = try database.closeInterrupted()
            #expect(try totals(0, 30_000) == [3, 12_500])
            let plan = try database.queue.read {
                try Row.fetchAll(
                    $0,
                    sql: """
                        EXPLAIN QUERY PLAN SELECT sum(talk_ms) FROM own_talks
                        WHERE agent = '1' AND began_ms >= 2 AND began_ms < 3
                        """
                ).map { $0["detail"] as String }
            }
            #expect(plan.joined().contains("PRIMARY KEY (agent=? AND began_ms>? AND began_ms<?)"), "\(plan)")
        }
    }

    @Test func `a file of the time before the talks of agents keeps what its reports had`() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "gudok-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        let old = try Self.file(in: folder, upTo: "sums of agents")
        try old.write { database in
            for (since, state, call) in [(1_000, "on-call", "a"), (2_000, "available", nil), (3_000, "on-call", "b")]
                as [(Int, String, String?)]
            {
                try database.execute(
                    sql: """
                        INSERT INTO agent_states (agent, since_ms, until_ms, state, call_id) VALUES ('1001', ?, ?, ?, ?)
                        """,
                    arguments: [since, since + 1_000, state, call]
                )
            }
            for (call, codec) in [("a", "PCMA"), ("b", nil)] as [(String, String?)] {
                try database.execute(
                    sql: """
                        INSERT INTO calls (call_id, tenant, direction, "from", "to", started_at, talk_s, disposition,
                          codec_b, legs, sip_call_ids)
                        VALUES (?, 'demo', 'internal', '1001', '1002', '2026-01-01T00:00:00.000Z', 0.75, 'answered',
                          ?, '[]', '[]')
                        """,
                    arguments: [call, codec]
                )
            }
        }
        try old.close()
        let database = try TenantDatabase(folder: folder, tenant: "demo")
        let row = try #require(try database.agentTotals(from: 0, until: 9_000, now: 9_000).first)
        #expect(row.ownCalls == 1 && row.ownTalk == 750)
    }

    private static func call(
        _ id: String,
        _ direction: CallDirection,
        from: String,
        to: String,
        second: Int64,
        _ disposition: Disposition
    ) -> HistoryRow {
        let began = WallTime(milliseconds: start + second * 1000)
        var record = CallRecord(
            callID: id,
            tenant: "demo",
            direction: direction,
            from: from,
            to: to,
            startedAt: "\(began)"
        )
        record.endedAt = "\(began.advanced(by: .seconds(10)))"
        (record.duration, record.talk) = (10, disposition == .answered ? 7.5 : 0)
        record.trunk = direction == .internal ? nil : "carrier"
        (record.disposition, record.user) = (disposition, direction == .outbound ? "1003" : nil)
        record.agent = direction == .inbound && disposition == .answered ? "1001" : nil
        return .call(record)
    }

    @Test func `a trunk has all that calls used of it, a carrier behind which another one answers as well`() throws {
        try HistoryTests.withDatabase { database, _ in
            let began = WallTime(milliseconds: Self.start)
            func leg(_ index: Int, _ trunk: String?, from: Int64, answered: Int64?, until: Int64) -> LegRecord {
                let target = trunk.map { "trunk \($0) 1" } ?? LegRecord.caller
                let stamp = { (second: Int64) in "\(began.advanced(by: .seconds(second)))" }
                var leg = LegRecord(
                    legID: "x/\(index)",
                    target: target,
                    address: "",
                    startedAt: stamp(from),
                    sipCallID: ""
                )
                (leg.trunk, leg.answeredAt, leg.endedAt) = (trunk, answered.map(stamp), stamp(until))
                leg.result = answered == nil ? .failed : .answered
                return leg
            }
            func call(_ id: String, _ direction: CallDirection, _ trunk: String, _ legs: [LegRecord]) -> HistoryRow {
                guard case .call(var record) = Self.call(id, direction, from: "1", to: "2", second: 0, .answered) else {
                    return .call(
                        CallRecord(callID: "", tenant: "", direction: direction, from: "", to: "", startedAt: "")
                    )
                }
                (record.trunk, record.legs) = (trunk, legs)
                return .call(record)
            }
            try database.write([
                call(
                    "out",
                    .outbound,
                    "beta",
                    [
                        leg(0, nil, from: 0, answered: 2, until: 9), leg(1, "alpha", from: 0, answered: nil, until: 1),
                        leg(2, "beta", from: 1, answered: 2, until: 9),
                    ]
                ),
                call(
                    "over",
                    .inbound,
                    "carrier",
                    [leg(0, nil, from: 0, answered: 0, until: 10), leg(1, "beta", from: 4, answered: 5, until: 8)]
                ),
            ])
            func totals(_ change: (inout CallQuery) -> Void = { _ in }) throws -> [String] {
                var query = CallQuery(from: Self.start, until: Self.start + 1_000)
                change(&query)
                return try database.trunkTotals(query).map {
                    "\($0.direction) \($0.trunk) \($0.calls) \($0.answered) \($0.talk)"
                }
            }
            let beta = "outbound beta 2 2 10.0"
            #expect(try totals() == ["outbound alpha 1 0 0.0", beta, "inbound carrier 1 1 7.5"])
            #expect(try totals { $0.trunk = "beta" } == [beta])
            #expect(try totals { $0.agent = "1001" } == ["outbound beta 1 1 3.0", "inbound carrier 1 1 7.5"])
            var opened = CallQuery(from: Self.start, until: Self.start + 1_000)
            (opened.isOver, opened.isOverTrunk, opened.trunk) = (true, true, "alpha")
            #expect(try database.calls(opened).map(\.callID) == ["out"])
            try database.queue.write { try $0.execute(sql: "DELETE FROM calls WHERE call_id = 'out'") }
            #expect(try totals { $0.trunk = "beta" } == ["outbound beta 1 1 3.0"])
        }
    }

    @Test func `missed calls, each once, with who called back and when; totals by direction and trunk`() throws {
        try HistoryTests.withDatabase { database, _ in
            var given = QueueStay(
                callID: "a",
                queue: "q",
                number: "+74951234567",
                enteredMilliseconds: Self.start + 2_000
            )
            (given.outcome, given.waitMilliseconds, given.endedMilliseconds) = (.abandoned, 8_000, Self.start + 10_000)
            var colleague = QueueStay(callID: "h", queue: "q", number: "1005", enteredMilliseconds: Self.start + 3_000)
            (colleague.outcome, colleague.waitMilliseconds) = (.abandoned, 1_000)
            colleague.endedMilliseconds = Self.start + 4_000
            try database.write([
                .stay(colleague), Self.call("h", .internal, from: "1005", to: "700", second: 3, .abandoned),
                .stay(given), Self.call("a", .inbound, from: "+74951234567", to: "600", second: 0, .abandoned),
                Self.call("b", .inbound, from: "+74957654321", to: "600", second: 20, .noAnswer),
                Self.call("c", .inbound, from: "anonymous", to: "600", second: 30, .noAnswer),
                Self.call("d", .inbound, from: "+79990000000", to: "600", second: 40, .blocked),
                Self.call("e", .outbound, from: "1003", to: "84951234567", second: 70, .noAnswer),
                Self.call("f", .inbound, from: "+74951234567", to: "600", second: 90, .answered),
                Self.call("i", .inbound, from: "+74950000001", to: "600", second: 50, .noAnswer),
                Self.call("j", .outbound, from: "1003", to: "84950000001", second: 75, .busy),
                Self.call("k", .outbound, from: "1003", to: "84950000001", second: 85, .noAnswer),
                Self.call("g", .inbound, from: "84957654321", to: "600", second: 130, .answered),
            ])
            let missed = try database.missedCalls(from: Self.start, until: Self.start + 1_000_000)
            #expect(missed.map(\.callID) == ["a", "b", "c", "i"])
            #expect(missed[0].queue == "q" && missed[0].waitedMilliseconds == 8_000)
            // Nobody answered the first call back, and he came through by himself later.
            #expect(missed[0].returned?.callID == "f" && missed[0].returned?.wasAnswered == true)
            #expect(missed[0].returned?.afterMilliseconds == 80_000)
            #expect(missed[3].returned?.callID == "j" && missed[3].returned?.by == "1003")
            #expect(missed[3].returned?.wasAnswered == false)
            #expect(missed[1].returned?.by == "1001" && missed[1].returned?.afterMilliseconds == 100_000)
            #expect(missed[2].returned == nil)
            let totals = try database.callTotals(CallQuery(from: Self.start, until: Self.start + 100_000))
            let answered = try #require(totals.first { $0.direction == .inbound && $0.disposition == .answered })
            #expect(answered.calls == 1 && answered.talk == 7.5 && answered.duration == 10)
            #expect(totals.reduce(0) { $0 + $1.calls } == 10)
            let trunks = try database.trunkTotals(CallQuery(from: Self.start, until: Self.start + 1_000_000))
            #expect(trunks.map(\.calls) == [7, 3] && trunks.map(\.answered) == [2, 0])
            // A month's lost calls are looked up without a visit of each row.
            for (sql, index) in [
                (TenantDatabase.abandoned, "COVERING INDEX queue_stays_lost"),
                (TenantDatabase.unanswered, "COVERING INDEX calls_unanswered"),
                (TenantDatabase.returning, "INDEX calls_returning (<expr>=? AND started_at>?)"),
                (TenantDatabase.reaching, "INDEX calls_returning (<expr>=? AND started_at>?)"),
            ] {
                let plan = try database.queue.read { database in
                    try Row.fetchAll(database, sql: "EXPLAIN QUERY PLAN \(sql)", arguments: ["1", "2"]).map {
                        $0["detail"] as String
                    }
                }
                #expect(plan.first?.contains(index) == true && !plan.joined().contains("B-TREE"), "\(plan)")
            }
        }
    }

    @Test func `a missed caller whom a queue let go is of that queue, and waited there alone`() throws {
        try HistoryTests.withDatabase { database, _ in
            func stay(_ queue: String, after offset: Int64, carried: Int64, _ outcome: QueueOutcome) -> HistoryRow {
                var stay = QueueStay(
                    callID: "a",
                    queue: queue,
                    number: "+74951234567",
                    enteredMilliseconds: Self.start + offset
                )
                (stay.outcome, stay.waitMilliseconds, stay.endedMilliseconds) = (outcome, 2_000, Self.start + offset)
                stay.carriedMilliseconds = carried
                return .stay(stay)
            }
            try database.write([
                stay("q", after: 500, carried: 0, .full), stay("r", after: 2_500, carried: 2_000, .timeout),
                Self.call("a", .inbound, from: "+74951234567", to: "600", second: 0, .noAnswer),
            ])
            let missed = try #require(try database.missedCalls(from: Self.start, until: Self.start + 1_000).first)
            #expect(missed.queue == "r" && missed.waitedMilliseconds == 4_000)
            #expect(missed.atMilliseconds == Self.start + 2_500)
        }
    }

    @Test(arguments: [nil, "parts of traces by number"])
    func `whom a crash cut off in a queue is missed, and who reached a menu alone was not called back`(
        before migration: String?
    ) throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "gudok-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        if let migration { try Self.file(in: folder, upTo: migration).close() }
        let database = try TenantDatabase(folder: folder, tenant: "demo")
        func stay(_ id: String, _ number: String, _ outcome: QueueOutcome, second: Int64) -> HistoryRow {
            var stay = QueueStay(
                callID: id,
                queue: "q",
                number: number,
                enteredMilliseconds: Self.start + second * 1000
            )
            (stay.outcome, stay.waitMilliseconds) = (outcome, 2_000)
            stay.endedMilliseconds = stay.enteredMilliseconds + 2_000
            return .stay(stay)
        }
        func answered(_ id: String, from number: String, second: Int64, codec: String?) -> HistoryRow {
            let made = Self.call(id, .inbound, from: number, to: "600", second: second, .answered)
            guard case .call(var record) = made else { return made }
            (record.agent, record.codecB) = (nil, codec)
            return .call(record)
        }
        try database.write([
            // He had spoken with somebody who handed him on to the queue.
            stay("a", "+74951234567", .restart, second: 5),
            Self.call("a", .inbound, from: "+74951234567", to: "600", second: 0, .answered),
            stay("b", "+74951234568", .abandoned, second: 6),
            Self.call("b", .inbound, from: "+74951234568", to: "600", second: 1, .abandoned),
            // A menu, and a line outside that took the call.
            answered("c", from: "+74951234567", second: 60, codec: nil),
            answered("d", from: "+74951234568", second: 61, codec: nil),
            answered("e", from: "+74951234568", second: 80, codec: "PCMA"),
        ])
        let missed = try database.missedCalls(from: Self.start, until: Self.start + 1_000_000)
        #expect(missed.map(\.callID) == ["a", "b"])
        #expect(missed.map { $0.returned?.callID } == [nil, "e"])
    }

    /// A caller of a queue whom the plan then asked for his wish.
    private static func asker(_ id: String, number: String, second: Int64, wish: String) -> [HistoryRow] {
        var stay = QueueStay(
            callID: id,
            queue: "q",
            number: number,
            enteredMilliseconds: start + second * 1000 + 1
        )
        (stay.outcome, stay.waitMilliseconds, stay.endedMilliseconds) = (.key, 5_000, stay.enteredMilliseconds + 5_000)
        guard case .call(var record) = call(id, .inbound, from: number, to: "600", second: second, .noAnswer) else {
            return []
        }
        record.variables = ["callback": wish]
        return [.call(record), .stay(stay)]
    }

    @Test(arguments: [nil, 7_000] as [Int64?])
    func `a crash in a call-back leaves a talk from the customer's answer on, or none`(answered: Int64?) throws {
        try HistoryTests.withDatabase { database, _ in
            var stay = QueueStay(callID: "a", queue: "q", number: "+7", enteredMilliseconds: Self.start)
            (stay.outcome, stay.agent, stay.connectedMilliseconds) = (.calledBack, "1001", Self.start)
            guard case .call(var record) = Self.call("a", .outbound, from: "1001", to: "+7", second: 0, .answered)
            else { return }
            record.endedAt = nil
            record.answeredAt = answered.map { "\(WallTime(milliseconds: Self.start + $0))" }
            try database.write([.call(record), .stay(stay)])
            try database.beat(at: WallTime(milliseconds: Self.start + 10_000))
            _ = try database.closeInterrupted()
            let closed = try #require(try database.stays(of: "a").first)
            #expect(closed.talkMilliseconds == answered.map { 10_000 - $0 } ?? 0)
            #expect(closed.endedMilliseconds == Self.start + 10_000)
        }
    }

    @Test func `who is or was called back is not missed, and only a call that went out calls back`() throws {
        try HistoryTests.withDatabase { database, _ in
            let wishes: [(String, CallbackState)] = [
                ("waiting", .waiting), ("calling", .calling), ("done", .done), ("failed", .failed),
                ("cancelled", .cancelled),
            ]
            var rows: [HistoryRow] = []
            for (index, (name, state)) in wishes.enumerated() {
                let number = "+7495123450\(index)"
                rows += Self.asker(name, number: number, second: Int64(index), wish: "wish-\(name)")
                let change = CallbackChanged(
                    id: "wish-\(name)",
                    queue: "q",
                    number: number,
                    requestedMilliseconds: Self.start,
                    state: state,
                    attempts: 1,
                    skill: 0,
                    agent: nil,
                    reason: nil
                )
                rows.append(.callback(CallbackRow(change, at: Self.start)))
            }
            // The agent who was to call back did not answer: nobody was called. For one of them somebody then was.
            for (name, number) in [("t", "+74951234503"), ("u", "+74951234504")] {
                guard
                    case .call(var attempt) = Self.call(name, .outbound, from: "1003", to: number, second: 60, .failed)
                else { return }
                attempt.trunk = nil
                rows.append(.call(attempt))
            }
            rows.append(Self.call("v", .outbound, from: "1003", to: "+74951234503", second: 90, .busy))
            try database.write(rows)
            let missed = try database.missedCalls(from: Self.start, until: Self.start + 1_000_000)
            #expect(missed.map(\.callID) == ["failed", "cancelled"])
            #expect(missed.map { $0.returned?.callID } == ["v", nil] && missed.first?.returned?.wasAnswered == false)
        }
    }
}

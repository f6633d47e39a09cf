import Accounting
import Config
import Events
import Foundation
import Statistics
import Testing
import Timebase

@testable import Records
@testable import Reports

/// Reports of a history that is written for them.
@Suite struct ReporterTests {
    private static let start: Int64 = 1_700_000_000_000

    private static var tenant: Tenant {
        var queue = Queue(name: "sales")
        queue.serviceLevelSeconds = 4
        queue.agents = [Queue.Agent(user: "1001")]
        return Tenant(id: "demo", domains: ["demo.test"], queues: ["sales": queue])
    }

    /// `seconds`: from the beginning of the history to the report; `stopped`: to the last sign of life of the switch, which is not up.
    private static func withReporter(
        _ rows: [HistoryRow],
        from start: Int64 = start,
        after seconds: Int64 = 3_600,
        stopped: Int64? = nil,
        zone: String = "UTC",
        abandonFrom: Queue.AbandonStart = .queue,
        _ body: (Reporter, Reporter.Request) throws -> Void
    ) throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "reports-\(UUID().uuidString.prefix(8))")
        defer { try? FileManager.default.removeItem(at: folder) }
        let end = stopped.map { WallTime(milliseconds: start + $0 * 1_000) }
        try TenantDatabase(folder: folder, tenant: "demo").write(rows, at: end)
        let now = start + seconds * 1_000
        let date = Date(timeIntervalSince1970: Double(now) / 1_000)
        let window = Reporter.Window(from: start, until: now)
        var tenant = tenant
        tenant.timeZone = zone
        tenant.queues["sales"]?.abandonFrom = abandonFrom
        let reporter = try Reporter(tenant: tenant, folder: folder, now: date, isSwitchUp: stopped == nil)
        try body(reporter, Reporter.Request(window: window))
    }

    private static func stay(
        _ number: Int,
        _ outcome: QueueOutcome?,
        wait: Int64? = nil,
        queue: String = "sales",
        agent: String? = nil,
        from caller: String = "1",
        call: String? = nil
    ) -> HistoryRow {
        let entered = start + Int64(number) * 1_000
        let id = call ?? "\(queue) \(number)"
        var stay = QueueStay(callID: id, queue: queue, number: caller, enteredMilliseconds: entered)
        (stay.outcome, stay.waitMilliseconds, stay.agent) = (outcome, wait, agent)
        if let wait, agent != nil { (stay.connectedMilliseconds, stay.talkMilliseconds) = (entered + wait, 5_000) }
        stay.endedMilliseconds = wait.map { entered + $0 }
        return .stay(stay)
    }

    private static func call(
        _ id: Int,
        _ disposition: Disposition,
        trunk: String? = "carrier",
        from: String = "+7",
        queue: String? = nil,
        agent: String? = nil
    ) -> HistoryRow {
        let began = "\(WallTime(milliseconds: start + Int64(id) * 1_000))"
        var record = CallRecord(
            callID: "\(id)",
            tenant: "demo",
            direction: .inbound,
            from: from,
            to: "600",
            startedAt: began
        )
        (record.endedAt, record.disposition, record.trunk) = (began, disposition, trunk)
        (record.queue, record.agent) = (queue, agent)
        return .call(record)
    }

    private static func rows(_ report: Report) throws -> [[String: Any]] {
        try #require(try JSONSerialization.jsonObject(with: Data(report.json)) as? [[String: Any]])
    }

    @Test(arguments: [(.queue, 2), (.call, 1)] as [(Queue.AbandonStart, Int)])
    func `a short abandon counts from the queue's entry, or from the call's start`(
        from start: Queue.AbandonStart,
        short: Int
    ) throws {
        let rows = [
            Self.call(0, .abandoned), Self.call(1, .abandoned),
            Self.stay(3, .abandoned, wait: 1_000, call: "0"), Self.stay(10, .abandoned, wait: 1_000, call: "1"),
        ]
        try Self.withReporter(rows, abandonFrom: start) { reporter, request in
            let row = try #require(try reporter.queueRows(request).first)
            #expect(row.abandoned == 2 && row.short_abandoned == short)
        }
    }

    @Test func `wrap-up has an automatic part and what it was extended by`() throws {
        guard case .stay(var stay) = Self.stay(0, .answered, wait: 1_000, agent: "1001") else { return }
        (stay.wrapUpMilliseconds, stay.extendedMilliseconds) = (30_000, 10_000)
        let known = HistoryRow.agent(
            AgentInterval(agent: "1001", state: .available, sinceMilliseconds: Self.start)
        )
        try Self.withReporter([.stay(stay), known]) { reporter, request in
            let queue = try #require(try reporter.queueRows(request).first)
            #expect(queue.acw_s == 30 && queue.acw_auto_s == 20 && queue.acw_manual_s == 10)
            let agent = try #require(try reporter.agentRows(request).first)
            #expect(agent.acw_s == 30 && agent.acw_auto_s == 20 && agent.acw_manual_s == 10)
        }
    }

    // MARK: service level

    /// Aₓ 70, Bₓ 10, and 20 for whom X elapsed.
    private static let cisco =
        (0..<70).map { stay($0, .answered, wait: 1_000, agent: "1001") }
        + (70..<80).map { stay($0, .abandoned, wait: 2_000) }
        + (80..<90).map { stay($0, .answered, wait: 9_000, agent: "1001") }
        + (90..<95).map { stay($0, .abandoned, wait: 9_000) } + (95..<100).map { stay($0, .timeout, wait: 9_000) }

    @Test(arguments: [
        (ServiceLevelFormula.ciscoIgnore, 0.777778), (.ciscoNegative, 0.7), (.ciscoPositive, 0.8),
    ])
    func `the reports of a queue have Cisco's vector`(formula: ServiceLevelFormula, expected: Double) throws {
        try Self.withReporter(Self.cisco) { reporter, request in
            var request = request
            request.filters[.formula] = formula.rawValue
            let levels = try reporter.queueRows(request).map(\.service_level)
            #expect(levels == [expected])
        }
    }

    @Test func `shares have six decimals, and lengths whole milliseconds`() throws {
        let rows = (0..<7).map { Self.stay($0, .answered, wait: $0 == 0 ? 9_000 : 1_000, agent: "1001") }
        try Self.withReporter(rows) { reporter, request in
            let row = try #require(try reporter.queueRows(request).first)
            #expect(row.service_level == 0.857143 && row.asa_s == 2.143)
        }
    }

    @Test(arguments: [(4, 1.0), (5, 0.5)] as [(Int64, Double)])
    func `who still waits counts against the service level from X on, and has the longest wait`(
        seconds: Int64,
        expected: Double
    ) throws {
        let rows = [Self.stay(0, .answered, wait: 200, agent: "1001"), Self.stay(0, nil, queue: "support")]
        try Self.withReporter(rows + [Self.stay(1, nil)], after: 1 + seconds) { reporter, request in
            let row = try #require(try reporter.queueRows(request).first)
            #expect(row.service_level == expected && row.waiting == 1)
            #expect(row.max_wait_s == Double(seconds))
            for formula in [ServiceLevelFormula.sl1, .sl3, .sl4, .sl5, .ciscoNegative] {
                var request = request
                request.filters[.formula] = formula.rawValue
                #expect(try reporter.queueRows(request).first?.service_level == expected, "\(formula)")
            }
        }
    }

    @Test func `on the day that has an hour twice a forecast of that hour is of one of them`() throws {
        // Midnight in Berlin before the clock is set back; a call each ten minutes.
        let midnight: Int64 = 1_792_879_200_000
        let rows = (0..<25 * 6).map { number -> HistoryRow in
            let entered = midnight + Int64(number) * 600_000
            var stay = QueueStay(callID: "\(number)", queue: "sales", number: "1", enteredMilliseconds: entered)
            (stay.outcome, stay.agent, stay.waitMilliseconds) = (.answered, "1001", 0)
            (stay.connectedMilliseconds, stay.talkMilliseconds) = (entered, 60_000)
            stay.endedMilliseconds = entered
            return .stay(stay)
        }
        try Self.withReporter(rows, from: midnight, after: 25 * 3_600, zone: "Europe/Berlin") { reporter, request in
            var request = request
            request.grouping = .hour
            let goal = StaffingGoal(interval: 3_600, agents: nil, threshold: 20, target: 0.8)
            let report = try reporter.forecast(request, goal)
            let hours = try #require(try JSONSerialization.jsonObject(with: Data(report.json)) as? [[String: Any]])
            #expect(hours.count == 24 && hours.allSatisfy { $0["calls"] as? Double == 6 }, "\(hours)")
        }
    }

    @Test(arguments: [(nil, 100), ("first", 100), ("second", 100)] as [(String?, Double)])
    func `a forecast of all queues counts whoever was led from one to the next once`(
        queue: String?,
        calls: Double
    ) throws {
        let rows = (0..<100).flatMap { number in
            [
                Self.stay(number, .timeout, wait: 500, queue: "first", call: "\(number)"),
                Self.stay(number + 1, .answered, wait: 500, queue: "second", agent: "1001", call: "\(number)"),
            ]
        }
        let hour: Int64 = 3_600_000
        try Self.withReporter(rows) { reporter, request in
            var request = request
            // A whole hour that has them all.
            request.window = Reporter.Window(from: Self.start / hour * hour, until: (Self.start / hour + 1) * hour)
            request.grouping = .hour
            request.filters[.queue] = queue
            let goal = StaffingGoal(interval: 3_600, agents: nil, threshold: 20, target: 0.8)
            guard queue != "first" else {
                #expect(throws: (any Error).self) { try reporter.forecast(request, goal) }
                return
            }
            let row = try #require(try Self.rows(try reporter.forecast(request, goal)).first)
            #expect(row["calls"] as? Double == calls && row["aht_s"] as? Double == 5)
        }
    }

    @Test func `where no switch is up, what it left open ended when it was last known to live`() throws {
        let rows = [
            .agent(AgentInterval(agent: "1001", state: .available, sinceMilliseconds: Self.start)), Self.stay(1, nil),
        ]
        for (stopped, expected) in [(nil, 3_600), (60, 60)] as [(Int64?, Double)] {
            try Self.withReporter(rows, stopped: stopped) { reporter, request in
                let agent = try #require(try reporter.agentRows(request).first)
                #expect(agent.logged_in_s == expected && agent.available_s == expected && agent.paid_s == expected)
                #expect(agent.check_s == 0)
                let queue = try #require(try reporter.queueRows(request).first)
                #expect(queue.waiting == 1 && queue.max_wait_s == expected - 1 && queue.occupancy == 0)
            }
        }
    }

    @Test func `who waited in a crash was abandoned: what was offered adds up`() throws {
        let rows = [
            Self.stay(0, .answered, wait: 1_000, agent: "1001"), Self.stay(1, .abandoned, wait: 1_000),
            Self.stay(2, .restart, wait: 6_000), Self.stay(3, .key, wait: 1_000), Self.stay(4, nil),
        ]
        try Self.withReporter(rows) { reporter, request in
            let row = try #require(try reporter.queueRows(request).first)
            #expect(row.offered == 5 && row.answered + row.abandoned + row.overflowed + row.waiting == 5)
            #expect(row.abandoned == 2 && row.short_abandoned == 1)
        }
    }

    @Test func `the formulas of other sources are columns of their own`() throws {
        let rows = [
            Self.stay(0, .answered, wait: 3_000, agent: "1001"), Self.stay(1, .answered, wait: 1_000, agent: "1001"),
            Self.stay(2, .abandoned, wait: 2_000), Self.stay(3, .abandoned, wait: 12_000),
            Self.stay(4, .timeout, wait: 20_000),
        ]
        try Self.withReporter(rows) { reporter, request in
            let row = try #require(try reporter.queueRows(request).first)
            #expect(row.asa_s == 2 && row.average_delay_s == 7.6 && row.average_time_to_abandon_s == 7)
            #expect(row.abandon_rate == 0.333333 && row.abandon_rate_of_offered == 0.4 && row.short_abandon_rate == 0.2)
            #expect(row.first_contact_resolution == nil)
            let report = try reporter.report(.queues, request)
            for metric in ["average-delay", "average-time-to-abandon", "abandon-rate-of-offered", "short-abandon-rate"]
            {
                #expect(report.notes.contains { $0.hasPrefix("\(metric) = ") }, "\(metric)")
            }
            #expect(Set(report.extras).isSubset(of: report.keys) && report.extras.count == 6)
        }
    }

    @Test func `who comes again within N days was not helped`() throws {
        let day = 86_400
        let rows = [
            // Came again after two days, and after nine more.
            Self.stay(0, .answered, wait: 0, agent: "1001", from: "a"),
            Self.stay(2 * day, .abandoned, wait: 1_000, from: "a"),
            Self.stay(11 * day, .answered, wait: 0, agent: "1001", from: "a"),
            // Elsewhere; twice in one call; unknown; once.
            Self.stay(10, .answered, wait: 0, agent: "1001", from: "b"),
            Self.stay(day, .answered, wait: 0, queue: "support", agent: "1001", from: "b"),
            Self.stay(20, .answered, wait: 0, agent: "1001", from: "c", call: "c"),
            Self.stay(90, .answered, wait: 0, agent: "1002", from: "c", call: "c"),
            Self.stay(30, .answered, wait: 0, agent: "1001", from: "anonymous"),
            Self.stay(40, .answered, wait: 0, agent: "1001", from: "anonymous"),
            Self.stay(50, .answered, wait: 0, agent: "1002", from: "d"),
        ]
        try Self.withReporter(rows, after: Int64(20 * day)) { reporter, request in
            func resolution(_ days: String, _ agent: String? = nil) throws -> Double? {
                var request = request
                request.window.until = Self.start + Int64(day) * 1_000
                request.filters = [.queue: "sales", .fcrDays: days]
                if let agent { request.filters[.agent] = agent }
                return try reporter.queueRows(request).first?.first_contact_resolution
            }
            let (week, day, annas) = (try resolution("7"), try resolution("1"), try resolution("7", "1001"))
            #expect(week == 0.75 && day == 1 && annas == 0.666667)
            #expect(throws: Reporter.Fault.self) { try resolution("0") }
        }
    }

    @Test func `a colleague who asks a queue twice is no customer who was not helped`() throws {
        func colleague(_ second: Int) -> HistoryRow {
            let made = Self.call(second, .answered, trunk: nil, from: "1002", queue: "sales", agent: "1001")
            guard case .call(var record) = made else { return made }
            record.direction = .internal
            return .call(record)
        }
        let rows = [
            colleague(0), Self.stay(0, .answered, wait: 0, agent: "1001", from: "1002", call: "0"),
            colleague(60), Self.stay(60, .answered, wait: 0, agent: "1001", from: "1002", call: "60"),
            Self.stay(90, .answered, wait: 0, agent: "1001", from: "+7"),
        ]
        try Self.withReporter(rows) { reporter, request in
            var request = request
            request.filters = [.queue: "sales", .fcrDays: "7"]
            let row = try #require(try reporter.queueRows(request).first)
            #expect(row.first_contact_resolution == 1)
        }
    }

    // MARK: agents

    @Test func `utilisation is of paid time, and each occupancy says what it takes for work`() throws {
        func interval(_ minute: Int64, _ state: AgentState, _ reason: String? = nil) -> HistoryRow {
            var interval = AgentInterval(
                agent: "1001",
                state: state,
                sinceMilliseconds: Self.start + minute * 60_000
            )
            interval.reason = reason
            return .agent(interval)
        }
        // Available 3, ringing 1, on a call 4, wrap-up 2, paused 10 minutes.
        let rows = [
            interval(0, .available), interval(3, .ringing), interval(4, .onCall), interval(8, .wrapUp),
            interval(10, .paused, "training"), interval(20, .loggedOut),
        ]
        try Self.withReporter(rows) { reporter, request in
            let row = try #require(try reporter.agentRows(request).first)
            #expect(row.paid_s == 1_200 && row.occupancy == 0.6)
            #expect(row.occupancy_ringing_as_work == 0.7 && row.occupancy_with_off_phone == 0.8)
            #expect(row.utilisation == 0.5 && row.utilisation_on_phone == 0.5)
            let notes = try reporter.report(.agents, request).notes
            #expect(notes.contains { $0.hasPrefix("utilisation = ") })
        }
    }

    @Test func `by agent are all who answered, whoever is in the queue today`() throws {
        let rows = [
            Self.stay(0, .answered, wait: 1_000, agent: "1001"), Self.stay(1, .answered, wait: 1_000, agent: "1002"),
            Self.stay(2, .answered, wait: 1_000, agent: "1002"), Self.stay(3, .abandoned, wait: 1_000),
            Self.stay(4, .answered, wait: 1_000, queue: "gone", agent: "1003"),
        ]
        try Self.withReporter(rows) { reporter, request in
            var request = request
            request.grouping = .agent
            let found = try reporter.queueRows(request)
            #expect(found.map(\.queue) == ["gone", "sales", "sales"])
            #expect(found.map(\.agent) == ["1003", "1001", "1002"])
            #expect(found.map(\.answered) == [1, 1, 2])
        }
    }

    // MARK: filters

    @Test func `calls are filtered by everything that a call has`() throws {
        let rows = [
            Self.call(0, .answered, queue: "sales", agent: "1001"), Self.call(1, .answered, trunk: nil),
            Self.call(2, .busy, from: "+8"), Self.call(3, .answered, trunk: "other", queue: "sales"),
            // In the records an agent is known by his states.
            .agent(AgentInterval(agent: "1001", state: .available, sinceMilliseconds: Self.start)),
        ]
        let wanted: [(Reporter.Filter, String, calls: Int, overTrunks: Int)] = [
            (.queue, "sales", 2, 2), (.agent, "1001", 1, 1), (.trunk, "carrier", 2, 2), (.from, "+8", 1, 1),
            (.to, "600", 4, 3), (.to, "601", 0, 0), (.disposition, "answered", 3, 2),
        ]
        try Self.withReporter(rows) { reporter, request in
            for (filter, value, calls, overTrunks) in wanted {
                var request = request
                request.filters = [filter: value]
                for (kind, expected) in [(Reporter.Kind.calls, calls), (.trunks, overTrunks)] {
                    let counts = try Self.rows(try reporter.report(kind, request)).compactMap { $0["calls"] as? Int }
                    #expect(counts.reduce(0, +) == expected, "\(kind) \(filter)")
                    #expect(try Self.rows(try reporter.calls(behind: kind, request)).count == expected)
                }
            }
        }
    }

    @Test(arguments: Reporter.Kind.allCases)
    func `a filter or a grouping that a report does not look at is refused`(kind: Reporter.Kind) throws {
        let values: [Reporter.Filter: String] = [
            .queue: "sales", .agent: "1001", .formula: "SL1", .disposition: "answered", .trunk: "carrier",
        ]
        let known =
            [Self.call(0, .answered), Self.stay(0, .answered, wait: 1, agent: "1001")]
            + [.agent(AgentInterval(agent: "1001", state: .available, sinceMilliseconds: Self.start))]
        try Self.withReporter(known) { reporter, request in
            func isRefused(_ change: (inout Reporter.Request) -> Void) -> Bool {
                var request = request
                change(&request)
                let makers = [reporter.report, reporter.calls(behind:_:)]
                let refusals = makers.filter { make in (try? make(kind, request)) == nil }.count
                #expect(refusals == 0 || refusals == 2)
                return refusals > 0
            }
            for filter in Reporter.Filter.allCases {
                let isOwn = kind.filters.contains(filter)
                #expect(isRefused { $0.filters[filter] = values[filter] ?? "1" } != isOwn, "\(filter)")
            }
            for grouping in Reporter.Grouping.allCases {
                #expect(isRefused { $0.grouping = grouping } != kind.groupings.contains(grouping), "\(grouping)")
            }
            #expect(isRefused { $0.filters[.disposition] = "nosuch" })
        }
    }
}

import Config
import Events
import Foundation
import Records
import Reports
import Simulation
import Testing
import Timebase

/// Days of a contact centre on the whole engine. The suite runs a slice; `make simulate` runs whole days, and a seed that it finds
/// bad belongs here.
@Suite struct DayTests {
    @Test(arguments: [1, 3, 4, 5, 6, 7, 8] as [UInt64])
    func `a day ends with every account in order, and the phones saw what the records say`(seed: UInt64) throws {
        let conditions: NetworkConditions = seed % 4 == 0 ? .hostile : .perfect
        let day = try #require(SimulatedDay(seed: seed, calls: 200, conditions: conditions))
        let result = day.run()
        #expect(result.faults == [], "seed \(seed)")
        // The day is worth something only when all of this happened in it.
        #expect(result.waits[.answered, default: 0] > 10 && result.waits[.abandoned, default: 0] > 0)
        if result.kind == .overloaded { #expect(result.callbacks[.done, default: 0] > 0) }
        #expect(result.missedOffers > 10 && result.holds > 0 && result.transfers.begun > 0)
        #expect(result.restarts > 0 && result.reloads > 0 && result.registrationsLost > 0)
        print(result.summary)
    }

    @Test func `a seed replays a day`() throws {
        let days = try (0..<2).map { _ in try #require(SimulatedDay(seed: 9, calls: 40)).run() }
        #expect(days[0].queues == days[1].queues && days[0].states == days[1].states)
    }

    @Test func `the reports of a day are what the day saw`() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "gudok-day-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        let writer = RecordWriter(folder: folder, onCommitted: { _ in }, onTrouble: { Issue.record("\($0)") })
        let day = try #require(SimulatedDay(seed: 2, calls: 300, restarts: false, observers: [writer]))
        let result = day.run()
        #expect(result.faults == [])
        writer.stop()
        let end = Date(timeIntervalSince1970: Double(result.end.milliseconds) / 1000)
        let reporter = try Reporter(tenant: try #require(day.tenant), folder: folder, now: end, isSwitchUp: true)
        let request = Reporter.Request(window: Reporter.Window(from: 0, until: result.end.milliseconds))
        let rows = try reporter.queueRows(request)
        #expect(rows.count == result.queues.count)
        for row in rows {
            let sum = try #require(result.queues[row.queue])
            let answered = sum.outcomes[.answered, default: 0]
            let abandoned = sum.outcomes[.abandoned, default: 0]
            // Nobody waits on the line for a call back: it is none of the queue's figures.
            let offered = sum.entered - sum.outcomes[.calledBack, default: 0]
            #expect(row.offered == offered && row.answered == answered && row.abandoned == abandoned, "\(row)")
            #expect(row.overflowed == offered - answered - abandoned && row.waiting == 0, "\(row)")
            #expect(abs((row.asa_s ?? 0) - Double(sum.waitOfAnswered) / 1000 / Double(answered)) < 0.001, "\(row)")
            #expect(abs(row.max_wait_s - Double(sum.longestWait) / 1000) < 0.0005, "\(row)")
        }
        let database = try #require(try TenantDatabase(reading: folder, tenant: TenantID("demo")))
        let callbacks = Dictionary(grouping: try database.callbacks(CallbackQuery()), by: \.callback.state)
        #expect(callbacks.mapValues(\.count) == result.callbacks && !callbacks.isEmpty)
        for row in try reporter.agentRows(request) {
            let seconds = { (state: AgentState) in Double(result.states[row.agent]?[state] ?? 0) / 1000 }
            let handled = result.queues.values.reduce(0) { $0 + $1.answeredBy[row.agent, default: 0] }
            #expect(row.handled == handled && row.check_s == 0, "\(row)")
            #expect(row.available_s == seconds(.available) && row.ringing_s == seconds(.ringing), "\(row)")
            #expect(row.on_call_s == seconds(.onCall) && row.wrap_up_s == seconds(.wrapUp), "\(row)")
            #expect(row.paused_s == seconds(.paused) && row.unreachable_s == seconds(.unreachable), "\(row)")
        }
    }
}

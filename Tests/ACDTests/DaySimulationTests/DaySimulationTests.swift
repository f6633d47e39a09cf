import Foundation
import Testing

/// Days of a contact centre at the level of the dispatcher. `GUDOK_SIMULATED_DAYS=100` simulates so many whole days of 5 000
/// callers; without it a part of ten days is. A failure names the seed.
@Suite struct DaySimulationTests {
    private static let wanted = ProcessInfo.processInfo.environment["GUDOK_SIMULATED_DAYS"].flatMap { Int($0) }

    @Test(arguments: 1...UInt64(max(1, wanted ?? 10))) func `a day ends with every account in order`(_ seed: UInt64) {
        let day = Day(seed: seed, callers: Self.wanted == nil ? 300 : 5_000)
        day.run()
        #expect(day.failures == [], "seed \(seed)")
    }

    @Test func `a seed replays a day`() {
        let days = (0..<2).map { _ in Day(seed: 7, callers: 100) }
        for day in days { day.run() }
        #expect(days[0].trail == days[1].trail)
    }
}

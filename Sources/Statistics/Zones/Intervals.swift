import Timebase

/// How long a report's rows are.
public enum IntervalLength: String, Hashable, Codable, Sendable, CaseIterable {
    case quarterHour = "15m"
    case halfHour = "30m"
    case hour = "1h"
    case day = "1d"
    /// From Monday (ISO 8601).
    case week = "1w"

    /// Milliseconds, when no clock is changed.
    public var milliseconds: Int64 {
        switch self {
        case .quarterHour: 900_000
        case .halfHour: 1_800_000
        case .hour: 3_600_000
        case .day: Day.milliseconds
        case .week: 7 * Day.milliseconds
        }
    }
}

/// The rows of a report over time.
public enum Intervals {
    /// A bound: 28 years of quarter hours.
    public static let most = 1_000_000

    /// Cuts a window where the zone's clock shows full quarter hours, half hours, hours, midnights or Mondays.
    ///
    /// The ranges partition the window, so that sums over them are sums over it; the first and the last are cut to it. A
    /// day is as long as the clock makes it. An hour that the clock shows twice is two ranges, since at each change of
    /// the clock a range shorter than a day ends. Beyond `most` ranges, the last one holds all the rest.
    ///
    /// - Parameters:
    ///   - start: UTC milliseconds since 1970, included.
    ///   - end: the same, excluded.
    ///   - length: of the ranges.
    ///   - rules: whose clock it is.
    /// - Returns: the ranges in order; none when the window is empty.
    public static func intervals(
        from start: Int64,
        to end: Int64,
        by length: IntervalLength,
        in rules: ZoneRules
    ) -> [Range<Int64>] {
        let (start, end) = (ZoneRules.bounded(start), ZoneRules.bounded(end))
        guard start < end else { return [] }
        let cuts =
            switch length {
            case .quarterHour, .halfHour, .hour: clockCuts(start, end, length.milliseconds, rules)
            case .day: dateCuts(start, end, 1, rules)
            case .week: dateCuts(start, end, 7, rules)
            }
        let bounds = [start] + cuts + [end]
        return zip(bounds, bounds.dropFirst()).map { $0..<$1 }
    }

    private static func clockCuts(_ start: Int64, _ end: Int64, _ step: Int64, _ rules: ZoneRules) -> [Int64] {
        // No farther than there can be cuts, lest a window of ages asks for the clock changes of all its years.
        var changes = rules.changes(after: start, before: min(end, start + step * Int64(most)))[...]
        var (cuts, time, offset): ([Int64], Int64, Int64) = ([], start, rules.kind(at: start).milliseconds)
        while cuts.count < most - 1 {
            var next = time + step - WallTime.floorDivide(time + offset, step).1
            if let change = changes.first, change.at <= next {
                (next, offset) = (change.at, change.kind.milliseconds)
                changes.removeFirst()
            }
            guard next < end else { break }
            cuts.append(next)
            time = next
        }
        return cuts
    }

    private static func dateCuts(_ start: Int64, _ end: Int64, _ step: Int64, _ rules: ZoneRules) -> [Int64] {
        let wall = start + rules.kind(at: start).milliseconds
        let today = WallTime.floorDivide(wall, Day.milliseconds).0
        // Weeks begin on Mondays: four days after 1970 did.
        var day = step == 7 ? today - Int64(Day.weekday(today)) : today
        var cuts: [Int64] = []
        while cuts.count < most - 1 {
            day += step
            let next = rules.earliest(ofWall: day * Day.milliseconds)
            guard next < end else { break }
            // A date that a zone skipped altogether (Samoa, 2011-12-30) begins when the next one does.
            if next > cuts.last ?? start { cuts.append(next) }
        }
        return cuts
    }
}

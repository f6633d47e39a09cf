public import Foundation
import Timebase

/// A point in time as a user writes it: RFC 3339, a date, `now`, `today`, `yesterday`, or `-2h` before now.
public struct TimeFilter: Equatable, Sendable {
    public var date: Date

    /// nil when the text is none of these. Days begin at midnight of `zone`.
    public init?(_ text: String, now: Date, zone: TimeZone = .current) {
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = zone
        switch text {
        case "now": date = now
        case "today": date = calendar.startOfDay(for: now)
        case "yesterday": date = calendar.startOfDay(for: calendar.date(byAdding: .day, value: -1, to: now) ?? now)
        case _ where text.hasPrefix("-"):
            guard let seconds = Self.span(text.dropFirst()) else { return nil }
            date = now.addingTimeInterval(-seconds)
        default:
            guard let read = Self.stamp(text, calendar) else { return nil }
            date = read
        }
    }

    /// Whether it begins with a day, which begins at another time in another place: `today`, `yesterday`, a date.
    public static func namesDay(_ text: String) -> Bool {
        ["today", "yesterday"].contains(text) || text.utf8.count == 10 && text.split(separator: "-").count == 3
    }

    private static func span(_ text: Substring) -> Double? {
        guard let unit = text.last, let count = Int(text.dropLast()), (0...1_000_000).contains(count) else {
            return nil
        }
        let units: [Character: Double] = ["s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800]
        return units[unit].map { $0 * Double(count) }
    }

    private static func stamp(_ text: String, _ calendar: Calendar) -> Date? {
        if let moment = WallTime(text) { return Date(timeIntervalSince1970: Double(moment.milliseconds) / 1000) }
        let parts = text.split(separator: "-").map { Int($0) }
        guard parts.count == 3, text.utf8.count == 10, let year = parts[0], let month = parts[1], let day = parts[2]
        else {
            return nil
        }
        // A calendar takes the 31st of February for the 3rd of March.
        let date = calendar.date(from: DateComponents(year: year, month: month, day: day))
        return date.flatMap {
            calendar.dateComponents([.month, .day], from: $0) == DateComponents(month: month, day: day) ? $0 : nil
        }
    }

    /// How to write one.
    public static let hint = "write RFC 3339 (2026-11-23T10:00:00Z), a date, today, yesterday, now, or -2h"
}

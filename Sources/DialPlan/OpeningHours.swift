/// Hours on some days of the week: `Mon-Fri 09:00-18:00`. An end of `24:00` is midnight.
public struct OpeningHours: Equatable, Sendable, CustomStringConvertible {
    /// 1 Monday to 7 Sunday.
    public var days: ClosedRange<Int>
    /// Minutes after midnight.
    public var minutes: Range<Int>

    private static let names = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]

    public init(days: ClosedRange<Int>, minutes: Range<Int>) { (self.days, self.minutes) = (days, minutes) }

    /// The hours that `text` says, nil when it says none: days and ranges of days between commas (`Sat,Mon`, `Fri-Mon` over the
    /// end of the week), and an end before the start is on the next day (`Fri 22:00-06:00`: also Saturday until six).
    public static func read(_ text: String) -> [OpeningHours]? {
        let parts = text.split(separator: " ", omittingEmptySubsequences: true)
        guard parts.count == 2, let days = days(parts[0]) else { return nil }
        let times = parts[1].split(separator: "-", omittingEmptySubsequences: false).map(minute)
        guard times.count == 2, let start = times[0], let end = times[1], start != end, start < midnight else {
            return nil
        }
        if start < end { return days.map { OpeningHours(days: $0, minutes: start..<end) } }
        let evening = days.map { OpeningHours(days: $0, minutes: start..<midnight) }
        guard end > 0 else { return evening }
        return evening + days.flatMap { next($0) }.map { OpeningHours(days: $0, minutes: 0..<end) }
    }

    private static let midnight = 24 * 60

    private static func days(_ text: Substring) -> [ClosedRange<Int>]? {
        var ranges: [ClosedRange<Int>] = []
        for item in text.split(separator: ",", omittingEmptySubsequences: false) {
            let ends = item.split(separator: "-", omittingEmptySubsequences: false).map(day)
            guard (1...2).contains(ends.count), let first = ends[0], let last = ends[ends.count - 1] else { return nil }
            ranges += first <= last ? [first...last] : [first...7, 1...last]
        }
        return ranges
    }

    private static func day(_ name: Substring) -> Int? {
        names.firstIndex { $0.lowercased() == name.lowercased() }.map { $0 + 1 }
    }

    /// The days after these.
    private static func next(_ days: ClosedRange<Int>) -> [ClosedRange<Int>] {
        if days.upperBound < 7 { return [days.lowerBound + 1...days.upperBound + 1] }
        return (days.lowerBound < 7 ? [days.lowerBound + 1...7] : []) + [1...1]
    }

    private static func minute(_ text: Substring) -> Int? {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 2, parts.allSatisfy({ $0.utf8.count == 2 }), let hour = UInt8(parts[0]),
            let minute = UInt8(parts[1]), hour <= 24, minute < 60, hour < 24 || minute == 0
        else { return nil }
        return Int(hour) * 60 + Int(minute)
    }

    public var description: String {
        let first = Self.names[days.lowerBound - 1]
        let last = Self.names[days.upperBound - 1]
        let time = { (minute: Int) in
            let (hour, rest) = minute.quotientAndRemainder(dividingBy: 60)
            return (hour < 10 ? "0" : "") + "\(hour):" + (rest < 10 ? "0" : "") + "\(rest)"
        }
        return (first == last ? first : "\(first)-\(last)")
            + " \(time(minutes.lowerBound))-\(time(minutes.upperBound))"
    }
}

/// Hours on some days of the week: `Mon-Fri 09:00-18:00`. An end of `24:00` is midnight; an end before the start is refused.
public struct OpeningHours: Equatable, Sendable, CustomStringConvertible {
    /// 1 Monday to 7 Sunday.
    public var days: ClosedRange<Int>
    /// Minutes after midnight.
    public var minutes: Range<Int>

    private static let names = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]

    public init(days: ClosedRange<Int>, minutes: Range<Int>) { (self.days, self.minutes) = (days, minutes) }

    /// nil when `text` does not say it that way.
    public init?(_ text: String) {
        let parts = text.split(separator: " ", omittingEmptySubsequences: true)
        guard parts.count == 2 else { return nil }
        let days = parts[0].split(separator: "-", omittingEmptySubsequences: false).map { name in
            Self.names.firstIndex { $0.lowercased() == name.lowercased() }.map { $0 + 1 }
        }
        let times = parts[1].split(separator: "-", omittingEmptySubsequences: false).map(Self.minute)
        guard (1...2).contains(days.count), times.count == 2, let first = days.first.flatMap({ $0 }),
            let last = days.last.flatMap({ $0 }), first <= last, let start = times[0], let end = times[1], start < end
        else { return nil }
        self.init(days: first...last, minutes: start..<end)
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

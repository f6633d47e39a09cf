import Timebase

/// A moment as a clock on the wall of some place shows it.
public struct LocalTime: Hashable, Sendable {
    public var year: Int
    public var month: Int
    public var day: Int
    /// 1 Monday to 7 Sunday.
    public var weekday: Int
    /// Since midnight.
    public var minute: Int

    public init(year: Int, month: Int, day: Int, weekday: Int, minute: Int) {
        (self.year, self.month, self.day) = (year, month, day)
        (self.weekday, self.minute) = (weekday, minute)
    }

    /// As holidays are written: `2026-01-07`.
    public var date: String {
        let two = { (value: Int) in value < 10 ? "0\(value)" : "\(value)" }
        return "\(year)-\(two(month))-\(two(day))"
    }
}

extension LocalTime {
    /// `2026-01-07T10:00`; nil for what is written otherwise, or is no day.
    public init?(written text: String) {
        let parts = text.split { "-T:".contains($0) }.map { Int($0) }
        guard parts.count == 5, !parts.contains(nil) else { return nil }
        let numbers = parts.compactMap { $0 }
        guard (1970...9_999).contains(numbers[0]), (1...12).contains(numbers[1]), (1...31).contains(numbers[2]),
            (0...23).contains(numbers[3]), (0...59).contains(numbers[4])
        else { return nil }
        // Found by its date from the days around: a year has at most 366, a day 86,400 seconds.
        let guess =
            Int64(numbers[0] - 1970) * 31_556_952 + Int64(numbers[1] - 1) * 2_629_746 + Int64(numbers[2]) * 86_400
        let wanted = LocalTime(year: numbers[0], month: numbers[1], day: numbers[2], weekday: 1, minute: 0).date
        for day in -5...5 {
            var time = LocalTime(localSeconds: guess + Int64(day) * 86_400)
            guard time.date == wanted else { continue }
            time.minute = numbers[3] * 60 + numbers[4]
            self = time
            return
        }
        return nil
    }

    /// Reckons in the Gregorian calendar from seconds since 1970 of the place's own clock (UTC and its offset).
    public init(localSeconds: Int64) {
        let (days, seconds) = WallTime.floorDivide(localSeconds, 86_400)
        let date = WallTime.civil(fromDays: days)
        self.init(
            year: Int(clamping: date.year),
            month: Int(clamping: date.month),
            day: Int(clamping: date.day),
            // The first day of 1970 was a Thursday.
            weekday: Int(clamping: WallTime.floorDivide(days + 3, 7).1 + 1),
            minute: Int(clamping: seconds / 60)
        )
    }
}

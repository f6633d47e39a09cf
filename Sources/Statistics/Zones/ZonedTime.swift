import Timebase

/// A point in time as a clock on the wall of some zone shows it, in the Gregorian calendar.
public struct ZonedTime: Hashable, Sendable {
    public var year: Int
    public var month: Int
    public var day: Int
    public var hour: Int
    public var minute: Int
    public var second: Int
    /// 1 Monday to 7 Sunday (ISO 8601).
    public var weekday: Int
    /// Seconds east of UTC. It tells the two hours apart that the clock shows twice.
    public var offset: Int

    /// `2026-03-29`.
    public var date: String { "\(Self.pad(year, 4))-\(Self.pad(month, 2))-\(Self.pad(day, 2))" }
    /// `02:30`.
    public var clock: String { "\(Self.pad(hour, 2)):\(Self.pad(minute, 2))" }

    private static func pad(_ value: Int, _ width: Int) -> String {
        let digits = String(value)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }

    /// From milliseconds of the zone's own clock since its 1970-01-01T00:00:00.
    init(wall: Int64, offset: Int) {
        let (days, ofDay) = WallTime.floorDivide(wall, Day.milliseconds)
        let date = WallTime.civil(fromDays: days)
        (year, month, day) = (Int(date.year), Int(date.month), Int(date.day))
        let seconds = Int(ofDay / 1000)
        (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60)
        (weekday, self.offset) = (Day.weekday(days) + 1, offset)
    }
}

/// Days counted from 1970-01-01, which was a Thursday.
enum Day {
    static let milliseconds: Int64 = 86_400_000

    /// 0 Monday to 6 Sunday.
    static func weekday(_ days: Int64) -> Int { Int(WallTime.floorDivide(days.plus(3), 7).1) }

    static func isLeap(_ year: Int64) -> Bool { year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) }

    static func count(ofMonth month: Int64, year: Int64) -> Int64 {
        month == 2 ? (isLeap(year) ? 29 : 28) : [4, 6, 9, 11].contains(month) ? 30 : 31
    }
}

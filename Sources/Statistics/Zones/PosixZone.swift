import Timebase

/// A rule for all years, as POSIX writes it in TZ (XBD 8.3) and RFC 8536 §3.3.1 extends it: `CET-1CEST,M3.5.0,M10.5.0/3`.
struct PosixZone: Hashable, Sendable {
    /// The day of a year on which clocks change.
    enum Date: Hashable, Sendable {
        /// 1 to 365; 29 February is never counted.
        case julian(Int64)
        /// 0 to 365; 29 February is counted.
        case zeroBased(Int64)
        /// Month 1 to 12, week 1 to 5 (5 is the last), weekday 0 Sunday to 6 Saturday.
        case month(Int64, week: Int64, weekday: Int64)
    }

    struct Change: Hashable, Sendable {
        var date: Date
        /// Seconds after midnight of the clock that was in force, from -167 to 167 hours.
        var time: Int64
    }

    struct Daylight: Hashable, Sendable {
        var kind: ZoneKind
        var start: Change
        var end: Change
    }

    var standard: ZoneKind
    var daylight: Daylight?

    /// - Parameter text: the value of TZ; nil for what is none.
    init?(_ text: some Sequence<UInt8>) {
        var scanner = PosixScanner(text)
        guard let name = scanner.name(), let west = scanner.time(hours: 24) else { return nil }
        standard = ZoneKind(offset: Int(-west), isDaylightSaving: false, abbreviation: name)
        guard !scanner.isAtEnd else { return }
        guard let other = scanner.name() else { return nil }
        var offset = standard.offset + 3600
        if let next = scanner.next, next != UInt8(ascii: ",") {
            guard let west = scanner.time(hours: 24) else { return nil }
            offset = Int(-west)
        }
        let kind = ZoneKind(offset: offset, isDaylightSaving: true, abbreviation: other)
        // POSIX leaves a missing rule to the system; the others take that of the United States.
        var start = Change(date: .month(3, week: 2, weekday: 0), time: 7200)
        var end = Change(date: .month(11, week: 1, weekday: 0), time: 7200)
        if !scanner.isAtEnd {
            guard scanner.skip(","), let first = scanner.change(), scanner.skip(","), let second = scanner.change(),
                scanner.isAtEnd
            else { return nil }
            (start, end) = (first, second)
        }
        daylight = Daylight(kind: kind, start: start, end: end)
    }

    /// The two changes of a year in UTC milliseconds; none when the clock never changes.
    func changes(in year: Int64) -> [ZoneTransition] {
        guard let daylight else { return [] }
        let start = daylight.start.seconds(in: year) - Int64(standard.offset)
        let end = daylight.end.seconds(in: year) - Int64(daylight.kind.offset)
        let changes = [
            ZoneTransition(at: start * 1000, kind: daylight.kind), ZoneTransition(at: end * 1000, kind: standard),
        ]
        return start <= end ? changes : changes.reversed()
    }

    func kind(at milliseconds: Int64) -> ZoneKind {
        let year = Self.year(of: milliseconds)
        var latest: ZoneTransition?
        // The years beside it too, for changes around New Year. Where one year's end is the next one's start (daylight
        // saving all year), the later year wins.
        for change in (year - 1...year + 1).flatMap({ changes(in: $0) })
        where change.at <= milliseconds && change.at >= latest?.at ?? .min {
            latest = change
        }
        return latest?.kind ?? standard
    }

    static func year(of milliseconds: Int64) -> Int64 {
        WallTime.civil(fromDays: WallTime.floorDivide(milliseconds, Day.milliseconds).0).year
    }
}

extension PosixZone.Change {
    /// Seconds of the zone's own clock since its 1970-01-01T00:00:00.
    fileprivate func seconds(in year: Int64) -> Int64 { date.days(in: year) * 86_400 + time }
}

extension PosixZone.Date {
    fileprivate func days(in year: Int64) -> Int64 {
        let newYear = WallTime.days(fromCivil: year, 1, 1)
        switch self {
        case .julian(let day): return newYear + day - 1 + (Day.isLeap(year) && day >= 60 ? 1 : 0)
        case .zeroBased(let day): return newYear + day
        case .month(let month, let week, let weekday):
            let first = WallTime.days(fromCivil: year, month, 1)
            let toWeekday = WallTime.floorDivide(weekday - 1 - Int64(Day.weekday(first)), 7).1
            var day = toWeekday + (week - 1) * 7
            while day >= Day.count(ofMonth: month, year: year) { day -= 7 }
            return first + day
        }
    }
}

public import Timebase

/// What a zone's clock shows for a while.
public struct ZoneKind: Hashable, Sendable {
    /// Seconds east of UTC, within 26 hours (RFC 8536 §3.2).
    public var offset: Int
    public var isDaylightSaving: Bool
    public var abbreviation: String

    public init(offset: Int, isDaylightSaving: Bool, abbreviation: String) {
        self.offset = min(max(offset, -ZoneRules.farthestOffset), ZoneRules.farthestOffset)
        (self.isDaylightSaving, self.abbreviation) = (isDaylightSaving, abbreviation)
    }

    var milliseconds: Int64 { Int64(offset) * 1000 }
}

/// From when on a zone's clock shows it.
public struct ZoneTransition: Hashable, Sendable {
    /// UTC milliseconds since 1970.
    public var at: Int64
    public var kind: ZoneKind

    public init(at: Int64, kind: ZoneKind) { (self.at, self.kind) = (at, kind) }
}

/// A time zone as a value: when its clock changes, and to what. Nothing is read from the system.
public struct ZoneRules: Hashable, Sendable {
    /// Seconds.
    static let farthestOffset = 26 * 3600
    /// Times are held within some 285 000 years of 1970, so that no sum of them can overflow.
    static let farthest: Int64 = 9_000_000_000_000_000

    /// Before the first transition.
    public let initial: ZoneKind
    /// Sorted by time.
    public let transitions: [ZoneTransition]
    /// After the last transition.
    let footer: PosixZone?

    /// - Parameters:
    ///   - initial: what holds before the first transition.
    ///   - transitions: in any order.
    ///   - footer: what holds after the last one, as a value of TZ; text that is none counts as absent.
    public init(initial: ZoneKind, transitions: [ZoneTransition] = [], footer: String = "") {
        self.init(initial: initial, sorting: transitions, footer: PosixZone(footer.utf8))
    }

    init(initial: ZoneKind, sorting transitions: [ZoneTransition], footer: PosixZone?) {
        (self.initial, self.footer) = (initial, footer)
        self.transitions = transitions.map { ZoneTransition(at: Self.bounded($0.at), kind: $0.kind) }
            .sorted { $0.at < $1.at }
    }

    public static let utc = ZoneRules(initial: ZoneKind(offset: 0, isDaylightSaving: false, abbreviation: "UTC"))

    static func bounded(_ milliseconds: Int64) -> Int64 { min(max(milliseconds, -farthest), farthest) }

    /// What the clock shows at a time in UTC milliseconds since 1970.
    public func kind(at milliseconds: Int64) -> ZoneKind {
        let time = Self.bounded(milliseconds)
        if let footer, time >= transitions.last?.at ?? .min { return footer.kind(at: time) }
        let next = index(after: time)
        return next == 0 ? initial : transitions[next - 1].kind
    }

    /// Of the first transition later than a time; the count when there is none.
    private func index(after time: Int64) -> Int {
        var (low, high) = (0, transitions.count)
        while low < high {
            let middle = (low + high) / 2
            if transitions[middle].at <= time { low = middle + 1 } else { high = middle }
        }
        return low
    }

    /// What the clock shows at a time.
    public func local(_ time: WallTime) -> ZonedTime {
        let milliseconds = Self.bounded(time.milliseconds)
        let kind = kind(at: milliseconds)
        return ZonedTime(wall: milliseconds + kind.milliseconds, offset: kind.offset)
    }

    /// When the clock shows this, in UTC milliseconds since 1970: never (skipped in spring, or no such date), once, or
    /// twice (repeated in autumn), the earlier first.
    public func instants(
        ofLocal year: Int,
        _ month: Int,
        _ day: Int,
        _ hour: Int = 0,
        _ minute: Int = 0,
        _ second: Int = 0
    ) -> [Int64] {
        guard (-280_000...280_000).contains(year), (1...12).contains(month), day >= 1,
            day <= Day.count(ofMonth: Int64(month), year: Int64(year)), (0...23).contains(hour),
            (0...59).contains(minute), (0...59).contains(second)
        else { return [] }
        let days = WallTime.days(fromCivil: Int64(year), Int64(month), Int64(day))
        return instants(ofWall: days * Day.milliseconds + Int64(hour * 3600 + minute * 60 + second) * 1000)
    }

    /// The same for milliseconds of the zone's own clock.
    func instants(ofWall wall: Int64) -> [Int64] {
        let wall = Self.bounded(wall)
        let reach = Int64(Self.farthestOffset) * 1000
        let near = changes(after: wall - reach - 1, before: wall + reach + 1)
        let kinds = [kind(at: wall - reach - 1)] + near.map(\.kind)
        let candidates = Set(kinds.map { wall - $0.milliseconds })
        return candidates.filter { $0 + kind(at: $0).milliseconds == wall }.sorted()
    }

    /// When the clock reaches so many minutes after the midnight of a day; when it skips that minute, the time of the jump.
    public func instant(of day: ZonedTime, minute: Int) -> Int64 {
        let days = WallTime.days(fromCivil: Int64(day.year), Int64(day.month), Int64(day.day))
        return earliest(ofWall: days * Day.milliseconds + Int64(minute) * 60_000)
    }

    /// When the clock reaches this: the earliest time that it shows it, or, when it is skipped, the time of the jump.
    func earliest(ofWall wall: Int64) -> Int64 {
        if let first = instants(ofWall: wall).first { return first }
        let reach = Int64(Self.farthestOffset) * 1000
        let jump = changes(after: wall - reach - 1, before: wall + reach + 1).first {
            $0.at + kind(at: $0.at - 1).milliseconds <= wall && wall < $0.at + $0.kind.milliseconds
        }
        return jump?.at ?? wall - kind(at: wall).milliseconds
    }

    /// Changes of the offset, sorted; those of the abbreviation alone are left out. Both ends are excluded.
    func changes(after start: Int64, before end: Int64) -> [ZoneTransition] {
        let (start, end) = (Self.bounded(start), Self.bounded(end))
        guard start < end else { return [] }
        var times = Set(transitions[index(after: start)...].prefix { $0.at < end }.map(\.at))
        if let footer, footer.daylight != nil {
            let tableEnd = transitions.last?.at ?? .min
            let from = max(start, tableEnd)
            if from < end {
                for year in PosixZone.year(of: from) - 1...PosixZone.year(of: end) + 1 {
                    times.formUnion(footer.changes(in: year).map(\.at).filter { from < $0 && $0 < end })
                }
            }
        }
        return times.sorted().compactMap { time in
            let after = kind(at: time)
            return after.offset == kind(at: time - 1).offset ? nil : ZoneTransition(at: time, kind: after)
        }
    }
}

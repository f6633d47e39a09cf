import Accounting
import Config
import DialPlan
import Events
import Records
import Statistics
import Timebase

/// How closely agents kept to their shift plans.
extension Reporter {
    /// nil: no plan says when he works.
    func adherence(of user: String, in window: Window) throws -> Adherence? {
        guard let shift = tenant.shift(of: user) else { return nil }
        // What is to come is not missed.
        let passed = window.from..<max(window.from, min(window.until, now))
        var spans = try database.agentIntervals(of: user, from: window.from, until: window.until).compactMap {
            interval in
            WorkState(rawValue: interval.state.rawValue).map {
                let end = interval.untilMilliseconds ?? max(interval.sinceMilliseconds, lastKnown)
                return StateSpan($0, from: interval.sinceMilliseconds, to: end)
            }
        }
        // Before his first log-in he is logged out, whether the history begins there or later.
        let begin = spans.map(\.from).min() ?? passed.upperBound
        if passed.lowerBound < begin { spans.append(StateSpan(.loggedOut, from: passed.lowerBound, to: begin)) }
        return Adherence(of: spans, to: planned(shift, in: passed), in: passed)
    }

    /// The plan's parts of the window's days, pauses cut out of the work.
    func planned(_ shift: ShiftPlan, in window: Range<Int64>) -> [PlannedSpan] {
        Intervals.intervals(from: window.lowerBound, to: window.upperBound, by: .day, in: zone).flatMap { day in
            let date = zone.local(WallTime(milliseconds: day.lowerBound))
            let pauses = shift.pauses.filter { $0.days.contains(date.weekday) }.map(\.minutes)
                .sorted { $0.lowerBound < $1.lowerBound }
            let work = shift.work.filter { $0.days.contains(date.weekday) }.flatMap {
                Self.cut(pauses, out: $0.minutes)
            }
            let span = { (kind: PlannedSpan.Kind, minutes: Range<Int>) in
                PlannedSpan(
                    kind,
                    from: zone.instant(of: date, minute: minutes.lowerBound),
                    to: zone.instant(of: date, minute: minutes.upperBound)
                )
            }
            return work.map { span(.work, $0) } + pauses.map { span(.pause, $0) }
        }
    }

    private static func cut(_ pauses: [Range<Int>], out work: Range<Int>) -> [Range<Int>] {
        var parts: [Range<Int>] = []
        var begin = work.lowerBound
        for pause in pauses where pause.overlaps(work) {
            if begin < pause.lowerBound { parts.append(begin..<pause.lowerBound) }
            begin = max(begin, pause.upperBound)
        }
        if begin < work.upperBound { parts.append(begin..<work.upperBound) }
        return parts
    }
}

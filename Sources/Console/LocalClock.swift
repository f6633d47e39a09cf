public import Foundation

/// Points in time as the clock on a tenant's wall shows them.
public struct LocalClock {
    private let zone: TimeZone
    private let plain = DateFormatter()
    private let exact = DateFormatter()

    public init(_ zone: TimeZone) {
        self.zone = zone
        for formatter in [plain, exact] {
            (formatter.locale, formatter.timeZone) = (Locale(identifier: "en_US_POSIX"), zone)
        }
        plain.dateFormat = "yyyy-MM-dd HH:mm:ss"
        exact.dateFormat = "yyyy-MM-dd HH:mm:ssxxx"
    }

    /// `2026-11-01 01:30:00`; what the clock shows twice has its distance from UTC behind it: `2026-11-01 01:30:00-04:00`.
    public func text(of date: Date) -> String { (isShownTwice(date) ? exact : plain).string(from: date) }

    private func isShownTwice(_ date: Date) -> Bool {
        let offset = zone.secondsFromGMT(for: date)
        // No clock is set back by more.
        return [-3, 3].contains { hours in
            let other = zone.secondsFromGMT(for: date.addingTimeInterval(hours * 3600))
            let twin = date.addingTimeInterval(Double(offset - other))
            return other != offset && zone.secondsFromGMT(for: twin) == other
        }
    }
}

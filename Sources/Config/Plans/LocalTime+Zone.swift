public import DialPlan
public import Foundation
public import Timebase

extension LocalTime {
    /// What the clocks of a zone show at a moment.
    public init(at moment: WallTime, in zone: TimeZone) {
        let offset = zone.secondsFromGMT(for: Date(timeIntervalSince1970: Double(moment.milliseconds) / 1_000))
        self.init(localSeconds: moment.milliseconds / 1_000 + Int64(offset))
    }
}

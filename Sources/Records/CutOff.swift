public import Events
public import Timebase

/// The end of something that the last run left open: the event that it did not live to publish.
public struct CutOff: Equatable, Sendable {
    /// The call's id; nil: it is no call's.
    public var call: String?
    public var event: Event
    /// When the switch is last known to have lived.
    public var at: WallTime

    public init(call: String?, event: Event, at: WallTime) {
        (self.call, self.event, self.at) = (call, event, at)
    }
}

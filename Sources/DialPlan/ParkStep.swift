extension Step {
    /// Keeps a party that is transferred here for whoever dials the slot; a user who dials it takes who waits there.
    public struct Park: Equatable, Sendable {
        public static let defaultTimeout: Duration = .seconds(60)

        public var slot: Template
        /// After so long, whoever parked the party is rung.
        public var timeout: Duration

        public init(slot: Template, timeout: Duration = Park.defaultTimeout) {
            (self.slot, self.timeout) = (slot, timeout)
        }
    }
}

/// A place of a tenant where a party may wait.
public struct ParkRequest: Equatable, Sendable {
    public var slot: String
    public var timeout: Duration

    public init(slot: String, timeout: Duration = Step.Park.defaultTimeout) {
        (self.slot, self.timeout) = (slot, timeout)
    }
}

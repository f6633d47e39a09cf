public import DialPlan

/// Who a call out is shown to come from.
public struct CallerID: Equatable, Sendable {
    public var number: String
    /// nil: no name goes out.
    public var name: String?

    public init(number: String, name: String? = nil) { (self.number, self.name) = (number, name) }
}

/// The numbers that one trunk takes as a caller's. Carriers refuse, or replace, what is none of their customer's.
public struct CallerIDRule: Equatable, Sendable {
    /// What is shown in the place of everything that is not allowed.
    public var standard: CallerID
    /// What else may be shown.
    public var allowed: [Pattern]

    public init(standard: CallerID, allowed: [Pattern] = []) { (self.standard, self.allowed) = (standard, allowed) }

    public func allows(_ number: String) -> Bool {
        number == standard.number || allowed.contains { $0.matches(number) }
    }

    /// The first of these that may be shown, or what always may.
    public func chosen(among wishes: [CallerID]) -> CallerID { wishes.first { allows($0.number) } ?? standard }
}

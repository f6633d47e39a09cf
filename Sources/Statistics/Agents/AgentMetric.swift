/// Where an agent's time went, in milliseconds: what occupancy and utilisation are made of. Sums saturate.
public struct AgentTime: Hashable, Codable, Sendable {
    public var talk: Int64 = 0
    public var hold: Int64 = 0
    public var wrapUp: Int64 = 0
    /// Other work for customers: messages, calls back.
    public var otherWork: Int64 = 0
    /// Work away from customers: training, meetings, projects.
    public var offPhone: Int64 = 0
    public var ringing: Int64 = 0
    public var available: Int64 = 0
    /// All time that is paid, breaks and meetings included.
    public var paid: Int64 = 0

    public init() {}

    /// Talk, hold, wrap-up and other work for customers.
    public var handling: Int64 { talk.plus(hold).plus(wrapUp).plus(otherWork) }

    public static func + (lhs: AgentTime, rhs: AgentTime) -> AgentTime {
        var sum = lhs
        for path in summed { sum[keyPath: path] = lhs[keyPath: path].plus(rhs[keyPath: path]) }
        return sum
    }

    private static var summed: [WritableKeyPath<AgentTime, Int64>] {
        [\.talk, \.hold, \.wrapUp, \.otherWork, \.offPhone, \.ringing, \.available, \.paid]
    }
}

/// How busy agents were, by one of the formulas in use. Sources disagree on the very words, so a report names the formula.
public enum AgentMetric: String, Hashable, Codable, Sendable, CaseIterable {
    /// callcentrehelper.com, "Difference Between Occupancy and Utilization"; ringing counts as available.
    case occupancy
    /// The same with ringing as work.
    case occupancyWithRinging = "occupancy-ringing-as-work"
    /// ICMI, "Constructive Use of Occupancy": off-phone work counts as work.
    case occupancyWithOffPhone = "occupancy-with-off-phone"
    /// callcentrehelper.com and Genesys: of all paid time.
    case utilisation
    /// ICMI's utilisation, before it is divided by anything but paid time: talk, wrap-up and idle, no other work.
    case utilisationOnPhone = "utilisation-on-phone"

    public var formula: String {
        switch self {
        case .occupancy:
            "(talk + hold + wrap-up + other customer work) ÷ (the same + ringing + available)"
        case .occupancyWithRinging:
            "(talk + hold + wrap-up + other customer work + ringing) ÷ (the same + available)"
        case .occupancyWithOffPhone:
            "(talk + hold + wrap-up + other customer work + off-phone work) ÷ (the same + ringing + available)"
        case .utilisation:
            "(talk + hold + wrap-up + other customer work + ringing + available) ÷ paid time"
        case .utilisationOnPhone:
            "(talk + hold + wrap-up + ringing + available) ÷ paid time"
        }
    }

    /// The share from 0 to 1, or nil when there was no such time.
    public func value(of time: AgentTime) -> Double? {
        let (handling, ringing) = (Double(time.handling), Double(time.ringing))
        let (available, away) = (Double(time.available), Double(time.offPhone))
        return switch self {
        case .occupancy: quotient(handling, handling + ringing + available)
        case .occupancyWithRinging: quotient(handling + ringing, handling + ringing + available)
        case .occupancyWithOffPhone: quotient(handling + away, handling + away + ringing + available)
        case .utilisation: quotient(handling + ringing + available, Double(time.paid))
        case .utilisationOnPhone:
            quotient(handling - Double(time.otherWork) + ringing + available, Double(time.paid))
        }
    }
}

/// The share of calls answered in time, by one of the formulas in use. They differ in what they do with calls that were
/// given up, so a report names the one it used.
///
/// SL1 to SL5: callcentrehelper.com, "Service Level Threshold Calculations"; SL6: Talkdesk's and RingCentral's rule; the
/// other three: Cisco Unified ICM, "Service Level Formulas". Asterisk's "SL" is SL2 here, and its "SL2" is SL1.
public enum ServiceLevelFormula: String, Hashable, Codable, Sendable, CaseIterable {
    case sl1 = "SL1"
    /// Blind to abandoned calls: its source calls it no accurate reflection.
    case sl2 = "SL2"
    case sl3 = "SL3"
    case sl4 = "SL4"
    case sl5 = "SL5"
    case sl6 = "SL6"
    case ciscoIgnore = "cisco-ignore"
    case ciscoNegative = "cisco-negative"
    case ciscoPositive = "cisco-positive"

    /// The one that is meant when none is named: short abandons are left out.
    public static let standard = ServiceLevelFormula.sl6

    /// The formula as reports print it. W joins the denominators, so that calls waiting longer than X count at once.
    public var formula: String {
        switch self {
        case .sl1: "(Aₓ + Bₓ) ÷ (A + B + W)"
        case .sl2: "Aₓ ÷ A"
        case .sl3: "Aₓ ÷ (A + B + W)"
        case .sl4: "Aₓ ÷ (A + B + W − Bₓ)"
        case .sl5: "(Aₓ + Bₕ) ÷ (A + B + W)"
        case .sl6: "Aₓ ÷ (A + B + W − Bₕ)"
        case .ciscoIgnore: "Aₓ ÷ (E − Bₓ)"
        case .ciscoNegative: "Aₓ ÷ E"
        case .ciscoPositive: "(Aₓ + Bₓ) ÷ E"
        }
    }

    /// What the letters of every formula mean.
    public static let legend = """
        A answered, B abandoned, Aₓ and Bₓ within X, Bₕ abandoned within h, W still waiting longer than X, \
        E calls with a service level event (answered or abandoned within X, or X elapsed)
        """

    /// The share from 0 to 1, or nil when no call counts.
    public func value(of tally: QueueTally) -> Double? {
        let (within, given) = (Double(tally.answeredWithin), Double(tally.abandonedWithin))
        let (answered, short) = (Double(tally.answered), Double(tally.shortAbandoned))
        let all = answered + Double(tally.abandoned) + Double(tally.waitingBeyond)
        let events = within + given + Double(tally.exceeded)
        return switch self {
        case .sl1: quotient(within + given, all)
        case .sl2: quotient(within, answered)
        case .sl3: quotient(within, all)
        case .sl4: quotient(within, all - given)
        case .sl5: quotient(within + short, all)
        case .sl6: quotient(within, all - short)
        case .ciscoIgnore: quotient(within, events - given)
        case .ciscoNegative: quotient(within, events)
        case .ciscoPositive: quotient(within + given, events)
        }
    }
}

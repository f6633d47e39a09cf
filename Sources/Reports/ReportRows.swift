/// A queue's row (contract: queue report row). Times are seconds with milliseconds; shares go from 0 to 1.
public struct QueueReportRow: Codable, Equatable, Sendable {
    /// The queue; of a report by agent, the agent.
    public var queue: String
    public var agent: String?
    public var from: String
    public var to: String
    public var offered: Int
    public var answered: Int
    public var abandoned: Int
    public var short_abandoned: Int
    public var overflowed: Int
    public var waiting: Int
    public var service_level: Double?
    public var service_level_formula: String
    public var asa_s: Double?
    public var aht_s: Double?
    public var acw_s: Double?
    public var max_wait_s: Double
    public var abandon_rate: Double?
    public var occupancy: Double?
    public var talk_s: Double
    public var hold_s: Double

    static let keys = [
        "queue", "agent", "from", "to", "offered", "answered", "abandoned", "short_abandoned", "overflowed", "waiting",
        "service_level", "service_level_formula", "asa_s", "aht_s", "acw_s", "max_wait_s", "abandon_rate", "occupancy",
        "talk_s", "hold_s",
    ]
}

/// An agent's row.
public struct AgentReportRow: Codable, Equatable, Sendable {
    public var agent: String
    public var name: String?
    public var from: String
    public var to: String
    public var handled: Int
    public var offers: Int
    public var missed: Int
    public var answer_rate: Double?
    public var talk_s: Double
    public var hold_s: Double
    public var acw_s: Double
    public var aht_s: Double?
    /// Answered calls of the agent's own, past the queues.
    public var direct_calls: Int
    public var direct_talk_s: Double
    public var logged_in_s: Double
    public var available_s: Double
    public var ringing_s: Double
    public var on_call_s: Double
    public var wrap_up_s: Double
    public var paused_s: Double
    public var unreachable_s: Double
    public var blocked_s: Double
    public var logged_out_s: Double
    /// By reason.
    public var pauses_s: [String: Double]
    /// Of the pauses whose reasons are paid, and of those whose are not.
    public var paid_pause_s: Double
    public var unpaid_pause_s: Double
    /// All time logged in but unpaid pauses.
    public var paid_s: Double
    public var occupancy: Double?
    public var occupancy_formula: String
    /// The states' sum less the time they cover: 0, or there is a gap or an overlap.
    public var check_s: Double

    static let keys = [
        "agent", "name", "from", "to", "handled", "offers", "missed", "answer_rate", "talk_s", "hold_s", "acw_s",
        "aht_s", "direct_calls", "direct_talk_s",
        "logged_in_s", "available_s", "ringing_s", "on_call_s", "wrap_up_s", "paused_s", "unreachable_s", "blocked_s",
        "logged_out_s", "pauses_s", "paid_pause_s", "unpaid_pause_s", "paid_s", "occupancy", "occupancy_formula",
        "check_s",
    ]
}

/// The calls of one direction and one ending, or over one trunk.
public struct CallReportRow: Codable, Equatable, Sendable {
    public var direction: String
    public var disposition: String?
    public var trunk: String?
    public var from: String
    public var to: String
    public var calls: Int
    public var answered: Int
    public var answer_rate: Double?
    public var talk_s: Double
    public var duration_s: Double

    static let keys = [
        "direction", "disposition", "trunk", "from", "to", "calls", "answered", "answer_rate", "talk_s", "duration_s",
    ]
}

/// Somebody who called and was not served.
public struct MissedReportRow: Codable, Equatable, Sendable {
    public var call_id: String
    public var number: String
    public var queue: String?
    public var at: String
    public var waited_s: Double
    public var called_back: Bool
    public var called_back_by: String?
    public var called_back_after_s: Double?
    public var called_back_call: String?

    static let keys = [
        "call_id", "number", "queue", "at", "waited_s", "called_back", "called_back_by", "called_back_after_s",
        "called_back_call",
    ]
}

/// One call in one queue: what a report's number is made of.
public struct StayReportRow: Codable, Equatable, Sendable {
    public var call_id: String
    public var queue: String
    public var number: String
    public var entered_at: String
    public var outcome: String?
    public var agent: String?
    public var wait_s: Double?
    public var talk_s: Double?
    public var hold_s: Double?
    public var acw_s: Double?
    public var offers: Int

    static let keys = [
        "call_id", "queue", "number", "entered_at", "outcome", "agent", "wait_s", "talk_s", "hold_s", "acw_s", "offers",
    ]
}

/// Which rows a report has, its keys in order, and how its numbers were made.
public struct Report: Sendable {
    /// JSON: an array of objects.
    public var json: [UInt8]
    public var keys: [String]
    /// Formulas and what was left out, a line each.
    public var notes: [String]
}

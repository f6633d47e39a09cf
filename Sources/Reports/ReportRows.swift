public import Accounting
import Foundation
import Statistics

protocol ReportRow: Encodable {
    /// What names the row in its report, whatever is written meanwhile: the next page begins behind it.
    var place: String { get }
}

/// A queue's row (contract: queue report row). Times are seconds with milliseconds; shares go from 0 to 1.
public struct QueueReportRow: ReportRow, Sendable {
    /// The queue; of a report by agent, the agent.
    public var queue: String
    @OrNull public var agent: String?
    public var from: String
    public var to: String
    public var offered: Int
    public var answered: Int
    public var abandoned: Int
    public var short_abandoned: Int
    public var overflowed: Int
    public var waiting: Int
    @OrNull public var service_level: Double?
    public var service_level_formula: String
    @OrNull public var asa_s: Double?
    @OrNull public var aht_s: Double?
    @OrNull public var acw_s: Double?
    public var max_wait_s: Double
    @OrNull public var abandon_rate: Double?
    @OrNull public var occupancy: Double?
    public var talk_s: Double
    public var hold_s: Double
    /// The same under other sources' formulas: see `QueueMetric`.
    @OrNull public var average_delay_s: Double?
    @OrNull public var average_time_to_abandon_s: Double?
    @OrNull public var abandon_rate_of_offered: Double?
    @OrNull public var short_abandon_rate: Double?
    @OrNull public var acw_auto_s: Double?
    @OrNull public var acw_manual_s: Double?
    /// nil: nobody asked for it.
    @OrNull public var first_contact_resolution: Double?

    var place: String { [queue, agent, from].compactMap { $0 }.joined(separator: " ") }

    static let keys =
        [
            "queue", "agent", "from", "to", "offered", "answered", "abandoned", "short_abandoned", "overflowed",
            "waiting",
            "service_level", "service_level_formula", "asa_s", "aht_s", "acw_s", "max_wait_s", "abandon_rate",
            "occupancy",
            "talk_s", "hold_s",
        ]
        + variants.keys.sorted() + ["first_contact_resolution"]

    /// Columns that tables leave out unless they are asked for, each with the metric that it is.
    static let variants: [String: QueueMetric] = [
        "average_delay_s": .averageDelay, "average_time_to_abandon_s": .averageTimeToAbandon,
        "abandon_rate_of_offered": .abandonRateOfOffered, "short_abandon_rate": .shortAbandonRate,
        "acw_auto_s": .averageAutomaticWrapUp, "acw_manual_s": .averageManualWrapUp,
    ]
}

/// An agent's row.
public struct AgentReportRow: ReportRow, Sendable {
    public var agent: String
    @OrNull public var name: String?
    public var from: String
    public var to: String
    public var handled: Int
    public var offers: Int
    public var missed: Int
    @OrNull public var answer_rate: Double?
    public var talk_s: Double
    public var hold_s: Double
    public var acw_s: Double
    @OrNull public var aht_s: Double?
    /// Answered calls of the agent's own, past the queues.
    public var direct_calls: Int
    public var direct_talk_s: Double
    /// When he was first logged in within the time of the row, and logged out last; nil: he still is, or never was.
    @OrNull public var first_login: String?
    @OrNull public var last_logout: String?
    /// How many times he was there, logged out in between.
    public var logins: Int
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
    @OrNull public var occupancy: Double?
    public var occupancy_formula: String
    /// The states' sum less the time they cover: 0, or there is a gap or an overlap.
    public var check_s: Double
    /// Work and pauses of his shift plan until now; nil: he has none.
    @OrNull public var planned_s: Double?
    @OrNull public var adherence: Double?
    @OrNull public var conformance: Double?
    /// The same under other sources' formulas: see `AgentMetric` and `QueueMetric`.
    @OrNull public var occupancy_ringing_as_work: Double?
    @OrNull public var occupancy_with_off_phone: Double?
    @OrNull public var utilisation: Double?
    @OrNull public var utilisation_on_phone: Double?
    @OrNull public var answer_rate_of_offers: Double?
    /// The parts of `acw_s`: within the queues' `wrap_up`, and what went beyond, as somebody extended it.
    public var acw_auto_s: Double
    public var acw_manual_s: Double

    var place: String { "\(agent) \(from)" }

    static let keys =
        [
            "agent", "name", "from", "to", "handled", "offers", "missed", "answer_rate", "talk_s", "hold_s", "acw_s",
            "aht_s", "direct_calls", "direct_talk_s",
            "logged_in_s", "available_s", "ringing_s", "on_call_s", "wrap_up_s", "paused_s", "unreachable_s",
            "blocked_s",
            "logged_out_s", "pauses_s", "paid_pause_s", "unpaid_pause_s", "paid_s", "occupancy", "occupancy_formula",
            "check_s", "planned_s", "adherence", "conformance",
        ]
        + extras

    static let extras = variants.keys.sorted() + ["answer_rate_of_offers", "acw_auto_s", "acw_manual_s"]

    /// Columns that tables leave out unless they are asked for, each with the metric that it is.
    static let variants: [String: AgentMetric] = [
        "occupancy_ringing_as_work": .occupancyWithRinging, "occupancy_with_off_phone": .occupancyWithOffPhone,
        "utilisation": .utilisation, "utilisation_on_phone": .utilisationOnPhone,
    ]

    /// Of the report of work time: when he was there and what for, without his calls.
    static let workTimeKeys = [
        "agent", "name", "from", "to", "first_login", "last_logout", "logins", "logged_in_s", "paid_s", "paid_pause_s",
        "unpaid_pause_s", "pauses_s", "available_s", "ringing_s", "on_call_s", "wrap_up_s", "paused_s", "unreachable_s",
        "blocked_s", "logged_out_s", "occupancy", "check_s", "planned_s", "adherence", "conformance",
    ]
}

/// A time of an agent in one state: what his work time is made of.
public struct StateReportRow: ReportRow, Sendable {
    public var agent: String
    public var from: String
    /// nil: it lasts.
    @OrNull public var to: String?
    public var state: String
    @OrNull public var reason: String?
    @OrNull public var queue: String?
    @OrNull public var call_id: String?
    /// Within the time of the report.
    public var duration_s: Double

    var place: String { "\(agent) \(from)" }

    static let keys = ["agent", "from", "to", "state", "reason", "queue", "call_id", "duration_s"]
}

/// The calls of one direction and one ending, or over one trunk.
public struct CallReportRow: ReportRow, Sendable {
    public var direction: String
    @OrNull public var disposition: String?
    @OrNull public var trunk: String?
    public var from: String
    public var to: String
    public var calls: Int
    public var answered: Int
    @OrNull public var answer_rate: Double?
    public var talk_s: Double
    public var duration_s: Double

    var place: String { [direction, disposition, trunk, from].compactMap { $0 }.joined(separator: " ") }

    static let keys = [
        "direction", "disposition", "trunk", "from", "to", "calls", "answered", "answer_rate", "talk_s", "duration_s",
    ]
}

/// Somebody who called and was not served.
public struct MissedReportRow: ReportRow, Sendable {
    public var call_id: String
    public var number: String
    @OrNull public var queue: String?
    public var at: String
    public var waited_s: Double
    public var called_back: Bool
    @OrNull public var called_back_by: String?
    /// Whether it came to a talk.
    @OrNull public var called_back_answered: Bool?
    @OrNull public var called_back_after_s: Double?
    @OrNull public var called_back_call: String?

    var place: String { "\(call_id) \(at)" }

    static let keys = [
        "call_id", "number", "queue", "at", "waited_s", "called_back", "called_back_by", "called_back_answered",
        "called_back_after_s", "called_back_call",
    ]
}

/// One call in one queue: what a report's number is made of.
public struct StayReportRow: ReportRow, Sendable {
    public var call_id: String
    public var queue: String
    public var number: String
    public var entered_at: String
    @OrNull public var outcome: String?
    @OrNull public var agent: String?
    @OrNull public var wait_s: Double?
    @OrNull public var talk_s: Double?
    @OrNull public var hold_s: Double?
    @OrNull public var acw_s: Double?
    public var offers: Int

    var place: String { "\(call_id) \(entered_at)" }

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
    /// Columns that a table has when they are asked for.
    public var extras: [String]
    /// The place of the last row, when more follow.
    public var next: String?
    /// What it is of, and on whose clock (an IANA name); nil: of no time.
    public var window: Reporter.Window?
    public var timeZone: String?

    init<Row: ReportRow>(
        rows: [Row],
        keys: [String],
        extras: [String] = [],
        notes: [String],
        page: Page
    ) throws {
        var rest = rows[...]
        if let after = page.after {
            guard let last = rest.firstIndex(where: { $0.place == after }) else {
                throw Reporter.Fault(
                    description: "the report has no row '\(after)'; give the place that the page before ended with"
                )
            }
            rest = rest[(last + 1)...]
        }
        let shown = page.limit.map { rest.prefix(max(0, $0)) } ?? rest
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        json = Array(try encoder.encode(Array(shown)))
        next = shown.count < rest.count ? shown.last?.place : nil
        (self.keys, self.extras, self.notes) = (keys, extras, notes)
    }
}

/// Which part of a report is wanted.
public struct Page: Sendable {
    /// Rows behind the one of this place.
    public var after: String?
    /// At most so many.
    public var limit: Int?

    public init(after: String? = nil, limit: Int? = nil) { (self.after, self.limit) = (after, limit) }
}

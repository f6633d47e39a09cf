import Timebase

/// How much strangers may have written into the log. A scanner sends thousands of requests a second: the first are lines, the rest is
/// a count that the next line tells. `/metrics` counts each.
struct LogAllowance {
    static let lines = 20
    static let period: Duration = .seconds(10)

    private var since: Instant?
    private var written = 0
    private var withheld = 0

    /// The line as it is to be logged; nil: it is one too many.
    mutating func take(_ text: String, now: Instant) -> String? {
        if since.map({ now - $0 >= Self.period }) ?? true { (since, written) = (now, 0) }
        guard written < Self.lines else {
            withheld += 1
            return nil
        }
        written += 1
        defer { withheld = 0 }
        return withheld == 0 ? text : "\(text) (before it \(withheld) of the kind that were not logged)"
    }
}

import Config
import Events
import Records
import Statistics

/// What reports are refused for: they would say nothing, or not end.
extension Reporter {
    /// More than a year of quarter hours.
    static let mostIntervals = 40_000
    /// A hundred years and more, in milliseconds.
    private static let longest: Int64 = 40_000 * 86_400_000

    /// - Throws: `Fault` for what the report does not look at: a filter that is overlooked shows what nobody wanted.
    func check(_ request: Request, of kind: Kind) throws {
        try kind.check(request.filters.keys, request.grouping)
        if let name = request.filters[.disposition], Disposition(rawValue: name) == nil {
            let names = Disposition.allCases.map(\.rawValue).joined(separator: ", ")
            throw Fault(description: "there is no disposition '\(name)'; use one of \(names)")
        }
        try check(request)
    }

    /// - Throws: `Fault` for a time that holds nothing or ages, and for a queue or an agent whom nobody ever knew.
    func check(_ request: Request) throws {
        let window = request.window
        guard window.from < window.until else {
            throw Fault(
                description: """
                    no time lies between \(stamp(window.from)) and \(stamp(window.until)), which is now if it is left out; ask for a \
                    since before the until
                    """
            )
        }
        let length = window.until.subtractingReportingOverflow(window.from)
        guard !length.overflow, length.partialValue <= Self.longest else {
            throw Fault(
                description:
                    "from \(stamp(window.from)) to \(stamp(window.until)) is too long; ask for a century at most"
            )
        }
        if let queue = request.queue, tenant.queues[queue] == nil {
            try Self.check(queue, "queue", among: tenant.queues.keys.sorted(), try database.queueNames())
        }
        if let agent = request.agent, tenant.users[agent] == nil {
            try Self.check(agent, "agent", among: tenant.users.keys.sorted(), try database.agentNames())
        }
        if let trunk = request.filters[.trunk], tenant.trunks[trunk] == nil {
            let past = try database.isOnRecord(trunk: trunk) ? [trunk] : []
            try Self.check(trunk, "trunk", among: tenant.trunks.keys.sorted(), past)
        }
    }

    private static func check(_ name: String, _ what: String, among known: [String], _ past: [String]) throws {
        guard !past.contains(name) else { return }
        let names = known.prefix(20).joined(separator: ", ") + (known.count > 20 ? ", …" : "")
        throw Fault(description: "there is and was no \(what) '\(name)'; there are: \(names)")
    }

    func intervals(of window: Window, by length: IntervalLength) throws -> [Range<Int64>] {
        let found = Intervals.intervals(from: window.from, to: window.until, by: length, in: zone)
        guard found.count <= Self.mostIntervals else {
            throw Fault(
                description: """
                    there are more than \(Self.mostIntervals) rows of \(length.rawValue) in that time; ask for a shorter time or longer rows
                    """
            )
        }
        return found
    }
}

extension Reporter.Kind {
    /// - Throws: `Fault` for a filter or a grouping that reports of this kind do not have.
    public func check(_ given: some Collection<Reporter.Filter>, _ grouping: Reporter.Grouping?) throws(Reporter.Fault)
    {
        if let foreign = Reporter.Filter.allCases.first(where: { given.contains($0) && !filters.contains($0) }) {
            let own = filters.map { "--\($0.rawValue)" }.joined(separator: ", ")
            throw Reporter.Fault(
                description: "the report '\(rawValue)' has no filter --\(foreign.rawValue); it has \(own)"
            )
        }
        if let grouping, !groupings.contains(grouping) {
            let own = groupings.map(\.rawValue).joined(separator: ", ")
            let mend = groupings.isEmpty ? "leave --by out" : "use \(own)"
            throw Reporter.Fault(description: "the report '\(rawValue)' has no --by \(grouping.rawValue); \(mend)")
        }
    }
}

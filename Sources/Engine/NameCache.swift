import SIP
import Timebase

/// What DNS said of the trunks' hosts: looked up by the edge, and asked again when it is too old.
struct NameCache {
    private struct Entry {
        var location: ServerLocation
        var until: Instant
    }

    private var entries: [ServerQuery: Entry] = [:]
    private var asked: [ServerQuery: Instant] = [:]
    /// A question that nobody answered is put again after this long.
    private static let patience: Duration = .seconds(10)

    /// What is known of it, however old; nil: nobody has told yet.
    func location(_ query: ServerQuery) -> ServerLocation? { entries[query]?.location }

    /// Whether somebody must look it up now; once a lookup, however many ask.
    mutating func shouldAsk(_ query: ServerQuery, now: Instant) -> Bool {
        guard due(query).map({ $0 <= now }) ?? true else { return false }
        asked[query] = now
        return true
    }

    /// When it must be looked up; nil: at once.
    private func due(_ query: ServerQuery) -> Instant? {
        let answerDue = asked[query].map { $0 + Self.patience }
        return [entries[query]?.until, answerDue].compactMap { $0 }.max()
    }

    /// When the next of these must be looked up again.
    func nextDue(_ queries: some Sequence<ServerQuery>) -> Instant? { queries.compactMap(due).min() }

    /// What holds from now on: a resolver that does not answer takes nothing away that was known.
    mutating func learn(_ query: ServerQuery, _ location: ServerLocation, now: Instant) -> ServerLocation {
        asked[query] = nil
        var kept = location
        if location.isUnanswered, let old = entries[query]?.location, !old.servers.isEmpty { kept = old }
        entries[query] = Entry(location: kept, until: now + location.lasting)
        return kept
    }

    /// Forgets what nobody wants to know any more.
    mutating func keep(_ queries: Set<ServerQuery>) {
        entries = entries.filter { queries.contains($0.key) }
        asked = asked.filter { queries.contains($0.key) }
    }
}

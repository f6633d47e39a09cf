public import NetAddress
public import Timebase

/// Phones that give up when one of two challenges is of an algorithm that they do not know (RFC 3261 §22.4 wants them to take the other).
///
/// Nobody has tried them all. Such a phone asks again after a while, as if it had not been asked anything; one that can answer does so at once. So
/// who asks twice without credentials is challenged by MD5 alone.
public struct PerplexedPhones: Sendable {
    public struct Phone: Hashable, Sendable {
        let address: IPAddress
        let user: String

        public init(address: IPAddress, user: String) { (self.address, self.user) = (address, user) }
    }

    private struct Entry: Sendable {
        var since: Instant
        var isPerplexed = false
    }

    static let most = 1_000
    /// Requests of one moment are not one after the other.
    static let shortestPause: Duration = .seconds(1)
    static let patience: Duration = .seconds(300)
    static let memory: Duration = .seconds(86_400)
    private var entries: [Phone: Entry] = [:]

    public init() {}

    /// It asks without credentials. True: it is one of these.
    public mutating func asks(_ phone: Phone, now: Instant) -> Bool {
        if let entry = entries[phone], !isOver(entry, now: now) {
            guard !entry.isPerplexed, now - entry.since >= Self.shortestPause else { return entry.isPerplexed }
            entries[phone] = Entry(since: now, isPerplexed: true)
            return true
        }
        if entries.count >= Self.most { entries = entries.filter { !isOver($0.value, now: now) } }
        // Whoever asks in the name of so many has them all forgotten.
        if entries.count >= Self.most { entries = [:] }
        entries[phone] = Entry(since: now)
        return false
    }

    /// Whether it is one of these.
    public func has(_ phone: Phone) -> Bool { entries[phone]?.isPerplexed ?? false }

    /// It answered: two challenges, which it can then, or the one.
    public mutating func answered(_ phone: Phone, now: Instant) {
        guard let entry = entries[phone] else { return }
        entries[phone] = entry.isPerplexed ? Entry(since: now, isPerplexed: true) : nil
    }

    private func isOver(_ entry: Entry, now: Instant) -> Bool {
        now - entry.since > (entry.isPerplexed ? Self.memory : Self.patience)
    }
}

public import NetAddress
public import Timebase

/// Phones that give up when one of two challenges is of an algorithm that they do not know (RFC 3261 §22.4 wants them to take the other).
///
/// Nobody has tried them all. Such a phone registers again after a while, as if it had not been asked anything, and again; one that can answer
/// does so at once. So who begins a third time without ever having answered is challenged by MD5 alone.
public struct PerplexedPhones: Sendable {
    public struct Phone: Hashable, Sendable {
        let address: IPAddress
        let user: String
        let product: String

        /// `product`: its User-Agent.
        public init(address: IPAddress, user: String, product: String) {
            (self.address, self.user, self.product) = (address, user, product)
        }
    }

    private struct Entry: Sendable {
        var since: Instant
        var attempts = 1
        var isPerplexed: Bool { attempts >= PerplexedPhones.attempts }
    }

    static let most = 1_000
    static let attempts = 3
    /// A phone that has failed waits before it tries again.
    static let shortestPause: Duration = .seconds(5)
    static let patience: Duration = .seconds(300)
    static let memory: Duration = .seconds(86_400)
    private var entries: [Phone: Entry] = [:]

    public init() {}

    /// It would register, and gives no credentials.
    public mutating func asks(_ phone: Phone, now: Instant) {
        if let entry = entries[phone], !isOver(entry, now: now) {
            guard !entry.isPerplexed, now - entry.since >= Self.shortestPause else { return }
            entries[phone] = Entry(since: now, attempts: entry.attempts + 1)
            return
        }
        if entries.count >= Self.most { entries = entries.filter { !isOver($0.value, now: now) } }
        // Whoever asks in the name of so many has them all forgotten.
        if entries.count >= Self.most { entries = [:] }
        entries[phone] = Entry(since: now)
    }

    /// Whether it is one of these.
    public func has(_ phone: Phone, now: Instant) -> Bool {
        entries[phone].map { $0.isPerplexed && !isOver($0, now: now) } ?? false
    }

    /// It gave credentials, right ones or wrong ones: it can answer two challenges, or the one.
    public mutating func answered(_ phone: Phone, now: Instant) {
        guard let entry = entries[phone] else { return }
        entries[phone] = entry.isPerplexed ? Entry(since: now, attempts: entry.attempts) : nil
    }

    private func isOver(_ entry: Entry, now: Instant) -> Bool {
        now - entry.since > (entry.isPerplexed ? Self.memory : Self.patience)
    }
}

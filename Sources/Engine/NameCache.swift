import NetAddress
import Timebase

/// Host names of trunks: looked up by the edge, asked again after a while.
struct NameCache {
    private struct Entry {
        var addresses: [IPAddress]
        var learned: Instant
    }

    private var entries: [String: Entry] = [:]
    private var asked: [String: Instant] = [:]
    private static let lifetime: Duration = .seconds(60)
    /// A question that nobody answered is put again after this long.
    private static let patience: Duration = .seconds(10)
    private static let capacity = 1024

    /// Whether somebody must look this name up now; once a lookup, however many ask.
    mutating func shouldAsk(_ host: String, now: Instant) -> Bool {
        if let entry = entries[host], now - entry.learned < Self.lifetime { return false }
        if let since = asked[host], now - since < Self.patience { return false }
        asked[host] = now
        return true
    }

    /// The name was looked up, and has no address.
    func isUnknown(_ host: String) -> Bool { entries[host]?.addresses.isEmpty == true }

    mutating func learn(_ host: String, _ addresses: [IPAddress], now: Instant) {
        asked[host] = nil
        if entries.count >= Self.capacity { entries.removeAll() }
        entries[host] = Entry(addresses: addresses, learned: now)
    }

    mutating func forget(_ host: String) { entries[host] = nil }
}

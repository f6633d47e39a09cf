import Timebase

/// A key that somebody pressed, and how it was told.
struct TypedKey {
    var name: String
    var source: HeardKeys.Source
}

/// The keys of one party, each once: some phones tell of a key both in their media, by telephone-events (RFC 4733) or tones, and by INFO.
struct HeardKeys {
    enum Source: String { case telephoneEvent = "rfc4733", inBand = "inband", info }

    private struct Key {
        var name: String
        var source: Source
        var at: Instant
    }

    /// Both tell of the same key within this time: the one at its start, the other perhaps at its end.
    static let moment: Duration = .seconds(1)
    /// Nobody presses more within a moment; older ones have no twin.
    private static let most = 32

    /// Heard of from one source, and not yet from the other.
    private var single: [Key] = []

    /// False: this key was heard of already, the other way.
    mutating func isNew(_ name: String, by source: Source, at now: Instant) -> Bool {
        single.removeAll { now - $0.at > Self.moment }
        if let twin = single.firstIndex(where: { $0.name == name && $0.source != source }) {
            single.remove(at: twin)
            return false
        }
        if single.count >= Self.most { single.removeFirst() }
        single.append(Key(name: name, source: source, at: now))
        return true
    }
}

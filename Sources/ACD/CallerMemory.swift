import Timebase

/// What is remembered of callers by their numbers, for a time. Two generations bound it: the older goes when the younger is full.
struct CallerMemory<Value> {
    private static var mostOfAGeneration: Int { 25_000 }
    private var young: [String: (value: Value, until: Instant)] = [:]
    private var old: [String: (value: Value, until: Instant)] = [:]

    func memory(of number: String, at now: Instant) -> (value: Value, until: Instant)? {
        (young[number] ?? old[number]).flatMap { $0.until > now ? $0 : nil }
    }

    mutating func remember(_ value: Value, for number: String, until: Instant) {
        // A caller who hides his number, or has none, is everybody.
        guard number.utf8.contains(where: { (48...57).contains($0) }) else { return }
        if young.count >= Self.mostOfAGeneration { (old, young) = (young, [:]) }
        young[number] = (value, until)
    }

    /// What is remembered serves once.
    mutating func take(for number: String, at now: Instant) -> Value? {
        let value = memory(of: number, at: now)?.value
        young[number] = nil
        old[number] = nil
        return value
    }
}

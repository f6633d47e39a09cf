import Timebase

/// What is remembered of callers by their numbers, for a time. Two generations bound it: the older goes when the younger is full.
struct CallerMemory<Value> {
    private static var mostOfAGeneration: Int { 25_000 }
    private var young: [String: (value: Value, until: Instant)] = [:]
    private var old: [String: (value: Value, until: Instant)] = [:]

    func value(for number: String, at now: Instant) -> Value? {
        guard let memory = young[number] ?? old[number], memory.until > now else { return nil }
        return memory.value
    }

    mutating func remember(_ value: Value, for number: String, until: Instant) {
        // A caller who hides his number, or has none, is everybody.
        guard number.utf8.contains(where: { (48...57).contains($0) }) else { return }
        if young.count >= Self.mostOfAGeneration { (old, young) = (young, [:]) }
        young[number] = (value, until)
    }

    /// What is remembered serves once.
    mutating func take(for number: String, at now: Instant) -> Value? {
        let value = value(for: number, at: now)
        young[number] = nil
        old[number] = nil
        return value
    }
}

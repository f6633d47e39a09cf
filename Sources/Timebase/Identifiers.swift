/// SplitMix64: tiny, seedable, good enough for simulations. Not for keys.
public struct SeededGenerator: RandomNumberGenerator, Sendable {
    private var state: UInt64
    public init(seed: UInt64) { state = seed }

    public mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}

/// Where branches, tags, Call-IDs and call ids come from. Production hands in the system generator, a simulation a seeded one.
public struct IdentifierSource: Sendable {
    private var generator: any RandomNumberGenerator & Sendable

    public init(_ generator: any RandomNumberGenerator & Sendable) { self.generator = generator }

    public mutating func bits() -> UInt64 { generator.next() }

    /// A branch with RFC 3261 §8.1.1.7's cookie and 64 random bits (§19.3 asks for at least 32).
    public mutating func branch() -> String { "z9hG4bK" + token() }

    /// 64 random bits in base 36: a tag, or a Call-ID's local part.
    public mutating func token() -> String { String(generator.next(), radix: 36) }

    /// A Call-ID that names no host of ours (RFC 3261 §8.1.1.4; topology stays hidden).
    public mutating func callID() -> String { token() + token() }

    /// 26 characters in Crockford's base 32: 48 bits of wall-clock milliseconds, then 80 random bits. Sorts by time;
    /// unique across nodes.
    public mutating func sortable(at wall: WallTime) -> String {
        var text: [UInt8] = []
        text.reserveCapacity(26)
        let time = UInt64(truncatingIfNeeded: max(0, wall.milliseconds))
        for shift in stride(from: 45, through: 0, by: -5) {
            text.append(Self.alphabet[Int((time >> UInt64(shift)) & 31)])
        }
        let high = generator.next()
        let low = generator.next()
        for shift in stride(from: 35, through: 0, by: -5) {
            text.append(Self.alphabet[Int((high >> UInt64(shift)) & 31)])
        }
        for shift in stride(from: 35, through: 0, by: -5) {
            text.append(Self.alphabet[Int((low >> UInt64(shift)) & 31)])
        }
        return String(decoding: text, as: UTF8.self)
    }

    private static let alphabet = Array("0123456789ABCDEFGHJKMNPQRSTVWXYZ".utf8)
}

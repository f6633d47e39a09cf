/// Which places of one channel hold samples, so that nothing is placed twice. Bounded: when there are too many gaps,
/// the oldest stretch is forgotten, and what is repeated of it is heard twice as loud.
struct Stretches: Sendable {
    /// Stretches kept. In good order there is one that grows.
    static let bound = 32

    /// In no order, none overlapping another.
    private var filled: [Range<Int64>] = []

    /// What a frame may fill, and which single empty places beside it lie between it and another stretch.
    struct Claim {
        var places: Range<Int64>
        var hasHoleBefore: Bool
        var hasHoleAfter: Bool
    }

    /// Takes of `wanted` what is free; nil when that is a quarter or less: a repetition whose place has shifted
    /// meanwhile would leave a splinter behind. Only places in `open` can be filled.
    mutating func claim(_ wanted: Range<Int64>, in open: Range<Int64>) -> Claim? {
        filled.removeAll { $0.upperBound < open.lowerBound }
        let places = wanted.clamped(to: open)
        var (lower, upper) = (places.lowerBound, places.upperBound)
        for stretch in filled where lower < upper && stretch.lowerBound < upper && stretch.upperBound > lower {
            if stretch.lowerBound <= lower {
                lower = min(upper, stretch.upperBound)
            } else {
                upper = stretch.lowerBound
            }
        }
        guard upper > lower, upper &- lower > Int64(places.count) / 4 else { return nil }
        let claim = Claim(
            places: lower..<upper,
            hasHoleBefore: lower > open.lowerBound && filled.contains { $0.upperBound == lower &- 1 },
            hasHoleAfter: upper &+ 1 < open.upperBound && filled.contains { $0.lowerBound == upper &+ 1 }
        )
        if claim.hasHoleBefore { lower &-= 1 }
        if claim.hasHoleAfter { upper &+= 1 }
        if let neighbour = filled.firstIndex(where: { $0.upperBound == lower }) {
            filled[neighbour] = filled[neighbour].lowerBound..<upper
        } else {
            if filled.count >= Self.bound { filled.removeFirst() }
            filled.append(lower..<upper)
        }
        return claim
    }
}

/// The port pairs of the configured range: each an even port and the odd one above it (RFC 3550 §11). The one that was
/// free for longest is taken first, so that late packets of an ended call find nobody.
struct PortPairs {
    private var free: [UInt16]
    private var first = 0
    let capacity: Int

    init(_ range: ClosedRange<UInt16>) {
        let even = range.lowerBound % 2 == 0 ? Int(range.lowerBound) : Int(range.lowerBound) + 1
        free = stride(from: even, to: Int(range.upperBound), by: 2).map { UInt16(truncatingIfNeeded: $0) }
        capacity = free.count
    }

    var countFree: Int { free.count - first }

    mutating func take() -> UInt16? {
        guard first < free.count else { return nil }
        defer {
            first += 1
            if first > 4_096 {
                free.removeFirst(first)
                first = 0
            }
        }
        return free[first]
    }

    mutating func giveBack(_ port: UInt16) { free.append(port) }
}

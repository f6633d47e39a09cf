/// A binary heap whose members can be taken out of the middle: insert, remove and the first in O(log n).
///
/// Whoever waits and whoever is free stands in one of these.
struct IndexedHeap<Member: Hashable, Rank: Comparable> {
    private(set) var entries: [(rank: Rank, member: Member)] = []
    private var places: [Member: Int] = [:]

    var count: Int { entries.count }
    var isEmpty: Bool { entries.isEmpty }
    var first: Member? { entries.first?.member }

    func contains(_ member: Member) -> Bool { places[member] != nil }
    func rank(of member: Member) -> Rank? { places[member].map { entries[$0].rank } }

    /// A member that is there already gets the new rank.
    mutating func insert(_ member: Member, _ rank: Rank) {
        remove(member)
        entries.append((rank, member))
        places[member] = entries.count - 1
        siftUp(entries.count - 1)
    }

    @discardableResult
    mutating func remove(_ member: Member) -> Bool {
        guard let place = places.removeValue(forKey: member) else { return false }
        let last = entries.removeLast()
        guard place < entries.count else { return true }
        put(last, at: place)
        siftUp(place)
        siftDown(place)
        return true
    }

    /// The members in the order of their ranks.
    var ordered: [Member] { entries.sorted { $0.rank < $1.rank }.map(\.member) }

    /// How many stand before a rank.
    func count(before rank: Rank) -> Int { entries.reduce(0) { $0 + ($1.rank < rank ? 1 : 0) } }

    // The one who moves is held back, and the others shift into the gap: one look-up a step.

    private mutating func siftUp(_ start: Int) {
        let moving = entries[start]
        var gap = start
        while gap > 0, moving.rank < entries[(gap - 1) / 2].rank {
            put(entries[(gap - 1) / 2], at: gap)
            gap = (gap - 1) / 2
        }
        if gap != start { put(moving, at: gap) }
    }

    private mutating func siftDown(_ start: Int) {
        let moving = entries[start]
        var gap = start
        while true {
            var least = 2 * gap + 1
            guard least < entries.count else { break }
            if least + 1 < entries.count, entries[least + 1].rank < entries[least].rank { least += 1 }
            guard entries[least].rank < moving.rank else { break }
            put(entries[least], at: gap)
            gap = least
        }
        if gap != start { put(moving, at: gap) }
    }

    private mutating func put(_ entry: (rank: Rank, member: Member), at place: Int) {
        entries[place] = entry
        places[entry.member] = place
    }
}

/// A binary heap whose members can be taken out of the middle: insert, remove and the first in O(log n).
///
/// Whoever waits and whoever is free stands in one of these.
struct IndexedHeap<Member: Hashable, Rank: Comparable> {
    private(set) var entries: [(rank: Rank, member: Member)] = []
    private var places: [Member: Int] = [:]

    var count: Int { entries.count }
    var isEmpty: Bool { entries.isEmpty }
    var first: Member? { entries.first?.member }
    var firstRank: Rank? { entries.first?.rank }

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
        entries[place] = last
        places[last.member] = place
        siftUp(place)
        siftDown(place)
        return true
    }

    /// The members in the order of their ranks.
    var ordered: [Member] { entries.sorted { $0.rank < $1.rank }.map(\.member) }

    /// How many stand before a rank.
    func count(before rank: Rank) -> Int { entries.reduce(0) { $0 + ($1.rank < rank ? 1 : 0) } }

    private mutating func siftUp(_ start: Int) {
        var child = start
        while child > 0, entries[child].rank < entries[(child - 1) / 2].rank {
            swap(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
    }

    private mutating func siftDown(_ start: Int) {
        var parent = start
        while true {
            var least = parent
            for child in [2 * parent + 1, 2 * parent + 2]
            where child < entries.count && entries[child].rank < entries[least].rank {
                least = child
            }
            guard least != parent else { return }
            swap(parent, least)
            parent = least
        }
    }

    private mutating func swap(_ a: Int, _ b: Int) {
        entries.swapAt(a, b)
        places[entries[a].member] = a
        places[entries[b].member] = b
    }
}

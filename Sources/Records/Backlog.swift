/// What waits its turn, first in, first out. To take some of many, and to put them back, moves none of the rest.
struct Backlog<Element: Sendable>: Sendable {
    /// Those before `head` are taken; their places are free until half of all are.
    private var places: [Element?] = []
    private var head = 0
    /// So many of the first are to be taken next.
    private(set) var due = 0
    /// The turn in which some were taken last.
    private(set) var served = 0

    var count: Int { places.count - head }
    var isEmpty: Bool { count == 0 }
    var first: Element? { isEmpty ? nil : places[head] }
    var elements: some Sequence<Element> { places[head...].lazy.compactMap { $0 } }

    mutating func append(_ element: Element) { places.append(element) }

    mutating func makeAllDue() { due = count }

    mutating func takeDue(atMost most: Int, in turn: Int) -> [Element] {
        let end = head + min(due, most)
        let taken = places[head..<end].compactMap(\.self)
        for place in head..<end { places[place] = nil }
        (head, due, served) = (end, due - taken.count, turn)
        tidy()
        return taken
    }

    /// Before all others; nothing is due then.
    mutating func putBack(_ elements: [Element]) {
        due = 0
        guard elements.count <= head else {
            places.replaceSubrange(..<head, with: elements.map(Optional.some))
            head = 0
            return
        }
        head -= elements.count
        for (place, element) in zip(head..., elements) { places[place] = element }
    }

    mutating func dropFirst() {
        guard !isEmpty else { return }
        places[head] = nil
        (head, due) = (head + 1, max(0, due - 1))
        tidy()
    }

    private mutating func tidy() {
        guard head > 32, head > places.count / 2 else { return }
        places.removeFirst(head)
        head = 0
    }
}

/// The keys that are to be sent one after another, each with its packets (RFC 4733 §2.5): a key ends before the next
/// begins.
struct KeyPresses: Sendable {
    struct Key: Equatable, Sendable {
        var event: UInt8
        /// In time stamp units.
        var length: UInt32
        var timestamp: UInt32 = 0
        var duration: UInt32 = 0
        var endsSent = 0
    }

    /// More are refused: nobody presses that many ahead.
    static let most = 64
    /// Ticks between two keys: 60 ms, longer than the 40 ms that ITU-T Q.24 asks of tones.
    private static let pause = 3

    private(set) var current: Key?
    private var waiting: [Key] = []
    private var pauseLeft = 0

    var isEmpty: Bool { current == nil && waiting.isEmpty }

    mutating func append(_ event: UInt8, length: UInt32) {
        if waiting.count < Self.most { waiting.append(Key(event: event, length: length)) }
    }

    /// The key that is under way is not told to its end.
    mutating func dropCurrent() {
        if current != nil { (current, pauseLeft) = (nil, Self.pause) }
    }

    mutating func removeAll() { self = KeyPresses() }

    /// The state of the packet that this tick sends, `step` units on; nil while nothing is to be sent.
    mutating func advance(by step: UInt32, timestamp: UInt32) -> (key: Key, isFirst: Bool, isEnd: Bool)? {
        guard pauseLeft == 0 else {
            pauseLeft -= 1
            return nil
        }
        if current == nil, !waiting.isEmpty {
            current = waiting.removeFirst()
            current?.timestamp = timestamp
        }
        guard var key = current else { return nil }
        let isFirst = key.duration == 0
        if key.duration < key.length { key.duration &+= step }
        let isEnd = key.duration >= key.length
        if isEnd { key.endsSent += 1 }
        // The end is sent three times, since nothing else would say that it came (§2.5.1.4).
        let isOver = key.endsSent >= 3
        current = isOver ? nil : key
        if isOver { pauseLeft = Self.pause }
        return (key, isFirst, isEnd)
    }
}

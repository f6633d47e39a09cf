/// Frames of 20 ms made into packets of another length (RFC 3551 §4.2), for peers that ask for one.
///
/// Memory is taken when a peer asks, and given back by its owner with the port (`giveBack`: the optimizer of Swift 6.3 fails on a `deinit` here);
/// for everybody else there is none.
struct Packetizer {
    /// Octets of G.711 in a millisecond.
    private static let octetsPerMillisecond = 8
    /// 120 ms, the most that fits a kilobyte.
    static let longest = 120 * octetsPerMillisecond

    private var memory: UnsafeMutablePointer<UInt8>?
    /// Octets in a packet.
    private(set) var size = ToneSource.frame
    /// Octets that wait for their packet to be full.
    private(set) var waiting = 0

    mutating func giveBack() {
        memory?.deallocate()
        memory = nil
    }

    /// Every frame is a packet.
    var isIdle: Bool { size == ToneSource.frame }

    /// Packets of so many milliseconds from now on, to the ten below, between 10 and 120.
    mutating func choose(milliseconds: Int) {
        let wanted = max(10, min(milliseconds, 120)) / 10 * 10 * Self.octetsPerMillisecond
        guard wanted != size else { return }
        (size, waiting) = (wanted, 0)
        if memory == nil { memory = .allocate(capacity: Self.longest + ToneSource.frame) }
    }

    mutating func append(_ frame: UnsafeRawBufferPointer) {
        // A packet is taken as soon as it is full.
        guard let memory, waiting + frame.count <= Self.longest + ToneSource.frame else { return }
        UnsafeMutableRawPointer(memory + waiting).copyMemory(from: frame)
        waiting += frame.count
    }

    /// The octets of the next packet; of the last one, which may be shorter, too, when it `isLast`. 0: it is not full yet.
    mutating func take(into payload: UnsafeMutableRawBufferPointer, isLast: Bool) -> Int {
        let count = min(size, waiting)
        guard let memory, count > 0, count == size || isLast, payload.count >= count else { return 0 }
        payload.copyMemory(from: UnsafeRawBufferPointer(start: memory, count: count))
        waiting -= count
        memory.update(from: memory + count, count: waiting)
        return count
    }

    mutating func removeAll() { waiting = 0 }
}

extension UnsafeMutableRawPointer {
    fileprivate func copyMemory(from octets: UnsafeRawBufferPointer) {
        if let start = octets.baseAddress { copyMemory(from: start, byteCount: octets.count) }
    }
}

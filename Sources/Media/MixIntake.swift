public import Codecs

/// What one peer says, decoded and waiting for the mixer's next 20 ms. Packets come when they like and the mixer reads by its own
/// clock: a cushion of 40 ms lies between, lost packets become silence of their length, and whatever clocks drift apart is dropped
/// or waited for.
///
/// Memory is taken when a mix begins and given back with the port: nothing is allocated for a packet.
public struct MixIntake: ~Copyable {
    /// Samples of 20 ms at 8 kHz.
    public static let frame = 160
    /// 40 ms: with packets and ticks of 20 ms one of them is always there.
    static let cushion = 320
    /// 120 ms. More is delay that nobody needs: a burst, or a peer whose clock runs fast.
    static let mostWaiting = 960
    private static let capacity = 2_400
    /// 100 ms: what is missing up to this was lost; more is a pause, or another stream.
    private static let longestGap: Int32 = 800

    private var memory: UnsafeMutablePointer<Int16>?
    private var start = 0
    private(set) var waiting = 0
    private var isFlowing = false
    private var next: (ssrc: UInt32, timestamp: UInt32)?

    public init() {}

    deinit { memory?.deallocate() }

    /// From now on nothing that was said before is waiting.
    public mutating func begin() {
        if memory == nil {
            let made = UnsafeMutablePointer<Int16>.allocate(capacity: Self.capacity + Self.frame)
            made.initialize(repeating: 0, count: Self.capacity + Self.frame)
            memory = made
        }
        (start, waiting, isFlowing, next) = (0, 0, false, nil)
    }

    /// The last 20 ms that were taken; nil before `begin`.
    public var taken: UnsafePointer<Int16>? { memory.map { UnsafePointer($0 + Self.capacity) } }

    /// A packet of G.711; one that comes after its turn is dropped.
    public mutating func receive(_ payload: UnsafeRawBufferPointer, _ law: G711.Law, ssrc: UInt32, timestamp: UInt32) {
        guard memory != nil, !payload.isEmpty, payload.count <= Self.capacity else { return }
        if let next, next.ssrc == ssrc {
            let gap = Int32(bitPattern: timestamp &- next.timestamp)
            if (-8_000..<0).contains(gap) { return }
            if (1...Self.longestGap).contains(gap), isFlowing { for _ in 0..<gap { append(0) } }
        }
        for octet in payload { append(G711.decode(octet, law)) }
        next = (ssrc, timestamp &+ UInt32(payload.count))
        if waiting > Self.mostWaiting { drop(waiting - Self.cushion) }
    }

    private mutating func append(_ sample: Int16) {
        guard let memory else { return }
        if waiting == Self.capacity { drop(1) }
        memory[(start + waiting) % Self.capacity] = sample
        waiting += 1
    }

    private mutating func drop(_ count: Int) {
        start = (start + count) % Self.capacity
        waiting -= count
    }

    /// Takes the next 20 ms: silence while the cushion is filled, and for what did not come in time.
    public mutating func take() {
        guard let memory else { return }
        let frame = memory + Self.capacity
        if waiting >= Self.cushion { isFlowing = true }
        let count = isFlowing ? min(waiting, Self.frame) : 0
        for place in 0..<count { frame[place] = memory[(start + place) % Self.capacity] }
        for place in count..<Self.frame { frame[place] = 0 }
        drop(count)
        if count < Self.frame { isFlowing = false }
    }
}

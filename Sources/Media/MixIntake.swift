public import Codecs

/// What one peer says, decoded and waiting for the mixer's next 20 ms. Packets come when they like and the mixer reads by its own
/// clock: a cushion of 40 ms lies between, and of more where packets come unevenly; lost packets become silence of their length, one that is
/// overtaken by others takes its place while that waits, and what clocks drift apart is resampled.
///
/// Memory is taken when a mix begins and when a drift shows, and given back with the port: nothing is allocated for a packet.
public struct MixIntake: ~Copyable {
    /// Samples of 20 ms at 8 kHz.
    public static let frame = 160
    /// 40 ms: with packets and ticks of 20 ms one of them is always there.
    private static let leastCushion = 320
    /// 120 ms: what comes later than that is lost.
    private static let mostCushion = 960
    /// 80 ms more than the cushion is delay that nobody needs: a burst.
    var mostWaiting: Int { cushion + 640 }
    private static let capacity = 2_400
    /// 100 ms: what is missing up to this was lost; more is a pause, or another stream.
    private static let longestGap: Int32 = 800

    private var memory: UnsafeMutablePointer<Int16>?
    private var start = 0
    private(set) var waiting = 0
    private var isFlowing = false
    /// Samples that are to wait before the first is taken: it grows with what comes late, and shrinks with each pause.
    private var cushion = MixIntake.leastCushion
    /// What waited was used up, and nothing has come since: a pause, or packets that are late.
    private var hasRunDry = false
    private var drift = DriftResampler()
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
        (start, waiting, isFlowing, next, cushion) = (0, 0, false, nil, Self.leastCushion)
        drift.restart()
    }

    /// The last 20 ms that were taken; nil before `begin`.
    public var taken: UnsafePointer<Int16>? { memory.map { UnsafePointer($0 + Self.capacity) } }

    /// A packet of G.711; one that comes after its turn is dropped, and teaches to wait longer.
    public mutating func receive(_ payload: UnsafeRawBufferPointer, _ law: G711.Law, ssrc: UInt32, timestamp: UInt32) {
        guard memory != nil, !payload.isEmpty, payload.count <= Self.capacity else { return }
        // Of packets that are as long as the cushion, or longer, the next one would never be there in time.
        if cushion <= payload.count { cushion = min((payload.count / Self.frame + 1) * Self.frame, Self.mostCushion) }
        if let next, next.ssrc == ssrc {
            let gap = Int32(bitPattern: timestamp &- next.timestamp)
            if (-8_000..<0).contains(gap) { return insert(payload, law, before: Int(-gap)) }
            if (1...Self.longestGap).contains(gap), isFlowing { for _ in 0..<gap { append(0) } }
            if hasRunDry {
                cushion =
                    gap == 0
                    ? min(cushion + Self.frame, Self.mostCushion) : max(cushion - Self.frame, Self.leastCushion)
            }
        }
        hasRunDry = false
        for octet in payload { append(G711.decode(octet, law)) }
        next = (ssrc, timestamp &+ UInt32(payload.count))
        guard waiting > mostWaiting else { return }
        drop(waiting - cushion)
        drift.restart()
    }

    /// A packet that others have overtaken: what of its place still waits, so many samples before the end, is its own.
    private mutating func insert(_ payload: UnsafeRawBufferPointer, _ law: G711.Law, before end: Int) {
        guard let memory else { return }
        let first = waiting - end
        for (offset, octet) in payload.enumerated() where (0..<waiting).contains(first + offset) {
            memory[(start + first + offset) % Self.capacity] = G711.decode(octet, law)
        }
        guard first < 0, isFlowing else { return }
        cushion = min(cushion + (Self.frame - 1 - first) / Self.frame * Self.frame, Self.mostCushion)
        pause()
    }

    /// Nothing is taken until the cushion is full.
    private mutating func pause() {
        isFlowing = false
        drift.restart()
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
        let frame = UnsafeMutableBufferPointer(start: memory + Self.capacity, count: Self.frame)
        if waiting >= cushion { isFlowing = true }
        var count = 0
        if isFlowing {
            let isKnown = drift.isActive
            drift.observe(waiting: waiting)
            if drift.isActive, !isKnown { join(memory, frame) }
            count = drift.isActive ? takeResampled(memory, into: frame) : takePlain(memory, into: frame)
        }
        for place in count..<Self.frame { frame[place] = 0 }
        guard count < Self.frame, isFlowing else { return }
        hasRunDry = true
        pause()
    }

    /// The resampler begins where the last 20 ms end, so that nobody hears it: its filter is given them, and what they come out as
    /// was heard before.
    private mutating func join(_ memory: UnsafeMutablePointer<Int16>, _ last: UnsafeMutableBufferPointer<Int16>) {
        withUnsafeTemporaryAllocation(of: Int16.self, capacity: Self.frame) { room in
            let (_, made) = drift.process(UnsafeBufferPointer(last), into: room)
            _ = takeResampled(memory, into: UnsafeMutableBufferPointer(rebasing: room[..<(Self.frame - made)]))
        }
    }

    private mutating func takePlain(
        _ memory: UnsafeMutablePointer<Int16>,
        into frame: UnsafeMutableBufferPointer<Int16>
    ) -> Int {
        let count = min(waiting, frame.count)
        for place in 0..<count { frame[place] = memory[(start + place) % Self.capacity] }
        drop(count)
        return count
    }

    /// In at most two pieces, as what waits may lie around the end of the memory.
    private mutating func takeResampled(
        _ memory: UnsafeMutablePointer<Int16>,
        into frame: UnsafeMutableBufferPointer<Int16>
    ) -> Int {
        var count = 0
        for _ in 0..<2 where count < frame.count && waiting > 0 {
            let piece = UnsafeBufferPointer(start: memory + start, count: min(waiting, Self.capacity - start))
            let (taken, made) = drift.process(piece, into: UnsafeMutableBufferPointer(rebasing: frame[count...]))
            drop(taken)
            count += made
        }
        return count
    }
}

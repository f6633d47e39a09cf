public import Codecs
internal import Synchronization

/// Frames on their way from one media thread to the recorder: octets in a ring that was allocated once. Nobody waits:
/// a full ring refuses and counts.
///
/// Each record takes a multiple of 32 octets, so that its own 32 octets never wrap around; the payload after them may.
///
/// `@unchecked Sendable`: the `let`s never change. `head` is written by the one producer alone and `tail` by the one
/// consumer alone, both atomically; the octets between them belong to the consumer, the others to the producer, and
/// they change hands by a releasing store of `head` or `tail` and an acquiring load on the other side.
public final class FrameRing: @unchecked Sendable {
    /// The longest payload: 200 ms of G.711, the most that RFC 3551 §4.2 wants receivers to accept. Opus of that length is shorter.
    public static let longestPayload = 1600
    static let record = 32
    private static let line = 64
    private static let leastCapacity = 4096

    private let memory: UnsafeMutableRawPointer
    /// For the media thread; not to be used once the ring is gone.
    public let producer: FrameRingProducer
    /// Where a payload that wraps around is put together. The consumer's.
    private let assembled: UnsafeMutableRawPointer

    /// What precedes a payload.
    struct Frame {
        let recording: UInt64
        let channel: UInt8
        let codec: VoiceCodec
        let rtpTimestamp: UInt32
        let ssrc: UInt32
        /// Nanoseconds, monotonic.
        let arrival: Int64
    }

    /// `capacity`: octets, raised to a power of 2. A call takes 19,200 a second (two ways of 50 frames, 192 octets each).
    public init(capacity: Int) {
        var size = Self.leastCapacity
        while size < min(capacity, 1 << 40) { size *= 2 }
        // The counters a cache line each, or the two threads would slow each other down.
        let memory = UnsafeMutableRawPointer.allocate(
            byteCount: Self.line * 3 + size + Self.longestPayload,
            alignment: Self.line
        )
        let counters = (0..<3).map { line in
            let counter = (memory + line * Self.line).bindMemory(to: Atomic<UInt64>.self, capacity: 1)
            counter.initialize(to: Atomic(0))
            return counter
        }
        self.memory = memory
        producer = FrameRingProducer(
            head: counters[0],
            tail: counters[1],
            refused: counters[2],
            octets: memory + Self.line * 3,
            capacity: size
        )
        assembled = memory + Self.line * 3 + size
    }

    deinit {
        producer.head.deinitialize(count: 1)
        producer.tail.deinitialize(count: 1)
        producer.refused.deinitialize(count: 1)
        memory.deallocate()
    }

    /// Frames that found no room, since the beginning. Any thread.
    public var refused: UInt64 { producer.refused.pointee.load(ordering: .relaxed) }

    // MARK: the consumer's side

    /// Up to where there are frames now.
    var end: UInt64 { producer.head.pointee.load(ordering: .acquiring) }

    /// Hands on the frames before `end`, and gives each one's room back at once.
    func drain(to end: UInt64, _ body: (Frame, UnsafeRawBufferPointer) -> Void) {
        var place = producer.tail.pointee.load(ordering: .relaxed)
        let octets = producer.octets
        while place != end {
            let at = producer.offset(place)
            let length = Int(octets.load(fromByteOffset: at + 24, as: UInt16.self))
            let frame = Frame(
                recording: octets.load(fromByteOffset: at, as: UInt64.self),
                channel: octets.load(fromByteOffset: at + 26, as: UInt8.self),
                // Written below, by nobody else.
                codec: VoiceCodec(rawValue: octets.load(fromByteOffset: at + 27, as: UInt8.self)) ?? .pcma,
                rtpTimestamp: octets.load(fromByteOffset: at + 16, as: UInt32.self),
                ssrc: octets.load(fromByteOffset: at + 20, as: UInt32.self),
                arrival: octets.load(fromByteOffset: at + 8, as: Int64.self)
            )
            let start = producer.offset(place &+ UInt64(Self.record))
            let first = min(length, producer.capacity - start)
            if first == length {
                body(frame, UnsafeRawBufferPointer(start: octets + start, count: length))
            } else {
                assembled.copyMemory(from: octets + start, byteCount: first)
                (assembled + first).copyMemory(from: octets, byteCount: length - first)
                body(frame, UnsafeRawBufferPointer(start: assembled, count: length))
            }
            place &+= FrameRingProducer.room(length)
            producer.tail.pointee.store(place, ordering: .releasing)
        }
    }
}

/// The media thread's end of a ring: a few pointers, so that nothing is counted when it is copied or used.
///
/// `@unchecked Sendable`: it may be handed to a thread, but only one thread may push at a time; see `FrameRing`.
public struct FrameRingProducer: BitwiseCopyable, @unchecked Sendable {
    let head: UnsafeMutablePointer<Atomic<UInt64>>
    let tail: UnsafeMutablePointer<Atomic<UInt64>>
    let refused: UnsafeMutablePointer<Atomic<UInt64>>
    let octets: UnsafeMutableRawPointer
    /// A power of 2.
    let capacity: Int

    @inline(__always)
    func offset(_ place: UInt64) -> Int { Int(truncatingIfNeeded: place) & (capacity - 1) }

    @inline(__always)
    static func room(_ length: Int) -> UInt64 {
        UInt64(truncatingIfNeeded: (FrameRing.record + length + FrameRing.record - 1) & ~(FrameRing.record - 1))
    }

    /// Copies a packet's payload into the ring. `arrival`: nanoseconds, monotonic. False, and counted, when there is no
    /// room or the payload is empty or longer than `FrameRing.longestPayload`.
    public func push(
        recording: UInt64,
        channel: UInt8,
        codec: VoiceCodec,
        rtpTimestamp: UInt32,
        ssrc: UInt32,
        arrival: Int64,
        payload: UnsafeRawBufferPointer
    ) -> Bool {
        let place = head.pointee.load(ordering: .relaxed)
        let used = place &- tail.pointee.load(ordering: .acquiring)
        let room = Self.room(payload.count)
        guard let source = payload.baseAddress, payload.count > 0, payload.count <= FrameRing.longestPayload,
            used &+ room <= UInt64(truncatingIfNeeded: capacity)
        else {
            refused.pointee.add(1, ordering: .relaxed)
            return false
        }
        let at = octets + offset(place)
        at.storeBytes(of: recording, as: UInt64.self)
        at.storeBytes(of: arrival, toByteOffset: 8, as: Int64.self)
        at.storeBytes(of: rtpTimestamp, toByteOffset: 16, as: UInt32.self)
        at.storeBytes(of: ssrc, toByteOffset: 20, as: UInt32.self)
        at.storeBytes(of: UInt16(truncatingIfNeeded: payload.count), toByteOffset: 24, as: UInt16.self)
        at.storeBytes(of: channel, toByteOffset: 26, as: UInt8.self)
        at.storeBytes(of: codec.rawValue, toByteOffset: 27, as: UInt8.self)
        let start = offset(place &+ UInt64(FrameRing.record))
        let first = min(payload.count, capacity &- start)
        (octets + start).copyMemory(from: source, byteCount: first)
        octets.copyMemory(from: source + first, byteCount: payload.count &- first)
        head.pointee.store(place &+ room, ordering: .releasing)
        return true
    }
}

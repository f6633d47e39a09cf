/// One prompt or piece of music, ready to be sent: whole frames of 20 ms in both laws of G.711. Any number of callers hear it
/// from this one memory, which costs each of them no decoder.
///
/// Counted references hold the memory, and who plays it reads it without them (`samples`): a packet counts nothing.
public struct PromptClip: Equatable, Sendable {
    /// Octets of 20 ms of G.711.
    public static let frame = 160

    private var memory: Memory
    let samples: Samples
    /// Of 20 ms.
    public var frames: Int { samples.frames }

    /// Where the octets of a clip lie, for as long as somebody holds the clip.
    ///
    /// `@unchecked Sendable`: they are filled in before anybody has the clip, and never written again.
    struct Samples: BitwiseCopyable, @unchecked Sendable {
        let alaw: UnsafePointer<UInt8>
        let µlaw: UnsafePointer<UInt8>
        let frames: Int
    }

    /// `@unchecked Sendable`: as `Samples`; it ends when nobody has it.
    private final class Memory: @unchecked Sendable {
        let samples: Samples
        private let octets: UnsafeMutablePointer<UInt8>

        init(_ alaw: ArraySlice<UInt8>, _ µlaw: ArraySlice<UInt8>) {
            octets = .allocate(capacity: max(1, alaw.count + µlaw.count))
            let all = UnsafeMutableBufferPointer(start: octets, count: alaw.count + µlaw.count)
            let next = all[...].initialize(fromContentsOf: alaw)
            _ = all[next...].initialize(fromContentsOf: µlaw)
            samples = Samples(
                alaw: UnsafePointer(octets),
                µlaw: UnsafePointer(octets + alaw.count),
                frames: alaw.count / PromptClip.frame
            )
        }

        deinit { octets.deallocate() }
    }

    /// Both laws of the same sound; what is longer than the other, or no whole frame, is cut.
    public init(alaw: [UInt8], µlaw: [UInt8]) {
        let count = min(alaw.count, µlaw.count) / Self.frame * Self.frame
        memory = Memory(alaw.prefix(count), µlaw.prefix(count))
        samples = memory.samples
    }

    /// The same memory, not the same sound.
    public static func == (a: PromptClip, b: PromptClip) -> Bool { a.memory === b.memory }

    /// Nobody else holds it: it can go where freeing takes its time.
    public mutating func isHeldOnlyHere() -> Bool { isKnownUniquelyReferenced(&memory) }

    public var milliseconds: Int { frames * 20 }
}

/// Where somebody is in what is said to him.
struct Saying: Sendable {
    /// What is played lives for as long as these are here.
    private var clips: [PromptClip] = []
    private var loop: PromptClip?
    /// Of `clips`, then of `loop`.
    private var playing: PromptClip.Samples?
    private var isLooping = false
    private var index = 0
    private var frame = 0
    private(set) var token: UInt64 = 0
    var isFirst = true

    mutating func begin(_ clips: [PromptClip], loop: PromptClip?, token: UInt64) {
        (self.clips, self.loop, self.token) = (clips.filter { $0.frames > 0 }, loop, token)
        if loop?.frames == 0 { self.loop = nil }
        (index, frame, isFirst) = (0, 0, true)
        choose()
    }

    /// Lets go of what was played. The token stays.
    mutating func end() { begin([], loop: nil, token: token) }

    private mutating func choose() {
        isLooping = index >= clips.count
        playing = isLooping ? loop?.samples : clips[index].samples
    }

    /// The clip and frame to be sent now; nil when all is said. Music runs by the clock, so that it goes on behind an announcement
    /// where it would have been.
    mutating func next(tick: Int64) -> (PromptClip.Samples, Int)? {
        guard let playing else { return nil }
        guard !isLooping else { return (playing, Int(tick.magnitude % UInt64(playing.frames))) }
        let here = (playing, frame)
        frame += 1
        if frame >= playing.frames {
            (index, frame) = (index + 1, 0)
            choose()
        }
        return here
    }

    var isOver: Bool { playing == nil }
}

/// One prompt or piece of music, ready to be sent: whole frames of 20 ms in both laws of G.711. Any number of callers hear it
/// from this one memory, which costs each of them no decoder.
///
/// `@unchecked Sendable`: the memory is filled before the clip is made, never written again and never freed; a clip lives as
/// long as the process.
public struct PromptClip: Equatable, @unchecked Sendable {
    /// Octets of 20 ms of G.711.
    public static let frame = 160

    let alaw: UnsafePointer<UInt8>
    let µlaw: UnsafePointer<UInt8>
    /// Of 20 ms.
    public let frames: Int

    /// Both laws of the same sound; what is longer than the other, or no whole frame, is cut.
    public init(alaw: [UInt8], µlaw: [UInt8]) {
        frames = min(alaw.count, µlaw.count) / Self.frame
        self.alaw = Self.keep(alaw.prefix(frames * Self.frame))
        self.µlaw = Self.keep(µlaw.prefix(frames * Self.frame))
    }

    private static func keep(_ octets: ArraySlice<UInt8>) -> UnsafePointer<UInt8> {
        let memory = UnsafeMutablePointer<UInt8>.allocate(capacity: max(1, octets.count))
        for (place, octet) in octets.enumerated() { (memory + place).initialize(to: octet) }
        return UnsafePointer(memory)
    }

    public var milliseconds: Int { frames * 20 }
}

/// Where somebody is in what is said to him.
struct Saying: Sendable {
    private var clips: [PromptClip] = []
    private var loop: PromptClip?
    private var index = 0
    private var frame = 0
    private(set) var token: UInt64 = 0
    var isFirst = true

    mutating func begin(_ clips: [PromptClip], loop: PromptClip?, token: UInt64) {
        (self.clips, self.loop, self.token) = (clips.filter { $0.frames > 0 }, loop, token)
        (index, frame, isFirst) = (0, 0, true)
        if loop?.frames == 0 { self.loop = nil }
    }

    /// The clip and frame to be sent now; nil when all is said. Music runs by the clock, so that it goes on behind an announcement
    /// where it would have been.
    mutating func next(tick: Int64) -> (PromptClip, Int)? {
        if index < clips.count {
            let here = (clips[index], frame)
            frame += 1
            if frame >= clips[index].frames { (index, frame) = (index + 1, 0) }
            return here
        }
        guard let loop else { return nil }
        return (loop, Int(tick.magnitude % UInt64(loop.frames)))
    }

    var isOver: Bool { index >= clips.count && loop == nil }
}

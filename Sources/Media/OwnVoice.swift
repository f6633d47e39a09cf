import Codecs
import RTP

/// The RTP stream that we make ourselves for one peer: tones, and keys as telephone-events. A frame every 20 ms, and a packet as often as the
/// peer asked for.
public struct OwnVoice: ~Copyable {
    private let ssrc: UInt32
    private var sequence: UInt16
    private var timestamp: UInt32
    /// The tick that the next frame belongs to; nil before the first, and when the stamps are a peer's.
    private var frameTick: Int64?
    private var frame = 0
    /// The number and law of the codec that tones are spoken in; nil: the peer takes neither.
    private(set) var codec: (number: UInt8, law: G711.Law)?
    private var eventNumber: UInt8?
    private(set) var eventRate: UInt32 = 8_000
    private var keys = KeyPresses()
    private var saying = Saying()
    private var packetizer = Packetizer()
    /// Of the packets of sound that are under way the next one is the first.
    private var beginsTalk = false
    /// Whose packets are echoed, and what their numbers become ours by.
    private var echoing: (source: UInt32, sequence: UInt16, timestamp: UInt32)?
    /// What went out under our own source; wraps, as reports of it do.
    private(set) var sent: (packets: UInt32, octets: UInt32) = (0, 0)
    var source: UInt32 { ssrc }
    /// The time stamp of the next frame.
    var clock: UInt32 { timestamp &+ UInt32(truncatingIfNeeded: packetizer.waiting) }

    /// Octets of the longest packet: header and sound.
    public static let longestPacket = 12 + Packetizer.longest
    /// Octets of header and 20 ms of G.711.
    private static let framePacket = 12 + ToneSource.frame

    deinit {
        var packetizer = packetizer
        packetizer.giveBack()
    }

    init(randomness: UInt64) {
        ssrc = UInt32(truncatingIfNeeded: randomness)
        sequence = UInt16(truncatingIfNeeded: randomness >> 32) & 0x7FFF
        timestamp = UInt32(truncatingIfNeeded: randomness >> 24)
    }

    /// The stream's clock runs on while nothing is said (RFC 3550 §5.1). Before the frames of a tick; a frame that waits for its packet keeps its
    /// stamp, and the time is made up for after it.
    public mutating func advance(to tick: Int64) {
        guard packetizer.waiting == 0 else { return }
        if let frameTick, tick > frameTick {
            timestamp &+= UInt32(truncatingIfNeeded: tick - frameTick) &* UInt32(ToneSource.frame)
        }
        frameTick = max(tick, frameTick ?? tick)
    }

    /// What was left of the last talk is too old.
    private mutating func dropWaiting() {
        timestamp &+= UInt32(truncatingIfNeeded: packetizer.waiting)
        packetizer.removeAll()
    }

    /// `ptime`: how many milliseconds of sound the peer wants in a packet.
    mutating func choose(from formats: [MediaFormat], ptime: Int = 20) {
        packetizer.choose(milliseconds: ptime)
        codec = nil
        for format in formats where codec == nil {
            if format.encoding == "PCMA" { codec = (format.number, .a) }
            if format.encoding == "PCMU" { codec = (format.number, .µ) }
        }
        let event = formats.first { $0.encoding == "TELEPHONE-EVENT" }
        eventNumber = event?.number
        // The peer's number: within what audio has, so that durations can be reckoned with it.
        eventRate = UInt32(clamping: min(max(event?.clockRate ?? 8_000, 8_000), 192_000))
        if event == nil { keys.removeAll() }
    }

    /// The header of a packet that takes no time of the stream.
    mutating func writeHeader(into packet: UnsafeMutableRawBufferPointer, payloadType: UInt8) {
        writeRTPHeader(
            into: packet,
            marker: false,
            payloadType: payloadType,
            sequence: sequence,
            timestamp: timestamp,
            ssrc: ssrc
        )
        sequence &+= 1
    }

    /// The 20 ms of sound behind the header's place become a packet, or wait for theirs (0).
    private mutating func finishFrame(in packet: UnsafeMutableRawBufferPointer, isFirst: Bool) -> Int {
        if isFirst { beginsTalk = true }
        frameTick? += 1
        guard !packetizer.isIdle else { return writeHeader(of: ToneSource.frame, into: packet) }
        packetizer.append(UnsafeRawBufferPointer(rebasing: packet[12..<Self.framePacket]))
        return 0
    }

    /// Before octets of sound.
    private mutating func writeHeader(of octets: Int, into packet: UnsafeMutableRawBufferPointer) -> Int {
        guard let codec else { return 0 }
        writeRTPHeader(
            into: packet,
            marker: beginsTalk,
            payloadType: codec.number,
            sequence: sequence,
            timestamp: timestamp,
            ssrc: ssrc
        )
        beginsTalk = false
        sequence &+= 1
        timestamp &+= UInt32(truncatingIfNeeded: octets)
        sent = (sent.packets &+ 1, sent.octets &+ UInt32(truncatingIfNeeded: octets))
        return 12 + octets
    }

    /// The next packet of the frames that wait, for peers that want other packets than of 20 ms; 0 when none is full. `isLast`: nothing
    /// comes behind them.
    public mutating func writeWaiting(isLast: Bool, into packet: UnsafeMutableRawBufferPointer) -> Int {
        guard !packetizer.isIdle, codec != nil, packet.count >= Self.longestPacket else { return 0 }
        let octets = packetizer.take(into: UnsafeMutableRawBufferPointer(rebasing: packet[12...]), isLast: isLast)
        return octets > 0 ? writeHeader(of: octets, into: packet) : 0
    }

    public mutating func beginEcho() {
        dropWaiting()
        (echoing, frameTick) = (nil, nil)
    }

    /// Makes the peer's packet the next of our own stream: who hears his own source takes it for a loop (RFC 3550 §8.2). The steps between its
    /// numbers stay, so that what was lost on the way shows.
    public mutating func echo(_ packet: UnsafeMutableRawBufferPointer) {
        guard let header = RTPHeader(UnsafeRawBufferPointer(packet)), packet.count >= 12 else { return }
        if echoing?.source != header.ssrc {
            echoing = (header.ssrc, sequence &- header.sequence, timestamp &- header.timestamp)
        }
        let steps = echoing ?? (header.ssrc, 0, 0)
        let (number, stamp) = (header.sequence &+ steps.sequence, header.timestamp &+ steps.timestamp)
        packet.storeBytes(of: number.bigEndian, toByteOffset: 2, as: UInt16.self)
        packet.storeBytes(of: stamp.bigEndian, toByteOffset: 4, as: UInt32.self)
        packet.storeBytes(of: ssrc.bigEndian, toByteOffset: 8, as: UInt32.self)
        let octets = UInt32(truncatingIfNeeded: header.payloadLength)
        // The clock is the peer's: `advance` has nothing to make up for.
        (sequence, timestamp, frameTick) = (number &+ 1, stamp &+ octets, nil)
        sent = (sent.packets &+ 1, sent.octets &+ octets)
    }

    public mutating func beginTone() {
        dropWaiting()
        frame = 0
    }

    /// A key to be sent when those before it are over; nothing when the peer takes no telephone-events.
    public mutating func press(_ event: UInt8, milliseconds: Int) {
        guard eventNumber != nil else { return }
        keys.append(event, length: UInt32(max(40, min(milliseconds, 5_000))) * (eventRate / 1_000))
    }

    public var takesEvents: Bool { eventNumber != nil }
    public var isPressing: Bool { !keys.isEmpty }

    /// The next frame of a tone, as its packet; 0 when the peer takes none, or has to wait for it (`writeWaiting`).
    public mutating func writeTone(
        _ tone: Tone,
        from sources: (a: ToneSource, µ: ToneSource),
        into packet: UnsafeMutableRawBufferPointer
    ) -> Int {
        guard let codec, packet.count >= Self.framePacket else { return 0 }
        let payload = UnsafeMutableRawBufferPointer(rebasing: packet[12...])
        (codec.law == .a ? sources.a : sources.µ).write(tone, frame: frame, into: payload)
        defer { frame &+= 1 }
        return finishFrame(in: packet, isFirst: frame == 0)
    }

    public mutating func beginSaying(_ clips: [PromptClip], loop: PromptClip?, token: UInt64) {
        dropWaiting()
        saying.begin(clips, loop: loop, token: token)
    }

    /// Nothing is said any more: its sound may be replaced.
    public mutating func endSaying() { saying.end() }

    /// All is said.
    public var hasSaid: Bool { saying.isOver }
    public var sayingToken: UInt64 { saying.token }

    /// The next frame of what is said, as its packet; 0 when all is said, or the peer takes none (which takes as long) or has to wait.
    public mutating func writeSaying(tick: Int64, into packet: UnsafeMutableRawBufferPointer) -> Int {
        guard let (clip, frame) = saying.next(tick: tick), let codec, packet.count >= Self.framePacket else {
            return 0
        }
        let octets = (codec.law == .a ? clip.alaw : clip.µlaw) + frame * PromptClip.frame
        packet.baseAddress?.advanced(by: 12).copyMemory(from: octets, byteCount: PromptClip.frame)
        defer { saying.isFirst = false }
        return finishFrame(in: packet, isFirst: saying.isFirst)
    }

    public mutating func beginMix() {
        dropWaiting()
        frame = 0
    }

    /// A frame of a mix, as its packet: as many samples as 20 ms have, of which each may be the sum of many; 0 when the peer takes none, or
    /// has to wait.
    public mutating func writeMix(
        _ samples: UnsafeMutableBufferPointer<Int32>,
        into packet: UnsafeMutableRawBufferPointer
    ) -> Int {
        guard let codec, samples.count == MixIntake.frame, packet.count >= Self.framePacket else { return 0 }
        for (place, sample) in samples.enumerated() {
            packet[12 + place] = G711.encode(Int16(clamping: sample), codec.law)
        }
        defer { frame &+= 1 }
        return finishFrame(in: packet, isFirst: frame == 0)
    }

    /// Of the key that is pressed some packets went out already, and others are to come.
    var isAmidKey: Bool { keys.current != nil }
    mutating func dropKey() { keys.dropCurrent() }

    /// The next packet of the key that is pressed, under our own source; 0 when none is to be sent now.
    mutating func writeKey(into packet: UnsafeMutableRawBufferPointer) -> Int {
        let length = writeKey(into: packet, ssrc: ssrc, sequence: sequence, timestamp: timestamp)
        guard length > 0 else { return 0 }
        sequence &+= 1
        timestamp &+= eventRate / 50
        frameTick? += 1
        sent = (sent.packets &+ 1, sent.octets &+ UInt32(TelephoneEvent.length))
        return length
    }

    /// The same in whatever stream. `timestamp` is that of a key which begins; its later packets have it too (RFC 4733 §2.5.1.2).
    mutating func writeKey(
        into packet: UnsafeMutableRawBufferPointer,
        ssrc: UInt32,
        sequence: UInt16,
        timestamp: UInt32
    ) -> Int {
        let length = 12 + TelephoneEvent.length
        guard let eventNumber, packet.count >= length,
            let (key, isFirst, isEnd) = keys.advance(by: eventRate / 50, timestamp: timestamp)
        else { return 0 }
        writeRTPHeader(
            into: packet,
            marker: isFirst,
            payloadType: eventNumber,
            sequence: sequence,
            timestamp: key.timestamp,
            ssrc: ssrc
        )
        TelephoneEvent(event: key.event, isEnd: isEnd, duration: UInt16(clamping: key.duration))
            .write(into: UnsafeMutableRawBufferPointer(rebasing: packet[12...]))
        return length
    }
}

import Codecs
import RTP

/// The RTP stream that we make ourselves for one peer: tones, and keys as telephone-events. A packet every 20 ms.
public struct OwnVoice: Sendable {
    private let ssrc: UInt32
    private var sequence: UInt16
    private var timestamp: UInt32
    private var frame = 0
    /// The number and law of the codec that tones are spoken in; nil: the peer takes neither.
    private(set) var codec: (number: UInt8, law: G711.Law)?
    private var eventNumber: UInt8?
    private var eventRate: UInt32 = 8_000
    private var key: Key?

    private struct Key: Sendable {
        var event: UInt8
        var timestamp: UInt32
        var duration: UInt32 = 0
        var length: UInt32
        var endsSent = 0
    }

    /// Octets of the longest packet: header and 20 ms of G.711.
    public static let longestPacket = 12 + ToneSource.frame

    init(randomness: UInt64) {
        ssrc = UInt32(truncatingIfNeeded: randomness)
        sequence = UInt16(truncatingIfNeeded: randomness >> 32) & 0x7FFF
        timestamp = UInt32(truncatingIfNeeded: randomness >> 24)
    }

    mutating func choose(from formats: [MediaFormat]) {
        codec = nil
        for format in formats where codec == nil {
            if format.encoding == "PCMA" { codec = (format.number, .a) }
            if format.encoding == "PCMU" { codec = (format.number, .µ) }
        }
        let event = formats.first { $0.encoding == "TELEPHONE-EVENT" }
        eventNumber = event?.number
        eventRate = UInt32(clamping: event?.clockRate ?? 8_000)
    }

    public mutating func beginTone() { frame = 0 }

    /// Begins a key; one that is under way is cut off.
    public mutating func press(_ event: UInt8, milliseconds: Int) {
        guard eventNumber != nil else { return }
        let length = UInt32(clamping: max(40, min(milliseconds, 5_000))) * (eventRate / 1_000)
        key = Key(event: event, timestamp: timestamp, length: length)
    }

    public var isPressing: Bool { key != nil }

    /// The next packet of a tone; 0 when the peer takes none.
    public mutating func writeTone(
        _ tone: Tone,
        from sources: (a: ToneSource, µ: ToneSource),
        into packet: UnsafeMutableRawBufferPointer
    ) -> Int {
        guard let codec, packet.count >= Self.longestPacket else { return 0 }
        writeRTPHeader(
            into: packet,
            marker: frame == 0,
            payloadType: codec.number,
            sequence: sequence,
            timestamp: timestamp,
            ssrc: ssrc
        )
        let payload = UnsafeMutableRawBufferPointer(rebasing: packet[12...])
        (codec.law == .a ? sources.a : sources.µ).write(tone, frame: frame, into: payload)
        frame &+= 1
        sequence &+= 1
        timestamp &+= 160
        return Self.longestPacket
    }

    /// The next packet of the key that is pressed; 0 when none is. The end is sent three times (RFC 4733 §2.5.1.4).
    public mutating func writeKey(into packet: UnsafeMutableRawBufferPointer) -> Int {
        guard var pressed = key, let eventNumber, packet.count >= 16 else {
            key = nil
            return 0
        }
        let isFirst = pressed.duration == 0
        if pressed.duration < pressed.length { pressed.duration += eventRate / 50 }
        let isEnd = pressed.duration >= pressed.length
        writeRTPHeader(
            into: packet,
            marker: isFirst,
            payloadType: eventNumber,
            sequence: sequence,
            timestamp: pressed.timestamp,
            ssrc: ssrc
        )
        TelephoneEvent(event: pressed.event, isEnd: isEnd, duration: UInt16(clamping: pressed.duration))
            .write(into: UnsafeMutableRawBufferPointer(rebasing: packet[12...]))
        sequence &+= 1
        timestamp &+= 160
        if isEnd { pressed.endsSent += 1 }
        key = pressed.endsSent >= 3 ? nil : pressed
        return 16
    }
}

/// The payload of a telephone-event packet (RFC 4733 §2.3).
public struct TelephoneEvent: Equatable, Sendable {
    public var event: UInt8
    public var isEnd: Bool
    /// In time stamp units, since the time stamp.
    public var duration: UInt16

    public init(event: UInt8, isEnd: Bool, duration: UInt16) {
        (self.event, self.isEnd, self.duration) = (event, isEnd, duration)
    }

    /// Octets.
    public static let length = 4

    /// nil when the payload is shorter than an event.
    public init?(_ payload: UnsafeRawBufferPointer) {
        guard payload.count >= Self.length else { return nil }
        self.init(
            event: payload[0],
            isEnd: payload[1] & 0x80 != 0,
            duration: payload.loadUnaligned(fromByteOffset: 2, as: UInt16.self).bigEndian
        )
    }

    /// At −10 dBm0.
    public func write(into payload: UnsafeMutableRawBufferPointer) {
        guard payload.count >= Self.length else { return }
        payload[0] = event
        payload[1] = (isEnd ? 0x80 : 0) | 10
        payload.storeBytes(of: duration.bigEndian, toByteOffset: 2, as: UInt16.self)
    }

    private static let keys = Array("0123456789*#ABCD")

    /// The key of an event; nil for what is none (flash, and the tones of modems).
    public static func key(of event: UInt8) -> String? { event < 16 ? String(keys[Int(event)]) : nil }

    public static func event(of key: String) -> UInt8? {
        keys.firstIndex { String($0) == key.uppercased() }.map { UInt8($0) }
    }
}

/// Makes one key of the many packets that tell it: whatever is lost, repeated, late or long (RFC 4733 §2.5).
///
/// A key is known by its time stamp; one that outlasts 65535 units goes on in a new segment, which is the same key
/// (§2.5.1.3).
public struct KeyDetector: Sendable {
    private var ssrc: UInt32 = 0
    private var timestamp: UInt32 = 0
    private var last = TelephoneEvent(event: 255, isEnd: true, duration: 0)
    private var isHeard = false

    public init() {}

    /// How late a packet of an earlier key may be: 8 s of 48 kHz.
    private static let latest: Int32 = 384_000

    /// 40 ms of a key and 40 ms of pause are the least between two of them (ITU-T Q.24), at 8 kHz.
    private static let leastStep: Int32 = 640

    /// The event code of a key that begins with this packet; nil for one that was told already.
    public mutating func receive(_ header: RTPHeader, _ event: TelephoneEvent) -> UInt8? {
        defer { if header.ssrc == ssrc, header.timestamp == timestamp { last = event } }
        guard isHeard, header.ssrc == ssrc else { return begin(header, event) }
        let step = Int32(bitPattern: header.timestamp &- timestamp)
        // The same key again, or a late packet of one before; further back, the source's clock began anew.
        guard step > 0 || step < -Self.latest else { return nil }
        // By the step alone: the packets that came near the full duration may be the lost ones.
        let isNextSegment =
            event.event == last.event && !last.isEnd && !header.marker && (0xFF00...0x1_0000).contains(step)
        // Gateways are met whose time stamps run on within a key.
        let runsOn = event.event == last.event && !header.marker && (1..<Self.leastStep).contains(step)
        guard !isNextSegment, !runsOn else {
            timestamp = header.timestamp
            return nil
        }
        return begin(header, event)
    }

    private mutating func begin(_ header: RTPHeader, _ event: TelephoneEvent) -> UInt8? {
        (ssrc, timestamp, last, isHeard) = (header.ssrc, header.timestamp, event, true)
        return event.event < 16 ? event.event : nil
    }
}

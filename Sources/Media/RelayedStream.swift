import RTP

/// The stream of another party that a peer hears over a bridge, and the packets that we put into it: keys that the switch makes itself are
/// events of that stream (RFC 4733 §2.1), not of a second one beside it.
///
/// Each of them takes a sequence number, so what is relayed later goes on under numbers that are as much higher. And what was held back while
/// the peer heard somebody else, or music, has taken none: the stream goes on under the next number, or the receiver would count it as lost
/// (RFC 3550 §6.4.1, A.3). The time stamps stay the sender's: they are of the clock, and the first packet after such a pause is marked
/// (RFC 3551 §4.1).
struct RelayedStream: Sendable {
    private(set) var source: UInt32 = 0
    /// A packet of it came since the bridge was made.
    private(set) var isHeard = false
    /// One of this source was passed on, over this bridge or an earlier one.
    private var isKnown = false
    /// As the sender counts.
    private var highest: UInt16 = 0
    private var timestamp: UInt32 = 0
    private var heardAt: Int64 = 0
    /// What numbers are shifted by: packets that were put in, less those that were held back. Of 65,536 and more that were held back at once
    /// the rest counts, which is all that a number tells.
    private(set) var shift: UInt32 = 0
    /// Packets that were put in and that the sender of this source has not counted.
    private(set) var inserted: UInt32 = 0
    /// The sender's numbers behind which the latest ones were put in: a packet that comes late is from before some of them.
    private var places = SIMD16<UInt16>()
    private var placeCount = 0

    /// A number that lies further back is the source begun anew, as in `StreamStatistics`.
    private static let window: Int16 = 64
    /// Nanoseconds within which the stream is under way. Two keys are further apart, so that each has a time stamp of its own.
    private static let pause: Int64 = 100_000_000
    /// Nanoseconds within which a lower number is that of a packet that was overtaken, though the bridge was made anew meanwhile.
    private static let overtaken: Int64 = 1_000_000_000

    /// Whoever is bridged now is not heard yet.
    mutating func end() { isHeard = false }

    /// A packet of the other party, about to be sent.
    @inline(__always)
    mutating func pass(_ packet: UnsafeMutableRawBufferPointer, now: Int64) {
        guard packet.count >= 12 else { return }
        let number = packet.loadUnaligned(fromByteOffset: 2, as: UInt16.self).bigEndian
        let by = shift(of: packet, number, now: now)
        if by != 0 { packet.storeBytes(of: (number &+ by).bigEndian, toByteOffset: 2, as: UInt16.self) }
    }

    @inline(__always)
    private mutating func shift(of packet: UnsafeMutableRawBufferPointer, _ number: UInt16, now: Int64) -> UInt16 {
        let ssrc = packet.loadUnaligned(fromByteOffset: 8, as: UInt32.self).bigEndian
        if ssrc != source { begin(ssrc) }
        let step = Int16(bitPattern: number &- highest)
        if step <= 0, step > -Self.window, isHeard || isKnown && now - heardAt < Self.overtaken {
            return UInt16(truncatingIfNeeded: shift) &- insertedSince(number)
        }
        if !isHeard { resume(packet, after: step) }
        if step < 0 { placeCount = 0 }
        (isHeard, isKnown, highest, heardAt) = (true, true, number, now)
        timestamp = packet.loadUnaligned(fromByteOffset: 4, as: UInt32.self).bigEndian
        return UInt16(truncatingIfNeeded: shift)
    }

    private mutating func begin(_ ssrc: UInt32) {
        (source, isHeard, isKnown, inserted, placeCount) = (ssrc, false, false, 0, 0)
    }

    /// The first packet of the bridge; where the peer knows its source already, that goes on where it was left.
    private mutating func resume(_ packet: UnsafeMutableRawBufferPointer, after step: Int16) {
        guard isKnown, step != 1 else { return }
        shift &-= UInt32(UInt16(bitPattern: step &- 1))
        placeCount = 0
        packet[1] |= 0x80
    }

    /// Packets that were put in behind a number, up to the highest.
    private func insertedSince(_ number: UInt16) -> UInt16 {
        var count: UInt16 = 0
        for index in 0..<placeCount {
            let place = places[index]
            if Int16(bitPattern: place &- number) >= 0, Int16(bitPattern: highest &- place) >= 0 { count += 1 }
        }
        return count
    }

    /// The number that a packet of our own would have now.
    var nextNumber: UInt16 { highest &+ UInt16(truncatingIfNeeded: shift) &+ 1 }

    /// The time stamp of what begins now: that of the packet before, or as much later as that is ago.
    func stamp(now: Int64, clockRate: UInt32) -> UInt32 {
        let silence = now - heardAt
        guard silence > Self.pause else { return timestamp }
        return timestamp &+ UInt32(truncatingIfNeeded: silence / 1_000 &* Int64(clockRate) / 1_000_000)
    }

    /// A packet of our own was put in.
    mutating func insert() {
        (shift, inserted) = (shift &+ 1, inserted &+ 1)
        for index in stride(from: min(placeCount, places.scalarCount - 1), to: 0, by: -1) {
            places[index] = places[index - 1]
        }
        places[0] = highest
        placeCount = min(placeCount + 1, places.scalarCount)
    }
}

extension RelayPort {
    /// A packet of the other party of the bridge, about to be sent to this peer.
    @inline(__always)
    public mutating func pass(_ packet: UnsafeMutableRawBufferPointer, now: Int64) { relayed.pass(packet, now: now) }

    /// The bridge is over, or another one.
    public mutating func endRelay() { relayed.end() }

    /// The next packet of the key that is pressed; 0 when none is to be sent now. A key that begins while somebody's voice is relayed belongs to that
    /// stream up to its end, though the bridge may end meanwhile.
    public mutating func writeKey(into packet: UnsafeMutableRawBufferPointer, now: Int64) -> Int {
        if !voice.isAmidKey { keysAreRelayed = isBridged && relayed.isHeard }
        guard keysAreRelayed else { return voice.writeKey(into: packet) }
        if !voice.isAmidKey { keySource = relayed.source }
        guard keySource == relayed.source else {
            // Under another source the rest of it would be another key.
            voice.dropKey()
            return 0
        }
        let length = voice.writeKey(
            into: packet,
            ssrc: relayed.source,
            sequence: relayed.nextNumber,
            timestamp: relayed.stamp(now: now, clockRate: voice.eventRate)
        )
        if length > 0 { relayed.insert() }
        return length
    }

    /// The peer hears nobody but another party, whose reports are relayed.
    public var isOnlyRelay: Bool { isBridged && (keysAreRelayed || !voice.isPressing) }
    private var isBridged: Bool { if case .bridged = mode { true } else { false } }

    /// This peer's report, about to be passed on: the other party is told of its numbers as it knows them (RFC 3550 §6.4.1).
    public func restoreNumbers(inReport packet: UnsafeMutableRawBufferPointer) {
        guard relayed.shift != 0 else { return }
        RTCPPacket.addToBlocks(of: relayed.source, highest: 0 &- relayed.shift, in: packet)
    }

    /// A report of the other party, about to be passed on to this peer, which counts our packets among that party's.
    public func addInserted(toReport packet: UnsafeMutableRawBufferPointer) {
        guard relayed.inserted != 0 else { return }
        let octets = relayed.inserted &* UInt32(TelephoneEvent.length)
        RTCPPacket.addToSender(relayed.source, packets: relayed.inserted, octets: octets, in: packet)
    }
}

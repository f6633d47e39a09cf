/// Whether voice went both ways, seen from this engine towards one leg.
public enum MediaVerdict: String, Codable, Sendable, CaseIterable {
    case both
    /// We hear the peer; nothing goes to it.
    case receivingOnly = "receiving only"
    /// We send; nothing comes from the peer.
    case sendingOnly = "sending only"
    case none
}

/// One direction of one leg's RTP (RFC 3550 §6.4.1, ITU-T G.107).
public struct StreamReport: Codable, Equatable, Sendable {
    public var packets: UInt64
    public var octets: UInt64
    /// Packets expected by the sequence numbers and never seen; nil: nobody told, or nothing came to tell by. So are the others.
    public var lost: UInt64?
    public var jitterMilliseconds: Double?
    public var duplicates: UInt64?
    public var reordered: UInt64?
    /// R factor, 0 to 93.2; nil without packets.
    public var rFactor: Double?
    /// 1 to 4.5; nil without packets.
    public var mos: Double?
    /// The same of the worst passage of some seconds, which a long call's mean hides.
    public var leastRFactor: Double?
    public var leastMOS: Double?

    public enum CodingKeys: String, CodingKey, Sendable {
        case packets, octets, lost
        case jitterMilliseconds = "jitter_ms"
        case duplicates, reordered
        case rFactor = "r_factor"
        case mos
        case leastRFactor = "r_factor_min"
        case leastMOS = "mos_min"
    }

    public init(
        packets: UInt64 = 0,
        octets: UInt64 = 0,
        lost: UInt64? = nil,
        jitterMilliseconds: Double? = nil,
        duplicates: UInt64? = nil,
        reordered: UInt64? = nil,
        rFactor: Double? = nil,
        mos: Double? = nil
    ) {
        (self.packets, self.octets, self.lost) = (packets, octets, lost)
        (self.jitterMilliseconds, self.duplicates, self.reordered) = (jitterMilliseconds, duplicates, reordered)
        (self.rFactor, self.mos) = (rFactor, mos)
    }

    /// Every key is written, the empty ones as null.
    public func encode(to encoder: any Encoder) throws {
        var keys = encoder.container(keyedBy: CodingKeys.self)
        try keys.encode(packets, forKey: .packets)
        try keys.encode(octets, forKey: .octets)
        try keys.encode(lost, forKey: .lost)
        try keys.encode(jitterMilliseconds, forKey: .jitterMilliseconds)
        try keys.encode(duplicates, forKey: .duplicates)
        try keys.encode(reordered, forKey: .reordered)
        try keys.encode(rFactor, forKey: .rFactor)
        try keys.encode(mos, forKey: .mos)
        try keys.encode(leastRFactor, forKey: .leastRFactor)
        try keys.encode(leastMOS, forKey: .leastMOS)
    }
}

/// A leg's media from its port's opening to its closing.
public struct MediaReport: Codable, Equatable, Sendable {
    /// What came from the peer, as we counted it.
    public var received: StreamReport
    /// What went to the peer, with loss and jitter as its RTCP reported them; of more that tells nothing.
    public var sent: StreamReport
    /// From RTCP (RFC 3550 §6.4.1, LSR and DLSR); nil when the peer sent no report.
    public var roundTripMilliseconds: Double?
    /// From the remote address becoming known to the first packet; nil when none came.
    public var firstPacketDelayMilliseconds: Double?
    public var signalledAddress: String?
    public var latchedAddress: String?
    public var verdict: MediaVerdict
    /// Packets refused because they came from an address that is not the latched one.
    public var foreignPackets: UInt64
    /// Datagrams on the port that were no RTP.
    public var malformedPackets: UInt64
    /// RTP of the peer under payload types that nobody agreed upon; nil in records from before it was counted.
    public var unagreedPackets: UInt64?

    public enum CodingKeys: String, CodingKey, Sendable {
        case received, sent
        case roundTripMilliseconds = "rtt_ms"
        case firstPacketDelayMilliseconds = "first_packet_ms"
        case signalledAddress = "signalled_address"
        case latchedAddress = "latched_address"
        case verdict
        case foreignPackets = "foreign_packets"
        case malformedPackets = "malformed_packets"
        case unagreedPackets = "unagreed_packets"
    }

    public init(
        received: StreamReport = StreamReport(),
        sent: StreamReport = StreamReport(),
        roundTripMilliseconds: Double? = nil,
        firstPacketDelayMilliseconds: Double? = nil,
        signalledAddress: String? = nil,
        latchedAddress: String? = nil,
        verdict: MediaVerdict = .none,
        foreignPackets: UInt64 = 0,
        malformedPackets: UInt64 = 0,
        unagreedPackets: UInt64? = nil
    ) {
        (self.received, self.sent, self.roundTripMilliseconds) = (received, sent, roundTripMilliseconds)
        self.firstPacketDelayMilliseconds = firstPacketDelayMilliseconds
        (self.signalledAddress, self.latchedAddress) = (signalledAddress, latchedAddress)
        (self.verdict, self.foreignPackets, self.malformedPackets) = (verdict, foreignPackets, malformedPackets)
        self.unagreedPackets = unagreedPackets
    }

    /// Every key is written, the empty ones as null.
    public func encode(to encoder: any Encoder) throws {
        var keys = encoder.container(keyedBy: CodingKeys.self)
        try keys.encode(received, forKey: .received)
        try keys.encode(sent, forKey: .sent)
        try keys.encode(roundTripMilliseconds, forKey: .roundTripMilliseconds)
        try keys.encode(firstPacketDelayMilliseconds, forKey: .firstPacketDelayMilliseconds)
        try keys.encode(signalledAddress, forKey: .signalledAddress)
        try keys.encode(latchedAddress, forKey: .latchedAddress)
        try keys.encode(verdict, forKey: .verdict)
        try keys.encode(foreignPackets, forKey: .foreignPackets)
        try keys.encode(malformedPackets, forKey: .malformedPackets)
        try keys.encode(unagreedPackets, forKey: .unagreedPackets)
    }
}

public import Codecs
public import Events
public import RTP

/// One end of a leg's media, as its thread keeps it: no references, so that it lives in plain memory and a packet costs
/// no count, lock or allocation. Sans-IO: packets in, decisions out.
public struct RelayPort: ~Copyable {
    public enum Mode: Equatable, Sendable {
        case idle
        /// To the port in this slot.
        case bridged(Int)
        case echo
        case tone(Tone)
        /// Prompts, or music.
        case saying
        /// Hears the sum of others, and is heard by others.
        case mixing
    }

    public enum Verdict: Equatable, Sendable {
        case malformed
        /// A question of ICE, which is not answered, and nothing of the peer's media (RFC 7983 §7).
        case stun
        /// Of somebody who is not the peer.
        case foreign
        case media
        /// Of a payload type that nobody agreed upon: the peer lives, and is not understood (RFC 3550 §5.1, RFC 6263 §4.6).
        case unagreed
        /// RTCP on the RTP port (RFC 5761).
        case control
    }

    /// What the core should be told of; looked at after each packet, and nearly always empty.
    public struct News: Sendable {
        public var hasFirstPacket = false
        public var isRelatched = false
        /// An event code.
        public var key: UInt8?
        /// Of the key: it was heard as tones.
        public var isInBand = false
        @inlinable public var isEmpty: Bool { !hasFirstPacket && !isRelatched && key == nil }
        public init() {}
    }

    public let id: MediaID
    public var mode: Mode = .idle
    /// Of a bridge: its other party takes telephone-events.
    public var tellsEvents = false
    public var news = News()
    public private(set) var parameters = MediaParameters(remoteRTP: nil, remoteRTCP: nil)
    public private(set) var latch = Latch()
    public private(set) var received = StreamStatistics()
    public private(set) var foreign: UInt64 = 0
    public private(set) var malformed: UInt64 = 0
    public private(set) var unagreed: UInt64 = 0
    /// What may come from the peer, and what might before: a number keeps its one meaning for as long as the leg lives (RFC 3264 §8.3.2), and
    /// a peer that has not heard yet that another is agreed upon goes on with it.
    private var agreed: [MediaFormat] = []
    /// The payload type of the peer's last packet that was no key.
    private var voiceNumber: UInt8 = 0
    var keys = KeyDetector()
    var tones = InBandKeys()
    let formats = FormatTable()
    // The hot path's own copies: a flag each, instead of a look into the parameters.
    public private(set) var sendsToPeer = false
    public private(set) var receivesFromPeer = false

    /// Of the last packet, as it goes on; nil when the switch does not understand it.
    public private(set) var codec: VoiceCodec?

    public private(set) var packetsSent: UInt64 = 0
    public private(set) var octetsSent: UInt64 = 0
    private var describedAt: Int64 = 0
    public private(set) var firstPacketDelay: Int64?
    private var quietSince: Int64 = 0
    private var hasToldSilence = false
    private var ratedPackets: UInt64 = 0
    var control = ControlState()
    private var reports: OwnReports
    private var keepAlive = KeepAlive()
    /// What we speak ourselves: tones and keys.
    public var voice: OwnVoice
    /// What the peer says into a mix.
    public var intake = MixIntake()
    /// What the peer hears over a bridge.
    var relayed = RelayedStream()
    /// The key that is pressed is part of it, and of this source.
    var keysAreRelayed = false
    var keySource: UInt32 = 0

    public init(id: MediaID, randomness: UInt64) {
        self.id = id
        voice = OwnVoice(randomness: randomness)
        reports = OwnReports(randomness: randomness)
    }

    deinit { formats.entries.deallocate() }

    // MARK: commands

    public mutating func configure(_ next: MediaParameters, isUnreachable: Bool, now: Int64) {
        if let remote = next.remoteRTP {
            let address = WireAddress(remote)
            if address != latch.described { describedAt = now }
            let isRenewed = next.descriptions != parameters.descriptions
            latch.describe(address, isRenewed: isRenewed, isUnreachable: isUnreachable, now: now)
        }
        if let remote = next.remoteRTCP { control.describe(WireAddress(remote)) }
        if next.inactivityTimeout != parameters.inactivityTimeout {
            quietSince = now
            hasToldSilence = false
        }
        parameters = next
        let numbers = next.receiveFormats.map(\.number)
        agreed = next.receiveFormats + agreed.filter { !numbers.contains($0.number) }
        sendsToPeer = next.sendsToPeer
        receivesFromPeer = next.receivesFromPeer
        fillFormats(towards: next.sendFormats)
        voice.choose(from: next.sendFormats, ptime: next.ptime)
        keepAlive.choose(receive: next.receiveFormats, send: next.sendFormats)
        let hasKeys = next.sendFormats.contains { $0.encoding == "TELEPHONE-EVENT" }
        if voice.codec != nil, !hasKeys { tones.listen() } else { tones.stop() }
    }

    /// The numbers under which packets from here go on: those of the peer that they go to.
    public mutating func fillFormats(towards send: [MediaFormat]) {
        formats.entries.fill(receive: agreed, send: send)
    }

    /// The peer's packets are decoded as they come, under its own numbers.
    public mutating func beginMixing() {
        fillFormats(towards: parameters.receiveFormats)
        intake.begin()
        voice.beginMix()
    }

    // MARK: packets

    /// A datagram on the RTP port. The payload type is rewritten in place to the number it goes on under.
    public mutating func receive(
        _ packet: UnsafeMutableRawBufferPointer,
        from source: WireAddress,
        now: Int64
    ) -> Verdict {
        let octets = UnsafeRawBufferPointer(packet)
        // First: the shortest RTCP packets would be no RTP header.
        if RTPHeader.isControl(octets) { return .control }
        guard let header = RTPHeader(octets) else {
            guard !RTPHeader.isSTUN(octets) else { return .stun }
            malformed &+= 1
            return .malformed
        }
        switch latch.accept(source, header, received, now: now) {
        case .accepted: break
        case .refused:
            foreign &+= 1
            return .foreign
        case .latched: news.isRelatched = firstPacketDelay != nil
        case .relatched:
            news.isRelatched = true
            control.forgetSource()
        }
        hasToldSilence = false
        let format = formats.entries[Int(header.payloadType)]
        guard format.isAgreed else {
            unagreed &+= 1
            return .unagreed
        }
        if firstPacketDelay == nil {
            firstPacketDelay = max(0, now - describedAt)
            news.hasFirstPacket = true
        }
        received.receive(header, clockRate: format.isTelephoneEvent ? 0 : format.clockRate, at: now)
        if format.isTelephoneEvent { detectKey(header, octets) } else { voiceNumber = header.payloadType }
        codec = format.codec
        if format.outgoing != FormatTable.same {
            packet[1] = packet[1] & 0x80 | format.outgoing
            if let law = format.translation { translate(packet, header, by: law) }
        }
        if tones.isListening, isListenedTo { hearKey(header, octets) }
        return .media
    }

    /// Between peers that share no law of G.711: octet for octet.
    private func translate(
        _ packet: UnsafeMutableRawBufferPointer,
        _ header: RTPHeader,
        by law: UnsafePointer<UInt8>
    ) {
        let end = min(header.payloadOffset + header.payloadLength, packet.count)
        for place in header.payloadOffset..<max(header.payloadOffset, end) { packet[place] = law[Int(packet[place])] }
    }

    private mutating func detectKey(_ header: RTPHeader, _ octets: UnsafeRawBufferPointer) {
        let end = header.payloadOffset + header.payloadLength
        let payload = UnsafeRawBufferPointer(rebasing: octets[header.payloadOffset..<end])
        // Whoever sends them without a word in its description is not listened to beside them.
        tones.stop()
        guard let event = TelephoneEvent(payload), let key = keys.receive(header, event) else { return }
        (news.key, news.isInBand) = (key, false)
    }

    /// The switch listens for keys itself, or the party behind the bridge is told of them by telephone-events; any other hears the tones.
    private var isListenedTo: Bool { if case .bridged = mode { tellsEvents } else { true } }

    private mutating func hearKey(_ header: RTPHeader, _ octets: UnsafeRawBufferPointer) {
        let end = header.payloadOffset + header.payloadLength
        let payload = UnsafeRawBufferPointer(rebasing: octets[header.payloadOffset..<end])
        guard let key = tones.receive(header, payload, codec?.law) else { return }
        (news.key, news.isInBand) = (key, true)
    }

    /// Where packets to this peer go; nil while nobody said, or when it wants none.
    @inline(__always)
    public var destination: WireAddress? { sendsToPeer && !latch.current.isNone ? latch.current : nil }

    @inline(__always)
    public mutating func countSent(_ octets: Int) {
        packetsSent &+= 1
        octetsSent &+= UInt64(truncatingIfNeeded: max(0, octets - 12))
    }

    // MARK: RTCP

    /// RTCP of the peer; nil when it is not the peer's or malformed.
    public mutating func receiveControl(
        _ octets: UnsafeRawBufferPointer,
        from source: WireAddress,
        now: Int64
    ) -> RTCPPacket? {
        guard !RTPHeader.isSTUN(octets) else { return nil }
        guard mayReport(source, now: now) else {
            foreign &+= 1
            return nil
        }
        guard let packet = RTCPPacket(octets) else {
            malformed &+= 1
            return nil
        }
        control.hear(packet, from: source, clockRate: parameters.sendFormats.first?.clockRate, now: now)
        hasToldSilence = false
        return packet
    }

    /// Whether RTCP from an address is the peer's: of the host that its media comes from, and no second one beside it.
    public func mayReport(_ source: WireAddress, now: Int64) -> Bool {
        source.isSameHost(as: latch.isLatched ? latch.current : latch.described)
            && (source == latch.current || control.accepts(source, now: now))
    }

    /// Where RTCP to this peer goes.
    public var controlDestination: WireAddress? { control.destination(latch: latch) }

    public mutating func noteForwarded(_ packet: RTCPPacket, now: Int64) {
        control.forward(packet.senderReport, now: now)
    }

    /// Whether our own stream to the peer should be reported on now.
    public mutating func reportIsDue(now: Int64) -> Bool { reports.isDue(now: now) }
    /// The peer speaks to the switch alone, which says nothing of its own accord now.
    public var listensInSilence: Bool { (mode == .idle || mode == .echo) && received.packets > 0 && sendsToPeer }
    /// Our own stream was heard of, and its end should be.
    public var owesFarewell: Bool { reports.hasReported || voice.sent.packets > 0 }

    /// Our own report, with a BYE where it is the last; 0 when the peer wants nothing of us. `ntp` is what the wall clock said at the zero of
    /// `now`, in nanoseconds since 1900.
    public mutating func writeReport(
        isLast: Bool,
        now: Int64,
        ntp: Int64,
        into packet: UnsafeMutableRawBufferPointer
    ) -> Int {
        guard destination != nil else { return 0 }
        let last = control.lastReport(now: now)
        let report = reports.report(
            voice: voice,
            received: received,
            answering: last,
            isLast: isLast,
            now: now,
            ntp: ntp
        )
        control.forward(report.sender.map { UInt32(truncatingIfNeeded: $0.ntp >> 16) }, now: now)
        return report.write(into: packet)
    }

    // MARK: time

    /// Nobody listened for so long: what came meanwhile lies in the socket, and its silence is none.
    public mutating func wasUnheard(for standstill: Int64, now: Int64) {
        quietSince = min(now, max(quietSince, latch.lastHeard, control.lastHeard) &+ standstill)
    }

    /// How long nothing came, neither RTP nor RTCP (RFC 3550 §6.3.5), when that is longer than it may be; told once.
    public mutating func overdueSilence(now: Int64) -> Duration? {
        guard let timeout = parameters.inactivityTimeout, !hasToldSilence else { return nil }
        let silence = Duration.nanoseconds(now - max(quietSince, latch.lastHeard, control.lastHeard))
        guard silence >= timeout else { return nil }
        hasToldSilence = true
        return silence
    }

    /// Octets of the longest packet that keeps a stream alive.
    public static let longestKeepAlive = KeepAlive.longest

    /// Whether the peer was sent nothing for so long that its way through a NAT may close (RFC 6263), and where to then. One
    /// that holds wants no media, yet needs its way when it comes back. Asked several times a second.
    public mutating func keepAliveIsDue(now: Int64) -> WireAddress? {
        let address = latch.current
        return keepAlive.isDue(sent: packetsSent, hasDestination: !address.isNone, now: now) ? address : nil
    }

    /// The packet for it; neither its statistics nor its reports know of it.
    public mutating func writeKeepAlive(into packet: UnsafeMutableRawBufferPointer) -> Int {
        voice.writeKeepAlive(keepAlive.form, into: packet)
    }

    /// What the peer has spoken last.
    private var heardCodec: CodecImpairment {
        CodecImpairment(encoding: agreed.first { $0.number == voiceNumber }?.encoding)
    }

    /// Of what came until now; nil when nothing new did since it was asked for last.
    public mutating func newQuality() -> Double? {
        guard received.packets > ratedPackets else { return nil }
        ratedPackets = received.packets
        var incoming = received.report
        incoming.rate(received.whole, codec: heardCodec, delayMilliseconds: (control.roundTrip ?? 0) / 2)
        return incoming.mos
    }

    public func report() -> MediaReport {
        let verdict: MediaVerdict =
            switch (received.packets > 0, packetsSent > 0) {
            case (true, true): .both
            case (true, false): .receivingOnly
            case (false, true): .sendingOnly
            case (false, false): .none
            }
        let delay = (control.roundTrip ?? 0) / 2
        var sent = StreamReport(packets: packetsSent, octets: octetsSent)
        // Without a word of the peer nothing is known of what reached it.
        if control.hasReport {
            (sent.lost, sent.jitterMilliseconds) = (control.lost, control.jitterMilliseconds)
            let codec = CodecImpairment(encoding: parameters.sendFormats.first?.encoding)
            sent.rate(sent.sent, worst: control.worstPassage, codec: codec, delayMilliseconds: delay)
        }
        var incoming = received.report
        incoming.rate(received.whole, worst: received.worstPassage, codec: heardCodec, delayMilliseconds: delay)
        return MediaReport(
            received: incoming,
            sent: sent,
            roundTripMilliseconds: control.roundTrip,
            firstPacketDelayMilliseconds: firstPacketDelay.map { Double($0) / 1_000_000 },
            signalledAddress: latch.described.isNone ? nil : "\(latch.described.socketAddress)",
            latchedAddress: latch.isLatched ? "\(latch.current.socketAddress)" : nil,
            verdict: verdict,
            foreignPackets: foreign,
            malformedPackets: malformed,
            unagreedPackets: unagreed
        )
    }
}

public import NetAddress

/// What a description says of its one audio stream, boiled down.
public struct AudioStream: Equatable, Sendable {
    /// Where the writer wants its RTP.
    public var address: IPAddress
    public var rtpPort: UInt16
    public var rtcpAddress: IPAddress?
    public var rtcpPort: UInt16
    public var rtcpMux: Bool
    public var direction: MediaDirection
    /// Codecs in order of preference, without telephone-event and comfort noise.
    public var formats: [PayloadFormat]
    public var telephoneEvents: [PayloadFormat]
    /// Every format, in order.
    public var allFormats: [PayloadFormat]
    public var ptime: Int?
    public var maxptime: Int?
    public var proto: String

    public var telephoneEvent: PayloadFormat? { telephoneEvents.first }

    /// The writer asks for silence: it does not listen, or has no address to listen on (RFC 3264 §8.4, and RFC 2543's 0.0.0.0).
    public var isHold: Bool { direction == .sendonly || direction == .inactive || address.isUnspecified }

    /// The first audio stream that is not refused, speaks plain RTP and says where (RFC 8866 §5.7), by an address of one host: names are
    /// not looked up, and what goes to many is no call. nil when there is none.
    public init?(of description: SessionDescription) {
        guard let media = description.media.first(where: \.isUsableAudio),
            let address = (media.connection ?? description.connection)?.address, !address.isForMany
        else { return nil }
        self.address = address
        rtpPort = media.port
        rtcpMux = media.attributes.contains { $0.name == "rtcp-mux" }
        (rtcpAddress, rtcpPort) = media.rtcp
        direction =
            media.direction
            ?? description.attributes.lazy.compactMap { MediaDirection(rawValue: $0.name) }.first ?? .sendrecv
        allFormats = media.payloadFormats
        telephoneEvents = allFormats.filter(\.isTelephoneEvent)
        self.formats = allFormats.filter(\.isCodec)
        ptime = media.milliseconds("ptime")
        maxptime = media.milliseconds("maxptime")
        proto = media.proto
    }
}

extension PayloadFormat {
    /// Voice: neither keys nor comfort noise.
    var isCodec: Bool { !isTelephoneEvent && !isComfortNoise }

    private var isComfortNoise: Bool { encoding.utf8.count == 2 && encoding.uppercased() == "CN" }
}

extension MediaDescription {
    /// Audio over RTP without encryption, not refused, with a format that means something.
    /// RTP as we speak it, in whatever case it is written.
    var isInTheClear: Bool { ["RTP/AVP", "RTP/AVPF"].contains(proto.uppercased()) }

    var isUsableAudio: Bool {
        kind == "audio" && port != 0 && isInTheClear
            && payloadFormats.contains(where: \.isCodec)
    }

    fileprivate func milliseconds(_ name: String) -> Int? {
        attribute(name).flatMap { Int($0.filter { $0 != " " }) }.flatMap { (1...1000).contains($0) ? $0 : nil }
    }

    /// RFC 3605: where RTCP goes when not to the next port.
    fileprivate var rtcp: (IPAddress?, UInt16) {
        let next = port == .max ? port : port + 1
        guard let fields = attribute("rtcp").map({ Array($0.utf8)[...].fields }),
            let named = fields.first?.decimal.flatMap(UInt16.init(exactly:))
        else {
            return (nil, next)
        }
        return (fields.count >= 4 ? IPAddress(fields[3].text) : nil, named)
    }
}

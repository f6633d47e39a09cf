internal import COgg
internal import COpus

/// Opus (RFC 6716) in Ogg (RFC 3533) as RFC 7845 has it: stereo, 32 kbit/s, 20 ms a packet, five pages a second,
/// so that a file whose writer is killed plays to less than a second before.
///
/// Granule positions count samples of 48 kHz from the first packet on, those of the pre-skip among them (RFC 7845 §4).
public final class OggOpusWriter: RecordingWriter {
    /// Samples of a channel in a packet: 20 ms.
    static let frame = 160
    /// Packets of a page: 200 ms, which with what waits elsewhere stay below a second.
    static let packetsPerPage = 10
    static let bitrate: Int32 = 32_000
    /// Samples of 48 kHz for one of 8 kHz.
    private static let ratio: Int64 = 6
    /// A packet of 20 ms is one frame, of 1275 octets at most (RFC 6716 §3.2).
    private static let longestPacket = 1275

    private let encoder: OpaquePointer
    private let stream: UnsafeMutablePointer<ogg_stream_state>
    /// What the encoder holds back, in samples of 8 kHz.
    private let lookahead: Int64
    private var rest: [Int16] = []
    /// Samples of each channel that came in, and packets that went out.
    private var samples: Int64 = 0
    private var packets: Int64 = 0
    private var unflushed = 0
    private var sequence: Int64 = 0
    /// Where pages end in the file, and their granule positions; of those that may not be on disk yet at least.
    private var pages: [(end: Int64, granule: Int64)] = []
    private static let mostPages = 8_192
    private var packet = [UInt8](repeating: 0, count: OggOpusWriter.longestPacket)

    /// `serial` tells the logical stream from others (RFC 3533 §6); `complexity` is libopus's, 0 to 10. Nil when there
    /// is no memory for an encoder.
    public init?(serial: UInt32, complexity: Int32 = 5) {
        var status: Int32 = 0
        guard
            let encoder = opus_encoder_create(
                Int32(RecordingTimeline.rate),
                2,
                OPUS_APPLICATION_AUDIO,
                &status
            )
        else { return nil }
        var lookahead: Int32 = 0
        // Two voices that speak at once must stay apart: never down to one channel, and CELT, which codes the two sides band by band.
        // SILK predicts one from the other: of two tones, each was heard on the other's side too, by chance of their phases 8 to 45 dB
        // below its own; here it is 38 dB and more. Players of mapping family 255 (streams of their own) are few, browsers not among them.
        let statuses = [
            copus_set_bitrate(encoder, Self.bitrate), copus_set_vbr(encoder, 1),
            copus_set_complexity(encoder, complexity), copus_set_force_channels(encoder, 2),
            copus_get_lookahead(encoder, &lookahead),
        ]
        let stream = UnsafeMutablePointer<ogg_stream_state>.allocate(capacity: 1)
        guard statuses.allSatisfy({ $0 == OPUS_OK }), ogg_stream_init(stream, Int32(bitPattern: serial)) == 0 else {
            opus_encoder_destroy(encoder)
            stream.deallocate()
            return nil
        }
        (self.encoder, self.stream, self.lookahead) = (encoder, stream, Int64(lookahead))
    }

    deinit {
        opus_encoder_destroy(encoder)
        ogg_stream_clear(stream)
        stream.deallocate()
    }

    /// Samples of 48 kHz at the beginning that are not to be played (RFC 7845 §4.2).
    var preSkip: Int64 { lookahead * Self.ratio }

    public func begin() -> [UInt8] {
        var output: [UInt8] = []
        var head = Array("OpusHead".utf8)  // RFC 7845 §5.1
        head += [1, 2]  // version, channels
        head += Self.little(UInt32(clamping: preSkip), 2)
        head += Self.little(UInt32(RecordingTimeline.rate), 4)
        head += Self.little(0, 2)  // gain
        head += [0]  // mapping family: left and right
        submit(&head, count: head.count, granule: 0)
        flush(to: &output)
        let vendor = String(cString: opus_get_version_string())
        var tags = Array("OpusTags".utf8)  // RFC 7845 §5.2
        tags += Self.little(UInt32(clamping: vendor.utf8.count), 4)
        tags += Array(vendor.utf8)
        tags += Self.little(0, 4)  // comments
        submit(&tags, count: tags.count, granule: 0)
        flush(to: &output)
        return output
    }

    public func append(_ samples: [Int16], to output: inout [UInt8]) {
        self.samples += Int64(samples.count / 2)
        rest += samples
        var used = 0
        while rest.count - used >= Self.frame * 2 {
            encode(from: used, isLast: false)
            used += Self.frame * 2
            if unflushed >= Self.packetsPerPage { flush(to: &output) }
        }
        rest.removeFirst(used)
    }

    /// Packets until the encoder has given what it held back; the last page's granule position cuts off what is more
    /// (RFC 7845 §4.4).
    public func finish(to output: inout [UInt8]) {
        var isLast = false
        while !isLast {
            isLast = (packets + 1) * Int64(Self.frame) >= samples + lookahead
            rest += [Int16](repeating: 0, count: Self.frame * 2 - rest.count)
            encode(from: 0, isLast: isLast)
            rest.removeAll(keepingCapacity: true)
        }
        flush(to: &output)
    }

    public func header(ofFileWith octets: Int64) -> [UInt8]? { nil }

    public func milliseconds(ofFileWith octets: Int64) -> Int {
        let last = pages.last { $0.end <= octets }
        return Int(max(0, (last?.granule ?? 0) - preSkip) / (Int64(RecordingTimeline.rate) * Self.ratio / 1000))
    }

    private func encode(from place: Int, isLast: Bool) {
        let length = rest.withUnsafeBufferPointer { samples in
            samples.baseAddress.map {
                opus_encode(encoder, $0 + place, Int32(Self.frame), &packet, Int32(Self.longestPacket))
            } ?? 0
        }
        packets += 1
        // A packet of just its first octet is 20 ms of nothing (RFC 6716 §3.1): here stereo narrowband CELT.
        if length <= 0 { packet[0] = 19 << 3 | 1 << 2 }
        let end = packets * Int64(Self.frame) * Self.ratio
        submit(
            &packet,
            count: max(1, Int(length)),
            granule: isLast ? preSkip + samples * Self.ratio : end,
            isLast: isLast
        )
    }

    private func submit(_ octets: inout [UInt8], count: Int, granule: Int64, isLast: Bool = false) {
        octets.withUnsafeMutableBufferPointer { octets in
            var packet = ogg_packet()
            packet.packet = octets.baseAddress
            packet.bytes = min(count, octets.count)
            packet.b_o_s = sequence == 0 ? 1 : 0
            packet.e_o_s = isLast ? 1 : 0
            packet.granulepos = granule
            packet.packetno = sequence
            // Fails only without memory; then the packet is missing, and its time with it.
            _ = ogg_stream_packetin(stream, &packet)
        }
        sequence += 1
        unflushed += 1
    }

    private func flush(to output: inout [UInt8]) {
        var page = ogg_page()
        while ogg_stream_flush(stream, &page) != 0 {
            output += UnsafeBufferPointer(start: page.header, count: page.header_len)
            output += UnsafeBufferPointer(start: page.body, count: page.body_len)
            let end = (pages.last?.end ?? 0) + Int64(page.header_len) + Int64(page.body_len)
            pages.append((end, ogg_page_granulepos(&page)))
        }
        if pages.count > Self.mostPages { pages.removeFirst(Self.mostPages / 2) }
        unflushed = 0
    }

    private static func little(_ value: UInt32, _ width: Int) -> [UInt8] {
        (0..<width).map { UInt8(truncatingIfNeeded: value >> UInt32($0 * 8)) }
    }
}

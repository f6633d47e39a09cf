internal import COpus

/// What one peer says in Opus (RFC 6716), as the 8 kHz of a recording. Its RTP time stamps count 48 kHz whatever it carries
/// (RFC 7587 §4.1); here they come out as those of the samples.
public final class OpusVoice {
    /// Of 48 kHz to one of 8 kHz.
    private static let ratio: Int64 = 6

    private let decoder: OpaquePointer
    private var ssrc: UInt32?
    /// The newest time stamp, extended beyond its 32 bits.
    private var newest: Int64 = 0

    /// Nil without memory for a decoder.
    public init?() {
        var status: Int32 = 0
        guard let decoder = opus_decoder_create(Int32(RecordingTimeline.rate), 1, &status) else { return nil }
        self.decoder = decoder
    }

    deinit { opus_decoder_destroy(decoder) }

    /// How many samples one packet became, and the time stamp of the first; 0 when it is no Opus or longer than `samples`.
    public func decode(
        _ payload: UnsafeRawBufferPointer,
        ssrc: UInt32,
        timestamp: UInt32,
        into samples: UnsafeMutableBufferPointer<Int16>
    ) -> (count: Int, timestamp: UInt32) {
        if ssrc != self.ssrc {
            self.ssrc = ssrc
            newest = Int64(timestamp)
            // What another stream left in the filters is not this one's; the reset of a decoder cannot fail.
            _ = copus_reset(decoder)
        }
        let extended = newest &+ Int64(Int32(bitPattern: timestamp &- UInt32(truncatingIfNeeded: newest)))
        newest = max(newest, extended)
        guard let room = samples.baseAddress else { return (0, 0) }
        let count = opus_decode(
            decoder,
            payload.assumingMemoryBound(to: UInt8.self).baseAddress,
            Int32(clamping: payload.count),
            room,
            Int32(clamping: samples.count),
            0
        )
        return (max(0, Int(count)), UInt32(truncatingIfNeeded: extended / Self.ratio))
    }
}

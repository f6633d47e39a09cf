import COpus
import Glibc

/// A peer that says one tone in Opus: mono, 48 kHz, 20 ms a packet.
final class OpusSpeaker {
    private let encoder: OpaquePointer
    private let hertz: Double
    private var position = 0

    init?(hertz: Double) {
        var status: Int32 = 0
        guard let encoder = opus_encoder_create(48_000, 1, OPUS_APPLICATION_VOIP, &status) else { return nil }
        (self.encoder, self.hertz) = (encoder, hertz)
    }

    deinit { opus_encoder_destroy(encoder) }

    func next() -> [UInt8] {
        let samples = (position..<position + 960).map {
            Int16(10_000 * sin(2 * Double.pi * hertz * Double($0) / 48_000))
        }
        position += 960
        var packet = [UInt8](repeating: 0, count: 1275)
        let length = opus_encode(encoder, samples, 960, &packet, 1275)
        return Array(packet.prefix(max(0, Int(length))))
    }
}

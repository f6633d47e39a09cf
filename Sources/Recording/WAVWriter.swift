/// RIFF WAVE with PCM16 stereo of 8 kHz ("Multimedia Programming Interface and Data Specifications 1.0", IBM and
/// Microsoft 1991, "Waveform Audio File Format").
///
/// The sizes stand at the beginning, so a file that grows is rewritten there now and then: whenever its writer is
/// killed, the file plays to the last rewriting, and further with readers that go by the file's own length.
public final class WAVWriter: RecordingWriter {
    /// Octets before the samples.
    public static let headerLength = 44
    /// Octets of a sample of both channels.
    public static let block = 4
    /// Octets of a second.
    public static let octetsPerSecond = RecordingTimeline.rate * block

    public init() {}

    public func begin() -> [UInt8] { Self.header(dataOctets: 0) }

    public func append(_ samples: [Int16], to output: inout [UInt8]) {
        output.reserveCapacity(output.count + samples.count * 2)
        for sample in samples {
            let bits = UInt16(bitPattern: sample)
            output.append(UInt8(truncatingIfNeeded: bits))
            output.append(UInt8(truncatingIfNeeded: bits >> 8))
        }
    }

    public func finish(to output: inout [UInt8]) {}

    public func header(ofFileWith octets: Int64) -> [UInt8]? {
        Self.header(dataOctets: octets &- Int64(Self.headerLength))
    }

    public func milliseconds(ofFileWith octets: Int64) -> Int {
        let data = max(0, octets &- Int64(Self.headerLength))
        return Int(data / Int64(Self.block)) * 1000 / RecordingTimeline.rate
    }

    /// The 44 octets before so many octets of samples. Sizes are 32 bits: after 37 hours they stay at the greatest.
    public static func header(dataOctets: Int64) -> [UInt8] {
        let greatest = Int64(UInt32.max) - Int64(headerLength)
        let bounded = min(max(0, dataOctets), greatest)
        let size = UInt32(clamping: bounded - bounded % Int64(block))
        var octets: [UInt8] = []
        octets.reserveCapacity(headerLength)
        func append(_ value: UInt32, _ width: Int) {
            for place in 0..<width { octets.append(UInt8(truncatingIfNeeded: value >> UInt32(place * 8))) }
        }
        octets += Array("RIFF".utf8)
        append(size + UInt32(headerLength - 8), 4)
        octets += Array("WAVEfmt ".utf8)
        append(16, 4)  // octets of the format
        append(1, 2)  // WAVE_FORMAT_PCM
        append(2, 2)  // channels
        append(UInt32(RecordingTimeline.rate), 4)
        append(UInt32(octetsPerSecond), 4)
        append(UInt32(block), 2)
        append(16, 2)  // bits a sample
        octets += Array("data".utf8)
        append(size, 4)
        return octets
    }

    /// Whether these are the first octets of a file that `WAVWriter` began, whatever the sizes.
    public static func isOwn(_ octets: [UInt8]) -> Bool {
        let own = header(dataOctets: 0)
        let isSize = { (place: Int) in (4..<8).contains(place) || (40..<44).contains(place) }
        return zip(octets.indices, zip(octets, own)).allSatisfy { isSize($0) || $1.0 == $1.1 }
    }
}

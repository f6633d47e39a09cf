import Codecs

/// A prompt ready to be sent: 8 kHz, mono, in both laws, whole frames of 160 samples (20 ms).
public struct PromptAudio: Equatable, Sendable {
    public var alaw: [UInt8]
    public var mulaw: [UInt8]
    /// How long it plays, the silence that fills its last frame included.
    public var milliseconds: Int

    /// Samples in a frame.
    public static let frame = 160

    /// Encodes samples at 8 kHz, and fills the last frame with silence.
    init(_ samples: [Int16]) {
        let frames = samples.count / Self.frame + (samples.count % Self.frame > 0 ? 1 : 0)
        let padding = repeatElement(Int16(0), count: frames * Self.frame - samples.count)
        alaw = samples.map { G711.encode($0, .a) } + padding.map { G711.encode($0, .a) }
        mulaw = samples.map { G711.encode($0, .µ) } + padding.map { G711.encode($0, .µ) }
        milliseconds = frames * 20
    }
}

/// A WAV file of a prompt: PCM of 16 bits at the usual rates, A-law and µ-law at 8 kHz, mono or stereo.
public enum PromptFile {
    /// The longest sound that is read, in seconds.
    public static let longest = 3600
    /// The most that such a sound has in octets, and some chunks beside it: stereo at 48 kHz.
    public static let mostOctets = longest * 48_000 * 4 + 16 << 20

    /// Reads a whole file. Of a data chunk that is cut short, what is there is read. `isLoop`: it is played again and again, so its
    /// end must join its beginning.
    public static func read(_ bytes: [UInt8], isLoop: Bool = false) throws(PromptFault) -> PromptAudio {
        let sound = try Sound(bytes, octets: bytes.count)
        let samples = mixed(bytes, from: sound.start, count: sound.frames, format: sound.format)
        guard isLoop else { return PromptAudio(try Resampler.telephone(samples, rate: sound.format.rate)) }
        return PromptAudio(try Resampler.loop(samples, rate: sound.format.rate))
    }

    /// How much of a file's beginning tells whether it can be read, as a rule: octets.
    public static let head = 4096

    /// Why a file of so many octets could not be read, as its beginning tells; nil: nothing is wrong with it. A file whose chunks before the
    /// sound are longer than `head` seems to have none: whoever has more of it asks again. `isLoop` as in `read`.
    public static func fault(head: [UInt8], octets: Int, isLoop: Bool = false) -> PromptFault? {
        do throws(PromptFault) {
            let sound = try Sound(head, octets: octets)
            if isLoop { try Resampler.mayLoop(sound.frames, rate: sound.format.rate) }
            return nil
        } catch {
            return error
        }
    }

    /// One sample for every frame of the file: that of its only channel, or the mean of both.
    private static func mixed(_ bytes: [UInt8], from start: Int, count: Int, format: Format) -> [Int16] {
        let width = format.octets / format.channels
        return [Int16](unsafeUninitializedCapacity: count) { output, made in
            for frame in 0..<count {
                let first = start + frame * format.octets
                var sample = Int(format.encoding.sample(bytes, at: first))
                if format.channels == 2 {
                    sample = (sample + Int(format.encoding.sample(bytes, at: first + width))) / 2
                }
                output[frame] = Int16(truncatingIfNeeded: sample)
            }
            made = count
        }
    }
}

/// What the chunks before the sound say of it.
private struct Sound {
    let format: Format
    /// Where the first sample stands.
    let start: Int
    /// Samples of a channel.
    let frames: Int

    /// From the beginning of a file of `octets`.
    init(_ bytes: [UInt8], octets: Int) throws(PromptFault) {
        let chunks = try Chunks(bytes, octets: octets)
        guard let described = chunks.format else { throw .noFormat }
        format = try Format(bytes[described])
        guard let data = chunks.data else { throw .noSound }
        // The last frame of a file cut short may be a part of one.
        (start, frames) = (data.lowerBound, data.count / format.octets)
        guard frames > 0 else { throw .empty }
        guard frames <= PromptFile.longest * format.rate else { throw .tooLong(seconds: frames / format.rate) }
    }
}

/// Where the two chunks that matter stand; the length that the RIFF header claims is not asked.
private struct Chunks {
    var format: Range<Int>?
    var data: Range<Int>?

    /// Looks through the beginning of a file of `octets`.
    init(_ bytes: [UInt8], octets: Int) throws(PromptFault) {
        guard bytes.count >= 12, bytes.starts(with: "RIFF".utf8), bytes[8..<12].elementsEqual("WAVE".utf8) else {
            throw .notWave
        }
        var position = 12
        while bytes.count - position >= 8, format == nil || data == nil {
            let body = position + 8
            // 32 bits into 64: no sum of these overflows.
            let size = Int(bytes.little32(position + 4))
            if bytes[position..<position + 4].elementsEqual("fmt ".utf8) {
                format = format ?? body..<min(body + size, bytes.count)
            } else if bytes[position..<position + 4].elementsEqual("data".utf8) {
                data = data ?? body..<min(body + size, max(octets, body))
            }
            // A chunk of odd size is followed by an octet of padding. The sum may be past the end: then it was the last.
            position = min(body + size + size % 2, bytes.count)
        }
    }
}

/// A `fmt ` chunk of a kind that is read.
private struct Format {
    enum Encoding {
        case linear
        case companded(G711.Law)

        /// Octets a sample of one channel.
        var width: Int {
            switch self {
            case .linear: 2
            case .companded: 1
            }
        }

        func sample(_ bytes: [UInt8], at position: Int) -> Int16 {
            switch self {
            case .linear: Int16(bitPattern: bytes.little16(position))
            case .companded(let law): G711.decode(bytes[position], law)
            }
        }
    }

    let encoding: Encoding
    /// One or two.
    let channels: Int
    /// Samples a second.
    let rate: Int
    /// Octets of one sample of all channels.
    var octets: Int { encoding.width * channels }

    private static let extensible = 0xFFFE
    /// The end of the sub-formats that stand for a format tag (KSDATAFORMAT_SUBTYPE_WAVEFORMATEX).
    private static let subformat: [UInt8] = [0, 0, 0, 0, 0x10, 0, 0x80, 0, 0, 0xAA, 0, 0x38, 0x9B, 0x71]

    init(_ chunk: ArraySlice<UInt8>) throws(PromptFault) {
        let chunk = Array(chunk)
        guard chunk.count >= 16 else { throw .noFormat }
        var tag = Int(chunk.little16(0))
        if tag == Self.extensible, chunk.count >= 40, chunk[26..<40].elementsEqual(Self.subformat) {
            tag = Int(chunk.little16(24))
        }
        encoding =
            switch tag {
            case 1: .linear
            case 6: .companded(.a)
            case 7: .companded(.µ)
            default: throw .encoding(tag: tag)
            }
        channels = Int(chunk.little16(2))
        guard channels == 1 || channels == 2 else { throw .channels(channels) }
        let bits = Int(chunk.little16(14))
        guard bits == encoding.width * 8 else { throw .bits(bits, expected: encoding.width * 8) }
        rate = Int(chunk.little32(4))
        switch encoding {
        case .linear: guard Resampler.rates.contains(rate) else { throw .rate(rate, isCompanded: false) }
        case .companded: guard rate == 8000 else { throw .rate(rate, isCompanded: true) }
        }
    }
}

extension [UInt8] {
    /// The 16 bits at a position that the caller has checked.
    fileprivate func little16(_ position: Int) -> UInt16 {
        UInt16(self[position]) | UInt16(self[position + 1]) << 8
    }

    /// The 32 bits at a position that the caller has checked.
    fileprivate func little32(_ position: Int) -> UInt32 {
        UInt32(little16(position)) | UInt32(little16(position + 2)) << 16
    }
}

/// Why a file cannot be played, and what to do about it.
public enum PromptFault: Error, Equatable, Sendable {
    case notWave
    case noFormat
    case noSound
    case empty
    /// The format tag of the file, with the extensible one resolved.
    case encoding(tag: Int)
    /// Bits a sample.
    case bits(Int, expected: Int)
    case channels(Int)
    /// Samples a second.
    case rate(Int, isCompanded: Bool)
    /// Length in seconds.
    case tooLong(seconds: Int)
    /// Music; its length in milliseconds.
    case tooShort(milliseconds: Int)
    /// What SpeexDSP says.
    case cannotResample(String)
}

extension PromptFault: CustomStringConvertible {
    public var description: String { "\(problem); \(mend)" }

    public var problem: String {
        switch self {
        case .notWave: "this is not a WAV file: it does not begin with RIFF and WAVE"
        case .noFormat: "the file has no complete `fmt ` chunk, so that nothing tells how its sound is encoded"
        case .noSound: "the file has no `data` chunk, so that there is no sound in it"
        case .empty: "the file's sound is empty"
        case .encoding(let tag):
            "the sound is encoded as \(Self.name(tag)), and only 16-bit PCM, A-law and µ-law are read"
        case .bits(let bits, let expected): "a sample has \(bits) bits where \(expected) are read"
        case .channels(let count): "the file has \(count) channels, and only mono and stereo are read"
        case .rate(let rate, isCompanded: true): "A-law or µ-law at \(rate) Hz, and these are read at 8000 Hz only"
        case .rate(let rate, isCompanded: false):
            "\(rate) samples a second, and only 8000, 11025, 16000, 22050, 44100 and 48000 are read"
        case .tooLong(let seconds):
            "the sound lasts \(seconds) s, and at most \(PromptFile.longest) s are read"
        case .tooShort(let milliseconds):
            "the music lasts \(milliseconds) ms, and \(Resampler.shortestLoop) ms are the least that is played again and again"
        case .cannotResample(let why): "the sound cannot be brought to 8000 samples a second (\(why))"
        }
    }

    public var mend: String {
        switch self {
        case .notWave, .noFormat, .encoding, .bits, .channels, .rate, .cannotResample: Self.convert
        case .noSound: "export or copy it again"
        case .tooShort: "export or copy it again: it may have been cut off"
        case .empty: "record it again"
        case .tooLong: "cut it, for example `sox IN.wav OUT.wav trim 0 \(PromptFile.longest)`"
        }
    }

    private static let convert = "convert it, for example `sox IN -r 8000 -c 1 -b 16 -e signed-integer OUT.wav`"

    private static func name(_ tag: Int) -> String {
        switch tag {
        case 2: "ADPCM (format 2)"
        case 3: "floating point (format 3)"
        case 0x11: "IMA ADPCM (format 17)"
        case 0x31: "GSM 6.10 (format 49)"
        case 0x50: "MPEG audio (format 80)"
        case 0x55: "MP3 (format 85)"
        default: "format \(tag)"
        }
    }
}

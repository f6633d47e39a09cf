/// The sound in an RTP payload, of the kinds that the switch itself understands; others are only passed on.
public enum VoiceCodec: UInt8, BitwiseCopyable, Sendable, CaseIterable {
    case pcma, pcmu
    /// RFC 7587: time stamps of 48 kHz, whatever it carries.
    case opus

    /// `encoding` in upper case, as session descriptions name it.
    public init?(encoding: String) {
        switch encoding {
        case "PCMA": self = .pcma
        case "PCMU": self = .pcmu
        case "OPUS": self = .opus
        default: return nil
        }
    }

    public init(_ law: G711.Law) {
        switch law {
        case .a: self = .pcma
        case .µ: self = .pcmu
        }
    }

    /// nil when it is not G.711.
    public var law: G711.Law? {
        switch self {
        case .pcma: .a
        case .pcmu: .µ
        case .opus: nil
        }
    }
}

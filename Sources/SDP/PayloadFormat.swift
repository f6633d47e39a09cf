/// One payload type of an RTP stream: its number and what the number means (RFC 8866 §6.6, RFC 3551).
public struct PayloadFormat: Hashable, Sendable {
    /// 0 to 127.
    public var number: UInt8
    /// As the IANA registry writes it: `PCMA`, `opus`, `telephone-event`.
    public var encoding: String
    /// In Hz.
    public var clockRate: Int
    public var channels: Int
    public var fmtp: String?

    public init(number: UInt8, encoding: String, clockRate: Int, channels: Int = 1, fmtp: String? = nil) {
        (self.number, self.encoding, self.clockRate) = (number, encoding, clockRate)
        (self.channels, self.fmtp) = (channels, fmtp)
    }

    /// The same codec, whatever its number and parameters.
    public func matches(_ other: PayloadFormat) -> Bool {
        clockRate == other.clockRate && channels == other.channels
            && (encoding == other.encoding || encoding.lowercased() == other.encoding.lowercased())
    }

    public var isTelephoneEvent: Bool { encoding.utf8.count == 15 && encoding.lowercased() == "telephone-event" }

    /// `rtpmap`'s value; nil when it is none.
    static func parse(rtpmap value: ArraySlice<UInt8>) -> PayloadFormat? {
        var fields = value
        guard let number = fields.takeField()?.decimal, number < 128, var parts = fields.takeField() else { return nil }
        let encoding = parts.take(before: UInt8(ascii: "/"))
        guard !encoding.isEmpty, let rate = parts.take(before: UInt8(ascii: "/")).decimal,
            (1...1_000_000).contains(rate)
        else { return nil }
        let channels = parts.take(before: UInt8(ascii: "/")).decimal.flatMap { (1...255).contains($0) ? $0 : nil }
        return PayloadFormat(
            number: UInt8(number),
            encoding: registered(encoding.text),
            clockRate: rate,
            channels: channels ?? 1
        )
    }

    /// The registry's spelling of a name that we know, which the peer may write in any case (RFC 4855 §3).
    private static func registered(_ name: String) -> String {
        spellings.contains(name) ? name : spellings.first { $0.lowercased() == name.lowercased() } ?? name
    }

    private static let spellings = [
        "PCMA", "PCMU", "telephone-event", "opus", "G722", "G729", "CN", "GSM", "iLBC", "speex", "AMR", "AMR-WB",
        "G723",
        "G726-32", "L16",
    ]

    /// The numbers that RFC 3551 §6 gave away for ever: they need no rtpmap.
    static func fixed(_ number: UInt8) -> PayloadFormat? {
        let entry: (String, Int)? =
            switch number {
            case 0: ("PCMU", 8000)
            case 3: ("GSM", 8000)
            case 4: ("G723", 8000)
            case 5: ("DVI4", 8000)
            case 6: ("DVI4", 16_000)
            case 7: ("LPC", 8000)
            case 8: ("PCMA", 8000)
            case 9: ("G722", 8000)
            case 12: ("QCELP", 8000)
            case 13: ("CN", 8000)
            case 15: ("G728", 8000)
            case 16: ("DVI4", 11_025)
            case 17: ("DVI4", 22_050)
            case 18: ("G729", 8000)
            default: nil
            }
        return entry.map { PayloadFormat(number: number, encoding: $0.0, clockRate: $0.1) }
    }
}

/// What the attributes of one section say of its numbers, of each the last.
struct FormatMeanings {
    private var maps: [PayloadFormat] = []
    private var parameters: [(number: Int, text: String)] = []

    /// False: it is an attribute of formats and says nothing that can be read.
    mutating func take(_ name: String, _ value: ArraySlice<UInt8>) -> Bool {
        switch name {
        case "rtpmap":
            guard let format = PayloadFormat.parse(rtpmap: value) else { return false }
            maps.append(format)
        case "fmtp":
            var rest = value
            guard let number = rest.takeField(), let start = rest.firstIndex(where: { $0 != UInt8(ascii: " ") }) else {
                return false
            }
            if let number = number.decimal { parameters.append((number, rest[start...].text)) }
        default: break
        }
        return true
    }

    /// The payload types that mean something, in their order: a dynamic number without rtpmap means nothing (RFC 3264 §5.1).
    func meanings(of formats: [String]) -> [PayloadFormat] {
        var known: [PayloadFormat] = []
        for text in formats {
            guard let number = UInt8(text), number < 128, !known.contains(where: { $0.number == number }),
                var format = maps.last(where: { $0.number == number }) ?? PayloadFormat.fixed(number)
            else { continue }
            format.fmtp = parameters.last { $0.number == number }?.text
            known.append(format)
        }
        return known
    }
}

extension MediaDescription {
    mutating func describe(_ list: [PayloadFormat]) {
        name(list)
        for format in list {
            let channels = format.channels > 1 ? "/\(format.channels)" : ""
            append(Attribute("rtpmap", "\(format.number) \(format.encoding)/\(format.clockRate)\(channels)"))
            if let fmtp = format.fmtp { append(Attribute("fmtp", "\(format.number) \(fmtp)")) }
        }
    }
}

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
    static func parse(rtpmap value: String) -> PayloadFormat? {
        let fields = value.fields
        guard fields.count >= 2, let number = UInt8(fields[0]), number < 128 else { return nil }
        let parts = fields[1].parts(around: "/")
        guard parts.count >= 2, !parts[0].isEmpty, let rate = Int(parts[1]), (1...1_000_000).contains(rate) else {
            return nil
        }
        var channels = 1
        if parts.count >= 3, let count = Int(parts[2]), (1...255).contains(count) { channels = count }
        return PayloadFormat(number: number, encoding: String(parts[0]), clockRate: rate, channels: channels)
    }

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

/// What the attributes of one section say of its numbers.
struct FormatMeanings {
    private var maps: [UInt8: PayloadFormat] = [:]
    private var parameters: [UInt8: String] = [:]

    /// False: it is an attribute of formats and says nothing that can be read.
    mutating func take(_ attribute: Attribute) -> Bool {
        switch attribute.name {
        case "rtpmap":
            guard let format = PayloadFormat.parse(rtpmap: attribute.value ?? "") else { return false }
            maps[format.number] = format
        case "fmtp":
            let parts = (attribute.value ?? "").parts(around: " ", most: 1, omittingEmpty: true)
            guard parts.count == 2, !parts[0].isEmpty else { return false }
            if let number = UInt8(parts[0]) { parameters[number] = String(parts[1]) }
        default: break
        }
        return true
    }

    /// The payload types that mean something, in their order: a dynamic number without rtpmap means nothing (RFC 3264 §5.1).
    func meanings(of formats: [String]) -> [PayloadFormat] {
        var known: [PayloadFormat] = []
        for text in formats {
            guard let number = UInt8(text), number < 128, !known.contains(where: { $0.number == number }),
                var format = maps[number] ?? PayloadFormat.fixed(number)
            else { continue }
            format.fmtp = parameters[number]
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

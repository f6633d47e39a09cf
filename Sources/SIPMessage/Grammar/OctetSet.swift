/// A set of ASCII octets as two words: one shift and one mask a look-up, no table in memory.
struct OctetSet: Sendable {
    let low: UInt64
    let high: UInt64

    func contains(_ octet: UInt8) -> Bool {
        if octet < 64 { return low &>> UInt64(octet) & 1 == 1 }
        return octet < 128 && high &>> UInt64(octet &- 64) & 1 == 1
    }
}

/// The character classes of RFC 3261 §25.1. Where a set is wider than the grammar, the comment says for whom.
extension OctetSet {
    /// alphanum / "-" / "." / "!" / "%" / "*" / "_" / "+" / "`" / "'" / "~"
    static let token = OctetSet(low: 0x03FF_6CA2_0000_0000, high: 0x47FF_FFFF_87FF_FFFE)
    /// unreserved / user-unreserved, and "#": phones send dialled "*98#" unescaped.
    static let user = OctetSet(low: 0xABFF_FFDA_0000_0000, high: 0x47FF_FFFE_87FF_FFFE)
    /// The same without ",", ";" and "?": a URI that holds one of them must stand in angle brackets (§20).
    static let bareUser = OctetSet(low: 0x23FF_EFDA_0000_0000, high: 0x47FF_FFFE_87FF_FFFE)
    /// unreserved / user-unreserved, exactly: what we write unescaped.
    static let writtenUser = OctetSet(low: 0xABFF_FFD2_0000_0000, high: 0x47FF_FFFE_87FF_FFFE)
    static let password = OctetSet(low: 0x23FF_7FD2_0000_0000, high: 0x47FF_FFFE_87FF_FFFE)
    /// paramchar, and "=": phones put base64 into their Contact's parameters and want it back as it was.
    static let uriParameter = OctetSet(low: 0x27FF_EFD2_0000_0000, high: 0x47FF_FFFE_AFFF_FFFE)
    /// A URI parameter's name: paramchar, exactly.
    static let uriName = OctetSet(low: 0x07FF_EFD2_0000_0000, high: 0x47FF_FFFE_AFFF_FFFE)
    static let uriHeader = OctetSet(low: 0x87FF_EF92_0000_0000, high: 0x47FF_FFFE_AFFF_FFFE)
    /// alphanum / "-" / ".", and "_": not legal in a host name, met in private zones all the same.
    static let host = OctetSet(low: 0x03FF_6000_0000_0000, high: 0x07FF_FFFE_87FF_FFFE)
    static let scheme = OctetSet(low: 0x03FF_6800_0000_0000, high: 0x07FF_FFFE_07FF_FFFE)
    /// A parameter's bare value: token and host by the grammar; anything visible that separates nothing is let through.
    static let bareValue = OctetSet(low: 0xA7FF_EFFA_0000_0000, high: 0x7FFF_FFFF_EFFF_FFFF)
    /// What follows the colon of a URI that is not sip, sips or tel.
    static let opaque = OctetSet(low: 0xAFFF_FFFA_0000_0000, high: 0x47FF_FFFE_AFFF_FFFF)
    /// An unquoted display name: tokens by the grammar. Whatever cannot be taken for a separator is let through, and
    /// written in quotes (RFC 4475 §3.1.2.15 allows the first if the second is done).
    static let displayName = OctetSet(low: 0xA7FF_EFFA_0000_0000, high: 0x7FFF_FFFF_FFFF_FFFF)
}

extension UInt8 {
    static let cr: UInt8 = 13
    static let lf: UInt8 = 10

    /// SP or HTAB, or the CR and LF of a folded line: within a header's value these occur nowhere else.
    var isLWS: Bool { self == 32 || self == 9 || self == 13 || self == 10 }
    var isDigit: Bool { self &- 48 < 10 }
    /// ASCII letters in lower case, other octets as they are.
    var lowercased: UInt8 { self &- 65 < 26 ? self | 0x20 : self }

    /// The value of a hexadecimal digit, nil for another octet.
    var hexValue: UInt8? {
        switch self {
        case 48...57: self &- 48
        case 65...70: self &- 55
        case 97...102: self &- 87
        default: nil
        }
    }
}

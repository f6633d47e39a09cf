/// The octets that SIP's grammar names (RFC 3261 §25.1).
extension UInt8 {
    var isWhitespace: Bool { self == 0x20 || self == 0x09 }
    var isDigit: Bool { self &- 48 < 10 }
    var isAlpha: Bool { (self | 0x20) &- 97 < 26 }
    var lowercased: UInt8 { self &- 65 < 26 ? self | 0x20 : self }

    /// `token` of RFC 3261 §25.1.
    var isToken: Bool {
        if isAlpha || isDigit { return true }
        switch self {
        case UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "!"), UInt8(ascii: "%"), UInt8(ascii: "*"),
            UInt8(ascii: "_"), UInt8(ascii: "+"), UInt8(ascii: "`"), UInt8(ascii: "'"), UInt8(ascii: "~"):
            return true
        default: return false
        }
    }

    var hexValue: UInt8? {
        switch self {
        case 48...57: self - 48
        case 65...70: self - 55
        case 97...102: self - 87
        default: nil
        }
    }
}

extension String {
    init(_ bytes: ArraySlice<UInt8>) { self.init(decoding: bytes, as: UTF8.self) }

    /// Same letters, whatever their case; ASCII only, as SIP's tokens are.
    func equalsIgnoringCase(_ other: String) -> Bool {
        let (a, b) = (utf8, other.utf8)
        return a.count == b.count && zip(a, b).allSatisfy { $0.lowercased == $1.lowercased }
    }
}

extension ArraySlice<UInt8> {
    /// Without white space, line ends included, on both sides.
    var trimmed: ArraySlice<UInt8> {
        var slice = self
        while let first = slice.first, first.isWhitespace || first == 13 || first == 10 { slice = slice.dropFirst() }
        while let last = slice.last, last.isWhitespace || last == 13 || last == 10 { slice = slice.dropLast() }
        return slice
    }

    /// A number of `1*DIGIT` within `limit`; nil otherwise.
    func number(upTo limit: UInt64) -> UInt64? {
        guard !isEmpty, count <= 20 else { return nil }
        var value: UInt64 = 0
        for byte in self {
            guard byte.isDigit else { return nil }
            let (product, overflow) = value.multipliedReportingOverflow(by: 10)
            let (sum, carry) = product.addingReportingOverflow(UInt64(byte &- 48))
            guard !overflow, !carry else { return nil }
            value = sum
        }
        return value <= limit ? value : nil
    }

    /// Splits at `separator` outside quoted strings and angle brackets; nil when a quote or bracket never closes.
    func splitOutside(_ separator: UInt8, limit: Int = .max) -> [ArraySlice<UInt8>]? {
        var parts: [ArraySlice<UInt8>] = []
        var start = startIndex
        var index = startIndex
        var isQuoted = false
        var isBracketed = false
        while index < endIndex {
            let byte = self[index]
            if isQuoted {
                if byte == UInt8(ascii: "\\") { index += 1 } else if byte == UInt8(ascii: "\"") { isQuoted = false }
            } else if byte == UInt8(ascii: "\""), !isBracketed {
                isQuoted = true
            } else if byte == UInt8(ascii: "<") {
                isBracketed = true
            } else if byte == UInt8(ascii: ">") {
                isBracketed = false
            } else if byte == separator, !isBracketed {
                guard parts.count < limit else { return nil }
                parts.append(self[start..<index])
                start = index + 1
            }
            index += 1
        }
        guard !isQuoted, !isBracketed else { return nil }
        parts.append(self[start..<endIndex])
        return parts
    }
}

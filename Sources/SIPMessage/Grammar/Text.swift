/// Octets of the wire as text and back.
extension [UInt8] {
    /// The range clamped to the array, so that no arithmetic on wire data can index outside it.
    func clamped(_ range: Range<Int>) -> Range<Int> { range.clamped(to: 0..<count) }

    /// As it stands; octets that are not UTF-8 become U+FFFD.
    func text(_ range: Range<Int>) -> String { String(decoding: self[clamped(range)], as: UTF8.self) }

    /// A header's value with every fold (CR LF and the white space around it) made one space (RFC 3261 §7.3.1).
    func unfoldedText(_ range: Range<Int>) -> String {
        var out: [UInt8] = []
        appendUnfolded(range, to: &out)
        return String(decoding: out, as: UTF8.self)
    }

    func appendUnfolded(_ range: Range<Int>, to out: inout [UInt8]) {
        var index = clamped(range).lowerBound
        let end = clamped(range).upperBound
        while index < end {
            let octet = self[index]
            index &+= 1
            guard octet == .cr || octet == .lf else {
                out.append(octet)
                continue
            }
            while let last = out.last, last == 32 || last == 9 { out.removeLast() }
            while index < end, self[index].isLWS { index &+= 1 }
            out.append(32)
        }
    }

    /// The inside of a quoted string, each quoted pair made its second octet, folds made spaces.
    func unquotedText(_ range: Range<Int>) -> String {
        let range = clamped(range)
        guard self[range].contains(where: { $0 == UInt8(ascii: "\\") || $0 == .cr || $0 == .lf }) else {
            return text(range)
        }
        var unfolded: [UInt8] = []
        appendUnfolded(range, to: &unfolded)
        var out: [UInt8] = []
        var isEscaped = false
        for octet in unfolded {
            if octet == UInt8(ascii: "\\"), !isEscaped {
                isEscaped = true
            } else {
                out.append(octet)
                isEscaped = false
            }
        }
        return String(decoding: out, as: UTF8.self)
    }

    /// URI text with each %HH made its octet, once: "%2541" is "%41" (RFC 3261 §19.1.2, RFC 4475 §3.1.1.3).
    func unescapedText(_ range: Range<Int>) -> String {
        let range = clamped(range)
        guard self[range].contains(UInt8(ascii: "%")) else { return text(range) }
        var out: [UInt8] = []
        out.reserveCapacity(range.count)
        var index = range.lowerBound
        while index < range.upperBound {
            if self[index] == UInt8(ascii: "%"), index &+ 2 < range.upperBound,
                let high = self[index &+ 1].hexValue, let low = self[index &+ 2].hexValue
            {
                out.append(high << 4 | low)
                index &+= 3
            } else {
                out.append(self[index])
                index &+= 1
            }
        }
        return String(decoding: out, as: UTF8.self)
    }

    /// The text of a URI's part when it holds escapes and nothing but ASCII: worth keeping, and safe to write again.
    func escapedSpelling(_ range: Range<Int>) -> String? {
        let octets = self[clamped(range)]
        guard octets.contains(UInt8(ascii: "%")), octets.allSatisfy({ $0 < 0x80 }) else { return nil }
        return text(range)
    }

    func lowercasedText(_ range: Range<Int>) -> String {
        let range = clamped(range)
        guard self[range].contains(where: { $0 &- 65 < 26 }) else { return text(range) }
        return String(decoding: self[range].map(\.lowercased), as: UTF8.self)
    }

    /// Whether the range reads `name`, which is in lower case, when letter case does not count.
    func equals(_ range: Range<Int>, lowercase name: String) -> Bool {
        let range = clamped(range)
        guard range.count == name.utf8.count else { return false }
        var place = range.lowerBound
        for octet in name.utf8 {
            guard self[place].lowercased == octet else { return false }
            place += 1
        }
        return true
    }

    mutating func append(_ text: String) { append(contentsOf: text.utf8) }

    /// Text of ours on its way into a line: CR, LF and NUL become spaces, so that no value can start a line of its own.
    mutating func appendLine(_ text: String) {
        let start = count
        append(contentsOf: text.utf8)
        // A loop without branches, which the compiler makes wide.
        withUnsafeMutableBufferPointer { octets in
            for index in start..<octets.count {
                let octet = octets[index]
                octets[index] = octet == .cr || octet == .lf || octet == 0 ? 32 : octet
            }
        }
    }

    /// Text as a URI writes it: octets outside `allowed` as %HH (RFC 3261 §19.1.2).
    mutating func appendEscaped(_ text: String, allowed: OctetSet) {
        for octet in text.utf8 {
            if allowed.contains(octet) {
                append(octet)
            } else {
                append(UInt8(ascii: "%"))
                append(Self.hexDigit(octet >> 4))
                append(Self.hexDigit(octet & 15))
            }
        }
    }

    private static func hexDigit(_ value: UInt8) -> UInt8 { value < 10 ? value &+ 48 : value &+ 55 }

    /// Text as a quoted string (§25.1), with what may not stand in one made a space.
    mutating func appendQuoted(_ text: String) {
        append(UInt8(ascii: "\""))
        for octet in text.utf8 {
            switch octet {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"):
                append(UInt8(ascii: "\\"))
                append(octet)
            case .cr, .lf: append(32)
            case 0...8, 11...31, 127:
                append(UInt8(ascii: "\\"))
                append(octet)
            default: append(octet)
            }
        }
        append(UInt8(ascii: "\""))
    }
}

/// Whether two names are the same when the case of ASCII letters does not count (§7.3.1).
func isSameName(_ a: String, _ b: String) -> Bool {
    a == b || (a.utf8.count == b.utf8.count && zip(a.utf8, b.utf8).allSatisfy { $0.lowercased == $1.lowercased })
}

extension NumberList {
    /// A line of a list's file that no number is ever equal to.
    public struct Oddity: Equatable, Sendable {
        /// From 1.
        public var line: Int
        /// Without its remark and the blanks around it.
        public var text: String
    }

    /// The lines of a list's file that can hardly be meant, in order: neither a number nor the plain name of a user (`anna`, `anonymous`).
    ///
    /// One pass over the octets, for a check: a list that is used knows nothing of lines.
    public static func oddities(in text: String) -> [Oddity] {
        var oddities: [Oddity] = []
        var text = text
        text.withUTF8 { octets in
            var line = 1
            var start = octets.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
            while start < octets.count {
                var end = start
                while end < octets.count, octets[end] != 10, octets[end] != 13 { end += 1 }
                if let odd = odd(octets[start..<end]) { oddities.append(Oddity(line: line, text: odd)) }
                // CR and LF together end one line.
                start = end + (octets[end...].starts(with: [13, 10]) ? 2 : 1)
                line += 1
            }
        }
        return oddities
    }

    /// What the line has for a number, where it can be none.
    private static func odd(_ line: Slice<UnsafeBufferPointer<UInt8>>) -> String? {
        let written = line.prefix { $0 != UInt8(ascii: "#") }
        let number = written.first == UInt8(ascii: "+") ? written.dropFirst() : written
        let isNumber = number.allSatisfy { isDigit($0) || isOverlooked($0) || $0 == UInt8(ascii: "*") }
        guard !isNumber || !number.contains(where: isDigit) else { return nil }
        var entry = written.drop(while: isBlank)
        while let last = entry.last, isBlank(last) { entry.removeLast() }
        guard !entry.isEmpty, !isName(entry) else { return nil }
        // A plus sign behind blanks is as good as at the beginning.
        if entry.first == UInt8(ascii: "+"), entry.startIndex > written.startIndex { return odd(entry) }
        return String(decoding: entry, as: UTF8.self)
    }

    private static func isBlank(_ octet: UInt8) -> Bool { octet == 32 || octet == 9 }

    private static func isDigit(_ octet: UInt8) -> Bool { (48...57).contains(octet) }

    /// A user's name as SIP has them, which begins with a letter, so that a mistyped number is none. A hyphen is overlooked in lists.
    private static func isName(_ entry: Slice<UnsafeBufferPointer<UInt8>>) -> Bool {
        let isLetter = { (octet: UInt8) in (97...122).contains(octet | 0x20) }
        return entry.first.map(isLetter) == true
            && entry.allSatisfy { isLetter($0) || isDigit($0) || "._~!$&=;?/%".utf8.contains($0) }
    }
}

/// Where in a header's or a start line's octets the grammar is broken, before the message's own fault is made of it.
struct SyntaxFault: Error, Equatable {
    var at: Int
    var what: String

    init(_ at: Int, _ what: String) { (self.at, self.what) = (at, what) }
}

/// Reads tokens, quoted strings and numbers from a stretch of octets in place.
///
/// Never reads past `end`. `Range`s it returns index `bytes`.
struct Scanner {
    let bytes: [UInt8]
    var at: Int
    let end: Int

    init(_ bytes: [UInt8], _ range: Range<Int>) {
        self.bytes = bytes
        at = max(0, min(range.lowerBound, bytes.count))
        end = max(at, min(range.upperBound, bytes.count))
    }

    init(_ bytes: [UInt8]) { self.init(bytes, 0..<bytes.count) }

    var isAtEnd: Bool { at >= end }
    /// The octet under the cursor, nil at the end.
    var current: UInt8? { at < end ? bytes[at] : nil }

    mutating func skipLWS() {
        while at < end, bytes[at].isLWS { at &+= 1 }
    }

    /// Steps over `octet` if it is here.
    mutating func take(_ octet: UInt8) -> Bool {
        guard at < end, bytes[at] == octet else { return false }
        at &+= 1
        return true
    }

    /// Steps over `octet` and the white space around it (`SEMI`, `EQUAL`, `SLASH`… of §25.1); stays put when it is not here.
    mutating func takeSeparator(_ octet: UInt8) -> Bool {
        let start = at
        skipLWS()
        guard take(octet) else {
            at = start
            return false
        }
        skipLWS()
        return true
    }

    /// The longest run of octets in `set`, possibly empty.
    mutating func run(of set: OctetSet) -> Range<Int> {
        let start = at
        while at < end, set.contains(bytes[at]) { at &+= 1 }
        return start..<at
    }

    /// The longest run of octets in `set` or above ASCII, possibly empty.
    mutating func run(ofUTF8 set: OctetSet) -> Range<Int> {
        let start = at
        while at < end, set.contains(bytes[at]) || bytes[at] >= 0x80 { at &+= 1 }
        return start..<at
    }

    mutating func token(_ what: String) throws(SyntaxFault) -> Range<Int> {
        let found = run(of: .token)
        guard !found.isEmpty else { throw SyntaxFault(at, "expected \(what)") }
        return found
    }

    /// The inside of a quoted string whose opening quote is under the cursor; backslashes are left in (§25.1).
    mutating func quotedString() throws(SyntaxFault) -> Range<Int> {
        let open = at
        at &+= 1
        while at < end {
            switch bytes[at] {
            case UInt8(ascii: "\""):
                let inside = open &+ 1..<at
                at &+= 1
                return inside
            case UInt8(ascii: "\\"): at &+= 2
            default: at &+= 1
            }
        }
        at = end
        throw SyntaxFault(open, "the quoted string is not closed")
    }

    /// A decimal number of any number of leading zeros, up to `limit`; nil when it is larger.
    mutating func number(upTo limit: UInt64, _ what: String) throws(SyntaxFault) -> UInt64? {
        let start = at
        var value: UInt64 = 0
        var isTooLarge = false
        while at < end, bytes[at].isDigit {
            if !isTooLarge { value = value &* 10 &+ UInt64(bytes[at] &- 48) }
            // The limit is far below 2^60, so the product above never wraps before it is noticed.
            if value > limit { isTooLarge = true }
            at &+= 1
        }
        guard at > start else { throw SyntaxFault(at, "expected \(what)") }
        return isTooLarge ? nil : value
    }

    /// Nothing but white space may follow.
    mutating func expectEnd() throws(SyntaxFault) {
        skipLWS()
        guard isAtEnd else { throw SyntaxFault(at, "unexpected text after the value") }
    }
}

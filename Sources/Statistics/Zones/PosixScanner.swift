/// Reads the parts of a TZ value from its octets.
struct PosixScanner {
    private var rest: [UInt8]
    private var index = 0

    /// Longer than any rule there is.
    private static let longest = 256

    init(_ text: some Sequence<UInt8>) { rest = Array(text.prefix(Self.longest + 1)) }

    var isAtEnd: Bool { index >= rest.count }
    var next: UInt8? { isAtEnd ? nil : rest[index] }

    mutating func skip(_ character: Unicode.Scalar) -> Bool {
        guard next == UInt8(ascii: character) else { return false }
        index += 1
        return true
    }

    /// Three letters or more, or anything of letters, digits and signs between angle brackets.
    mutating func name() -> String? {
        let isQuoted = skip("<")
        let start = index
        while let octet = next, Self.isLetter(octet) || (isQuoted && Self.isDigitOrSign(octet)) { index += 1 }
        let name = rest[start..<index]
        guard name.count >= 3, !isQuoted || skip(">") else { return nil }
        return String(decoding: name, as: UTF8.self)
    }

    /// `[+-]hh[:mm[:ss]]` in seconds.
    mutating func time(hours: Int64) -> Int64? {
        let isNegative = skip("-")
        if !isNegative { _ = skip("+") }
        guard var seconds = number(0...hours).map({ $0 * 3600 }) else { return nil }
        if skip(":") {
            guard let minutes = number(0...59) else { return nil }
            seconds += minutes * 60
            if skip(":") {
                guard let odd = number(0...59) else { return nil }
                seconds += odd
            }
        }
        return isNegative ? -seconds : seconds
    }

    /// A date, and the time after `/`: two in the morning unless told.
    mutating func change() -> PosixZone.Change? {
        guard let date = date() else { return nil }
        guard skip("/") else { return PosixZone.Change(date: date, time: 7200) }
        return time(hours: 167).map { PosixZone.Change(date: date, time: $0) }
    }

    private mutating func date() -> PosixZone.Date? {
        if skip("J") { return number(1...365).map { .julian($0) } }
        guard skip("M") else { return number(0...365).map { .zeroBased($0) } }
        guard let month = number(1...12), skip("."), let week = number(1...5), skip("."), let weekday = number(0...6)
        else { return nil }
        return .month(month, week: week, weekday: weekday)
    }

    /// At most three digits, so that it cannot overflow.
    private mutating func number(_ range: ClosedRange<Int64>) -> Int64? {
        var (value, digits): (Int64, Int) = (0, 0)
        while let octet = next, (48...57).contains(octet), digits < 3 {
            value = value * 10 + Int64(octet - 48)
            digits += 1
            index += 1
        }
        return digits > 0 && range.contains(value) ? value : nil
    }

    private static func isLetter(_ octet: UInt8) -> Bool { (65...90).contains(octet) || (97...122).contains(octet) }
    private static func isDigitOrSign(_ octet: UInt8) -> Bool {
        (48...57).contains(octet) || octet == 43 || octet == 45
    }
}

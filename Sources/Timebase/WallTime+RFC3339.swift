extension WallTime: CustomStringConvertible {
    /// RFC 3339 in UTC with milliseconds: `2026-11-23T22:44:05.120Z`.
    public var description: String {
        let (day, ofDay) = Self.floorDivide(milliseconds, 86_400_000)
        let (year, month, date) = Self.civil(fromDays: day)
        let (hours, ofHour) = (ofDay / 3_600_000, ofDay % 3_600_000)
        let (minutes, ofMinute) = (ofHour / 60_000, ofHour % 60_000)
        var text: [UInt8] = []
        text.reserveCapacity(24)
        for (value, width, end) in [
            (year, 4, "-"), (month, 2, "-"), (date, 2, "T"), (hours, 2, ":"), (minutes, 2, ":"),
            (ofMinute / 1000, 2, "."), (ofMinute % 1000, 3, "Z"),
        ] as [(Int64, Int, Unicode.Scalar)] {
            DecimalDigits.append(value, width: width, to: &text)
            text.append(UInt8(ascii: end))
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// `Mon, 23 Nov 2026 22:44:05 GMT`, as the header Date has it (RFC 3261 §20.17).
    public var rfc1123: String {
        let text = description
        let (day, _) = Self.floorDivide(milliseconds, 86_400_000)
        let (year, month, date) = Self.civil(fromDays: day)
        // The first day of 1970 was a Thursday.
        let weekday = Self.weekdays[Int(Self.floorDivide(day + 4, 7).1)]
        let padded = date < 10 ? "0\(date)" : "\(date)"
        return "\(weekday), \(padded) \(Self.months[Int(month) - 1]) \(year) \(text.dropFirst(11).prefix(8)) GMT"
    }

    private static let weekdays = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
    private static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]

    /// Reads a `date-time` of RFC 3339 §5.6, in any offset, with any fraction of a second or none; beyond milliseconds it is cut. Nil
    /// for anything else.
    public init?(_ text: some StringProtocol) {
        let octets = Array(text.utf8)
        guard octets.count >= 20, octets[4] == 45, octets[7] == 45, octets[10] | 32 == 116, octets[13] == 58,
            octets[16] == 58,
            let year = Self.number(octets[0..<4]), let month = Self.number(octets[5..<7]),
            let day = Self.number(octets[8..<10]), let hour = Self.number(octets[11..<13]),
            let minute = Self.number(octets[14..<16]), let second = Self.number(octets[17..<19]),
            (1...12).contains(month), (1...31).contains(day), hour < 24, minute < 60, second <= 60
        else { return nil }
        var rest = octets[19...]
        var fraction: Int64 = 0
        if rest.first == 46 {
            let digits = rest.dropFirst().prefix { (48...57).contains($0) }
            guard !digits.isEmpty else { return nil }
            for place in 0..<3 {
                fraction = fraction * 10 + Int64(place < digits.count ? digits[digits.startIndex + place] - 48 : 0)
            }
            rest = rest[digits.endIndex...]
        }
        guard let offset = Self.offset(rest) else { return nil }
        let days = Self.days(fromCivil: year, month, day)
        // What no month has is reckoned into the next.
        guard Self.civil(fromDays: days) == (year, month, day) else { return nil }
        let seconds = days * 86_400 + hour * 3600 + minute * 60 + second - offset
        self.init(milliseconds: seconds * 1000 + fraction)
    }

    /// Seconds east of UTC.
    private static func offset(_ octets: ArraySlice<UInt8>) -> Int64? {
        let octets = Array(octets)
        if octets == [90] || octets == [122] { return 0 }
        guard octets.count == 6, octets[0] == 43 || octets[0] == 45, octets[3] == 58, let hours = number(octets[1..<3]),
            let minutes = number(octets[4..<6]), hours < 24, minutes < 60
        else { return nil }
        return (hours * 3600 + minutes * 60) * (octets[0] == 43 ? 1 : -1)
    }

    /// Digits alone: no sign, no blank.
    private static func number(_ octets: ArraySlice<UInt8>) -> Int64? {
        var value: Int64 = 0
        for octet in octets {
            guard (48...57).contains(octet) else { return nil }
            value = value * 10 + Int64(octet - 48)
        }
        return value
    }

    /// Quotient and remainder with a remainder of 0 or more; for divisors above 0.
    package static func floorDivide(_ value: Int64, _ divisor: Int64) -> (Int64, Int64) {
        let (quotient, remainder) = value.quotientAndRemainder(dividingBy: divisor)
        return remainder < 0 ? (quotient - 1, remainder + divisor) : (quotient, remainder)
    }

    // The Gregorian calendar in eras of 400 years that begin in March, so that the leap day is a year's last.

    /// The date of a day that is counted from 1970-01-01.
    package static func civil(fromDays days: Int64) -> (year: Int64, month: Int64, day: Int64) {
        let (era, day) = floorDivide(days + 719_468, 146_097)
        let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365
        let ofYear = day - (365 * year + year / 4 - year / 100)
        let month = (5 * ofYear + 2) / 153
        let date = ofYear - (153 * month + 2) / 5 + 1
        return (year + era * 400 + (month >= 10 ? 1 : 0), month < 10 ? month + 3 : month - 9, date)
    }

    /// The day, counted from 1970-01-01, of a date.
    package static func days(fromCivil year: Int64, _ month: Int64, _ day: Int64) -> Int64 {
        let shifted = month <= 2 ? year - 1 : year
        let (era, ofEra) = floorDivide(shifted, 400)
        let ofYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        return era * 146_097 + ofEra * 365 + ofEra / 4 - ofEra / 100 + ofYear - 719_468
    }
}

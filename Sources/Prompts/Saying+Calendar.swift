extension Saying {
    /// A time on a 24-hour clock: «девять часов пять минут», "nine oh five". Nothing for what no clock shows.
    public static func time(hour: Int, minute: Int, in language: Language) -> [String] {
        guard (0...23).contains(hour), (0...59).contains(minute) else { return [] }
        let (hours, minutes) = (UInt64(hour), UInt64(minute))
        switch language {
        case .ru:
            return counted(hours, .hour, in: .ru) + (minute > 0 ? counted(minutes, .minute, in: .ru) : [])
        case .en:
            // "Nine o'clock" is a clock's face; past noon, and at midnight, the hours are counted.
            let said = magnitude(hours, in: .en, gender: .masculine)
            if minute == 0 { return said + ((1...12).contains(hour) ? ["o-clock"] : ["hour-many"]) }
            if hour == 0 { return said + ["hour-many"] + counted(minutes, .minute, in: .en) }
            return said + (minute < 10 ? ["oh"] : []) + magnitude(minutes, in: .en, gender: .masculine)
        }
    }

    /// A date: «четвёртое июля две тысячи двадцать шестого года», "July fourth, twenty twenty-six".
    ///
    /// A year outside 1…9999 is not said; nothing at all for a day that no month has, or a month that no year has.
    public static func date(year: Int, month: Int, day: Int, in language: Language) -> [String] {
        guard (1...12).contains(month), (1...31).contains(day) else { return [] }
        let said = (1...9999).contains(year) ? UInt64(year) : nil
        return switch language {
        case .ru: ["day-\(day)", "month-\(month)"] + (said.map(russianYear) ?? [])
        case .en: ["month-\(month)", "day-\(day)"] + (said.map(englishYear) ?? [])
        }
    }

    /// An ordinal in the genitive: only its last word is one, and the round thousands are single words.
    private static func russianYear(_ year: UInt64) -> [String] {
        let last =
            switch (year % 1000, year % 100, year % 10) {
            case (0, _, _): year
            case (_, 0, _): year % 1000
            case (_, 1..<20, _), (_, _, 0): year % 100
            default: year % 10
            }
        let before = year - last
        var pieces = before > 0 ? magnitude(before, in: .ru, gender: .masculine) : []
        // «Тысяча девятьсот», as years are said, and not «одна тысяча девятьсот».
        if (1001...1999).contains(year) { pieces.removeFirst() }
        return pieces + ["year-\(last)", "of-year"]
    }

    /// Two numbers of two digits, but for the years that are said as one: "two thousand nine", "seven hundred".
    private static func englishYear(_ year: UInt64) -> [String] {
        let (century, rest) = year.quotientAndRemainder(dividingBy: 100)
        guard century >= 10, century % 10 > 0 || rest >= 10 else { return magnitude(year, in: .en, gender: .masculine) }
        let low: [String] =
            switch rest {
            case 0: ["hundred"]
            case 1...9: ["oh", "n\(rest)"]
            default: magnitude(rest, in: .en, gender: .masculine)
            }
        return magnitude(century, in: .en, gender: .masculine) + low
    }
}

/// What `say` is told to say, read: the plan's checker refuses what is none, and a call says nothing.
public enum SpokenValue: Equatable, Sendable {
    public enum Currency: Sendable { case rouble, dollar, euro }

    case number(Int64)
    /// A whole number beyond the other's, in digits without leading zeros.
    case longNumber(isNegative: Bool, digits: String)
    /// As it is written; what is no digit, `*` or `#` is skipped.
    case digits(String)
    /// In hundredths; nil: the currency of the language.
    case amount(Int64, Currency?)
    case time(hour: Int, minute: Int)
    case date(year: Int, month: Int, day: Int)

    /// Numbers are digits, amounts may have decimals behind a point, times `HH:MM` (seconds are not said), dates `YYYY-MM-DD` of the
    /// Gregorian calendar, carried back to the year 1. nil: it is none.
    public init?(_ kind: Step.Say.Kind, _ text: String) {
        switch kind {
        case .number:
            if let value = Int64(text) { self = .number(value) } else { self.init(longNumber: text) }
        case .digits:
            guard text.utf8.contains(where: { (48...57).contains($0) || $0 == 0x2A || $0 == 0x23 }) else { return nil }
            self = .digits(text)
        case .amount:
            let parts = text.split(separator: " ")
            guard (1...2).contains(parts.count), let hundredths = Self.hundredths(parts[0]) else { return nil }
            let currency = parts.count > 1 ? Self.currency(parts[1]) : nil
            guard parts.count == 1 || currency != nil else { return nil }
            self = .amount(hundredths, currency)
        case .time:
            let parts = text.split(separator: ":", omittingEmptySubsequences: false).map { Int($0) }
            guard (2...3).contains(parts.count), let hour = parts[0], let minute = parts[1],
                (0...23).contains(hour), (0...59).contains(minute)
            else { return nil }
            self = .time(hour: hour, minute: minute)
        case .date:
            let parts = text.split(separator: "-", omittingEmptySubsequences: false)
            guard parts.map(\.utf8.count) == [4, 2, 2], parts.allSatisfy(Self.isDigits) else { return nil }
            let numbers = parts.compactMap { Int($0) }
            guard numbers[0] >= 1, (1...12).contains(numbers[1]),
                (1...Self.days(inMonth: numbers[1], of: numbers[0])).contains(numbers[2])
            else { return nil }
            self = .date(year: numbers[0], month: numbers[1], day: numbers[2])
        }
    }

    private init?(longNumber text: String) {
        let digits = text.first == "-" || text.first == "+" ? text.dropFirst() : text[...]
        guard Self.isDigits(digits) else { return nil }
        self = .longNumber(isNegative: text.first == "-", digits: String(digits.drop { $0 == "0" }))
    }

    private static func isDigits(_ text: Substring) -> Bool {
        !text.isEmpty && text.utf8.allSatisfy { (48...57).contains($0) }
    }

    private static func days(inMonth month: Int, of year: Int) -> Int {
        switch month {
        case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }

    /// `12.5` is 1250. Of more decimals the half is rounded up, away from zero: 12.505 is 1251, as on an invoice.
    private static func hundredths(_ text: Substring) -> Int64? {
        let isNegative = text.hasPrefix("-")
        let unsigned = isNegative || text.hasPrefix("+") ? text.dropFirst() : text
        let parts = unsigned.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count <= 2, isDigits(parts[0]), let whole = Int64(parts[0]), whole < 1_000_000_000_000,
            parts.count == 1 || parts[1].isEmpty || isDigits(parts[1])
        else { return nil }
        let decimals = (parts.count == 2 ? parts[1] : "").utf8.map { Int64($0) - 48 } + [0, 0, 0]
        let cents = decimals[0] * 10 + decimals[1] + (decimals[2] >= 5 ? 1 : 0)
        return (isNegative ? -1 : 1) * (whole * 100 + cents)
    }

    private static func currency(_ text: Substring) -> Currency? {
        switch text.uppercased() {
        case "RUB", "RUR", "₽": .rouble
        case "USD", "$": .dollar
        case "EUR", "€": .euro
        default: nil
        }
    }
}

extension Step.Say.Kind {
    /// How one is written.
    public var example: String {
        switch self {
        case .number: "a whole number: 42"
        case .digits: "digits: 4711"
        case .amount: "an amount and RUB, USD or EUR: 12.50 RUB"
        case .time: "a time: 09:05"
        case .date: "a day: 2026-01-07"
        }
    }
}

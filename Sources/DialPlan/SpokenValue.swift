/// What `say` is told to say, read: the plan's checker refuses what is none, and a call says nothing.
public enum SpokenValue: Equatable, Sendable {
    public enum Currency: Sendable { case rouble, dollar, euro }

    case number(Int64)
    /// As it is written; what is no digit, `*` or `#` is skipped.
    case digits(String)
    /// In hundredths; nil: the currency of the language.
    case amount(Int64, Currency?)
    case time(hour: Int, minute: Int)
    case date(year: Int, month: Int, day: Int)

    /// Numbers are digits with a point for hundredths, times `HH:MM` (seconds are not said), dates `YYYY-MM-DD`. nil: it is none.
    public init?(_ kind: Step.Say.Kind, _ text: String) {
        switch kind {
        case .number:
            guard let value = Int64(text) else { return nil }
            self = .number(value)
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
            guard let day = LocalTime(written: text + "T00:00"), day.date == text else { return nil }
            let parts = text.split(separator: "-").compactMap { Int($0) }
            guard parts.count == 3 else { return nil }
            self = .date(year: parts[0], month: parts[1], day: parts[2])
        }
    }

    /// `12.5` is 1250.
    private static func hundredths(_ text: Substring) -> Int64? {
        let isNegative = text.hasPrefix("-")
        let parts = text.drop { $0 == "-" }.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count <= 2, let whole = parts.first.flatMap({ Int64($0) }), whole < 1_000_000_000_000 else {
            return nil
        }
        let rest = parts.count == 2 ? String((parts[1] + "00").prefix(2)) : "0"
        guard whole >= 0, let cents = Int64(rest), cents >= 0 else { return nil }
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

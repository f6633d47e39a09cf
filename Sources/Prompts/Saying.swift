/// A language that the product has recordings in.
public enum Language: String, Sendable, CaseIterable { case ru, en }

/// A currency that amounts are said in.
public enum Currency: Sendable, CaseIterable { case rouble, dollar, euro }

/// What is said from recorded pieces: names of prompts, in the order they are played.
public enum Saying {
    /// The gender of what is counted: Russian says «один рубль», «одна минута», «одно место».
    public enum Gender: Sendable, CaseIterable { case masculine, feminine, neuter }

    /// The greatest magnitude said as a number; beyond it the digits are said one by one.
    public static let greatestNumber: UInt64 = 999_999_999_999

    /// A cardinal number; a negative one with its minus first.
    public static func number(_ value: Int64, in language: Language, gender: Gender = .masculine) -> [String] {
        let sign = value < 0 ? ["minus"] : []
        // The magnitude of Int64.min is no Int64.
        return sign + magnitude(value.magnitude, in: language, gender: gender)
    }

    /// A whole number beyond those, with its minus first.
    public static func longNumber(isNegative: Bool, digits text: String, in language: Language) -> [String] {
        (isNegative ? ["minus"] : []) + digits(text, in: language)
    }

    /// The digits, `*` and `#` of a number to dial or a code, one by one; all else is skipped.
    public static func digits(_ text: String, in language: Language) -> [String] {
        text.unicodeScalars.compactMap { scalar in
            switch scalar {
            case "0"..."9": "n\(scalar)"
            case "*": "star"
            case "#": "hash"
            default: nil
            }
        }
    }

    /// So many hours, minutes and seconds; those that are zero are not said, and a time below zero is zero.
    public static func duration(seconds: Int, in language: Language) -> [String] {
        let seconds = max(0, seconds)
        let parts: [(count: Int, noun: Noun)] = [
            (seconds / 3600, .hour), (seconds / 60 % 60, .minute), (seconds % 60, .second),
        ]
        let said = parts.filter { $0.count > 0 }
        return (said.isEmpty ? [(0, .second)] : said)
            .flatMap { counted(UInt64($0.count), $0.noun, in: language) }
    }

    /// An amount of money in hundredths: «двадцать два рубля пять копеек». Of two parts, one that is zero is not said.
    public static func amount(_ hundredths: Int64, currency: Currency, in language: Language) -> [String] {
        let sign = hundredths < 0 ? ["minus"] : []
        let (whole, rest) = hundredths.magnitude.quotientAndRemainder(dividingBy: 100)
        let nouns = currency.nouns
        let isWholeSaid = whole > 0 || rest == 0
        return sign + (isWholeSaid ? counted(whole, nouns.whole, in: language) : [])
            + (rest > 0 ? counted(rest, nouns.hundredth, in: language) : [])
    }
}

/// A noun recorded in its forms after numbers.
struct Noun {
    let name: String
    let gender: Saying.Gender

    static let thousand = Noun(name: "thousand", gender: .feminine)
    static let million = Noun(name: "million", gender: .masculine)
    static let billion = Noun(name: "billion", gender: .masculine)
    static let hour = Noun(name: "hour", gender: .masculine)
    static let minute = Noun(name: "minute", gender: .feminine)
    static let second = Noun(name: "second", gender: .feminine)

    /// The form after `count`: Russian looks at the last two digits, English at whether it is one.
    func form(after count: UInt64, in language: Language) -> String {
        switch language {
        case .en: name + (count == 1 ? "-one" : "-many")
        case .ru:
            switch (count % 100, count % 10) {
            case (11...14, _): name + "-many"
            case (_, 1): name + "-one"
            case (_, 2...4): name + "-few"
            default: name + "-many"
            }
        }
    }
}

extension Currency {
    fileprivate var nouns: (whole: Noun, hundredth: Noun) {
        let cent = Noun(name: "cent", gender: .masculine)
        return switch self {
        case .rouble: (Noun(name: "rouble", gender: .masculine), Noun(name: "kopeck", gender: .feminine))
        case .dollar: (Noun(name: "dollar", gender: .masculine), cent)
        case .euro: (Noun(name: "euro", gender: .masculine), cent)
        }
    }
}

extension Saying {
    /// A number and the noun after it, agreeing with each other.
    static func counted(_ count: UInt64, _ noun: Noun, in language: Language) -> [String] {
        magnitude(count, in: language, gender: noun.gender) + [noun.form(after: count, in: language)]
    }

    static func magnitude(_ value: UInt64, in language: Language, gender: Gender) -> [String] {
        guard value > 0 else { return ["n0"] }
        guard value <= greatestNumber else { return digits(String(value), in: language) }
        let groups: [(count: UInt64, noun: Noun)] = [
            (value / 1_000_000_000, .billion), (value / 1_000_000 % 1000, .million), (value / 1000 % 1000, .thousand),
        ]
        var pieces: [String] = []
        for (count, noun) in groups where count > 0 {
            pieces += belowThousand(count, in: language, gender: noun.gender)
            pieces.append(noun.form(after: count, in: language))
        }
        return pieces + belowThousand(value % 1000, in: language, gender: gender)
    }

    /// Hundreds, tens and ones of 0…999; nothing for zero.
    private static func belowThousand(_ value: UInt64, in language: Language, gender: Gender) -> [String] {
        var pieces: [String] = []
        let (hundreds, rest) = value.quotientAndRemainder(dividingBy: 100)
        if hundreds > 0 {
            pieces += language == .ru ? ["n\(hundreds * 100)"] : ["n\(hundreds)", "hundred"]
        }
        if rest >= 20 { pieces.append("n\(rest / 10 * 10)") }
        let ones = rest < 20 ? rest : rest % 10
        if ones > 0 { pieces.append(inGender(ones, gender, in: language)) }
        return pieces
    }

    private static func inGender(_ ones: UInt64, _ gender: Gender, in language: Language) -> String {
        guard language == .ru else { return "n\(ones)" }
        return switch (ones, gender) {
        case (1, .feminine): "n1-feminine"
        case (1, .neuter): "n1-neuter"
        case (2, .feminine): "n2-feminine"
        default: "n\(ones)"
        }
    }
}

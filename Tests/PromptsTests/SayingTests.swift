import Prompts
import Testing

@Suite("Numbers, amounts and times from recorded pieces")
struct SayingTests {
    @Test(
        arguments: [
            (0, "n0"), (1, "n1"), (11, "n11"), (12, "n12"), (14, "n14"), (21, "n20 n1"), (100, "n100"),
            (111, "n100 n11"), (1000, "n1-feminine thousand-one"), (2000, "n2-feminine thousand-few"),
            (5000, "n5 thousand-many"), (11_000, "n11 thousand-many"), (21_000, "n20 n1-feminine thousand-one"),
            (1_000_000, "n1 million-one"), (2_000_000, "n2 million-few"), (-7, "minus n7"),
            (1_002_003, "n1 million-one n2-feminine thousand-few n3"),
            (999_000_000_112, "n900 n90 n9 billion-many n100 n12"),
        ] as [(Int64, String)]
    )
    func `a number in Russian`(value: Int64, said: String) {
        #expect(Saying.number(value, in: .ru).joined(separator: " ") == said)
    }

    @Test func `a Russian number agrees with the gender of what is counted`() {
        #expect(Saying.number(1, in: .ru, gender: .feminine) == ["n1-feminine"])
        #expect(Saying.number(22, in: .ru, gender: .feminine) == ["n20", "n2-feminine"])
        #expect(Saying.number(11, in: .ru, gender: .feminine) == ["n11"])
        #expect(Saying.number(31, in: .ru, gender: .neuter) == ["n30", "n1-neuter"])
        #expect(Saying.number(2, in: .ru, gender: .neuter) == ["n2"])
        #expect(Saying.number(2001, in: .ru, gender: .neuter) == ["n2-feminine", "thousand-few", "n1-neuter"])
    }

    @Test(
        arguments: [
            (0, "n0"), (21, "n20 n1"), (111, "n1 hundred n11"), (2000, "n2 thousand-many"),
            (1_002_003, "n1 million-one n2 thousand-many n3"), (-40, "minus n40"),
        ] as [(Int64, String)]
    )
    func `a number in English`(value: Int64, said: String) {
        for gender in Saying.Gender.allCases {
            #expect(Saying.number(value, in: .en, gender: gender).joined(separator: " ") == said)
        }
    }

    @Test(arguments: Language.allCases)
    func `a number beyond the recorded words is said by its digits`(language: Language) {
        #expect(Saying.number(1_000_000_000_000, in: language) == ["n1"] + Array(repeating: "n0", count: 12))
        #expect(Saying.number(.min, in: language).prefix(4) == ["minus", "n9", "n2", "n2"])
        #expect(Saying.number(.min, in: language).count == 20)
        #expect(Saying.number(.max, in: language).count == 19)
        let long = Saying.longNumber(isNegative: true, digits: "92233720368547758080", in: language)
        #expect(long.prefix(3) == ["minus", "n9", "n2"] && long.count == 21)
    }

    @Test func `digits, star and hash are said, all else is skipped`() {
        #expect(Saying.digits("+7 (9*#٣a0", in: .ru) == ["n7", "n9", "star", "hash", "n0"])
        #expect(Saying.digits("", in: .en).isEmpty)
    }

    @Test(arguments: [
        (0, "n0 second-many"), (-5, "n0 second-many"), (1, "n1-feminine second-one"), (120, "n2-feminine minute-few"),
        (660, "n11 minute-many"), (1260, "n20 n1-feminine minute-one"),
        (61, "n1-feminine minute-one n1-feminine second-one"),
        (7200, "n2 hour-few"), (3605, "n1 hour-one n5 second-many"),
    ])
    func `a duration in Russian`(seconds: Int, said: String) {
        #expect(Saying.duration(seconds: seconds, in: .ru).joined(separator: " ") == said)
    }

    @Test func `a duration in English`() {
        #expect(Saying.duration(seconds: 60, in: .en) == ["n1", "minute-one"])
        #expect(Saying.duration(seconds: 1260, in: .en) == ["n20", "n1", "minute-many"])
        #expect(!Saying.duration(seconds: .max, in: .en).isEmpty && !Saying.duration(seconds: .min, in: .en).isEmpty)
    }

    @Test(
        arguments: [
            (101, "n1 rouble-one n1-feminine kopeck-one"), (2205, "n20 n2 rouble-few n5 kopeck-many"),
            (0, "n0 rouble-many"), (-350, "minus n3 rouble-few n50 kopeck-many"), (50, "n50 kopeck-many"),
            (1100, "n11 rouble-many"), (200_000, "n2-feminine thousand-few rouble-many"),
            (202, "n2 rouble-few n2-feminine kopeck-few"),
        ] as [(Int64, String)]
    )
    func `an amount of roubles`(hundredths: Int64, said: String) {
        #expect(Saying.amount(hundredths, currency: .rouble, in: .ru).joined(separator: " ") == said)
    }

    @Test func `amounts of dollars and euros`() {
        #expect(Saying.amount(101, currency: .dollar, in: .en) == ["n1", "dollar-one", "n1", "cent-one"])
        #expect(Saying.amount(2205, currency: .euro, in: .en) == ["n20", "n2", "euro-many", "n5", "cent-many"])
        #expect(Saying.amount(202, currency: .dollar, in: .ru) == ["n2", "dollar-few", "n2", "cent-few"])
        #expect(Saying.amount(.min, currency: .euro, in: .ru).first == "minus")
    }

    @Test func `the time of day`() {
        #expect(Saying.time(hour: 9, minute: 0, in: .en) == ["n9", "o-clock"])
        #expect(Saying.time(hour: 9, minute: 5, in: .en) == ["n9", "oh", "n5"])
        #expect(Saying.time(hour: 21, minute: 0, in: .en) == ["n20", "n1", "hour-many"])
        #expect(Saying.time(hour: 0, minute: 1, in: .en) == ["n0", "hour-many", "n1", "minute-one"])
        #expect(Saying.time(hour: 14, minute: 30, in: .en) == ["n14", "n30"])
        #expect(Saying.time(hour: 1, minute: 0, in: .ru) == ["n1", "hour-one"])
        #expect(
            Saying.time(hour: 22, minute: 41, in: .ru) == ["n20", "n2", "hour-few", "n40", "n1-feminine", "minute-one"]
        )
        #expect(Saying.time(hour: 24, minute: 0, in: .ru).isEmpty && Saying.time(hour: 1, minute: -1, in: .en).isEmpty)
    }

    @Test(arguments: [
        (5, "year-5"), (1000, "year-1000"), (1900, "thousand-one year-900"), (1961, "thousand-one n900 n60 year-1"),
        (1980, "thousand-one n900 year-80"), (2000, "year-2000"), (2012, "n2-feminine thousand-few year-12"),
        (2026, "n2-feminine thousand-few n20 year-6"), (2100, "n2-feminine thousand-few year-100"),
    ])
    func `a date in Russian`(year: Int, said: String) {
        let date = Saying.date(year: year, month: 7, day: 4, in: .ru)
        #expect(date.joined(separator: " ") == "day-4 month-7 \(said) of-year")
    }

    @Test(arguments: [
        (2026, "n20 n20 n6"), (2009, "n2 thousand-many n9"), (2000, "n2 thousand-many"), (1905, "n19 oh n5"),
        (1900, "n19 hundred"), (1999, "n19 n90 n9"), (1000, "n1 thousand-one"), (800, "n8 hundred"),
    ])
    func `a date in English`(year: Int, said: String) {
        let date = Saying.date(year: year, month: 7, day: 4, in: .en)
        #expect(date.joined(separator: " ") == "month-7 day-4 \(said)")
    }

    @Test func `a date that is none`() {
        #expect(Saying.date(year: 2026, month: 0, day: 1, in: .ru).isEmpty)
        #expect(Saying.date(year: 2026, month: 1, day: 32, in: .en).isEmpty)
        #expect(Saying.date(year: .min, month: 1, day: 31, in: .en) == ["month-1", "day-31"])
    }
}

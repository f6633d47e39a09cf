import DialPlan
import Testing

@Suite("What say is told to say")
struct SpokenValueTests {
    @Test(arguments: [
        ("1969-12-31", 1969, 12, 31), ("0001-01-01", 1, 1, 1), ("9999-12-31", 9999, 12, 31),
        ("2024-02-29", 2024, 2, 29),
        ("2000-02-29", 2000, 2, 29),
    ])
    func `a day of the years 1 to 9999`(text: String, year: Int, month: Int, day: Int) {
        #expect(SpokenValue(.date, text) == .date(year: year, month: month, day: day))
    }

    @Test(arguments: [
        "0000-01-01", "1900-02-29", "2026-02-29", "2026-04-31", "2026-13-01", "2026-00-01", "2026-01-00", "10000-01-01",
        "2026-1-1", "2026-01", "-2026-01-01", "+026-01-01", "٢٠٢٦-01-01", "",
    ])
    func `what is no day`(text: String) { #expect(SpokenValue(.date, text) == nil) }

    @Test func `a number may be of any length`() {
        #expect(SpokenValue(.number, "-42") == .number(-42))
        #expect(SpokenValue(.number, "9223372036854775807") == .number(.max))
        let long = "9223372036854775808"
        #expect(SpokenValue(.number, long) == .longNumber(isNegative: false, digits: long))
        #expect(SpokenValue(.number, "-0\(long)0") == .longNumber(isNegative: true, digits: long + "0"))
        for text in [
            "", "-", "+", "--1", "1 000 000 000 000 000 000 000", "99999999999999999999a", "99999999999999999999.5",
        ] {
            #expect(SpokenValue(.number, text) == nil, "\(text)")
        }
    }

    @Test(
        arguments: [
            ("12.5", 1250), ("12.505", 1251), ("12.504999", 1250), ("12.995", 1300), ("-12.505", -1251), ("0.004", 0),
            ("12", 1200), ("12.", 1200), ("+12.5", 1250), ("999999999999.999", 100_000_000_000_000),
        ] as [(String, Int64)]
    )
    func `an amount is rounded to hundredths, the half away from zero`(text: String, hundredths: Int64) {
        #expect(SpokenValue(.amount, text + " RUB") == .amount(hundredths, .rouble))
    }

    @Test(arguments: ["12.50abc", "12.+5", "--5", "12.5.0", ".5", "1000000000000", "12,50", ""])
    func `what is no amount`(text: String) { #expect(SpokenValue(.amount, text) == nil) }
}

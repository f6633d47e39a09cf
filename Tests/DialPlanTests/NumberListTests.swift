import Testing

@testable import DialPlan

@Suite("Lists of numbers")
struct NumberListTests {
    @Test(arguments: [
        "+7 (495) 111-22-33", "600", " 600 ", "\t+7495", "*45", "7495  # a remark, with +7 12a in it", "# nothing", "",
        "   ",
        "anna", "anonymous", "anna.b_2", "12345678901234567890123", " +7 495",
    ])
    func `what is a number, a name or nothing is in order`(line: String) {
        #expect(NumberList.oddities(in: line).isEmpty)
    }

    @Test(arguments: [
        "not a number", "+7 12a", "89O5", "+", "-", "7495,7499", "anna-maria", "anna@a.test", "7+495", "+anna", "٧",
    ])
    func `what no number is equal to is told`(line: String) {
        #expect(NumberList.oddities(in: "  \(line)\t # remark") == [NumberList.Oddity(line: 1, text: line)])
    }

    @Test func `lines are counted whatever ends them`() {
        let text = "\u{FEFF}+7495\r\nbad line\r\n\r\n# x\n+7 12a\rworse line"
        let found = NumberList.oddities(in: text)
        #expect(found.map(\.line) == [2, 5, 6])
        #expect(found.map(\.text) == ["bad line", "+7 12a", "worse line"])
    }
}

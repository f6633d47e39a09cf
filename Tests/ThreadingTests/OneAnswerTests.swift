import Testing
import Threading

@Suite struct OneAnswerTests {
    @Test func `the first answer counts, whether it comes before one waits for it or after`() async {
        let early = OneAnswer<Int>()
        #expect(!early.isGiven)
        early.give(1)
        early.give(2)
        #expect(early.isGiven)
        #expect(await early.wait() == 1)
        let late = OneAnswer<Int>()
        async let answer = late.wait(atMost: .seconds(60), else: 0)
        late.give(3)
        #expect(await answer == 3)
    }

    @Test func `where none comes in time, none is the answer, and what comes then is in vain`() async {
        let answer = OneAnswer<Int>()
        #expect(await answer.wait(atMost: .milliseconds(1), else: 0) == 0)
        #expect(answer.isGiven)
        answer.give(1)
    }
}

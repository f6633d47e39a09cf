import Testing

@testable import DialPlan

@Suite struct PatternTests {
    @Test(arguments: [
        ("1xxx", "1001", true), ("1xxx", "100", false), ("1xxx", "10011", false), ("1xxx", "100a", false),
        ("zn", "12", true), ("zn", "02", false), ("zn", "11", false), ("[1-35]x", "49", false), ("[1-35]x", "59", true),
        ("+.", "+7495", true), ("+.", "+", false), (".", "", false), (".", "anything@all", true), ("9.1", "9221", true),
        ("*45", "*45", true), ("/\\+7(495|499)\\d{7}/", "+74951234567", true),
        ("/\\+7(495|499)\\d{7}/", "+7495123456", false),
        ("/a*b?c+/", "aacc", true), ("/[^0-9]+/", "abc1", false), ("/^600$/", "600", true), ("/60./", "601", true),
        ("/x{2,3}/", "xxxx", false), ("/(ab){2}/", "abab", true),
    ])
    func `patterns take what they say, whole or not at all`(pattern: String, number: String, expected: Bool) throws {
        #expect(try Pattern(pattern).matches(number) == expected)
    }

    @Test(arguments: [
        "", "[", "[]", "[5-1]", "1XX", "/(/", "/a{3/", "/*a/", "/a{300}/",
        "/(((((((((((((((((((((a)))))))))))))))))))))/", "/x",
    ])
    func `malformed patterns are refused`(pattern: String) {
        #expect(throws: Pattern.Fault.self) { try Pattern(pattern) }
    }

    @Test func `an expression that hangs others ends at once`() throws {
        let expression = try RegularExpression("(a*)*(a|aa)*b")
        #expect(!expression.matches(String(repeating: "a", count: 255)))
    }

    @Test(arguments: [
        (".", "1xxx", true), ("1xxx", ".", false), ("1x.", "1xxx", true), ("x", "[0-4]", true), ("[0-4]", "x", false),
        ("+.", "+7.", true), ("1xxx", "1xxx", true), ("600", "601", false), ("/.*/", "600", true),
        ("/.*/", "/a|b/", true),
        ("/600/", "600", true), ("1xxx", "/1\\d{3}/", true), ("1xxx", "/1\\d{3,4}/", false),
        ("/1\\d{3,4}/", "1xxx", true),
        ("/[^0]+/", "z", true), ("/[^0]+/", "x", false), (".", "/.+/", true), ("/.+/", ".", true),
        ("/a*/", "/(a|aa)*/", true),
        // Somebody may dial nothing at all.
        (".", "/.*/", false),
    ])
    func `which pattern takes all that another takes`(a: String, b: String, expected: Bool) throws {
        #expect(try Pattern(a).includes(try Pattern(b)) == expected)
    }
}

@Suite struct PlanRunTests {
    private func plan(_ steps: [Step], flows: [String: [Step]] = [:]) throws -> DialPlan {
        DialPlan(
            name: "test",
            routes: [Route(match: try Pattern("."), steps: steps)],
            flows: Dictionary(uniqueKeysWithValues: flows.map { ($0, PlanFlow(name: $0, steps: $1)) })
        )
    }

    @Test(arguments: [
        (["600", "74950000702", "acc"], "600"), (["74950000702", "600"], "600"), (["123", "acc"], "acc"),
        (["123", "456"], "123"), ([], nil),
    ])
    func `of numbers that one call may be for, that whose rule stands first, and not the catch-all's`(
        numbers: [String],
        expected: String?
    ) throws {
        let routes = try ["600", "7495.", "acc", "."].map { Route(match: try Pattern($0), steps: []) }
        #expect(DialPlan(name: "test", routes: routes).choice(among: numbers, caller: "", trunk: "") == expected)
        #expect(DialPlan(name: "test").choice(among: numbers, caller: "", trunk: "") == nil)
    }

    private func run(_ plan: DialPlan) -> PlanRun {
        PlanRun(plan: plan, variables: ["called": "1002", "caller": "1001"])
    }

    @Test func `a dial that was busy goes the way that 'when' says`() throws {
        let dial = Step(.dial(Step.Dial(target: .user(try Template("{called}")))))
        let when = Step(
            .when(
                Step.When(
                    [Step.Condition("dial_result", [.text("busy")])],
                    then: [Step(.hangup(try Template("{dial_result}")))]
                )
            )
        )
        var run = run(try plan([dial, when]))
        #expect(run.start() == .dial(DialRequest(target: .user("1002"), timeout: .seconds(30))))
        #expect(run.proceed(.dialled(.busy)) == .hangup(.busy))
    }

    @Test func `after an answered dial the plan is over, after a failed one the caller hears why`() throws {
        let dial = Step(.dial(Step.Dial(target: .user(try Template("1")))))
        var answered = run(try plan([dial, dial]))
        _ = answered.start()
        #expect(answered.proceed(.dialled(.answered)) == .hangup(.normal))
        var failed = run(try plan([dial]))
        _ = failed.start()
        #expect(failed.proceed(.dialled(.noAnswer)) == .hangup(.noAnswer))
    }

    @Test func `a circle of goto ends the call`() throws {
        var run = run(try plan([Step(.goto("a"))], flows: ["a": [Step(.goto("b"))], "b": [Step(.goto("a"))]]))
        #expect(run.start() == .hangup(.failed))
    }

    @Test func `a queue is waited in, and a number that no rule takes is told`() throws {
        var run = run(try plan([Step(.answer), Step(.queue(Step.QueueEntry(name: "sales")))]))
        #expect(run.start() == .answer)
        #expect(run.proceed(.done) == .queue(QueueRequest(queue: "sales")))
        var none = self.run(DialPlan(name: "empty"))
        #expect(none.start() == .noRoute)
    }

    @Test(arguments: [
        (486, 17, "busy"), (480, 18, "unavailable"), (404, 1, "not-found"), (603, 21, "declined"),
        (503, 41, "congestion"),
        (488, 88, "not-acceptable"), (408, 102, "timeout"), (500, 41, "failed"), (699, 41, "failed"),
    ])
    func `RFC 3398 8.2.6.1: what a status means in Q.850`(status: Int, q850: Int, name: String) {
        let cause = HangupCause(status: status)
        #expect(cause.q850 == q850 && cause.name == name && cause.status == status)
    }

    @Test func `RFC 3326: Q.850 in a Reason tells more than SIP`() {
        #expect(HangupCause(reasonHeader: "SIP;cause=486, Q.850;cause=16;text=\"a, b\"")?.q850 == 16)
        #expect(HangupCause(reasonHeader: "SIP;cause=486")?.name == "busy")
        #expect(HangupCause(reasonHeader: "nonsense") == nil)
        #expect(HangupCause(reasonHeader: "Q.850;cause=99999999999999999999") == nil)
    }
}

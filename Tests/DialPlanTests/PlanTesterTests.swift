import Testing

@testable import DialPlan

@Suite("The tester of plans")
struct PlanTesterTests {
    @Test func `hours of a place are asked of that place's clock`() throws {
        let open = [OpeningHours(days: 1...5, minutes: 540..<1_080)]
        let steps = [
            Step(.hours(Step.Hours(open: open, timeZone: "Asia/Kathmandu", then: [Step(.echo)])))
        ]
        let plan = DialPlan(name: "test", routes: [Route(match: try Pattern("6xx"), steps: steps)])
        var test = PlanTest(name: "hours", from: "1001", to: "600", expectations: [])
        let owner = PlanTester.Owner(tenant: "test", nameOf: { _ in nil }) { moment, zone in
            LocalTime(localSeconds: moment.milliseconds / 1_000 + (zone == "Asia/Kathmandu" ? 20_700 : 0))
        }
        let echoed: [PlanTest.Expectation] = [.init(.answered), .init(.echoed), .init(.hungUp, "never")]
        // 14:45 there, and 09:00 in UTC.
        test.at = PlanTest.Time(written: "2026-11-27T14:45:00+05:45")
        #expect(PlanTester(plan, of: owner).run(test).happened == echoed)
        test.at = PlanTest.Time(written: "2026-11-27T18:00:00+05:45")
        #expect(PlanTester(plan, of: owner).run(test).happened == [.init(.hungUp, "normal")])
        test.at = PlanTest.Time(written: "2026-11-27T09:00")
        #expect(PlanTester(plan, of: owner).run(test).happened == echoed)
        #expect(PlanTest.Time(written: "tomorrow") == nil)
    }

    @Test(arguments: [("123#", "123"), ("12345", "1234"), ("#", "")])
    func `keyed digits end as a call's do`(input: String, collected: String) throws {
        let collect = Step.Collect(variable: "pin", minimum: 1, maximum: 4)
        let dial = Step.Dial(target: .user(try Template("{pin}")))
        let steps = [Step(.collect(collect)), Step(.dial(dial))]
        let plan = DialPlan(name: "test", routes: [Route(match: try Pattern("6xx"), steps: steps)])
        let test = PlanTest(name: "pin", from: "1001", to: "600", input: [input], expectations: [])
        let dialled = PlanTester(plan).run(test).happened.filter { $0.kind == PlanTest.Kind.dialled }
        #expect(dialled.map(\.value) == [collected])
    }

    @Test(arguments: [
        (nil, nil, "Anna"), (nil, "Boris", "Boris"), ("carrier", nil, ""), ("carrier", "Customer", "Customer"),
    ])
    func `a plan is tested as its tenant's, with the caller's name`(trunk: String?, given: String?, name: String) throws
    {
        let steps = [Step(.play([try Template("{tenant}-{caller_name}")])), Step(.echo)]
        let plan = DialPlan(name: "test", routes: [Route(match: try Pattern("6xx"), steps: steps)])
        var test = PlanTest(name: "name", from: "1001", to: "600", trunk: trunk, expectations: [])
        test.callerName = given
        let owner = PlanTester.Owner(tenant: "demo", nameOf: { $0 == "1001" ? "Anna" : nil }) { _, _ in
            LocalTime(year: 2026, month: 1, day: 14, weekday: 3, minute: 720)
        }
        #expect(PlanTester(plan, of: owner).run(test).happened.contains(.init(.played, "demo-\(name)")))
    }

    @Test(arguments: [
        ("+74951112233", "caller '+74951112233' is of list vip, direction 'inbound': then"),
        ("+74951112244", "caller '+74951112244' is not of list vip, /5.*/: otherwise"),
        ("55", "caller '55' is of /5.*/, direction 'inbound': then"),
    ])
    func `the way of a 'when' is told, and why`(caller: String, told: String) throws {
        let conditions = [
            Step.Condition("caller", [.list("vip"), .expression(try RegularExpression("5.*"))]),
            Step.Condition("direction", [.text("inbound"), .text("internal")]),
        ]
        let when = Step(.when(Step.When(conditions, then: [Step(.echo)])), position: SourcePosition(line: 4, column: 1))
        var plan = DialPlan(name: "test", routes: [Route(match: try Pattern("6xx"), steps: [when])])
        plan.lists = ["vip": NumberList(["+74951112233"])]
        let test = PlanTest(name: "when", from: caller, to: "600", trunk: "carrier", expectations: [])
        #expect(PlanTester(plan).run(test).trail.contains(.note(told, line: 4)))
    }

    @Test(arguments: [
        (PlanTest.Expectation(.played, "logged-in"), Step.AgentStep.Change.toggleLogin, nil),
        (.init(.played, "unpaused"), .unpause, nil), (.init(.played, "not-allowed"), .login, "carrier"),
    ])
    func `a feature code answers, and says what it did`(
        told: PlanTest.Expectation,
        change: Step.AgentStep.Change,
        trunk: String?
    ) throws {
        let steps = [Step(.agent(Step.AgentStep(change))), Step(.hangup(try Template("normal")))]
        let plan = DialPlan(name: "test", routes: [Route(match: try Pattern("6xx"), steps: steps)])
        let test = PlanTest(name: "code", from: "1001", to: "600", trunk: trunk, expectations: [])
        #expect(PlanTester(plan).run(test).happened == [.init(.answered), told, .init(.hungUp, "normal")])
    }

    @Test(arguments: [
        (Step.Action.record(true), 199, "busy"), (.record(true), 200, "failed"),
        (.set([Step.Assignment("x", Template(literal: "1"))]), 199, "busy"),
        (.set([Step.Assignment("x", Template(literal: "1"))]), 200, "failed"),
        (.play([Template(literal: "welcome")]), 300, "busy"),
    ])
    func `a plan may take 200 steps at one moment, of whatever kind`(
        action: Step.Action,
        count: Int,
        cause: String
    ) throws {
        let steps = Array(repeating: Step(action), count: count) + [Step(.hangup(try Template("busy")))]
        let plan = DialPlan(name: "test", routes: [Route(match: try Pattern("6xx"), steps: steps)])
        let result = PlanTester(plan).run(PlanTest(name: "long", from: "1001", to: "600", expectations: []))
        #expect(result.happened.last == .init(.hungUp, cause))
        let isTold = result.trail.contains { "\($0)".contains("200 steps took no time") }
        #expect(isTold == (cause == "failed"))
    }

    @Test func `each of a group is dialled`() throws {
        let group = try ["1001", "1002"].map { try Template($0) }
        let steps = [Step(.dial(Step.Dial(target: .group(group)))), Step(.hangup(try Template("busy")))]
        let plan = DialPlan(name: "test", routes: [Route(match: try Pattern("6xx"), steps: steps)])
        var test = PlanTest(name: "group", from: "1001", to: "600", expectations: [.init(.dialled, "1002")])
        test.dials = [.noAnswer]
        let result = PlanTester(plan).run(test)
        #expect(result.hasPassed)
        #expect(result.happened == [.init(.dialled, "1001"), .init(.dialled, "1002"), .init(.hungUp, "busy")])
    }
}

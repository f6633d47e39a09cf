import Testing

@testable import DialPlan

@Suite("Steps that lead into another call")
struct OtherCallStepTests {
    private func plan(_ steps: [Step]) throws -> DialPlan {
        DialPlan(name: "test", routes: [Route(match: try Pattern("*x."), steps: steps)])
    }

    private func run(_ steps: [Step], called: String) throws -> PlanRun {
        PlanRun(plan: try plan(steps), variables: ["called": called, "caller": "1003"])
    }

    @Test func `a queue's own number leads into it where no rule is for it, be it for others`() throws {
        var plan = DialPlan(
            name: "internal",
            routes: [Route(match: try Pattern("70x"), from: try Pattern("1009"), steps: [])]
        )
        plan.queues = ["700": "sales", "800": "support"]
        func first(_ called: String) -> Instruction {
            var run = PlanRun(plan: plan, variables: ["called": called, "caller": "1003"])
            return run.start()
        }
        #expect(first("800") == .queue(QueueRequest(queue: "support")))
        #expect(first("700") == .noRoute && first("801") == .noRoute)
    }

    @Test func `pickup names its users, and what comes of it is a dial_result`() throws {
        let steps = [
            Step(.pickup(.group([try Template("{called:2}"), try Template("1002")]))),
            Step(.when(Step.When([Step.Condition("dial_result", [.text("unavailable")])], then: [Step(.answer)]))),
        ]
        var run = try run(steps, called: "*81001")
        #expect(run.start() == .pickup(["1001", "1002"]))
        #expect(run.proceed(.dialled(.unavailable)) == .answer)
        #expect(run.proceed(.done) == .hangup(HangupCause(.unavailable)))
    }

    @Test func `park says the slot and the time; a slot that is taken is busy to whoever sends somebody there`() throws
    {
        let steps = [Step(.park(Step.Park(slot: try Template("{called:3}"), timeout: .seconds(45))))]
        var run = try run(steps, called: "*707")
        #expect(run.start() == .park(ParkRequest(slot: "7", timeout: .seconds(45))))
        #expect(run.proceed(.dialled(.busy)) == .hangup(HangupCause(.busy)))
    }

    @Test func `plans' own tests expect them`() throws {
        let steps = [Step(.pickup(.user(try Template("{called:2}")))), Step(.park(Step.Park(slot: try Template("1"))))]
        var test = PlanTest(
            name: "both",
            from: "1003",
            to: "*81001",
            expectations: [.init(.pickedUp, "1001"), .init(.parked, "1"), .init(.answered)]
        )
        test.dials = [.unavailable]
        let result = PlanTester(try plan(steps)).run(test)
        #expect(result.missed == nil, "\(result.happened)")
        test.dials = []
        #expect(PlanTester(try plan(steps)).run(test).missed == .init(.parked, "1"))
    }
}

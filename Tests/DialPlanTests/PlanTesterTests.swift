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
        let test = PlanTest(name: "hours", from: "1001", to: "600", expectations: [])
        let clock = { (zone: String?) in
            LocalTime(year: 2026, month: 11, day: 27, weekday: 5, minute: zone == "Asia/Kathmandu" ? 844 : 199)
        }
        #expect(PlanTester(plan).run(test, clock: clock).happened == [.init(.answered), .init(.echoed)])
    }

    @Test(arguments: [("123#", "123"), ("12345", "1234"), ("#", "")])
    func `keyed digits end as a call's do`(input: String, collected: String) throws {
        let collect = Step.Collect(variable: "pin", minimum: 1, maximum: 4)
        let dial = Step.Dial(target: .user(try Template("{pin}")))
        let steps = [Step(.collect(collect)), Step(.dial(dial))]
        let plan = DialPlan(name: "test", routes: [Route(match: try Pattern("6xx"), steps: steps)])
        let test = PlanTest(name: "pin", from: "1001", to: "600", input: [input], expectations: [])
        let clock = { (_: String?) in LocalTime(year: 2026, month: 11, day: 27, weekday: 5, minute: 0) }
        let dialled = PlanTester(plan).run(test, clock: clock).happened.filter { $0.kind == PlanTest.Kind.dialled }
        #expect(dialled.map(\.value) == [collected])
    }
}

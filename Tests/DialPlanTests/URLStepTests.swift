import Testing

@testable import DialPlan

@Suite("Steps from URLs")
struct URLStepTests {
    @Test func `URLs that send a call from one to the other for ever come to an end`() throws {
        let ask = Step(.http(Step.HTTPRequest(url: try Template("http://a/"), timeout: .seconds(3))))
        var run = PlanRun(
            plan: DialPlan(name: "test", routes: [Route(match: try Pattern("."), steps: [ask])]),
            variables: ["called": "1"]
        )
        var (next, asked) = (run.start(), 0)
        while case .http = next, asked <= PlanRun.mostQuestions {
            asked += 1
            run.timePassed()
            next = run.proceed(.steps([ask]))
        }
        #expect(next == .hangup(.failed) && asked == PlanRun.mostQuestions)
    }

    @Test func `a URL's password goes to its server and into no trace`() throws {
        let url = "https://us:top@secret@host.test:8443/next?key=a@b"
        let ask = Step(.http(Step.HTTPRequest(url: try Template(url), timeout: .seconds(3))))
        let plan = DialPlan(name: "test", routes: [Route(match: try Pattern("."), steps: [ask])])
        var run = PlanRun(plan: plan, variables: ["called": "1"])
        #expect(run.start() == .http(url: url, timeout: .seconds(3)))
        let told = run.takeTrail().map { "\($0)" }.joined()
        #expect(told.contains("https://host.test:8443/next?key=a@b") && !told.contains("secret"), "\(told)")
    }
}

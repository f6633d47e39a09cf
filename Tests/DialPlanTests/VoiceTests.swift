import Events
import Testing

@testable import DialPlan

@Suite("Menus, digits, hours and queues in a plan")
struct VoiceTests {
    private func run(
        _ steps: [Step],
        flows: [String: [Step]] = [:],
        lists: [String: NumberList] = [:]
    ) throws -> PlanRun {
        var plan = DialPlan(name: "test", routes: [Route(match: try Pattern("."), steps: steps)])
        plan.flows = flows.reduce(into: [:]) { $0[$1.key] = PlanFlow(name: $1.key, steps: $1.value) }
        plan.lists = lists
        return PlanRun(plan: plan, variables: ["called": "100", "caller": "+74951112233"])
    }

    private func menu(attempts: Int = 2) throws -> Step {
        Step(
            .menu(
                Step.Menu(
                    prompt: try Template("main-menu"),
                    timeout: .seconds(5),
                    attempts: attempts,
                    invalid: try Template("invalid-key"),
                    keys: [Step.Menu.Key("1", [Step(.queue(Step.QueueEntry(name: "sales")))])],
                    otherwise: [Step(.hangup(try Template("busy")))]
                )
            )
        )
    }

    private let asked = { (prompts: [String]) in
        Instruction.ask(Ask(prompts: prompts, maximum: 1, timeout: .seconds(5), terminator: ""))
    }

    @Test func `a key leads where the menu says, and the plan goes on behind the menu when that is done`() throws {
        var run = try run([try menu(), Step(.play([try Template("goodbye")]))])
        #expect(run.start() == asked(["main-menu"]))
        #expect(run.proceed(.input("1")) == .queue(QueueRequest(queue: "sales")))
        #expect(run.proceed(.queued(.timeout)) == .play(["goodbye"]))
        #expect(run.variables["queue_result"] == "timeout")
        #expect(run.proceed(.done) == .hangup(.normal))
    }

    @Test func `a key that leads nowhere is told, and after the attempts the other way is taken`() throws {
        var run = try run([try menu()])
        #expect(run.start() == asked(["main-menu"]))
        #expect(run.proceed(.input("9")) == asked(["invalid-key", "main-menu"]))
        #expect(run.proceed(.input("")) == .hangup(.busy))
    }

    @Test func `silence is asked again without an apology`() throws {
        var run = try run([try menu(attempts: 3)])
        _ = run.start()
        #expect(run.proceed(.input("")) == asked(["main-menu"]))
        #expect(run.proceed(.input("1")) == .queue(QueueRequest(queue: "sales")))
    }

    @Test func `digits are collected into a variable; too few are none`() throws {
        let collect = Step(.collect(Step.Collect(variable: "pin", minimum: 4, maximum: 6)))
        let check = Step(
            .when(
                Step.When(
                    [Step.Condition("pin", [.text("1234")])],
                    then: [Step(.hangup(try Template("normal")))],
                    otherwise: [Step(.hangup(try Template("rejected")))]
                )
            )
        )
        for (keys, cause) in [("1234", HangupCause.normal), ("123", .rejected), ("12345", .rejected)] {
            var run = try run([collect, check])
            #expect(run.start() == .ask(Ask(prompts: [], maximum: 6, timeout: .seconds(5), terminator: "#")))
            #expect(run.proceed(.input(keys)) == .hangup(cause))
        }
    }

    @Test func `what is asked right behind a menu's key or another collect is heard, too`() throws {
        func collect(_ name: String) -> Step { Step(.collect(Step.Collect(variable: name, minimum: 1, maximum: 4))) }
        let menu = Step(
            .menu(
                Step.Menu(
                    prompt: try Template("main-menu"),
                    timeout: .seconds(5),
                    attempts: 1,
                    keys: [Step.Menu.Key("1", [collect("one"), collect("two")])],
                    otherwise: [collect("one")]
                )
            )
        )
        for (key, steps) in [("1", ["12", "345"]), ("9", ["67"])] {
            var run = try run([menu, Step(.hangup(try Template("busy")))])
            _ = run.start()
            var next = run.proceed(.input(key))
            for keys in steps {
                #expect(next == .ask(Ask(prompts: [], maximum: 4, timeout: .seconds(5), terminator: "#")))
                next = run.proceed(.input(keys))
            }
            #expect(next == .hangup(.busy))
            #expect(["one", "two"].compactMap { run.variables[$0] } == steps)
        }
    }

    @Test func `hours and holidays decide by the clock of their place`() throws {
        let open = try #require(OpeningHours.read("Mon-Fri 09:00-18:00")?.first)
        let hours = Step(
            .hours(
                Step.Hours(
                    open: [open],
                    holidays: ["2026-01-07"],
                    timeZone: "Europe/Moscow",
                    then: [Step(.hangup(try Template("normal")))],
                    otherwise: [Step(.hangup(try Template("unavailable")))]
                )
            )
        )
        let cases: [(LocalTime, HangupCause)] = [
            (LocalTime(year: 2026, month: 1, day: 8, weekday: 4, minute: 540), .normal),
            (LocalTime(year: 2026, month: 1, day: 8, weekday: 4, minute: 539), .unavailable),
            (LocalTime(year: 2026, month: 1, day: 8, weekday: 4, minute: 1_080), .unavailable),
            (LocalTime(year: 2026, month: 1, day: 7, weekday: 3, minute: 600), .unavailable),
            (LocalTime(year: 2026, month: 1, day: 10, weekday: 6, minute: 600), .unavailable),
        ]
        for (time, cause) in cases {
            var run = try run([hours])
            #expect(run.start() == .localTime("Europe/Moscow"))
            #expect(run.proceed(.time(time)) == .hangup(cause), "\(time)")
        }
    }

    @Test(arguments: [
        ("Fri 22:00-06:00", "Fri 22:00-24:00, Sat 00:00-06:00"),
        ("Mon-Sun 20:00-02:00", "Mon-Sun 20:00-24:00, Tue-Sun 00:00-02:00, Mon 00:00-02:00"),
        ("Sun 22:00-00:00", "Sun 22:00-24:00"), ("Fri-Mon 09:00-18:00", "Fri-Sun 09:00-18:00, Mon 09:00-18:00"),
        ("Sat,mon-tue 10:00-12:00", "Sat 10:00-12:00, Mon-Tue 10:00-12:00"),
        ("Mon 24:00-06:00", ""), ("Mon 09:00-09:00", ""), ("Mon, 09:00-10:00", ""), ("Mon-Tue-Wed 09:00-10:00", ""),
        ("09:00-10:00", ""), ("Mon 9:00-10:00", ""), ("Mon 09:00", ""), ("Mon 09:00-24:30", ""),
    ])
    func `hours past midnight end on the next day, and days go round the end of the week`(text: String, read: String) {
        #expect((OpeningHours.read(text) ?? []).map(\.description).joined(separator: ", ") == read)
    }

    @Test(arguments: [
        (0, "1970-01-01", 4, 0), (951_782_400, "2000-02-29", 2, 0), (1_767_225_600, "2026-01-01", 4, 0),
        (-1, "1969-12-31", 3, 1_439), (4_102_444_799, "2099-12-31", 4, 1_439),
    ])
    func `seconds become a date, a weekday and a minute`(seconds: Int64, date: String, weekday: Int, minute: Int) {
        let time = LocalTime(localSeconds: seconds)
        #expect(time.date == date && time.weekday == weekday && time.minute == minute)
    }

    @Test func `the next trunk is tried when one fails, and not when somebody was reached`() throws {
        let dial = Step(.dial(Step.Dial(target: .trunks(["a", "b"], number: try Template("{called}")))))
        var failing = try run([dial])
        // Of the first nothing need be heard for long: there is another.
        let first = DialRequest(target: .trunk("a", number: "100"), timeout: .seconds(30), hasAlternative: true)
        #expect(failing.start() == .dial(first))
        #expect(
            failing.proceed(.dialled(.congestion))
                == .dial(DialRequest(target: .trunk("b", number: "100"), timeout: .seconds(30)))
        )
        #expect(failing.proceed(.dialled(.congestion)) == .hangup(.congestion))
        var busy = try run([dial])
        _ = busy.start()
        #expect(busy.proceed(.dialled(.busy)) == .hangup(.busy))
    }

    @Test func `a wait that ends elsewhere goes on in another plan's flow`() throws {
        var other = DialPlan(name: "night")
        other.flows["nobody"] = PlanFlow(name: "nobody", steps: [Step(.play([try Template("nobody-available")]))])
        let queue = Step(.queue(Step.QueueEntry(name: "sales")))
        var run = try run([queue, queue])
        _ = run.start()
        #expect(run.proceed(.queued(.full)) == .queue(QueueRequest(queue: "sales")))
        #expect(run.proceed(.jump(other, flow: "nobody", after: .timeout)) == .play(["nobody-available"]))
        // The flow is told how this wait ended, and not an earlier one.
        #expect(run.variables["queue_result"] == "timeout")
    }

    @Test func `whoever sends a party to a number has the right to it, and the plan knows the party as itself`() throws
    {
        let mine = Route(
            match: try Pattern("100"),
            from: try Pattern("1001"),
            steps: [Step(.play([try Template("{caller}")]))]
        )
        var run = PlanRun(plan: DialPlan(name: "internal", routes: [mine]), variables: ["called": "100"])
        run.serve(["caller": "+74951112233", "trunk": "carrier"], sentBy: "1001")
        #expect(run.start() == .play(["+74951112233"]))
        #expect(run.variables["sent_by"] == "1001" && run.variables["trunk"] == "carrier")
        run.serve(["caller": "1001"], sentBy: "1002")
        #expect(run.start() == .noRoute)
    }

    @Test(arguments: [
        ("Bob Smith", "Bob%20Smith"), ("a&vip=yes", "a%26vip%3Dyes"), ("79#00", "79%2300"), ("+7", "%2B7"),
        ("Ян", "%D0%AF%D0%BD"), ("A-z_0.9~", "A-z_0.9~"), ("", ""), ("100%", "100%25"), ("\u{0}\r\n", "%00%0D%0A"),
    ])
    func `RFC 3986 §2.1: what a variable holds is data in a URL`(value: String, written: String) throws {
        let url = try Template("http://x/ask?vip=no&name={name}&end")
        #expect(url.expandedInURL(with: ["name": value]) == "http://x/ask?vip=no&name=\(written)&end")
    }

    @Test func `a URL that is too long is not cut in the middle of an escape`() throws {
        let url = try Template("http://x/{name}")
        for length in 330...350 {
            let text = url.expandedInURL(with: ["name": String(repeating: "&", count: length)])
            #expect(text.unicodeScalars.count <= Template.longestExpansion)
            #expect(text.dropFirst("http://x/".count).split(separator: "%").allSatisfy { $0 == "26" })
        }
    }

    @Test func `what a URL says is done, and its silence has a way too`() throws {
        let ask = Step(
            .http(
                Step.HTTPRequest(
                    url: try Template("http://x/{caller}"),
                    fallback: [Step(.hangup(try Template("busy")))]
                )
            )
        )
        var answered = try run([ask])
        #expect(answered.start() == .http(url: "http://x/%2B74951112233", timeout: .seconds(3)))
        #expect(
            answered.proceed(.steps([Step(.queue(Step.QueueEntry(name: "vip")))])) == .queue(QueueRequest(queue: "vip"))
        )
        var silent = try run([ask])
        _ = silent.start()
        #expect(silent.proceed(.steps(nil)) == .hangup(.busy))
    }

    @Test func `a list of a million numbers is looked through at once`() throws {
        let numbers = (0..<1_000_000).map { Substring("+7495\(1_000_000 + $0)") }
        let list = NumberList(numbers)
        #expect(list.count == 1_000_000)
        let clock = ContinuousClock()
        var found = 0
        let time = clock.measure {
            for number in 0..<1_000 { found += list.contains("+7495\(1_000_000 + number * 7)") ? 1 : 0 }
        }
        #expect(found == 1_000 && !list.contains("+74950999999") && !list.contains("74951000000"))
        // A thousand look-ups within the time that one may take.
        #expect(time < .milliseconds(500))
        let written = NumberList(text: "+7 (495) 111-22-33 # Anna\n\n# nobody\nalice\n007\n")
        #expect(written.count == 3 && written.contains("+74951112233") && written.contains("alice"))
        #expect(written.contains("007") && !written.contains("7"))
        // One by one likewise, and what is no number stays as it is.
        let listed = NumberList(["+7 (495) 111-22-33", "front-desk", "*55#"])
        #expect(listed.contains("+74951112233") && listed.contains("front-desk") && listed.contains("*55#"))
    }

    @Test func `a caller on a list takes its way`() throws {
        let when = Step(
            .when(
                Step.When(
                    [Step.Condition("caller", [.list("vip")])],
                    then: [Step(.hangup(try Template("normal")))],
                    otherwise: [Step(.hangup(try Template("busy")))]
                )
            )
        )
        var known = try run([when], lists: ["vip": NumberList(["+74951112233"])])
        #expect(known.start() == .hangup(.normal))
        var unknown = try run([when], lists: ["vip": NumberList(["+74951112234"])])
        #expect(unknown.start() == .hangup(.busy))
    }

    @Test func `a log-in at another's phone asks for the PIN first, and tells nobody what it was`() throws {
        let login = Step.AgentStep(.login, user: try Template("{called}"))
        var run = try run([Step(.agent(login))])
        guard case .ask(let ask) = run.start() else { return #expect(Bool(false), "no PIN was asked for") }
        #expect(ask.isSecret && ask.terminator == "#")
        let claim = AgentClaim(user: "100", pin: "4711")
        #expect(run.proceed(.input("4711")) == .agent(login, as: claim))
        #expect(!"\(run.takeTrail())\(run.variables)".contains("4711"))
    }

    @Test func `a supervisor's step names the mode and the operator`() throws {
        var run = try run([Step(.supervise(Step.Supervise(mode: .whisper, agent: try Template("{called:1}"))))])
        #expect(run.start() == .supervise(SupervisionRequest(mode: .whisper, subject: .agent("00"))))
        #expect(run.proceed(.done) == .hangup(.normal))
    }
}

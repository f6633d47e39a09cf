import Statistics
import Testing

@Suite("Work time")
struct WorkTimeTests {
    static let shift: [StateSpan] = [
        StateSpan(.loggedOut, from: -500, to: 100),
        StateSpan(.available, from: 100, to: 400),
        StateSpan(.ringing, from: 400, to: 410),
        StateSpan(.onCall, from: 410, to: 600),
        StateSpan(.wrapUp, from: 600, to: 650),
        StateSpan(.paused, reason: "lunch", from: 650, to: 800),
        StateSpan(.paused, reason: "lunch", from: 800, to: 820),
        StateSpan(.paused, reason: "mail", from: 820, to: 900),
        StateSpan(.unreachable, from: 900, to: 910),
        StateSpan(.available, from: 910, to: .max),
    ]

    @Test func `states are cut to the window and fill it exactly once`() {
        let work = WorkTime(Self.shift.reversed(), in: 0..<1000)
        #expect(work.isComplete)
        #expect(work.total == 1000)
        #expect(work[.loggedOut] == 100)
        #expect(work[.available] == 390)
        #expect(work[.paused] == 250)
        #expect(work[.blocked] == 0)
        #expect(work.pauses == ["lunch": 170, "mail": 80])
        #expect(work.numberOfPauses == 2)
        #expect(work.loggedIn == 900)
        #expect((work.firstLoggedIn, work.lastLoggedIn) == (100, 1000))
        // 190 of talk and 50 of wrap-up, with 400 of ringing and waiting.
        #expect(work.occupancy == 240.0 / 640)
        #expect(AgentMetric.occupancy.value(of: work.agentTime(otherWork: ["mail"])) == 320.0 / 720)
        #expect(AgentMetric.utilisation.value(of: work.agentTime(paid: 1280)) == 0.5)
        #expect(work.agentTime(offPhone: ["lunch"]).offPhone == 170)
    }

    @Test func `gaps and overlaps are told, and explain the sum`() {
        let spans = [
            StateSpan(.available, from: 10, to: 50), StateSpan(.onCall, from: 40, to: 70),
            StateSpan(.ringing, from: 45, to: 46), StateSpan(.wrapUp, from: 80, to: 90),
            StateSpan(.blocked, from: 90, to: 20),
        ]
        let work = WorkTime(spans, in: 0..<100)
        #expect(!work.isComplete)
        #expect(work.gap == 30)
        #expect(work.overlap == 11)
        #expect(work.total == 100 - work.gap + work.overlap)
    }

    @Test func `nobody there is one gap, and no window is nothing`() {
        let absent = WorkTime([], in: 0..<100)
        #expect((absent.gap, absent.overlap, absent.total) == (100, 0, 0))
        #expect(absent.occupancy == nil)
        #expect(absent.firstLoggedIn == nil)
        #expect(WorkTime(Self.shift, in: 5..<5).total == 0)
    }

    @Test func `times at the ends of the clock do not trap`() {
        let spans = [StateSpan(.available, from: .min, to: .max), StateSpan(.paused, from: .max, to: .min)]
        let work = WorkTime(spans, in: .min ..< .max)
        #expect(work.total == .max)
        #expect(Adherence(of: spans, to: [PlannedSpan(.work, from: .min, to: .max)], in: .min ..< .max).value == 1)
    }

    @Test func `early and late both count against adherence, and conformance forgives them`() {
        let plan = [
            PlannedSpan(.work, from: 0, to: 600), PlannedSpan(.pause, from: 600, to: 700),
            PlannedSpan(.work, from: 700, to: 1000),
        ]
        let spans = [
            StateSpan(.loggedOut, from: 0, to: 50), StateSpan(.available, from: 50, to: 620),
            StateSpan(.paused, from: 620, to: 720), StateSpan(.onCall, from: 720, to: 1050),
        ]
        let adherence = Adherence(of: spans, to: plan, in: 0..<2000)
        #expect(adherence.planned == 1000)
        #expect(adherence.kept == 550 + 80 + 280)
        #expect(adherence.value == 0.91)
        #expect(adherence.conformance == 1)
        #expect(Adherence(of: spans, to: [], in: 0..<2000).value == nil)
    }

    @Test func `overlapping states are adherent once`() {
        let spans = [StateSpan(.available, from: 0, to: 100), StateSpan(.ringing, from: 50, to: 100)]
        let adherence = Adherence(of: spans, to: [PlannedSpan(.work, from: 0, to: 200)], in: 0..<200)
        #expect(adherence.value == 0.5)
    }
}

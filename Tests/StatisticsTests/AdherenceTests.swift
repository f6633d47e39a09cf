import Statistics
import Testing

@Suite("Adherence to shift plans")
struct AdherenceTests {
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

    @Test func `times at the ends of the clock do not trap`() {
        let spans = [StateSpan(.available, from: .min, to: .max), StateSpan(.paused, from: .max, to: .min)]
        let plan = [PlannedSpan(.work, from: .min, to: .max)]
        #expect(Adherence(of: spans, to: plan, in: .min ..< .max).value == 1)
    }
}

import DialPlan
import SIP
import Testing

@testable import Calls

@Suite("RFC 3398: which cause a caller is told")
struct PassedOnCauseTests {
    private func told(_ status: Int, reason: String? = nil, isLocal: Bool = false) -> Int {
        let rejection = Rejection(status: status, phrase: "", reason: reason, isLocal: isLocal)
        return HangupCause(DialOutcome(status: status)).passingOn(rejection).q850
    }

    @Test func `a user without a phone is an absent subscriber, as the plan's own 'unavailable' is`() {
        #expect(told(480, isLocal: true) == 20)
        #expect(HangupCause.unavailable.passingOn(nil).q850 == 20)
    }

    @Test func `§8.2.6.1: a peer's status counts, and before it what its Reason says`() {
        #expect(told(480) == 18)
        #expect(told(480, reason: "Q.850;cause=31") == 31)
        #expect(told(404) == 1 && told(404, isLocal: true) == 1)
        #expect(told(503) == 41)
    }

    @Test func `a 487 that nobody here has asked for is no cancelled call`() {
        let cause = HangupCause(DialOutcome(status: 487)).passingOn(
            Rejection(status: 487, phrase: "", reason: nil, isLocal: false)
        )
        #expect(cause.status == 480 && cause.disposition == .failed)
    }
}

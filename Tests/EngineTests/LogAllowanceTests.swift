import Testing
import Timebase

@testable import Engine

@Suite struct LogAllowanceTests {
    @Test func `of a flood some lines are written, the rest is counted and told with the next`() {
        var allowance = LogAllowance()
        func at(_ milliseconds: Int64) -> Instant { Instant(nanoseconds: milliseconds * 1_000_000) }
        let lines = (0..<3_000).compactMap { allowance.take("\($0)", now: at(Int64($0))) }
        #expect(lines == (0..<20).map(String.init))
        #expect(allowance.take("next", now: at(10_000)) == "next (before it 2980 of the kind that were not logged)")
        #expect(allowance.take("one more", now: at(10_001)) == "one more")
    }
}

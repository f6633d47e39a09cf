import Events
import Testing
import Timebase

@testable import Calls

@Suite struct RecordingShareTests {
    @Test(arguments: [1, 25, 50, 99]) func `so many of a hundred calls are recorded`(share: Int) {
        var ids = IdentifierSource(SeededGenerator(seed: 7))
        let count = (0..<20_000).count { _ in
            RecordingShare.holds(CallID(ids.sortable(at: WallTime(milliseconds: 1_800_000_000_000))), share: share)
        }
        #expect(abs(Double(count) / 200 - Double(share)) < 1.2)
    }

    @Test func `all of them are, and a call has one answer`() {
        var ids = IdentifierSource(SeededGenerator(seed: 8))
        for _ in 0..<100 {
            let id = CallID(ids.sortable(at: WallTime(milliseconds: 1_800_000_000_000)))
            #expect(RecordingShare.holds(id, share: 100))
            #expect(RecordingShare.holds(id, share: 40) == RecordingShare.holds(id, share: 40))
        }
    }
}

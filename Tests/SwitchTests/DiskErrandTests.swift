import Events
import Foundation
import Synchronization
import Testing

@testable import Switch

/// What is put on disk beside the calls.
@Suite struct DiskErrandTests {
    private struct FullDisk: Error {}

    private final class Disk: Sendable {
        /// How many attempts fail yet, and what is on it.
        let state = Mutex((room: -2, written: 0))

        @Sendable func write() throws {
            try state.withLock { state in
                state.room += 1
                guard state.room > 0 else { throw FullDisk() }
                state.written += 1
            }
        }
    }

    @Test func `what the disk did not take is tried again though nothing new comes`() {
        let disk = Disk()
        let errand = DiskErrand("tests", log: LogSink(format: .text, level: .error))
        errand.call(disk.write)
        errand.call(disk.write)
        let deadline = Date(timeIntervalSinceNow: 20)
        while disk.state.withLock({ $0.written }) == 0, Date() < deadline {
            _ = DispatchSemaphore(value: 0).wait(timeout: .now() + .milliseconds(10))
        }
        #expect(disk.state.withLock { $0.written } == 1)
        // And later news finds its way as before.
        errand.call(disk.write)
        errand.flush {}
        #expect(disk.state.withLock { $0.written } == 2)
    }
}

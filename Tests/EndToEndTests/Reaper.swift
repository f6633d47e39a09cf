import CSpawn
import Foundation
import Glibc
import Testing

/// Ends what tests have started and not ended, when their own process is over in whatever way: killed, crashed, or gone while a test
/// that took too long still held its switch. A process beside it reads from a pipe who is up, and kills them at the pipe's end.
final class Reaper: Sendable {
    static let shared = Reaper()

    private let pipe: Int32

    init() {
        var ends: [Int32] = [-1, -1]
        if pipe_alone(&ends) != 0 { Issue.record("no pipe to the reaper") }
        pipe = ends[1]
        let list = #"$1 == "+" { up[$2] } $1 == "-" { delete up[$2] }"#
        let end = #"END { for (pid in up) system("kill -9 " pid " 2>/dev/null") }"#
        do {
            _ = try spawn("/bin/sh", ["-c", "trap '' INT TERM HUP; exec awk '\(list) \(end)'"], input: ends[0])
        } catch { Issue.record("no reaper: \(error)") }
        close(ends[0])
    }

    deinit { close(pipe) }

    func watch(_ pid: Int32) { tell("+ \(pid)\n") }

    func forget(_ pid: Int32) { tell("- \(pid)\n") }

    private func tell(_ line: String) { _ = Array(line.utf8).withUnsafeBytes { write(pipe, $0.baseAddress, $0.count) } }
}

@Suite("What tests start") struct ReaperTests {
    @Test func `a process ends with the tests that started it, one that has ended is let be`() throws {
        var reaper: Reaper? = Reaper()
        let (left, ended) = (try ChildProcess("/bin/sleep", ["60"]), try ChildProcess("/bin/sleep", ["60"]))
        reaper?.watch(left.pid)
        reaper?.watch(ended.pid)
        reaper?.forget(ended.pid)
        reaper = nil
        #expect(left.exitCode(within: 10) == SIGKILL)
        #expect(ended.isRunning)
    }
}

import Foundation
import Testing

/// What commands say, where nobody can take it.
@Suite("Output that cannot be written")
struct OutputTests {
    /// Runs the binary with its standard output at `place`.
    private func gudok(_ arguments: String, to place: String, in folder: URL) throws -> ChildProcess {
        let line = "exec '\(RunningSwitch.binary)' \(arguments) --config gudok.yaml > \(place)"
        return try ChildProcess("/bin/sh", ["-c", line], in: folder)
    }

    @Test(arguments: ["registrations", "registrations --format csv", "check", "export", "stats queues"])
    func `a listing that found no room is a failure with a reason`(_ arguments: String) throws {
        let running = try RunningSwitch()
        let command = try gudok(arguments, to: "/dev/full", in: running.folder)
        #expect(command.exitCode(within: 20) == 1)
        #expect(command.text.contains("gudok: standard output cannot be written"), "\(command.text)")
    }

    @Test(arguments: ["registrations", "export", "stats queues"])
    func `a command whose reader has had enough ends without a word`(_ arguments: String) throws {
        let running = try RunningSwitch()
        let line = "'\(RunningSwitch.binary)' \(arguments) --config gudok.yaml | true; echo ended by ${PIPESTATUS[0]}"
        let command = try ChildProcess("/bin/bash", ["-c", line], in: running.folder)
        #expect(command.exitCode(within: 20) == 0)
        #expect(command.text == "ended by 141\n", "\(command.text)")
    }

    @Test func `a switch serves though its ready line found no reader`() throws {
        let running = try RunningSwitch()
        running.isFolderKept = true
        #expect(running.stop() == 0)
        let again = try gudok("serve", to: "/dev/full", in: running.folder)
        #expect(again.waitFor(30) { $0.contains("calls are taken all the same") }, "\(again.text)")
        #expect(try running.gudok("registrations").code == 0)
        again.signal(SIGTERM)
        #expect(again.exitCode(within: 40) == 0)
        running.isFolderKept = false
    }
}

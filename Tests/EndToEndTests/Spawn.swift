import CSpawn
import Foundation

/// A system call's refusal.
struct SpawnFault: Error { let what: String }

/// Starts a program that inherits nothing of this process but its environment, its `input` (nothing, unless given) and its `output`.
///
/// Foundation's `Process` keeps the pipe of every program open that it was ever given; with some 1,300 files open it reads beyond the end
/// of their list, and the tests die.
func spawn(
    _ program: String,
    _ arguments: [String],
    in folder: URL? = nil,
    environment: [String: String] = [:],
    input: Int32 = -1,
    output: Int32 = -1
) throws -> pid_t {
    let variables = ProcessInfo.processInfo.environment.merging(environment) { $1 }.map { "\($0)=\($1)" }
    let words = ([program] + arguments).map { strdup($0) } + [nil]
    let settings = variables.map { strdup($0) } + [nil]
    defer { for text in words + settings { free(text) } }
    var pid: pid_t = 0
    let status = spawn_alone(&pid, program, words, settings, folder?.path, input, output)
    guard status == 0 else { throw SpawnFault(what: "\(program): \(String(cString: strerror(status)))") }
    return pid
}

// What sound costs: recording, prompts, mixes. CPU time of the threads that do it, per second of one call.

import Glibc
import RecordingIO

var limit = rlimit()
getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
limit.rlim_cur = limit.rlim_max
setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)

/// µs with one place, and the target where there is one.
func show(_ name: String, _ seconds: Double?, target: Double? = nil) {
    let figure = seconds.map { "\(($0 * 1e7).rounded() / 10)" } ?? "failed"
    let padded = name + String(repeating: " ", count: max(1, 44 - name.count))
    print(padded + figure + " µs" + (target.map { "   target \($0)" } ?? ""))
    fflush(nil)
}

var template = Array("/tmp/gudok-bench-XXXXXX".utf8CString)
guard let made = mkdtemp(&template) else { exit(1) }
let folder = String(cString: made)
// 100 packets a recorded second: 15 µs for each is the target of the whole, of which the relay's is 8. Asterisk takes 57 to 61.
show("100 calls in WAV, recorded second", benchRecording(.wav, calls: 100, seconds: 20, folder: folder), target: 700)
show("100 calls in Ogg Opus, recorded second", benchRecording(.oggOpus, calls: 100, seconds: 10, folder: folder))
for call in 0..<100 { for kind in ["wav", "opus"] { unlink("\(folder)/\(call).\(kind)") } }
rmdir(folder)
show("prompts to 1,000 callers, caller-second", ThreadBench(ports: 1_000)?.prompts(seconds: 10))
show("100 three-way mixes, call-second", ThreadBench(ports: 300)?.mixes(seconds: 10))

import Glibc

/// The CPU time that threads of this process have taken, in seconds: those whose names begin with `name`, and no other, so that
/// what drives a benchmark is no part of its figure. 0 without /proc.
func cpuSeconds(ofThreads name: String) -> Double {
    guard let tasks = opendir("/proc/self/task") else { return 0 }
    defer { closedir(tasks) }
    var nanoseconds = 0.0
    while let entry = readdir(tasks) {
        let task = withUnsafeBytes(of: &entry.pointee.d_name) { name in
            String(decoding: name.prefix { $0 != 0 }, as: UTF8.self)
        }
        guard text("/proc/self/task/\(task)/comm").hasPrefix(name) else { continue }
        // Nanoseconds on a CPU stand first.
        nanoseconds += text("/proc/self/task/\(task)/schedstat").split(separator: " ").first.flatMap { Double($0) } ?? 0
    }
    return nanoseconds / 1e9
}

private func text(_ path: String) -> String {
    let file = open(path, O_RDONLY)
    guard file >= 0 else { return "" }
    defer { close(file) }
    var octets = [UInt8](repeating: 0, count: 256)
    let count = read(file, &octets, octets.count)
    return String(decoding: octets.prefix(max(0, count)), as: UTF8.self)
}

/// Waits until so many nanoseconds after `start`, on the monotonic clock.
func pause(until offset: Int, after start: timespec) {
    let sum = start.tv_nsec + offset
    var at = timespec(tv_sec: start.tv_sec + sum / 1_000_000_000, tv_nsec: sum % 1_000_000_000)
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, nil)
}

func monotonicNow() -> timespec {
    var now = timespec()
    clock_gettime(CLOCK_MONOTONIC, &now)
    return now
}

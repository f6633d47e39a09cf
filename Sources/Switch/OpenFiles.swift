import Foundation

/// How many files and sockets the process has open, and may have.
struct OpenFiles {
    var count: Int
    var most: Int

    init() {
        var limit = rlimit()
        let isKnown = getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0
        most = isKnown ? Int(clamping: limit.rlim_cur) : 0
        // The folder is open itself while it is read; where that cannot be, all are.
        let open = try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")
        count = open.map { $0.count - 1 } ?? most
    }

    /// Each leg takes two sockets.
    static func raiseLimit() {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
        limit.rlim_cur = limit.rlim_max
        _ = setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    }
}

import Glibc

/// A UNIX socket by a path that the kernel takes, which is of 107 octets at most: in a folder with a longer one it is reached by the name that
/// the kernel has for that folder while it is open here.
final class SocketPlace: Sendable {
    let path: String
    private let folder: Int32

    init(_ path: String) {
        let parts = path.split(separator: "/", omittingEmptySubsequences: false)
        let parent = parts.dropLast().joined(separator: "/")
        folder = path.utf8.count > 107 ? open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1
        self.path = folder >= 0 ? "/proc/self/fd/\(folder)/\(parts.last ?? "")" : path
    }

    deinit { if folder >= 0 { close(folder) } }
}

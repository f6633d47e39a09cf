import Glibc

/// What a path leads to, be it by links.
struct FileKind {
    /// It is there, and neither a file nor a folder: a pipe, a device, a socket.
    private(set) var isSpecial = false
    /// Octets of a file; 0 of all else.
    private(set) var size = 0

    init(of path: String) {
        var status = stat()
        guard stat(path, &status) == 0 else { return }
        let kind = status.st_mode & S_IFMT
        isSpecial = ![S_IFREG, S_IFDIR].contains(kind)
        size = kind == S_IFREG ? Int(status.st_size) : 0
    }
}

import CLinuxIO

/// What a path leads to, be it by links.
struct FileKind {
    /// It is there, and neither a file nor a folder: a pipe, a device, a socket.
    let isSpecial: Bool
    /// Octets of a file; 0 of all else.
    let size: Int

    init(of path: String) {
        var octets: Int64 = 0
        isSpecial = Int(linux_io_kind(path, &octets)) == LINUX_IO_SPECIAL
        size = Int(octets)
    }
}

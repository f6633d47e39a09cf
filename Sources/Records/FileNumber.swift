import Glibc

/// What tells a file from another of its name.
struct FileNumber: Equatable {
    /// The file that was open was moved away, and another one may be in its place.
    struct Changed: Error {}

    private let device: UInt64
    private let inode: UInt64

    /// nil: nothing is there.
    init?(of path: String) {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        (device, inode) = (UInt64(status.st_dev), UInt64(status.st_ino))
    }
}

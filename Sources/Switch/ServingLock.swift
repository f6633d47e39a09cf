public import Foundation

/// One switch serves a folder of data, for as long as it lives. The file of its control socket may be taken away by anybody; this lock is the
/// kernel's, on the tenants' folder within: it leaves no file behind, and ends with its holder.
public final class ServingLock: Sendable {
    private static let pause: Duration = .milliseconds(20)
    private let descriptor: Int32

    /// Waits for one that is ending; throws where another switch goes on.
    init(_ data: URL, patience: Duration = .seconds(15)) async throws {
        let folder = Self.folder(in: data)
        try FileManager.default.createDirectory(
            at: folder,
            withIntermediateDirectories: true,
            attributes: [.posixPermissions: 0o700]
        )
        descriptor = Self.open(folder)
        let deadline = ContinuousClock.now + patience
        // A file system without locks has none.
        while flock(descriptor, LOCK_EX | LOCK_NB) != 0, errno == EWOULDBLOCK || errno == EINTR {
            guard ContinuousClock.now < deadline else {
                close(descriptor)
                throw FolderLock.Fault(description: "another switch serves \(data.path): \(Self.mend)")
            }
            try await Task.sleep(for: Self.pause)
        }
    }

    deinit { close(descriptor) }

    /// Whether a switch serves this folder of data.
    public static func isHeld(in data: URL) -> Bool {
        let probe = open(folder(in: data))
        guard probe >= 0 else { return false }
        defer { close(probe) }
        return flock(probe, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK
    }

    /// What to do about a switch that serves and cannot be asked.
    public static let mend = "its control socket is gone; send it SIGHUP, which makes the socket anew"

    private static func folder(in data: URL) -> URL { data.appending(path: "tenants") }

    private static func open(_ folder: URL) -> Int32 {
        folder.path.withCString { Glibc.open($0, O_RDONLY | O_DIRECTORY | O_CLOEXEC) }
    }
}

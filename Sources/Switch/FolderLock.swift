public import Foundation
import Records

/// Whoever reads what is applied and then writes it, or begins to serve it, does so alone. The lock is the kernel's, on a folder itself: it leaves
/// no file behind, and ends with its holder.
public final class FolderLock: Sendable {
    public struct Fault: Error, CustomStringConvertible { public var description: String }

    private static let pause: Duration = .milliseconds(20)
    private let descriptor: Int32

    /// For a change of what is applied.
    public convenience init(_ folder: URL, patience: Duration = .seconds(30)) async throws {
        let words = "another gudok has begun to change \(folder.path), and does not end; look for it with `ps`"
        try await self.init(folder, patience: patience, orSay: words)
    }

    /// Waits for whoever has it; makes the folder where there is none. `words`: why it goes on without, when he keeps it for longer.
    init(_ folder: URL, patience: Duration, orSay words: String) async throws {
        let deadline = ContinuousClock.now + patience
        while true {
            let opened = try await Self.lock(folder, until: deadline, orSay: words)
            guard Self.isInPlace(opened, folder) else {
                // Another folder was put there while it was waited for.
                close(opened)
                continue
            }
            descriptor = opened
            return
        }
    }

    deinit { close(descriptor) }

    private static func isInPlace(_ descriptor: Int32, _ folder: URL) -> Bool {
        // The folder that is open, by the name that the kernel has for it.
        identity("/proc/self/fd/\(descriptor)/.") == identity("\(folder.path)/.")
    }

    /// Which file it is, on which device.
    private static func identity(_ path: String) -> [UInt64?] {
        let attributes = try? FileManager.default.attributesOfItem(atPath: path)
        return [.systemNumber, .systemFileNumber].map { (attributes?[$0] as? NSNumber)?.uint64Value }
    }

    /// Whether anybody has it; false also where there is no such folder.
    static func isHeld(_ folder: URL) -> Bool {
        let probe = open(folder)
        guard probe >= 0 else { return false }
        defer { close(probe) }
        return flock(probe, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK
    }

    private static func open(_ folder: URL) -> Int32 {
        folder.path.withCString { Glibc.open($0, O_RDONLY | O_DIRECTORY | O_CLOEXEC) }
    }

    private static func lock(
        _ folder: URL,
        until deadline: ContinuousClock.Instant,
        orSay words: String
    ) async throws -> Int32 {
        do {
            try FileManager.default.createDirectory(
                at: folder,
                withIntermediateDirectories: true,
                attributes: [.posixPermissions: 0o700]
            )
        } catch { throw Fault(description: "\(folder.path): \(FileFault(writing: error))") }
        let descriptor = open(folder)
        guard descriptor >= 0 else {
            let error = POSIXError(POSIXErrorCode(rawValue: errno) ?? .EIO)
            throw Fault(description: "\(folder.path): \(FileFault(reading: error))")
        }
        while flock(descriptor, LOCK_EX | LOCK_NB) != 0 {
            // A file system without locks has had none before either.
            guard errno == EWOULDBLOCK || errno == EINTR else { break }
            guard ContinuousClock.now < deadline else {
                close(descriptor)
                throw Fault(description: words)
            }
            do {
                try await Task.sleep(for: pause)
            } catch {
                close(descriptor)
                throw error
            }
        }
        return descriptor
    }
}

import Foundation
import Hashes

/// A file's length and SHA-256, read a piece at a time: hours of sound are not to be held in memory.
struct FileDigest: Equatable {
    var octets: Int64 = 0
    /// Hexadecimal.
    var sha256: String

    struct Fault: Error, CustomStringConvertible {
        let description = "there is no memory for a hash; free some"
    }

    init(of file: URL) throws {
        let handle = try FileHandle(forReadingFrom: file)
        defer { try? handle.close() }
        guard let hash = SHA256Stream() else { throw Fault() }
        while let part = try handle.read(upToCount: 1 << 20), !part.isEmpty {
            part.withUnsafeBytes { hash.update($0) }
            octets += Int64(part.count)
        }
        guard let digest = hash.finish() else { throw Fault() }
        sha256 = hex(digest)
    }
}

internal import Glibc

/// The file operations of the recorder, so that tests can put a slow or full disk in their place. Each returns what the
/// system call of its name does, or -errno.
public protocol RecordingStorage: Sendable {
    /// A new file for writing and reading, its folders too: a descriptor. One that exists is never touched.
    func create(_ path: String) -> Int32
    /// write(2)
    func append(_ descriptor: Int32, _ octets: UnsafeRawBufferPointer) -> Int
    /// pwrite(2)
    func overwrite(_ descriptor: Int32, _ octets: UnsafeRawBufferPointer, at offset: Int64) -> Int
    /// pread(2)
    func read(_ descriptor: Int32, _ octets: UnsafeMutableRawBufferPointer, at offset: Int64) -> Int
    /// Whether who looks for the file by its path finds it.
    func isInPlace(_ descriptor: Int32, _ path: String) -> Bool
    func close(_ descriptor: Int32)
}

/// The disk.
public struct DiskStorage: RecordingStorage {
    public init() {}

    public func create(_ path: String) -> Int32 {
        var folder = ""
        for part in path.split(separator: "/", omittingEmptySubsequences: false).dropLast() {
            folder += part + "/"
            guard folder != "/", mkdir(folder, 0o750) != 0, errno != EEXIST else { continue }
            return -errno
        }
        let descriptor = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o640)
        return descriptor < 0 ? -errno : descriptor
    }

    public func append(_ descriptor: Int32, _ octets: UnsafeRawBufferPointer) -> Int {
        Self.repeating { Glibc.write(descriptor, octets.baseAddress, octets.count) }
    }

    public func overwrite(_ descriptor: Int32, _ octets: UnsafeRawBufferPointer, at offset: Int64) -> Int {
        Self.repeating { pwrite(descriptor, octets.baseAddress, octets.count, Int(offset)) }
    }

    public func read(_ descriptor: Int32, _ octets: UnsafeMutableRawBufferPointer, at offset: Int64) -> Int {
        Self.repeating { pread(descriptor, octets.baseAddress, octets.count, Int(offset)) }
    }

    public func isInPlace(_ descriptor: Int32, _ path: String) -> Bool {
        var (written, found) = (stat(), stat())
        guard fstat(descriptor, &written) == 0, stat(path, &found) == 0 else { return false }
        return written.st_dev == found.st_dev && written.st_ino == found.st_ino
    }

    public func close(_ descriptor: Int32) { _ = Glibc.close(descriptor) }

    private static func repeating(_ call: () -> Int) -> Int {
        while true {
            let count = call()
            if count >= 0 { return count }
            if errno != EINTR { return Int(-errno) }
        }
    }
}

/// The text of an error number, or of -errno.
func describe(_ error: Int) -> String { String(cString: strerror(Int32(clamping: error.magnitude))) }

internal import Hashes

/// The storage with a watch in its hand. The recorder thread's own.
final class Disk {
    /// An operation that takes longer than this is a stall: a second, in nanoseconds.
    static let patience: Int64 = 1_000_000_000

    private let storage: any RecordingStorage
    private let clock: () -> Int64
    private var isStalled = false
    /// Called as soon as it is known: others may have to wait for the same disk.
    var tell: (RecorderEvent) -> Void = { _ in }
    /// Told when an operation begins, and nil when it is over: whoever looks on from outside sees one that never ends.
    private let busy: (Int64?) -> Void

    init(_ storage: any RecordingStorage, clock: @escaping () -> Int64, busy: @escaping (Int64?) -> Void) {
        (self.storage, self.clock, self.busy) = (storage, clock, busy)
    }

    func create(_ path: String) -> Int32 { timed { storage.create(path) } }

    func isInPlace(_ descriptor: Int32, _ path: String) -> Bool { timed { storage.isInPlace(descriptor, path) } }

    func close(_ descriptor: Int32) { timed { storage.close(descriptor) } }

    /// How many octets were written, and the error that ended it, if one did.
    func append(_ octets: [UInt8], to descriptor: Int32) -> (count: Int, error: Int?) {
        octets.withUnsafeBytes { octets in
            var written = 0
            while written < octets.count {
                let rest = UnsafeRawBufferPointer(rebasing: octets[written...])
                let count = timed { storage.append(descriptor, rest) }
                // A write of nothing without an error would repeat itself for ever.
                guard count > 0 else { return (written, count) }
                written += min(count, rest.count)
            }
            return (written, nil)
        }
    }

    /// Writes over the file's beginning; the error, if there was one.
    func rewrite(_ octets: [UInt8], of descriptor: Int32) -> Int? {
        let count = octets.withUnsafeBytes { octets in timed { storage.overwrite(descriptor, octets, at: 0) } }
        return count == octets.count ? nil : min(count, 0)
    }

    func read(_ descriptor: Int32, _ octets: UnsafeMutableRawBufferPointer, at offset: Int64) -> Int {
        timed { storage.read(descriptor, octets, at: offset) }
    }

    private func timed<Result>(_ operation: () -> Result) -> Result {
        let before = clock()
        busy(before)
        let result = operation()
        busy(nil)
        let took = clock() &- before
        if took > Self.patience {
            isStalled = true
            tell(.stalled(milliseconds: Int(took / 1_000_000)))
        } else if isStalled {
            isStalled = false
            tell(.recovered)
        }
        return result
    }
}

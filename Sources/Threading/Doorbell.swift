import CLinuxIO

/// Wakes a thread that waits for work.
///
/// It waits by the monotonic clock: a semaphore's time-out is a time of the wall clock on Linux, and when that is set back by an hour,
/// the thread sleeps for an hour.
public final class Doorbell: Sendable {
    private let descriptor: CInt

    /// Without a descriptor to be had it never rings, and who waits goes on at the time-out.
    public init() { descriptor = linux_io_bell_make() }

    /// It can be rung.
    public var isThere: Bool { descriptor >= 0 }

    deinit { if descriptor >= 0 { linux_io_close(descriptor) } }

    public func ring() { if descriptor >= 0 { linux_io_bell_ring(descriptor) } }

    /// Until it rings, or has rung since the last time; at most so long: false. By one thread.
    @discardableResult
    public func wait(atMost patience: Duration) -> Bool {
        let (seconds, attoseconds) = patience.components
        let milliseconds = seconds &* 1000 &+ attoseconds / 1_000_000_000_000_000
        return linux_io_bell_wait(descriptor, CInt(clamping: max(0, milliseconds))) != 0
    }
}

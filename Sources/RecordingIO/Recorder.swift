internal import CLinuxIO
internal import Synchronization
internal import Threading

/// The recorder: one thread that takes frames from the media threads' rings and writes them to files. A slow disk makes
/// it late, and a full ring drops frames of recordings; neither ever reaches a call.
///
/// Its methods never wait, `stop` excepted. A media thread may push a recording's frames once `open` has returned; those
/// pushed before `close` is called are in the file.
public final class Recorder: Sendable {
    /// How often the rings are emptied.
    private static let interval: Duration = .milliseconds(100)

    private struct Mailbox {
        var commands: [RecorderCommand] = []
        var isStopping = false
    }

    private let rings: [FrameRing]
    private let storage: any RecordingStorage
    private let clock: @Sendable () -> Int64
    private let deliver: @Sendable ([RecorderEvent]) -> Void
    private let mailbox = Mutex(Mailbox())
    private let thread = Mutex<OwnThread?>(nil)
    private let bell = Doorbell()
    /// Rung when the thread is over.
    private let end = Doorbell()
    /// When the operation on the disk that is under way began; 0: there is none.
    private let busySince = Atomic<Int64>(0)

    /// Starts the thread; nil when there is none to be had. `clock`: nanoseconds, the one that arrivals are stamped
    /// with, the monotonic one if none is given. `deliver` is called on the thread, with what happened since the last time. The thread keeps the recorder
    /// until `stop`.
    public init?(
        rings: [FrameRing],
        storage: any RecordingStorage = DiskStorage(),
        clock: (@Sendable () -> Int64)? = nil,
        deliver: @escaping @Sendable ([RecorderEvent]) -> Void
    ) {
        (self.rings, self.storage, self.deliver) = (rings, storage, deliver)
        self.clock = clock ?? { linux_io_now() }
        guard bell.isThere, end.isThere else { return nil }
        guard let started = OwnThread(named: "gudok-recorder", { [self] in run() }) else { return nil }
        thread.withLock { $0 = started }
    }

    public func open(_ request: RecordingRequest) { send(.open(request)) }

    /// Silence on both channels from `at` on.
    public func pause(_ id: UInt64, at instant: Int64) { send(.pause(id, at: instant)) }

    public func resume(_ id: UInt64, at instant: Int64) { send(.resume(id, at: instant)) }

    /// Ends the file at `at`.
    public func close(_ id: UInt64, at instant: Int64) { send(.close(id, at: instant)) }

    /// How long the disk has not answered, in nanoseconds; 0: nothing is asked of it. From any thread.
    public var stall: Int64 {
        let since = busySince.load(ordering: .relaxed)
        return since == 0 ? 0 : max(0, clock() &- since)
    }

    /// Closes and reports whatever is open, and waits for that. Nothing may be opened afterwards.
    ///
    /// - Parameter patience: nanoseconds for which one operation on the disk is waited for: five seconds.
    /// - Returns: false: the disk does not answer. The thread waits on, and what is open is as after a crash.
    @discardableResult
    public func stop(patience: Int64 = 5_000_000_000) -> Bool {
        mailbox.withLock { $0.isStopping = true }
        bell.ring()
        guard let thread = thread.withLock({ $0.take() }) else { return true }
        while !end.wait(atMost: Self.interval) {
            if stall > patience { return false }
        }
        thread.join()
        return true
    }

    private func send(_ command: RecorderCommand) {
        let isFirst = mailbox.withLock { mailbox in
            mailbox.commands.append(command)
            return mailbox.commands.count == 1
        }
        if isFirst { bell.ring() }
    }

    private func run() {
        let core = RecorderCore(
            rings: rings,
            storage: storage,
            clock: clock,
            takeCommands: takeCommands,
            busy: { [self] since in busySince.store(since.map { max(1, $0) } ?? 0, ordering: .relaxed) },
            deliver: deliver
        )
        while !mailbox.withLock({ $0.isStopping }) {
            if !core.step() { bell.wait(atMost: Self.interval) }
        }
        core.finish()
        end.ring()
    }

    private func takeCommands() -> [RecorderCommand] {
        mailbox.withLock { mailbox in
            defer { mailbox.commands = [] }
            return mailbox.commands
        }
    }
}

import CLinuxIO
import Glibc

/// A thread for one loop, with a name and an end that can be waited for (Foundation's has none).
public struct OwnThread: Sendable {
    private final class Body: Sendable {
        let name: String
        let run: @Sendable () -> Void

        init(_ name: String, _ run: @escaping @Sendable () -> Void) { (self.name, self.run) = (name, run) }
    }

    private let handle: pthread_t

    /// Starts it; nil when the system gives none. `run` is kept until it returns; a `name` has at most fifteen octets.
    public init?(named name: String, _ run: @escaping @Sendable () -> Void) {
        let body = Unmanaged.passRetained(Body(name, run))
        var handle = pthread_t()
        let status = pthread_create(
            &handle,
            nil,
            { context in
                guard let context else { return nil }
                let body = Unmanaged<Body>.fromOpaque(context).takeRetainedValue()
                linux_io_name_thread(body.name)
                body.run()
                return nil
            },
            body.toOpaque()
        )
        guard status == 0 else {
            body.release()
            return nil
        }
        self.handle = handle
    }

    /// Waits for its end. Once, and from another thread.
    public func join() { pthread_join(handle, nil) }
}

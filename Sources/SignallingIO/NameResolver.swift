import CLinuxIO
public import NetAddress
public import SIP
import Synchronization
import Threading

/// Asks DNS for the servers of hosts, on a thread of its own.
public final class NameResolver: Sendable {
    struct Order: Sendable {
        var query: ServerQuery
        var answer: @Sendable (ServerLocation) -> Void
    }

    private struct Mailbox: Sendable {
        var orders: [Order] = []
        var isStopping = false
    }

    private let servers: [SocketAddress]
    private let mailbox = Mutex(Mailbox())
    private let thread = Mutex<OwnThread?>(nil)
    private let bell: Int32

    /// Starts the thread; nil when there is none to be had. Without `servers` those of the system are asked. The thread
    /// keeps the resolver until `stop`.
    public init?(servers: [SocketAddress]) {
        self.servers = servers
        bell = linux_io_bell_make()
        guard bell >= 0 else { return nil }
        guard let started = OwnThread(named: "gudok-names", { [self] in run() }) else { return nil }
        thread.withLock { $0 = started }
    }

    deinit { if bell >= 0 { linux_io_close(bell) } }

    /// `answer` is called once on the resolver's thread, or never when it stops before.
    public func locate(_ query: ServerQuery, answer: @escaping @Sendable (ServerLocation) -> Void) {
        mailbox.withLock { $0.orders.append(Order(query: query, answer: answer)) }
        linux_io_bell_ring(bell)
    }

    /// Ends the thread, and waits for that.
    public func stop() {
        mailbox.withLock { $0.isStopping = true }
        linux_io_bell_ring(bell)
        thread.withLock { $0.take() }?.join()
    }

    private func run() {
        let lookups = NameLookups(servers: servers)
        while true {
            let mail = mailbox.withLock { mailbox in
                defer { mailbox.orders = [] }
                return mailbox
            }
            if mail.isStopping { return lookups.close() }
            for order in mail.orders { lookups.begin(order) }
            lookups.wait(for: bell)
        }
    }
}

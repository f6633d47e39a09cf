public import Events
import Synchronization
import Threading

/// How far the stream of events may be told: up to here everything is on disk, or never will be. Followers read the files up to this
/// horizon and wait for the next, so that the files are the only source, and a follower is never slower than his reading.
///
/// Events are numbered over all tenants, but each tenant's file has commits of its own. One that is late holds up the horizon of
/// those who follow all tenants, and so cannot be overtaken; who follows one tenant waits for that one alone.
public final class EventFeed: Sendable {
    /// Why somebody who waited goes on.
    public enum Wake: Sendable { case advanced, timedOut, closed }

    private struct Waiter {
        let tenant: TenantID?
        let known: Int64
        let wake = OneAnswer<Wake>()
    }

    private struct State {
        var all: Int64
        var tenants: [TenantID: Int64] = [:]
        var lastWaiter: UInt64 = 0
        var waiters: [UInt64: Waiter] = [:]
        var isClosed = false

        func horizon(of tenant: TenantID?, start: Int64) -> Int64 {
            guard let tenant else { return all }
            return tenants[tenant] ?? start
        }
    }

    /// The last event of the runs before.
    private let start: Int64
    private let state: Mutex<State>

    public init(after start: Int64 = 0) {
        self.start = start
        state = Mutex(State(all: start))
    }

    /// The last event that may be told; nil: of all tenants together.
    public func horizon(of tenant: TenantID?) -> Int64 { state.withLock { $0.horizon(of: tenant, start: start) } }

    /// A horizon never goes back.
    func advance(_ tenants: [TenantID: Int64], all: Int64) {
        let awake = state.withLock { state -> [Waiter] in
            state.all = max(state.all, all)
            for (tenant, last) in tenants { state.tenants[tenant] = max(state.tenants[tenant] ?? start, last) }
            let keys = state.waiters.filter { $1.known < state.horizon(of: $1.tenant, start: start) }.keys
            return keys.compactMap { state.waiters.removeValue(forKey: $0) }
        }
        for waiter in awake { waiter.wake.give(.advanced) }
    }

    /// Waits until there is more to tell than `known`; at most so long.
    public func wait(beyond known: Int64, of tenant: TenantID?, atMost patience: Duration) async -> Wake {
        let waiter = Waiter(tenant: tenant, known: known)
        let key = state.withLock { state in
            state.lastWaiter &+= 1
            if state.isClosed {
                waiter.wake.give(.closed)
            } else if known < state.horizon(of: tenant, start: start) {
                waiter.wake.give(.advanced)
            } else {
                state.waiters[state.lastWaiter] = waiter
            }
            return state.lastWaiter
        }
        defer { state.withLock { state in state.waiters[key] = nil } }
        return await withTaskCancellationHandler {
            await waiter.wake.wait(atMost: patience, else: .timedOut)
        } onCancel: {
            waiter.wake.give(.closed)
        }
    }

    /// Ends every stream.
    public func close() {
        let left = state.withLock { state in
            state.isClosed = true
            defer { state.waiters = [:] }
            return state.waiters.values.map(\.wake)
        }
        for wake in left { wake.give(.closed) }
    }
}

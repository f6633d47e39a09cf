import Events
import Records
import Synchronization

/// The figures of several tenants, those that are read before nobody waits for more.
struct TodaysFigures<Row: Sendable>: Sendable {
    private(set) var rows: [TenantID: [Row]] = [:]
    /// Why some are not among them.
    private(set) var trouble: String?

    /// All that take part share the time: it is not the longer, the more they are.
    static func read(
        of tenants: [TenantID],
        by pool: WorkerPool,
        atMost patience: Duration,
        _ rows: @escaping @Sendable (TenantID) throws -> [Row]
    ) async -> TodaysFigures {
        let table = Table()
        do {
            let isDone: Void? = try await pool.run(atMost: patience) {
                for tenant in tenants where !table.isClosed { table.note(tenant, Result { try rows(tenant) }) }
            }
            return table.close(isDone == nil ? "today's figures are not read within \(patience)" : nil)
        } catch {
            return table.close("today's figures cannot be read: \(error.inWords)")
        }
    }

    /// What is read so far.
    private final class Table: Sendable {
        private let state = Mutex((figures: TodaysFigures(), isClosed: false))

        var isClosed: Bool { state.withLock(\.isClosed) }

        func note(_ tenant: TenantID, _ read: Result<[Row], any Error>) {
            state.withLock { state in
                switch read {
                case .success(let rows): state.figures.rows[tenant] = rows
                case .failure(let fault):
                    state.figures.trouble = "tenant \(tenant): today's figures cannot be read: \(fault)"
                }
            }
        }

        func close(_ trouble: String?) -> TodaysFigures {
            state.withLock { state in
                state.isClosed = true
                if let trouble { state.figures.trouble = trouble }
                return state.figures
            }
        }
    }
}

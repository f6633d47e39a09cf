public import Accounting
public import Events
import GRDB
import Timebase

/// A wish to be called back as a row of `callbacks`: the last that was told of it, and when it was over.
public struct CallbackRow: Equatable, Sendable {
    public var callback: CallbackChanged
    /// Milliseconds since 1970; nil until it is over.
    public var doneMilliseconds: Int64?

    init(_ callback: CallbackChanged, at wall: Int64) {
        self.callback = callback
        doneMilliseconds = callback.state.isOpen ? nil : wall
    }

    init(_ row: Row) {
        callback = CallbackChanged(
            id: row["id"],
            queue: row["queue"],
            number: row["number"],
            requestedMilliseconds: row["requested_ms"],
            state: CallbackState(rawValue: row["state"]) ?? .failed,
            attempts: row["attempts"],
            skill: row["skill"],
            agent: row["agent"],
            reason: row["reason"],
            nextMilliseconds: row["next_ms"]
        )
        doneMilliseconds = row["done_ms"]
    }

    var arguments: StatementArguments {
        [
            callback.id, callback.queue, callback.number, callback.requestedMilliseconds, callback.state.rawValue,
            callback.attempts, callback.skill, callback.agent, callback.reason, callback.nextMilliseconds,
            doneMilliseconds,
        ]
    }

    static let upsert = """
        INSERT INTO callbacks (id, queue, number, requested_ms, state, attempts, skill, agent, reason, next_ms, done_ms)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
        ON CONFLICT DO UPDATE SET state = excluded.state, attempts = excluded.attempts, agent = excluded.agent,
          reason = excluded.reason, next_ms = excluded.next_ms, done_ms = excluded.done_ms
        """

    /// What an attempt needs to know, and why one came to nothing.
    static let attempts = """
        ALTER TABLE callbacks ADD COLUMN skill INTEGER NOT NULL DEFAULT 0;
        ALTER TABLE callbacks ADD COLUMN reason TEXT;
        """

    /// When an attempt that was put off is due.
    static let due = "ALTER TABLE callbacks ADD COLUMN next_ms INTEGER"
}

/// Which callbacks; the newest first.
public struct CallbackQuery: Sendable {
    /// Asked for from then on, and before; milliseconds since 1970.
    public var since: Int64?
    public var until: Int64?
    public var queue: String?
    public var isOnlyOpen = false
    /// An id, which rises with time: asked for before that one.
    public var before: String?
    public var limit = 100

    public init() {}
}

/// A callback as people and programs are shown it.
public struct CallbackListing: Encodable, Sendable {
    public var id: String
    public var tenant: String
    public var queue: String
    public var number: String
    public var requested_at: String
    public var state: String
    public var attempts: Int
    @OrNull public var agent: String?
    @OrNull public var reason: String?
    @OrNull public var done_at: String?

    public static let keys = [
        "id", "tenant", "queue", "number", "requested_at", "state", "attempts", "agent", "reason", "done_at",
    ]

    init(_ row: CallbackRow, of tenant: TenantID) {
        let callback = row.callback
        (id, self.tenant, queue, number) = (callback.id, tenant.name, callback.queue, callback.number)
        requested_at = "\(WallTime(milliseconds: callback.requestedMilliseconds))"
        (state, attempts, agent, reason) = (callback.state.rawValue, callback.attempts, callback.agent, callback.reason)
        done_at = row.doneMilliseconds.map { "\(WallTime(milliseconds: $0))" }
    }
}

extension RecordFolder {
    /// Newest first; `window` as with calls.
    public func callbacks(
        _ query: CallbackQuery,
        of tenants: [TenantID],
        in window: ((TenantID) -> Window)? = nil
    ) throws -> [CallbackListing] {
        var found: [CallbackListing] = []
        for tenant in tenants {
            var query = query
            if let window = window?(tenant) {
                (query.since, query.until) = (window.since?.milliseconds, window.until?.milliseconds)
            }
            let rows = try database(of: tenant)?.callbacks(query) ?? []
            found += rows.map { CallbackListing($0, of: tenant) }
        }
        if tenants.count > 1 { found.sort { $0.id > $1.id } }
        return Array(found.prefix(query.limit))
    }
}

import GRDB

/// A caller who asked to be called back.
public struct Callback: Codable, Equatable, Sendable {
    public var id: String
    public var queue: String
    public var number: String
    /// Milliseconds since 1970.
    public var requestedMilliseconds: Int64
    /// In the dispatcher's words: `waiting`, `calling`, `done`, `failed`.
    public var state: String
    public var attempts: Int
    /// Milliseconds since 1970; nil until it is over.
    public var doneMilliseconds: Int64?
    public var agent: String?

    public init(id: String, queue: String, number: String, requestedMilliseconds: Int64, state: String) {
        (self.id, self.queue, self.number, self.state) = (id, queue, number, state)
        (self.requestedMilliseconds, attempts) = (requestedMilliseconds, 0)
    }

    public enum CodingKeys: String, CodingKey, CaseIterable, Sendable {
        case id, queue, number
        case requestedMilliseconds = "requested_ms"
        case state, attempts
        case doneMilliseconds = "done_ms"
        case agent
    }

    init(_ row: Row) {
        (id, queue, number, state) = (row["id"], row["queue"], row["number"], row["state"])
        (requestedMilliseconds, doneMilliseconds) = (row["requested_ms"], row["done_ms"])
        (attempts, agent) = (row["attempts"], row["agent"])
    }

    var arguments: StatementArguments {
        [id, queue, number, requestedMilliseconds, state, attempts, doneMilliseconds, agent]
    }

    static let upsert = """
        INSERT INTO callbacks (id, queue, number, requested_ms, state, attempts, done_ms, agent)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?)
        ON CONFLICT DO UPDATE SET state = excluded.state, attempts = excluded.attempts, done_ms = excluded.done_ms,
          agent = excluded.agent
        """
}

import Accounting
import GRDB

/// A talk past the queues as a row of `own_talks`.
enum OwnTalkRow {
    static let upsert = """
        INSERT INTO own_talks (agent, began_ms, call_id, talk_ms) VALUES (?, ?, ?, ?)
        ON CONFLICT DO UPDATE SET talk_ms = excluded.talk_ms
        """

    static func arguments(_ talk: OwnTalk) -> StatementArguments {
        [talk.agent, talk.beganMilliseconds, talk.callID, talk.talkMilliseconds]
    }

    /// It has ended at the last known time.
    static func closeInterrupted(_ database: Database, at now: Int64) throws {
        try database.execute(
            sql: "UPDATE own_talks SET talk_ms = max(0, :now - began_ms) WHERE talk_ms IS NULL",
            arguments: ["now": now]
        )
    }
}

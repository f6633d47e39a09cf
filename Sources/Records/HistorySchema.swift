/// The tables of queues, agents and recordings: `docs/schema.md` says what the columns mean.
///
/// Reports read integers from indexes that hold all they need; stamps that people read are computed from them.
enum HistorySchema {
    /// Why a call has no recording, and when recordings were paused.
    static let recordingMarks = """
        ALTER TABLE calls ADD COLUMN not_recorded TEXT;
        ALTER TABLE recordings ADD COLUMN pauses TEXT NOT NULL DEFAULT '[]';
        """

    static let lostFrames = "ALTER TABLE recordings ADD COLUMN lost_frames INTEGER"

    static let text = [calls, stays, offers, agents, tiling, recordings].joined(separator: "\n")

    /// Conditions and expressions must be the queries' own, or the index is not used.
    static let unanswered = """
        direction = 'inbound' AND disposition IN ('no-answer', 'busy', 'cancelled', 'failed', 'abandoned')
        """
    /// Whom a crash cut off while he waited was lost as one who gave up is: the disconnect before an agent may be the system's.
    static let lost = "outcome IN ('abandoned', 'engine-restart')"
    /// What makes a missed call good: one of ours to somebody, or his own that somebody took: a menu's answer is nobody's.
    static let returning = """
        (direction = 'outbound' AND disposition IS NOT NULL OR direction = 'inbound' AND disposition = 'answered'
          AND (user IS NOT NULL OR agent IS NOT NULL OR codec_b IS NOT NULL))
        """
    static let numberOutside = "substr(CASE direction WHEN 'outbound' THEN \"to\" ELSE \"from\" END, -10)"
    /// A time of an agent that a call of his own filled, from the first ringing on.
    private static let ownCall = "state = 'on-call' AND queue IS NULL AND call_id IS NOT NULL"

    /// Reports find all they tell of, and all they ask for, in the index they walk: a visit of each row beside it is a page read from disk. And
    /// who returned a missed call is one search.
    static let covering = """
        DROP INDEX queue_stays_abandoned;
        CREATE INDEX queue_stays_abandoned ON queue_stays
          (entered_ms, call_id, number, queue, wait_ms, carried_ms, outcome) WHERE outcome = 'abandoned';
        DROP INDEX calls_unanswered;
        CREATE INDEX calls_unanswered ON calls (started_at, call_id, "from", duration_s, direction, disposition)
          WHERE \(unanswered);
        DROP INDEX calls_in_by_number;
        DROP INDEX calls_out_by_number;
        CREATE INDEX calls_returning ON calls (\(numberOutside), started_at, direction DESC)
          WHERE direction = 'outbound' AND disposition IS NOT NULL OR direction = 'inbound' AND disposition = 'answered';
        """

    /// The list of missed calls has who was lost in a crash as well, and whom a menu alone answered still.
    static let lostAndReturning = """
        DROP INDEX queue_stays_abandoned;
        CREATE INDEX queue_stays_lost ON queue_stays
          (entered_ms, call_id, number, queue, wait_ms, carried_ms, outcome) WHERE \(lost);
        DROP INDEX calls_returning;
        CREATE INDEX calls_returning ON calls (\(numberOutside), started_at, direction DESC) WHERE \(returning);
        """

    static let agentSums = """
        ALTER TABLE agent_states ADD COLUMN sums TEXT;
        CREATE INDEX agent_states_summed ON agent_states (agent, since_ms) WHERE sums IS NOT NULL;
        CREATE INDEX agent_states_own ON agent_states (agent, since_ms, call_id) WHERE \(ownCall);
        CREATE TRIGGER agent_states_summed_up BEFORE UPDATE OF state, reason, sums ON agent_states
        WHEN OLD.until_ms IS NOT NULL
          AND (NEW.state IS NOT OLD.state OR NEW.reason IS NOT OLD.reason OR NEW.sums IS NOT OLD.sums)
        BEGIN
          SELECT RAISE(ABORT, 'agent_states: a closed interval stays what it was, later ones have summed it up');
        END;
        """

    /// What agents talked past the queues. Files of before knew the times at which they were kept busy alone: each of them stands for
    /// the talk of its call, as reports had it.
    static let ownTalks = """
        CREATE TABLE own_talks (
          agent TEXT NOT NULL,
          began_ms INTEGER NOT NULL,
          call_id TEXT NOT NULL,
          talk_ms INTEGER,
          \(stamp("began_at", of: "began_ms")),
          PRIMARY KEY (agent, began_ms, call_id)
        ) WITHOUT ROWID;
        INSERT INTO own_talks (agent, began_ms, call_id, talk_ms)
          SELECT own.agent, min(since_ms), call_id, CAST(round(coalesce(talk_s, 0) * 1000) AS INTEGER)
          FROM (SELECT agent, since_ms, call_id FROM agent_states INDEXED BY agent_states_own WHERE \(ownCall)) AS own
          JOIN calls USING (call_id) WHERE disposition = 'answered' AND codec_b IS NOT NULL GROUP BY own.agent, call_id;
        CREATE INDEX own_talks_open ON own_talks (call_id) WHERE talk_ms IS NULL;
        DROP INDEX agent_states_own;
        """

    /// Few wrap-ups are extended: reports find those in indexes of their own.
    static let extendedWrapUps = """
        ALTER TABLE queue_stays ADD COLUMN wrap_up_extended_ms INTEGER;
        CREATE INDEX queue_stays_extended ON queue_stays (queue, entered_ms, outcome, agent, wrap_up_extended_ms)
          WHERE wrap_up_extended_ms > 0;
        CREATE INDEX queue_stays_extended_by_agent ON queue_stays (agent, connected_ms, wrap_up_extended_ms)
          WHERE wrap_up_extended_ms > 0;
        """

    /// Whose talk a recording is of, which need not be the call's last.
    static let speakers = """
        ALTER TABLE recordings ADD COLUMN queue TEXT;
        ALTER TABLE recordings ADD COLUMN agents TEXT;
        """

    private static func stamp(_ name: String, of column: String) -> String {
        "\(name) TEXT AS (strftime('%Y-%m-%dT%H:%M:%fZ', \(column) / 1000.0, 'unixepoch'))"
    }

    private static let calls = """
        ALTER TABLE calls ADD COLUMN variables TEXT NOT NULL DEFAULT '{}';
        CREATE INDEX calls_totals ON calls (started_at, direction, disposition, trunk, talk_s, duration_s)
          WHERE disposition IS NOT NULL;
        CREATE INDEX calls_unanswered ON calls (started_at) WHERE \(unanswered);
        CREATE INDEX calls_in_by_number ON calls (substr("from", -10), started_at)
          WHERE direction = 'inbound' AND disposition = 'answered';
        CREATE INDEX calls_out_by_number ON calls (substr("to", -10), started_at)
          WHERE direction = 'outbound' AND disposition IS NOT NULL;
        """

    private static let stays = """
        CREATE TABLE queue_stays (
          call_id TEXT NOT NULL,
          queue TEXT NOT NULL,
          number TEXT NOT NULL,
          priority INTEGER NOT NULL,
          position INTEGER NOT NULL,
          entered_ms INTEGER NOT NULL,
          carried_ms INTEGER NOT NULL,
          wait_ms INTEGER,
          outcome TEXT,
          agent TEXT,
          offers INTEGER NOT NULL,
          ring_ms INTEGER,
          connected_ms INTEGER,
          talk_ms INTEGER,
          hold_ms INTEGER,
          ended_ms INTEGER,
          wrap_up_ms INTEGER,
          caller_hung_up INTEGER,
          \(stamp("entered_at", of: "entered_ms")),
          \(stamp("connected_at", of: "connected_ms")),
          \(stamp("ended_at", of: "ended_ms")),
          PRIMARY KEY (call_id, entered_ms)
        ) WITHOUT ROWID;
        CREATE INDEX queue_stays_totals ON queue_stays
          (queue, entered_ms, outcome, wait_ms, carried_ms, talk_ms, hold_ms, wrap_up_ms, ring_ms, agent);
        CREATE INDEX queue_stays_by_agent ON queue_stays
          (agent, connected_ms, talk_ms, hold_ms, wrap_up_ms, ring_ms) WHERE agent IS NOT NULL;
        CREATE INDEX queue_stays_abandoned ON queue_stays (entered_ms) WHERE outcome = 'abandoned';
        CREATE INDEX queue_stays_open ON queue_stays (call_id) WHERE ended_ms IS NULL;
        """

    private static let offers = """
        CREATE TABLE missed_offers (
          agent TEXT NOT NULL,
          at_ms INTEGER NOT NULL,
          call_id TEXT NOT NULL,
          queue TEXT NOT NULL,
          result TEXT NOT NULL,
          rang_ms INTEGER NOT NULL,
          \(stamp("at", of: "at_ms")),
          PRIMARY KEY (agent, at_ms, call_id)
        ) WITHOUT ROWID;
        CREATE INDEX missed_offers_by_call ON missed_offers (call_id);
        CREATE INDEX missed_offers_by_queue ON missed_offers (queue, at_ms);
        CREATE TABLE callbacks (
          id TEXT NOT NULL PRIMARY KEY,
          queue TEXT NOT NULL,
          number TEXT NOT NULL,
          requested_ms INTEGER NOT NULL,
          state TEXT NOT NULL,
          attempts INTEGER NOT NULL,
          done_ms INTEGER,
          agent TEXT
        ) WITHOUT ROWID;
        CREATE INDEX callbacks_by_time ON callbacks (requested_ms);
        CREATE TABLE clock (id INTEGER PRIMARY KEY CHECK (id = 1), at_ms INTEGER NOT NULL);
        """

    private static let agents = """
        CREATE TABLE agent_states (
          agent TEXT NOT NULL,
          since_ms INTEGER NOT NULL,
          until_ms INTEGER CHECK (until_ms > since_ms),
          state TEXT NOT NULL,
          reason TEXT,
          queue TEXT,
          call_id TEXT,
          \(stamp("since", of: "since_ms")),
          \(stamp("until", of: "until_ms")),
          PRIMARY KEY (agent, since_ms)
        ) WITHOUT ROWID;
        CREATE INDEX agent_states_by_time ON agent_states (since_ms);
        CREATE INDEX agent_states_by_call ON agent_states (call_id) WHERE call_id IS NOT NULL;
        CREATE INDEX agent_states_open ON agent_states (agent) WHERE until_ms IS NULL;
        """

    /// The intervals of an agent tile time: whoever writes a gap or an overlap is refused, this engine included.
    private static let tiling = """
        CREATE TRIGGER agent_states_follow BEFORE INSERT ON agent_states
        WHEN EXISTS (SELECT 1 FROM agent_states WHERE agent = NEW.agent)
        BEGIN
          SELECT CASE (
            SELECT until_ms IS NEW.since_ms FROM agent_states WHERE agent = NEW.agent ORDER BY since_ms DESC LIMIT 1
          ) WHEN 0 THEN RAISE(ABORT, 'agent_states: an interval begins where the last one ended') END;
        END;
        CREATE TRIGGER agent_states_closed BEFORE UPDATE ON agent_states
        WHEN OLD.until_ms IS NOT NULL AND NEW.until_ms IS NOT OLD.until_ms
          OR NEW.since_ms IS NOT OLD.since_ms OR NEW.agent IS NOT OLD.agent
        BEGIN
          SELECT RAISE(ABORT, 'agent_states: a closed interval does not move');
        END;
        CREATE TRIGGER agent_states_middle BEFORE DELETE ON agent_states
        WHEN EXISTS (SELECT 1 FROM agent_states WHERE agent = OLD.agent AND since_ms < OLD.since_ms)
          AND EXISTS (SELECT 1 FROM agent_states WHERE agent = OLD.agent AND since_ms > OLD.since_ms)
        BEGIN
          SELECT RAISE(ABORT, 'agent_states: only the first and the last interval may go');
        END;
        """

    private static let recordings = """
        CREATE TABLE recordings (
          id TEXT NOT NULL PRIMARY KEY,
          call_id TEXT NOT NULL,
          file TEXT NOT NULL,
          policy TEXT NOT NULL,
          started_ms INTEGER NOT NULL,
          milliseconds INTEGER,
          octets INTEGER,
          sha256 TEXT,
          state TEXT NOT NULL CHECK (state IN ('recording', 'final', 'failed')),
          fault TEXT,
          legal_hold INTEGER NOT NULL DEFAULT 0,
          deleted_ms INTEGER,
          \(stamp("started_at", of: "started_ms"))
        ) WITHOUT ROWID;
        CREATE INDEX recordings_by_time ON recordings (started_ms);
        CREATE INDEX recordings_by_call ON recordings (call_id);
        CREATE INDEX recordings_open ON recordings (id) WHERE state = 'recording';
        """
}

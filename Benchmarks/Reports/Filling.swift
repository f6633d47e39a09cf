import Events
import Foundation
import GRDB
import Records

/// Makes a year of calls within the database itself: each thing a row says follows from the call's number.
enum Filling {
    static let tenant: TenantID = "bench"
    /// 2026-01-01T00:00:00Z, in milliseconds since 1970.
    static let start: Int64 = 1_767_225_600_000
    private static let year: Int64 = 365 * 86_400_000
    private static let agents: Int64 = 200
    private static let slice: Int64 = 100_000

    static func callID(_ number: Int64) -> String { String(format: "01%024lld", number) }

    static func fill(_ folder: URL, calls: Int64) throws {
        // Makes the file and its tables.
        _ = try TenantDatabase(folder: folder, tenant: tenant)
        let place = folder.appending(path: "tenants/\(tenant.name)/cdr.sqlite")
        var configuration = Configuration()
        configuration.prepareDatabase {
            // What is half filled after a crash is filled anew.
            try $0.execute(sql: "PRAGMA synchronous = OFF; PRAGMA cache_size = -500000")
        }
        let queue = try DatabaseQueue(path: place.path, configuration: configuration)
        // An index that is made of all its rows at once is sorted; row by row it is ten million visits all over the file.
        let put = try queue.write { database in
            let known = try Row.fetchAll(
                database,
                sql: "SELECT type, name, sql FROM sqlite_master WHERE type IN ('index', 'trigger') AND sql IS NOT NULL"
            )
            for row in known { try database.execute(sql: "DROP \(row["type"] as String) \(row["name"] as String)") }
            return known.map { $0["sql"] as String }
        }
        // An agent's calls follow each other in equal distances.
        let period = year / max(1, calls / agents)
        for first in stride(from: 0, to: calls, by: Int(slice)) {
            let values: StatementArguments = [
                "first": first, "last": min(calls, first + slice) - 1, "start": start, "gap": year / calls,
                "period": period,
            ]
            try queue.write { database in
                try database.execute(sql: stays, arguments: values)
                try database.execute(sql: callRows, arguments: values)
                try database.execute(sql: states, arguments: values)
                try database.execute(sql: ownTalks, arguments: values)
            }
        }
        for sql in put { try queue.write { try $0.execute(sql: sql) } }
        try queue.writeWithoutTransaction { try $0.execute(sql: "PRAGMA wal_checkpoint(TRUNCATE)") }
    }

    private static let numbers = """
        WITH RECURSIVE n(i) AS (SELECT :first UNION ALL SELECT i + 1 FROM n WHERE i < :last),
          h AS (SELECT i, printf('01%024d', i) AS id, (i * 2654435761) % 4294967296 AS r, :start + i * :gap AS t,
                  :period AS period FROM n)
        """

    private static let stays = """
        \(numbers)
        INSERT INTO queue_stays (call_id, queue, number, priority, position, entered_ms, carried_ms, wait_ms, outcome,
          agent, offers, ring_ms, connected_ms, talk_ms, hold_ms, ended_ms, wrap_up_ms, caller_hung_up)
        SELECT id, 'queue-' || (r % 20), printf('+7495%07d', r % 5000000), 0, 1 + r % 7, t, 0, r % 120000,
          CASE WHEN r % 10 < 8 THEN 'answered' WHEN r % 10 = 8 THEN 'abandoned' ELSE 'timeout' END,
          CASE WHEN r % 10 < 8 THEN printf('%04d', 1000 + i % 200) END, 1,
          CASE WHEN r % 10 < 8 THEN r % 15000 END, CASE WHEN r % 10 < 8 THEN t + r % 120000 END,
          CASE WHEN r % 10 < 8 THEN 30000 + r % 300000 END, CASE WHEN r % 10 < 8 THEN r % 9000 END,
          t + r % 120000 + 30000, CASE WHEN r % 10 < 8 THEN r % 60000 END, r % 2 FROM h
        """

    private static let callRows = """
        \(numbers)
        INSERT INTO calls (call_id, tenant, direction, "from", "to", trunk, queue, agent, started_at, ended_at, talk_s,
          duration_s, disposition, legs, sip_call_ids)
        SELECT id, 'bench', CASE WHEN r % 10 < 7 THEN 'inbound' ELSE 'outbound' END, printf('+7495%07d', r % 5000000),
          printf('8495%07d', (r / 7) % 5000000), 'carrier-' || (r % 4), 'queue-' || (r % 20), '1001',
          strftime('%Y-%m-%dT%H:%M:%fZ', t / 1000.0, 'unixepoch'),
          strftime('%Y-%m-%dT%H:%M:%fZ', (t + 60000) / 1000.0, 'unixepoch'), r % 300, 60 + r % 300,
          CASE WHEN r % 10 < 8 THEN 'answered' WHEN r % 10 = 8 THEN 'abandoned' ELSE 'no-answer' END,
          '[{"leg_id":"' || id || '/0","target":"caller","address":"udp:192.0.2.1:5060","started_at":"","sip_call_id":"x",'
            || '"media":"' || hex(zeroblob(400)) || '"}]', '["a","b"]' FROM h
        """

    /// What goes out an agent has dialled himself.
    private static let ownTalks = """
        \(numbers)
        INSERT INTO own_talks (agent, began_ms, call_id, talk_ms)
        SELECT printf('%04d', 1000 + i % 200), t, id, r % 300 * 1000 FROM h WHERE r % 10 >= 7
        """

    /// Available, ringing, talking, wrapping up: half the time idle. The first of an hour has the sums of those before it.
    private static let states = """
        \(numbers), part(k, state, since, until, before) AS (
          VALUES (0, 'available', 0, 50, -15), (1, 'ringing', 50, 55, 0), (2, 'on-call', 55, 85, 50), (3, 'wrap-up', 85, 100, 55)),
        states AS (SELECT *, i / 200 AS n, :start + (i / 200) * period AS began FROM h CROSS JOIN part)
        INSERT INTO agent_states (agent, since_ms, until_ms, state, queue, call_id, sums)
        SELECT printf('%04d', 1000 + i % 200), began + period * since / 100, began + period * until / 100, state,
          'queue-' || (r % 20), CASE WHEN k > 1 THEN id END,
          CASE WHEN n = 0 AND k = 0 OR (began + period * since / 100) / 3600000 > (began + period * before / 100) / 3600000
            THEN json_object('available', period * 50 / 100 * (n + (k > 0)),
              'on-call', (period * 85 / 100 - period * 55 / 100) * (n + (k > 2)),
              'ringing', (period * 55 / 100 - period * 50 / 100) * (n + (k > 1)),
              'wrap-up', (period - period * 85 / 100) * n) END
        FROM states ORDER BY i, k
        """
}

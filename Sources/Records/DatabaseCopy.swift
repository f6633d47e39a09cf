public import Foundation
import GRDB

/// Copies of databases that are written meanwhile.
public enum DatabaseCopy {
    /// The committed state of one moment (SQLite's online backup, in one step); whoever writes meanwhile does not wait.
    public static func make(of source: URL, at target: URL) throws {
        try OpeningFault.guarding(source) { try copy(source, to: target) }
    }

    private static func copy(_ source: URL, to target: URL) throws {
        var reading = Configuration()
        reading.busyMode = .timeout(5)
        reading.prepareDatabase { try $0.execute(sql: "PRAGMA query_only = 1") }
        let from = try DatabaseQueue(path: source.path, configuration: reading)
        let to = try DatabaseQueue(path: target.path)
        try from.backup(to: to)
        // One file, without the companions of a journal, until a switch opens it.
        try to.writeWithoutTransaction { try $0.execute(sql: "PRAGMA journal_mode = DELETE") }
        try to.close()
    }

    /// What is wrong with a database's structure; nil: it is sound.
    public static func fault(of place: URL) -> String? {
        do {
            let queue = try DatabaseQueue(path: place.path)
            let verdict = try queue.read { try String.fetchOne($0, sql: "PRAGMA quick_check(1)") }
            try queue.close()
            return verdict == "ok" ? nil : verdict ?? "it says nothing of itself"
        } catch {
            return "\(error)"
        }
    }
}

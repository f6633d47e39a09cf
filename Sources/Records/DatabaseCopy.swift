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

    /// Octets of a file that is read through for its structure alone: some seconds of a disk.
    private static let mostRead = 1 << 30

    /// Throws where a page is damaged, or a row is not where an index says; a file of more than a gibibyte is taken at its word.
    static func checkStructure(_ database: Database) throws {
        let pages = try Int.fetchOne(database, sql: "PRAGMA page_count") ?? 0
        let octets = try Int.fetchOne(database, sql: "PRAGMA page_size") ?? 0
        guard pages * octets <= mostRead else { return }
        guard let verdict = try String.fetchOne(database, sql: "PRAGMA quick_check(1)"), verdict != "ok" else { return }
        let line = verdict.split(separator: "\n").first { !$0.hasPrefix("***") }.map(String.init) ?? verdict
        throw DatabaseError(resultCode: .SQLITE_CORRUPT, message: line)
    }

    /// What is wrong with a database's structure; nil: it is sound.
    public static func fault(of place: URL) -> String? {
        do {
            let queue = try DatabaseQueue(path: place.path)
            let verdict = try queue.read { try String.fetchOne($0, sql: "PRAGMA quick_check(1)") }
            try queue.close()
            return verdict == "ok" ? nil : verdict ?? "it says nothing of itself"
        } catch {
            return "\(error.inWords)"
        }
    }
}

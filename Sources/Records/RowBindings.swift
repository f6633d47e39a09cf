import Accounting
import GRDB
import GRDBSQLite

/// The values of a row on their way into a prepared statement, one after another.
///
/// GRDB's arguments put every value into three boxes and count them again at each row, which cost as much as SQLite's own work on it;
/// a call has seven rows.
struct RowBindings {
    private let statement: SQLiteStatement
    private var index: CInt = 0
    private var failure = SQLITE_OK

    fileprivate init(_ statement: SQLiteStatement) { self.statement = statement }

    mutating func add(_ text: String?) {
        index += 1
        guard var text else { return }
        text.withUTF8 { bind($0) }
    }

    mutating func add(_ number: Int64?) {
        index += 1
        if let number { note(sqlite3_bind_int64(statement, index, number)) }
    }

    mutating func add(_ number: Int?) { add(number.map { Int64($0) }) }

    mutating func add(_ number: Double?) {
        index += 1
        if let number { note(sqlite3_bind_double(statement, index, number)) }
    }

    /// Text that is UTF-8 already.
    mutating func add(utf8 octets: [UInt8]) {
        index += 1
        octets.withUnsafeBufferPointer { bind($0) }
    }

    private mutating func bind(_ octets: UnsafeBufferPointer<UInt8>) {
        let length = octets.count
        guard length > 0, let start = octets.baseAddress else {
            return note(sqlite3_bind_text(statement, index, "", 0, Self.transient))
        }
        start.withMemoryRebound(to: CChar.self, capacity: length) {
            // A length beyond 32 bits is beyond SQLite's own limit, and refused by it.
            note(sqlite3_bind_text64(statement, index, $0, UInt64(length), Self.transient, UInt8(SQLITE_UTF8)))
        }
    }

    /// SQLite copies what it is given.
    private static var transient: sqlite3_destructor_type { unsafeBitCast(-1, to: sqlite3_destructor_type.self) }

    private mutating func note(_ code: CInt) { if failure == SQLITE_OK { failure = code } }

    fileprivate func check(_ sql: String, columns: Int) throws {
        guard failure == SQLITE_OK else { throw DatabaseError(resultCode: ResultCode(rawValue: failure), sql: sql) }
        guard index == columns else {
            throw DatabaseError(resultCode: .SQLITE_MISUSE, message: "\(index) values for \(columns)", sql: sql)
        }
    }
}

extension Database {
    /// Writes one row by a statement with as many `?` as `values` adds; what it leaves nil is NULL.
    func write(_ sql: String, _ values: (inout RowBindings) -> Void) throws {
        let statement = try cachedStatement(sql: sql)
        statement.setUncheckedArguments(StatementArguments())
        var bindings = RowBindings(statement.sqliteStatement)
        values(&bindings)
        try bindings.check(sql, columns: Int(sqlite3_bind_parameter_count(statement.sqliteStatement)))
        try statement.execute()
    }
}

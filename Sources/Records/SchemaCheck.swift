import GRDB

/// Whether a file's tables are those of this version.
enum SchemaCheck {
    /// A later version has changed the file: what else it keeps there nobody here knows.
    struct Later: Error {}

    static func refuseLater(_ database: Database, _ migrator: DatabaseMigrator) throws {
        if try migrator.hasBeenSuperseded(database) { throw Later() }
    }

    /// Throws for a file of this version in which a table or column is missing; an older one gets them by its next start.
    static func requireWhole(_ database: Database, _ migrator: DatabaseMigrator) throws {
        try refuseLater(database, migrator)
        guard try migrator.hasCompletedMigrations(database) else { return }
        let model = try DatabaseQueue()
        try migrator.migrate(model)
        let missing = try model.read(columns).subtracting(try columns(database))
        guard let first = missing.min() else { return }
        throw DatabaseError(resultCode: .SQLITE_CORRUPT, message: "\(first) is missing")
    }

    /// `table.column`.
    private static func columns(_ database: Database) throws -> Set<String> {
        let names = """
            SELECT tables.name || '.' || columns.name FROM sqlite_master AS tables, pragma_table_info(tables.name) AS columns
            WHERE tables.type = 'table'
            """
        return Set(try String.fetchAll(database, sql: names))
    }
}

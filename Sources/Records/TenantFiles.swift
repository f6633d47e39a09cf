import Events
import Foundation

/// The tenants' files that the writer has open.
struct TenantFiles {
    private let folder: URL
    private let durability: RecordDurability
    private let onTrouble: @Sendable (String) -> Void
    private var open: [TenantID: TenantDatabase] = [:]
    /// What comes before all else in a file that could not be used at the start.
    private var owed: [TenantID: RecordWriter.Recovery]

    init(
        _ folder: URL,
        durability: RecordDurability,
        owed: [TenantID: RecordWriter.Recovery],
        onTrouble: @escaping @Sendable (String) -> Void
    ) {
        (self.folder, self.durability, self.owed, self.onTrouble) = (folder, durability, owed, onTrouble)
    }

    /// Seconds for which all tenants' records wait where another program writes into the file of one.
    private static let patience = 1.0

    /// Those whose files have owed something since the start.
    var owing: [TenantID] { Array(owed.keys) }

    /// Every one that is open.
    var all: [TenantID: TenantDatabase] { open }

    /// Opens the file, or the one that is in its place by now: what is written into one that was taken away nobody ever reads.
    mutating func callAsFunction(_ tenant: TenantID) throws -> TenantDatabase {
        if let known = open[tenant] {
            if known.isInPlace { return known }
            // Closed before the other is opened, whose log is in the same place.
            open[tenant] = nil
            onTrouble(
                "tenant \(tenant): the file of records was taken away or replaced, with what it held; what comes now is written into the one in its place"
            )
        }
        let database = try TenantDatabase(
            folder: folder,
            tenant: tenant,
            durability: durability,
            patience: Self.patience
        )
        if let recover = owed[tenant] {
            try recover(database)
            owed[tenant] = nil
        }
        open[tenant] = database
        return database
    }

    /// It is opened anew when it is needed next.
    mutating func close(_ tenant: TenantID) { open[tenant] = nil }

    /// Tries those again that owe something, be there nothing to be written; that they cannot be used was told at the start.
    mutating func settle() {
        for tenant in owed.keys { _ = try? self(tenant) }
    }
}

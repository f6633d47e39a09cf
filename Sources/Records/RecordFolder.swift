public import Accounting
public import Events
public import Foundation
public import Timebase
public import Trace

/// The records of all tenants in a data folder, read beside a running switch or without one.
public struct RecordFolder: Sendable {
    let folder: URL

    public init(_ folder: URL) { self.folder = folder }

    /// Tenants that have records; throws when the folder is there and cannot be read.
    public var tenants: [TenantID] {
        get throws {
            let place = folder.appending(path: "tenants")
            guard try OpeningFault.isThere(place) else { return [] }
            let names = try OpeningFault.guarding(place) {
                try FileManager.default.contentsOfDirectory(atPath: place.path)
            }
            return names.sorted().map { TenantID($0) }
        }
    }

    /// Those of them who have a file of records.
    var tenantsOnRecord: [TenantID] {
        get throws {
            try tenants.filter { FileManager.default.fileExists(atPath: TenantDatabase.path(in: folder, of: $0).path) }
        }
    }

    /// Why what is read well cannot be written, the node's own file or that of a tenant; nil: it can, or is not there.
    public func faultOfWriting(of tenant: TenantID?) -> String? {
        let own = folder.appending(path: "gudok.sqlite")
        return OpeningFault.ofWriting(tenant.map { TenantDatabase.path(in: folder, of: $0) } ?? own)?.description
    }

    /// Why the node's own file cannot be used, and what to do; nil: it can, or nothing is there yet.
    public func faultOfNode() -> String? {
        do {
            if let database = try NodeDatabase(reading: folder) {
                try database.probe()
                return nil
            }
            let tenants = try tenantsOnRecord
            return tenants.isEmpty ? nil : NodeDatabase.loss(tenants)
        } catch {
            return "\(error.inWords)"
        }
    }

    /// When a switch that wrote here is last known to have lived, in milliseconds since 1970; a file that cannot be read says nothing.
    public var lastKnown: Int64 {
        ((try? tenants) ?? []).compactMap { try? database(of: $0)?.lastKnown }.max() ?? 0
    }

    func database(of tenant: TenantID) throws -> TenantDatabase? { try TenantDatabase(reading: folder, tenant: tenant) }

    /// The time that a question is about; where days bound it, each tenant's begin on his own clock.
    public struct Window: Sendable {
        public var since: WallTime?
        public var until: WallTime?

        public init(since: WallTime?, until: WallTime?) { (self.since, self.until) = (since, until) }
    }

    /// Newest first, over all the tenants asked for; `window` is of each of them, the query's own where it is not given.
    public func calls(
        _ query: CallQuery,
        of tenants: [TenantID],
        in window: ((TenantID) -> Window)? = nil
    ) throws -> [CallRecord] {
        var found: [CallRecord] = []
        for tenant in tenants {
            guard let database = try TenantDatabase(reading: folder, tenant: tenant) else { continue }
            var query = query
            if let window = window?(tenant) { (query.since, query.until) = (window.since, window.until) }
            found += try database.calls(query)
        }
        if tenants.count > 1 { found.sort { ($0.startedAt, $0.callID) > ($1.startedAt, $1.callID) } }
        return query.limit.map { Array(found.prefix(max(0, $0))) } ?? found
    }

    /// Newest first, over all the tenants asked for; `window` as with calls.
    public func recordings(
        _ query: RecordingQuery,
        of tenants: [TenantID],
        in window: ((TenantID) -> Window)? = nil
    ) throws -> [(RecordingRow, TenantID)] {
        var found: [(RecordingRow, TenantID)] = []
        for tenant in tenants {
            guard let database = try TenantDatabase(reading: folder, tenant: tenant) else { continue }
            var query = query
            if let window = window?(tenant) {
                (query.since, query.until) = (window.since?.milliseconds, window.until?.milliseconds)
            }
            found += try database.recordings(query).map { ($0, tenant) }
        }
        found.sort { ($0.0.startedMilliseconds, $0.0.id) > ($1.0.startedMilliseconds, $1.0.id) }
        return query.limit.map { Array(found.prefix(max(0, $0))) } ?? found
    }

    /// A recording, whosever it is, and though its file is gone.
    public func recording(_ id: String, of tenants: [TenantID]) throws -> (RecordingRow, TenantID)? {
        var query = RecordingQuery()
        (query.id, query.includesDeleted) = (id, true)
        return try recordings(query, of: tenants).first
    }

    /// The last event of all tenants whose files can be read; 0 when there is none.
    public func lastEvent() throws -> Int64 {
        try tenants.compactMap { try? TenantDatabase(reading: folder, tenant: $0)?.lastEvent() }.max() ?? 0
    }

    /// Why a tenant's file cannot be used, and what to do; nil: it can, or there is none yet.
    public func fault(of tenant: TenantID) -> String? {
        let own = folder.appending(path: "tenants").appending(path: tenant.name)
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: own.path, isDirectory: &isFolder) else { return nil }
        guard isFolder.boolValue else { return "\(own.path) is a file, and must be a folder; move it away" }
        do {
            try TenantDatabase(reading: folder, tenant: tenant)?.probe()
            return nil
        } catch {
            return "\(error.inWords)"
        }
    }

    /// What is to be said of a tenant's file that holds nothing any more, though he has a history; nil: nothing of the kind.
    public func loss(of tenant: TenantID) -> String? {
        let place = TenantDatabase.path(in: folder, of: tenant)
        let size = (try? FileManager.default.attributesOfItem(atPath: place.path))?[.size] as? NSNumber
        let mend = "take it from a backup (gudok restore); until then his records begin anew"
        if size == 0 { return "\(place.path) is empty: the records of his calls were in it; \(mend)" }
        let recordings = place.deletingLastPathComponent().appending(path: "recordings")
        guard size == nil, let kept = try? FileManager.default.contentsOfDirectory(atPath: recordings.path),
            !kept.isEmpty
        else { return nil }
        return "\(place.path) is not there, though he has recordings: the records of his calls were in it; \(mend)"
    }

    /// The record of one call of these tenants; of whomever, where none are named.
    public func call(_ id: String, of owners: [TenantID]? = nil) throws -> CallRecord? {
        for tenant in try owners ?? tenants {
            if let call = try TenantDatabase(reading: folder, tenant: tenant)?.call(id) { return call }
        }
        return nil
    }

    /// What is on disk of the trace of a call that is not over: all that is known of it when the switch has died.
    public func unfinishedTrace(of id: String, of owners: [TenantID]? = nil) throws -> CallTrace? {
        for tenant in try owners ?? tenants {
            if let trace = try TenantDatabase(reading: folder, tenant: tenant)?.unfinishedTrace(of: id) { return trace }
        }
        return nil
    }

    public func trace(of id: String, of owners: [TenantID]? = nil) throws -> CallTrace? {
        for tenant in try owners ?? tenants {
            if let trace = try TenantDatabase(reading: folder, tenant: tenant)?.trace(of: id) { return trace }
        }
        return nil
    }
}
